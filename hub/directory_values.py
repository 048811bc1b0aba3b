"""What the directory holds: offices, delivery points, signing keys, mandates, cross-border bases.

Values only; `hub.directory` keeps and finds them, `hub.grants` the mandates and bases.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from contracts.deadline import add_months
from contracts.errors import ContractError
from contracts.ids import HUB_PRODUCER, HUB_REGION, KeyId, LeafIndex, OfficeId, PointId, RegionCode, StreamId
from contracts.instant import DAY_MS, day_start_ms, local_day
from contracts.office_type import OfficeType
from contracts.suite import X25519

SEND: Final = "SEND"
"""Direction of a mandate: the offices make the event."""
RECEIVE: Final = "RECEIVE"
"""Direction of a mandate: the offices get the event."""


KEY_MONTHS: Final = 24
"""How long an office's key is used (DOMAIN 9.5)."""


_SURELY_MS: Final = 730 * DAY_MS
"""Two years have at least so many days: until then nobody needs a calendar."""


class AgreementKey(NamedTuple):
    """A public key to which something is sealed.

    Attributes:
        key_id: Its id.
        public_key: As its suite writes it; X25519 of 32 bytes where it is a point's.
        since_ms: When it was registered, milliseconds.
        revoked_at: Index of the event that revoked it, None while it may be used.
        suite: By which a content key is wrapped to it, one of `contracts.suite.SUITES`.
    """

    key_id: KeyId
    public_key: bytes
    since_ms: int
    revoked_at: LeafIndex | None = None
    suite: str = X25519

    @property
    def until(self) -> date:
        """Its last day: the one that corresponds to the day of its registration, two years later."""
        return add_months(local_day(self.since_ms), KEY_MONTHS)

    def is_used(self, at_ms: int) -> bool:
        """Whether it may be sealed to at an instant: neither revoked nor older than two years."""
        return self.revoked_at is None and (at_ms < self.since_ms + _SURELY_MS or local_day(at_ms) <= self.until)


@dataclass(frozen=True, slots=True)
class Point:
    """A delivery point.

    Attributes:
        point: Its id.
        region: Whose it is.
        key: To which runs of case notifications are sealed.
        is_county: A county's own gateway; cases go only to such.
        registered_at: Index of the event that registered it.
    """

    point: PointId
    region: RegionCode
    key: AgreementKey
    is_county: bool
    registered_at: LeafIndex


@dataclass(frozen=True, slots=True)
class Office:
    """An office.

    Attributes:
        office: Its id.
        region: Whose it is.
        office_type: What it is.
        point: The delivery point that serves it.
        areas: Division codes it serves, as registered.
        county6: The county where it sits, that of its first area; None if that is a prefecture or a region.
        key: To which payloads are sealed.
        uscc: Unified social credit code.
        registered_at: Index of the event that registered it.
        stream_id: The stream of its events.
        closed_at: Index of the event that closed it, None while it is open.
        successor: The office that took its matters over when it closed, if one was named.
    """

    office: OfficeId
    region: RegionCode
    office_type: OfficeType
    point: PointId
    areas: tuple[str, ...]
    county6: str | None
    key: AgreementKey
    uscc: str
    registered_at: LeafIndex
    stream_id: StreamId
    closed_at: LeafIndex | None = None
    successor: OfficeId | None = None

    @property
    def is_closed(self) -> bool:
        """It acts and receives no longer."""
        return self.closed_at is not None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key that signs.

    Attributes:
        key_id: Its id.
        purpose: `batch`, `receipt`, `open`, or `hub-events` for the hub's own.
        producer: Who holds it.
        region: Region of the producer.
        public_key: Ed25519, 32 bytes.
        registered_at: Index of the event that registered it; it is valid after that.
        revoked_at: Index of the event that revoked it; it is not valid after that. None while it is valid.
    """

    key_id: KeyId
    purpose: str
    producer: PointId
    region: RegionCode
    public_key: bytes
    registered_at: LeafIndex
    revoked_at: LeafIndex | None

    @classmethod
    def of_hub(
        cls, *, key_id: KeyId, public_key: bytes, since: LeafIndex, until: LeafIndex | None = None
    ) -> "SigningKey":
        """A key of the hub's own: the genesis record's is valid from the first entry on."""
        return cls(key_id, "hub-events", HUB_PRODUCER, HUB_REGION, public_key, since, until)

    def is_valid_at(self, at: LeafIndex) -> bool:
        """Whether what the key signed may be recorded at an index."""
        return self.registered_at < at and (self.revoked_at is None or at <= self.revoked_at)


@dataclass(frozen=True, slots=True)
class Mandate:
    """What the offices of one type in one region may send or receive, for one purpose on one basis.

    Attributes:
        mandate: Its id, 8 bytes.
        region: Region of the offices.
        office_type: Type of the offices.
        procedure: The procedure.
        event_types: The events.
        direction: `SEND` or `RECEIVE`.
        purpose: Purpose of DOMAIN 5.4.
        legal_basis: Legal basis of DOMAIN 5.4.
        from_ms: First instant of its first day in Shanghai.
        to_ms: First instant after its last day in Shanghai; None until revoked.
        assessment: Number of the impact assessment on which it rests (DOMAIN 10).
        assessed_on: Day of the assessment, not after its first day.
        stream_id: The stream of its events.
        revoked_at: Index of the event that revoked it, None while it is not.
    """

    mandate: bytes
    region: RegionCode
    office_type: OfficeType
    procedure: str
    event_types: tuple[str, ...]
    direction: str
    purpose: str
    legal_basis: str
    from_ms: int
    to_ms: int | None
    assessment: str
    assessed_on: date
    stream_id: StreamId
    revoked_at: LeafIndex | None = None

    def is_valid_at(self, at_ms: int) -> bool:
        """Whether it is in force at an instant."""
        return self.revoked_at is None and self.from_ms <= at_ms and (self.to_ms is None or at_ms < self.to_ms)

    def has_ended(self, at_ms: int) -> bool:
        """Whether it was in force and is no longer."""
        return self.revoked_at is not None or (self.to_ms is not None and self.to_ms <= at_ms)

    @property
    def places(self) -> Iterator[tuple[RegionCode, OfficeType, str, str]]:
        """Under what the directory finds it: region, office type, event type, direction."""
        return ((self.region, self.office_type, event_type, self.direction) for event_type in self.event_types)

    @classmethod
    def of_body(cls, body: Mapping[str, Any], stream_id: StreamId) -> "Mandate":
        """Read the body of a `MandateGranted`.

        Raises:
            ContractError: BODY_FIELD: no event is named or one twice, a date is none or lies before the first, or the
                assessment was made after the first day.
        """
        event_types = _each_once(body, "event_types")
        from_ms, to_ms, assessed_on = _term(body)
        return cls(
            mandate=body["mandate"],
            region=RegionCode(body["region"]),
            office_type=OfficeType(body["office_type"]),
            procedure=body["procedure"],
            event_types=event_types,
            direction=body["direction"],
            purpose=body["purpose"],
            legal_basis=body["legal_basis"],
            from_ms=from_ms,
            to_ms=to_ms,
            assessment=body["assessment"],
            assessed_on=assessed_on,
            stream_id=stream_id,
        )


@dataclass(frozen=True, slots=True)
class CrossBorderBasis:
    """On what personal content may go from a region to Hong Kong or Macao (DOMAIN 9.6).

    Attributes:
        basis: Its id, 8 bytes.
        region: The sending region, which signed it with the hub.
        to_region: `81` or `82`.
        assessment: Number of the security assessment.
        assessed_on: Day of the assessment, not after its first day.
        event_types: The events.
        profiles: The profiles.
        from_ms: First instant of its first day in Shanghai.
        to_ms: First instant after its last day in Shanghai.
        stream_id: The stream of its events.
        revoked_at: Index of the event that revoked it, None while it is not.
    """

    basis: bytes
    region: RegionCode
    to_region: RegionCode
    assessment: str
    assessed_on: date
    event_types: tuple[str, ...]
    profiles: tuple[str, ...]
    from_ms: int
    to_ms: int | None
    stream_id: StreamId
    revoked_at: LeafIndex | None = None

    def covers(self, event_type: str, profile: str, at_ms: int) -> bool:
        """Whether a payload may go on this basis at an instant."""
        is_in_force = self.revoked_at is None and self.from_ms <= at_ms and (self.to_ms is None or at_ms < self.to_ms)
        return is_in_force and event_type in self.event_types and profile in self.profiles

    @classmethod
    def of_body(cls, body: Mapping[str, Any], stream_id: StreamId) -> "CrossBorderBasis":
        """Read the body of a `CrossBorderBasisRegistered`; its signature is checked elsewhere.

        Raises:
            ContractError: BODY_FIELD: no event or profile is named or one twice, a date is none, lies before the first,
                or the assessment was made after the first day.
        """
        from_ms, to_ms, assessed_on = _term(body)
        return cls(
            basis=body["basis"],
            region=RegionCode(body["region"]),
            to_region=RegionCode(body["to_region"]),
            assessment=body["assessment"],
            assessed_on=assessed_on,
            event_types=_each_once(body, "event_types"),
            profiles=_each_once(body, "profiles"),
            from_ms=from_ms,
            to_ms=to_ms,
            stream_id=stream_id,
        )


def _each_once(body: Mapping[str, Any], field: str) -> tuple[str, ...]:
    values = tuple(body[field])
    if not values or len(set(values)) != len(values):
        raise ContractError("BODY_FIELD", "at least one, each once", field=field)
    return values


def _term(body: Mapping[str, Any]) -> tuple[int, int | None, date]:
    """First instant, first instant after the end, and the day of the assessment that came before."""
    first = _day(body["valid_from"], "valid_from")
    last = None if body["valid_to"] is None else _day(body["valid_to"], "valid_to")
    assessed_on = _day(body["assessed_on"], "assessed_on")
    if last is not None and last < first:
        raise ContractError("BODY_FIELD", "valid_to lies before valid_from", field="valid_to")
    if assessed_on > first:
        raise ContractError("BODY_FIELD", "the assessment comes before what rests on it", field="assessed_on")
    return day_start_ms(first), None if last is None else day_start_ms(last) + DAY_MS, assessed_on


def _day(day: str, field: str) -> date:
    try:
        return date.fromisoformat(day)
    except ValueError as err:
        raise ContractError("BODY_FIELD", f"{day} is no date", field=field) from err
