"""A small directory in two provinces, Hong Kong and Macao, built event by event as the ledger would."""

import hashlib
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from contracts.division import load_divisions
from contracts.event import Header
from contracts.ids import HUB_OFFICE, HUB_REGION, EventId, Hash, LeafIndex, StreamId
from contracts.schema import load_registry
from contracts.signing import key_id
from contracts.suite import office_key
from hub.directory import Directory

DAY = 1_772_000_000_000
"""2026-02-25 in Shanghai."""


class Builder:
    """Applies directory events one after the other, each through its packaged schema."""

    def __init__(self) -> None:
        self.directory = Directory(load_divisions())
        self.next_index = 1

    def header(self, event_type: str, stream: str) -> Header:
        return Header(
            event_id=EventId(bytes(16)),
            schema_id=bytes(8),
            event_type=event_type,
            event_class="dir",
            stream_id=StreamId(hashlib.sha256(stream.encode()).digest()[:16]),
            stream_seq=0,
            prev_hash=Hash(bytes(32)),
            procedure="DIRECTORY",
            edition=1,
            producer_region=HUB_REGION,
            producer_office=HUB_OFFICE,
            counterpart_region=None,
            counterpart_office=None,
            occurred_at=DAY,
            purpose="DIRECTORY",
            legal_basis="LB-DIR",
            data_class="P0",
            body=b"",
            sealed=(),
            correlation_id=None,
            causation_id=None,
            sandbox=True,
        )

    def apply(self, event_type: str, stream: str, body: Mapping[str, Any]) -> LeafIndex:
        """Encode, decode and apply a body; the index moves only if it was accepted."""
        registry = load_registry()
        name, decoded = registry.decode_body(registry.encode_body(f"pprd.v1.{event_type}Body", body))
        assert name == f"pprd.v1.{event_type}Body"
        index = LeafIndex(self.next_index)
        self.directory.apply(index, self.header(event_type, stream), decoded)
        self.next_index += 1
        return index

    def region(self, region: str) -> LeafIndex:
        return self.apply("RegionRegistered", region, {"region": region})

    def point(self, point: str, /, **changes: Any) -> LeafIndex:
        raw = agreement(point)
        body = {"point": point, "region": point[:2], "key_id": key_id("point", raw), "public_key": raw}
        return self.apply("PointRegistered", point, body | changes)

    def office(self, office: str, office_type: str, point: str, /, *areas: str, **changes: Any) -> LeafIndex:
        raw = agreement(office)
        body = {
            "office": office,
            "region": point[:2],
            "office_type": office_type,
            "point": point,
            "areas": list(areas),
            **office_key(raw),
            "uscc": "11440106PPRD00017T",
        }
        return self.apply("OfficeRegistered", office, body | changes)

    def close(self, office: str, stream: str | None = None, *, successor: str | None = None) -> LeafIndex:
        return self.apply("OfficeClosed", stream or office, {"office": office, "successor": successor})

    def change(self, office: str, /, **changes: Any) -> LeafIndex:
        body = {"office": office, "point": None, "areas": None, "key": None}
        return self.apply("OfficeChanged", office, body | changes)

    def divisions(self, kind: str, day: str, before: tuple[str, ...] = (), after: tuple[Any, ...] = ()) -> LeafIndex:
        """A change of divisions; a row of `after` is code, level, name, parent."""
        names = ("code", "level", "name", "parent")
        rows = [dict(zip(names, row, strict=True)) | {"is_without_county": False} for row in after]
        body = {"kind": kind, "valid_from": day, "before": list(before), "after": rows}
        return self.apply("DivisionChanged", f"{kind} {day} {before} {after}", body)

    def key(self, seed: str, producer: str, purpose: str = "batch", /, **changes: Any) -> LeafIndex:
        raw = signing(seed)
        body = {
            "key_id": key_id(purpose, raw),
            "purpose": purpose,
            "producer": producer,
            "region": producer[:2],
            "public_key": raw,
        }
        return self.apply("KeyRegistered", seed, body | changes)

    def revoke(self, seed: str, purpose: str = "batch", stream: str | None = None) -> LeafIndex:
        body = {"key_id": key_id(purpose, signing(seed)), "reason": "LOST"}
        return self.apply("KeyRevoked", stream or seed, body)

    def mandate(self, name: str, region: str, office_type: str, /, *event_types: str, **changes: Any) -> LeafIndex:
        body = {
            "mandate": mandate_id(name),
            "region": region,
            "office_type": office_type,
            "procedure": "CORRECTION_TRANSFER",
            "event_types": list(event_types),
            "direction": "RECEIVE",
            "purpose": "CORRECTION_TRANSFER",
            "legal_basis": "LB-COR-27",
            "valid_from": "2026-01-01",
            "valid_to": None,
            "assessment": "PIA-44-2019-1",
            "assessed_on": "2019-12-02",
        }
        return self.apply("MandateGranted", name, body | changes)

    def end_mandate(self, name: str, stream: str | None = None) -> LeafIndex:
        return self.apply("MandateRevoked", stream or name, {"mandate": mandate_id(name)})


def agreement(seed: str) -> bytes:
    """An X25519 public key."""
    private = X25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())
    return private.public_key().public_bytes_raw()


def signing(seed: str) -> bytes:
    """An Ed25519 public key."""
    private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())
    return private.public_key().public_bytes_raw()


def mandate_id(name: str) -> bytes:
    """A mandate's id."""
    return hashlib.sha256(name.encode()).digest()[:8]


@pytest.fixture
def builder() -> Builder:
    """Regions and points, no office yet."""
    made = Builder()
    for region in ("44", "43", "46", "81"):
        made.region(region)
    for point in ("44-node", "44-440106", "44-441900", "43-430102", "46-node", "81-node", "81-810000"):
        made.point(point)
    return made
