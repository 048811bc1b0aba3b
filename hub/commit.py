"""From what was decided to what is recorded: the values between a commit and its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contracts.ids import Hash, LeafIndex, TreeSize
from hub.matter import pack
from hub.ports import Commit
from hub.submission import EventResult
from hub.working import Working
from ledger.tiles import TileReader, tiles_after
from ledger.tree import NodeReader


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch that was taken into a commit: what its answer needs once the commit is durable.

    Attributes:
        batch_id: As submitted.
        entry: Bytes of its batch entry.
        start: Index of that entry.
        end: One past its last accepted event.
        results: One row an event.
    """

    batch_id: bytes
    entry: bytes
    start: LeafIndex
    end: LeafIndex
    results: tuple[EventResult, ...]


@dataclass(frozen=True, slots=True)
class Proofs:
    """What proofs of a durable commit are made from.

    Attributes:
        note: Its signed checkpoint.
        size: Entries under it.
        node: Tree nodes of the appended run and of the frontier before it.
    """

    note: bytes
    size: TreeSize
    node: NodeReader


def commit_of(
    work: Working,
    leaves: Sequence[Hash],
    note: bytes,
    read_tile: TileReader,
    recorded_at: int,
    due: Mapping[bytes, int | None],
) -> Commit:
    """Gather one commit.

    Args:
        work: Everything that was decided.
        leaves: Leaf hashes of its entries.
        note: The signed checkpoint over it.
        read_tile: Reads the tiles that it extends.
        recorded_at: Hub time, milliseconds.
        due: Index rows of what changed.
    """
    return Commit(
        old_size=work.start,
        new_size=work.size,
        entries=work.entries,
        event_ids=work.event_ids,
        tiles=tiles_after(work.start, leaves, read_tile),
        checkpoint=note,
        matters=[(stream_id, pack(matter)) for stream_id, matter in work.matters.items()],
        due=due,
        runs=work.runs(),
        heads=[(point, n, head) for point, (n, head) in work.heads.items()],
        payloads=work.payloads,
        producers=list(work.producers.items()),
        directory=work.directory,
        recorded_at=recorded_at,
        effects=work.effects,
    )
