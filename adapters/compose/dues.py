"""What is overdue, what falls due and why, asked of a data folder or of a running hub.

A folder's own list of matters is read as it stands; of a hub nothing is believed: its ledger is audited first, and the
matters are those that the audit derived.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

from adapters.compose.ledger_place import ledger_in
from adapters.compose.parts import SystemClock, contracts_in_force
from adapters.compose.sources import Trust, open_source
from adapters.store.ledger_store import LedgerStore
from adapters.store.shelf import SpillingShelf
from contracts.errors import ContractError, EvidenceError, FatalError, RuleError
from contracts.event import Header, decode_event
from contracts.ids import EventId, LeafIndex
from contracts.instant import DAY_MS
from hub.admission import Rules
from hub.audit import Audit
from hub.audit_source import Source
from hub.directory import Directory
from hub.due_report import DueReport
from hub.matter import Matter, unpack
from hub.overdue import Reminding, Running, explain, falling_due, overdue, reminding, running
from hub.retention import CONFIRMATION, END, RetentionBook, book_of, until_of
from ledger.entry import EventEntry, decode_entry

_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """Where to ask and what to leave out; None leaves nothing out.

    Attributes:
        data: A data folder.
        hub: `HOST:PORT` of a running hub, in place of the folder.
        ca: Certificates that may have signed the hub's, PEM.
        office: Only this office's.
        region: Only this region's.
        rule: Only this rule's.
        matter: Only this matter's.
    """

    data: Path | None = None
    hub: str | None = None
    ca: Path | None = None
    office: str | None = None
    region: str | None = None
    rule: str | None = None
    matter: bytes | None = None

    def takes(self, one: Running) -> bool:
        """Whether a limit is asked for."""
        wanted = ((self.office, one.office), (self.region, one.region), (self.rule, one.rule))
        return all(asked is None or asked == found for asked, found in wanted)


class AskedLedger(Protocol):
    """Matters, and where events stand."""

    def matters(self, only: bytes | None) -> Iterator[Matter]:
        """Matters as recorded, or one of them; never one that is sealed (DOMAIN 7.2)."""

    def starts(self, event_ids: Iterable[bytes]) -> Mapping[bytes, tuple[LeafIndex, Header]]:
        """Index and header of recorded events."""

    def sealed(self) -> frozenset[bytes]:
        """Ids of the streams that are sealed."""

    def retention(self, rules: Rules) -> RetentionBook:
        """What gateways have not confirmed of the ends of retention; counts only, sealed records among them."""


def list_overdue(asked: Asked, *, now_ms: int | None = None) -> list[DueReport]:
    """The duties that are open and past due, the one that was due first at the head.

    Args:
        asked: Where and which.
        now_ms: Milliseconds; None is now.

    Raises:
        ContractError: SETTINGS_INVALID: neither folder nor hub is named.
        UnavailableError: The ledger cannot be found or read.
        EvidenceError: LEDGER_UNEXPLAINED: the hub's ledger does not hold against an audit.
    """
    now = SystemClock().now_ms() if now_ms is None else now_ms
    rules = contracts_in_force(is_sandbox=True)
    with asked_ledger(asked, rules) as ledger:
        found = [one for one in overdue(ledger.matters(asked.matter), rules.procedures, now) if asked.takes(one)]
        return _reports(found, rules, ledger)


def list_due(asked: Asked, days: int, *, now_ms: int | None = None) -> list[DueReport]:
    """What falls due in the next days, and whom to remind in them, the first at the head; see `list_overdue`."""
    now = SystemClock().now_ms() if now_ms is None else now_ms
    until = now + days * DAY_MS
    rules = contracts_in_force(is_sandbox=True)
    with asked_ledger(asked, rules) as ledger:
        found: list[Running | Reminding] = []
        for one in running(ledger.matters(asked.matter), rules.procedures):
            if asked.takes(one):
                found += falling_due([one], now, until)
                found += reminding([one], rules.procedures, now, until)
        return _reports(found, rules, ledger)


def list_running(asked: Asked) -> list[DueReport]:
    """Every limit that runs in one matter; errors as `list_overdue`, and NOT_FOUND."""
    rules = contracts_in_force(is_sandbox=True)
    with asked_ledger(asked, rules) as ledger:
        matters = list(ledger.matters(asked.matter))
        if not matters:
            raise RuleError("NOT_FOUND", "the ledger has no such matter")
        return _reports([one for one in running(matters, rules.procedures) if asked.takes(one)], rules, ledger)


def _reports(found: Iterable[Running | Reminding], rules: Rules, ledger: AskedLedger) -> list[DueReport]:
    rows = [(one.running, one.at_ms) if isinstance(one, Reminding) else (one, None) for one in found]
    starts = ledger.starts({one.started_by for one, _ in rows})
    reports = [
        DueReport(one, explain(one, rules.procedures), *starts[one.started_by], remind_at_ms=at_ms)
        for one, at_ms in rows
    ]
    return sorted(reports, key=_order)


def _order(report: DueReport) -> tuple[int, bytes, str]:
    one = report.running
    at_ms = one.due_ms if report.remind_at_ms is None else report.remind_at_ms
    return at_ms, one.stream_id, one.rule


@contextmanager
def asked_ledger(asked: Asked, rules: Rules) -> Iterator[AskedLedger]:
    """The ledger that is asked, opened for reading; raises as `list_overdue`."""
    if asked.hub is not None:
        with ExitStack() as stack:
            shelf = stack.enter_context(SpillingShelf())
            source = open_source(stack, asked.hub, Trust(asked.ca))
            audit = Audit(name=asked.hub, source=source, rules=rules, shelf=shelf)
            report = audit.run()
            if report.problem is not None:
                raise EvidenceError("LEDGER_UNEXPLAINED", str(report.problem))
            yield _Audited(shelf, source, audit.sealed_streams, report.tally.retention)
    elif asked.data is not None:
        with ledger_in(asked.data) as store:
            yield _InFolder(store)
    else:
        raise ContractError("SETTINGS_INVALID", "say --data or --hub: whose ledger is meant?", field="data")


class _InFolder:
    """A ledger's store."""

    def __init__(self, store: LedgerStore) -> None:
        self._store = store

    def matters(self, only: bytes | None) -> Iterator[Matter]:
        sealed = self.sealed()
        rows = self._store.all_matters() if only is None else iter(self._store.matters([only]).items())
        return (unpack(packed) for stream_id, packed in rows if stream_id not in sealed)

    def starts(self, event_ids: Iterable[bytes]) -> Mapping[bytes, tuple[LeafIndex, Header]]:
        ids, found = iter(event_ids), {}
        while page := list(islice(ids, _AT_ONCE)):
            for event_id, index in self._store.recorded(page).items():
                (entry,) = self._store.entries(index, LeafIndex(index + 1))
                found[event_id] = (index, _header(entry))
        return found

    def sealed(self) -> frozenset[bytes]:
        return self._store.sealed_streams()

    def retention(self, rules: Rules) -> RetentionBook:
        directory = Directory(rules.divisions)
        for index, entry in self._store.directory_entries(LeafIndex(0)):
            directory.apply_event(index, entry, rules.registry)
        ends: list[Matter] = []
        acts: list[tuple[LeafIndex, Matter]] = []
        for matter in (unpack(packed) for _, packed in self._store.all_matters()):
            if matter.procedure == END:
                ends.append(matter)
            elif matter.procedure == CONFIRMATION:
                acts.append((LeafIndex(until_of(matter)), matter))
        for page in (ends[at : at + _AT_ONCE] for at in range(0, len(ends), _AT_ONCE)):
            indexes = self._store.recorded([EventId(end.stream_id) for end in page])
            acts += [(indexes[EventId(end.stream_id)], end) for end in page]
        return book_of(acts, self._matter, directory, rules.procedures)

    def _matter(self, stream_id: bytes) -> Matter:
        return unpack(self._store.matters([stream_id])[stream_id])


class _Audited:
    """What an audit derived from a hub's ledger."""

    def __init__(
        self, shelf: SpillingShelf, source: Source, sealed: frozenset[bytes], retention: RetentionBook
    ) -> None:
        self._shelf = shelf
        self._source = source
        self._sealed = sealed
        self._retention = retention

    def matters(self, only: bytes | None) -> Iterator[Matter]:
        if only is None:
            rows = self._shelf.matters()
            return (unpack(packed) for stream_id, packed in rows if stream_id not in self._sealed)
        matter = None if only in self._sealed else self._shelf.matter(only)
        return iter(() if matter is None else (matter,))

    def starts(self, event_ids: Iterable[bytes]) -> Mapping[bytes, tuple[LeafIndex, Header]]:
        found = {}
        for event_id in event_ids:
            index = self._shelf.index_of(event_id)
            if index is not None:
                (entry,) = self._source.entries(LeafIndex(index), LeafIndex(index + 1))
                found[event_id] = (LeafIndex(index), _header(entry))
        return found

    def sealed(self) -> frozenset[bytes]:
        return self._sealed

    def retention(self, rules: Rules) -> RetentionBook:
        return self._retention


def _header(entry: bytes) -> Header:
    decoded = decode_entry(entry)
    if not isinstance(decoded, EventEntry):
        raise FatalError("STORE_DAMAGED", "the entry of an event id is no event")
    return decode_event(decoded.event)
