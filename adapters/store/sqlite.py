"""The hub's store on SQLite: the event store of `eventsourcing` and our tables beside it, one transaction a commit.

Not here: the tables and their rows (`adapters.store.ledger_tables`), questions (`adapters.store.ledger_reader`,
`adapters.store.content_reader`), what may be recorded (`hub.admission`) and what it means (`hub.application`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Final

from eventsourcing.persistence import PersistenceError
from eventsourcing.sqlite import SQLiteCursor

from adapters.store.content_reader import ContentReader
from contracts.errors import FatalError
from hub.ports import Commit

_SCRUB_SECONDS: Final = 1.0


class SqliteStore(ContentReader):
    """`hub.ports.Store` on one SQLite file.

    Args:
        path: The database file; its directory exists.
        read_only: Open for a second process (relay, audit): nothing can be written.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        super().__init__(path, read_only=read_only)
        self._turn = Lock()
        self._writing: sqlite3.Connection | None = None

    def close(self) -> None:
        """Give back connections and files; what was begun and not finished is rolled back."""
        if self._writing is not None:
            self._writing.close()
        super().close()

    @contextmanager
    def _transaction(self) -> Iterator[SQLiteCursor]:
        """A small transaction of its own, between two commits."""
        with self._turn, self._datastore.transaction(commit=True) as c:
            yield c

    def write_due(self, rows: Iterable[tuple[bytes, int | None]], basis: bytes) -> None:
        """See `hub.ports.Store.write_due`."""
        try:
            with self._transaction() as c:
                c.execute("UPDATE matters SET due_ms=NULL WHERE due_ms IS NOT NULL")
                c.executemany("UPDATE matters SET due_ms=? WHERE stream_id=?", ((at, s) for s, at in rows))
                c.execute("INSERT OR REPLACE INTO derived VALUES ('due', ?)", (basis,))
        except (PersistenceError, sqlite3.Error) as error:
            raise FatalError("STORE_FAILED", f"the due index cannot be written: {error}") from error

    def begin(self, commit: Commit) -> None:
        """See `hub.ports.Store.begin`."""
        self._turn.acquire()
        try:
            self._recorder.write(self._begun(), commit)
        except BaseException as error:
            self._roll_back()
            self._turn.release()
            if isinstance(error, sqlite3.IntegrityError):
                told = f"the store refuses a row that was checked before: {error}"
                raise FatalError("STORE_FAILED", told) from error
            if isinstance(error, sqlite3.Error):
                raise FatalError("STORE_FAILED", f"the commit cannot be written: {error}") from error
            raise

    def _begun(self) -> SQLiteCursor:
        """A cursor of the connection that commits, in a new transaction that nobody else can write beside."""
        if self._writing is None:
            self._writing = self._pool.connect()
        cursor = SQLiteCursor(self._writing.cursor())
        cursor.execute("BEGIN IMMEDIATE")
        return cursor

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            if self._writing is not None:
                self._writing.rollback()

    def finish(self) -> None:
        """See `hub.ports.Store.finish`."""
        try:
            if self._writing is not None:
                self._writing.commit()
        except sqlite3.Error as error:
            self._roll_back()
            raise FatalError("STORE_FAILED", f"whether the commit is on disk is unknown: {error}") from error
        finally:
            self._turn.release()

    def commit(self, commit: Commit) -> None:
        """See `hub.ports.Store.commit`."""
        self.begin(commit)
        self.finish()

    def scrub(self) -> bool:
        """See `hub.ports.Store.scrub`: the write-ahead log is moved into the file and cut to nothing.

        What is deleted is overwritten in the file itself (`secure_delete`), but the log still holds the pages as they
        were before.
        """
        # Not beside a transaction that was begun: cutting the log under what it has read makes its first write fail.
        if not self._turn.acquire(timeout=_SCRUB_SECONDS):
            return False
        try:
            with closing(sqlite3.connect(self._path, timeout=_SCRUB_SECONDS, isolation_level=None)) as db:
                (is_busy, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                return False
            raise FatalError("STORE_FAILED", f"what was destroyed cannot be scrubbed: {error}") from error
        finally:
            self._turn.release()
        return not is_busy
