"""How the sides of a matter are bound to regions, counties and offices.

The first event binds the side that starts to its producer, and the other side to what its header names. Later, an
office acts for a side if it is the one bound for its type, or if none is and it serves the side's county; then it is
bound. An office that was bound and has closed is followed by the successor that it named, also in another county; if it
named none, by another one of its type that serves the side's county.
"""

from functools import lru_cache
from typing import Protocol, TypeVar

from contracts.errors import AccessError, RuleError
from contracts.event import Header
from contracts.ids import HUB_REGION, OfficeId, PointId, RegionCode
from contracts.procedure_types import ANY_SIDE, Actor, Counterpart, Procedure, Transition
from hub.matter_types import Matter, Party

T = TypeVar("T", bound=tuple[object, ...])
Binding = tuple[tuple[Party, ...], tuple[tuple[str, RegionCode], ...], tuple[tuple[str, str], ...]]
"""Parties, regions and counties of a matter."""


class OfficeEntry(Protocol):
    """What the engine asks of an office; `hub.directory_values.Office` is one."""

    @property
    def office(self) -> OfficeId:
        """Its id."""

    @property
    def region(self) -> RegionCode:
        """Whose it is."""

    @property
    def office_type(self) -> str:
        """What it is."""

    @property
    def point(self) -> PointId:
        """The delivery point that serves it."""

    @property
    def county6(self) -> str | None:
        """The county where it sits."""

    @property
    def is_closed(self) -> bool:
        """It acts no longer."""


class OfficeLookup(Protocol):
    """What the engine asks the directory, as of the event's index."""

    def office(self, office: OfficeId) -> OfficeEntry | None:
        """The office with this id."""

    def acting(self, office: OfficeId) -> OfficeEntry | None:
        """The open office that acts for an office: itself, or the successor named at its closing, and so on."""

    def serves(self, office: OfficeId, county6: str, at_ms: int) -> bool:
        """Whether an office serves a county, or what replaced it by an instant, at least in part."""


def shared(value: T) -> T:
    """The same value that another matter between the same offices has, so that many matters in memory stay small."""
    return _shared(value)  # type: ignore[return-value]  # lru_cache forgets that it gives back what it gets


@lru_cache(16_384)
def _shared(value: tuple[object, ...]) -> tuple[object, ...]:
    return value


def find_office(directory: OfficeLookup, office: OfficeId, region: RegionCode, field: str) -> OfficeEntry:
    """The office that a header names, in the region that it names.

    Raises:
        RuleError: OFFICE_UNKNOWN.
    """
    entry = directory.office(office)
    if entry is None or entry.region != region:
        raise RuleError("OFFICE_UNKNOWN", f"region {region} has no office {office}", field=field)
    return entry


def stands_for(directory: OfficeLookup, bound: OfficeId, office: OfficeId) -> bool:
    """Whether an office is the bound one, or has taken over from it since that closed."""
    if bound == office:
        return True
    acting = directory.acting(bound)
    return acting is not None and acting.office == office


def answers_for(directory: OfficeLookup, header: Header, office: OfficeId) -> bool:
    """Whether the office that makes an event answers for another one: it is that one, or serves its county.

    An office without a county is its whole region's, and every office of the region answers for it.
    """
    if header.producer_office == office:
        return True
    entry = directory.office(office)
    if entry is None or entry.region != header.producer_region:
        return False
    return entry.county6 is None or directory.serves(header.producer_office, entry.county6, header.occurred_at)


def check_party(matter: Matter, by: Actor, office: OfficeEntry, directory: OfficeLookup, at_ms: int) -> None:
    """Check that an office of a right type may act for the side of a row.

    Args:
        matter: Before the event.
        by: Who may act in the row.
        office: Who acts.
        directory: As of the event's index.
        at_ms: Instant of the act.

    Raises:
        AccessError: ACTOR_FORBIDDEN.
    """
    side = by.side
    if side == ANY_SIDE:
        if not any(region == office.region for _, region in matter.regions):
            raise _forbidden(f"region {office.region} has no side in this matter", "producer_region")
        return
    for name, region in matter.regions:
        if name == side:
            if region != office.region:
                raise _forbidden(f"{side} is region {region}, not {office.region}", "producer_region")
            break
    else:
        raise _forbidden(f"this matter has no side {side} yet", "producer_region")
    if by.takes_over:
        return
    office_type = office.office_type
    for party in matter.parties:
        if party.side == side and party.office_type == office_type:
            if party.office == office.office:
                return
            bound, acting = directory.office(party.office), directory.acting(party.office)
            if acting is not None and acting.office == office.office:
                return
            if bound is None or acting is not None or not bound.is_closed:
                other = party.office if acting is None else acting.office
                raise _forbidden(f"{side} acts through another {office_type}, {other}", "producer_office")
            break
    if not by.any_county:
        _check_county(matter, by, office, directory, at_ms)


def _check_county(matter: Matter, by: Actor, office: OfficeEntry, directory: OfficeLookup, at_ms: int) -> None:
    county6 = matter.county_of(by.side or "")
    if county6 is not None and not directory.serves(office.office, county6, at_ms):
        raise _forbidden(f"{office.office} does not serve county {county6} of {by.side}", "producer_office")


def bind_start(procedure: Procedure, row: Transition, header: Header, directory: OfficeLookup) -> Binding:
    """Bind both sides by the first event.

    Raises:
        RuleError: COUNTERPART_MISSING, COUNTERPART_MISMATCH, OFFICE_UNKNOWN.
    """
    side = row.by.side
    if side is None:
        return (), ((procedure.sides[0], HUB_REGION),), ()
    office = find_office(directory, header.producer_office, header.producer_region, "producer_office")
    binding: Binding = (
        (Party(side, office.office_type, office.region, office.office),),
        ((side, office.region),),
        () if office.county6 is None else ((side, office.county6),),
    )
    if header.counterpart_region is not None:
        return bind_counterpart(procedure, row, header, directory, binding)
    if procedure.counterpart is not None and procedure.counterpart.is_required and row.names_counterpart:
        raise RuleError(
            "COUNTERPART_MISSING",
            f"{header.event_type} names region and office of the other side",
            field="counterpart_region",
        )
    return binding


def bind_actor(
    matter: Matter, by: Actor, header: Header, directory: OfficeLookup
) -> tuple[tuple[Party, ...], tuple[tuple[str, str], ...]]:
    """Bind the office that acts in a later event; it was checked by `check_party`.

    Returns:
        Parties and counties.
    """
    side, office_id = by.side or "", header.producer_office
    if not by.takes_over:
        for party in matter.parties:
            if party.office == office_id and party.side == side:
                return matter.parties, matter.counties
    office = find_office(directory, office_id, header.producer_region, "producer_office")
    new = Party(side, office.office_type, office.region, office_id)
    counties = matter.counties
    if by.takes_over or (matter.county_of(side) is None and not by.any_county):
        counties = _replaced(counties, side, office.county6)
    if by.takes_over:
        return (new, *(party for party in matter.parties if party.side != side)), counties
    others = (p for p in matter.parties if p.side != side or p.office_type != office.office_type)
    return (*others, new), counties


def bind_counterpart(
    procedure: Procedure, row: Transition, header: Header, directory: OfficeLookup, binding: Binding
) -> Binding:
    """Bind the other side that a header names, or check that it names the one that is bound.

    Raises:
        RuleError: COUNTERPART_MISSING: an office is needed; COUNTERPART_MISMATCH; OFFICE_UNKNOWN.
    """
    other = procedure.counterpart
    if other is None or not row.names_counterpart:
        raise _mismatch(f"{header.event_type} names no other side", "counterpart_region")
    if row.by.side != procedure.sides[0]:
        return _named_back(procedure, header, binding, directory)
    region = header.counterpart_region
    if region is None:
        return binding
    parties, regions, counties = binding
    bound = _of(regions, other.side)
    if bound is not None and bound != region:
        if other.is_required:
            raise _mismatch(f"{other.side} is region {bound}, not {region}", "counterpart_region")
        parties = tuple(party for party in parties if party.side != other.side)
        counties = _replaced(counties, other.side, None)
    regions = _replaced_region(regions, other.side, region)
    if header.counterpart_office is None:
        if other.is_required and bound is None:
            raise RuleError(
                "COUNTERPART_MISSING",
                f"{header.event_type} names the office of {other.side}",
                field="counterpart_office",
            )
        return parties, regions, counties
    return _bind_office(other, header.counterpart_office, region, directory, (parties, regions, counties))


def _bind_office(
    other: Counterpart, office_id: OfficeId, region: RegionCode, directory: OfficeLookup, binding: Binding
) -> Binding:
    parties, regions, counties = binding
    office = find_office(directory, office_id, region, "counterpart_office")
    if office.office_type not in other.offices:
        raise _mismatch(
            f"{other.side} is {' or '.join(sorted(other.offices))}, not {office.office_type}", "counterpart_office"
        )
    new = Party(other.side, office.office_type, region, office_id)
    if new in parties:
        return binding
    bound = [party for party in parties if party.side == other.side]
    is_successor = any(stands_for(directory, party.office, office_id) for party in bound)
    if other.is_required and bound and not is_successor:
        raise _mismatch(f"{other.side} is bound to another office", "counterpart_office")
    if _of(counties, other.side) != office.county6:
        others = [party for party in parties if party.side != other.side]
    else:
        others = [p for p in parties if p.side != other.side or p.office_type != office.office_type]
    return (*others, new), regions, _replaced(counties, other.side, office.county6)


def _named_back(procedure: Procedure, header: Header, binding: Binding, directory: OfficeLookup) -> Binding:
    """The other side names the one that started, which is bound already."""
    parties, regions, _ = binding
    first = procedure.sides[0]
    if (first, header.counterpart_region) not in regions:
        raise _mismatch(f"{first} is not region {header.counterpart_region}", "counterpart_region")
    named = header.counterpart_office
    if named is not None and not any(
        party.side == first and stands_for(directory, party.office, named) for party in parties
    ):
        raise _mismatch(f"{first} is bound to another office", "counterpart_office")
    return binding


def _of(pairs: tuple[tuple[str, str], ...], side: str) -> str | None:
    for name, value in pairs:
        if name == side:
            return value
    return None


def _replaced(pairs: tuple[tuple[str, str], ...], side: str, value: str | None) -> tuple[tuple[str, str], ...]:
    others = tuple([pair for pair in pairs if pair[0] != side])
    return others if value is None else (*others, (side, value))


def _replaced_region(
    pairs: tuple[tuple[str, RegionCode], ...], side: str, region: RegionCode
) -> tuple[tuple[str, RegionCode], ...]:
    return (*[pair for pair in pairs if pair[0] != side], (side, region))


def _forbidden(message: str, field: str) -> AccessError:
    return AccessError("ACTOR_FORBIDDEN", message, field=field)


def _mismatch(message: str, field: str) -> RuleError:
    return RuleError("COUNTERPART_MISMATCH", message, field=field)
