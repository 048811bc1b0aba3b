"""Makes the runs that the ledger's delivery rows stand for: events with their paths, ready to be published.

A run is a pure function of the ledger: whoever builds it, whenever, gets the same values. Rules kept here: a path is
for the size of the checkpoint that the run names; what is read is the neighbourhood of the run and never the whole
ledger; the work that runs of one commit share (decoding, batch trees, paths) is done once for all of them.
Not here: what goes to whom (`hub.routing`), checking (`hub.notification`), the wire (adapters).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from contracts.errors import FatalError
from contracts.event import leaf_hash
from contracts.ids import Hash, LeafIndex, TreeSize
from hub.notification import BatchEvidence, Notification, NotificationRun
from hub.ports import LedgerReader, Run
from ledger.batch import MAX_BATCH
from ledger.entry import BatchEntry, EventEntry, decode_entry
from ledger.receipt import accepted_positions
from ledger.tiles import TILE_BYTES, TILE_WIDTH, split_hashes, tile_node_reader
from ledger.tree import HASH_BYTES, batch_paths, prove_range, range_paths

_TILES_KEPT: Final = 512


class RunBuilder:
    """Builds runs from a ledger. Not for two threads at once.

    Args:
        reader: The ledger; it may grow meanwhile.
    """

    def __init__(self, reader: LedgerReader) -> None:
        self._reader = reader
        self._full_tiles: dict[tuple[int, int], bytes] = {}
        self._growing_tiles: dict[tuple[int, int], bytes] = {}
        self._node = tile_node_reader(self._tile)
        self._part: _Part | None = None

    def build(self, run: Run) -> NotificationRun:
        """Build one run; cheapest in publishing order, where runs of one commit follow each other.

        Args:
            run: A delivery row of this ledger.

        Raises:
            FatalError: STORE_DAMAGED: the ledger does not hold what the row says.
        """
        part = self._part
        if part is None or part.size != run.size or run.indexes[0] < part.start:
            part = self._part = self._read(run)
        return part.run(run)

    def _read(self, run: Run) -> _Part:
        """Read from the batch of the run's first event up to the run's size."""
        self._growing_tiles.clear()
        window, size = self._window(run.indexes[0]), run.size
        entries = list(self._reader.entries(LeafIndex(window), LeafIndex(size)))
        note = self._reader.checkpoint(size)
        at = run.indexes[0] - window
        if len(entries) != size - window or note is None or at >= len(entries):
            raise FatalError("STORE_DAMAGED", f"entries or checkpoint of run {run.point}:{run.first_n} are missing")
        while at >= 0 and not isinstance(decode_entry(entries[at]), BatchEntry):
            at -= 1
        if at < 0:
            raise FatalError("STORE_DAMAGED", f"no batch entry stands before entry {run.indexes[0]}")
        start = window + at
        left, right = prove_range(self._node, start, size, size)
        paths = range_paths(
            start=start, end=size, leaf_hashes=self._leaves(start, size), tree_size=size, left=left, right=right
        )
        return _Part(LeafIndex(start), size, note, _places(start, entries[at:]), paths)

    def _window(self, first: int) -> int:
        """Where to begin to read, so that the batch entry before an event is in it: a commit begins with one."""
        known = self._part.size if self._part is not None else 0
        return known if 0 <= first - known <= MAX_BATCH else max(0, first - MAX_BATCH)

    def _leaves(self, start: int, end: int) -> list[Hash]:
        """Leaf hashes of the entries `[start, end)`, from the tiles."""
        leaves: list[Hash] = []
        for index in range(start // TILE_WIDTH, (end - 1) // TILE_WIDTH + 1):
            left = index * TILE_WIDTH
            tile = self._tile(0, index)
            leaves += split_hashes(tile[max(0, start - left) * HASH_BYTES : (end - left) * HASH_BYTES])
        return leaves

    def _tile(self, level: int, index: int) -> bytes:
        """A tile that holds at least what the size in work needs; full ones never change."""
        place = (level, index)
        tile = self._full_tiles.get(place) or self._growing_tiles.get(place)
        if tile is None:
            tile = self._reader.tile(level, index)
            if len(tile) < TILE_BYTES:
                self._growing_tiles[place] = tile
            else:
                if len(self._full_tiles) >= _TILES_KEPT:
                    self._full_tiles.clear()
                self._full_tiles[place] = tile
        return tile


class _Place(NamedTuple):
    """What one entry of the part is: an event at a place of a batch. Batch entries have none."""

    event: bytes
    batch: BatchEvidence
    position: int
    batch_path: Sequence[Hash]


class _Part(NamedTuple):
    """The end of a tree: entries from `start` up to `size` and their paths under the checkpoint of `size`."""

    start: LeafIndex
    size: TreeSize
    note: bytes
    places: Sequence[_Place | None]
    paths: Sequence[Sequence[Hash]]

    def run(self, run: Run) -> NotificationRun:
        batches: dict[int, int] = {}
        evidence: list[BatchEvidence] = []
        notifications = []
        for index in run.indexes:
            offset = index - self.start
            place = self.places[offset]
            if place is None:
                raise FatalError("STORE_DAMAGED", f"entry {index} is notified and is no event")
            event, batch, position, batch_path = place
            number = batches.setdefault(batch.leaf_index, len(evidence))
            if number == len(evidence):
                evidence.append(batch)
            notifications.append(
                Notification(
                    LeafIndex(index), event, b"".join(self.paths[offset]), number, position, b"".join(batch_path)
                )
            )
        return NotificationRun(
            run.point, run.first_n, run.head_before, run.head_after, self.note, tuple(evidence), tuple(notifications)
        )


def _places(start: int, entries: Sequence[bytes]) -> list[_Place | None]:
    """Decode entries that begin with a batch entry; each event gets its place in its batch."""
    places: list[_Place | None] = []
    while len(places) < len(entries):
        at = len(places)
        entry = decode_entry(entries[at])
        if not isinstance(entry, BatchEntry):
            raise FatalError("STORE_DAMAGED", f"entry {start + at} is no batch entry and belongs to none")
        positions = accepted_positions(entry)
        events = [_event(start, at, raw) for at, raw in enumerate(entries[at + 1 : at + 1 + len(positions)], at + 1)]
        leaves = [leaf_hash(event) for event in events]
        for refused in entry.refused:
            leaves.insert(refused.position, refused.leaf_hash)
        paths = batch_paths(leaves)
        batch = BatchEvidence(LeafIndex(start + at), entries[at])
        places.append(None)
        places += [_Place(event, batch, i, paths[i]) for i, event in zip(positions, events, strict=True)]
    return places


def _event(start: int, at: int, raw: bytes) -> bytes:
    entry = decode_entry(raw)
    if not isinstance(entry, EventEntry):
        raise FatalError("STORE_DAMAGED", f"entry {start + at} stands where an event must be")
    return entry.event
