"""What is known of one stream: `Matter`, its `Party`s and `Duty`s. Values only; see `hub.matter`."""

from typing import NamedTuple

from contracts.ids import EventId, Hash, OfficeId, RegionCode, StreamId

FactValue = str | int | bool | bytes
"""What an event may leave for later guards: codes, dates, numbers, opaque ids."""


class Party(NamedTuple):
    """An office that acts for a side, or is bound to it.

    Attributes:
        side: Side of the procedure.
        office_type: Type of the office; a side has at most one office of a type.
        region: Region of the side.
        office: The office.
    """

    side: str
    office_type: str
    region: RegionCode
    office: OfficeId


class Duty(NamedTuple):
    """A limit that runs. When it ends is derived from this by `hub.duty.duty_due`, never stored.

    Attributes:
        rule: Id of the rule, or one of `NO_RULES`.
        side: Whose it is.
        office_type: Type of the office whose it is.
        started_ms: From where it counts, milliseconds; days outside the limit (travel) are added already.
        started_by: The event that opened it.
    """

    rule: str
    side: str
    office_type: str
    started_ms: int
    started_by: EventId


class ContentEnd(NamedTuple):
    """From where the retention of content counts. When it ends is derived from this by `hub.content`, never stored.

    Attributes:
        what: `ERASE` for all content of the matter so far, `ERASE_COPIES` for the recipients' keys of one event.
        since_ms: From where it counts, milliseconds.
        since: The event that started the count; of copies, the one that brought them.
    """

    what: str
    since_ms: int
    since: EventId


class Matter(NamedTuple):
    """One stream as its events left it; holds nobody's data.

    Attributes:
        stream_id: Its id.
        procedure: Id of its procedure.
        edition: Edition of the procedure.
        state: Where it stands.
        next_seq: `stream_seq` of its next event.
        head: Leaf hash of its last event: `prev_hash` of the next.
        opened_at: `occurred_at` of its first event.
        parties: Offices bound so far; the office that started it comes first.
        regions: Side and region.
        counties: Side and county in which it lies.
        holders: Offices that got content, in order of getting it.
        duties: Limits that run.
        facts: Values that later guards read, by name.
        sealers: Offices that sealed content, in order of their first: its keys are wrapped to them too.
        told: Of the holders those that have not acted since they got content.
        ends: From where the retention of its content counts; goes on in a final state.
    """

    stream_id: StreamId
    procedure: str
    edition: int
    state: str
    next_seq: int
    head: Hash
    opened_at: int
    parties: tuple[Party, ...]
    regions: tuple[tuple[str, RegionCode], ...]
    counties: tuple[tuple[str, str], ...]
    holders: tuple[OfficeId, ...]
    duties: tuple[Duty, ...]
    facts: tuple[tuple[str, FactValue], ...]
    sealers: tuple[OfficeId, ...] = ()
    told: tuple[OfficeId, ...] = ()
    ends: tuple[ContentEnd, ...] = ()

    @property
    def opened_region(self) -> RegionCode:
        """Region of the side that started it."""
        return self.regions[0][1]

    def region_of(self, side: str) -> RegionCode | None:
        """Region of a side, None while nobody named it."""
        for name, region in self.regions:
            if name == side:
                return region
        return None

    def county_of(self, side: str) -> str | None:
        """County of a side, None while nobody named it."""
        for name, county6 in self.counties:
            if name == side:
                return county6
        return None

    def office_of(self, side: str, office_type: str) -> OfficeId | None:
        """The office of a type that a side is bound to, None while it is bound to none."""
        for party in self.parties:
            if party.side == side and party.office_type == office_type:
                return party.office
        return None
