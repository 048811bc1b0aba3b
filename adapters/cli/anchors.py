"""`pprd ledger anchor`: an old checkpoint said again under another hash, signed with Ed25519 and ML-DSA-44."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adapters.cli.errors import out, say_json, told
from adapters.cli.options import AsJson
from adapters.cli.progress import entries_bar

if TYPE_CHECKING:
    from ledger.anchor import Anchor


class Algorithm(StrEnum):
    """Under which a ledger is anchored."""

    SHA_512 = "SHA-512"
    SHA3_256 = "SHA3-256"


def anchor_command(
    file: Annotated[Path, typer.Argument(help="The anchor file, F.pprd-anchor.")],
    source: Annotated[
        str | None, typer.Option(help="What audit takes: a data folder, an export, https://...; the archive, best.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check the file and change nothing; without --source its signatures only.")
    ] = False,
    algorithm: Annotated[Algorithm, typer.Option(help="Of the second tree.")] = Algorithm.SHA_512,
    name: Annotated[str | None, typer.Option(help="Who signs, such as archive.example/44.")] = None,
    keys: Annotated[
        Path | None, typer.Option(help="Folder of the signer's two keys; made if it holds none.", file_okay=False)
    ] = None,
    vkey: Annotated[str | None, typer.Option(help="The ledger's verifier key, from a source of your own.")] = None,
    as_json: AsJson = False,
) -> None:
    """Anchor the newest checkpoint of a ledger, add your signatures to an anchor that is there, or check one.

    Every entry is read once, in flat memory; interrupted, the same words go on. The signatures say that the signer has
    derived both roots: keep his public keys from a source of their own.
    """
    from adapters.compose.anchoring import anchor_ledger, read_anchor, verify_anchor

    if not verify and (source is None or name is None or keys is None):
        raise typer.BadParameter("say --source, --name and --keys, or --verify", param_hint="--source")
    with told(as_json=as_json), entries_bar("anchoring", is_shown=not as_json and source is not None) as progress:
        if verify:
            if source is None:
                anchor, resumed_at = read_anchor(file), None
            else:
                anchor, resumed_at = verify_anchor(file, source, vkey=vkey, progress=progress)
        else:
            anchor, resumed_at = anchor_ledger(
                source or "",
                file,
                algorithm=algorithm,
                name=name or "",
                keys=keys or Path(),
                vkey=vkey,
                progress=progress,
            )
    _show(anchor, resumed_at, is_derived=source is not None, as_json=as_json)


def _show(anchor: Anchor, resumed_at: int | None, *, is_derived: bool, as_json: bool) -> None:
    at = anchor.checkpoint
    signers = [
        {
            "name": one.name,
            "signed_at": one.seconds,
            "algorithm": one.algorithm,
            "public_key": base64.b64encode(one.public_key).decode(),
        }
        for one in anchor.signatures
    ]
    if as_json:
        row = {"origin": at.origin, "size": at.size, "root": at.root.hex(), "algorithm": anchor.algorithm}
        more = {"anchored_root": anchor.root.hex(), "derived": is_derived, "resumed_at": resumed_at}
        say_json(row | more | {"signers": signers})
        return
    out.print(f"{at.origin}, {at.size} entries, SHA-256 root {at.root.hex()}", markup=False, soft_wrap=True)
    out.print(f"under {anchor.algorithm} {anchor.root.hex()}", markup=False, soft_wrap=True)
    for one in anchor.signatures:
        when = datetime.fromtimestamp(one.seconds, UTC).strftime("%Y-%m-%d %H:%MZ") if one.seconds < 1 << 37 else "?"
        key = base64.b64encode(one.public_key).decode()
        out.print(f"  {one.algorithm} by {one.name} at {when}, key {key[:44]}", markup=False, soft_wrap=True)
    told_of = "both roots follow from the entries" if is_derived else "the signatures hold; the entries were not read"
    out.print(told_of, style="bold green" if is_derived else "yellow")
