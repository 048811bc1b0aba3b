"""Reads the bytes of an event, checking each piece where it is read; `contracts.event` says what they are."""

from functools import lru_cache
from typing import Final

from contracts.errors import ContractError
from contracts.event_fields import (
    MAX_SEALED,
    malformed,
    read_bucket,
    read_counterpart,
    read_event_type,
    read_legal_basis,
    read_procedure,
    read_producer,
    read_profile,
    read_purpose,
    read_recipients,
)
from contracts.event_header import (
    DATA_CLASSES,
    EVENT_CLASSES,
    EVENT_LABEL,
    HEADER_FINGERPRINT,
    LAST_INSTANT_MS,
    MAX_EVENT_BYTES,
    Header,
    SealedRef,
)
from contracts.ids import OfficeId, RegionCode, is_uuid7
from contracts.instant import DAY_MS, MINUTE_MS, SHANGHAI_MS

PREFIX: Final = EVENT_LABEL + b"\xc3\x01" + HEADER_FINGERPRINT
"""First bytes of every event: its label, and the marker and fingerprint of a single-object encoding."""
_ID_AT = len(PREFIX)
_SCHEMA_AT = _ID_AT + 16
TYPE_AT: Final = _SCHEMA_AT + 8
"""Where the event type begins."""
CLASS_OF: Final = {2 * at: name for at, name in enumerate(EVENT_CLASSES)}
"""Class by its byte."""
DATA_CLASS_OF: Final = {2 * at: name for at, name in enumerate(DATA_CLASSES)}
"""Data class by its byte."""
MARKER: Final = b"\xc3\x01"
INT_END: Final = 1 << 31
"""First number that is no Avro int."""
_INSTANT_BYTES = 6


def decode_event(event: bytes) -> Header:
    """Read and check the bytes of one event.

    Args:
        event: `E`, exactly as transmitted.

    Returns:
        The one header whose `encode_event` is these bytes.

    Raises:
        ContractError: EVENT_TOO_LARGE above `MAX_EVENT_BYTES`; EVENT_MALFORMED, with the field where one is wrong: no
            canonical encoding of a header, or a field breaks a rule that `Header` and `SealedRef` state.
    """
    if len(event) > MAX_EVENT_BYTES:
        raise ContractError("EVENT_TOO_LARGE", f"{len(event)} bytes are more than {MAX_EVENT_BYTES}")
    if not event.startswith(PREFIX):
        raise ContractError("EVENT_MALFORMED", "the bytes do not begin with the label and schema of an event")
    try:
        return _read_header(event)
    except IndexError:
        raise ContractError("EVENT_MALFORMED", "the bytes end inside the header") from None


def _read_header(e: bytes) -> Header:
    # One piece after the other: `at` is where the next one begins. A slice beyond the end is short, so either its own
    # check fails or the comparison of the end with the length.
    at = TYPE_AT + 2 + (e[TYPE_AT] >> 1)
    schema_id, event_type, event_class = read_kind(e[_SCHEMA_AT:at])
    if e[_ID_AT + 6] >> 4 != 7 or e[_ID_AT + 8] >> 6 != 2:
        malformed("event_id", "no UUIDv7")
    if e[at + 6] >> 4 != 7 or e[at + 8] >> 6 != 2:
        malformed("stream_id", "no UUIDv7")
    end = at + 16
    stream_id = e[at:end]
    stream_seq, at = e[end] >> 1, end + 1
    if e[end] & 0x81:  # more than one byte, or negative
        stream_seq, at = _read_int(e, end, "stream_seq", 0)
    prev_hash = e[at : at + 32]
    at += 32
    end = at + 1 + (e[at] >> 1)
    while e[end] > 0x7F:
        end += 1
    end += 14
    procedure, edition, region, office = read_actor(e[at:end])
    at = end
    end = at + (2 if e[at] == 0 else 5 if e[at + 4] == 0 else 15)
    other_region, other_office = read_counterpart(e[at:end])
    at = end + _INSTANT_BYTES
    occurred_at = _read_instant(e[end:at])
    if occurred_at is None:
        occurred_at, at = _read_varint(e, end, "occurred_at")
    check_instant(event_class, occurred_at)
    end = at + 1 + (e[at] >> 1)
    end += 2 + (e[end] >> 1)
    purpose, legal_basis, data_class = read_basis(e[at:end])
    size, at = e[end] >> 1, end + 1
    if e[end] & 0x81:
        size, at = _read_varint(e, end, "body")
    body = e[at : at + size]
    if size < 10 or body[:2] != MARKER or body[2:10] != schema_id:
        malformed("body", "no single-object encoding under the schema that schema_id names")
    at += size
    sealed: tuple[SealedRef, ...] = ()
    if e[at] == 0:
        at += 1
    else:
        sealed, at = _read_sealed(e, at)
    correlation_id = causation_id = None
    if e[at] == 0:
        at += 1
    else:
        correlation_id, at = _read_id(e, at, "correlation_id")
    if e[at] == 0:
        at += 1
    else:
        causation_id, at = _read_id(e, at, "causation_id")
    sandbox = e[at]
    if sandbox > 1 or at + 1 != len(e):
        malformed("sandbox", "no boolean, or bytes follow it")
    fields = (
        e[_ID_AT:_SCHEMA_AT],
        schema_id,
        event_type,
        event_class,
        stream_id,
        stream_seq,
        prev_hash,
        procedure,
        edition,
        region,
        office,
        other_region,
        other_office,
        occurred_at,
        purpose,
        legal_basis,
        data_class,
        body,
        sealed,
        correlation_id,
        causation_id,
        sandbox == 1,
    )
    return tuple.__new__(Header, fields)


@lru_cache(4_096)
def read_kind(piece: bytes) -> tuple[bytes, str, str]:
    """Schema id, event type and class, from the bytes of all three."""
    event_type = read_event_type(piece[8:-1])
    event_class = CLASS_OF.get(piece[-1])
    if event_class is None:
        malformed("class", "no such class")
    return piece[:8], event_type, event_class


@lru_cache(65_536)
def read_actor(piece: bytes) -> tuple[str, int, RegionCode, OfficeId]:
    """Procedure, edition, region and office of the producer, from the bytes of all four."""
    end = 1 + (piece[0] >> 1)
    procedure = read_procedure(piece[:end])
    edition, at = _read_int(piece, end, "edition", 1)
    return procedure, edition, *read_producer(piece[at:])


@lru_cache(4_096)
def read_basis(piece: bytes) -> tuple[str, str, str]:
    """Purpose, legal basis and data class, from the bytes of all three."""
    end = 1 + (piece[0] >> 1)
    purpose, legal_basis = read_purpose(piece[:end]), read_legal_basis(piece[end:-1])
    data_class = DATA_CLASS_OF.get(piece[-1])
    if data_class is None:
        malformed("data_class", "no such data class")
    return purpose, legal_basis, data_class


def _read_varint(e: bytes, at: int, field: str) -> tuple[int, int]:
    byte = e[at]
    if byte < 0x80:
        return byte >> 1 ^ -(byte & 1), at + 1
    value, shift = byte & 0x7F, 0
    while byte > 0x7F:
        at += 1
        shift += 7
        byte = e[at]
        value |= (byte & 0x7F) << shift
        if shift > 63:
            malformed(field, "number longer than ten bytes")
    if not byte:
        malformed(field, "number not in its shortest form")
    return value >> 1 ^ -(value & 1), at + 1


@lru_cache(4_096)
def _read_instant(raw: bytes) -> int | None:
    """The number that exactly these bytes are, as all instants from July 1970 to 2039 are; many events share one."""
    if len(raw) != _INSTANT_BYTES or not 0 < raw[-1] < 0x80 or any(byte < 0x80 for byte in raw[:-1]):
        return None
    return _read_varint(raw, 0, "occurred_at")[0]


def _read_int(e: bytes, at: int, field: str, low: int) -> tuple[int, int]:
    byte = e[at]
    if byte < 0x80 and not byte & 1:
        value, at = byte >> 1, at + 1
    else:
        value, at = _read_varint(e, at, field)
    if not low <= value < INT_END:
        malformed(field, f"below {low} or above {INT_END - 1}")
    return value, at


def _read_id(e: bytes, at: int, field: str) -> tuple[bytes, int]:
    value = e[at + 1 : at + 17]
    if e[at] != 2 or not is_uuid7(value):
        malformed(field, "neither nothing nor a UUIDv7")
    return value, at + 17


def _read_sealed(e: bytes, at: int) -> tuple[tuple[SealedRef, ...], int]:
    count = e[at]
    if count & 1 or count > 2 * MAX_SEALED:
        malformed("sealed", f"more than {MAX_SEALED} payloads or not one block of them")
    at += 1
    refs = []
    for _ in range(count >> 1):
        ref, at = _read_ref(e, at)
        refs.append(ref)
    if e[at] != 0:
        malformed("sealed", "more than one block of payloads")
    return tuple(refs), at + 1


def _read_ref(e: bytes, at: int) -> tuple[SealedRef, int]:
    end = at + 1 + (e[at] >> 1)
    profile = read_profile(e[at:end])
    middle, at = end + 32, end + 64
    bucket_at = at
    at += 1 if e[at] < 0x80 else 2
    bucket_kib = read_bucket(e[bucket_at:at])
    count = e[at]
    if not 2 <= count <= 2 * MAX_SEALED or count & 1:
        malformed("sealed.recipients", f"fewer than 1 or more than {MAX_SEALED}, or not one block of them")
    offices_at = at + 1
    at = offices_at + 5 * count
    recipients = read_recipients(e[offices_at:at])
    if e[at] != 0:
        malformed("sealed.recipients", "more than one block of recipients")
    return SealedRef(profile, e[end:middle], e[middle:bucket_at], bucket_kib, recipients), at + 1


def check_instant(event_class: str, at_ms: int) -> None:
    """Check that an instant is as coarse as its class tells time.

    Args:
        event_class: Of the event.
        at_ms: `occurred_at`.

    Raises:
        ContractError: EVENT_MALFORMED.
    """
    if not 0 <= at_ms <= LAST_INSTANT_MS:
        malformed("occurred_at", "outside the years 1970 to 9999")
    if event_class == "std" and at_ms % MINUTE_MS:
        malformed("occurred_at", "not rounded down to the minute, as class std is")
    if event_class == "cas" and (at_ms + SHANGHAI_MS) % DAY_MS:
        malformed("occurred_at", "not rounded down to the day in Shanghai, as class cas is")
