"""`pprd evidence …`: what somebody kept of a ledger that lied, checked without a network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adapters.cli.errors import err, out, say_json, told
from adapters.cli.options import AsJson, Data, Region
from contracts.errors import UnavailableError

if TYPE_CHECKING:
    from ledger.evidence_file import EvidenceFile

evidence_app = typer.Typer(
    help="Evidence files: what a ledger signed that it must not have signed.", no_args_is_help=True
)


@evidence_app.command("verify")
def verify_command(
    file: Annotated[Path, typer.Argument(help="An evidence file, F.pprd-evidence.")],
    vkey: Annotated[
        str | None,
        typer.Option(help="The ledger's verifier key from a source of your own; else the file's, which you compare."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check what a file proves; exit 0 if its claim holds, 1 if it shows nothing. Needs no hub and no network."""
    from contracts.schema import load_registry
    from ledger.claim import verify_evidence
    from ledger.evidence_file import parse_evidence
    from ledger.note import NoteVerifier

    with told(as_json=as_json):
        evidence = parse_evidence(_read(file))
        log = evidence.log if vkey is None else NoteVerifier.parse(vkey)
        registry = load_registry()
        finding = verify_evidence(evidence, log=log, read_body=lambda body: registry.decode_body(body)[1])
    if as_json:
        say_json(finding._asdict() | {"log": log.vkey, "is_key_given": vkey is not None})
        return
    out.print(f"{finding.claim}: {finding.sentence}", markup=False, soft_wrap=True)
    if finding.is_conclusive:
        out.print(f"{finding.origin} signed what no ledger that keeps the rules can sign.", markup=False)
    else:
        out.print(f"{finding.origin} owes an answer: a part of this was shown and not signed.", markup=False)
    if vkey is None:
        err.print(f"The key is the file's own; compare it with the one that you know: {log.vkey}", markup=False)


@evidence_app.command("get")
def get_command(
    data: Data,
    region: Region,
    to: Annotated[Path, typer.Option("--out", help="A folder to write the files to.")],
    as_json: AsJson = False,
) -> None:
    """Write the evidence files that a region's gateway has kept; none is good news."""
    from adapters.compose.evidence import kept_evidence

    with told(as_json=as_json):
        rows = kept_evidence(data, region)
        write_files(to, region, rows)
    if as_json:
        say_json({"region": region, "claims": [claim for claim, _ in rows]})
    else:
        out.print(
            f"{len(rows)} evidence files of region {region} {' '.join(c for c, _ in rows)}".rstrip(), markup=False
        )


@evidence_app.command("head")
def head_command(
    data: Data,
    region: Region,
    to: Annotated[Path, typer.Option("--out", help="The file to write.")],
    as_json: AsJson = False,
) -> None:
    """Write the newest head of the ledger that a region trusts, for others to compare with theirs."""
    from adapters.compose.evidence import trusted_head
    from ledger.checkpoint import checkpoint_size

    with told(as_json=as_json):
        note = trusted_head(data, region)
        to.write_bytes(note)
    if as_json:
        say_json({"region": region, "size": checkpoint_size(note), "file": str(to)})
    else:
        out.print(f"{to}: size {checkpoint_size(note)}", markup=False)


@evidence_app.command("compare")
def compare_command(
    one: Annotated[Path, typer.Argument(help="A signed head that one was shown.")],
    two: Annotated[Path, typer.Argument(help="A signed head that the other was shown.")],
    vkey: Annotated[str, typer.Option(help="The ledger's verifier key from a source of your own.")],
    to: Annotated[Path, typer.Option("--out", help="A folder for the evidence, if they do not agree.")],
    source: Annotated[
        str | None, typer.Option(help="What audit takes, to prove that one extends the other; not for equal sizes.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the heads that two people were shown: exit 0 if they are of one history, 1 if not, with the evidence."""
    from adapters.compose.evidence import compare_heads
    from adapters.compose.sources import SYSTEM
    from ledger.note import NoteVerifier

    with told(as_json=as_json):
        file = compare_heads(_read(one), _read(two), NoteVerifier.parse(vkey), source, SYSTEM)
        written = [] if file is None else write_evidence(to, "heads", [file])
    if as_json:
        say_json({"claim": None if file is None else file.claim, "evidence": [str(path) for path in written]})
    elif file is None:
        out.print("one history", style="bold green")
    else:
        out.print(f"{file.claim}: {written[0]}", markup=False, soft_wrap=True, style="bold red")
    if file is not None:
        raise typer.Exit(1)


def write_evidence(folder: Path, whose: str, files: Sequence[EvidenceFile]) -> list[Path]:
    """Write evidence files to a folder, each under who made it, its claim and its hash: a name tells nothing else.

    Args:
        folder: Made if it is not there.
        whose: A region, a delivery point, or the name of a role.
        files: The files.

    Raises:
        UnavailableError: EXPORT_FAILED: the folder cannot be written.
    """
    from ledger.evidence_file import format_evidence

    return write_files(folder, whose, [(one.claim, format_evidence(one)) for one in files])


def write_files(folder: Path, whose: str, files: Sequence[tuple[str, bytes]]) -> list[Path]:
    """As `write_evidence`, of files that are written already, with the claim of each."""
    from ledger.evidence_file import evidence_name

    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for claim, data in files:
            path = folder / evidence_name(whose, claim, data)
            path.write_bytes(data)
            written.append(path)
    except OSError as error:
        raise UnavailableError("EXPORT_FAILED", f"{folder} cannot be written: {error.strerror}") from error
    return written


def _read(file: Path) -> bytes:
    from ledger.evidence_file import MAX_EVIDENCE_BYTES

    try:
        with file.open("rb") as opened:
            return opened.read(MAX_EVIDENCE_BYTES + 1)
    except OSError as error:
        raise UnavailableError("SOURCE_UNREADABLE", f"{file} cannot be read") from error
