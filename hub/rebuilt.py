"""What a store keeps beside its entries, derived again from them commit after commit.

The entries are replayed as an audit does it (`hub.replay`); what they lead to is gathered in the form of the store's
rows. Where commits ended is told from outside, for it follows from no entry; every other value follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from contracts.errors import EvidenceError
from contracts.event import Header, decode_event
from contracts.ids import Hash, LeafIndex, PointId, TreeSize
from hub.admission import Rules
from hub.ports import ProducerState, Run
from hub.replay import Replay
from hub.replay_ports import Delivery, Shelf
from hub.working import MAX_RUN
from ledger.batch import chain_id, decode_tbs
from ledger.entry import BatchEntry, EventEntry, GenesisEntry, decode_entry
from ledger.tiles import TileReader, tiles_after

_ZERO = Hash(bytes(32))


class Filed(NamedTuple):
    """Under what an entry is filed in the event store.

    Attributes:
        originator_id: Stream of an event, chain of a batch.
        originator_version: Place in it.
        topic: Event type, `Batch` or `Genesis`.
    """

    originator_id: bytes
    originator_version: int
    topic: str


class RebuiltCommit(NamedTuple):
    """The rows of one commit.

    Attributes:
        size: Entries after it.
        root: Root over them.
        recorded_at: When it was recorded, milliseconds.
        filed: For each entry, under what it is filed.
        event_ids: Event ids with their index.
        tiles: Changed hash tiles.
        runs: Delivery runs, in publishing order.
    """

    size: TreeSize
    root: Hash
    recorded_at: int
    filed: list[Filed]
    event_ids: list[tuple[bytes, int]]
    tiles: Mapping[tuple[int, int], bytes]
    runs: list[Run]


class Rebuild:
    """Derives the rows of one ledger, from its first entry on.

    Args:
        rules: The contracts.
        shelf: Empty; holds the matters in the end.
        read_tile: Reads the tiles that were derived so far, as they were given out.
    """

    def __init__(self, rules: Rules, shelf: Shelf, read_tile: TileReader) -> None:
        self._replay = Replay(rules=rules, shelf=shelf, observer=self)
        self._read_tile = read_tile
        self._deliveries: list[Delivery] = []
        self._heads: dict[PointId, Hash] = {}
        self._recorded_at = 0

    def commit(self, entries: Iterable[bytes], size: TreeSize) -> RebuiltCommit:
        """Take the entries of the next commit.

        Args:
            entries: All up to `size`.
            size: Entries after it.

        Raises:
            UnexplainedError: An entry does not follow.
            EvidenceError: LEDGER_UNEXPLAINED: entries are missing, or the commit ends within a batch.
        """
        start = self._replay.tally.entries
        leaves: list[Hash] = []
        filed: list[Filed] = []
        event_ids: list[tuple[bytes, int]] = []
        self._deliveries.clear()
        for index, data in enumerate(entries, start):
            leaves.append(self._replay.feed(data))
            filed.append(self._filed(data, index, event_ids))
        if start + len(leaves) != size:
            raise EvidenceError("LEDGER_UNEXPLAINED", f"entry {start + len(leaves)} is missing, {size} are signed")
        if not self._replay.is_between_batches:
            raise EvidenceError("LEDGER_UNEXPLAINED", f"size {size} cuts a batch")
        return RebuiltCommit(
            size,
            self._replay.tree.root(),
            self._recorded_at,
            filed,
            event_ids,
            tiles_after(start, leaves, self._read_tile),
            list(self._runs(size)),
        )

    def _filed(self, data: bytes, index: int, event_ids: list[tuple[bytes, int]]) -> Filed:
        match decode_entry(data):
            case GenesisEntry() as genesis:
                self._recorded_at = genesis.created_at
                return Filed(bytes(16), 0, "Genesis")
            case BatchEntry() as batch:
                self._recorded_at = batch.recorded_at
                header = decode_tbs(batch.tbs)
                return Filed(chain_id(header.producer), header.batch_seq, "Batch")
            case EventEntry() as entry:
                event = decode_event(entry.event)
                event_ids.append((event.event_id, index))
                return Filed(event.stream_id, event.stream_seq, event.event_type)

    def _runs(self, size: TreeSize) -> Iterator[Run]:
        """The notifications of a commit as runs: as `hub.working` makes them."""
        open_runs: dict[PointId, list[Delivery]] = {}
        runs: list[list[Delivery]] = []
        for delivery in self._deliveries:
            run = open_runs.get(delivery.point)
            if run is None or run[0].is_case is not delivery.is_case or len(run) == MAX_RUN:
                run = open_runs[delivery.point] = []
                runs.append(run)
            run.append(delivery)
        for run in runs:
            first, last = run[0], run[-1]
            before = self._heads.get(first.point, _ZERO)
            self._heads[first.point] = last.head
            indexes = tuple(delivery.entry for delivery in run)
            yield Run(first.point, first.n, indexes, before, last.head, size, first.is_case)

    # -- what is left in the end

    @property
    def heads(self) -> Mapping[PointId, tuple[int, Hash]]:
        """Counter and running hash of every delivery point."""
        return self._replay.heads

    @property
    def producers(self) -> Mapping[str, ProducerState]:
        """Where every producer's chain stands."""
        return self._replay.producers

    @property
    def directory_log(self) -> list[LeafIndex]:
        """Indexes of the directory's events."""
        return self._replay.directory_log

    # -- hub.replay.Observer

    def delivered(self, delivery: Delivery) -> None:
        """See `hub.replay.Observer`."""
        self._deliveries.append(delivery)

    def content(self, index: LeafIndex, header: Header) -> None:
        """See `hub.replay.Observer`: payloads follow from no entry."""
