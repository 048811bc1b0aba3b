"""The event: its clear header, its bytes `E` and its leaf hash.

`E = EVENT_LABEL || C3 01 || fingerprint || Avro record EventHeader`, signed and hashed as transmitted (LEDGER 5). What
the header's strings may look like stands in `contracts.event_fields`; who may send what when is decided elsewhere.

Every event that enters or is replayed passes here, so the record is read and written by hand and not through `Codec`:
each piece has one encoding and is checked where it is read or written. `contracts/avro/event_header.avsc` stays the
definition; tests hold both to the same bytes and the same refusals.
"""

import hashlib
from functools import lru_cache

from contracts.errors import ContractError
from contracts.event_fields import (
    BUCKET_BYTES,
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
    write_text,
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
from contracts.ids import Hash, OfficeId, RegionCode, is_uuid7
from contracts.instant import DAY_MS, MINUTE_MS, SHANGHAI_MS

__all__ = [
    "DATA_CLASSES",
    "EVENT_CLASSES",
    "EVENT_LABEL",
    "HEADER_FINGERPRINT",
    "LAST_INSTANT_MS",
    "MAX_EVENT_BYTES",
    "Header",
    "SealedRef",
    "class_of",
    "decode_event",
    "encode_event",
    "leaf_hash",
]

_PREFIX = EVENT_LABEL + b"\xc3\x01" + HEADER_FINGERPRINT
_ID_AT = len(_PREFIX)
_SCHEMA_AT = _ID_AT + 16
_TYPE_AT = _SCHEMA_AT + 8
_CLASS_OF = {2 * at: name for at, name in enumerate(EVENT_CLASSES)}
_DATA_CLASS_OF = {2 * at: name for at, name in enumerate(DATA_CLASSES)}
_CLASS_BYTE = {name: bytes((raw,)) for raw, name in _CLASS_OF.items()}
_DATA_CLASS_BYTE = {name: bytes((raw,)) for raw, name in _DATA_CLASS_OF.items()}
_MARKER = b"\xc3\x01"
_INT_END = 1 << 31
_HASH_BYTES = 32
_INSTANT_BYTES = 6


def leaf_hash(event: bytes) -> Hash:
    """Leaf hash of an event: what batches and streams chain.

    Source: LEDGER 5; RFC 6962, section 2.1.
    """
    return Hash(hashlib.sha256(b"\0" + event).digest())


def class_of(event: bytes) -> str | None:
    """The class that an event says it has, read without the rest of it; None where no event says that."""
    try:
        return _CLASS_OF.get(event[_TYPE_AT + 1 + (event[_TYPE_AT] >> 1)]) if event.startswith(_PREFIX) else None
    except IndexError:
        return None


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
    if not event.startswith(_PREFIX):
        raise ContractError("EVENT_MALFORMED", "the bytes do not begin with the label and schema of an event")
    try:
        return _read_header(event)
    except IndexError:
        raise ContractError("EVENT_MALFORMED", "the bytes end inside the header") from None


def _read_header(e: bytes) -> Header:
    # One piece after the other: `at` is where the next one begins. A slice beyond the end is short, so either its own
    # check fails or the comparison of the end with the length.
    at = _TYPE_AT + 2 + (e[_TYPE_AT] >> 1)
    schema_id, event_type, event_class = _read_kind(e[_SCHEMA_AT:at])
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
    procedure, edition, region, office = _read_actor(e[at:end])
    at = end
    end = at + (2 if e[at] == 0 else 5 if e[at + 4] == 0 else 15)
    other_region, other_office = read_counterpart(e[at:end])
    at = end + _INSTANT_BYTES
    occurred_at = _read_instant(e[end:at])
    if occurred_at is None:
        occurred_at, at = _read_varint(e, end, "occurred_at")
    _check_instant(event_class, occurred_at)
    end = at + 1 + (e[at] >> 1)
    end += 2 + (e[end] >> 1)
    purpose, legal_basis, data_class = _read_basis(e[at:end])
    size, at = e[end] >> 1, end + 1
    if e[end] & 0x81:
        size, at = _read_varint(e, end, "body")
    body = e[at : at + size]
    if size < 10 or body[:2] != _MARKER or body[2:10] != schema_id:
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
def _read_kind(piece: bytes) -> tuple[bytes, str, str]:
    """Schema id, event type and class, from the bytes of all three."""
    event_type = read_event_type(piece[8:-1])
    event_class = _CLASS_OF.get(piece[-1])
    if event_class is None:
        malformed("class", "no such class")
    return piece[:8], event_type, event_class


@lru_cache(65_536)
def _read_actor(piece: bytes) -> tuple[str, int, RegionCode, OfficeId]:
    """Procedure, edition, region and office of the producer, from the bytes of all four."""
    end = 1 + (piece[0] >> 1)
    procedure = read_procedure(piece[:end])
    edition, at = _read_int(piece, end, "edition", 1)
    return procedure, edition, *read_producer(piece[at:])


@lru_cache(4_096)
def _read_basis(piece: bytes) -> tuple[str, str, str]:
    """Purpose, legal basis and data class, from the bytes of all three."""
    end = 1 + (piece[0] >> 1)
    purpose, legal_basis = read_purpose(piece[:end]), read_legal_basis(piece[end:-1])
    data_class = _DATA_CLASS_OF.get(piece[-1])
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
    if not low <= value < _INT_END:
        malformed(field, f"below {low} or above {_INT_END - 1}")
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


def _check_instant(event_class: str, at_ms: int) -> None:
    if not 0 <= at_ms <= LAST_INSTANT_MS:
        malformed("occurred_at", "outside the years 1970 to 9999")
    if event_class == "std" and at_ms % MINUTE_MS:
        malformed("occurred_at", "not rounded down to the minute, as class std is")
    if event_class == "cas" and (at_ms + SHANGHAI_MS) % DAY_MS:
        malformed("occurred_at", "not rounded down to the day in Shanghai, as class cas is")


def encode_event(header: Header) -> bytes:
    """Make the bytes of one event.

    Returns:
        `E`, for which `decode_event(E) == header`.

    Raises:
        ContractError: EVENT_TOO_LARGE or EVENT_MALFORMED as `decode_event` says, also for a field of a wrong type.
    """
    try:
        event = b"".join(_pieces(header))
    except (TypeError, ValueError, KeyError, AttributeError):
        raise ContractError("EVENT_MALFORMED", "a field of the header has a wrong type or length") from None
    if len(event) > MAX_EVENT_BYTES:
        raise ContractError("EVENT_TOO_LARGE", f"{len(event)} bytes are more than {MAX_EVENT_BYTES}")
    return event


def _pieces(h: Header) -> list[bytes]:
    """Each piece is checked where it is written: codes by reading them back, once, as headers repeat them."""
    return [
        _PREFIX,
        _id(h.event_id, "event_id"),
        _write_kind(h.schema_id, h.event_type, h.event_class),
        _id(h.stream_id, "stream_id"),
        _write_int(h.stream_seq, "stream_seq"),
        _hash(h.prev_hash, "prev_hash"),
        _write_actor(h.procedure, h.edition, h.producer_region, h.producer_office),
        _write_counterpart(h.counterpart_region, h.counterpart_office),
        _write_instant(h.event_class, h.occurred_at),
        _write_basis(h.purpose, h.legal_basis, h.data_class),
        _write_body(h.schema_id, h.body),
        _write_sealed(h.sealed),
        b"\0" if h.correlation_id is None else b"\x02" + _id(h.correlation_id, "correlation_id"),
        b"\0" if h.causation_id is None else b"\x02" + _id(h.causation_id, "causation_id"),
        _write_boolean(h.sandbox, "sandbox"),
    ]


def _id(value: bytes, field: str) -> bytes:
    if not is_uuid7(value):
        malformed(field, "no UUIDv7")
    return value


def _hash(value: bytes, field: str) -> bytes:
    if len(value) != _HASH_BYTES:
        malformed(field, f"not {_HASH_BYTES} bytes")
    return value


def _write_boolean(value: bool, field: str) -> bytes:
    if type(value) is not bool:
        malformed(field, "no boolean")
    return b"\1" if value else b"\0"


@lru_cache(4_096, typed=True)
def _write_kind(schema_id: bytes, event_type: str, event_class: str) -> bytes:
    piece = schema_id + write_text(event_type) + _CLASS_BYTE[event_class]
    if _read_kind(piece) != (schema_id, event_type, event_class):
        malformed("schema_id", "not 8 bytes")
    return piece


@lru_cache(65_536, typed=True)
def _write_actor(procedure: str, edition: int, region: str, office: str) -> bytes:
    piece = write_text(procedure) + _write_int(edition, "edition") + write_text(region) + write_text(office)
    _read_actor(piece)
    return piece


@lru_cache(65_536, typed=True)
def _write_counterpart(region: str | None, office: str | None) -> bytes:
    piece = b"".join(b"\0" if text is None else b"\x02" + write_text(text) for text in (region, office))
    read_counterpart(piece)
    return piece


@lru_cache(4_096, typed=True)
def _write_instant(event_class: str, at_ms: int) -> bytes:
    _check_instant(event_class, at_ms)
    return _varint(at_ms)


@lru_cache(4_096, typed=True)
def _write_basis(purpose: str, legal_basis: str, data_class: str) -> bytes:
    piece = write_text(purpose) + write_text(legal_basis) + _DATA_CLASS_BYTE[data_class]
    _read_basis(piece)
    return piece


def _write_body(schema_id: bytes, body: bytes) -> bytes:
    if body[:10] != _MARKER + schema_id:
        malformed("body", "no single-object encoding under the schema that schema_id names")
    return _varint(len(body)) + body


def _write_sealed(refs: tuple[SealedRef, ...]) -> bytes:
    if type(refs) is not tuple or len(refs) > MAX_SEALED:
        malformed("sealed", f"no tuple of at most {MAX_SEALED} payloads")
    return b"".join((_varint(len(refs)), *map(_write_ref, refs), b"\0")) if refs else b"\0"


def _write_ref(ref: SealedRef) -> bytes:
    if type(ref.bucket_kib) is not int:
        raise TypeError("bucket_kib is no int")
    return b"".join(
        (
            _write_profile(ref.profile),
            _hash(ref.commitment, "sealed.commitment"),
            _hash(ref.ciphertext_hash, "sealed.ciphertext_hash"),
            BUCKET_BYTES[ref.bucket_kib],
            _write_recipients(ref.recipients),
        )
    )


@lru_cache(4_096)
def _write_profile(profile: str) -> bytes:
    piece = write_text(profile)
    read_profile(piece)
    return piece


@lru_cache(65_536)
def _write_recipients(recipients: tuple[OfficeId, ...]) -> bytes:
    items = b"".join(map(write_text, recipients))
    if not 1 <= len(recipients) <= MAX_SEALED or read_recipients(items) != recipients:
        malformed("sealed.recipients", f"no tuple of 1 to {MAX_SEALED} offices")
    return _varint(len(recipients)) + items + b"\0"


def _write_int(value: int, field: str) -> bytes:
    if type(value) is int and value >= _INT_END:
        malformed(field, f"above {_INT_END - 1}")
    return _varint(value)


def _varint(value: int) -> bytes:
    if type(value) is not int or not 0 <= value <= LAST_INSTANT_MS:
        raise ValueError("not a number of the header")
    value <<= 1
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
