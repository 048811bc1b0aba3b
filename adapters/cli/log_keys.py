"""`pprd ledger rotate-key …`: the key that signs the ledger's checkpoints is replaced while the chain stays whole.

The hub must not run during a step; each takes as long as a start of the hub. Whoever follows the ledger learns of the
next key from the ledger itself, under the signature of the one before.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adapters.cli.errors import out, say_json, told
from adapters.cli.options import AsJson, Data, Hub

if TYPE_CHECKING:
    from adapters.compose.log_key_rolls import Rolled

rotate_key_app = typer.Typer(
    help="Replace the key that signs checkpoints: prepare, switch, retire. Stop the hub for each step.",
    no_args_is_help=True,
)


@rotate_key_app.command("status")
def status_command(data: Data, as_json: AsJson = False) -> None:
    """Tell every key that the ledger had and the sizes that it signs."""
    from adapters.compose.folder import DataFolder
    from adapters.compose.log_key_rolls import log_key_standing

    with told(as_json=as_json):
        rolled = log_key_standing(DataFolder(data).hub_settings())
    _show(rolled, "", as_json=as_json)


@rotate_key_app.command("prepare")
def prepare_command(data: Data, as_json: AsJson = False) -> None:
    """Make the next key and announce it in the ledger: from here on checkpoints bear both signatures.

    Then start the hub, give the new key to whoever keeps a list of keys (witnesses, policies, new regions), and
    wait until they have it. Regions, inboxes and auditors learn of it by themselves.
    """
    from adapters.compose.folder import DataFolder
    from adapters.compose.log_key_rolls import prepare_log_key

    with told(as_json=as_json):
        rolled = prepare_log_key(DataFolder(data).hub_settings())
    _show(rolled, "announced: both keys sign until `pprd ledger rotate-key switch`", as_json=as_json)


@rotate_key_app.command("switch")
def switch_command(data: Data, as_json: AsJson = False) -> None:
    """Let the announced key sign alone: what only the earlier key signs over more entries is refused from here on."""
    from adapters.compose.folder import DataFolder
    from adapters.compose.log_key_rolls import switch_log_key

    with told(as_json=as_json):
        rolled = switch_log_key(DataFolder(data).hub_settings())
    _show(rolled, "switched: the new key signs alone; `pprd ledger rotate-key retire` comes last", as_json=as_json)


@rotate_key_app.command("withdraw")
def withdraw_command(data: Data, as_json: AsJson = False) -> None:
    """Go on with the key in use and destroy the announced one, before it was switched to."""
    from adapters.compose.folder import DataFolder
    from adapters.compose.log_key_rolls import withdraw_log_key

    with told(as_json=as_json):
        rolled = withdraw_log_key(DataFolder(data).hub_settings())
    _show(rolled, "withdrawn: the key in use signs alone", as_json=as_json)


@rotate_key_app.command("retire")
def retire_command(data: Data, as_json: AsJson = False) -> None:
    """Destroy the files of keys that sign no longer; checkpoints and receipts of their time stay valid."""
    from adapters.compose.folder import DataFolder
    from adapters.compose.log_key_rolls import retire_log_keys

    with told(as_json=as_json):
        rolled = retire_log_keys(DataFolder(data).hub_settings())
    _show(rolled, f"{len(rolled.dropped)} earlier key files destroyed", as_json=as_json)


def log_keys_command(
    to: Annotated[Path, typer.Option("--out", help="The file to write, F.log-keys.")],
    data: Annotated[Path | None, typer.Option("--data", help="The data folder of a hub.", file_okay=False)] = None,
    hub: Hub = None,
    as_json: AsJson = False,
) -> None:
    """Write the chain of the ledger's keys: with it, who trusts one of them checks receipts of every time."""
    from adapters.compose.log_key_views import chain_and_keys
    from adapters.compose.views import ledger_view

    with told(as_json=as_json), ledger_view(data, hub) as view:
        chain, keys = chain_and_keys(view)
        to.write_bytes(chain)
    if as_json:
        say_json({"file": str(to), "keys": [key.verifier.vkey for key in keys.keys]})
    else:
        out.print(f"{to}: {len(keys.keys)} keys of {keys.origin}", markup=False)


def _show(rolled: Rolled, message: str, *, as_json: bool) -> None:
    rows = [{"vkey": key.verifier.vkey, "since": key.since, "until": key.until} for key in rolled.keys.keys]
    if as_json:
        say_json({"index": rolled.entry, "keys": rows, "dropped": list(rolled.dropped)})
        return
    for row in rows:
        until = "" if row["until"] is None else f" to {row['until']}"
        out.print(f"sizes from {row['since']}{until}: {row['vkey']}", markup=False, soft_wrap=True)
    if message:
        out.print(message, style="bold green", markup=False)
