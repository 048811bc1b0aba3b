"""The running hash of what one delivery point was sent.

    h_0 = 32 zero bytes,   h_n = SHA-256("pprd-head/v1\\n\\0" || h_{n-1} || u64 n || leaf_hash)

`leaf_hash` is `contracts.event.leaf_hash` of the n-th notified event, n from 1. Who is notified of what, and when heads
are published, is decided in `hub`.

Source: LEDGER, section 10.
"""

from typing import Final

from contracts.ids import Hash, PointId
from ledger.compact import HASH_BYTES, sha256

HEADS_PUBLISHED: Final = "HeadsPublished"
"""Type of the event that publishes where delivery points stand."""
HEAD_LABEL: Final = b"pprd-head/v1\n\0"
HEAD_ZERO: Final = Hash(bytes(HASH_BYTES))
"""The head of a point that was sent nothing yet."""
RECEIPT_LABEL: Final = b"pprd-receipt/v1\n\0"
"""Separates a signed delivery receipt from everything else that is signed."""
MAX_COUNTER: Final = (1 << 63) - 1


def head_next(prev: Hash, n: int, leaf: Hash) -> Hash:
    """Give the head after one more notification.

    Args:
        prev: Head after notification n - 1, `HEAD_ZERO` before the first.
        n: Number of this notification at its point, from 1.
        leaf: Leaf hash of the notified event.

    Raises:
        ValueError: `n` is below 1 or above 2**63 - 1; this is an error of the caller, not of data.
    """
    if not 1 <= n <= MAX_COUNTER:
        raise ValueError(f"notifications are counted from 1 to {MAX_COUNTER}, not {n}")
    return sha256(HEAD_LABEL + prev + n.to_bytes(8, "big") + leaf).digest()


def receipt_tbs(*, point: PointId, n: int, head: Hash, received_ms: int) -> bytes:
    """Build the bytes that a region signs when it has received up to a counter.

    Raises:
        OverflowError: A number has more than 64 bits or the point is longer than 255 characters.
    """
    name = point.encode("ascii")
    numbers = n.to_bytes(8, "big") + head + received_ms.to_bytes(8, "big")
    return RECEIPT_LABEL + len(name).to_bytes(1, "big") + name + numbers
