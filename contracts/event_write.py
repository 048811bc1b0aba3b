"""Writes the bytes of an event, checking each piece where it is written; `contracts.event` says what they are."""

from functools import lru_cache

from contracts.errors import ContractError
from contracts.event_fields import (
    BUCKET_BYTES,
    MAX_SEALED,
    malformed,
    read_counterpart,
    read_profile,
    read_recipients,
    write_text,
)
from contracts.event_header import LAST_INSTANT_MS, MAX_EVENT_BYTES, Header, SealedRef
from contracts.event_read import (
    CLASS_OF,
    DATA_CLASS_OF,
    INT_END,
    MARKER,
    PREFIX,
    check_instant,
    read_actor,
    read_basis,
    read_kind,
)
from contracts.ids import OfficeId, is_uuid7

_CLASS_BYTE = {name: bytes((raw,)) for raw, name in CLASS_OF.items()}
_DATA_CLASS_BYTE = {name: bytes((raw,)) for raw, name in DATA_CLASS_OF.items()}
_HASH_BYTES = 32


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
        PREFIX,
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
    if read_kind(piece) != (schema_id, event_type, event_class):
        malformed("schema_id", "not 8 bytes")
    return piece


@lru_cache(65_536, typed=True)
def _write_actor(procedure: str, edition: int, region: str, office: str) -> bytes:
    piece = write_text(procedure) + _write_int(edition, "edition") + write_text(region) + write_text(office)
    read_actor(piece)
    return piece


@lru_cache(65_536, typed=True)
def _write_counterpart(region: str | None, office: str | None) -> bytes:
    piece = b"".join(b"\0" if text is None else b"\x02" + write_text(text) for text in (region, office))
    read_counterpart(piece)
    return piece


@lru_cache(4_096, typed=True)
def _write_instant(event_class: str, at_ms: int) -> bytes:
    check_instant(event_class, at_ms)
    return _varint(at_ms)


@lru_cache(4_096, typed=True)
def _write_basis(purpose: str, legal_basis: str, data_class: str) -> bytes:
    piece = write_text(purpose) + write_text(legal_basis) + _DATA_CLASS_BYTE[data_class]
    read_basis(piece)
    return piece


def _write_body(schema_id: bytes, body: bytes) -> bytes:
    if body[:10] != MARKER + schema_id:
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
    if type(value) is int and value >= INT_END:
        malformed(field, f"above {INT_END - 1}")
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
