"""A region's signed word that a point holds everything up to n: its bytes, and whose word counts."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.errors import EvidenceError
from contracts.ids import Hash, LeafIndex, PointId, RegionCode
from contracts.signing import key_id
from hub.delivery_receipt import DeliveryReceipt, sign_receipt, verify_delivery
from hub.directory_values import SigningKey
from ledger.heads import receipt_tbs

PRIVATE = Ed25519PrivateKey.from_private_bytes(b"\4" * 32)
PUBLIC = PRIVATE.public_key().public_bytes_raw()


def key(*, purpose: str = "receipt", region: str = "44", public: bytes = PUBLIC) -> SigningKey:
    name = key_id("receipt", PUBLIC)
    return SigningKey(name, purpose, PointId(f"{region}-node"), RegionCode(region), public, LeafIndex(1), None)


def receipt() -> DeliveryReceipt:
    return sign_receipt(
        point=PointId("44-node"),
        n=9,
        head=Hash(b"\3" * 32),
        received_ms=1000,
        key_id=key_id("receipt", PUBLIC),
        private=PRIVATE,
    )


def test_the_signed_bytes_are_these() -> None:
    tbs = receipt_tbs(point=PointId("44-node"), n=9, head=Hash(b"\3" * 32), received_ms=1000)

    assert tbs == b"pprd-receipt/v1\n\0" + b"\x07" + b"44-node" + bytes(7) + b"\x09" + b"\3" * 32 + bytes(6) + b"\3\xe8"


def test_the_regions_own_receipt_key_counts() -> None:
    verify_delivery(receipt(), key())


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        key(purpose="batch"),
        key(region="45"),
        key(public=Ed25519PrivateKey.from_private_bytes(b"\5" * 32).public_key().public_bytes_raw()),
    ],
    ids=["unknown", "another purpose", "another region", "another key"],
)
def test_no_other_key_counts(wrong: SigningKey | None) -> None:
    with pytest.raises(EvidenceError, match="SIGNATURE_INVALID"):
        verify_delivery(receipt(), wrong)


@pytest.mark.parametrize(
    "changes",
    [{"n": 10}, {"head": Hash(b"\1" * 32)}, {"received_ms": 1001}, {"point": PointId("44-440106")}, {"signature": b""}],
    ids=lambda changes: next(iter(changes)),
)
def test_every_field_is_signed(changes: dict[str, Any]) -> None:
    with pytest.raises(EvidenceError, match="SIGNATURE_INVALID"):
        verify_delivery(receipt()._replace(**changes), key())
