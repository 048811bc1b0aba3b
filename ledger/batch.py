"""The header that a producer signs for a batch of events: its value and its exact bytes (TBS).

    TBS = "pprd-batch/v1\\n\\0" || len8 producer || batch_id[16] || u64 batch_seq || u32 n
          || u64 created_ms || prev_batch[32] || root[32]          (numbers big-endian)

`prev_batch` and `batch_seq` chain the batches of one producer. Whether they follow the last one, and whether the key
may sign for the producer, is decided in `hub`; the signature itself is checked by `contracts.signing`.

Source: LEDGER, section 5.
"""

import re
import struct
from hashlib import sha256
from typing import Final, NamedTuple

from contracts.errors import ContractError
from contracts.ids import Hash

BATCH_LABEL: Final = b"pprd-batch/v1\n\0"
MAX_BATCH: Final = 1024
"""Events in a batch, at most."""
MAX_TBS_BYTES: Final = len(BATCH_LABEL) + 1 + 255 + 16 + 8 + 4 + 8 + 32 + 32
NO_BATCH: Final = Hash(bytes(32))
"""`prev_batch` of a producer's first batch."""

_REST: Final = struct.Struct(">16sQIQ32s32s")
_MAX_NUMBER: Final = (1 << 63) - 1
_is_producer = re.compile("[0-9a-z][0-9a-z-]{0,63}", re.ASCII).fullmatch


class Batch(NamedTuple):
    """What a producer says about one batch.

    Attributes:
        producer: Name of the signing gateway, such as `44-node`.
        batch_id: 16 bytes, UUIDv7.
        batch_seq: Number among the producer's batches, from 0.
        n: Events in the batch, 1 to 1024.
        created_ms: When it was made, milliseconds since the epoch.
        prev_batch: `batch_hash` of the producer's previous batch, `NO_BATCH` for the first.
        root: Root of the tree over the leaf hashes of the events, in order.
    """

    producer: str
    batch_id: bytes
    batch_seq: int
    n: int
    created_ms: int
    prev_batch: Hash
    root: Hash


def encode_tbs(batch: Batch) -> bytes:
    """Give the bytes that the producer signs.

    Raises:
        ContractError: BATCH_EMPTY, BATCH_TOO_LARGE or BATCH_MALFORMED, a field is out of its range.
    """
    _check(batch)
    producer = batch.producer.encode("ascii")
    return BATCH_LABEL + bytes((len(producer),)) + producer + _REST.pack(*batch[1:])


def decode_tbs(data: bytes) -> Batch:
    """Read the signed bytes; there is exactly one encoding of each batch.

    Raises:
        ContractError: BATCH_EMPTY, BATCH_TOO_LARGE or BATCH_MALFORMED.
    """
    if len(data) > MAX_TBS_BYTES or not data.startswith(BATCH_LABEL):
        raise ContractError("BATCH_MALFORMED", f"{len(data)} bytes do not begin with the label of a batch header")
    start = len(BATCH_LABEL) + 1
    end = start + data[start - 1] if len(data) >= start else start
    if len(data) != end + _REST.size:
        raise ContractError("BATCH_MALFORMED", f"batch header has {len(data)} bytes instead of {end + _REST.size}")
    batch = Batch(data[start:end].decode("latin-1"), *_REST.unpack_from(data, end))
    _check(batch)
    return batch


def batch_hash(tbs: bytes) -> Hash:
    """SHA-256 of the signed bytes: `prev_batch` of the producer's next batch."""
    return Hash(sha256(tbs).digest())


def _check(batch: Batch) -> None:
    if not _is_producer(batch.producer):
        raise ContractError("BATCH_MALFORMED", "producer is not a name", field="producer")
    if batch.n == 0:
        raise ContractError("BATCH_EMPTY", "a batch holds at least one event", field="n")
    if batch.n > MAX_BATCH:
        raise ContractError("BATCH_TOO_LARGE", f"{batch.n} events, at most {MAX_BATCH}", field="n")
    for name, number in (("n", batch.n), ("batch_seq", batch.batch_seq), ("created_ms", batch.created_ms)):
        if not 0 <= number <= _MAX_NUMBER:
            raise ContractError("BATCH_MALFORMED", f"{number} is out of range", field=name)
    for name, value, size in (
        ("batch_id", batch.batch_id, 16),
        ("prev_batch", batch.prev_batch, 32),
        ("root", batch.root, 32),
    ):
        if len(value) != size:
            raise ContractError("BATCH_MALFORMED", f"{len(value)} bytes instead of {size}", field=name)


def chain_id(producer: str) -> bytes:
    """Originator id of a producer's chain of batches: its name in 16 bytes, so that the event store's own key
    (originator, version) refuses a second batch with the same number."""
    return producer.encode("ascii").ljust(16, b"\0")
