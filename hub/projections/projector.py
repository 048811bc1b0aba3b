"""Turns entries of the ledger into row changes: `Projector`, `RowChanges`, and what it reads, `Memory`.

The same calls keep the projections incrementally and rebuild them, so both give the same rows. Row changes are gathered
over a page of entries and saved in one transaction with the place that they lead to; nothing here knows how.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from contracts.hiding import Hiding
from contracts.ids import LeafIndex, StreamId
from hub.admission import Rules
from hub.directory import Directory
from hub.matter import Matter
from hub.projections.counting import STATISTIC, Counting
from hub.projections.obligation import Obligation, ended, obligations
from hub.projections.published import parts_of, safe_table
from hub.projections.step import Derivation, Step
from hub.projections.stream_record import Counted, Listed, StreamRecord
from hub.projections.work_list import WorkRow, rows_of
from hub.timers import derived_id

_EMPTY = StreamRecord(None)


class Place(NamedTuple):
    """How far the projections are.

    Attributes:
        position: Entries that they hold.
        recorded_at: Hub time of the last batch among them, milliseconds.
    """

    position: int
    recorded_at: int


class Memory(Protocol):
    """What a projector reads: rows that are saved, and the ledger below its place."""

    def stream(self, stream_id: bytes) -> StreamRecord | None:
        """What is remembered of a stream."""

    def statistics(self, name: str, month: str) -> Mapping[tuple[str, str], int]:
        """The cells of a table and month that are not zero."""

    def listed(self, office: str) -> Iterable[bytes]:
        """The streams with rows in an office's work list."""

    def stream_of(self, event_id: bytes) -> bytes | None:
        """The stream of a recorded event."""


@dataclass(slots=True)
class RowChanges:
    """What a page of entries changes. Mutable; one projector's until it is saved.

    Attributes:
        streams: What is to be remembered, by stream.
        work: Rows of work lists to put, or None to take away, by key.
        counts: What is added to each count.
        findings: Index of an entry that publishes another table than follows from the ledger, and what is wrong.
    """

    streams: dict[bytes, StreamRecord] = field(default_factory=dict)
    work: dict[tuple[str, int, bytes, str], WorkRow | None] = field(default_factory=dict)
    counts: Counter[Counted] = field(default_factory=Counter)
    findings: list[tuple[int, str]] = field(default_factory=list)


class Projector:
    """Keeps the projections of one ledger.

    Args:
        rules: The contracts in force.
        counting: The tables of indicators and statistics.
        hiding: What leaves every list.
        directory: As of the place.
        place: Where to go on.
        memory: What is saved at that place.

    Attributes:
        position: Entries taken.
        changes: What the entries since the last `turn` change.
    """

    def __init__(
        self,
        *,
        rules: Rules,
        counting: Counting,
        hiding: Hiding,
        directory: Directory,
        place: Place,
        memory: Memory,
    ) -> None:
        self._rules = rules
        self._counting = counting
        self._hiding = hiding
        self._derivation = Derivation(rules, directory, place.recorded_at)
        self._memory = memory
        self._parts: tuple[tuple[str, str], list[dict[str, Any]]] | None = None
        self._closed = {office.office for office in directory.offices() if office.is_closed}
        self.position = place.position
        self.changes = RowChanges()

    @property
    def place(self) -> Place:
        """Where the changes so far lead to."""
        return Place(self.position, self._derivation.recorded_at)

    def turn(self) -> RowChanges:
        """Give the changes since the last call away and begin new ones: the memory holds them from now on."""
        changes, self.changes = self.changes, RowChanges()
        return changes

    def take(self, data: bytes) -> None:
        """Take the next entry.

        Raises:
            ExchangeError: It contradicts those before it: the ledger is damaged.
        """
        step = self._derivation.take(LeafIndex(self.position), data, self._matter)
        self.position += 1
        if step is None:
            return
        if step.after is not None:
            self._matter_moved(step, step.after)
        elif step.header.event_class == "dir":
            self._directory_moved(step)
        elif step.header.event_class == "stt":
            self._check_published(step)
        else:
            self._hub_said(step)
        hidden = self._hiding.ordered(step.header.event_type, step.body)
        if hidden is not None:
            self._hide(hidden)
        shown = self._hiding.shown(step.header.event_type, step.body)
        if shown is not None:
            self._show(shown)

    # -- what an event does

    def _matter_moved(self, step: Step, after: Matter) -> None:
        header, directory = step.header, self._derivation.directory
        record = self._stream(header.stream_id) or _EMPTY
        if record.is_hidden:
            self.changes.streams[header.stream_id] = record._replace(matter=after)
            return
        counted = list(self._counting.of_event(step, after))
        missed = record.missed
        for one in ended(step, directory):
            mark = _mark(one)
            if mark in missed:
                missed = tuple(known for known in missed if known != mark)
            else:
                outcome = "MET" if step.recorded_at < one.due_ms else "MISSED"
                counted += self._counting.of_duty(one, outcome, step.procedure.kind, after, step.month)
        is_over = step.procedure.states[after.state].is_final
        record = record._replace(matter=after, told=() if is_over else after.told, missed=missed)
        self._keep(header.stream_id, record, counted)

    def _hub_said(self, step: Step) -> None:
        """An event that the hub recorded of itself; one that is about a matter is counted with that matter."""
        cause = step.header.causation_id
        stream_id = None if cause is None else self._memory.stream_of(cause)
        record = None if stream_id is None else self._stream(stream_id)
        if stream_id is None or record is None or record.matter is None:
            return
        if record.is_hidden:
            return
        counted = list(self._counting.of_event(step, record.matter))
        procedure = self._rules.procedures[record.matter.procedure, record.matter.edition]
        missed = record.missed
        for one in obligations(procedure, record.matter, self._derivation.directory, step.recorded_at):
            if derived_id("missed", one.duty, one.due_ms) == step.header.event_id:
                missed = (*missed, _mark(one))
                counted += self._counting.of_duty(one, "MISSED", procedure.kind, record.matter, step.month)
        if counted or missed != record.missed:
            self._keep(stream_id, record._replace(missed=missed), counted)

    def _check_published(self, step: Step) -> None:
        """Make a published table again from what was counted, and note where it is another one."""
        name, month = step.body["table"], step.body["month"]
        statistic = self._counting.table(name)
        if statistic is None or month >= step.month:
            self.changes.findings.append((step.at, f"{name} of {month} is no table of a closed month"))
            return
        if self._parts is None or self._parts[0] != (name, month):
            # What is counted for a month that has closed changes no more: its rows are all saved or in this page.
            counts = Counter(self._memory.statistics(name, month))
            for key, n in self.changes.counts.items():
                if key[0] == STATISTIC and key[1:3] == (name, month):
                    counts[key[3], key[4]] += n
            table = safe_table(statistic, {key: n for key, n in counts.items() if n}, self._rules)
            self._parts = ((name, month), parts_of(name, month, table))
        if dict(step.body) not in self._parts[1]:
            self.changes.findings.append((step.at, f"{name} of {month} is not what the ledger counts"))

    def _directory_moved(self, step: Step) -> None:
        """Who owes what may have changed: for the office that the event names, for closed ones, for nobody's rows."""
        name = step.body.get("office")
        office = None if name is None else self._derivation.directory.office(name)
        changed = set() if office is None else {office.office}
        if office is not None and office.is_closed:
            self._closed.add(office.office)
        for waiting in ("", *sorted(changed | self._closed)):
            for stream_id in self._listed(waiting):
                record = self._stream(stream_id)
                if record is not None:
                    self._keep(stream_id, record, ())

    def _hide(self, stream_id: bytes) -> None:
        record = self._stream(stream_id) or _EMPTY
        if record.is_hidden:
            return
        month = self._derivation.month
        for one in record.counted:
            # The table of a month that has closed may be published: it stays, so that no two of it can be compared.
            if one[0] != STATISTIC or one[2] == month:
                self.changes.counts[one] -= 1
        self._keep(stream_id, record._replace(told=(), counted=(), missed=(), is_hidden=True), ())

    def _show(self, stream_id: bytes) -> None:
        """Put a matter that was hidden back into work lists, as it stands."""
        record = self._stream(stream_id)
        if record is None or record.matter is None or not record.is_hidden:
            return
        matter = record.matter
        is_over = self._rules.procedures[matter.procedure, matter.edition].states[matter.state].is_final
        self._keep(stream_id, record._replace(told=() if is_over else matter.told, is_hidden=False), ())

    # -- keeping

    def _keep(self, stream_id: bytes, record: StreamRecord, counted: Sequence[Counted]) -> None:
        """Remember a stream with its rows as they are now, and add what it newly counts."""
        rows: list[WorkRow] = []
        matter = record.matter
        if matter is not None and (matter.duties or record.told):
            procedure = self._rules.procedures[matter.procedure, matter.edition]
            derivation = self._derivation
            rows = list(rows_of(record, procedure, derivation.directory, self._hiding, derivation.recorded_at))
        work = self.changes.work
        for office, due_ms, rule in record.listed:
            work[office, due_ms, stream_id, rule] = None
        listed: list[Listed] = []
        for row in rows:
            work[row.key] = row
            listed.append((row.office, row.due_ms, row.rule))
        for one in counted:
            self.changes.counts[one] += 1
        self.changes.streams[stream_id] = record._replace(
            listed=tuple(listed), counted=(*record.counted, *counted) if counted else record.counted
        )

    def _stream(self, stream_id: bytes) -> StreamRecord | None:
        return self.changes.streams.get(stream_id) or self._memory.stream(stream_id)

    def _matter(self, stream_id: bytes) -> Matter | None:
        record = self._stream(stream_id)
        return None if record is None else record.matter

    def _listed(self, office: str) -> list[StreamId]:
        found = set(self._memory.listed(office))
        found.update(key[2] for key, row in self.changes.work.items() if key[0] == office and row is not None)
        return [StreamId(stream_id) for stream_id in sorted(found)]


def _mark(one: Obligation) -> str:
    return f"{one.duty.rule}:{one.duty.office_type}:{one.duty.started_by.hex()}"
