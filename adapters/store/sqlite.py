"""The hub's store on SQLite: the event store of `eventsourcing` and our tables beside it, one transaction a commit.

Not here: the tables and their rows (`adapters.store.ledger_tables`), questions (`adapters.store.ledger_reader`,
`adapters.store.content_reader`), what may be recorded (`hub.admission`) and what it means (`hub.application`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Final

from eventsourcing.sqlite import SQLiteCursor

from adapters.store.commit_turns import CommitTurns
from adapters.store.content_reader import ContentQuestions
from adapters.store.ledger_file import LedgerFile
from contracts.errors import FatalError
from hub.ports import Commit

_SCRUB_SECONDS: Final = 1.0


class SqliteStore(LedgerFile, CommitTurns, ContentQuestions):
    """`hub.ports.Store` on one SQLite file.

    Args:
        path: The database file; its directory exists.
        read_only: Open for a second process (relay, audit): nothing can be written.
    """

    refusals: ClassVar[tuple[type[Exception], ...]] = (sqlite3.IntegrityError,)

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        CommitTurns.__init__(self)
        LedgerFile.__init__(self, path, read_only=read_only)
        self._writing: sqlite3.Connection | None = None

    def close(self) -> None:
        """Give back connections and files; what is not durable is rolled back."""
        if self._writing is not None:
            self._writing.close()
        LedgerFile.close(self)

    @contextmanager
    def _transaction(self) -> Iterator[SQLiteCursor]:
        with self._turn, self._datastore.transaction(commit=True) as c:
            yield c

    def _write_rows(self, commit: Commit) -> None:
        if self._writing is None:
            self._writing = self._pool.connect()
        cursor = SQLiteCursor(self._writing.cursor())
        cursor.execute("BEGIN IMMEDIATE")
        self._recorder.write(cursor, commit)

    def _make_durable(self) -> None:
        if self._writing is not None:
            self._writing.commit()

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            if self._writing is not None:
                self._writing.rollback()

    def scrub(self) -> bool:
        """See `hub.ports.Store.scrub`: the write-ahead log is moved into the file and cut to nothing.

        What is deleted is overwritten in the file itself (`secure_delete`), but the log still holds the pages as they
        were before.
        """
        # Not beside a transaction: cutting the log under what it has read makes its first write fail.
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

    def scrub_wanting(self) -> Sequence[str]:
        """See `adapters.store.ledger_store.LedgerStore.scrub_wanting`: a file lacks nothing."""
        return ()
