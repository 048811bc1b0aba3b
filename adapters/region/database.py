"""The region's one SQLite file and how it is written: whole transactions, on disk before anybody is told.

What is deleted is overwritten in the file; `scrub` takes it out of the write-ahead log too, where the pages stand as
they were before. What SQLite would write aside stays in memory.

What the tables mean stands with the stores that use them (`region_store`, `tasks`, the inbox's own).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from adapters.sqlite_file import BUSY_SECONDS, open_file, transaction
from contracts.errors import FatalError

_SCRUB_MS: Final = 200
_CACHE_KIB: Final = 16_384
"""Room for what a batch of 1,024 events with content changes: what does not fit is written twice."""
_PRAGMAS: Final = ("synchronous=FULL", "secure_delete=ON", "temp_store=MEMORY", f"cache_size=-{_CACHE_KIB}")

_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS directory_events (idx INTEGER PRIMARY KEY, event BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS stream_events (stream_id BLOB, seq INTEGER, event_id BLOB NOT NULL, idx INTEGER NOT"
    " NULL, event BLOB NOT NULL, PRIMARY KEY (stream_id, seq)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS sent (event_id BLOB PRIMARY KEY, ref TEXT UNIQUE, stream_id BLOB NOT NULL, seq INTEGER"
    " NOT NULL, event_type TEXT NOT NULL, batch_seq INTEGER, position INTEGER, event BLOB NOT NULL, outcome TEXT, idx"
    " INTEGER, code TEXT, sentence TEXT, field TEXT, rule TEXT)",
    "CREATE INDEX IF NOT EXISTS sent_by_batch ON sent (batch_seq, position) WHERE outcome IS NULL",
    "CREATE TABLE IF NOT EXISTS outbox (batch_seq INTEGER PRIMARY KEY, tbs BLOB NOT NULL, signature BLOB NOT NULL,"
    " key_id BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS outbox_payloads (hash BLOB PRIMARY KEY, event_id BLOB NOT NULL, envelope BLOB NOT"
    " NULL)",
    "CREATE INDEX IF NOT EXISTS outbox_payloads_by_event ON outbox_payloads (event_id)",
    "CREATE TABLE IF NOT EXISTS outbox_keys (hash BLOB, office TEXT, key_id BLOB NOT NULL, enc BLOB NOT NULL, PRIMARY"
    " KEY (hash, office))",
    "CREATE INDEX IF NOT EXISTS stream_events_by_id ON stream_events (event_id)",
    "CREATE TABLE IF NOT EXISTS tasks (office TEXT, event_id BLOB, stream_id BLOB NOT NULL, seq INTEGER NOT NULL,"
    " procedure TEXT NOT NULL, event_type TEXT NOT NULL, profile TEXT NOT NULL, idx INTEGER NOT NULL, taken_at INTEGER"
    " NOT NULL, done_by BLOB, done_at INTEGER, PRIMARY KEY (office, event_id, profile)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS tasks_by_stream ON tasks (stream_id, office) WHERE done_at IS NULL",
    "CREATE TABLE IF NOT EXISTS openings (request_id BLOB PRIMARY KEY, event_id BLOB NOT NULL, office TEXT NOT NULL,"
    " profile TEXT NOT NULL, officer BLOB NOT NULL, reason TEXT NOT NULL, reason_text TEXT NOT NULL, reason_key BLOB"
    " NOT NULL, access_index INTEGER, opened_at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS approvals (request_id BLOB PRIMARY KEY, approver BLOB NOT NULL, approval_key BLOB NOT"
    " NULL, approved_at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS safety_holds (hold_id BLOB PRIMARY KEY, tag BLOB NOT NULL UNIQUE, office TEXT NOT NULL,"
    " set_at INTEGER NOT NULL, review_at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS held_streams (stream_id BLOB PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS withheld (request_id BLOB PRIMARY KEY, envelope BLOB NOT NULL, key_id BLOB NOT NULL,"
    " enc BLOB NOT NULL, fetched_at INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS orders (order_id BLOB PRIMARY KEY, event_id BLOB NOT NULL, does TEXT NOT NULL, target"
    " BLOB NOT NULL, idx INTEGER NOT NULL, learned_at INTEGER NOT NULL, done_at INTEGER, confirmed_at INTEGER) WITHOUT"
    " ROWID",
    "CREATE INDEX IF NOT EXISTS orders_by_target ON orders (target, idx)",
    "CREATE VIEW IF NOT EXISTS sealed_streams AS SELECT target FROM (SELECT target, does, max(idx) FROM orders"
    " WHERE does IN ('SEAL', 'UNSEAL') GROUP BY target) WHERE does='SEAL'",
    "CREATE VIEW IF NOT EXISTS closed_streams AS SELECT target FROM orders WHERE does='ERASE_AND_CLOSE'",
    "CREATE VIEW IF NOT EXISTS held_content AS SELECT s.stream_id, s.event_id, 'PAYLOAD' AS what FROM outbox_payloads p"
    " JOIN sent s ON s.event_id=p.event_id UNION ALL SELECT s.stream_id, s.event_id, 'KEY' FROM outbox_keys k"
    " JOIN outbox_payloads p ON p.hash=k.hash JOIN sent s ON s.event_id=p.event_id UNION ALL SELECT e.stream_id,"
    " e.event_id, 'WITHHELD' FROM withheld w JOIN openings o ON o.request_id=w.request_id JOIN stream_events e"
    " ON e.event_id=o.event_id",
)


class RegionDatabase:
    """One connection to `region.sqlite`, used from one thread.

    Args:
        path: The file; made with its tables if it does not exist.

    Raises:
        UnavailableError: STORE_MISSING: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._connection = open_file(path, pragmas=_PRAGMAS, tables=_TABLES)

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is on disk when this ends, or nothing is.

        Raises:
            FatalError: STORE_FAILED: whether it is on disk is unknown; stop, start-up reads it again.
        """
        with transaction(self._connection, "region"):
            yield

    def scrub(self) -> bool:
        """Move the write-ahead log into the file and cut it to nothing.

        Returns:
            Whether it is; False if somebody reads what was before: ask again.

        Raises:
            FatalError: STORE_FAILED.
        """
        try:
            self._connection.execute(f"PRAGMA busy_timeout={_SCRUB_MS}")
            try:
                (is_busy, _, _) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                self._connection.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")
        except sqlite3.Error as error:
            raise FatalError("STORE_FAILED", f"what was destroyed cannot be scrubbed: {error}") from error
        return not is_busy

    def write(self, statement: str, *parameters: object) -> int:
        """Run one statement inside a transaction and say how many rows it changed."""
        return self._connection.execute(statement, parameters).rowcount

    def write_many(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Run one statement for each row, inside a transaction."""
        self._connection.executemany(statement, rows)

    def one(self, statement: str, *parameters: object) -> Any:
        """The first row, None if there is none."""
        try:
            return self._connection.execute(statement, parameters).fetchone()
        except sqlite3.Error as error:
            raise FatalError("STORE_FAILED", f"the region's store cannot be read: {error}") from error

    def all(self, statement: str, *parameters: object) -> list[Any]:
        """Every row."""
        try:
            return self._connection.execute(statement, parameters).fetchall()
        except sqlite3.Error as error:
            raise FatalError("STORE_FAILED", f"the region's store cannot be read: {error}") from error
