"""The strings of an event header: what each may look like, and reading and writing one as Avro bytes.

Every string of the header is a code: 1 to 63 ASCII characters, so its Avro encoding is one length byte and the text.
Headers repeat the same codes, so reading is cached on the encoded piece; the caches are bounded and hold codes only.
A message never quotes what it refuses: it might be a name.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Final, NoReturn

from contracts.errors import ContractError
from contracts.ids import OFFICE_PATTERN, REGIONS, OfficeId, RegionCode

PATTERNS: Final = {
    "event_type": "[A-Z][A-Za-z0-9]{0,62}",
    "procedure": "[A-Z][A-Z0-9_]{0,62}",
    "purpose": "[A-Z][A-Z0-9_]{0,62}",
    "legal_basis": "LB-[A-Z0-9-]{1,60}",
    "profile": "NP-[A-Z0-9-]{1,60}",
}
"""Form of the free codes, matched as a whole."""

BUCKETS_KIB: Final = (1, 4, 16, 64, 256)
"""Sizes of padded plaintexts."""
MAX_SEALED: Final = 63
"""Most payloads of one event, and most recipients of one payload."""

_REGION = "|".join(REGIONS)
_RECIPIENT_BYTES: Final = 10
_BUCKET_OF: Final = {
    b"\x02": 1,
    b"\x08": 4,
    b"\x20": 16,
    b"\x80\x01": 64,
    b"\x80\x04": 256,
}
BUCKET_BYTES: Final = {size: raw for raw, size in _BUCKET_OF.items()}
"""Avro encoding of each bucket size."""


def malformed(field: str, reason: str) -> NoReturn:
    """Refuse an event for one field.

    Raises:
        ContractError: EVENT_MALFORMED, always.
    """
    raise ContractError("EVENT_MALFORMED", f"{field}: {reason}", field=field)


def _code_reader(field: str) -> Callable[[bytes], str]:
    match = re.compile(PATTERNS[field].encode()).fullmatch

    @lru_cache(4_096)
    def read(piece: bytes) -> str:
        if len(piece) < 2 or piece[0] != 2 * len(piece) - 2 or match(piece, 1) is None:
            malformed(field, f"not of the form {PATTERNS[field]}")
        return piece[1:].decode("ascii")

    return read


read_event_type: Final = _code_reader("event_type")
"""Event type from its length byte and text."""
read_procedure: Final = _code_reader("procedure")
"""Procedure from its length byte and text."""
read_purpose: Final = _code_reader("purpose")
"""Purpose from its length byte and text."""
read_legal_basis: Final = _code_reader("legal_basis")
"""Legal basis from its length byte and text."""
read_profile: Final = _code_reader("profile")
"""Profile from its length byte and text."""

_producer = re.compile(f"\x04(?:(00)\x12(o00000000)|({_REGION})\x12(?!o00000000)({OFFICE_PATTERN}))".encode()).fullmatch
_counterpart = re.compile(f"\0\0|\x02\x04({_REGION})(?:\0|\x02\x12({OFFICE_PATTERN}))".encode()).fullmatch
_recipient = re.compile(f"\x12({OFFICE_PATTERN})".encode()).fullmatch


@lru_cache(65_536)
def read_producer(piece: bytes) -> tuple[RegionCode, OfficeId]:
    """Region and office of the producer, from the 13 bytes of both; the hub has its own region and office only."""
    found = _producer(piece)
    if found is None:
        malformed("producer_office", "producer is no office of a known region nor the hub")
    region, office = filter(None, found.groups())
    return RegionCode(region.decode("ascii")), OfficeId(office.decode("ascii"))


@lru_cache(65_536)
def read_counterpart(piece: bytes) -> tuple[RegionCode | None, OfficeId | None]:
    """Region and office of the counterpart, from the bytes of both unions; an office stands only with its region."""
    found = _counterpart(piece)
    if found is None:
        malformed("counterpart_region", "counterpart is neither nothing, a known region nor an office with its region")
    region, office = found.groups()
    return (
        None if region is None else RegionCode(region.decode("ascii")),
        None if office is None else OfficeId(office.decode("ascii")),
    )


@lru_cache(65_536)
def read_recipients(piece: bytes) -> tuple[OfficeId, ...]:
    """Recipient offices from the bytes of all array items: sorted, each once."""
    offices: list[OfficeId] = []
    for at in range(0, len(piece), _RECIPIENT_BYTES):
        found = _recipient(piece, at, at + _RECIPIENT_BYTES)
        if found is None:
            malformed("sealed.recipients", "recipient is no office id")
        offices.append(OfficeId(found[1].decode("ascii")))
    if any(left >= right for left, right in pairwise(offices)):
        malformed("sealed.recipients", "recipients are not sorted or one stands twice")
    return tuple(offices)


@lru_cache(64)
def read_bucket(piece: bytes) -> int:
    """Bucket size from one or two bytes."""
    size = _BUCKET_OF.get(piece)
    if size is None:
        malformed("sealed.bucket_kib", f"not one of {BUCKETS_KIB}")
    return size


@lru_cache(65_536)
def write_text(text: str) -> bytes:
    """Length byte and text of a code; `decode_event` checks the rest of its form."""
    raw = text.encode("ascii")
    if len(raw) > MAX_SEALED:
        raise ValueError("longer than 63 characters")
    return bytes((2 * len(raw),)) + raw
