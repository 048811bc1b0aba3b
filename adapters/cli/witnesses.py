"""`pprd witness …`: somebody who signs that a ledger only grows."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.errors import err, out, say_json, told
from adapters.cli.evidence import write_files
from adapters.cli.options import AsJson, Data
from adapters.cli.servers import LogFile, say_ready
from adapters.compose.folder import DataFolder
from adapters.compose.running import until_told
from adapters.logs import configure_logs

witness_app = typer.Typer(help="A witness: it signs that ledgers only grow.", no_args_is_help=True)


class Algorithm(StrEnum):
    """What a witness signs with."""

    ED25519 = "ed25519"
    ML_DSA_44 = "ml-dsa-44"


@witness_app.command("init")
def init_witness(
    data: Data,
    name: Annotated[str, typer.Option(help="Name of its key, such as witness.example/44.")],
    region: Annotated[str, typer.Option(help="Two digits: who runs it; 99 for somebody outside the regions.")],
    algorithm: Annotated[Algorithm, typer.Option(help="Of its keys.")] = Algorithm.ED25519,
    listen: Annotated[str, typer.Option(help="HOST:PORT where it will listen.")] = "127.0.0.1:0",
    as_json: AsJson = False,
) -> None:
    """Make the keys of a new witness, and its list of ledgers, which is empty."""
    from adapters.compose.key_locks import key_lock
    from adapters.compose.parts import KEYS
    from adapters.keys.folder import make_witness_keys
    from adapters.settings import WitnessSettings

    folder = DataFolder(data)
    policy = folder.root / "witness.policy"
    with told(as_json=as_json):
        settings = WitnessSettings.load(
            None, data_dir=folder.witness, listen=listen, name=name, region=region, policy=policy
        )
        is_ml_dsa = algorithm is Algorithm.ML_DSA_44
        make_witness_keys(folder.witness / KEYS, is_ml_dsa=is_ml_dsa, lock=key_lock())
        folder.write_witness(settings)
        policy.write_text("quorum none\n", encoding="utf-8")
    witness_key(data, as_json=as_json)


@witness_app.command("key")
def witness_key(data: Data, as_json: AsJson = False) -> None:
    """Tell the verifier keys of a witness, for the policies of others."""
    from adapters.compose.key_locks import key_lock
    from adapters.compose.parts import KEYS
    from adapters.compose.witness_program import Signers
    from adapters.keys.folder import read_witness_keys

    with told(as_json=as_json):
        folder = DataFolder(data)
        settings = folder.witness_settings()
        signers = Signers.of(settings.name, read_witness_keys(folder.witness / KEYS, key_lock()))
    if as_json:
        say_json({"vkey": signers.grown.verifier.vkey, "validated_vkey": signers.validated.verifier.vkey})
        return
    out.print("The ledger only grew:", markup=False)
    out.print(signers.grown.verifier.vkey, markup=False, soft_wrap=True)
    out.print("And every entry follows (only with --validate):", markup=False)
    out.print(signers.validated.verifier.vkey, markup=False, soft_wrap=True)


@witness_app.command("add-log")
def add_log(
    vkey: Annotated[str, typer.Argument(help="The ledger's verifier key, as its operator gave it to you.")],
    data: Data,
    as_json: AsJson = False,
) -> None:
    """Take a ledger into the list of those that this witness cosigns; a running witness has to be started again."""
    from adapters.compose.policies import read_policy
    from adapters.compose.witness_program import known_logs
    from ledger.note import NoteVerifier
    from ledger.policy import Log, Policy, format_policy

    with told(as_json=as_json):
        settings = DataFolder(data).witness_settings()
        policy = read_policy(settings.policy)
        verifier = NoteVerifier.parse(vkey)
        longer = Policy((*policy.logs, Log(verifier)), policy.witnesses, policy.groups, policy.quorum)
        settings.policy.write_bytes(format_policy(longer))
        logs = known_logs(settings)
    if as_json:
        say_json({"logs": sorted(logs)})
    else:
        out.print(f"{verifier.name} is cosigned from the next start on; {len(logs)} ledgers in all", markup=False)


@witness_app.command("serve")
def serve_witness(
    data: Data,
    listen: Annotated[str | None, typer.Option(help="HOST:PORT; port 0 takes a free one.")] = None,
    validate: Annotated[
        str | None, typer.Option(help="Audit the new entries from here before the second key signs: what audit takes.")
    ] = None,
    ca: Annotated[Path | None, typer.Option(help="PEM of who may have signed the source's certificate.")] = None,
    log: LogFile = None,
    as_json: AsJson = False,
) -> None:
    """Run a witness until SIGINT or SIGTERM."""

    async def run() -> None:
        from adapters.compose.witness_program import WitnessProgram

        settings = DataFolder(data).witness_settings(listen=listen, validate_source=validate)
        async with WitnessProgram(settings, ca=ca) as witness:
            say_ready("witness", witness.address, as_json=as_json)
            await until_told(asyncio.Event(), witness.failed())

    with told(as_json=as_json):
        configure_logs(program="witness", to=log)
        asyncio.run(run())


@witness_app.command("evidence")
def evidence_command(
    data: Data,
    to: Annotated[Path | None, typer.Option("--out", help="A folder for what was refused, and evidence files.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the requests that were refused although the ledger's key had signed them."""
    from adapters.compose.witness_program import WITNESS_FILE
    from adapters.store.witness_store import WitnessStore

    with told(as_json=as_json):
        folder = DataFolder(data)
        folder.witness_settings()
        with WitnessStore(folder.witness / WITNESS_FILE) as store:
            rows, files = store.evidence(), store.files()
        if to is not None:
            to.mkdir(parents=True, exist_ok=True)
            for number, row in enumerate(rows):
                (to / f"{number:06}.add-checkpoint").write_bytes(row.body)
            write_files(to, "witness", files)
    for number, row in enumerate(rows):
        kept = datetime.fromtimestamp(row.kept_at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        if as_json:
            say_json({"number": number, "origin": row.origin, "code": row.code, "kept_at": kept})
        else:
            out.print(f"{number:6} {kept} {row.origin} {row.code}", markup=False)
    err.print(
        f"{len(rows)} requests are kept, {len(files)} evidence files: {' '.join(c for c, _ in files)}", markup=False
    )
