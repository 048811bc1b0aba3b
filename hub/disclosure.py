"""The audit of need-to-know: who was given which content, against a second table of who may get it.

It calls neither the routing nor the rows of the procedures that route: it takes the table of `contracts.disclosure`,
the directory and the mandates at each event's index, and where each matter stood, and asks two things. Is each office
to which content was sealed one that a row of the table means (else OVER)? Does each row that applies find an office to
which it was sealed (else UNDER)? Then for each opening: is the office one that was meant, or the one that sealed it?
Was one without an open task approved (`hub.cleared_openings`)? And where delivery runs are kept: did each of those
offices' points get the notification? What is kept for that grows with the events that carry content.

It goes on to the end and names all that it finds. Whether the ledger follows from itself is the audit's (`hub.replay`),
to be asked first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from contracts.disclosure import HOLDERS, LISTED, Disclosure, load_disclosure
from contracts.event import Header, SealedRef, decode_event, leaf_hash
from contracts.ids import LeafIndex, OfficeId, PointId
from hub.admission import Rules
from hub.awaited import listed
from hub.cleared_openings import ClearedOpenings, needs_clearance
from hub.content import effect_of
from hub.directory import RECEIVE, Directory, Office
from hub.matter import Matter, advance
from hub.ports import Run
from hub.replay_ports import Shelf
from hub.sealed_event import SealedEvent
from ledger.entry import event_of

OVER: Final = "OVER"
"""An office was given content that the table does not give it."""
UNDER: Final = "UNDER"
"""An office that the table names was not given content."""
_AWAITING: Final = "awaiting"
_CASES: Final = frozenset({"cas", "std"})


class Finding(NamedTuple):
    """One content that was given to the wrong office, or not given to the right one.

    Attributes:
        kind: `OVER` or `UNDER`.
        entry: Ledger index of the event.
        event_id: The event.
        event_type: What it is.
        profile: The content.
        office: The office; empty where nobody was found.
        reason: Why, in words.
    """

    kind: str
    entry: LeafIndex
    event_id: bytes
    event_type: str
    profile: str
    office: str
    reason: str


@dataclass(slots=True)
class DisclosureReport:
    """What was compared and what was found.

    Attributes:
        events: Events with content, or for which the table names content.
        payloads: Recipients of payloads that were compared.
        openings: Openings that were compared.
        cleared: Of them those without an open task, by the reason that stands in its place.
        notified: Recipients whose notification was looked for; None where no runs are kept.
        findings: All that does not fit.
    """

    events: int = 0
    payloads: int = 0
    openings: int = 0
    cleared: Counter[str] = field(default_factory=Counter)
    notified: int | None = None
    findings: list[Finding] = field(default_factory=list)

    def counts(self) -> Mapping[str, int]:
        """Findings by kind."""
        return Counter(one.kind for one in self.findings)


class DisclosureAudit:
    """Reads a ledger and compares who was given what.

    Args:
        rules: The contracts in force.
        shelf: Empty.
        table: By procedure and event; the packaged one if None.
    """

    def __init__(
        self,
        *,
        rules: Rules,
        shelf: Shelf,
        table: Mapping[tuple[str, str], tuple[Disclosure, ...]] | None = None,
    ) -> None:
        self._rules = rules
        self._shelf = shelf
        self._table = load_disclosure() if table is None else table
        self._directory = Directory(rules.divisions)
        self._cleared = ClearedOpenings()
        self._wanted: dict[LeafIndex, tuple[Header, tuple[tuple[OfficeId, PointId], ...]]] = {}
        self._index = LeafIndex(0)
        self.report = DisclosureReport()

    def read(self, entries: Iterable[bytes]) -> Iterator[LeafIndex]:
        """Take entries from the first one on; yields after each how many were taken.

        Raises:
            ExchangeError: An entry does not follow: ask the audit which and why.
        """
        for data in entries:
            event = event_of(data)
            if event is not None:
                self._event(self._index, event)
            self._index = LeafIndex(self._index + 1)
            yield self._index

    def _event(self, index: LeafIndex, event: bytes) -> None:
        header = decode_event(event)
        body = self._rules.registry.decode_body(header.body)[1]
        before = self._shelf.matter(header.stream_id)
        procedure = self._rules.procedure(header.procedure, header.edition)
        after = advance(procedure, before, header, body, self._directory, leaf_hash(event))
        self._shelf.add_event(header.event_id, header.stream_id, index)
        self._shelf.put(header.stream_id, after)
        if header.event_class == "dir":
            self._directory.apply(index, header, body)
        rows = [
            row
            for row in self._table.get((header.procedure, header.event_type), ())
            if row.applies(body, None if before is None else before.state)
        ]
        if rows or header.sealed:
            self.report.events += 1
            self._compare(index, header, rows, before, after)
        self._cleared.follow(header, body, effect_of(procedure, header, body))
        if header.event_type == "AccessRecorded":
            self._opened(index, header, body)

    def _compare(
        self, index: LeafIndex, header: Header, rows: list[Disclosure], before: Matter | None, after: Matter
    ) -> None:
        place = _Place(header, before, after, self._directory)
        meant: list[tuple[OfficeId, PointId]] = []
        rightly: list[SealedRef] = []
        for ref in header.sealed:
            fitting = [row for row in rows if row.profile == ref.profile]
            right = []
            for office in ref.recipients:
                self.report.payloads += 1
                reason = place.why_not(office, fitting)
                if reason is None:
                    right.append(office)
                    meant.append((office, place.point_of(office)))
                else:
                    self._find(OVER, index, header, ref.profile, office, reason)
            rightly.append(ref._replace(recipients=tuple(right)))
        for row in rows:
            if not place.is_given(row, header.sealed):
                self._find(UNDER, index, header, row.profile, "", f"no {_told(row)} was given it ({row.source})")
        if header.sealed:
            self._shelf.add_sealed(header.event_id, SealedEvent.of(header._replace(sealed=tuple(rightly))).pack())
            self._wanted[index] = (header, tuple(dict.fromkeys(meant)))

    def _opened(self, index: LeafIndex, header: Header, body: Mapping[str, Any]) -> None:
        self.report.openings += 1
        opened = body["opened_event"]
        packed, stream_id = self._shelf.sealed_of(opened), self._shelf.stream_of(opened)
        event = None if packed is None else SealedEvent.unpack(packed)
        reason = self._cleared.why_not(header, body, b"" if stream_id is None else stream_id)
        if event is None or event.payload_for(body["ciphertext_hash"], body["office"]) is None:
            reason = "opened what it was not meant to get"
        if reason is not None:
            self._find(OVER, index, header, body["profile"], body["office"], reason)
        elif needs_clearance(body):
            self.report.cleared[body["reason"]] += 1

    def _find(self, kind: str, index: LeafIndex, header: Header, profile: str, office: str, reason: str) -> None:
        self.report.findings.append(Finding(kind, index, header.event_id, header.event_type, profile, office, reason))

    def compare_runs(self, runs: Iterable[Run]) -> None:
        """Look in the delivery runs for the notification of every office that was rightly given content.

        Args:
            runs: All of the ledger, as kept.
        """
        self.report.notified = 0
        told: dict[LeafIndex, set[PointId]] = {}
        for run in runs:
            for index in run.indexes:
                if LeafIndex(index) in self._wanted:
                    told.setdefault(LeafIndex(index), set()).add(run.point)
        for index, (header, meant) in self._wanted.items():
            for office, point in meant:
                self.report.notified += 1
                if point not in told.get(index, ()):
                    profiles = " ".join(ref.profile for ref in header.sealed if office in ref.recipients)
                    self._find(UNDER, index, header, profiles, office, f"{point} was never notified")


class _Place:
    """Where an event finds its offices: one matter before and after it, and the directory at its index."""

    def __init__(self, header: Header, before: Matter | None, after: Matter, directory: Directory) -> None:
        self._header = header
        self._before = before
        self._after = after
        self._directory = directory

    def point_of(self, office: OfficeId) -> PointId:
        """Where an office is told of the event: orders at its region's node, the rest at its own point."""
        found = self._directory.office(office)
        own = PointId("") if found is None else found.point
        return own if self._header.event_class in _CASES else PointId(f"{own[:2]}-node")

    def why_not(self, name: OfficeId, rows: list[Disclosure]) -> str | None:
        """Why no row means an office; None if one does."""
        office = self._directory.office(name)
        if office is None:
            return "the directory knows no such office"
        if not rows:
            return "the table gives this content to nobody here"
        if not any(self._means(row, office) for row in rows):
            return f"{office.office_type} of region {office.region} is none of {', '.join(map(_told, rows))}"
        header = self._header
        mandate = self._directory.mandate(
            office.region,
            office.office_type,
            header.event_type,
            RECEIVE,
            header.occurred_at,
            procedure=header.procedure,
        )
        return None if mandate is not None else f"{office.office_type} of region {office.region} has no mandate for it"

    def is_given(self, row: Disclosure, sealed: Iterable[SealedRef]) -> bool:
        """Whether some office that a row means got its content; the one that made the event has it already."""
        given = {office for ref in sealed if ref.profile == row.profile for office in ref.recipients}
        given.add(self._header.producer_office)
        if row.side == HOLDERS:
            return self._holders() <= given
        if row.side == LISTED:
            return self._listed() <= given
        offices = (self._directory.office(name) for name in given)
        return any(office is not None and self._means(row, office) for office in offices)

    def _means(self, row: Disclosure, office: Office) -> bool:
        if row.side == HOLDERS:
            return office.office in self._holders()
        if row.side == LISTED:
            return office.office in self._listed()
        if office.office_type not in row.office_types or office.region != self._after.region_of(row.side):
            return False
        bound = [party for party in self._after.parties if party.side == row.side]
        if any(self._is_for(party.office, office) for party in bound):
            return True
        if any(party.office_type == office.office_type and self._acting(party.office) for party in bound):
            # The side acts through another office of this type, which is open or has a successor.
            return False
        county6 = self._after.county_of(row.side)
        if county6 is not None:
            return self._directory.serves(office.office, county6, self._header.occurred_at)
        served = {area for party in bound if (one := self._directory.office(party.office)) for area in one.areas}
        found = (self._directory.serving(office.office_type, area, self._header.occurred_at) for area in served)
        return any(one is not None and one.office == office.office for one in found)

    def _acting(self, office: OfficeId) -> Office | None:
        return self._directory.acting(office)

    def _is_for(self, bound: OfficeId, office: Office) -> bool:
        """Whether an office is the one that was bound, or acts for it."""
        acting = self._acting(bound)
        return office.office == bound if acting is None else office.office == acting.office

    def _holders(self) -> set[OfficeId]:
        return self._now(() if self._before is None else self._before.holders)

    def _listed(self) -> set[OfficeId]:
        return self._now(listed(dict(self._after.facts), _AWAITING))

    def _now(self, names: Iterable[OfficeId]) -> set[OfficeId]:
        """Who acts for offices today."""
        return {acting.office if (acting := self._acting(name)) else name for name in names}


def _told(row: Disclosure) -> str:
    types = " or ".join(sorted(row.office_types)) or "office"
    return f"{types} of {row.side}"
