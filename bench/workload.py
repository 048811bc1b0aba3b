"""The events that both hubs get: residence registrations and residence notices between two regions, made beforehand.

A matter of the mix is DOMAIN 14's: a registration (declared, recorded) and its notice (prepared, sent with a sealed
NP-RES, delivered, acknowledged): six events, one payload, two deliveries. Synthetic identities only. Keys are derived
from the names of their owners, so that each process of the bench has them without being told.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from contracts import signing
from contracts.division import load_divisions
from contracts.event import Header, SealedRef, encode_event, leaf_hash
from contracts.identity import synthetic_resident_id, synthetic_uscc
from contracts.ids import EventId, Hash, OfficeId, PointId, RegionCode, StreamId, uuid7
from contracts.mandates import load_mandates
from contracts.profile import encode_payload
from contracts.schema import load_registry
from contracts.sealing import Associated, RecipientKey, seal
from contracts.suite import office_key
from hub.own_batch import HubDraft
from hub.submission import SubmittedBatch, SubmittedPayload
from ledger.batch import Batch, batch_hash, encode_tbs
from ledger.compact import root_of

_ZERO = Hash(bytes(32))
_MINUTE_MS = 60_000
REGIONS = ("44", "45")
_HOUSEHOLD = "COUNTY_PSB_HOUSEHOLD"
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(slots=True)
class Producer:
    """One region's gateway: its keys and where its chain of batches stands."""

    region: RegionCode
    name: PointId
    key: Ed25519PrivateKey
    key_id: bytes
    open_key: Ed25519PrivateKey
    seq: int = 0
    last: Hash = _ZERO

    def batch(self, events: Sequence[bytes], payloads: Sequence[SubmittedPayload]) -> SubmittedBatch:
        """Sign the next batch of this chain."""
        now = time.time_ns() // 1_000_000
        tbs = encode_tbs(
            Batch(self.name, fresh_id(), self.seq, len(events), now, self.last, root_of(map(leaf_hash, events)))
        )
        self.seq += 1
        self.last = batch_hash(tbs)
        return SubmittedBatch(tbs, signing.sign(self.key, tbs), self.key_id, tuple(events), tuple(payloads))


@dataclass(slots=True)
class World:
    """Two regions with some counties each.

    Attributes:
        counties: Counties of each region; each has an office for notices, the first one a police station too.
        producers: By region.
        places: The first county's code by region.
        offices: (region, office type) to office id, of the first county.
        households: The offices for notices by region, one a county.
        office_keys: Sealing keys by office.
        private_keys: Their private halves.
    """

    counties: int = 1
    producers: dict[str, Producer] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    offices: dict[tuple[str, str], OfficeId] = field(default_factory=dict)
    households: dict[str, list[OfficeId]] = field(default_factory=dict)
    office_keys: dict[OfficeId, RecipientKey] = field(default_factory=dict)
    private_keys: dict[OfficeId, X25519PrivateKey] = field(default_factory=dict)

    def directory(self, procedures: frozenset[str] | None = None) -> Iterator[HubDraft]:
        """The directory events of this world, with mandates for some procedures or for all; makes its keys."""
        draft = partial(HubDraft, procedure="DIRECTORY")
        for region in REGIONS:
            yield draft("RegionRegistered", body={"region": region})
            point = PointId(f"{region}-node")
            raw = sealing_key("point", point).public_key().public_bytes_raw()
            keys = {"key_id": signing.key_id("point", raw), "public_key": raw}
            yield draft("PointRegistered", body={"point": point, "region": region, **keys})
            yield from self._offices(region)
            batch, opening = signing_key("batch", point), signing_key("open", point)
            batch_id = signing.key_id("batch", batch.public_key().public_bytes_raw())
            self.producers[region] = Producer(RegionCode(region), point, batch, batch_id, opening)
            for purpose, key in (("batch", batch), ("open", opening)):
                raw = key.public_key().public_bytes_raw()
                body = {"key_id": signing.key_id(purpose, raw), "purpose": purpose, "public_key": raw}
                yield draft("KeyRegistered", body={**body, "producer": point, "region": region})
            for row in load_mandates():
                if procedures is not None and row.procedure not in procedures:
                    continue
                mandate: dict[str, Any] = {
                    "mandate": os.urandom(8),
                    "region": region,
                    "office_type": str(row.office_type),
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
                yield draft("MandateGranted", body=mandate)

    def _offices(self, region: str) -> Iterator[HubDraft]:
        counties = [county.code for county in islice(load_divisions().counties(region), self.counties)]
        self.places[region] = counties[0]
        yield self.office(region, "POLICE_STATION")
        for county in counties:
            yield self.office(region, _HOUSEHOLD, county)

    def office(self, region: str, kind: str, county: str | None = None) -> HubDraft:
        """The directory event of one more office of a region, in its first county unless it is said which; makes its
        key."""
        county = county or self.places[region]
        number = sum(office[1:3] == region for office in self.office_keys)
        office = OfficeId(f"o{region}benc{_CROCKFORD[number >> 5]}{_CROCKFORD[number & 31]}")
        private = sealing_key("office", office)
        keys = office_key(private.public_key().public_bytes_raw())
        self.offices.setdefault((region, kind), office)
        if kind == _HOUSEHOLD:
            self.households.setdefault(region, []).append(office)
        self.private_keys[office] = private
        self.office_keys[office] = RecipientKey(office, keys["key_id"], keys["public_key"])
        body: dict[str, Any] = {
            "office": office,
            "region": region,
            "office_type": kind,
            "point": f"{region}-node",
            "areas": [county],
            **keys,
            "uscc": synthetic_uscc(f"11{county[:6]}PPRD{number:04}"),
        }
        return HubDraft("OfficeRegistered", "DIRECTORY", body)

    def waves(self, matters: int) -> Iterator[tuple[Producer, list[bytes], list[SubmittedPayload]]]:
        """Make that many matters; each wave is one step of all of them, by one producer, so that order is kept."""
        streams = [(Stream(self, "RESIDENCE"), Stream(self, "RESIDENCE_NOTIFICATION")) for _ in range(matters)]
        yield self.producers["44"], [r.declared() for r, _ in streams], []
        yield self.producers["44"], [r.recorded() for r, _ in streams], []
        yield self.producers["44"], [n.prepared() for _, n in streams], []
        sent = [n.sent() for _, n in streams]
        yield self.producers["44"], [event for event, _ in sent], [payload for _, payload in sent]
        yield self.producers["45"], [n.delivered() for _, n in streams], []
        yield self.producers["45"], [n.acknowledged() for _, n in streams], []

    def batches(self, matters: int, size: int) -> Iterator[SubmittedBatch]:
        """Signed batches of at most `size` events, in an order that the hub can take one after another."""
        for producer, events, payloads in self.waves(matters):
            for at in range(0, len(events), size):
                yield producer.batch(events[at : at + size], payloads[at : at + size])


class Stream:
    """One matter in the making.

    Args:
        world: Who takes part.
        procedure: Which.
        receiver: For whom a notice is; None: the office of the first county.
    """

    def __init__(self, world: World, procedure: str, receiver: OfficeId | None = None) -> None:
        self._world = world
        self._procedure = procedure
        self._receiver = receiver or world.offices["45", _HOUSEHOLD]
        self._id = StreamId(fresh_id())
        self._seq = 0
        self._head = _ZERO

    def declared(self) -> bytes:
        """RegistrationDeclared."""
        body = {"division": self._world.places["44"], "notice_id": fresh_id(), "declared_by": "APPLICANT"}
        return self._event("RegistrationDeclared", "44", "POLICE_STATION", body)

    def recorded(self) -> bytes:
        """RegistrationRecorded."""
        return self._event(
            "RegistrationRecorded", "44", "POLICE_STATION", {"registered_on": "2026-11-01", "identity_form_valid": True}
        )

    def prepared(self) -> bytes:
        """ResidenceNoticePrepared."""
        other = ("45", self._receiver)
        body = {"notice_id": fresh_id()}
        return self._event("ResidenceNoticePrepared", "44", "COUNTY_PSB_HOUSEHOLD", body, counterpart=other)

    def sent(self) -> tuple[bytes, SubmittedPayload]:
        """ResidenceNoticeSent with its sealed payload."""
        producer = self._world.offices["44", "COUNTY_PSB_HOUSEHOLD"]
        event_id = EventId(fresh_id())
        keys = self._world.office_keys
        payload = seal(
            plaintext=_notice(),
            associated=Associated(self._id, event_id, "NP-RES"),
            recipients=(keys[self._receiver],),
            producer=keys[producer],
            content_key=os.urandom(32),
            nonce=os.urandom(12),
            opening=os.urandom(64),
        )
        event = self._event(
            "ResidenceNoticeSent", "44", "COUNTY_PSB_HOUSEHOLD", {}, sealed=(payload.ref,), event_id=event_id
        )
        return event, SubmittedPayload(payload.ciphertext, payload.wrapped)

    def delivered(self) -> bytes:
        """ResidenceNoticeDelivered."""
        return self._event("ResidenceNoticeDelivered", "45", "COUNTY_PSB_HOUSEHOLD", {"verified": True})

    def acknowledged(self) -> bytes:
        """ResidenceNoticeAcknowledged."""
        return self._event("ResidenceNoticeAcknowledged", "45", "COUNTY_PSB_HOUSEHOLD", {})

    def _event(
        self,
        event_type: str,
        region: str,
        office_type: str,
        body: Mapping[str, Any],
        *,
        counterpart: tuple[str, OfficeId] | None = None,
        sealed: tuple[SealedRef, ...] = (),
        event_id: EventId | None = None,
    ) -> bytes:
        codec = load_registry().by_name(f"pprd.v1.{event_type}Body")
        now = time.time_ns() // 1_000_000
        is_notice = self._procedure == "RESIDENCE_NOTIFICATION"
        data = encode_event(
            Header(
                event_id=event_id or EventId(fresh_id()),
                schema_id=codec.fingerprint,
                event_type=event_type,
                event_class="std",
                stream_id=self._id,
                stream_seq=self._seq,
                prev_hash=self._head,
                procedure=self._procedure,
                edition=1,
                producer_region=RegionCode(region),
                producer_office=self._world.offices[region, office_type],
                counterpart_region=None if counterpart is None else RegionCode(counterpart[0]),
                counterpart_office=None if counterpart is None else counterpart[1],
                occurred_at=now - now % _MINUTE_MS,
                purpose="RESIDENCE_NOTICE" if is_notice else "RESIDENCE_REGISTER",
                legal_basis="LB-RES-07" if is_notice else "LB-HUK-15",
                data_class="P2",
                body=codec.encode_single(body),
                sealed=sealed,
                correlation_id=None,
                causation_id=None,
                sandbox=True,
            )
        )
        self._seq += 1
        self._head = leaf_hash(data)
        return data


def fresh_id() -> bytes:
    """A new UUIDv7."""
    return uuid7(unix_ms=time.time_ns() // 1_000_000, entropy=os.urandom(10))


def signing_key(purpose: str, name: str) -> Ed25519PrivateKey:
    """The signing key of somebody of the bench."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"bench {purpose} {name}".encode()).digest())


def sealing_key(purpose: str, name: str) -> X25519PrivateKey:
    """The sealing key of somebody of the bench."""
    return X25519PrivateKey.from_private_bytes(hashlib.sha256(f"bench {purpose} {name}".encode()).digest())


def notice_content() -> dict[str, Any]:
    """What a notice says of a person, without the fields that every payload has."""
    return {
        "identity": {
            "name": "测试甲一",
            "document_type": "CN_RESIDENT_ID",
            "document_number": synthetic_resident_id("450103", 1852, 2, 29, 17),
            "birth_date": "2000-02-29",
        },
        "county": "440106",
        "date": "2026-11-01",
        "change": "STARTED",
    }


def _notice() -> bytes:
    common = {
        "profile": "NP-RES",
        "purpose": "RESIDENCE_NOTICE",
        "legal_basis": "LB-RES-07",
        "retention_rule": "RESIDENCE_NOTIFICATION",
        "expires_on": "2027-06-30",
        "minor": False,
        "seal_state": "NONE",
        "safety_hold": False,
    }
    return encode_payload("NP-RES", common | notice_content())
