"""What the hub needs from outside: the store, a clock, fresh ids. Values that cross these ports live here too.

The store is one writer's. `commit` is the only call that records something, and it records everything or nothing;
`write_due` changes an index that can be derived again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from contracts.ids import Hash, KeyId, LeafIndex, OfficeId, PointId, TreeSize
from contracts.sealing import WrappedKey


class StoredEntry(NamedTuple):
    """One ledger entry on its way to the event store.

    Attributes:
        originator_id: 16 bytes: the stream of an event, the chain of a batch.
        originator_version: `stream_seq` or `batch_seq`.
        topic: Names of the contracts: event type or `Batch`; never a module path.
        entry: The entry's bytes.
    """

    originator_id: bytes
    originator_version: int
    topic: str
    entry: bytes


class Run(NamedTuple):
    """One delivery point's notifications of one commit: one row, one message on the broker.

    Attributes:
        point: Whose they are.
        first_n: The counter of the first one, from 1.
        indexes: Ledger indexes of the events, ascending, at most 256.
        head_before: Running hash after notification `first_n - 1`.
        head_after: Running hash after the last one.
        size: Size of the checkpoint that covers them.
        is_case: Whether they travel sealed as a whole: cases, and what is ordered about a record.
    """

    point: PointId
    first_n: int
    indexes: tuple[int, ...]
    head_before: Hash
    head_after: Hash
    size: TreeSize
    is_case: bool


class ProducerState(NamedTuple):
    """Where a producer's chain of batches stands.

    Attributes:
        next_seq: The sequence number that its next batch must have.
        last_hash: Hash of its last batch header; zeros before the first.
    """

    next_seq: int
    last_hash: Hash


class StoredPayload(NamedTuple):
    """A sealed payload on its way to the store, apart from the ledger.

    Its address is the event that names it: addresses ascend, hashes would scatter each commit over the whole table.

    Attributes:
        entry: Ledger index of the event that names it.
        number: Its position in the event's `sealed`.
        envelope: The sealed bytes.
        wrapped: Content key for each office.
    """

    entry: LeafIndex
    number: int
    envelope: bytes
    wrapped: tuple[WrappedKey, ...]


class StoredEffect(NamedTuple):
    """What an event does to content, on its way to the store: destroyed in the transaction that records it.

    Attributes:
        entry: Ledger index of the event.
        does: One of `contracts.procedure_types.EFFECTS`.
        stream_id: The stream whose content or seal it is about.
        brought_by: Of copies that end: ledger index of the event that brought them.
        keeps: Of copies that end: the office that keeps its key.
    """

    entry: LeafIndex
    does: str
    stream_id: bytes
    brought_by: LeafIndex | None = None
    keeps: OfficeId | None = None


class NamedEntry(NamedTuple):
    """The entry that an id leads to.

    Attributes:
        at: Its index.
        entry: Its bytes.
        is_sealed: Its stream is sealed.
    """

    at: LeafIndex
    entry: bytes
    is_sealed: bool


class ContentAddress(NamedTuple):
    """Of what one office may open.

    Attributes:
        entry: Index of the event that names the payload.
        number: Its position in `sealed`.
        office: To whose key the content key is wrapped.
    """

    entry: LeafIndex
    number: int
    office: OfficeId


class StoredContent(NamedTuple):
    """A sealed payload with one wrapped key.

    Attributes:
        envelope: The sealed bytes.
        key_id: The office key, 8 bytes.
        enc: HPKE bytes.
    """

    envelope: bytes
    key_id: KeyId
    enc: bytes


@dataclass(frozen=True, slots=True)
class Commit:
    """All that one commit records: one database transaction.

    Attributes:
        old_size: Entries before; the compare part of compare-and-swap.
        new_size: Entries after.
        entries: In ledger order, starting at `old_size`.
        event_ids: Event id and ledger index of each accepted event.
        tiles: Changed hash tiles: (level, tile index) to joined hashes.
        checkpoint: The signed note of `new_size`.
        matters: Stream id and packed state of each matter that changed.
        due: When time next does something, for each matter that changed or of which a miss was recorded; None: never.
        runs: Delivery runs, in publishing order.
        heads: Point, counter and running hash of each point that moved.
        payloads: Sealed payloads of accepted events.
        producers: Producer name and new state of its chain.
        directory: Ledger indexes of directory events (class `dir`).
        recorded_at: Hub time, milliseconds.
        effects: What accepted events do to content.
    """

    old_size: TreeSize
    new_size: TreeSize
    entries: Sequence[StoredEntry]
    event_ids: Sequence[tuple[bytes, int]]
    tiles: Mapping[tuple[int, int], bytes]
    checkpoint: bytes
    matters: Sequence[tuple[bytes, bytes]]
    due: Mapping[bytes, int | None]
    runs: Sequence[Run]
    heads: Sequence[tuple[PointId, int, Hash]]
    payloads: Sequence[StoredPayload]
    producers: Sequence[tuple[str, ProducerState]]
    directory: Sequence[LeafIndex]
    recorded_at: int
    effects: Sequence[StoredEffect] = ()


class LedgerReader(Protocol):
    """Read side of the store. Safe to call from any thread; sees whole commits only."""

    def size(self) -> TreeSize:
        """Entries recorded; 0 for a store without a ledger."""

    def checkpoint(self, size: TreeSize | None = None) -> bytes | None:
        """The signed note of an exact size, or the last one; None if there is none."""

    def recorded_at(self) -> int:
        """When the last commit was recorded, milliseconds; 0 for a store without a ledger."""

    def checkpoint_covering(self, index: LeafIndex) -> bytes | None:
        """The first signed note whose tree holds the entry at `index`."""

    def tile(self, level: int, index: int) -> bytes:
        """Joined hashes now in a tile; empty if there is none."""

    def entries(self, start: LeafIndex, end: LeafIndex) -> Iterator[bytes]:
        """Entry bytes of [start, end), ascending, in bounded memory."""

    def stream(self, stream_id: bytes, from_seq: int, limit: int) -> Sequence[tuple[LeafIndex, bytes]]:
        """Index and entry bytes of a stream's events, oldest first."""

    def recorded(self, event_ids: Sequence[bytes]) -> Mapping[bytes, LeafIndex]:
        """Ledger index of those event ids that are recorded."""

    def batch_index(self, producer: str, batch_seq: int) -> LeafIndex | None:
        """Where a producer's batch entry stands, if it was recorded."""

    def matters(self, stream_ids: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """Packed matters of those streams that exist."""

    def all_matters(self) -> Iterator[tuple[bytes, bytes]]:
        """Every stream id with its packed matter, ascending by stream id, in bounded memory."""

    def due_matters(self, until_ms: int) -> Iterator[bytes]:
        """Packed matters to which time does something up to an instant, the first due at the head."""

    def due_index(self) -> Iterator[tuple[bytes, int]]:
        """Stream id and next due instant of every matter that has one, ascending by stream id, in bounded memory."""

    def due_basis(self) -> bytes | None:
        """With what the due index was derived; None if there is none yet."""

    def producer(self, producer: str) -> ProducerState | None:
        """Where a producer's chain stands; None before its first batch."""

    def heads(self) -> Mapping[PointId, tuple[int, Hash]]:
        """Counter and running hash of every delivery point that got anything."""

    def runs(self, point: PointId, from_n: int, limit: int) -> Sequence[Run]:
        """A point's runs, starting with the one that holds notification `from_n`."""

    def runs_after(self, run_id: int, limit: int) -> Sequence[tuple[int, Run]]:
        """Runs of all points in publishing order with their row ids, after a row id (0: from the start)."""

    def directory_entries(self, start: LeafIndex) -> Iterator[tuple[LeafIndex, bytes]]:
        """Index and entry bytes of every directory event at or after an index, ascending."""

    def log_key_indexes(self) -> Sequence[LeafIndex]:
        """Indexes of the events that say something of the ledger's own key, ascending."""

    def statistics_entries(self, start: LeafIndex) -> Iterator[tuple[LeafIndex, bytes]]:
        """Index and entry bytes of every event of statistics at or after an index, ascending."""

    def named(self, event_ids: Sequence[bytes]) -> Mapping[bytes, NamedEntry]:
        """The entries of events that somebody names, all in one question.

        Of an id that is not recorded it is entry 0, after the same work.
        """

    def contents(self, addresses: Sequence[ContentAddress]) -> Mapping[ContentAddress, StoredContent]:
        """Sealed payloads with the key of one office each, all in one question; of which both are still held."""

    def payload_count(self) -> int:
        """Sealed envelopes that are held."""

    def sealed_streams(self) -> frozenset[bytes]:
        """Ids of the streams that are sealed."""

    def closed_streams(self) -> frozenset[bytes]:
        """Ids of the streams that an order has closed to content."""

    def visible_stream(self, stream_id: bytes, from_seq: int, limit: int) -> Sequence[tuple[LeafIndex, bytes]]:
        """As `stream`; of a sealed stream nothing, after exactly the work that an unknown one takes."""

    def visible(self, event_id: bytes) -> LeafIndex | None:
        """Ledger index of a recorded event; None for an unknown one and one of a sealed stream, after the same work."""


class LedgerFiles(Protocol):
    """The published ledger as files under the names of LEDGER 3. Safe to call from any thread."""

    def file(self, name: str) -> bytes:
        """Bytes of `checkpoint`, of a hash tile or of an entry bundle.

        Raises:
            RuleError: NOT_FOUND: there is no such name, or the published checkpoint does not count what it names.
        """


@runtime_checkable
class Witnessed(Protocol):
    """A reader that knows what witnesses have cosigned."""

    def witnessed_size(self) -> TreeSize | None:
        """The newest size that the quorum has cosigned; None if there is none."""

    def witnessed_covering(self, index: LeafIndex) -> bytes | None:
        """The first note over an entry that the quorum has cosigned, with its cosignatures; None if there is none."""

    def witnessed(self) -> bytes | None:
        """The newest note that the quorum has cosigned, with its cosignatures; None if there is none."""


class Store(LedgerReader, Protocol):
    """The ledger's store. One process writes; see `LedgerReader` for the rest."""

    def commit(self, commit: Commit) -> None:
        """Write a commit in one transaction and make it durable; until then readers see none of it. From any thread.

        Raises:
            ConflictError: STORE_MOVED: `old_size` is not the stored size; nothing changed.
            FatalError: STORE_FAILED: whether it was recorded is unknown; stop, start-up loads and verifies.
        """

    def scrub(self) -> bool:
        """Take what was destroyed out of whatever the store keeps beside its tables: logs, journals, free pages.

        Returns:
            Whether nothing of it is left; False if somebody still reads what was: ask again.
        """

    def write_due(self, rows: Iterable[tuple[bytes, int | None]], basis: bytes) -> None:
        """Put another due index in the place of the present one, in one durable transaction.

        Args:
            rows: Stream id and next due instant; matters that are not named have none.
            basis: With what it was derived.

        Raises:
            FatalError: STORE_FAILED.
        """


class Clock(Protocol):
    """Where the hub's time comes from; tests bring their own."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""


class Entropy(Protocol):
    """Where fresh randomness comes from; tests bring their own."""

    def draw(self, size: int) -> bytes:
        """That many unpredictable bytes."""
