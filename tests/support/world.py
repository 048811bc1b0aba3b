"""A small world for tests: keys, offices, mandates and the ledger they stand in. Same seed, same bytes, every time.

    world = World()
    application = world.found(store)                          # genesis and directory are recorded
    made = residence(world, "44")                             # tests.support.matters
    answers = application.submit([world.batches["44"].batch(made[:1])])

Every person, office and key in it is synthetic (DOMAIN 3.6). Each region has one county, two delivery points (its node
and the county's own, for cases) and an office of each type that the procedures name. Pure of pytest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from contracts.division import load_divisions
from contracts.edition import FOUNDING, Contracts, load_contracts
from contracts.identity import synthetic_uscc
from contracts.ids import KeyId, OfficeId, PointId, RegionCode, StreamId, uuid7
from contracts.mandates import load_mandates
from contracts.office_type import OfficeType
from contracts.sealing import RecipientKey
from contracts.signing import key_id
from contracts.suite import office_key
from hub.admission import Rules
from hub.application import Application
from hub.own_batch import HubDraft
from hub.ports import Store
from ledger.note import NoteSigner, NoteVerifier
from tests.support.batches import BatchMaker

ORIGIN: Final = "ledger.test.example/pprd"
MORNING_MS: Final = 1_772_416_800_000
"""2026-03-02 10:00 in Shanghai, a Monday."""
COUNTIES: Final[Mapping[str, str]] = MappingProxyType({"44": "440106", "45": "450103", "43": "430102"})

NODE_OFFICES: Final = (
    OfficeType.COMMUNITY_AGENCY,
    OfficeType.COUNTY_PSB_HOUSEHOLD,
    OfficeType.COUNTY_GATEWAY,
    OfficeType.RIGHTS_DESK,
    OfficeType.PI_OFFICER,
    OfficeType.HOUSING_AUTHORITY,
    OfficeType.WORK_PERMIT_AUTHORITY,
    OfficeType.EXIT_ENTRY,
    OfficeType.SERVICE_WINDOW,
    OfficeType.POINTS_OFFICE,
)
"""Served by the region's node."""
CASE_OFFICES: Final = (
    OfficeType.POLICE_STATION,
    OfficeType.JUDICIAL_OFFICE,
    OfficeType.COUNTY_CORRECTION,
    OfficeType.SUPERIOR_CORRECTION,
    OfficeType.COURT,
    OfficeType.PRISON,
    OfficeType.JUVENILE_PRISON,
    OfficeType.PROCURATORATE,
    OfficeType.COUNTY_PSB,
    OfficeType.COUNTY_RESETTLEMENT,
    OfficeType.TOWN_OFFICE,
    OfficeType.RESCUE_STATION,
    OfficeType.MINOR_PROTECTION,
    OfficeType.COUNTY_CIVIL_AFFAIRS,
)
"""Served by the county's own point."""

_CROCKFORD: Final = "0123456789abcdefghjkmnpqrstvwxyz"


class SettableClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now_ms: int = MORNING_MS) -> None:
        self.ms = now_ms

    def now_ms(self) -> int:
        """The instant that the test has set."""
        return self.ms

    def advance(self, ms: int) -> None:
        """Let time pass."""
        self.ms += ms


class SeededEntropy:
    """Bytes that look random and are the same in every run with the same seed."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()
        self._drawn = 0

    def draw(self, size: int) -> bytes:
        """The next bytes."""
        self._drawn += 1
        return hashlib.shake_256(self._seed + b"\0" + self._drawn.to_bytes(8, "big")).digest(size)


@dataclass(frozen=True, slots=True)
class WorldOffice:
    """One office with its private key.

    Attributes:
        office: Its id.
        region: Whose it is.
        office_type: What it is.
        county6: The county it serves.
        point: Its delivery point.
        private: Opens what is sealed to it.
        key: The public side.
    """

    office: OfficeId
    region: RegionCode
    office_type: OfficeType
    county6: str
    point: PointId
    private: X25519PrivateKey
    key: RecipientKey


@dataclass(frozen=True, slots=True)
class Gateway:
    """One region's gateway with its signing keys.

    Attributes:
        producer: Its name, `44-node`.
        region: Whose it is.
        keys: Private keys by purpose: `batch`, `open`, `receipt`, `broker`.
    """

    producer: PointId
    region: RegionCode
    keys: Mapping[str, Ed25519PrivateKey]

    def key_id(self, purpose: str) -> KeyId:
        """Id of the key of a purpose."""
        return key_id(purpose, self.keys[purpose].public_key().public_bytes_raw())


class World:
    """Who takes part in a test.

    Args:
        seed: Worlds of different seeds have different keys and ids.
        clock: The world's time; tests with real servers and real time bring one that runs.
        counties: The county of each region.
        contracts: All editions that it knows; None is the packaged ones.
        node_offices: Types of office that each region's node serves.
        case_offices: Types of office that each county's own point serves.

    Attributes:
        clock: As given.
        entropy: Drawn from the seed.
        rules: The contracts, in a sandbox.
        edition: Under which matters begin; tests may change it.
        relay_key: Who the relay is on the broker.
        gateways: By region.
        points: Private keys of delivery points, by point.
        batches: One maker of batches for each region, with its chain.
    """

    def __init__(
        self,
        *,
        seed: str = "world",
        clock: SettableClock | None = None,
        counties: Mapping[str, str] = COUNTIES,
        contracts: Contracts | None = None,
        node_offices: Sequence[OfficeType] = NODE_OFFICES,
        case_offices: Sequence[OfficeType] = CASE_OFFICES,
    ) -> None:
        self._seed = seed
        self.counties = counties
        self._node_offices, self._case_offices = node_offices, case_offices
        self.clock = clock or SettableClock()
        self.entropy = SeededEntropy(seed)
        contracts = contracts or load_contracts()
        self.edition = FOUNDING
        self.rules = Rules(
            procedures=contracts.procedures,
            registry=contracts.registry,
            divisions=load_divisions(),
            editions=contracts.hashes,
            is_sandbox=True,
        )
        self.log_signer = NoteSigner(ORIGIN, self._signing_key("log"))
        self.hub_key = self._signing_key("hub-events")
        self.relay_key = self._signing_key("relay")
        self.gateways = {region: self._gateway(region) for region in counties}
        self.points = {point: self._agreement_key(point) for point in self._point_names()}
        self._offices = {(office.region, office.office_type): office for office in self._make_offices()}
        self._began_ms = self.clock.now_ms()
        self.batches = {
            region: BatchMaker(
                producer=gateway.producer, key=gateway.keys["batch"], clock=self.clock, entropy=self.entropy
            )
            for region, gateway in self.gateways.items()
        }

    # -- who is there

    @property
    def verifier(self) -> NoteVerifier:
        """The public side of the log's key."""
        return self.log_signer.verifier

    def office(self, region: str, office_type: str) -> WorldOffice:
        """The one office of that type in that region."""
        return self._offices[RegionCode(region), OfficeType(office_type)]

    def offices(self) -> Sequence[WorldOffice]:
        """All offices."""
        return tuple(self._offices.values())

    def division(self, region: str) -> str:
        """Twelve digits of the region's county."""
        return self.counties[region] + "000000"

    def fresh_id(self) -> bytes:
        """A UUIDv7 of the world's time."""
        return uuid7(unix_ms=self.clock.now_ms(), entropy=self.entropy.draw(10))

    def replace_office(self, office: WorldOffice) -> None:
        """Go on with another key of an office, after the ledger recorded that it has changed."""
        self._offices[office.region, office.office_type] = office

    # -- the ledger

    def found(self, store: Store, *, without: Sequence[str] = ()) -> Application:
        """Make the ledger in an empty store and record the directory.

        Args:
            store: Empty.
            without: Labels of drafts to leave out, see `directory`.
        """
        application = Application.create(
            store=store,
            log_signer=self.log_signer,
            hub_key=self.hub_key,
            rules=self.rules,
            clock=self.clock,
            entropy=self.entropy,
        )
        drafts = [draft for label, draft in self.directory.items() if label not in without]
        for start in range(0, len(drafts), 256):
            application.record(drafts[start : start + 256])
        return application

    def load(
        self,
        store: Store,
        *,
        next_signer: NoteSigner | None = None,
        next_hub_key: Ed25519PrivateKey | None = None,
    ) -> Application:
        """Load the hub from a store that holds this world's ledger."""
        return Application(
            store=store,
            log_signer=self.log_signer,
            hub_key=self.hub_key,
            rules=self.rules,
            clock=self.clock,
            entropy=self.entropy,
            next_signer=next_signer,
            next_hub_key=next_hub_key,
        )

    @cached_property
    def directory(self) -> Mapping[str, HubDraft]:
        """What makes the directory, by label: `region 44`, `point 44-node`, `office 44 COURT`, `key 44 batch`,
        `mandate 44 COURT RECEIVE CORRECTION_TRANSFER TransferDecided;… LB-…`."""
        return dict(self._directory())

    def revocation(self, region: str, *, purpose: str = "batch", reason: str = "COMPROMISED") -> HubDraft:
        """The draft that revokes a gateway's key."""
        gateway = self.gateways[region]
        body = {"key_id": gateway.key_id(purpose), "reason": reason}
        return HubDraft("KeyRevoked", "DIRECTORY", body, stream_id=self._stream_id(f"key {region} {purpose}"))

    def adoption(self, edition: int, effective_on: str) -> HubDraft:
        """The draft that adopts an edition of this world's contracts."""
        body = {
            "edition": edition,
            "manifest_hash": self.rules.editions[edition],
            "effective_on": effective_on,
        }
        return self._draft(f"edition {edition}", "EditionAdopted", body)[1]

    def retirement(self, edition: int, retired_on: str) -> HubDraft:
        """The draft that retires an edition."""
        body = {"edition": edition, "retired_on": retired_on}
        return HubDraft("EditionRetired", "DIRECTORY", body, stream_id=self._stream_id(f"edition {edition}"))

    def closing(self, office: WorldOffice, successor: OfficeId | None = None) -> HubDraft:
        """The draft that closes an office."""
        stream_id = self._stream_id(f"office {office.region} {office.office_type}")
        return HubDraft(
            "OfficeClosed", "DIRECTORY", {"office": office.office, "successor": successor}, stream_id=stream_id
        )

    def _directory(self) -> Iterator[tuple[str, HubDraft]]:
        for region in self.counties:
            yield self._draft(f"region {region}", "RegionRegistered", {"region": region})
        for point, private in self.points.items():
            public = private.public_key().public_bytes_raw()
            body = {"point": point, "region": point[:2], "key_id": key_id("point", public), "public_key": public}
            yield self._draft(f"point {point}", "PointRegistered", body)
        for office in self.offices():
            yield self._draft(f"office {office.region} {office.office_type}", "OfficeRegistered", _office_body(office))
        for gateway in self.gateways.values():
            for purpose, private_key in gateway.keys.items():
                body = {
                    "key_id": gateway.key_id(purpose),
                    "purpose": purpose,
                    "producer": gateway.producer,
                    "region": gateway.region,
                    "public_key": private_key.public_key().public_bytes_raw(),
                }
                yield self._draft(f"key {gateway.region} {purpose}", "KeyRegistered", body)
        for region in self.counties:
            yield from self._mandates(region)

    def _mandates(self, region: str) -> Iterator[tuple[str, HubDraft]]:
        for row in load_mandates():
            events = ";".join(row.event_types)
            label = f"mandate {region} {row.office_type} {row.direction} {row.procedure} {events} {row.legal_basis}"
            body = {
                "mandate": self._hash(label)[:8],
                "region": region,
                "office_type": row.office_type.value,
                "procedure": row.procedure,
                "event_types": list(row.event_types),
                "direction": row.direction,
                "purpose": row.purpose,
                "legal_basis": row.legal_basis,
                "valid_from": "2020-01-01",
                "valid_to": None,
                "assessment": f"PIA-{region}-2019-1",
                "assessed_on": "2019-12-02",
            }
            yield self._draft(label, "MandateGranted", body)

    def _draft(self, label: str, event_type: str, body: Mapping[str, object]) -> tuple[str, HubDraft]:
        return label, HubDraft(event_type, "DIRECTORY", body, stream_id=self._stream_id(label))

    # -- keys

    def _hash(self, label: str) -> bytes:
        return hashlib.sha256(f"{self._seed}\0{label}".encode()).digest()

    def _stream_id(self, label: str) -> StreamId:
        return StreamId(uuid7(unix_ms=self._began_ms, entropy=self._hash(f"stream {label}")[:10]))

    def _signing_key(self, label: str) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self._hash(f"Ed25519 {label}"))

    def _agreement_key(self, label: str) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(self._hash(f"X25519 {label}"))

    def _gateway(self, region: str) -> Gateway:
        keys = {purpose: self._signing_key(f"{region} {purpose}") for purpose in ("batch", "open", "receipt", "broker")}
        return Gateway(PointId(f"{region}-node"), RegionCode(region), keys)

    def _point_names(self) -> Iterator[PointId]:
        for region, county6 in self.counties.items():
            yield PointId(f"{region}-node")
            yield PointId(f"{region}-{county6}")

    def _make_offices(self) -> Iterator[WorldOffice]:
        for region, county6 in self.counties.items():
            for office_type in (*self._node_offices, *self._case_offices):
                name = self._office_id(region, office_type)
                private = self._agreement_key(name)
                public = private.public_key().public_bytes_raw()
                place = county6 if office_type in self._case_offices else "node"
                yield WorldOffice(
                    office=name,
                    region=RegionCode(region),
                    office_type=office_type,
                    county6=county6,
                    point=PointId(f"{region}-{place}"),
                    private=private,
                    key=RecipientKey(name, key_id("office", public), public),
                )

    def _office_id(self, region: str, office_type: str) -> OfficeId:
        return OfficeId("o" + "".join(_CROCKFORD[byte & 31] for byte in self._hash(f"{region} {office_type}")[:8]))


def _office_body(office: WorldOffice) -> Mapping[str, object]:
    number = int.from_bytes(hashlib.sha256(office.office.encode()).digest()[:4], "big") % 10_000
    return {
        "office": office.office,
        "region": office.region,
        "office_type": office.office_type.value,
        "point": office.point,
        "areas": [office.county6 + "000000"],
        **office_key(office.key.public_raw),
        "uscc": synthetic_uscc(f"11{office.county6}PPRD{number:04}"),
    }
