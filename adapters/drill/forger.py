"""Entries that nobody admitted: what a hub's operator can write and sign who has its files and its keys.

Tiles, roots and signatures fit: only what is recorded is a lie. Regions' keys are used as a thief of a gateway would.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import closing
from typing import Final, NamedTuple

from adapters.compose.folder import DataFolder
from adapters.compose.ledger_place import known_place
from adapters.compose.parts import KEYS, SystemClock
from adapters.drill.liar import drill_settings
from adapters.drill.stage import OFFICES, RECEIVER, SENDER
from adapters.keys.folder import read_hub_keys, read_region_keys
from adapters.region.batching import BatchMaker
from adapters.region.keyring import SigningIdentity
from adapters.store.ledger_store import LedgerStore
from adapters.store.opening import open_store
from contracts.errors import FatalError
from contracts.event import Header, decode_event, encode_event, leaf_hash
from contracts.ids import EventId, Hash, KeyId, LeafIndex, PointId, StreamId, TreeSize, uuid7
from hub import evidence
from hub.ports import Commit, ProducerState, Run, StoredEntry
from hub.submission import SubmittedBatch
from ledger.batch import batch_hash, decode_tbs
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.compact import hash_leaf
from ledger.entry import BatchEntry, EventEntry, decode_entry, encode_batch_entry, encode_event_entry
from ledger.heads import HEAD_ZERO, head_next
from ledger.note import NoteSigner
from ledger.tiles import tiles_after

FIRST_EVENT: Final = "ResidenceNoticePrepared"
_POINT: Final = PointId(f"{RECEIVER}-node")


class Forged(NamedTuple):
    """A batch that was signed and not admitted.

    Attributes:
        batch: As its producer signed it.
        entries: What stands in the ledger for it.
    """

    batch: SubmittedBatch
    entries: tuple[bytes, ...]

    def dated(self, recorded_at: int) -> Forged:
        """The same, said to be recorded at another time."""
        header = decode_entry(self.entries[0])
        if not isinstance(header, BatchEntry):
            raise FatalError("DRILL_FAILED", "a forged batch has no header")
        return self._replace(entries=(encode_batch_entry(header._replace(recorded_at=recorded_at)), *self.entries[1:]))

    def unsigned(self) -> Forged:
        """The same under a signature of nobody."""
        header = decode_entry(self.entries[0])
        if not isinstance(header, BatchEntry):
            raise FatalError("DRILL_FAILED", "a forged batch has no header")
        return self._replace(entries=(encode_batch_entry(header._replace(signature=bytes(64))), *self.entries[1:]))


class Forger:
    """Writes what it likes into the ledger of a drill whose hub does nothing meanwhile.

    Args:
        folder: Of the drill.
    """

    def __init__(self, folder: DataFolder) -> None:
        settings = drill_settings(folder)
        self._folder = folder
        self._place = known_place(settings.data_dir)
        self._signer = NoteSigner(settings.origin, read_hub_keys(settings.data_dir / KEYS).log)
        self._states: dict[str, ProducerState] = {}
        with closing(open_store(self._place, read_only=True)) as store:
            entries = list(store.entries(LeafIndex(0), LeafIndex(store.size())))
            for region in OFFICES:
                producer = f"{region}-node"
                self._states[producer] = store.producer(producer) or ProducerState(0, Hash(bytes(32)))
        events = [entry.event for entry in map(decode_entry, entries) if isinstance(entry, EventEntry)]
        self._model = next(header for header in map(decode_event, events) if header.event_type == FIRST_EVENT)

    # -- events and batches

    def event(self, **changes: object) -> bytes:
        """A fresh first event of a matter, like one that was recorded; `changes` make it another one."""
        now = SystemClock().now_ms()
        fresh = self._model._replace(event_id=EventId(_id(now)), stream_id=StreamId(_id(now)))
        header: Header = fresh._replace(**changes)  # type: ignore[arg-type]
        return encode_event(header)

    def batch(self, *events: bytes) -> Forged:
        """The sender's next batch, signed with its own key."""
        producer = PointId(f"{SENDER}-node")
        signer = SigningIdentity.of("batch", read_region_keys(self._folder.region(SENDER) / KEYS).batch)
        batch, after = BatchMaker(producer, signer, SystemClock()).make(
            self._states[producer], events or (self.event(),), ()
        )
        self._states[producer] = after
        entry = BatchEntry(batch.tbs, batch.signature, KeyId(batch.key_id), SystemClock().now_ms(), ())
        return Forged(batch, (encode_batch_entry(entry), *(encode_event_entry(event) for event in batch.events)))

    # -- recording

    def record(self, *batches: Forged, told: bool = False) -> LeafIndex:
        """Record batches and sign the new head.

        Args:
            batches: In the order in which they are to stand.
            told: Whether the receiver is told of their events.

        Returns:
            Index of the first entry.
        """
        with closing(open_store(self._place)) as store:
            size = store.size()
            entries = [entry for forged in batches for entry in forged.entries]
            store.commit(self._commit(store, size, entries, batches, told=told))
        return LeafIndex(size)

    def _commit(
        self, store: LedgerStore, size: TreeSize, entries: Sequence[bytes], batches: Sequence[Forged], *, told: bool
    ) -> Commit:
        leaves = [hash_leaf(entry) for entry in entries]
        tree = evidence.frontier(store, size)
        tree.extend(leaves)
        new_size = TreeSize(size + len(entries))
        events = [
            (size + at, entry.event)
            for at, data in enumerate(entries)
            if isinstance(entry := decode_entry(data), EventEntry)
        ]
        runs = self._runs(store, events, new_size) if told else []
        return Commit(
            old_size=size,
            new_size=new_size,
            entries=[_stored(entry) for entry in entries],
            event_ids=_event_ids(store, events),
            tiles=tiles_after(size, leaves, store.tile),
            checkpoint=sign_checkpoint(Checkpoint(self._signer.name, new_size, tree.root()), self._signer),
            matters=(),
            due={},
            runs=runs,
            heads=[(run.point, run.first_n + len(run.indexes) - 1, run.head_after) for run in runs],
            payloads=(),
            producers=[(decode_tbs(forged.batch.tbs).producer, _after(forged)) for forged in batches],
            directory=(),
            recorded_at=SystemClock().now_ms(),
        )

    def _runs(self, store: LedgerStore, events: Sequence[tuple[int, bytes]], size: TreeSize) -> list[Run]:
        n, before = store.heads().get(_POINT, (0, HEAD_ZERO))
        head = before
        for count, (_, event) in enumerate(events, n + 1):
            head = head_next(head, count, leaf_hash(event))
        return [Run(_POINT, n + 1, tuple(index for index, _ in events), before, head, size, False)]


def _event_ids(store: LedgerStore, events: Sequence[tuple[int, bytes]]) -> list[tuple[bytes, int]]:
    """The ids that are new, with their first place."""
    found: dict[bytes, int] = {}
    for index, event in events:
        found.setdefault(decode_event(event).event_id, index)
    known = store.recorded(list(found))
    return [(event_id, index) for event_id, index in found.items() if event_id not in known]


def _after(forged: Forged) -> ProducerState:
    return ProducerState(decode_tbs(forged.batch.tbs).batch_seq + 1, batch_hash(forged.batch.tbs))


def _stored(data: bytes) -> StoredEntry:
    """A row of the event store under a name that no other row has: twice the same event is what some lies record."""
    entry = decode_entry(data)
    if isinstance(entry, BatchEntry):
        header = decode_tbs(entry.tbs)
        return StoredEntry(secrets.token_bytes(16), header.batch_seq, "Batch", data)
    return StoredEntry(secrets.token_bytes(16), 0, "Event", data)


def _id(now_ms: int) -> bytes:
    return uuid7(unix_ms=now_ms, entropy=secrets.token_bytes(10))
