"""`pprd audit --recipient`, `pprd receipt heads`, `pprd receipt evidence`: events 1 to n, none missing.

Exit codes: 0 nothing is missing, 1 something disagrees (or the file shows nothing), 2 what is needed cannot be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from adapters.cli.errors import out, say_json, tell
from adapters.cli.evidence import write_evidence
from adapters.cli.options import AsJson, Hub
from adapters.cli.progress import entries_bar
from adapters.cli.proofs import MaybeData
from adapters.cli.receipts import read_file
from contracts.errors import ContractError, ExchangeError, UnavailableError
from contracts.ids import PointId

if TYPE_CHECKING:
    from adapters.compose.recipient_audit import RecipientReport
    from adapters.compose.sources import Trust

EXIT_DISAGREES: Final = 1
EXIT_UNREADABLE: Final = 2

Recipient = Annotated[
    str | None, typer.Option("--recipient", help="A delivery point, 44-node: only what it was sent and holds.")
]
InboxFile = Annotated[
    Path | None, typer.Option("--inbox", help="With --recipient: the region's region.sqlite.", dir_okay=False)
]
HeadFiles = Annotated[
    list[Path] | None,
    typer.Option("--heads", help="With --recipient, instead of SOURCE: receipt files of published heads."),
]
EvidenceOut = Annotated[
    Path | None,
    typer.Option("--evidence", help="A folder for the evidence files of what does not follow.", file_okay=False),
]


def recipient_audit(
    recipient: str,
    source: str | None,
    inbox: Path | None,
    heads: Sequence[Path],
    evidence: Path | None,
    *,
    vkey: str | None,
    policy: bytes | None,
    trust: Trust,
    as_json: bool,
) -> None:
    """Say whether a point holds events 1 to n, none missing; end with the exit code of an audit."""
    try:
        report = _report(PointId(recipient), source, inbox, heads, vkey, policy, trust, is_shown=not as_json)
        files = [] if evidence is None else write_evidence(evidence, recipient, report.evidence)
    except ExchangeError as error:
        tell(error, as_json=as_json)
        code = EXIT_UNREADABLE if isinstance(error, UnavailableError) else EXIT_DISAGREES
        raise typer.Exit(code) from error
    if as_json:
        say_json(_row(report) | {"evidence": [str(file) for file in files]})
    else:
        _show(report, files)
    if report.problem is not None:
        raise typer.Exit(EXIT_DISAGREES)


def _report(
    point: PointId,
    source: str | None,
    inbox: Path | None,
    heads: Sequence[Path],
    vkey: str | None,
    policy: bytes | None,
    trust: Trust,
    *,
    is_shown: bool,
) -> RecipientReport:
    from adapters.compose.foreign_auditing import policy_of
    from adapters.compose.recipient_audit import audit_recipient, audit_recipient_offline

    known = policy_of(vkey, policy) if vkey is not None or policy is not None else None
    if source is not None:
        with entries_bar("deriving", is_shown=is_shown) as progress:
            return audit_recipient(source, point, policy=known, inbox=inbox, trust=trust, progress=progress)
    if inbox is None or known is None:
        raise ContractError("SETTINGS_INVALID", "without a SOURCE say --inbox, --heads, and --vkey or --policy")
    return audit_recipient_offline(inbox, point, heads=[read_file(path) for path in heads], policy=known)


def _show(report: RecipientReport, files: Sequence[Path]) -> None:
    complete = report.complete
    out.print(f"Ledger {report.origin}, {report.size} entries", markup=False, soft_wrap=True)
    if complete is None:
        out.print(f"{report.problem}", markup=False, soft_wrap=True, style="bold red")
        for file in files:
            out.print(f"  what shows it to others: {file}", markup=False, soft_wrap=True)
        return
    out.print(f"{complete.point}: events 1 to {complete.n}, none missing", markup=False, style="bold green")
    out.print(
        f"  confirmed by the ledger up to {complete.confirmed_n}, by the region's receipts to {complete.receipted_n}"
    )
    if complete.confirmed_n < complete.n:
        out.print("  the rest waits for the next published head", style="yellow")


def _row(report: RecipientReport) -> dict[str, Any]:
    complete, problem = report.complete, report.problem
    row: dict[str, Any] = {"point": report.point, "origin": report.origin, "size": report.size}
    if complete is not None:
        row |= {
            "n": complete.n,
            "head": complete.head.hex(),
            "confirmed_n": complete.confirmed_n,
            "published_n": complete.published_n,
            "receipted_n": complete.receipted_n,
            "due_n": complete.due_n,
        }
    return row | {"problem": None if problem is None else {"code": problem.code, "reason": problem.message}}


def heads_command(
    point: Annotated[str, typer.Argument(help="A delivery point, 44-node.")],
    to: Annotated[Path, typer.Option("--out", help="The receipt file to write, F.tlog-proof.")],
    data: MaybeData = None,
    hub: Hub = None,
    as_json: AsJson = False,
) -> None:
    """Write the receipt of the last published head of a delivery point, for an audit without the ledger."""
    from adapters.cli.errors import told
    from adapters.compose.published_heads import last_head

    with told(as_json=as_json):
        found = last_head(PointId(point), data, hub)
        to.write_bytes(found.file)
    if as_json:
        say_json({"file": str(to), "point": point, "n": found.n, "index": found.leaf_index})
    else:
        out.print(f"{to}: entry {found.leaf_index} publishes {found.n} notifications of {point}", markup=False)
