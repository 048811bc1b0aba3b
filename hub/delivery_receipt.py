"""A region's signed word that a delivery point holds everything up to a counter: value, signed bytes, signature.

    TBS = "pprd-receipt/v1\n\0" || len8 point || u64 n || head[32] || u64 received_ms          (numbers big-endian)
    sig = Ed25519(TBS) under the region's key of purpose `receipt`

Not here: whether the head is the ledger's (whoever holds the ledger compares), transport (adapters).

Source: LEDGER 10, DOMAIN 9.1.
"""

from __future__ import annotations

from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.errors import EvidenceError
from contracts.ids import Hash, KeyId, PointId
from contracts.signing import sign, verify
from hub.directory_values import SigningKey
from ledger.heads import receipt_tbs


class DeliveryReceipt(NamedTuple):
    """What a region says that it holds.

    Attributes:
        point: The delivery point.
        n: Counter of its last notification, from 1.
        head: Running hash after it, 32 bytes.
        received_ms: When the region stored it, milliseconds since the epoch.
        key_id: The region's key of purpose `receipt`.
        signature: Ed25519 over `receipt_tbs`, 64 bytes.
    """

    point: PointId
    n: int
    head: Hash
    received_ms: int
    key_id: KeyId
    signature: bytes


def sign_receipt(
    *, point: PointId, n: int, head: Hash, received_ms: int, key_id: KeyId, private: Ed25519PrivateKey
) -> DeliveryReceipt:
    """Make a receipt."""
    tbs = receipt_tbs(point=point, n=n, head=head, received_ms=received_ms)
    return DeliveryReceipt(point, n, head, received_ms, key_id, sign(private, tbs))


def verify_delivery(receipt: DeliveryReceipt, key: SigningKey | None) -> None:
    """Check who signed a receipt.

    Args:
        receipt: As it arrived.
        key: What the directory says now of `receipt.key_id`; None if it knows no such valid key.

    Raises:
        EvidenceError: SIGNATURE_INVALID: no key of purpose `receipt` of the point's own region signed these bytes.
    """
    if key is None or key.purpose != "receipt" or key.region != receipt.point[:2]:
        raise EvidenceError(
            "SIGNATURE_INVALID",
            f"key {receipt.key_id.hex()} may not sign a receipt of {receipt.point}",
            field="key_id",
        )
    tbs = receipt_tbs(point=receipt.point, n=receipt.n, head=receipt.head, received_ms=receipt.received_ms)
    verify(key.public_key, receipt.signature, tbs)
