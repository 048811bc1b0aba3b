"""Where an audit keeps what grows with the ledger: matters and event ids, in memory up to a bound, then on disk.

A temporary SQLite file without durability: it is thrown away with the audit. Recently used matters stay in memory, so
that a ledger whose matters end soon is replayed without touching the disk.
"""

from __future__ import annotations

import sqlite3
import tempfile
from itertools import islice
from pathlib import Path
from typing import Final

from contracts.errors import EvidenceError
from hub.matter import Matter, pack, unpack

_MATTERS_IN_MEMORY: Final = 60_000
_EVENTS_IN_MEMORY: Final = 60_000


class SpillingShelf:
    """`hub.replay.Shelf` with bounded memory. Use it as a context manager; the file goes with it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="pprd-audit-")
        self._db = sqlite3.connect(Path(self._folder.name) / "shelf.sqlite", isolation_level=None)
        self._db.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;"
            "CREATE TABLE matters (stream_id BLOB PRIMARY KEY, packed BLOB) WITHOUT ROWID;"
            "CREATE TABLE events (event_id BLOB PRIMARY KEY, stream_id BLOB, idx INTEGER) WITHOUT ROWID;"
        )
        self._matters: dict[bytes, Matter] = {}
        self._has_spilled = False
        self._events: dict[bytes, tuple[bytes, int]] = {}

    def __enter__(self) -> SpillingShelf:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Throw everything away."""
        self._db.close()
        self._folder.cleanup()

    def matter(self, stream_id: bytes) -> Matter | None:
        """See `hub.replay.Shelf.matter`."""
        known = self._matters.get(stream_id)
        if known is not None or not self._has_spilled:
            return known
        row = self._db.execute("SELECT packed FROM matters WHERE stream_id=?", (stream_id,)).fetchone()
        return None if row is None else unpack(row[0])

    def put(self, stream_id: bytes, matter: Matter) -> None:
        """See `hub.replay.Shelf.put`."""
        self._matters.pop(stream_id, None)
        self._matters[stream_id] = matter
        if len(self._matters) > _MATTERS_IN_MEMORY:
            self._spill(len(self._matters) // 2)

    def _spill(self, count: int) -> None:
        oldest = list(islice(self._matters.items(), count))
        self._db.execute("BEGIN")
        self._db.executemany(
            "INSERT OR REPLACE INTO matters VALUES (?,?)", [(stream_id, pack(matter)) for stream_id, matter in oldest]
        )
        self._db.execute("COMMIT")
        for stream_id, _ in oldest:
            del self._matters[stream_id]
        self._has_spilled = True

    def matters(self) -> sqlite3.Cursor:
        """Every stream id with its packed matter, ascending by stream id."""
        self._spill(len(self._matters))
        return self._db.execute("SELECT stream_id, packed FROM matters ORDER BY stream_id")

    def add_event(self, event_id: bytes, stream_id: bytes, index: int) -> None:
        """See `hub.replay.Shelf.add_event`."""
        if event_id in self._events:
            raise _reused(event_id, self._events[event_id][1], index)
        self._events[event_id] = (stream_id, index)
        if len(self._events) > _EVENTS_IN_MEMORY:
            self.flush_events()

    def flush_events(self) -> None:
        """Compare the event ids in memory with all earlier ones.

        Raises:
            EvidenceError: EVENT_ID_REUSED: names both entries.
        """
        self._db.execute("BEGIN")
        for event_id, (stream_id, index) in sorted(self._events.items()):
            try:
                self._db.execute("INSERT INTO events VALUES (?,?,?)", (event_id, stream_id, index))
            except sqlite3.IntegrityError:
                row = self._db.execute("SELECT idx FROM events WHERE event_id=?", (event_id,)).fetchone()
                raise _reused(event_id, row[0], index) from None
        self._db.execute("COMMIT")
        self._events.clear()

    def stream_of(self, event_id: bytes) -> bytes | None:
        """See `hub.replay.Shelf.stream_of`."""
        known = self._events.get(event_id)
        if known is not None:
            return known[0]
        row = self._db.execute("SELECT stream_id FROM events WHERE event_id=?", (event_id,)).fetchone()
        return None if row is None else row[0]


def _reused(event_id: bytes, first: int, second: int) -> EvidenceError:
    return EvidenceError("EVENT_ID_REUSED", f"entries {first} and {second} have the same event id {event_id.hex()}")
