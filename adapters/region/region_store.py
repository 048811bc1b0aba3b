"""What a region keeps of the ledger: the directory's events, its own copies of streams, small marks.

Only what was checked is kept; the checks are `replica`'s and `streams`'. Not here: what waits to be sent
(`outbox_store`), tasks (`tasks`), openings (`opening`), what was delivered (`inbox_store`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from adapters.region.database import RegionDatabase
from contracts.event import Header
from contracts.ids import LeafIndex, StreamId


class Kept(NamedTuple):
    """An event of a stream as it was recorded.

    Attributes:
        leaf_index: Where it stands in the ledger.
        header: What it says.
        event: Its bytes.
    """

    leaf_index: LeafIndex
    header: Header
    event: bytes


class RegionStore:
    """Marks, directory and streams in `region.sqlite`; called from one thread only."""

    def __init__(self, database: RegionDatabase) -> None:
        self._db = database

    def mark(self, name: str) -> bytes | None:
        """A small value by name, None if it was never set."""
        row = self._db.one("SELECT value FROM marks WHERE name=?", name)
        return None if row is None else row[0]

    def set_mark(self, name: str, value: bytes) -> None:
        """Set a small value, durable on return; inside a transaction use `write_mark`."""
        with self._db.transaction():
            self.write_mark(name, value)

    def write_mark(self, name: str, value: bytes) -> None:
        """Set a small value as a part of the caller's transaction."""
        self._db.write("INSERT OR REPLACE INTO marks VALUES (?,?)", name, value)

    def marks(self, prefix: str) -> Sequence[tuple[str, bytes]]:
        """What follows a prefix in the names of small values, and their values, by name."""
        rows = self._db.all(
            "SELECT name, value FROM marks WHERE substr(name, 1, ?)=? ORDER BY name", len(prefix), prefix
        )
        return [(name[len(prefix) :], value) for name, value in rows]

    def named(self, alias: str) -> StreamId | None:
        """The matter that a sending system calls by this name."""
        raw = self.mark(f"matter {alias}")
        return None if raw is None else StreamId(raw)

    def name(self, alias: str, stream_id: StreamId) -> None:
        """Keep a system's own name of a matter, durable on return."""
        self.set_mark(f"matter {alias}", stream_id)

    def directory_events(self) -> Iterator[tuple[LeafIndex, bytes]]:
        """Ledger index and event bytes of the kept directory events, ascending."""
        for index, event in self._db.all("SELECT idx, event FROM directory_events ORDER BY idx"):
            yield LeafIndex(index), event

    @property
    def directory_through(self) -> LeafIndex:
        """Below this ledger index every directory event is kept."""
        raw = self.mark("directory_through")
        return LeafIndex(0 if raw is None else int.from_bytes(raw, "big"))

    def keep_directory(self, events: Sequence[tuple[LeafIndex, bytes]], through: LeafIndex) -> None:
        """Keep checked directory events and how far they reach, together."""
        with self._db.transaction():
            self._db.write_many("INSERT OR IGNORE INTO directory_events VALUES (?,?)", events)
            self.write_mark("directory_through", through.to_bytes(8, "big"))

    def stream(self, stream_id: bytes, from_seq: int = 0) -> Sequence[tuple[LeafIndex, bytes]]:
        """Ledger index and bytes of a stream's kept events, oldest first, without a gap."""
        return self._db.all(
            "SELECT idx, event FROM stream_events WHERE stream_id=? AND seq>=? ORDER BY seq", stream_id, from_seq
        )

    def keep_events(self, events: Sequence[Kept]) -> None:
        """Keep checked events of streams; one that is kept already stays as it is."""
        with self._db.transaction():
            self.write_events(events)

    def write_events(self, events: Sequence[Kept]) -> None:
        """Keep checked events as a part of the caller's transaction."""
        self._db.write_many(
            "INSERT OR IGNORE INTO stream_events VALUES (?,?,?,?,?)",
            [(h.stream_id, h.stream_seq, h.event_id, index, event) for index, h, event in events],
        )

    def event(self, event_id: bytes) -> tuple[LeafIndex, bytes] | None:
        """Ledger index and bytes of a kept event of any stream."""
        row = self._db.one("SELECT idx, event FROM stream_events WHERE event_id=?", event_id)
        return None if row is None else (LeafIndex(row[0]), row[1])
