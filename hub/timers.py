"""What time itself does to a matter: transitions that the end of a limit makes, duties that were missed, the end of
content whose retention is over.

`due` is pure: given a matter and a time, the events that are due. Due dates are derived (`hub.duty`), never stored;
what a timer's event says is data (`contracts.timer`). Each event's id follows from what made it due, so that it is
recorded once however often time is asked, also after a fault and by a hub that was down when it fell due.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from contracts.deadline import Kind
from contracts.ids import EventId, StreamId, uuid7
from contracts.procedure_types import ERASE, ERASE_COPIES, Procedure, Transition
from hub.content import end_ms
from hub.duty import due_in
from hub.matter import Duty, Matter, unpack
from hub.matter_bytes import has_duties, has_ends
from hub.own_batch import HubDraft
from hub.ports import LedgerReader
from hub.submission import EventResult, Outcome

REFUSED_PAUSE_MS: Final = 3_600_000
"""How long the hub waits until it tries again what it refused itself."""
_PAGE: Final = 1024
_ENDS: Final = {ERASE: "ContentEnded", ERASE_COPIES: "CopiesEnded"}
"""The event that records the end of content, by what ends."""


class Timekeeper:
    """What is due in a whole ledger and not recorded, in memory that does not grow with the ledger.

    Args:
        reader: The ledger.
        procedures: In force, by (id, edition).
    """

    def __init__(self, reader: LedgerReader, procedures: Mapping[tuple[str, int], Procedure]) -> None:
        self._reader = reader
        self._procedures = procedures
        self._put_off: dict[bytes, int] = {}

    def due(self, now_ms: int) -> Iterator[HubDraft]:
        """Yield what time has done and nobody has recorded, without what is put off; asks the due index only.

        Args:
            now_ms: Hub time, milliseconds.
        """
        self._put_off = {event_id: until for event_id, until in self._put_off.items() if until > now_ms}
        yield from self._unrecorded((unpack(packed) for packed in self._reader.due_matters(now_ms)), now_ms)

    def following(self, stream_ids: Iterable[bytes], now_ms: int) -> Iterator[HubDraft]:
        """Yield what is due in some matters now: what time has just done may have made more due.

        Args:
            stream_ids: The matters.
            now_ms: Hub time, milliseconds.
        """
        packed = self._reader.matters(list(stream_ids)).values()
        yield from self._unrecorded((unpack(one) for one in packed if has_duties(one) or has_ends(one)), now_ms)

    def _unrecorded(self, matters: Iterable[Matter], now_ms: int) -> Iterator[HubDraft]:
        drafts = (draft for matter in matters for draft in due(matter, self._procedures, now_ms))
        while page := list(islice(drafts, _PAGE)):
            known = self._reader.recorded([event_id for draft in page if (event_id := draft.event_id)])
            yield from (d for d in page if d.event_id not in known and d.event_id not in self._put_off)

    def put_off(self, drafts: Sequence[HubDraft], results: Sequence[EventResult], now_ms: int) -> None:
        """Remember what was refused, so that it neither fills the ledger nor keeps others waiting.

        Args:
            drafts: What `due` gave.
            results: What became of each.
            now_ms: Hub time, milliseconds.
        """
        for draft, result in zip(drafts, results, strict=True):
            if result.outcome is Outcome.REFUSED and draft.event_id is not None:
                self._put_off[draft.event_id] = now_ms + REFUSED_PAUSE_MS


class Change(NamedTuple):
    """Something that time does to a matter when a limit ends.

    Attributes:
        due_ms: When the limit ends.
        duty: The limit; of content that ends a stand-in, whose rule is what ends.
        row: The timer's row that it takes; None for a missed duty and for content.
    """

    due_ms: int
    duty: Duty
    row: Transition | None

    def event_id(self) -> bytes:
        """Id of the event that records it."""
        if self.is_content:
            return derived_id("ended", self.duty, self.due_ms)
        return derived_id("missed" if self.row is None else self.row.event, self.duty, self.due_ms)

    @property
    def is_content(self) -> bool:
        """Whether it is the end of content."""
        return self.row is None and self.duty.rule in _ENDS


def changes(procedure: Procedure, matter: Matter) -> Iterator[Change]:
    """All that time will do to a matter as it stands, whenever that is: misses, transitions, then ends of content."""
    duties = matter.duties
    ends = [due_in(procedure, matter, duty) for duty in duties]
    for duty, end in zip(duties, ends, strict=True):
        if end.kind is Kind.DUTY:
            yield Change(end.due_ms, duty, None)
    for row in procedure.timer_rows(matter.state):
        for duty, end in zip(duties, ends, strict=True):
            if row.after is not None and duty.rule == row.after.rule:
                yield Change(end.due_ms, duty, row)
    for content in matter.ends:
        stand_in = Duty(content.what, "", "", content.since_ms, content.since)
        yield Change(end_ms(procedure, matter, content), stand_in, None)


def due(matter: Matter, procedures: Mapping[tuple[str, int], Procedure], now_ms: int) -> Iterator[HubDraft]:
    """Yield the events that time has made due for one matter, recorded ones too.

    Args:
        matter: As recorded. A final state has no limits, so nothing but the end of its content is due in one.
        procedures: In force, by (id, edition).
        now_ms: Hub time, milliseconds.

    Yields:
        Missed duties and ends of content, then at most one transition: it ends limits, and an auditor meets the misses
        while they are open. Of several transitions the one whose limit ended first; what another one does is asked
        again from the state after it.
    """
    if not matter.duties and not matter.ends:
        return
    procedure = procedures[matter.procedure, matter.edition]
    ended = [change for change in changes(procedure, matter) if change.due_ms <= now_ms]
    yield from (_missed(matter, change) for change in ended if change.row is None and not change.is_content)
    yield from (_ended(matter, change) for change in ended if change.is_content)
    moves = [change for change in ended if change.row is not None]
    if moves:
        yield _moved(procedure, matter, min(moves, key=lambda change: change.due_ms))


def _missed(matter: Matter, change: Change) -> HubDraft:
    duty, id_ = change.duty, change.event_id()
    region = matter.region_of(duty.side) or matter.opened_region
    return HubDraft(
        "DeadlineMissed",
        "DUTY",
        {"rule": duty.rule, "region": region, "due_ms": change.due_ms},
        stream_id=StreamId(id_),
        causation_id=duty.started_by,
        event_id=EventId(id_),
        about=matter.stream_id,
    )


def _ended(matter: Matter, change: Change) -> HubDraft:
    """What destroys content: the row that records it says so."""
    duty, id_ = change.duty, change.event_id()
    body = {"target": matter.stream_id, "due_ms": change.due_ms}
    if duty.rule == ERASE_COPIES:
        body["brought_by"] = duty.started_by
    return HubDraft(
        _ENDS[duty.rule],
        "CONTENT_END",
        body,
        stream_id=StreamId(id_),
        causation_id=duty.started_by,
        event_id=EventId(id_),
        about=matter.stream_id,
    )


def _moved(procedure: Procedure, matter: Matter, change: Change) -> HubDraft:
    row = change.row
    if row is None or row.after is None:
        raise AssertionError("a move follows a timer's row")
    return HubDraft(
        row.event,
        procedure.id,
        row.after.body_of(dict(matter.facts)),
        stream_id=matter.stream_id,
        causation_id=change.duty.started_by,
        event_id=EventId(change.event_id()),
        edition=procedure.edition,
        about=matter.stream_id,
    )


def derived_id(what: str, duty: Duty, at_ms: int) -> bytes:
    """The id of what a duty made happen: the same every time, so that it cannot be recorded twice.

    Args:
        what: `missed`, or the type of the event.
        duty: The limit.
        at_ms: When it ended.
    """
    words = ("pprd-timer/v1", what, duty.rule, duty.side, duty.office_type)
    cause = b"\0".join((*(word.encode() for word in words), duty.started_by))
    return uuid7(unix_ms=at_ms, entropy=hashlib.sha256(cause).digest()[:10])
