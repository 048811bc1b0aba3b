"""Identifiers: their types, their forms and UUIDv7.

Ids are opaque: nothing about a person can be read from one. Every 16-byte id is a UUIDv7 (RFC 9562, section 5.7), so
that keys made later sort later. Clock and randomness are arguments.
"""

import re
from typing import Final, NewType

EventId = NewType("EventId", bytes)
"""16 bytes, UUIDv7."""
StreamId = NewType("StreamId", bytes)
"""16 bytes, UUIDv7, of one matter."""
Hash = NewType("Hash", bytes)
"""32 bytes, SHA-256."""
LeafIndex = NewType("LeafIndex", int)
"""Index of a ledger entry, from 0."""
TreeSize = NewType("TreeSize", int)
"""Number of ledger entries under a root."""
KeyId = NewType("KeyId", bytes)
"""8 bytes, see `contracts.signing.key_id`."""
OfficeId = NewType("OfficeId", str)
"""`o` and eight characters of Crockford base 32 in lower case."""
RegionCode = NewType("RegionCode", str)
"""Two digits of GB/T 2260."""
PointId = NewType("PointId", str)
"""Delivery point or producer: `44-node`, `44-440106`; the hub is `00-hub`."""

REGIONS: Final[tuple[RegionCode, ...]] = tuple(
    RegionCode(code) for code in ("35", "36", "43", "44", "45", "46", "51", "52", "53", "81", "82")
)
"""The eleven regions of DOMAIN 3.1, in order."""
HUB_REGION: Final = RegionCode("00")
"""The region that stands for the hub itself."""
HUB_OFFICE: Final = OfficeId("o00000000")
"""The office that stands for the hub itself."""
HUB_PRODUCER: Final = PointId("00-hub")
"""The producer name of batches that the hub makes."""

OFFICE_PATTERN: Final = "o[0-9a-hjkmnp-tv-z]{8}"
"""Form of an office id, to be matched as a whole."""
POINT_PATTERN: Final = "00-hub|(?:35|36|43|44|45|46|51|52|53|81|82)-(?:node|[0-9]{6})"
"""Form of a point id, to be matched as a whole."""

_office = re.compile(OFFICE_PATTERN, re.ASCII).fullmatch
_point = re.compile(POINT_PATTERN, re.ASCII).fullmatch


def is_office_id(value: str) -> bool:
    """Say whether a string has the form of an office id."""
    return _office(value) is not None


def is_point_id(value: str) -> bool:
    """Say whether a string has the form of a point id whose county, if any, lies in its region."""
    return _point(value) is not None and (value[3] in "nh" or value[3:5] == value[:2])


def uuid7(*, unix_ms: int, entropy: bytes) -> bytes:
    """Build a UUIDv7.

    Args:
        unix_ms: Milliseconds since the epoch, 48 bits.
        entropy: 10 bytes, of which 74 bits are used.

    Returns:
        16 bytes in network order.

    Raises:
        ValueError: An argument is out of its range; this is an error of the caller, not of data.

    Source: RFC 9562, section 5.7.
    """
    if len(entropy) != 10 or not 0 <= unix_ms < 1 << 48:
        raise ValueError("uuid7 takes 48 bits of milliseconds and 10 bytes of entropy")
    rand_a = 0x70 | entropy[0] & 0x0F
    variant = 0x80 | entropy[2] & 0x3F
    return unix_ms.to_bytes(6, "big") + bytes((rand_a, entropy[1], variant)) + entropy[3:]


def is_uuid7(value: bytes) -> bool:
    """Say whether 16 bytes are a UUIDv7: right length, version and variant."""
    return len(value) == 16 and value[6] & 0xF0 == 0x70 and value[8] & 0xC0 == 0x80


def uuid7_ms(value: bytes) -> int:
    """Milliseconds since the epoch that a UUIDv7 holds; the caller has checked its form."""
    return int.from_bytes(value[:6], "big")
