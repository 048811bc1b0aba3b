"""Where an audit keeps what grows with the ledger: matters and event ids, in memory up to a bound, then on disk.

A temporary SQLite file without durability: it is thrown away with the audit. Matters that came last stay in memory, so
that a ledger whose matters end soon is replayed almost without reading the disk.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from contracts.errors import ConflictError, ContractError
from hub.audit_errors import UnexplainedError
from hub.matter_bytes import pack, unpack
from hub.matter_types import Matter

MATTERS_IN_MEMORY: Final = 40_000
"""Most of them share their parties, regions and counties: together some 40 MiB."""
EVENTS_IN_MEMORY: Final = 20_000
_PAGE: Final = 1000
_CACHE_KIB: Final = 16_384
_PRAGMAS: Final = f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-{_CACHE_KIB};"


class SpillingShelf:
    """`hub.replay.Shelf` with bounded memory. Use it as a context manager; the file goes with it.

    Args:
        max_matters: Matters in memory; the half that came first goes to disk when there are more.
        max_events: Event ids in memory, before they are compared with all earlier ones and go to disk.
    """

    def __init__(self, *, max_matters: int = MATTERS_IN_MEMORY, max_events: int = EVENTS_IN_MEMORY) -> None:
        self._max_matters = max_matters
        self._max_events = max_events
        self._folder = tempfile.TemporaryDirectory(prefix="pprd-audit-")
        self._path = Path(self._folder.name) / "shelf.sqlite"
        self._db = sqlite3.connect(self._path, isolation_level=None)
        self._db.executescript(
            _PRAGMAS + "CREATE TABLE matters (stream_id BLOB PRIMARY KEY, packed BLOB) WITHOUT ROWID;"
            "CREATE TABLE events (event_id BLOB PRIMARY KEY, stream_id BLOB, idx INTEGER) WITHOUT ROWID;"
            "CREATE TABLE sealed (event_id BLOB PRIMARY KEY, packed BLOB) WITHOUT ROWID;"
        )
        self._matters: dict[bytes, Matter] = {}
        self._events: dict[bytes, tuple[bytes, int]] = {}
        self._sealed: dict[bytes, bytes] = {}
        self._has_spilled = False
        self._last_spilled = b""
        self._has_flushed = False
        self._are_ids_left = False

    def leave_ids(self) -> None:
        """Keep no event ids: another process of the same audit compares them."""
        self._are_ids_left = True

    def write_all(self) -> Path:
        """Write what is in memory to the file too, and give the file; it stays true until the next call of any method.

        Raises:
            UnexplainedError: As `finish`.
            KeptError: As `finish`.
        """
        self._has_flushed = True
        self.finish()
        self._write(sorted(self._matters.items()))
        self._has_spilled = True
        return self._path

    def take_up(self, fill: Callable[[Path], None]) -> None:
        """Go on from a file that `write_all` gave; this shelf is empty.

        Args:
            fill: Writes that file to a path.

        Raises:
            ContractError: AUDIT_STATE_DAMAGED: it is none.
        """
        self._db.close()
        fill(self._path)
        self._db = sqlite3.connect(self._path, isolation_level=None)
        try:
            self._db.executescript(_PRAGMAS)
            self._db.execute("SELECT count(*) FROM matters, events WHERE 0").fetchone()
            self._last_spilled = self._db.execute("SELECT coalesce(max(stream_id), x'') FROM matters").fetchone()[0]
        except sqlite3.Error as error:
            raise ContractError("AUDIT_STATE_DAMAGED", "its second part is no shelf of an audit") from error
        self._has_spilled = self._has_flushed = True

    def __enter__(self) -> SpillingShelf:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Throw everything away."""
        self._db.close()
        self._folder.cleanup()

    @property
    def is_in_memory(self) -> bool:
        """Whether nothing has gone to disk yet."""
        return not (self._has_spilled or self._has_flushed)

    # -- matters

    def matter(self, stream_id: bytes) -> Matter | None:
        """See `hub.replay.Shelf.matter`."""
        known = self._matters.get(stream_id)
        # Streams are named in the order of time: a new one is seldom before all that went to disk.
        if known is not None or stream_id > self._last_spilled:
            return known
        row = self._db.execute("SELECT packed FROM matters WHERE stream_id=?", (stream_id,)).fetchone()
        return None if row is None else unpack(row[0])

    def all_matters(self) -> Iterator[tuple[bytes, bytes]]:
        """See `hub.replay.Shelf.all_matters`."""
        return self.matters()

    def put(self, stream_id: bytes, matter: Matter) -> None:
        """See `hub.replay.Shelf.put`."""
        matters = self._matters
        matters[stream_id] = matter
        if len(matters) > self._max_matters:
            self._spill(len(matters) // 2 + 1)

    def _spill(self, count: int) -> None:
        oldest = sorted(islice(self._matters.items(), count))
        self._write(oldest)
        for stream_id, _ in oldest:
            del self._matters[stream_id]
        self._has_spilled = True

    def _write(self, matters: Sequence[tuple[bytes, Matter]]) -> None:
        """Write matters, ascending by stream id."""
        self._db.execute("BEGIN")
        self._db.executemany(
            "INSERT OR REPLACE INTO matters VALUES (?,?)", ((stream_id, pack(matter)) for stream_id, matter in matters)
        )
        self._db.execute("COMMIT")
        if matters:
            self._last_spilled = max(self._last_spilled, matters[-1][0])

    def matters(self) -> Iterator[tuple[bytes, bytes]]:
        """Every stream id with its packed matter, ascending by stream id."""
        if self._has_spilled:
            self._spill(len(self._matters))
            rows = self._db.execute("SELECT stream_id, packed FROM matters ORDER BY stream_id")
            while page := rows.fetchmany(_PAGE):
                yield from page
        else:
            for stream_id in sorted(self._matters):
                yield stream_id, pack(self._matters[stream_id])

    # -- events

    def add_event(self, event_id: bytes, stream_id: bytes, index: int) -> None:
        """See `hub.replay.Shelf.add_event`."""
        if self._are_ids_left:
            return
        events = self._events
        if event_id in events:
            raise reused(event_id, events[event_id][1], index)
        events[event_id] = (stream_id, index)
        if len(events) > self._max_events:
            self.flush_events()

    def flush_events(self) -> None:
        """Compare the event ids in memory with all earlier ones.

        Raises:
            UnexplainedError: EVENT_ID_REUSED: an id came twice; names both entries.
        """
        rows = sorted((event_id, stream_id, index) for event_id, (stream_id, index) in self._events.items())
        self._has_flushed = True
        self._events.clear()
        self._db.execute("BEGIN")
        try:
            self._db.executemany("INSERT INTO events VALUES (?,?,?)", rows)
        except sqlite3.IntegrityError:
            raise self._firstreused(rows) from None
        finally:
            self._db.execute("COMMIT")

    def _firstreused(self, rows: list[tuple[bytes, bytes, int]]) -> UnexplainedError:
        found: list[tuple[int, int, bytes]] = []
        for event_id, _, index in rows:
            row = self._db.execute("SELECT idx FROM events WHERE event_id=? AND idx<?", (event_id, index)).fetchone()
            if row is not None:
                found.append((index, row[0], event_id))
        index, first, event_id = min(found)
        return reused(event_id, first, index)

    def finish(self) -> None:
        """See `hub.audit_source.AuditShelf.finish`."""
        if self._has_flushed and self._events:
            self.flush_events()

    def stream_of(self, event_id: bytes) -> bytes | None:
        """See `hub.replay.Shelf.stream_of`."""
        known = self._events.get(event_id)
        if known is not None or not self._has_flushed:
            return None if known is None else known[0]
        row = self._db.execute("SELECT stream_id FROM events WHERE event_id=?", (event_id,)).fetchone()
        return None if row is None else row[0]

    def add_sealed(self, event_id: bytes, packed: bytes) -> None:
        """See `hub.replay.Shelf.add_sealed`."""
        sealed = self._sealed
        sealed[event_id] = packed
        if len(sealed) > self._max_events:
            self._db.execute("BEGIN")
            # A repeated id is found by `flush_events`, with both entries.
            self._db.executemany("INSERT OR IGNORE INTO sealed VALUES (?,?)", sorted(sealed.items()))
            self._db.execute("COMMIT")
            sealed.clear()

    def sealed_of(self, event_id: bytes) -> bytes | None:
        """See `hub.replay.Shelf.sealed_of`."""
        known = self._sealed.get(event_id)
        if known is None:
            row = self._db.execute("SELECT packed FROM sealed WHERE event_id=?", (event_id,)).fetchone()
            known = None if row is None else row[0]
        return known

    def index_of(self, event_id: bytes) -> int | None:
        """The ledger index of a recorded event id."""
        known = self._events.get(event_id)
        if known is not None or not self._has_flushed:
            return None if known is None else known[1]
        row = self._db.execute("SELECT idx FROM events WHERE event_id=?", (event_id,)).fetchone()
        return None if row is None else row[0]


def reused(event_id: bytes, first: int, second: int) -> UnexplainedError:
    """The finding that the second of two entries has the event id of the first."""
    error = ConflictError("EVENT_ID_REUSED", f"it has the event id {event_id.hex()} of entry {first}")
    return UnexplainedError(second, error)
