"""What the exchange holds of one record, for the person it is about: `RecordExtract`, `ExtractReader` (DOMAIN 7.1).

The answer to `ACCESS`, and the basis of `EXPLAIN`, `PORT` and of following a correction: the acts, the contents with
who got each and who opened it, until when each is kept, and the requests and orders about the record with who has still
to confirm. Read from the ledger's entries; clear codes, dates and offices only. Content stays sealed: an office that
holds it gives it, the exchange cannot. Officers stay inside their office.

A record that an order sealed answers as one that does not exist (DOMAIN 7.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from contracts.deadline import Kind
from contracts.event import Header, decode_event
from contracts.ids import EventId, LeafIndex, OfficeId, StreamId
from contracts.opening import load_opening_rules
from contracts.procedure_types import ENDS, ERASE, ERASE_COPIES, Procedure, is_restricted
from hub.admission import Rules
from hub.awaited import awaited, holders_of
from hub.clearance import ACCESS_RECORDED
from hub.content import effect_of, end_ms
from hub.directory import Directory
from hub.matter import Matter
from hub.overdue import running
from hub.projections.step import Derivation, Step
from hub.sealed import SealedStreams
from ledger.entry import EventEntry, decode_entry

HELD, COPIES_ERASED, ERASED, RESTRICTED = "HELD", "COPIES_ERASED", "ERASED", "RESTRICTED"
"""What became of a content."""


class Act(NamedTuple):
    """One event of the record.

    Attributes:
        leaf_index: Ledger index of its entry.
        event_id: Its id.
        event_type: What was done.
        state: The state that it led to.
        occurred_at: Milliseconds.
        office: Who did it.
        purpose: Code of DOMAIN 5.4.
        legal_basis: Code of DOMAIN 5.4.
        body: Its clear fields.
    """

    leaf_index: LeafIndex
    event_id: EventId
    event_type: str
    state: str
    occurred_at: int
    office: OfficeId
    purpose: str
    legal_basis: str
    body: Mapping[str, Any]


class Opening(NamedTuple):
    """One reading of a content.

    Attributes:
        office: Whose office read.
        purpose: For what, DOMAIN 5.4.
        reason: Code of the reason.
        recorded_at: Milliseconds.
    """

    office: OfficeId
    purpose: str
    reason: str
    recorded_at: int


class _Untold(NamedTuple):
    """A reading of which the person may know after an event of its clearance."""

    told_by: str
    place: tuple[bytes, bytes]
    opening: Opening


class Content(NamedTuple):
    """One sealed payload of the record.

    Attributes:
        act: The event that brought it.
        profile: Which fields it has and no others.
        recipients: Offices that could open it, besides the one that made it.
        held: `HELD`, `COPIES_ERASED`, `ERASED` or `RESTRICTED`.
        openings: Who read it, oldest first.
    """

    act: Act
    profile: str
    recipients: tuple[OfficeId, ...]
    held: str
    openings: tuple[Opening, ...]


class OrderAbout(NamedTuple):
    """A request or an order about the record.

    Attributes:
        stream_id: Its own matter.
        procedure: What it is.
        kind: Kind of a request, as `CORRECT`; empty for an order.
        state: Where it stands.
        opened_at: Milliseconds.
        asked: Offices of which each has to confirm.
        missing: Those that have not confirmed.
        due_ms: First instant that is too late, of the limits that run; None if none does.
    """

    stream_id: StreamId
    procedure: str
    kind: str
    state: str
    opened_at: int
    asked: tuple[OfficeId, ...]
    missing: tuple[OfficeId, ...]
    due_ms: int | None

    @property
    def is_open(self) -> bool:
        """Whether somebody has still to confirm."""
        return bool(self.missing)


@dataclass(frozen=True, slots=True)
class RecordExtract:
    """A record as the ledger has it.

    Attributes:
        matter: As it stands.
        procedure: Of the matter.
        acts: Its events, oldest first.
        contents: Its payloads, oldest first.
        orders: Requests and orders about it, oldest first.
        keep_until_ms: First instant after the last day of its content, where its end is counted already.
        directory: The offices that are named.
    """

    matter: Matter
    procedure: Procedure
    acts: tuple[Act, ...]
    contents: tuple[Content, ...]
    orders: tuple[OrderAbout, ...]
    keep_until_ms: int | None
    directory: Directory

    def not_asked(self, order: OrderAbout) -> tuple[OfficeId, ...]:
        """Offices that hold something of the record and of which an order asks nothing: they got it afterwards."""
        if not order.asked:
            return ()
        holders = holders_of(self.matter, self.procedure, self.directory) or ()
        asked = {self._acting(office) for office in order.asked}
        return tuple(office for office in holders if office not in asked)

    def _acting(self, office: OfficeId) -> OfficeId:
        entry = self.directory.acting(office)
        return office if entry is None else entry.office


class ExtractReader:
    """Reads the extract of one record from the ledger. Mutable; fed in order, from the first entry on.

    Args:
        rules: The contracts in force.
        stream_id: The record.
    """

    def __init__(self, rules: Rules, stream_id: bytes) -> None:
        self._rules = rules
        self._stream_id = stream_id
        self._derivation = Derivation(rules, Directory(rules.divisions), 0)
        self._matters: dict[bytes, Matter] = {}
        self._orders: dict[bytes, tuple[OfficeId, ...]] = {}
        self._acts: list[Act] = []
        self._sealed: dict[tuple[bytes, bytes], tuple[Act, str, tuple[OfficeId, ...]]] = {}
        self._ended: dict[bytes, str] = {}
        self._openings: dict[tuple[bytes, bytes], list[Opening]] = {}
        self._untold: dict[bytes, _Untold] = {}
        self._sealed_streams = SealedStreams()
        self._next = 0

    def take(self, data: bytes) -> None:
        """Take the next entry.

        Raises:
            ExchangeError: It contradicts those before it: the ledger is damaged.
        """
        index = LeafIndex(self._next)
        self._next += 1
        entry = decode_entry(data)
        if isinstance(entry, EventEntry) and not self._concerns(decode_event(entry.event)):
            return
        step = self._derivation.take(index, data, self._matters.get)
        if step is None:
            return
        if step.after is not None:
            self._matters[step.header.stream_id] = step.after
        self._note(step)

    def _concerns(self, header: Header) -> bool:
        """Whether an event can say something of the record; most are about others."""
        procedure = self._rules.procedures[header.procedure, header.edition]
        return header.stream_id == self._stream_id or procedure.kind in ("hub", "rights")

    def _note(self, step: Step) -> None:
        header, body = step.header, step.body
        effect = effect_of(step.procedure, header, body)
        if effect is not None:
            self._sealed_streams = self._sealed_streams.after(effect)
            if effect.does in ENDS:
                self._end(effect.does, effect.on)
        if header.stream_id == self._stream_id:
            self._note_act(step)
        elif header.event_type == ACCESS_RECORDED:
            self._note_opening(step)
        elif step.procedure.kind == "rights":
            self._note_order(step)
            untold = self._untold.get(header.stream_id)
            if untold is not None and untold.told_by == header.event_type:
                self._openings.setdefault(untold.place, []).append(untold.opening)

    def _note_opening(self, step: Step) -> None:
        """Note a reading; one of which the person is told first, or perhaps never, is shown when that is recorded."""
        body = step.body
        place = (body["opened_event"], body["ciphertext_hash"])
        opening = Opening(body["office"], body["purpose"], body["reason"], step.recorded_at)
        rule = load_opening_rules().clearances.get(body["reason"])
        if rule is None or not rule.told_by:
            self._openings.setdefault(place, []).append(opening)
        else:
            self._untold[step.header.stream_id] = _Untold(rule.told_by, place, opening)

    def _note_act(self, step: Step) -> None:
        header, after = step.header, step.after
        if after is None:
            return
        act = Act(
            step.at,
            header.event_id,
            header.event_type,
            after.state,
            header.occurred_at,
            header.producer_office,
            header.purpose,
            header.legal_basis,
            step.body,
        )
        self._acts.append(act)
        for ref in header.sealed:
            self._sealed[header.event_id, ref.ciphertext_hash] = (act, ref.profile, ref.recipients)

    def _note_order(self, step: Step) -> None:
        stream_id = step.header.stream_id
        if step.body.get("target") == self._stream_id:
            self._orders[stream_id] = tuple(step.body.get("holders", ()))

    def _end(self, does: str, on: bytes) -> None:
        ended = COPIES_ERASED if does == ERASE_COPIES else ERASED
        for event_id, _ in self._sealed:
            if on in (event_id, self._stream_id) and self._ended.get(event_id) != ERASED:
                self._ended[event_id] = ended

    def extract(self) -> RecordExtract | None:
        """The extract after the last entry; None if there is no such record, or an order sealed it."""
        matter = self._matters.get(self._stream_id)
        if matter is None or self._sealed_streams.hides(self._stream_id):
            return None
        procedure = self._rules.procedures[matter.procedure, matter.edition]
        ends = [end_ms(procedure, matter, end) for end in matter.ends if end.what == ERASE]
        return RecordExtract(
            matter=matter,
            procedure=procedure,
            acts=tuple(self._acts),
            contents=tuple(
                Content(act, profile, recipients, self._held(act, matter), tuple(self._openings.get(place, ())))
                for place, (act, profile, recipients) in self._sealed.items()
            ),
            orders=tuple(self._order(stream_id, asked) for stream_id, asked in self._orders.items()),
            keep_until_ms=max(ends, default=None),
            directory=self._derivation.directory,
        )

    def _held(self, act: Act, matter: Matter) -> str:
        ended = self._ended.get(act.event_id, HELD)
        return RESTRICTED if ended != ERASED and is_restricted(matter.state) else ended

    def _order(self, stream_id: bytes, asked: tuple[OfficeId, ...]) -> OrderAbout:
        matter = self._matters[stream_id]
        procedure = self._rules.procedures[matter.procedure, matter.edition]
        limits = [one.due_ms for one in running((matter,), self._rules.procedures) if one.due.kind is Kind.DUTY]
        kind = dict(matter.facts).get("kind", "")
        return OrderAbout(
            stream_id=matter.stream_id,
            procedure=matter.procedure,
            kind=str(kind),
            state=matter.state,
            opened_at=matter.opened_at,
            asked=asked,
            missing=() if procedure.states[matter.state].is_final else awaited(matter, procedure),
            due_ms=min(limits, default=None),
        )
