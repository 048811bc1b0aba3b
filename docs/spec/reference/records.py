"""What is signed and recorded: events, batches, entries, running hashes (`docs/spec`: `event`, `batch`, `entry`)."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from docs.spec.reference.avro import Record, Schemas
from docs.spec.reference.tree import leaf_hash, root_of, sha256
from docs.spec.reference.unproved import UnprovedError, expect

EVENT_LABEL = b"pprd-event/v1\n\0"
BATCH_LABEL = b"pprd-batch/v1\n\0"
ENTRY_LABEL = b"pprd-entry/v1\n\0"
HEAD_LABEL = b"pprd-head/v1\n\0"
KEY_LABEL = b"pprd-key/v1\n\0"
MINUTE_MS, DAY_MS, SHANGHAI_MS = 60_000, 86_400_000, 28_800_000
LAST_INSTANT_MS = 253_402_300_799_999
GENESIS = ("GenesisEntry", "SuccessorGenesisEntry")
"""What stands at index 0: of a new ledger, or of one that goes on from a closed one."""
REGION = "35|36|43|44|45|46|51|52|53|81|82"
OFFICE = "o[0-9a-hjkmnp-tv-z]{8}"
HUB = ("00", "o00000000")
"""Region and office that stand for the hub itself."""
FORMS = {
    "event_type": "[A-Z][A-Za-z0-9]{0,62}",
    "procedure": "[A-Z][A-Z0-9_]{0,62}",
    "purpose": "[A-Z][A-Z0-9_]{0,62}",
    "legal_basis": "LB-[A-Z0-9-]{1,60}",
}
"""Forms of the free codes of a header."""
_OPTIONAL = ("correlation_id", "causation_id")


class Batch(NamedTuple):
    """A signed batch header."""

    producer: str
    batch_id: bytes
    batch_seq: int
    n: int
    created_ms: int
    prev_batch: bytes
    root: bytes


def key_id(purpose: str, public_key: bytes) -> bytes:
    """Id of a key under its one purpose, 8 bytes."""
    return sha256(KEY_LABEL + purpose.encode() + b"\0" + public_key)[:8]


def next_head(head: bytes, n: int, leaf: bytes) -> bytes:
    """Running hash of a delivery point after its n-th notification; 32 zero bytes before the first."""
    return sha256(HEAD_LABEL + head + n.to_bytes(8, "big") + leaf)


# -- events


def read_event(event: bytes, schemas: Schemas) -> dict[str, Any]:
    """Read the header of an event and check each field.

    Raises:
        UnprovedError: It is not the one encoding of a header, or a field breaks its rule; the field is named.
    """
    expect(len(event) <= 16_384, "an event has at most 16,384 bytes")
    expect(event.startswith(EVENT_LABEL), "the label of an event is missing")
    name, header = schemas.read(event[len(EVENT_LABEL) :])
    expect(name == "EventHeader", "this is no event header")
    for field, form in FORMS.items():
        expect(_is(form, header[field]), f"{field} is not of its form")
    for field in ("event_id", "stream_id", "correlation_id", "causation_id"):
        if header[field] is None and field in _OPTIONAL:
            continue
        expect(_is_uuid7(header[field]), f"{field} is no UUIDv7")
    expect(header["stream_seq"] >= 0 and header["edition"] >= 1, "stream_seq or edition is out of range")
    region, office = header["producer_region"], header["producer_office"]
    is_hub, is_office = (region, office) == HUB, _is(REGION, region) and _is(OFFICE, office) and office != HUB[1]
    expect(is_hub or is_office, "the producer is neither an office of a region nor the hub")
    region, office = header["counterpart_region"], header["counterpart_office"]
    expect(region is None or _is(REGION, region), "counterpart_region is no region")
    expect(
        office is None or (region is not None and _is(OFFICE, office)), "counterpart_office is no office of a region"
    )
    _check_instant(header["class"], header["occurred_at"])
    body = header["body"]
    expect(len(body) >= 10 and body[:10] == b"\xc3\x01" + header["schema_id"], "body is not of schema_id")
    expect(len(header["sealed"]) <= 63, "more than 63 payloads")
    for ref in header["sealed"]:
        expect(_is("NP-[A-Z0-9-]{1,60}", ref["profile"]), "a profile is not of its form")
        expect(ref["bucket_kib"] in (1, 4, 16, 64, 256), "a bucket has another size")
        offices = ref["recipients"]
        expect(1 <= len(offices) <= 63 and all(_is(OFFICE, one) for one in offices), "recipients are no offices")
        expect(offices == sorted(set(offices)), "recipients are not sorted, or one stands twice")
    return header


def write_event(header: dict[str, Any], schemas: Schemas) -> bytes:
    """The bytes of an event."""
    return EVENT_LABEL + schemas.write(Record("EventHeader", header))


def _check_instant(event_class: str, occurred_at: int) -> None:
    expect(0 <= occurred_at <= LAST_INSTANT_MS, "occurred_at is outside of the years 1970 to 9999")
    if event_class == "std":
        expect(occurred_at % MINUTE_MS == 0, "occurred_at of class std is a whole minute")
    if event_class == "cas":
        expect((occurred_at + SHANGHAI_MS) % DAY_MS == 0, "occurred_at of class cas is a whole day in Shanghai")


def _is(form: str, value: str) -> bool:
    return re.fullmatch(form, value, re.ASCII) is not None


def _is_uuid7(value: bytes) -> bool:
    return value[6] >> 4 == 7 and value[8] >> 6 == 2


# -- batches

_NUMBERS = struct.Struct(">16sQIQ32s32s")


def read_batch(tbs: bytes) -> Batch:
    """Read the bytes that a producer signed.

    Raises:
        UnprovedError: They are no batch header.
    """
    start = len(BATCH_LABEL) + 1
    expect(tbs.startswith(BATCH_LABEL) and len(tbs) > start, "the label of a batch is missing")
    end = start + tbs[start - 1]
    expect(len(tbs) == end + _NUMBERS.size, "the batch header has another length")
    batch = Batch(tbs[start:end].decode("latin-1"), *_NUMBERS.unpack(tbs[end:]))
    expect(_is("[0-9a-z][0-9a-z-]{0,63}", batch.producer), "the producer is no name")
    expect(1 <= batch.n <= 1_024, "a batch has 1 to 1,024 events")
    expect(max(batch.batch_seq, batch.created_ms) < 1 << 63, "a number is too large")
    return batch


def write_batch(batch: Batch) -> bytes:
    """The bytes that a producer signs."""
    name = batch.producer.encode("ascii")
    return BATCH_LABEL + bytes((len(name),)) + name + _NUMBERS.pack(*batch[1:])


def batch_root(batch: Batch, accepted: Sequence[bytes], refused: Sequence[dict[str, Any]]) -> bytes:
    """Root over the leaves of a batch: those that were accepted, in order, and the refused ones at their positions."""
    expect(len(accepted) + len(refused) == batch.n, "accepted and refused events are not as many as were signed")
    positions = [one["position"] for one in refused]
    expect(positions == sorted(set(positions)), "refusals are not in order")
    expect(all(0 <= position < batch.n for position in positions), "a refusal is outside of the batch")
    leaves = list(accepted)
    for one in refused:
        leaves.insert(one["position"], one["leaf_hash"])
    return root_of(leaves)


# -- entries


def read_entry(entry: bytes, schemas: Schemas) -> Record:
    """Read an entry: a record of `GENESIS`, `BatchEntry` or `EventEntry`.

    Raises:
        UnprovedError: It is none of them.
    """
    expect(len(entry) <= 65_535, "an entry has at most 65,535 bytes")
    expect(entry.startswith(ENTRY_LABEL), "the label of an entry is missing")
    record = schemas.read(entry[len(ENTRY_LABEL) :])
    expect(record.name in (*GENESIS, "BatchEntry", "EventEntry"), f"a {record.name} is no entry")
    if record.name == "BatchEntry":
        codes = [one["code"] for one in record.fields["refused"]]
        expect(all(_is("[A-Z][A-Z_]{0,27}", code) for code in codes), "a reason code is malformed")
    return record


def write_entry(record: Record, schemas: Schemas) -> bytes:
    """The bytes of an entry."""
    return ENTRY_LABEL + schemas.write(record)


def event_leaf(entry: Record) -> bytes:
    """Leaf hash of the event in an event entry: what batches, streams and running hashes chain.

    It is not the leaf hash of the entry, which is what the ledger's tree holds.
    """
    if entry.name != "EventEntry":
        raise UnprovedError(f"a {entry.name} holds no event")
    return leaf_hash(entry.fields["event"])
