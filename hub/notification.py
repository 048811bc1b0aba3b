"""A run of notifications with all its evidence, and the check that a region makes of it before it believes a word.

A run carries events n, n + 1, ... of one delivery point. Each event comes with its path in the ledger and its path in
the producer's batch, so a region needs the ledger's key, its directory and its own last counter, and nobody's word.

Rules kept here: the size and the root come from the checkpoint only, the batch root from the signed header only; a key
is judged at the index of the event, which the path proves; counters and heads go on exactly where the region stands.
Not here: how a run is made from the ledger (`hub.run_builder`), how it travels and is sealed (adapters), whether the
office is meant (the region knows its own offices).

Source: LEDGER 5 and 10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from contracts.errors import ContractError, EvidenceError
from contracts.event import Header, decode_event, leaf_hash
from contracts.ids import Hash, KeyId, LeafIndex, PointId
from contracts.signing import verify
from hub.directory import Directory
from hub.directory_values import SigningKey
from hub.working import MAX_RUN
from ledger.batch import Batch, decode_tbs
from ledger.checkpoint import Checkpoint, parse_checkpoint
from ledger.entry import BatchEntry, decode_entry, encode_event_entry
from ledger.heads import MAX_COUNTER, head_next
from ledger.log_keys import LogKeys
from ledger.note import NoteVerifier
from ledger.tree import HASH_BYTES, hash_leaf, verify_inclusion

BATCH_PURPOSES: Final = ("batch", "hub-events")
"""Purposes of keys that sign batches."""

KeyAt = Callable[[KeyId, LeafIndex], SigningKey | None]
"""Gives the batch key with an id if it is valid at a ledger index: `Directory.signing_key`, and the hub's own."""


def known_keys(directory: Directory) -> KeyAt:
    """The batch keys of a directory and the hub's own, whose first one it was told."""

    def key_at(key_id: KeyId, at: LeafIndex) -> SigningKey | None:
        key = directory.hub_keys.find(key_id)
        if key is None:
            key = directory.signing_key(key_id, at)
        return key if key is not None and key.is_valid_at(at) and key.purpose in BATCH_PURPOSES else None

    return key_at


class BatchEvidence(NamedTuple):
    """The producer's word for some events of a run.

    Attributes:
        leaf_index: Ledger index of the batch entry.
        entry: Its bytes: signed header, signature, key id.
    """

    leaf_index: LeafIndex
    entry: bytes


class Notification(NamedTuple):
    """One event with its evidence.

    Attributes:
        leaf_index: Ledger index of the event's entry.
        event: Its bytes E.
        path: Inclusion path in the ledger, 32-byte hashes joined, leaf's sibling first.
        batch: Which of the run's `batches` it belongs to.
        position: Its place in the producer's batch.
        batch_path: Inclusion path in the producer's batch, joined.
    """

    leaf_index: LeafIndex
    event: bytes
    path: bytes
    batch: int
    position: int
    batch_path: bytes


class NotificationRun(NamedTuple):
    """Notifications `first_n`, `first_n + 1`, ... of one delivery point.

    Attributes:
        point: Whose they are.
        first_n: Counter of the first one, from 1.
        head_before: Running hash after notification `first_n - 1`.
        head_after: Running hash after the last one.
        checkpoint: The signed note whose tree the paths lead to.
        batches: The batches that the events came in.
        notifications: 1 to 256, in order of their counters.
    """

    point: PointId
    first_n: int
    head_before: Hash
    head_after: Hash
    checkpoint: bytes
    batches: tuple[BatchEvidence, ...]
    notifications: tuple[Notification, ...]

    @property
    def last_n(self) -> int:
        """Counter of the last notification."""
        return self.first_n + len(self.notifications) - 1


class Received(NamedTuple):
    """One notification that was checked.

    Attributes:
        point: Whose it is.
        n: Its counter there.
        leaf_index: Ledger index of the event's entry.
        event: The event's bytes, as signed.
        header: What they say.
        head: Running hash after it.
    """

    point: PointId
    n: int
    leaf_index: LeafIndex
    event: bytes
    header: Header
    head: Hash


def verify_run(
    run: NotificationRun, *, point: PointId, known_head: Hash, verifier: NoteVerifier | LogKeys, key_at: KeyAt
) -> list[Received]:
    """Check everything that a run claims.

    Args:
        run: As it arrived.
        point: Whose run it must be.
        known_head: The running hash that the receiver holds after notification `run.first_n - 1`.
        verifier: The ledger's key, or every key that it had.
        key_at: Batch keys by ledger index; complete through the run's last index.

    Returns:
        Its notifications, in order.

    Raises:
        EvidenceError: RUN_INVALID, HEAD_MISMATCH, CHECKPOINT_INVALID, INCLUSION_INVALID or SIGNATURE_INVALID: it does
            not hold together or does not go on where the receiver stands. Stop the line.
    """
    _check_shape(run, point)
    if run.head_before != known_head:
        raise _head_mismatch(run, run.first_n - 1, run.head_before, known_head)
    try:
        checkpoint = parse_checkpoint(run.checkpoint, verifier)
        batches = [_Signed(evidence) for evidence in run.batches]
        headers = []
        for notification in run.notifications:
            _check_in_ledger(notification, checkpoint)
            headers.append(decode_event(notification.event))
            batches[notification.batch].check(notification, headers[-1], key_at)
        return _count(run, headers)
    except ContractError as error:
        raise EvidenceError("RUN_INVALID", f"{_name(run)} holds what cannot be read: {error}") from error


def _check_shape(run: NotificationRun, point: PointId) -> None:
    if run.point != point:
        raise EvidenceError("RUN_INVALID", f"{_name(run)} came as one of {point}", field="point")
    if not 1 <= len(run.notifications) <= MAX_RUN or not 1 <= run.first_n <= run.last_n <= MAX_COUNTER:
        raise EvidenceError("RUN_INVALID", f"{_name(run)} has {len(run.notifications)} notifications")
    last = -1
    for notification in run.notifications:
        if notification.leaf_index <= last or notification.batch >= len(run.batches):
            raise EvidenceError(
                "RUN_INVALID", f"entry {notification.leaf_index} of {_name(run)} stands in a wrong place"
            )
        last = notification.leaf_index


def _check_in_ledger(notification: Notification, checkpoint: Checkpoint) -> None:
    verify_inclusion(
        leaf_hash=hash_leaf(encode_event_entry(notification.event)),
        leaf_index=notification.leaf_index,
        tree_size=checkpoint.size,
        path=split_path(notification.path),
        root=checkpoint.root,
    )


class _Signed:
    """One batch of a run; its signature is checked once, under the key that was valid at the first event seen."""

    def __init__(self, evidence: BatchEvidence) -> None:
        entry = decode_entry(evidence.entry)
        if not isinstance(entry, BatchEntry):
            raise EvidenceError("RUN_INVALID", f"entry {evidence.leaf_index} is not that of a batch")
        self._index = evidence.leaf_index
        self._entry = entry
        self._batch: Batch = decode_tbs(entry.tbs)
        self._key: SigningKey | None = None

    def check(self, notification: Notification, header: Header, key_at: KeyAt) -> None:
        """Check that a notification's event is one of this batch's, signed by its producer."""
        index, position = notification.leaf_index, notification.position
        # Accepted events follow the batch entry in order: event at `position` is at most so far behind it.
        if not self._index < index <= self._index + 1 + position:
            raise EvidenceError("RUN_INVALID", f"position {position} of batch {self._index} is not at entry {index}")
        verify_inclusion(
            leaf_hash=leaf_hash(notification.event),
            leaf_index=position,
            tree_size=self._batch.n,
            path=split_path(notification.batch_path),
            root=self._batch.root,
        )
        if self._key is None:
            self._key = self._check_signature(key_at(self._entry.key_id, index), index)
        if header.producer_region != self._key.region:
            raise EvidenceError("RUN_INVALID", f"{self._batch.producer} signed an event of {header.producer_region}")

    def _check_signature(self, key: SigningKey | None, index: LeafIndex) -> SigningKey:
        if key is None or key.purpose not in BATCH_PURPOSES or key.producer != self._batch.producer:
            raise EvidenceError(
                "SIGNATURE_INVALID",
                f"key {self._entry.key_id.hex()} is not one of {self._batch.producer} at entry {index}",
                field="key_id",
            )
        verify(key.public_key, self._entry.signature, self._entry.tbs)
        return key


def _count(run: NotificationRun, headers: Sequence[Header]) -> list[Received]:
    """Fold the leaf hashes of the events into the running hash."""
    head, received = run.head_before, []
    for n, (notification, header) in enumerate(zip(run.notifications, headers, strict=True), run.first_n):
        head = head_next(head, n, leaf_hash(notification.event))
        received.append(Received(run.point, n, notification.leaf_index, notification.event, header, head))
    if head != run.head_after:
        raise _head_mismatch(run, run.last_n, run.head_after, head)
    return received


def split_path(joined: bytes) -> Sequence[Hash]:
    """Cut joined hashes apart.

    Raises:
        EvidenceError: INCLUSION_INVALID: the length is not one of whole hashes.
    """
    if len(joined) % HASH_BYTES:
        raise EvidenceError("INCLUSION_INVALID", f"a path of {len(joined)} bytes is not one of whole hashes")
    return [Hash(joined[at : at + HASH_BYTES]) for at in range(0, len(joined), HASH_BYTES)]


def _name(run: NotificationRun) -> str:
    return f"run {run.point}:{run.first_n}"


def _head_mismatch(run: NotificationRun, n: int, claimed: Hash, ours: Hash) -> EvidenceError:
    return EvidenceError(
        "HEAD_MISMATCH", f"{_name(run)} says that the head after {n} is {claimed.hex()}, here it is {ours.hex()}"
    )
