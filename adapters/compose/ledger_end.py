"""The end of a ledger: closing one whose hub does not run, and reading how an archived one ended.

Source: ADR 0057.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import NamedTuple

from adapters.compose.auditing import run_audit
from adapters.compose.hub_program import opened_hub
from adapters.compose.ledger_place import ledger_in
from adapters.compose.parts import contracts_in_force
from adapters.compose.publishing import witnesses_of
from adapters.compose.sources import SYSTEM, Trust, open_source
from adapters.settings import HubSettings
from contracts.errors import EvidenceError, ExchangeError, RuleError, UnavailableError
from contracts.event import decode_event
from contracts.ids import Hash, LeafIndex, TreeSize
from hub.audit_report import Problem, Report
from hub.closing import CLOSED
from hub.own_batch import HubDraft
from ledger.batch import MAX_BATCH
from ledger.entry import Predecessor, event_of
from ledger.note_text import check_name
from ledger.policy import NO_QUORUM


class Closed(NamedTuple):
    """A ledger that has come to its end.

    Attributes:
        predecessor: How a ledger that goes on names it.
        successor: Origin of the ledger that goes on, if the last event says it.
        open_matters: Matters that had not come to an end.
        destroyed: Payloads that were destroyed by closing it just now.
    """

    predecessor: Predecessor
    successor: str | None
    open_matters: int
    destroyed: int = 0


def close_ledger(settings: HubSettings, *, carries: bool, destroys: bool, successor: str | None) -> Closed:
    """Record the last event of a ledger: what time did and the heads first, then the end. Done again, it only tells.

    Args:
        settings: Of a hub that does not run.
        carries: Close it although matters are open: they do not move, their offices begin them anew elsewhere.
        destroys: Close it although sealed payloads are held, which are destroyed with it.
        successor: Origin of the ledger that goes on, if it is known.

    Raises:
        RuleError: LEDGER_NOT_DRAINED: tells how many matters are open and how many payloads are held.
        ContractError: NOTE_MALFORMED: the successor's origin is none.
        ExchangeError: As `opened_hub`.
    """
    if successor is not None:
        check_name(successor)
    with opened_hub(settings) as application:
        destroyed = 0
        if not application.is_closed:
            while application.run_timers() == MAX_BATCH:
                pass
            count, destroyed = application.open_matters(), application.reader.payload_count()
            if (count and not carries) or (destroyed and not destroys):
                told = f"{count} matters are open, {destroyed} sealed payloads are held"
                raise RuleError("LEDGER_NOT_DRAINED", told)
            while application.publish_heads() is not None:
                pass
            body = {"open_matters": count, "successor": successor}
            application.record([HubDraft(CLOSED, "DIRECTORY", body)])
        closing = application.directory.closing
        end = Predecessor(settings.origin, TreeSize(application.reader.size()), application.root())
        return Closed(end, closing["successor"], closing["open_matters"], destroyed)


def read_end(archive: str, *, vkey: str | None = None, trust: Trust = SYSTEM) -> Closed:
    """How an archived ledger ended, after its evidence was checked from the first entry to the last.

    Args:
        archive: An export, or an address at which it is published.
        vkey: A verifier key of it, as the reader knows it; None trusts the one that the archive names.
        trust: Whom the reader believes.

    Raises:
        EvidenceError: PREDECESSOR_INVALID: it does not follow, or its last entry does not close it.
        UnavailableError: It cannot be found or read.
    """
    report = run_audit(archive, vkey=vkey, trust=trust, hashes_only=True)
    if report.problem is not None:
        raise _invalid(f"{archive}: {report.problem}")
    registry = contracts_in_force(is_sandbox=True).registry
    with ExitStack() as stack:
        source = open_source(stack, archive, trust)
        last = next(source.entries(LeafIndex(report.size - 1), LeafIndex(report.size)), b"")
    event = event_of(last)
    header = None if event is None else decode_event(event)
    if header is None or header.event_type != CLOSED:
        raise _invalid(f"{archive}: the last of {report.size} entries does not close {report.origin}")
    body = registry.decode_body(header.body)[1]
    end = Predecessor(report.origin, TreeSize(report.size), Hash(bytes.fromhex(report.root)))
    return Closed(end, body["successor"], body["open_matters"])


def predecessor_for(origin: str, archive: str, *, vkey: str | None = None) -> Predecessor:
    """What the genesis record of a ledger says of the archived one from which it goes on.

    Raises:
        RuleError: PREDECESSOR_OTHER: the archive names another successor, or the new ledger has its origin.
        ExchangeError: As `read_end`.
    """
    closed = read_end(archive, vkey=vkey)
    if closed.successor not in (None, origin):
        raise RuleError("PREDECESSOR_OTHER", f"{closed.predecessor.origin} names {closed.successor} as its successor")
    if closed.predecessor.origin == origin:
        raise RuleError("PREDECESSOR_OTHER", f"{origin} is closed: a ledger that goes on has a name of its own")
    return closed.predecessor


def hold_to_predecessor(report: Report, archive: str, *, vkey: str | None = None, trust: Trust = SYSTEM) -> Report:
    """Check that a ledger goes on from an archived one.

    Args:
        report: Of an audit that found nothing.
        archive: As in `read_end`.
        vkey: As in `read_end`.
        trust: As in `read_end`.

    Returns:
        The report, with a problem if the genesis record does not name the archive's end.

    Raises:
        UnavailableError: The archive cannot be found or read.
    """
    try:
        closed = read_end(archive, vkey=vkey, trust=trust)
        _check_link(report, closed)
    except UnavailableError:
        raise
    except ExchangeError as error:
        return replace(report, problem=Problem(error.code, error.message, 0))
    return replace(report, is_predecessor_checked=True)


def _check_link(report: Report, closed: Closed) -> None:
    told, end = report.predecessor, closed.predecessor
    if told is None:
        raise _invalid(f"the genesis record names no ledger that was before; the archive is {end.origin}")
    if told != end:
        raise _invalid(
            f"the genesis record names {told.origin} of size {told.size} and root {told.root.hex()}, the archive is"
            f" {end.origin} of size {end.size} and root {end.root.hex()}"
        )
    if closed.successor not in (None, report.origin):
        raise _invalid(f"{end.origin} names {closed.successor} as the ledger that goes on")


def check_archivable(settings: HubSettings) -> None:
    """Check that a ledger is closed and that its witnesses have cosigned its end.

    Raises:
        RuleError: LEDGER_NOT_CLOSED: it goes on. QUORUM_MISSED: start the hub until its witnesses have signed.
    """
    with ledger_in(settings.data_dir) as store:
        size = store.size()
        last = event_of(next(store.entries(LeafIndex(size - 1), LeafIndex(size)), b""))
        if last is None or decode_event(last).event_type != CLOSED:
            raise RuleError("LEDGER_NOT_CLOSED", f"the last of {size} entries does not close the ledger")
        policy = witnesses_of(settings)
        if policy is not None and policy.quorum != NO_QUORUM and store.witnessed_size() != size:
            raise RuleError("QUORUM_MISSED", f"quorum {policy.quorum!r} has not cosigned size {size}")


def _invalid(message: str) -> EvidenceError:
    return EvidenceError("PREDECESSOR_INVALID", message)
