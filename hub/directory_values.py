"""What the directory holds: offices, delivery points, signing keys, mandates.

Values only; `hub.directory` keeps and finds them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from contracts.errors import ContractError
from contracts.ids import HUB_PRODUCER, HUB_REGION, KeyId, LeafIndex, OfficeId, PointId, RegionCode
from contracts.instant import DAY_MS, day_start_ms
from contracts.office_type import OfficeType

SEND: Final = "SEND"
"""Direction of a mandate: the offices make the event."""
RECEIVE: Final = "RECEIVE"
"""Direction of a mandate: the offices get the event."""


class AgreementKey(NamedTuple):
    """A public key to which something is sealed.

    Attributes:
        key_id: Its id.
        public_key: X25519, 32 bytes.
    """

    key_id: KeyId
    public_key: bytes


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
        counties: Every county in which it serves at least a part.
        key: To which payloads are sealed.
        uscc: Unified social credit code.
        registered_at: Index of the event that registered it.
        closed_at: Index of the event that closed it, None while it is open.
    """

    office: OfficeId
    region: RegionCode
    office_type: OfficeType
    point: PointId
    areas: tuple[str, ...]
    county6: str | None
    counties: frozenset[str]
    key: AgreementKey
    uscc: str
    registered_at: LeafIndex
    closed_at: LeafIndex | None

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
    def of_hub(cls, *, key_id: KeyId, public_key: bytes) -> "SigningKey":
        """The hub's own event key, which the genesis entry names: valid from the first entry on."""
        return cls(key_id, "hub-events", HUB_PRODUCER, HUB_REGION, public_key, LeafIndex(0), None)

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

    def is_valid_at(self, at_ms: int) -> bool:
        """Whether it is in force at an instant."""
        return self.from_ms <= at_ms and (self.to_ms is None or at_ms < self.to_ms)

    @property
    def places(self) -> Iterator[tuple[RegionCode, OfficeType, str, str]]:
        """Under what the directory finds it: region, office type, event type, direction."""
        return ((self.region, self.office_type, event_type, self.direction) for event_type in self.event_types)

    @classmethod
    def of_body(cls, body: Mapping[str, Any]) -> "Mandate":
        """Read the body of a `MandateGranted`.

        Raises:
            ContractError: BODY_FIELD: no event is named or one twice, or a date is none or lies before the first.
        """
        event_types = tuple(body["event_types"])
        if not event_types or len(set(event_types)) != len(event_types):
            raise ContractError("BODY_FIELD", "at least one event, each once", field="event_types")
        from_ms = _day_ms(body["valid_from"], "valid_from")
        to_ms = None if body["valid_to"] is None else _day_ms(body["valid_to"], "valid_to") + DAY_MS
        if to_ms is not None and to_ms <= from_ms:
            raise ContractError("BODY_FIELD", "valid_to lies before valid_from", field="valid_to")
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
        )


def _day_ms(day: str, field: str) -> int:
    """First instant of a day in Shanghai."""
    try:
        return day_start_ms(date.fromisoformat(day))
    except ValueError as err:
        raise ContractError("BODY_FIELD", f"{day} is no date", field=field) from err
