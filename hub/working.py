"""What one commit has decided so far, laid over the store: later batches of the group see earlier ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from contracts.ids import Hash, LeafIndex, PointId, TreeSize
from hub.matter import Matter
from hub.ports import ProducerState, Run, StoredEffect, StoredEntry, StoredPayload
from hub.routing import is_sealed_whole
from hub.sealed import SealedStreams
from ledger.compact import hash_leaves
from ledger.heads import head_next

MAX_RUN = 256
"""Notifications in one run and so in one message."""

_ZERO = Hash(bytes(32))


@dataclass(slots=True)
class Working:
    """The changes of a commit in the making. Mutable; one writer's.

    Attributes:
        start: Entries in the ledger before.
        entries: New entries in order.
        event_ids: New event ids with index.
        leaf_of: Event leaf hash by new event id, to tell a repeat from a reuse.
        matters: Changed matters.
        producers: Changed chains.
        heads: Counter and running hash of points that moved.
        open_runs: The run that still grows, by point.
        all_runs: Every run, in order of its first notification.
        payloads: Payloads of accepted events.
        directory: Indexes of directory events.
        effects: What events did to content.
        sealed: Streams that are sealed with this commit's events so far.
    """

    start: TreeSize
    entries: list[StoredEntry] = field(default_factory=list)
    event_ids: list[tuple[bytes, int]] = field(default_factory=list)
    leaf_of: dict[bytes, tuple[Hash, LeafIndex]] = field(default_factory=dict)
    matters: dict[bytes, Matter] = field(default_factory=dict)
    producers: dict[str, ProducerState] = field(default_factory=dict)
    heads: dict[PointId, tuple[int, Hash]] = field(default_factory=dict)
    open_runs: dict[PointId, _OpenRun] = field(default_factory=dict)
    all_runs: list[_OpenRun] = field(default_factory=list)
    payloads: list[StoredPayload] = field(default_factory=list)
    directory: list[LeafIndex] = field(default_factory=list)
    effects: list[StoredEffect] = field(default_factory=list)
    sealed: SealedStreams = field(default_factory=SealedStreams)

    @property
    def size(self) -> TreeSize:
        """Entries in the ledger with this commit's so far."""
        return TreeSize(self.start + len(self.entries))

    def append(self, entry: StoredEntry) -> LeafIndex:
        """Put one entry at the end and give its index."""
        index = LeafIndex(self.start + len(self.entries))
        self.entries.append(entry)
        return index

    def leaves(self) -> list[Hash]:
        """Leaf hashes of the new entries."""
        return hash_leaves([entry.entry for entry in self.entries])

    def deliver(
        self,
        index: LeafIndex,
        leaf: Hash,
        event_class: str,
        points: Iterable[PointId],
        known: dict[PointId, tuple[int, Hash]],
    ) -> None:
        """Count one notification for each delivery point that an event goes to.

        Args:
            index: Of the event's entry.
            leaf: Leaf hash of the event's bytes.
            event_class: Its class.
            points: Whom it goes to, each once; several offices of one point get one notification.
            known: Heads before this commit.
        """
        for point in points:
            n, head = self.heads.get(point) or known.get(point) or (0, _ZERO)
            after = head_next(head, n + 1, leaf)
            self.heads[point] = (n + 1, after)
            run = self.open_runs.get(point)
            if run is None or run.event_class != event_class or len(run.indexes) == MAX_RUN:
                run = self.open_runs[point] = _OpenRun(point, n + 1, head, event_class)
                self.all_runs.append(run)
            run.indexes.append(index)
            run.head_after = after

    def runs(self) -> list[Run]:
        """The finished runs of this commit, in order of their first notification."""
        return [
            Run(
                point=r.point,
                first_n=r.first_n,
                indexes=tuple(r.indexes),
                head_before=r.head_before,
                head_after=r.head_after,
                size=self.size,
                is_case=is_sealed_whole(r.event_class),
            )
            for r in self.all_runs
        ]


class _OpenRun:
    """A run that still grows."""

    __slots__ = ("event_class", "first_n", "head_after", "head_before", "indexes", "point")

    def __init__(self, point: PointId, first_n: int, head_before: Hash, event_class: str) -> None:
        self.point = point
        self.first_n = first_n
        self.head_before = head_before
        self.head_after = head_before
        self.event_class = event_class
        self.indexes: list[LeafIndex] = []
