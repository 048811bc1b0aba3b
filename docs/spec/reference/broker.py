"""What travels on the broker: runs, sealed runs and delivery receipts (`docs/spec/delivery.md`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from docs.spec.reference.avro import Record, Schemas
from docs.spec.reference.directory import Key
from docs.spec.reference.note import LogKey, read_checkpoint, verify
from docs.spec.reference.records import next_head, read_batch, read_entry, read_event, write_entry
from docs.spec.reference.sealing import hpke_open, hpke_seal
from docs.spec.reference.tree import check_inclusion, leaf_hash
from docs.spec.reference.unproved import UnprovedError, expect

SUITE = b"X25519-HKDF-SHA256+AES-256-GCM"
RUN_LABEL = b"pprd-run/v1\n\0"
RECEIPT_LABEL = b"pprd-receipt/v1\n\0"
RUN_BUCKETS_KIB = (4, 16, 64, 256, 1024)
_MIB = 1 << 20
_PADDING_TAG = b"\x42"
"""Field 8 of a run, bytes."""


class Notification(NamedTuple):
    """One event of a run with its evidence; `batch` counts in the run's `batches`."""

    leaf_index: int
    event: bytes
    path: list[bytes]
    batch: int
    position: int
    batch_path: list[bytes]


class Run(NamedTuple):
    """Notifications `first_n`, `first_n + 1`, ... of one point. A batch is its entry with the index where it stands."""

    point: str
    first_n: int
    head_before: bytes
    head_after: bytes
    checkpoint: bytes
    batches: Sequence[tuple[int, bytes]]
    notifications: Sequence[Notification]


class DeliveryReceipt(NamedTuple):
    """A region's word that a point holds everything up to `n`."""

    point: str
    n: int
    head: bytes
    received_ms: int
    key_id: bytes
    signature: bytes


# -- protobuf, as far as these messages need it: varints (wire type 0) and bytes (wire type 2)


def fields(data: bytes) -> list[tuple[int, Any]]:
    """Number and value of each field of a message, in order; numbers as int, the rest as bytes.

    Raises:
        UnprovedError: The bytes are no message.
    """
    found: list[tuple[int, Any]] = []
    at = 0
    try:
        while at < len(data):
            tag, at = _varint(data, at)
            value, at = _varint(data, at)
            if tag & 7 == 2:
                expect(at + value <= len(data), "a field leads beyond the end")
                found.append((tag >> 3, data[at : at + value]))
                at += value
            else:
                expect(tag & 7 == 0, "a field of another wire type")
                found.append((tag >> 3, value))
    except IndexError:
        raise UnprovedError("the bytes are no message") from None
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while data[at] & 0x80:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        expect(shift < 70, "a number is longer than ten bytes")
    return value | data[at] << shift, at + 1


def _number(number: int, value: int) -> bytes:
    return bytes((number << 3,)) + _written(value) if value else b""


def _bytes(number: int, value: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + _written(len(value)) + value if value else b""


def _written(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _one(data: bytes, defaults: dict[int, Any]) -> list[Any]:
    """Values of a message of fields that stand once; a field that is missing has its default."""
    found = defaults | dict(fields(data))
    return [found[number] for number in defaults]


# -- runs


def read_run(data: bytes) -> Run:
    """Read a run; padding is passed over.

    Raises:
        UnprovedError: It is none.
    """
    point, first_n, before, after, note = _one(data, {1: b"", 2: 0, 3: b"", 4: b"", 5: b""})
    expect(len(before) == len(after) == 32, "a running hash has 32 bytes")
    batches, notifications = [], []
    for number, value in fields(data):
        if number == 6:
            index, entry = _one(value, {1: 0, 2: b""})
            batches.append((index, entry))
        if number == 7:
            index, event, path, batch, position, batch_path = _one(value, {1: 0, 2: b"", 3: b"", 4: 0, 5: 0, 6: b""})
            notifications.append(Notification(index, event, _hashes(path), batch, position, _hashes(batch_path)))
    return Run(point.decode("ascii"), first_n, before, after, note, batches, notifications)


def write_run(run: Run) -> bytes:
    """Write a run."""
    out = _bytes(1, run.point.encode()) + _number(2, run.first_n) + _bytes(3, run.head_before)
    out += _bytes(4, run.head_after) + _bytes(5, run.checkpoint)
    for at, entry in run.batches:
        out += _bytes(6, _number(1, at) + _bytes(2, entry))
    for index, event, path, batch, position, batch_path in run.notifications:
        said = _number(1, index) + _bytes(2, event) + _bytes(3, b"".join(path)) + _number(4, batch)
        out += _bytes(7, said + _number(5, position) + _bytes(6, b"".join(batch_path)))
    return out


def _hashes(joined: bytes) -> list[bytes]:
    expect(len(joined) % 32 == 0, "a path is not one of whole hashes")
    return [joined[at : at + 32] for at in range(0, len(joined), 32)]


def verify_run(
    run: Run, point: str, head: bytes, log_key: LogKey, key_at: Callable[[bytes, int], Key], schemas: Schemas
) -> bytes:
    """Check everything that a run claims.

    Args:
        run: As it arrived.
        point: Whose it must be.
        head: The running hash that the receiver holds after notification `first_n - 1`.
        log_key: Of the ledger.
        key_at: The key with an id that may sign a batch at an index.
        schemas: Of entries and headers.

    Returns:
        The running hash after it.

    Raises:
        UnprovedError: Something does not hold: stop the line.
    """
    expect(run.point == point and run.head_before == head, "the run does not go on where the receiver stands")
    expect(1 <= len(run.notifications) <= 256 and run.first_n >= 1, "a run has 1 to 256 notifications")
    indexes = [one.leaf_index for one in run.notifications]
    expect(indexes == sorted(set(indexes)), "entries do not stand in the order of the ledger")
    checkpoint = read_checkpoint(run.checkpoint, log_key)
    for n, one in enumerate(run.notifications, run.first_n):
        entry = write_entry(Record("EventEntry", {"event": one.event}), schemas)
        check_inclusion(leaf_hash(entry), one.leaf_index, checkpoint.size, one.path, checkpoint.root)
        expect(one.batch < len(run.batches), "the batch of a notification is missing")
        _check_batch(one, *run.batches[one.batch], key_at, schemas)
        head = next_head(head, n, leaf_hash(one.event))
    expect(head == run.head_after, "the running hash leads elsewhere")
    return head


def _check_batch(
    one: Notification, at: int, entry: bytes, key_at: Callable[[bytes, int], Key], schemas: Schemas
) -> None:
    """The event stands at its position under the root that its producer signed, with a key that was valid there."""
    record = read_entry(entry, schemas)
    expect(
        record.name == "BatchEntry" and at < one.leaf_index <= at + 1 + one.position, "the event is not of this batch"
    )
    batch = read_batch(record.fields["tbs"])
    check_inclusion(leaf_hash(one.event), one.position, batch.n, one.batch_path, batch.root)
    key = key_at(record.fields["key_id"], one.leaf_index)
    verify(key.public_key, record.fields["signature"], record.fields["tbs"])
    header = read_event(one.event, schemas)
    expect((key.producer, key.region) == (batch.producer, header["producer_region"]), "the key is another producer's")


def seal_run(encoded: bytes, point: str, public_key: bytes, key: bytes, ephemeral: bytes) -> bytes:
    """Pad an encoded run with field 8 to its bucket and seal it to the key of its point."""
    size = next((kib << 10 for kib in RUN_BUCKETS_KIB if len(encoded) + 5 <= kib << 10), 0)
    size = size or -(-(len(encoded) + 5) // _MIB) * _MIB
    zeros = size - len(encoded) - 5
    length = bytes(zeros >> shift & 0x7F | (0x80 if shift < 21 else 0) for shift in (0, 7, 14, 21))
    padded = encoded + _PADDING_TAG + length + bytes(zeros)
    box = hpke_seal(public_key, RUN_LABEL + point.encode("ascii"), padded, ephemeral)
    return _bytes(1, SUITE) + _bytes(2, key) + _bytes(3, box)


def open_run(data: bytes, point: str, private_key: bytes) -> bytes:
    """Open a sealed run: the encoded run with its padding.

    Raises:
        UnprovedError: The suite is another one, or it is sealed to somebody else.
    """
    suite, _, box = _one(data, {1: b"", 2: b"", 3: b""})
    expect(suite == SUITE, "the suite is another one")
    return hpke_open(private_key, RUN_LABEL + point.encode("ascii"), box)


# -- delivery receipts


def receipt_tbs(receipt: DeliveryReceipt) -> bytes:
    """What a region signs."""
    name = receipt.point.encode("ascii")
    numbers = receipt.n.to_bytes(8, "big") + receipt.head + receipt.received_ms.to_bytes(8, "big")
    return RECEIPT_LABEL + bytes((len(name),)) + name + numbers


def read_receipt(data: bytes) -> DeliveryReceipt:
    """Read a delivery receipt.

    Raises:
        UnprovedError: It is none.
    """
    point, n, head, received_ms, key, signature = _one(data, {1: b"", 2: 0, 3: b"", 4: 0, 5: b"", 6: b""})
    expect(point.isascii() and n > 0 and len(head) == 32, "a receipt names point, counter and running hash")
    return DeliveryReceipt(point.decode("ascii"), n, head, received_ms, key, signature)


def write_receipt(receipt: DeliveryReceipt) -> bytes:
    """Write a delivery receipt."""
    out = _bytes(1, receipt.point.encode()) + _number(2, receipt.n) + _bytes(3, receipt.head)
    return out + _number(4, receipt.received_ms) + _bytes(5, receipt.key_id) + _bytes(6, receipt.signature)


def verify_receipt(receipt: DeliveryReceipt, key: Key) -> None:
    """Check who signed a delivery receipt.

    Raises:
        UnprovedError: No key of purpose `receipt` of the point's own region did.
    """
    expect(key.purpose == "receipt" and key.region == receipt.point[:2], "the key may not sign this receipt")
    verify(key.public_key, receipt.signature, receipt_tbs(receipt))
