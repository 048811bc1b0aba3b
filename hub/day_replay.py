"""A matter as it stood on any day: as recorded, as it had occurred, and as one office knew it.

Three questions to the same ledger. *Recorded*: what the ledger held by then. *Occurred*: what had happened by then,
whenever it was recorded. *Known*: what an office had made itself, or had been told of and its region had signed for, by
then. So what is known is always recorded, and later nothing is known less.

A matter that an order sealed, or that is restricted now, answers to none of them on any day, as if there were none.
Not here: where entries and receipts come from (adapters), whose signature counts (`hub.delivery_receipt`).

Source: LEDGER, section 10; DOMAIN 7.2 and 9.5.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from contracts.errors import EvidenceError
from contracts.event import leaf_hash
from contracts.hiding import Hiding
from contracts.ids import Hash, LeafIndex, OfficeId, PointId, StreamId
from hub.admission import Rules
from hub.content import effect_of
from hub.delivery_receipt import DeliveryReceipt, verify_delivery
from hub.directory import Directory
from hub.matter import Matter
from hub.projections.step import Derivation, Step
from hub.routing import route
from hub.sealed import SealedStreams
from ledger.entry import EventEntry, decode_entry
from ledger.heads import HEAD_ZERO, head_next


class By(StrEnum):
    """Which of the three questions is asked."""

    RECORDED = "recorded"
    OCCURRED = "occurred"
    KNOWN = "known"


class Told(NamedTuple):
    """That an office was told of an event.

    Attributes:
        point: Through which delivery point.
        n: The counter there.
    """

    point: PointId
    n: int


class Past(NamedTuple):
    """One event of a matter.

    Attributes:
        leaf_index: Ledger index of its entry.
        seq: Its place in the matter, from 0.
        event_type: What it is.
        state: The state that it led to.
        occurred_at: Milliseconds.
        recorded_at: Hub time of its batch, milliseconds.
        office: Who made it.
        told: Who was told of it.
    """

    leaf_index: LeafIndex
    seq: int
    event_type: str
    state: str
    occurred_at: int
    recorded_at: int
    office: OfficeId
    told: Mapping[OfficeId, Told]


class Standing(NamedTuple):
    """A matter at an instant.

    Attributes:
        stream_id: The matter.
        procedure: Id of its procedure.
        state: After the last of `events`.
        events: Those that count for the question, in the order of the matter.
        between: Earlier events of the matter that do not count: for an office, those that it was not told of.
    """

    stream_id: StreamId
    procedure: str
    state: str
    events: tuple[Past, ...]
    between: int


class Acknowledged:
    """From when on each notification of some delivery points was held, by the receipts of their regions.

    Args:
        receipts: Checked ones, of any points.
    """

    def __init__(self, receipts: Iterable[DeliveryReceipt]) -> None:
        by_point: dict[PointId, list[tuple[int, int]]] = {}
        for receipt in receipts:
            by_point.setdefault(receipt.point, []).append((receipt.n, receipt.received_ms))
        self._counters: dict[PointId, list[int]] = {}
        self._since: dict[PointId, list[int]] = {}
        for point, rows in by_point.items():
            rows.sort()
            self._counters[point] = [n for n, _ in rows]
            # A receipt holds for every notification up to its counter: the earliest at or above one counts.
            since, earliest = [], rows[-1][1]
            for _, received_ms in reversed(rows):
                earliest = min(earliest, received_ms)
                since.append(earliest)
            self._since[point] = since[::-1]

    def since(self, told: Told) -> int | None:
        """When the region first signed for a notification, milliseconds; None if it never did."""
        counters = self._counters.get(told.point, [])
        at = bisect_left(counters, told.n)
        return None if at == len(counters) else self._since[told.point][at]


class DayReplay:
    """Derives the past of matters from the ledger's entries. Mutable; fed in order, from the first entry on.

    Args:
        rules: The contracts in force.
        hiding: Which matters are shown to nobody.
        stream_id: Keep this matter only; None keeps all.
        office: Keep matters that this office had a part in only; None keeps all.
    """

    def __init__(
        self, rules: Rules, hiding: Hiding, *, stream_id: bytes | None = None, office: str | None = None
    ) -> None:
        self._hiding = hiding
        self._stream_id = stream_id
        self._office = office
        self._matters: dict[bytes, Matter] = {}
        self._pasts: dict[bytes, list[Past]] = {}
        self._sealed = SealedStreams()
        self._heads: dict[PointId, list[Hash]] = {}
        self._derivation = Derivation(rules, Directory(rules.divisions), 0)
        self._next = 0

    @property
    def directory(self) -> Directory:
        """As of the last entry."""
        return self._derivation.directory

    def take(self, data: bytes) -> None:
        """Take the next entry.

        Raises:
            ExchangeError: It contradicts those before it: the ledger is damaged.
        """
        index = LeafIndex(self._next)
        self._next += 1
        step = self._derivation.take(index, data, self._matters.get)
        if step is None:
            return
        effect = effect_of(step.procedure, step.header, step.body)
        if effect is not None:
            self._sealed = self._sealed.after(effect)
        if step.after is not None:
            self._matters[step.header.stream_id] = step.after
            self._keep(step, step.after, data)

    def _keep(self, step: Step, after: Matter, data: bytes) -> None:
        header = step.header
        told: dict[OfficeId, Told] = {}
        if step.row is not None:
            recipients = route(step.row, after, header, step.body, self.directory, earlier=step.before)
            for point in dict.fromkeys(recipient.point for recipient in recipients):
                self._deliver(point, data)
            told = {r.office: Told(r.point, len(self._heads[r.point])) for r in recipients}
        if self._stream_id in (None, header.stream_id):
            self._pasts.setdefault(header.stream_id, []).append(
                Past(
                    leaf_index=step.at,
                    seq=header.stream_seq,
                    event_type=header.event_type,
                    state=after.state,
                    occurred_at=header.occurred_at,
                    recorded_at=step.recorded_at,
                    office=header.producer_office,
                    told=told,
                )
            )

    def _deliver(self, point: PointId, data: bytes) -> None:
        heads = self._heads.setdefault(point, [])
        entry = decode_entry(data)
        leaf = leaf_hash(entry.event if isinstance(entry, EventEntry) else b"")
        heads.append(head_next(heads[-1] if heads else HEAD_ZERO, len(heads) + 1, leaf))

    def check_receipts(self, receipts: Iterable[DeliveryReceipt]) -> list[DeliveryReceipt]:
        """Check receipts against the directory and the derived heads.

        Raises:
            EvidenceError: SIGNATURE_INVALID; HEAD_MISMATCH: the region signed for something else than it was sent.
        """
        keys = {key.key_id: key for key in self.directory.signing_keys()}
        checked = []
        for receipt in receipts:
            verify_delivery(receipt, keys.get(receipt.key_id))
            heads = self._heads.get(receipt.point, [])
            if not 1 <= receipt.n <= len(heads) or heads[receipt.n - 1] != receipt.head:
                raise EvidenceError("HEAD_MISMATCH", f"{receipt.point} signed for another head after {receipt.n}")
            checked.append(receipt)
        return checked

    def standings(self, by: By, at_ms: int, acknowledged: Acknowledged | None = None) -> Iterator[Standing]:
        """Every matter that the question finds, by stream id.

        Args:
            by: The question; KNOWN needs the office that was given.
            at_ms: The instant, milliseconds; what happened at it counts.
            acknowledged: For KNOWN.
        """
        for stream_id, pasts in sorted(self._pasts.items()):
            if self._sealed.hides(stream_id) or self._matters[stream_id].state in self._hiding.states:
                continue
            if self._office is not None and not any(_has_part(past, self._office) for past in pasts):
                continue
            events = counted(pasts, by, at_ms, office=self._office, acknowledged=acknowledged)
            if events:
                last = events[-1]
                matter = self._matters[stream_id]
                yield Standing(StreamId(stream_id), matter.procedure, last.state, events, last.seq + 1 - len(events))


def counted(
    pasts: Sequence[Past],
    by: By,
    at_ms: int,
    *,
    office: str | None = None,
    acknowledged: Acknowledged | None = None,
) -> tuple[Past, ...]:
    """The events of one matter that count at an instant.

    Args:
        pasts: All of the matter, in order.
        by: The question.
        at_ms: The instant.
        office: Who is asked about, for KNOWN.
        acknowledged: What its region signed for, for KNOWN.
    """
    match by:
        case By.RECORDED:
            return tuple(past for past in pasts if past.recorded_at <= at_ms)
        case By.OCCURRED:
            return tuple(past for past in pasts if past.occurred_at <= at_ms)
        case By.KNOWN:
            since = ((past, known_since(past, office or "", acknowledged)) for past in pasts)
            return tuple(past for past, at in since if at is not None and at <= at_ms)


def known_since(past: Past, office: str, acknowledged: Acknowledged | None) -> int | None:
    """From when on an office knew an event, milliseconds; None if it never did.

    Who made it knows it when it is recorded. Who was told knows it when its region has signed for it, and never before
    it was recorded, whatever the clock of the region says.
    """
    if past.office == office:
        return past.recorded_at
    told = past.told.get(OfficeId(office))
    since = None if told is None or acknowledged is None else acknowledged.since(told)
    return None if since is None else max(since, past.recorded_at)


def _has_part(past: Past, office: str) -> bool:
    return past.office == office or office in past.told
