"""What an office hands over when it closes: its open matters, and who takes each. Derived from the ledger alone.

The list is nobody's record: whoever has the ledger derives it again, the two offices and an auditor alike. It is that
of the instant of the closing: entries are replayed up to the one that closed the office. It shows what a work list
shows, stream, kind, state and due date, of matters in which the office is bound to a side or holds content, and no
person. For an office that is open it says what would pass now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from contracts.deadline import Kind
from contracts.errors import RuleError
from contracts.ids import LeafIndex, OfficeId, StreamId
from contracts.procedure_types import HOLDERS, Procedure
from hub.admission import Rules
from hub.directory import Office
from hub.duty import due_in
from hub.matter import Matter
from hub.replay import Replay
from hub.replay_ports import Shelf


class HandedOver(NamedTuple):
    """One open matter that passes.

    Attributes:
        stream_id: The matter.
        procedure: Its kind; the office is bound to it or holds content of it, so it knows.
        side: The side for which the office acts, `HOLDERS` where it only holds content.
        state: Where the matter stands.
        due_ms: When the office's nearest duty in it falls due, milliseconds; None without one.
    """

    stream_id: StreamId
    procedure: str
    side: str
    state: str
    due_ms: int | None


class Handover(NamedTuple):
    """What passes from one office.

    Attributes:
        office: The office.
        closed_at: Index of the entry that closed it; None while it is open.
        successor: The office that it named; None if it named none.
        matters: By stream id.
    """

    office: OfficeId
    closed_at: LeafIndex | None
    successor: OfficeId | None
    matters: tuple[HandedOver, ...]


def handover(
    entries: Iterable[bytes], rules: Rules, shelf: Shelf, office: OfficeId, sealed: frozenset[bytes] = frozenset()
) -> Handover:
    """Derive what passes from an office.

    Args:
        entries: Of the ledger from the first on; read up to the closing.
        rules: The contracts in force.
        shelf: Empty.
        office: The office.
        sealed: Streams that are sealed today: they stand in no list, whenever the office closed (DOMAIN 7.2).

    Raises:
        RuleError: OFFICE_UNKNOWN: no entry registers it.
        UnexplainedError: An entry does not follow from those before it.
    """
    noted = _NotedShelf(shelf, office)
    replay = Replay(rules=rules, shelf=noted)
    for data in entries:
        replay.feed(data)
        found = replay.directory.office(office)
        if found is not None and found.is_closed:
            break
    found = replay.directory.office(office)
    if found is None:
        raise RuleError("OFFICE_UNKNOWN", f"the ledger registers no office {office}", field="office")
    matters = (matter for matter in noted.matters() if matter.stream_id not in sealed)
    return Handover(office, found.closed_at, found.successor, tuple(passing(matters, found, rules.procedures)))


def passing(
    matters: Iterable[Matter], office: Office, procedures: Mapping[tuple[str, int], Procedure]
) -> Iterator[HandedOver]:
    """The open ones of some matters that an office is bound to or holds content of.

    Args:
        matters: As they stood at the closing.
        office: The office.
        procedures: By (id, edition).

    Yields:
        By stream id; a matter in which it acts for two sides stands twice.
    """
    for matter in sorted(matters, key=lambda one: one.stream_id):
        procedure = procedures[matter.procedure, matter.edition]
        if procedure.states[matter.state].is_final:
            continue
        sides = [party.side for party in matter.parties if party.office == office.office]
        if not sides and office.office in matter.holders:
            sides = [HOLDERS]
        for side in sides:
            due_ms = _due_ms(procedure, matter, office, side)
            yield HandedOver(matter.stream_id, matter.procedure, side, matter.state, due_ms)


def _due_ms(procedure: Procedure, matter: Matter, office: Office, side: str) -> int | None:
    limits = (
        due_in(procedure, matter, duty)
        for duty in matter.duties
        if duty.side == side and duty.office_type == office.office_type
    )
    return min((limit.due_ms for limit in limits if limit.kind is Kind.DUTY), default=None)


class _NotedShelf:
    """A shelf that remembers which matters one office had to do with."""

    def __init__(self, shelf: Shelf, office: OfficeId) -> None:
        self._shelf = shelf
        self._office = office
        self._streams: dict[bytes, None] = {}

    def matter(self, stream_id: bytes) -> Matter | None:
        return self._shelf.matter(stream_id)

    def put(self, stream_id: bytes, matter: Matter) -> None:
        if self._office in matter.holders or any(party.office == self._office for party in matter.parties):
            self._streams[stream_id] = None
        self._shelf.put(stream_id, matter)

    def all_matters(self) -> Iterable[tuple[bytes, bytes]]:
        return self._shelf.all_matters()

    def add_event(self, event_id: bytes, stream_id: bytes, index: int) -> None:
        self._shelf.add_event(event_id, stream_id, index)

    def stream_of(self, event_id: bytes) -> bytes | None:
        return self._shelf.stream_of(event_id)

    def add_sealed(self, event_id: bytes, packed: bytes) -> None:
        self._shelf.add_sealed(event_id, packed)

    def sealed_of(self, event_id: bytes) -> bytes | None:
        return self._shelf.sealed_of(event_id)

    def matters(self) -> Iterator[Matter]:
        """The matters that the office had to do with, as they stand."""
        found = (self._shelf.matter(stream_id) for stream_id in self._streams)
        return (matter for matter in found if matter is not None)
