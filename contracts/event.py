"""The event: its clear header, its bytes `E` and its leaf hash.

`E = EVENT_LABEL || C3 01 || fingerprint || Avro record EventHeader`, signed and hashed as transmitted (LEDGER 5). What
the header's strings may look like stands in `contracts.event_fields`; who may send what when is decided elsewhere.

Every event that enters or is replayed passes here, so the record is read and written by hand and not through `Codec`:
each piece has one encoding and is checked where it is read or written. `contracts/avro/event_header.avsc` stays the
definition; tests hold both to the same bytes and the same refusals.
"""

import hashlib

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
from contracts.event_read import CLASS_OF, PREFIX, TYPE_AT, decode_event
from contracts.event_write import encode_event
from contracts.ids import Hash

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


def leaf_hash(event: bytes) -> Hash:
    """Leaf hash of an event: what batches and streams chain.

    Source: LEDGER 5; RFC 6962, section 2.1.
    """
    return Hash(hashlib.sha256(b"\0" + event).digest())


def class_of(event: bytes) -> str | None:
    """The class that an event says it has, read without the rest of it; None where no event says that."""
    try:
        return CLASS_OF.get(event[TYPE_AT + 1 + (event[TYPE_AT] >> 1)]) if event.startswith(PREFIX) else None
    except IndexError:
        return None
