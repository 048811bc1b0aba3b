"""What an event's clear header holds: `Header`, `SealedRef`. Its bytes are read and written by `contracts.event`."""

from typing import Final, NamedTuple

from contracts.ids import EventId, Hash, OfficeId, RegionCode, StreamId

EVENT_LABEL: Final = b"pprd-event/v1\n\0"
"""First bytes of every event."""
MAX_EVENT_BYTES: Final = 16_384
"""Longest event."""
EVENT_CLASSES: Final = ("std", "cas", "rgt", "dir", "acc", "stt")
"""Symbols of `event_class`, in the order of the schema."""
DATA_CLASSES: Final = ("P0", "P1", "P2", "P3_PLUS")
"""Symbols of `data_class`, in the order of the schema."""
HEADER_FINGERPRINT: Final = bytes.fromhex("f177afcdffc1cb8a")
"""CRC-64-AVRO of the schema EventHeader."""
LAST_INSTANT_MS: Final = 253_402_300_799_999
"""Last millisecond of the year 9999."""


class SealedRef(NamedTuple):
    """What an event says of one sealed payload.

    Attributes:
        profile: Notification profile, `NP-…`.
        commitment: 32 bytes, LEDGER 6.
        ciphertext_hash: 32 bytes, SHA-256 of the envelope.
        bucket_kib: Size of the padded plaintext: 1, 4, 16, 64 or 256.
        recipients: Office ids, sorted, each once, 1 to 63; without the producing office.
    """

    profile: str
    commitment: bytes
    ciphertext_hash: bytes
    bucket_kib: int
    recipients: tuple[OfficeId, ...]


class Header(NamedTuple):
    """The clear header of one event, in the order of its Avro fields (DOMAIN 5.2).

    Attributes:
        event_id: UUIDv7.
        schema_id: Fingerprint of the body's schema, 8 bytes.
        event_type: Name of the fact, `OpinionAsked`.
        event_class: One of `EVENT_CLASSES`; its Avro name is `class`.
        stream_id: UUIDv7 of the matter.
        stream_seq: Position in the stream, from 0.
        prev_hash: Leaf hash of the stream's previous event, zeros for the first.
        procedure: Id of the procedure.
        edition: Edition of the procedure, from 1.
        producer_region: Region of the office that acts, or the hub's.
        producer_office: Office that acts, or the hub's.
        counterpart_region: The other region.
        counterpart_office: The other office; only with its region.
        occurred_at: Milliseconds since the epoch, UTC; the minute for `std`, the day in Shanghai for `cas`.
        purpose: Code of DOMAIN 5.4.
        legal_basis: Code of DOMAIN 5.4, `LB-…`.
        data_class: One of `DATA_CLASSES`.
        body: Single-object encoding under the schema that `schema_id` names.
        sealed: One row a payload.
        correlation_id: UUIDv7 or nothing.
        causation_id: UUIDv7 or nothing.
        sandbox: Whether all identities are synthetic.
    """

    event_id: EventId
    schema_id: bytes
    event_type: str
    event_class: str
    stream_id: StreamId
    stream_seq: int
    prev_hash: Hash
    procedure: str
    edition: int
    producer_region: RegionCode
    producer_office: OfficeId
    counterpart_region: RegionCode | None
    counterpart_office: OfficeId | None
    occurred_at: int
    purpose: str
    legal_basis: str
    data_class: str
    body: bytes
    sealed: tuple[SealedRef, ...]
    correlation_id: bytes | None
    causation_id: bytes | None
    sandbox: bool
