"""Audits and exports: finds out what a source is, opens it, closes it again.

A source is the data folder of a hub (`…/hub`, or the folder above it, whose regions' inboxes are compared too), the
address of a running hub, an exported folder of tiles, or the address of a ledger that is published over the web.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

from adapters.compose.audit_jobs import HALVES, ReaderProcess, audit_divided, reader_process, usable_cores
from adapters.compose.audit_sources import opened_source
from adapters.compose.ledger_place import ledger_in, ledger_place
from adapters.compose.local_source import Opened
from adapters.compose.parts import REGION_FILE, contracts_in_force, contracts_of_evidence
from adapters.compose.sources import SYSTEM, Trust
from adapters.region.held_audit import check_held
from adapters.region.inbox_audit import check_inbox
from adapters.store.audit_file import KEEP_EVERY_SECONDS, AuditFile
from adapters.store.folder_source import FolderSource
from adapters.store.tiles_export import Exported, TilesExport
from hub.audit import Audit
from hub.audit_errors import KeptError
from hub.audit_hashes import HashAudit
from hub.audit_report import Problem, Progress, Report

LONG_LEDGER: Final = 50_000
"""Entries from which on a second process is worth its start."""
LONG_FOR_HASHES: Final = 200_000
"""The same where only hashes and signatures are checked."""
_YOUNG: Final = 1_000_000
_MOVED: Final = "newest states, heads and lists that are kept: the hub has recorded more, audit again for them"
_NO_KEYS: Final = "whether each office's key to a payload is held: this is a copy without keys"


def run_audit(
    source_text: str,
    *,
    vkey: str | None = None,
    trust: Trust = SYSTEM,
    progress: Progress | None = None,
    hashes_only: bool = False,
    jobs: int | None = None,
    resume: Path | None = None,
    keep_every_seconds: float = KEEP_EVERY_SECONDS,
) -> Report:
    """Audit a ledger from its first entry to its last.

    Args:
        source_text: A data folder, `HOST:PORT`, an exported folder, or the `https://` address of a published ledger.
        vkey: The log's verifier key as the auditor knows it; None trusts the one that the source names.
        trust: Whom the reader believes and what it shows.
        progress: Told how many of how many entries are done.
        hashes_only: Leave out what events say; the report names what was not checked.
        jobs: Processes to use, up to two; None uses two for a ledger of `LONG_LEDGER` entries where there are two
            cores, with `hashes_only` of `LONG_FOR_HASHES`. The report is the same. The address of a hub and `resume`
            take one.
        resume: The file in which the audit keeps its state, and from which it goes on if it is there; it is removed
            when the audit comes to its end. Not for `hashes_only`, which is over too soon.
        keep_every_seconds: Pause between two times of keeping.

    Returns:
        What was counted, and the first thing that does not follow, if there is one.

    Raises:
        UnavailableError: The source cannot be found or read; nothing is said about the ledger.
    """
    with _much_dies_young():
        report = None
        if resume is None and (jobs is None or jobs > 1):
            long = LONG_FOR_HASHES if hashes_only else LONG_LEDGER
            report = audit_in_two(
                source_text,
                vkey=vkey,
                trust=trust,
                progress=progress,
                worth_entries=long if jobs is None else 0,
                hashes_only=hashes_only,
            )
        if report is None:
            with opened_source(source_text, trust=trust) as opened:
                if hashes_only:
                    return _hashes(source_text, opened, vkey=vkey, progress=progress)
                report = _whole(
                    source_text, opened, vkey=vkey, progress=progress, resume=resume, every=keep_every_seconds
                )
        return report


def audit_in_two(
    source_text: str,
    *,
    vkey: str | None = None,
    trust: Trust = SYSTEM,
    progress: Progress | None = None,
    worth_entries: int = 0,
    hashes_only: bool = False,
    reader: ReaderProcess = reader_process,
) -> Report | None:
    """Audit with a second process that reads; see `adapters.compose.audit_jobs`.

    Args:
        source_text: As in `run_audit`.
        vkey: As in `run_audit`.
        trust: As in `run_audit`.
        progress: As in `run_audit`.
        worth_entries: Ledgers with fewer entries are not worth a second process; 0 takes any.
        hashes_only: As in `run_audit`.
        reader: Starts the second process.

    Returns:
        What `run_audit` gives in one process; None where that one has to be asked: something does not follow, or the
        ledger is another machine's, or short, or there is one core only.
    """
    if worth_entries and usable_cores() < HALVES:
        return None
    with opened_source(source_text, trust=trust) as opened:
        if not opened.is_local:
            return None
        report = audit_divided(
            source_text,
            opened,
            vkey=vkey,
            progress=progress,
            worth_entries=worth_entries,
            hashes_only=hashes_only,
            reader=reader,
        )
        return report if report is None or hashes_only else _with_inboxes(report, opened)


def _hashes(name: str, opened: Opened, *, vkey: str | None, progress: Progress | None) -> Report:
    rules = contracts_of_evidence()
    return HashAudit(name=name, source=opened.source, rules=rules, vkey=vkey, progress=progress).run()


def _whole(
    name: str,
    opened: Opened,
    *,
    vkey: str | None,
    progress: Progress | None,
    resume: Path | None,
    every: float,
) -> Report:
    rules = contracts_in_force(is_sandbox=True)
    file = None
    if resume is not None:
        kind = f"{type(opened.source).__name__} {version('pprd-exchange')}"
        file = AuditFile(resume, opened.shelf, kind=kind, every_seconds=every)
    audit = Audit(
        name=name, source=opened.source, rules=rules, shelf=opened.shelf, vkey=vkey, progress=progress, keeper=file
    )
    report = _with_inboxes(audit.run(), opened)
    if file is not None:
        file.remove()
    return report


def _with_inboxes(report: Report, opened: Opened) -> Report:
    """Compare inboxes and content of the regions whose folders lie beside the hub's, if everything else follows."""
    store, place = opened.store, ledger_place(report.source)
    if store is None or place is None or report.problem is not None:
        return report
    left_out = [_NO_KEYS] if store.keyless_below() else []
    if isinstance(opened.source, FolderSource) and opened.source.has_moved:
        left_out.append(_MOVED)
    report = replace(report, not_checked=(*report.not_checked, *left_out))
    files = sorted(place.parent.parent.glob(f"regions/*/{REGION_FILE}")) if place.parent.name == "hub" else []
    if not files:
        return report
    compared, procedures = 0, contracts_in_force(is_sandbox=True).procedures
    try:
        for path in files:
            compared += check_inbox(path, store.runs)
            check_held(path, store, procedures)
    except KeptError as error:
        problem = Problem(error.code, error.message, error.index, error.place)
        return replace(report, inboxes=compared, problem=problem)
    return replace(report, inboxes=compared)


def run_export(data: Path, out: Path, *, progress: Progress | None = None) -> Exported:
    """Export a ledger as files; see `adapters.store.export_layout`.

    Args:
        data: A data folder.
        out: The folder to write to: a new one, or an earlier export of the same ledger.
        progress: Told how many of how many entries are done.

    Raises:
        ConflictError: EXPORT_OCCUPIED.
        UnavailableError: STORE_MISSING, EXPORT_FAILED.
    """
    with ledger_in(data) as store:
        return TilesExport(store, out, progress).run()


@contextmanager
def _much_dies_young() -> Iterator[None]:
    """Let the garbage collector look seldom: nothing that an audit makes refers to itself. It was a quarter of it."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
