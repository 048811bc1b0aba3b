"""`pprd audit`: derive a ledger again.

Exit codes of `pprd audit`: 0 everything follows, 1 something does not, 2 the source cannot be found or read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.table import Table

from adapters.cli.errors import language, out, say_json, tell, told
from adapters.cli.options import AsJson
from adapters.cli.progress import entries_bar
from adapters.cli.projection_reports import projections_json, show_projections
from adapters.cli.recipients import EvidenceOut, HeadFiles, InboxFile, Recipient, recipient_audit
from contracts.errors import UnavailableError
from contracts.messages import message_of
from hub.audit_report import Progress, Report
from hub.disclosure import DisclosureReport
from hub.foreign import LEFT_OUT

if TYPE_CHECKING:
    from adapters.compose.projection_auditing import ProjectionReport
    from adapters.compose.sources import Trust

EXIT_UNEXPLAINED: Final = 1
EXIT_UNREADABLE: Final = 2


def audit_command(
    source: Annotated[
        str | None, typer.Argument(help="A data folder, HOST:PORT of a hub, an exported folder, or https://...")
    ] = None,
    vkey: Annotated[
        str | None, typer.Option(help="The ledger's verifier key; without it the source's own is trusted on first use.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="Policy file: the checkpoint must bear the cosignatures of its quorum.")
    ] = None,
    foreign: Annotated[
        bool,
        typer.Option("--foreign", help="A log that is not ours: tree and signatures only; with --vkey or --policy."),
    ] = False,
    ca_file: Annotated[
        Path | None, typer.Option("--ca", help="PEM of who may have signed the hub's certificate.")
    ] = None,
    cert: Annotated[Path | None, typer.Option(help="Your certificate, PEM, for a hub that asks for one.")] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key, PEM.")] = None,
    hashes_only: Annotated[
        bool, typer.Option(help="Only hashes, signatures and checkpoints: quick; the report says what it left out.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Processes, up to two; by default two for a long ledger where there are two cores."),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(help="Keep the state of the audit in this file, and go on from it after an interruption."),
    ] = None,
    predecessor: Annotated[
        str | None, typer.Option(help="The archive of the closed ledger from which this one goes on: check the link.")
    ] = None,
    predecessor_vkey: Annotated[str | None, typer.Option(help="A verifier key of that ledger.")] = None,
    disclosure: Annotated[
        bool,
        typer.Option(help="Then compare who was given which content with who may get it, and name what does not fit."),
    ] = False,
    projections: Annotated[
        bool,
        typer.Option(help="Then keep every list and count again and compare published statistics and digests."),
    ] = False,
    recipient: Recipient = None,
    inbox: InboxFile = None,
    heads: HeadFiles = None,
    evidence: EvidenceOut = None,
    as_json: AsJson = False,
) -> None:
    """Audit a ledger from its first entry to its last; with --recipient, what one delivery point got of it."""
    from adapters.compose.auditing import run_audit
    from adapters.compose.foreign_auditing import hold_to_policy, policy_of
    from adapters.compose.ledger_end import hold_to_predecessor
    from adapters.compose.sources import Trust

    trust = Trust(ca_file, cert, key)
    if recipient is not None:
        data = None if policy is None else _bytes(policy)
        recipient_audit(
            recipient, source, inbox, heads or [], evidence, vkey=vkey, policy=data, trust=trust, as_json=as_json
        )
        return
    if source is None:
        raise typer.BadParameter("say what to audit", param_hint="SOURCE")
    try:
        with told(as_json=as_json), entries_bar("auditing", is_shown=not as_json) as progress:
            try:
                if foreign:
                    _audit_foreign(source, vkey, policy, trust, progress, as_json=as_json)
                    return
                report = run_audit(
                    source, vkey=vkey, trust=trust, progress=progress, hashes_only=hashes_only, jobs=jobs, resume=resume
                )
                if policy is not None and report.problem is None:
                    report = hold_to_policy(report, policy_of(vkey, _bytes(policy)), trust)
                if predecessor is not None and report.problem is None:
                    report = hold_to_predecessor(report, predecessor, vkey=predecessor_vkey, trust=trust)
            except UnavailableError as error:
                tell(error, as_json=as_json)
                raise typer.Exit(EXIT_UNREADABLE) from error
    except BrokenPipeError as error:
        raise typer.Exit(EXIT_UNREADABLE) from error
    found = _disclosure(source, trust, report, as_json=as_json) if disclosure else None
    kept = _projections(source, trust, report, as_json=as_json) if projections else None
    files = [] if evidence is None else _evidence(evidence, report, trust, as_json=as_json)
    if as_json:
        more = {} if found is None else {"disclosure": disclosure_json(found)}
        more |= {} if kept is None else {"projections": projections_json(kept)}
        say_json(report.to_json() | more | ({} if evidence is None else {"evidence": [str(file) for file in files]}))
    else:
        show_report(report)
        for file in files:
            out.print(f"  what shows it to others: {file}", markup=False, soft_wrap=True)
        if evidence is not None and report.problem is not None and not files:
            out.print("  nobody signed this, so nothing shows it to others", markup=False)
        if found is not None:
            show_disclosure(found)
        if kept is not None:
            show_projections(kept)
    is_whole = report.problem is None and (found is None or not found.findings)
    if not is_whole or (kept is not None and kept.problem is not None):
        raise typer.Exit(EXIT_UNEXPLAINED)


def _evidence(folder: Path, report: Report, trust: Trust, *, as_json: bool) -> list[Path]:
    """Write the evidence of what does not follow."""
    from adapters.cli.evidence import write_evidence
    from adapters.compose.audit_evidence import audit_evidence

    with told(as_json=as_json):
        return write_evidence(folder, "audit", audit_evidence(report, trust=trust))


def _projections(source: str, trust: Trust, report: Report, *, as_json: bool) -> ProjectionReport | None:
    """Keep the projections of a ledger that follows from itself; None for one that does not."""
    from adapters.compose.projection_auditing import run_projection_audit

    if report.problem is not None or report.is_of_hashes:
        return None
    with told(as_json=as_json), entries_bar("counting", is_shown=not as_json) as progress:
        return run_projection_audit(source, size=report.size, trust=trust, progress=progress)


def _disclosure(source: str, trust: Trust, report: Report, *, as_json: bool) -> DisclosureReport | None:
    """Compare who was given what, in a ledger that follows from itself; None for one that does not."""
    from adapters.compose.disclosure_auditing import run_disclosure

    if report.problem is not None or report.is_of_hashes:
        return None
    with told(as_json=as_json), entries_bar("comparing", is_shown=not as_json) as progress:
        return run_disclosure(source, size=report.size, trust=trust, progress=progress)


def disclosure_json(found: DisclosureReport) -> dict[str, Any]:
    """Plain values for machines. Names stay; new ones may come."""
    return {
        "events": found.events,
        "payloads": found.payloads,
        "openings": found.openings,
        "openings_without_task": dict(found.cleared),
        "notified": found.notified,
        "over": found.counts().get("OVER", 0),
        "under": found.counts().get("UNDER", 0),
        "findings": [one._asdict() | {"event_id": one.event_id.hex()} for one in found.findings],
    }


def show_disclosure(found: DisclosureReport) -> None:
    """Write who was given what he may not have, and who was not given what he should have."""
    counts = found.counts()
    out.print(
        f"Need to know: {found.payloads} recipients of content in {found.events} events, {found.openings} openings: "
        f"{counts.get('OVER', 0)} over-disclosed, {counts.get('UNDER', 0)} under-disclosed",
        style="bold red" if found.findings else "bold green",
        soft_wrap=True,
    )
    if found.cleared:
        told_reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(found.cleared.items()))
        out.print(f"Opened without a task: {told_reasons}", soft_wrap=True)
    for one in found.findings:
        told_of = f"entry {one.entry}, event {one.event_id.hex()}, {one.event_type}, {one.profile}"
        out.print(f"{one.kind}: {told_of}: {one.office} {one.reason}".rstrip(), markup=False, soft_wrap=True)


def _audit_foreign(
    source: str, vkey: str | None, policy: Path | None, trust: Trust, progress: Progress, *, as_json: bool
) -> None:
    """Audit a log that is not ours and end with the exit code of an audit."""
    from adapters.compose.foreign_auditing import run_foreign_audit

    data = None if policy is None else _bytes(policy)
    report = run_foreign_audit(source, vkey=vkey, policy=data, trust=trust, progress=progress)
    problem = report.problem
    if as_json:
        say_json(report.to_json())
    else:
        told = f"Log {report.origin or '?'}, {report.size} entries, root {report.root or '?'}"
        out.print(told, markup=False, soft_wrap=True)
        out.print(f"{report.entries} entries hashed; cosigned by {', '.join(report.cosigners) or 'nobody asked for'}")
        out.print(f"Not ours, so not looked at: {LEFT_OUT}", style="yellow", soft_wrap=True)
        if problem is None:
            out.print("tree and signatures hold", style="bold green")
        else:
            out.print(f"this does not hold: {problem}", markup=False, soft_wrap=True, style="bold red")
    if problem is not None:
        raise typer.Exit(EXIT_UNEXPLAINED)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnavailableError("SOURCE_UNREADABLE", f"{path} cannot be read: {error.strerror}") from error


def show_report(report: Report) -> None:
    """Write what an audit found, for people."""
    tally = report.tally
    out.print(
        f"Ledger {report.origin or '?'}, {report.size} entries, root {report.root or '?'}", markup=False, soft_wrap=True
    )
    if report.is_key_from_source:
        out.print(f"Key {report.vkey or '?'}", markup=False, soft_wrap=True)
        out.print(
            "  The source itself named this key: it is trusted on first use. Compare it with the one that the operator"
            " gave you, or say --vkey.",
            markup=False,
            style="yellow",
        )
    else:
        out.print(f"Key {report.vkey} (yours)", markup=False, soft_wrap=True)
    if (before := report.predecessor) is not None:
        checked = "checked" if report.is_predecessor_checked else "not checked: say --predecessor ARCHIVE"
        out.print(f"Goes on from {before.origin}, closed at size {before.size} ({checked})", markup=False)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    for what, count, by in (
        ("entries", tally.entries, {}),
        ("batches", tally.batches, {}),
        ("events", sum(tally.events.values()), tally.events),
        ("refusals", sum(tally.refusals.values()), tally.refusals),
        ("deliveries", sum(tally.deliveries.values()), tally.deliveries),
        ("openings", sum(tally.openings.values()), tally.openings),
        ("without a task", sum(tally.cleared.values()), tally.cleared),
        ("missed duties", sum(tally.missed.values()), tally.missed),
        ("heads compared", tally.heads, {}),
        ("payloads named", tally.payloads, {}),
        ("checkpoints compared", report.checkpoints, {}),
        ("delivery runs compared", report.runs, {}),
        ("inbox notifications compared", report.inboxes, {}),
    ):
        table.add_row(what, "-" if count is None else str(count), _by(by))
    out.print(table)
    if (line := report.payload_line()) is not None:
        out.print(line, markup=False)
    for one in tally.retention.unconfirmed():
        out.print(one.line(), markup=False, soft_wrap=True, style="yellow" if one.late else None)
    if report.not_checked:
        only = "Hashes, signatures and checkpoints only. " if report.is_of_hashes else ""
        out.print(f"{only}Not checked:", style="bold yellow")
        for what in report.not_checked:
            out.print(f"  {what}", markup=False, style="yellow")
    problem = report.problem
    if problem is None:
        told = "0 unexplained, of what was checked" if report.not_checked else "0 unexplained"
        out.print(told, style="bold green")
        return
    out.print("1 unexplained, the first thing that does not follow:", style="bold red")
    out.print(f"  {problem}", markup=False, soft_wrap=True)
    message = message_of(problem.code, language())
    out.print(f"  {message.sentence} {message.advice}", markup=False)


def _by(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
