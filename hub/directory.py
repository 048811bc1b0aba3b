"""The directory: regions, delivery points, offices, signing keys, mandates, divisions, and how to find them.

`Directory` is the projection of the ledger's `dir` events and changes only by `apply`. It is no frozen value: one
writer holds one, or a replay builds its own, and each event is validated whole before anything moves, so that a refused
event leaves no trace. Every lookup is a few dictionary hits.

Rules kept here: an object is registered once, each in a stream of its own; one key serves one purpose and one holder;
an office serves places of its own region and is served by a point of it; offices that closed and keys that were revoked
stay known, with the index at which that happened; an office that closes may name who follows it. Validity of keys is
judged by ledger index, of mandates and divisions by the instant of the act. Kept next door: divisions with their dates
(`hub.dated_divisions`), who serves a place (`hub.serving`), keys (`hub.key_register`), mandates and bases
(`hub.grants`). Not here: who may change the directory (the procedure DIRECTORY says so: the hub).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from contracts.division import Divisions, Places
from contracts.errors import AccessError, ContractError, RuleError
from contracts.event import Header, decode_event
from contracts.ids import REGIONS, KeyId, LeafIndex, OfficeId, PointId, RegionCode, StreamId, is_point_id
from contracts.instant import local_day
from contracts.office_type import OfficeType
from contracts.schema import SchemaRegistry
from hub.area import check_areas, seat
from hub.dated_divisions import DatedDivisions
from hub.directory_errors import other_stream, taken
from hub.directory_values import RECEIVE, SEND, AgreementKey, CrossBorderBasis, Mandate, Office, Point, SigningKey
from hub.division_change import DivisionChange
from hub.editions import Editions, Term
from hub.grants import Grants, Wanted
from hub.hub_keys import PURPOSE as HUB_PURPOSE
from hub.hub_keys import HubKeys
from hub.key_register import KeyRegister
from hub.log_key_changes import LogKeyChanges
from hub.serving import Serving
from hub.succession import Succession, check_successor
from ledger.entry import EventEntry, decode_entry

__all__ = ["RECEIVE", "SEND", "AgreementKey", "Directory", "Mandate", "Office", "Point", "SigningKey"]

_Body = Mapping[str, Any]
_Change = Callable[["Directory", LeafIndex, Header, _Body], None]


class Directory:
    """Who takes part, where, with which keys and under which mandates. Mutable; one writer's.

    Args:
        divisions: The division codes of the ledger's genesis.

    Attributes:
        divisions: With every change that is recorded since.
        editions: The adopted editions of the contracts.
        grants: Mandates and cross-border bases.
        log_keys: How the key of the ledger itself was replaced.
        hub_keys: The hub's own keys; who reads batches says `begin` with the first one.
        closed_at: Index of the ledger's last event; None while it goes on.
        closing: Its body.
        version: Counts the calls of `apply`: whoever keeps what it derived from a directory knows when that is over.
    """

    __slots__ = (
        "_keys",
        "_offices",
        "_points",
        "_regions",
        "_serving",
        "_succession",
        "closed_at",
        "closing",
        "divisions",
        "editions",
        "grants",
        "hub_keys",
        "log_keys",
        "version",
    )

    def __init__(self, divisions: Divisions) -> None:
        self.divisions = DatedDivisions(divisions)
        self.editions = Editions()
        self.grants = Grants()
        self.log_keys = LogKeyChanges()
        self.hub_keys = HubKeys()
        self.closed_at: LeafIndex | None = None
        self.closing: _Body = {}
        self.version = 0
        self._regions: dict[RegionCode, LeafIndex] = {}
        self._points: dict[PointId, Point] = {}
        self._offices: dict[str, Office] = {}
        self._keys = KeyRegister()
        self._serving = Serving(self.divisions)
        self._succession = Succession()

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

    def serving(self, office_type: str, place: str, at_ms: int | None = None) -> Office | None:
        """The open office of a type that serves a place: the one with the closest area (`hub.serving`).

        Args:
            office_type: Its type.
            place: Six digits of a county, or twelve of a place of any level.
            at_ms: Instant that says which codes are in force; None where the code is known to be.
        """
        day = None if at_ms is None else local_day(at_ms)
        found = self._serving.find(office_type, place if len(place) == 12 else place + "000000", day)
        return None if found is None else self._offices[found]

    def serves(self, office: OfficeId, county6: str, at_ms: int) -> bool:
        """Whether an office serves a county or a part of it, or of what replaced that county by an instant."""
        found = self._offices.get(office)
        return found is not None and self._serving.serves(found.areas, county6 + "000000", local_day(at_ms))

    def acting(self, office: OfficeId) -> Office | None:
        """The open office that acts for an office: itself, or the successor that it named when it closed, and so on.

        Returns:
            None for an unknown office, and for one that closed and named nobody who is open.
        """
        found = self._offices.get(office)
        while found is not None and found.is_closed:
            found = None if found.successor is None else self._offices.get(found.successor)
        return found

    def predecessors(self, office: OfficeId) -> tuple[OfficeId, ...]:
        """The closed offices for which an office acts, through every closing."""
        return self._succession.predecessors(office)

    def stream_of(self, kind: str, name: Any) -> StreamId | None:
        """The stream of an `office`, `key_id`, `mandate`, `basis` or `edition` by its id; None without one."""
        found: Office | Mandate | CrossBorderBasis | Term | None
        match kind:
            case "office":
                found = self._offices.get(name)
            case "key_id":
                return self._keys.stream_of(name)
            case "edition":
                found = self.editions.term(name)
            case "mandate":
                found = self.grants.get(name)
            case _:
                found = self.grants.basis(name)
        return None if found is None or found.stream_id is None else StreamId(found.stream_id)

    def places_at(self, at_ms: int) -> Places:
        """The divisions that are in force at an instant."""
        return self.divisions.on(local_day(at_ms)) if self.divisions.is_changed else self.divisions.base

    def signing_keys(self) -> Iterator[SigningKey]:
        """All signing keys in the order of registration, revoked ones too."""
        return iter(self._keys.signing_keys())

    def signing_key(self, key_id: KeyId, at: LeafIndex) -> SigningKey | None:
        """The signing key with this id, if what it signed may be recorded at an index; else None."""
        key = self._keys.find(key_id)
        return key if key is not None and key.is_valid_at(at) else None

    def batch_key(self, key_id: KeyId, at: LeafIndex) -> SigningKey:
        """The key that signs a batch to be recorded at an index.

        Raises:
            AccessError: KEY_UNKNOWN or KEY_REVOKED.
        """
        return self._keys.valid("batch", key_id, at)

    def signer_of_batch(self, key_id: KeyId, at: LeafIndex) -> SigningKey:
        """The key that signs a batch to be recorded at an index: a producer's, or the hub's own.

        Raises:
            AccessError: KEY_UNKNOWN or KEY_REVOKED: it is none, or another one has taken its place.
        """
        hub = self.hub_keys.find(key_id)
        return self.batch_key(key_id, at) if hub is None else self._keys.valid_at(hub, key_id, HUB_PURPOSE, at)

    def open_key(self, key_id: KeyId, at: LeafIndex) -> SigningKey:
        """The key that signs a request to open a payload, to be recorded at an index.

        Raises:
            AccessError: KEY_UNKNOWN or KEY_REVOKED.
        """
        return self._keys.valid("open", key_id, at)

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
        wanted = Wanted(region, office_type, event_type, direction, procedure, purpose, legal_basis)
        return self.grants.find(wanted, at_ms)

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
                OFFICE_UNKNOWN, OFFICE_CLOSED, MANDATE_UNKNOWN, DIVISION_UNKNOWN, DIVISION_NOT_A_PLACE,
                DIVISION_NOT_IN_FORCE, DIVISION_CHANGE_INVALID.
            EvidenceError: SIGNATURE_INVALID: the region did not sign a cross-border basis.
            ConflictError: DIRECTORY_TAKEN, DIRECTORY_STREAM.
        """
        change = _CHANGES.get(header.event_type)
        if change is None:
            raise RuleError("EVENT_NOT_OF_PROCEDURE", f"{header.event_type} does not change the directory")
        self.version += 1
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
            raise taken("region", region)
        self._regions[region] = index

    def _register_point(self, index: LeafIndex, header: Header, body: _Body) -> None:
        point = PointId(body["point"])
        region = self._region_of(body)
        if not is_point_id(point) or point[:2] != region:
            raise ContractError("BODY_FIELD", f"{point} is no delivery point of region {region}", field="point")
        if point in self._points:
            raise taken("delivery point", point)
        place = point[3:]
        is_county = place != "node"
        if is_county and self.places_at(header.occurred_at).county(place) is None:
            raise RuleError("DIVISION_NOT_A_PLACE", f"{place} is no county", field="point")
        key = self._keys.agreement("point", body, header.occurred_at)
        self._points[point] = Point(point, region, key, is_county, index)
        self._keys.take(key)

    def _change_point(self, index: LeafIndex, header: Header, body: _Body) -> None:
        point = self._points.get(PointId(body["point"]))
        if point is None:
            raise RuleError("POINT_UNKNOWN", f"there is no point {body['point']}", field="point")
        key = self._keys.agreement("point", body, header.occurred_at)
        self._points[point.point] = replace(point, key=key)
        self._keys.take(key)

    def _register_office(self, index: LeafIndex, header: Header, body: _Body) -> None:
        name = OfficeId(body["office"])
        region = self._region_of(body)
        if name in self._offices:
            raise taken("office", name)
        point = self._point_of(region, body["point"])
        areas = tuple(body["areas"])
        check_areas(areas, region, self.divisions, local_day(header.occurred_at))
        key = self._keys.agreement("office", body, header.occurred_at)
        office = Office(
            office=name,
            region=region,
            office_type=OfficeType(body["office_type"]),
            point=point,
            areas=areas,
            county6=seat(areas[0], self.divisions),
            key=key,
            uscc=body["uscc"],
            registered_at=index,
            stream_id=header.stream_id,
        )
        self._offices[name] = office
        self._keys.take(key)
        self._serving.add(name, office.office_type, areas, index)

    def _change_office(self, index: LeafIndex, header: Header, body: _Body) -> None:
        office = self._open_office(header, body)
        if body["point"] is None and body["areas"] is None and body["key"] is None:
            raise ContractError("BODY_FIELD", "a change names a point, areas or a key", field="areas")
        changed = office
        if body["point"] is not None:
            changed = replace(changed, point=self._point_of(office.region, body["point"]))
        if body["areas"] is not None:
            areas = tuple(body["areas"])
            check_areas(areas, office.region, self.divisions, local_day(header.occurred_at))
            changed = replace(changed, areas=areas, county6=seat(areas[0], self.divisions))
        if body["key"] is not None:
            changed = replace(changed, key=self._keys.agreement("office", body["key"], header.occurred_at))
        self._offices[office.office] = changed
        self._keys.take(changed.key)
        if changed.areas != office.areas:
            self._serving.remove(office.office, office.office_type, office.areas)
            self._serving.add(office.office, office.office_type, changed.areas, office.registered_at)

    def _revoke_office_key(self, index: LeafIndex, header: Header, body: _Body) -> None:
        office = self._open_office(header, body)
        if body["key_id"] != office.key.key_id:
            raise AccessError("KEY_UNKNOWN", f"{body['key_id'].hex()} is not the key of this office", field="key_id")
        if office.key.revoked_at is not None:
            raise AccessError("KEY_REVOKED", f"the key was revoked at {office.key.revoked_at} already", field="key_id")
        self._offices[office.office] = replace(office, key=office.key._replace(revoked_at=index))

    def _close_office(self, index: LeafIndex, header: Header, body: _Body) -> None:
        office = self._open_office(header, body)
        if body["successor"] is not None:
            check_successor(office, self._offices.get(body["successor"]))
            self._succession.add(office.office, body["successor"])
        self._offices[office.office] = replace(office, closed_at=index, successor=body["successor"])
        self._serving.remove(office.office, office.office_type, office.areas)

    def _open_office(self, header: Header, body: _Body) -> Office:
        office = self._offices.get(OfficeId(body["office"]))
        if office is None:
            raise RuleError("OFFICE_UNKNOWN", f"no office {body['office']}", field="office")
        if office.stream_id != header.stream_id:
            raise other_stream("office")
        if office.is_closed:
            raise RuleError("OFFICE_CLOSED", f"{office.office} was closed at {office.closed_at}", field="office")
        return office

    def _register_key(self, index: LeafIndex, header: Header, body: _Body) -> None:
        region = self._region_of(body)
        producer = self._points.get(PointId(body["producer"]))
        if producer is None or producer.region != region:
            raise RuleError("POINT_UNKNOWN", f"region {region} has no point {body['producer']}", field="producer")
        self._keys.register(body, producer, header, index)

    def _revoke_key(self, index: LeafIndex, header: Header, body: _Body) -> None:
        self._keys.revoke(body, header, index)

    def _grant_mandate(self, index: LeafIndex, header: Header, body: _Body) -> None:
        self._region_of(body)
        self.grants.grant(body, header.stream_id)

    def _revoke_mandate(self, index: LeafIndex, header: Header, body: _Body) -> None:
        self.grants.revoke(body, header.stream_id, index)

    def _register_basis(self, index: LeafIndex, header: Header, body: _Body) -> None:
        self._region_of(body)
        self.grants.register_basis(body, header.stream_id, self.batch_key(KeyId(body["key_id"]), index))

    def _revoke_basis(self, index: LeafIndex, header: Header, body: _Body) -> None:
        self.grants.revoke_basis(body, header.stream_id, index)

    def _change_divisions(self, index: LeafIndex, header: Header, body: _Body) -> None:
        self.divisions.apply(DivisionChange.of_body(body))

    def _close_ledger(self, index: LeafIndex, header: Header, body: _Body) -> None:
        self.check_open()
        self.closed_at, self.closing = index, body

    # -- checking

    def check_open(self) -> None:
        """Check that the ledger goes on.

        Raises:
            RuleError: LEDGER_CLOSED.
        """
        if self.closed_at is not None:
            raise RuleError("LEDGER_CLOSED", f"entry {self.closed_at} has closed this ledger")

    def _replace_hub_key(self, index: LeafIndex, header: Header, body: _Body) -> None:
        self._keys.check_free(HUB_PURPOSE, body)
        self.hub_keys.replace(body, index)
        self._keys.reserve(body["public_key"])

    def _region_of(self, body: _Body) -> RegionCode:
        region = RegionCode(body["region"])
        if region not in self._regions:
            raise RuleError("REGION_UNKNOWN", f"region {region} is not registered", field="region")
        return region

    def _point_of(self, region: RegionCode, name: str) -> PointId:
        point = self._points.get(PointId(name))
        if point is None or point.region != region:
            raise RuleError("POINT_UNKNOWN", f"region {region} has no point {name}", field="point")
        return point.point


_CHANGES: Final[Mapping[str, _Change]] = {
    "RegionRegistered": Directory._register_region,
    "PointRegistered": Directory._register_point,
    "PointChanged": Directory._change_point,
    "OfficeRegistered": Directory._register_office,
    "OfficeChanged": Directory._change_office,
    "OfficeKeyRevoked": Directory._revoke_office_key,
    "OfficeClosed": Directory._close_office,
    "KeyRegistered": Directory._register_key,
    "KeyRevoked": Directory._revoke_key,
    "LedgerClosed": Directory._close_ledger,
    "HubKeyReplaced": Directory._replace_hub_key,
    "LogKeyAnnounced": lambda directory, index, header, body: directory.log_keys.announce(body, header, index),
    "LogKeySwitched": lambda directory, index, header, body: directory.log_keys.end(body, header, index),
    "LogKeyWithdrawn": lambda directory, index, header, body: directory.log_keys.end(body, header, index),
    "MandateGranted": Directory._grant_mandate,
    "MandateRevoked": Directory._revoke_mandate,
    "EditionAdopted": lambda directory, index, header, body: directory.editions.adopt(header, body),
    "EditionRetired": lambda directory, index, header, body: directory.editions.retire(header, body),
    "CrossBorderBasisRegistered": Directory._register_basis,
    "CrossBorderBasisRevoked": Directory._revoke_basis,
    "DivisionChanged": Directory._change_divisions,
}
"""What each event changes."""
