"""What one leaf of the ledger holds: the genesis record, a batch header or an event.

An entry is `pprd-entry/v1\\n\\0` and one Avro record in single-object encoding, at most 65,535 bytes. A batch entry is
followed by its accepted events, in order; entry 0 of a ledger is the genesis record. The leaf of an entry is
`hash_leaf(entry)`. What came from a producer is kept byte for byte inside; no entry holds a payload.

Event entries are nine of ten: they are written and read by hand, to the byte as Avro would. The rules about the content
(is the signature good, do the events belong to the batch) are kept by `ledger.receipt` and `hub`.

Source: LEDGER, section 4.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

from contracts.avro import Codec
from contracts.errors import ContractError
from contracts.ids import Hash, KeyId, TreeSize
from ledger.batch import MAX_BATCH
from ledger.tiles import MAX_ENTRY_BYTES

ENTRY_LABEL: Final = b"pprd-entry/v1\n\0"
MAX_CODE_LENGTH: Final = 28
"""Longest reason code: 1,024 refusals with such codes and the longest batch header still fit into one entry."""


def _load(name: str) -> Codec:
    return Codec.of(json.loads(files("contracts").joinpath("avro", name).read_text(encoding="utf-8")))


def _prefix(codec: Codec) -> bytes:
    return ENTRY_LABEL + b"\xc3\x01" + codec.fingerprint


_GENESIS: Final = _load("entry_genesis.avsc")
_BATCH: Final = _load("entry_batch.avsc")
_GENESIS_PREFIX: Final = _prefix(_GENESIS)
_SUCCESSOR: Final = _load("entry_genesis_successor.avsc")
_SUCCESSOR_PREFIX: Final = _prefix(_SUCCESSOR)
BATCH_PREFIX: Final = _prefix(_BATCH)
"""First bytes of every batch entry, and of no other."""
_EVENT_PREFIX: Final = _prefix(_load("entry_event.avsc"))
_PREFIX_BYTES: Final = len(_EVENT_PREFIX)
MAX_EVENT_ENTRY_BYTES: Final = MAX_ENTRY_BYTES - _PREFIX_BYTES - 3
"""Longest event that fits into an entry, with a length prefix of three bytes."""
_is_code = re.compile(f"[A-Z][A-Z_]{{0,{MAX_CODE_LENGTH - 1}}}", re.ASCII).fullmatch


class Predecessor(NamedTuple):
    """How a ledger ended from which another one goes on.

    Attributes:
        origin: Its name.
        size: All its entries; the last one says that it is closed.
        root: Root over them, 32 bytes.
    """

    origin: str
    size: TreeSize
    root: Hash


class GenesisEntry(NamedTuple):
    """Entry 0 of a ledger.

    Attributes:
        origin: Origin line of its checkpoints.
        created_at: Milliseconds since the epoch.
        log_key: Verifier key of its checkpoints, see `ledger.note`.
        hub_key: Ed25519 public key of the hub's own batches, 32 bytes.
        edition: Edition of the rules of the ledger, from 1.
        sandbox: True if every event is about synthetic identities.
        divisions_hash: SHA-256 of the division list.
        clock_skew_ms: How far `created_ms` of a batch may lie from `recorded_at`.
        predecessor: The closed ledger from which this one goes on; None for a ledger that begins.
    """

    origin: str
    created_at: int
    log_key: str
    hub_key: bytes
    edition: int
    sandbox: bool
    divisions_hash: Hash
    clock_skew_ms: int
    predecessor: Predecessor | None = None


class Refused(NamedTuple):
    """An event of a batch that was not recorded.

    Attributes:
        position: Place in the batch, from 0.
        leaf_hash: Leaf hash of the event's bytes.
        code: Why; `EVENT_REPEATED` for one that had been recorded before.
    """

    position: int
    leaf_hash: Hash
    code: str


class BatchEntry(NamedTuple):
    """A batch header as received.

    Attributes:
        tbs: The signed bytes, see `ledger.batch`.
        signature: Ed25519 over `tbs`, 64 bytes.
        key_id: Id of the key that signed, 8 bytes.
        recorded_at: Milliseconds since the epoch.
        refused: Events of the batch that do not follow, by ascending position.
    """

    tbs: bytes
    signature: bytes
    key_id: KeyId
    recorded_at: int
    refused: tuple[Refused, ...]


class EventEntry(NamedTuple):
    """An accepted event.

    Attributes:
        event: Its bytes E, as received.
    """

    event: bytes


def encode_genesis(entry: GenesisEntry) -> bytes:
    """Give the bytes of entry 0.

    Raises:
        ContractError: ENTRY_MALFORMED, a field is out of its range.
    """
    fields = entry._asdict()
    if entry.predecessor is None:
        del fields["predecessor"]
        return _encode(_GENESIS, _GENESIS_PREFIX, fields)
    return _encode(_SUCCESSOR, _SUCCESSOR_PREFIX, fields | {"predecessor": entry.predecessor._asdict()})


def encode_batch_entry(entry: BatchEntry) -> bytes:
    """Give the bytes of a batch entry.

    Raises:
        ContractError: ENTRY_MALFORMED, a field is out of its range or the refused events are not in order.
    """
    _check_refused(entry.refused)
    return _encode(_BATCH, BATCH_PREFIX, entry._asdict() | {"refused": [item._asdict() for item in entry.refused]})


def encode_event_entry(event: bytes) -> bytes:
    """Give the bytes of an event entry.

    Args:
        event: The bytes E of the event.

    Raises:
        ContractError: ENTRY_MALFORMED, the entry would be longer than 65,535 bytes.
    """
    return _head_before(len(event)) + event


def decode_entry(data: bytes) -> GenesisEntry | BatchEntry | EventEntry:
    """Read an entry; there is exactly one encoding of each.

    Raises:
        ContractError: ENTRY_MALFORMED.
    """
    if len(data) > MAX_ENTRY_BYTES:
        raise ContractError("ENTRY_MALFORMED", f"an entry has at most {MAX_ENTRY_BYTES} bytes, not {len(data)}")
    event = event_of(data)
    if event is not None:
        return EventEntry(event)
    prefix = data[:_PREFIX_BYTES]
    if prefix == BATCH_PREFIX:
        fields = _decode(_BATCH, data)
        refused = tuple(Refused(**item) for item in fields["refused"])
        _check_refused(refused)
        return BatchEntry(**(fields | {"refused": refused}))
    if prefix == _GENESIS_PREFIX:
        return GenesisEntry(**_decode(_GENESIS, data))
    if prefix == _SUCCESSOR_PREFIX:
        fields = _decode(_SUCCESSOR, data)
        return GenesisEntry(**(fields | {"predecessor": Predecessor(**fields["predecessor"])}))
    raise ContractError("ENTRY_MALFORMED", f"{len(data)} bytes do not begin like an entry")


def event_of(data: bytes) -> bytes | None:
    """The event of an event entry; None of an entry of another kind.

    Raises:
        ContractError: ENTRY_MALFORMED: it begins like an event entry and is none.
    """
    head = _event_head(len(data))
    if data.startswith(head) and len(data) <= MAX_ENTRY_BYTES:
        return data[len(head) :]
    if data.startswith(_EVENT_PREFIX):
        raise ContractError("ENTRY_MALFORMED", f"the event of an entry of {len(data)} bytes has another length")
    return None


@lru_cache(4_096)
def _head_before(size: int) -> bytes:
    """What stands in an event entry before an event of so many bytes."""
    if size > MAX_EVENT_ENTRY_BYTES:
        raise ContractError("ENTRY_MALFORMED", f"an event of {size} bytes does not fit into an entry")
    return _EVENT_PREFIX + _length(size)


@lru_cache(4_096)
def _event_head(size: int) -> bytes:
    """How an event entry of so many bytes begins: the length prefix has one form, whose width follows from the size."""
    rest = max(1, size - _PREFIX_BYTES)
    width = 1 if rest <= 64 else 2 if rest <= 8193 else 3
    return _EVENT_PREFIX + _length(rest - width)


def _length(size: int) -> bytes:
    """Avro's length prefix of `size` bytes, at most 65,535: zigzag, then base 128 with the low digits first."""
    if size < 64:
        return bytes((size << 1,))
    if size < 8192:
        return bytes((size << 1 & 0x7F | 0x80, size >> 6))
    return bytes((size << 1 & 0x7F | 0x80, size >> 6 & 0x7F | 0x80, size >> 13))


def _encode(codec: Codec, prefix: bytes, fields: dict[str, Any]) -> bytes:
    try:
        entry = prefix + codec.encode(fields)
    except ContractError as err:
        raise ContractError("ENTRY_MALFORMED", err.message, field=err.field) from err
    if len(entry) > MAX_ENTRY_BYTES:
        raise ContractError("ENTRY_MALFORMED", f"an entry has at most {MAX_ENTRY_BYTES} bytes, not {len(entry)}")
    return entry


def _decode(codec: Codec, data: bytes) -> dict[str, Any]:
    try:
        fields: dict[str, Any] = codec.decode(data[_PREFIX_BYTES:])
    except ContractError as err:
        raise ContractError("ENTRY_MALFORMED", err.message, field=err.field) from err
    return fields


def _check_refused(refused: tuple[Refused, ...]) -> None:
    positions = [item.position for item in refused]
    if positions != sorted(set(positions)) or (positions and not 0 <= positions[0] <= positions[-1] < MAX_BATCH):
        raise ContractError("ENTRY_MALFORMED", "refused events do not stand in order of position", field="position")
    for item in refused:
        if not _is_code(item.code):
            raise ContractError("ENTRY_MALFORMED", f"{item.code!r} is not a reason code", field="code")
