"""The directory: regions, delivery points, offices, signing keys, mandates, and how to find them.

`Directory` is the projection of the ledger's `dir` events and changes only by `apply`. It is no frozen value: one
writer holds one, or a replay builds its own, and each event is validated whole before anything moves, so that a refused
event leaves no trace. Every lookup is a dictionary hit.

Rules kept here: an object is registered once, each in a stream of its own; one key serves one purpose and one holder;
an office serves places of its own region and is served by a point of it; offices that closed and keys that were revoked
stay known, with the index at which that happened. Validity of keys is judged by ledger index, of mandates by the
instant of the act. Not here: who may change the directory (the procedure DIRECTORY says so: the hub).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from contracts.division import Divisions
from contracts.errors import AccessError, ConflictError, ContractError, RuleError
from contracts.event import Header, decode_event
from contracts.ids import REGIONS, KeyId, LeafIndex, OfficeId, PointId, RegionCode, is_point_id
from contracts.office_type import OfficeType
from contracts.schema import SchemaRegistry
from contracts.signing import check_public_key, check_sealing_key, key_id
from hub.area import Closeness, reached, seat
from hub.directory_values import RECEIVE, SEND, AgreementKey, Mandate, Office, Point, SigningKey
from hub.editions import Editions
from ledger.entry import EventEntry, decode_entry

__all__ = ["RECEIVE", "SEND", "AgreementKey", "Directory", "Mandate", "Office", "Point", "SigningKey"]

_Body = Mapping[str, Any]
_Change = Callable[["Directory", LeafIndex, Header, _Body], None]


class Directory:
    """Who takes part, where, with which keys and under which mandates. Mutable; one writer's.

    Args:
        divisions: The division codes of the ledger's genesis.

    Attributes:
        divisions: As given.
        editions: The adopted editions of the contracts.
    """

    __slots__ = (
        "_keys",
        "_mandates",
        "_mandates_by_id",
        "_offices",
        "_points",
        "_public_keys",
        "_regions",
        "_serving",
        "_streams",
        "divisions",
        "editions",
    )

    def __init__(self, divisions: Divisions) -> None:
        self.divisions = divisions
        self.editions = Editions()
        self._regions: dict[RegionCode, LeafIndex] = {}
        self._points: dict[PointId, Point] = {}
        self._offices: dict[str, Office] = {}
        self._keys: dict[KeyId, SigningKey] = {}
        self._public_keys: set[bytes] = set()
        self._mandates_by_id: dict[bytes, Mandate] = {}
        self._mandates: dict[tuple[str, str, str, str], tuple[Mandate, ...]] = {}
        self._serving: dict[tuple[str, str], tuple[tuple[Closeness, LeafIndex, Office], ...]] = {}
        self._streams: dict[tuple[str, bytes | str], bytes] = {}

    # -- finding

    @property
    def regions(self) -> tuple[RegionCode, ...]:
        """Registered regions, in the order of registration."""
        return tuple(self._regions)

    def office(self, office: str) -> Office | None:
        """The office with this id, closed ones too; None if there was never one."""
        return self._offices.get(office)

    def offices(self) -> Iterator[Office]:
        """All offices in the order of registration, closed ones too."""
        return iter(self._offices.values())

    def point(self, point: str) -> Point | None:
        """The delivery point with this id."""
        return self._points.get(PointId(point))

    def points(self) -> Iterator[Point]:
        """All delivery points in the order of registration."""
        return iter(self._points.values())

    def points_of_region(self, region: str) -> tuple[Point, ...]:
        """The delivery points of a region, in the order of registration."""
        return tuple(point for point in self._points.values() if point.region == region)

    def serving(self, office_type: str, county6: str) -> Office | None:
        """The open office of a type that serves a county.

        An office whose area is the county itself comes first, then one whose area lies above it, then one that serves
        a part of it; among equals, the one registered first.

        Args:
            office_type: Its type.
            county6: Six digits.
        """
        found = self._serving.get((office_type, county6))
        return found[0][2] if found else None

    def signing_keys(self) -> Iterator[SigningKey]:
        """All signing keys in the order of registration, revoked ones too."""
        return iter(self._keys.values())

    def signing_key(self, key_id: KeyId, at: LeafIndex) -> SigningKey | None:
        """The signing key with this id, if what it signed may be recorded at an index; else None."""
        key = self._keys.get(key_id)
        return key if key is not None and key.is_valid_at(at) else None

    def batch_key(self, key_id: KeyId, at: LeafIndex) -> SigningKey:
        """The key that signs a batch to be recorded at an index.

        Raises:
            AccessError: KEY_UNKNOWN or KEY_REVOKED.
        """
        return self._key_for("batch", key_id, at)

    def open_key(self, key_id: KeyId, at: LeafIndex) -> SigningKey:
        """The key that signs a request to open a payload, to be recorded at an index.

        Raises:
            AccessError: KEY_UNKNOWN or KEY_REVOKED.
        """
        return self._key_for("open", key_id, at)

    def _key_for(self, purpose: str, key_id: KeyId, at: LeafIndex) -> SigningKey:
        key = self._keys.get(key_id)
        if key is None or key.purpose != purpose or key.registered_at >= at:
            raise AccessError("KEY_UNKNOWN", f"no key {key_id.hex()} for {purpose} at index {at}", field="key_id")
        if not key.is_valid_at(at):
            raise AccessError("KEY_REVOKED", f"key {key_id.hex()} was revoked at {key.revoked_at}", field="key_id")
        return key

    def mandate(
        self,
        region: str,
        office_type: str,
        event_type: str,
        direction: str,
        at_ms: int,
        *,
        procedure: str | None = None,
        purpose: str | None = None,
        legal_basis: str | None = None,
    ) -> Mandate | None:
        """The mandate under which offices may send or receive an event.

        Args:
            region: Region of the offices.
            office_type: Type of the offices.
            event_type: The event.
            direction: `SEND` or `RECEIVE`.
            at_ms: Instant of the act.
            procedure: Only a mandate for this procedure; one event type can stand in several.
            purpose: Only a mandate for this purpose.
            legal_basis: Only a mandate on this basis.

        Returns:
            The first one granted that is in force and fits, None if there is none.
        """
        for mandate in self._mandates.get((region, office_type, event_type, direction), ()):
            if (
                mandate.is_valid_at(at_ms)
                and (procedure is None or mandate.procedure == procedure)
                and (purpose is None or mandate.purpose == purpose)
                and (legal_basis is None or mandate.legal_basis == legal_basis)
            ):
                return mandate
        return None

    # -- changing

    def apply(self, index: LeafIndex, header: Header, body: Mapping[str, Any]) -> None:
        """Apply one recorded `dir` event, whole or not at all.

        Args:
            index: Index of the event's ledger entry.
            header: The event.
            body: Its decoded body.

        Raises:
            ContractError: BODY_FIELD, KEY_UNSAFE.
            AccessError: KEY_UNKNOWN, KEY_REVOKED.
            RuleError: EVENT_NOT_OF_PROCEDURE, EDITION_NOT_IN_FORCE, EDITION_NEEDED, REGION_UNKNOWN, POINT_UNKNOWN,
                OFFICE_UNKNOWN, OFFICE_CLOSED, MANDATE_UNKNOWN, DIVISION_UNKNOWN, DIVISION_NOT_A_PLACE.
            ConflictError: DIRECTORY_TAKEN, DIRECTORY_STREAM.
        """
        change = _CHANGES.get(header.event_type)
        if change is None:
            raise RuleError("EVENT_NOT_OF_PROCEDURE", f"{header.event_type} does not change the directory")
        change(self, index, header, body)

    def apply_event(self, index: LeafIndex, entry: bytes, registry: SchemaRegistry) -> None:
        """Apply one stored ledger entry that holds a `dir` event; for loading and replay.

        Raises:
            ContractError: ENTRY_MALFORMED; besides all that `apply` raises.
        """
        found = decode_entry(entry)
        if not isinstance(found, EventEntry):
            raise ContractError("ENTRY_MALFORMED", f"entry {index} is no event of the directory")
        header = decode_event(found.event)
        self.apply(index, header, registry.decode_body(header.body)[1])

    def _register_region(self, index: LeafIndex, header: Header, body: _Body) -> None:
        region = RegionCode(body["region"])
        if region not in REGIONS:
            raise ContractError("BODY_FIELD", f"{region} is none of the eleven regions", field="region")
        if region in self._regions:
            raise _taken("region", region)
        self._regions[region] = index

    def _register_point(self, index: LeafIndex, header: Header, body: _Body) -> None:
        point = PointId(body["point"])
        region = self._region_of(body)
        if not is_point_id(point) or point[:2] != region:
            raise ContractError("BODY_FIELD", f"{point} is no delivery point of region {region}", field="point")
        if point in self._points:
            raise _taken("delivery point", point)
        place = point[3:]
        is_county = place != "node"
        if is_county and self.divisions.county(place) is None:
            raise RuleError("DIVISION_NOT_A_PLACE", f"{place} is no county", field="point")
        key = self._agreement_key("point", body)
        self._points[point] = Point(point, region, key, is_county, index)
        self._public_keys.add(key.public_key)

    def _register_office(self, index: LeafIndex, header: Header, body: _Body) -> None:
        name = OfficeId(body["office"])
        region = self._region_of(body)
        if name in self._offices:
            raise _taken("office", name)
        point = self._points.get(PointId(body["point"]))
        if point is None or point.region != region:
            raise RuleError("POINT_UNKNOWN", f"region {region} has no point {body['point']}", field="point")
        areas = tuple(body["areas"])
        counties = reached(areas, region, self.divisions)
        key = self._agreement_key("office", body)
        office = Office(
            office=name,
            region=region,
            office_type=OfficeType(body["office_type"]),
            point=point.point,
            areas=areas,
            county6=seat(areas[0], self.divisions),
            counties=frozenset(counties),
            key=key,
            uscc=body["uscc"],
            registered_at=index,
            closed_at=None,
        )
        self._offices[name] = office
        self._public_keys.add(key.public_key)
        self._streams["office", name] = header.stream_id
        for county6, closeness in counties.items():
            place = (office.office_type, county6)
            rows = (*self._serving.get(place, ()), (closeness, index, office))
            self._serving[place] = tuple(sorted(rows, key=lambda row: row[:2]))

    def _close_office(self, index: LeafIndex, header: Header, body: _Body) -> None:
        office = self._offices.get(OfficeId(body["office"]))
        if office is None:
            raise RuleError("OFFICE_UNKNOWN", f"no office {body['office']}", field="office")
        self._check_stream("office", office.office, header)
        if office.is_closed:
            raise RuleError("OFFICE_CLOSED", f"{office.office} was closed at {office.closed_at}", field="office")
        self._offices[office.office] = replace(office, closed_at=index)
        for county6 in office.counties:
            place = (office.office_type, county6)
            self._serving[place] = tuple(row for row in self._serving[place] if row[2].office != office.office)

    def _register_key(self, index: LeafIndex, header: Header, body: _Body) -> None:
        region = self._region_of(body)
        producer = self._points.get(PointId(body["producer"]))
        if producer is None or producer.region != region:
            raise RuleError("POINT_UNKNOWN", f"region {region} has no point {body['producer']}", field="producer")
        check_public_key(body["public_key"])
        name = self._new_key(body["purpose"], body)
        self._keys[name] = SigningKey(
            key_id=name,
            purpose=body["purpose"],
            producer=producer.point,
            region=region,
            public_key=body["public_key"],
            registered_at=index,
            revoked_at=None,
        )
        self._public_keys.add(body["public_key"])
        self._streams["key", name] = header.stream_id

    def _revoke_key(self, index: LeafIndex, header: Header, body: _Body) -> None:
        key = self._keys.get(KeyId(body["key_id"]))
        if key is None:
            raise AccessError("KEY_UNKNOWN", f"no signing key {body['key_id'].hex()}", field="key_id")
        self._check_stream("key", key.key_id, header)
        if key.revoked_at is not None:
            raise AccessError("KEY_REVOKED", f"the key was revoked at {key.revoked_at} already", field="key_id")
        self._keys[key.key_id] = replace(key, revoked_at=index)

    def _grant_mandate(self, index: LeafIndex, header: Header, body: _Body) -> None:
        self._region_of(body)
        mandate = Mandate.of_body(body)
        if ("mandate", mandate.mandate) in self._streams:
            raise _taken("mandate", mandate.mandate.hex())
        self._mandates_by_id[mandate.mandate] = mandate
        self._streams["mandate", mandate.mandate] = header.stream_id
        for place in mandate.places:
            self._mandates[place] = (*self._mandates.get(place, ()), mandate)

    def _revoke_mandate(self, index: LeafIndex, header: Header, body: _Body) -> None:
        mandate = self._mandates_by_id.get(body["mandate"])
        if mandate is None:
            raise RuleError("MANDATE_UNKNOWN", f"no mandate {body['mandate'].hex()} is in force", field="mandate")
        self._check_stream("mandate", mandate.mandate, header)
        del self._mandates_by_id[mandate.mandate]
        for place in mandate.places:
            self._mandates[place] = tuple(row for row in self._mandates[place] if row is not mandate)

    # -- checking

    def _region_of(self, body: _Body) -> RegionCode:
        region = RegionCode(body["region"])
        if region not in self._regions:
            raise RuleError("REGION_UNKNOWN", f"region {region} is not registered", field="region")
        return region

    def _new_key(self, purpose: str, body: _Body) -> KeyId:
        """Check that a key's id is its own and that nobody uses the key already: one key, one purpose, one holder."""
        raw, name = body["public_key"], KeyId(body["key_id"])
        if name != key_id(purpose, raw):
            raise ContractError("BODY_FIELD", f"{name.hex()} is not the id of this key for {purpose}", field="key_id")
        if raw in self._public_keys:
            raise _taken("key", name.hex())
        return name

    def _agreement_key(self, purpose: str, body: _Body) -> AgreementKey:
        check_sealing_key(body["public_key"])
        return AgreementKey(self._new_key(purpose, body), body["public_key"])

    def _check_stream(self, kind: str, name: bytes | str, header: Header) -> None:
        if self._streams[kind, name] != header.stream_id:
            raise ConflictError("DIRECTORY_STREAM", f"this {kind} has another stream", field="stream_id")


def _taken(kind: str, name: str) -> ConflictError:
    return ConflictError("DIRECTORY_TAKEN", f"the {kind} {name} is registered already")


_CHANGES: Final[Mapping[str, _Change]] = {
    "RegionRegistered": Directory._register_region,
    "PointRegistered": Directory._register_point,
    "OfficeRegistered": Directory._register_office,
    "OfficeClosed": Directory._close_office,
    "KeyRegistered": Directory._register_key,
    "KeyRevoked": Directory._revoke_key,
    "MandateGranted": Directory._grant_mandate,
    "MandateRevoked": Directory._revoke_mandate,
    "EditionAdopted": lambda directory, index, header, body: directory.editions.adopt(header, body),
    "EditionRetired": lambda directory, index, header, body: directory.editions.retire(header, body),
}
"""What each event changes."""
