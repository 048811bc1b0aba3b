"""The ledger's file, opened: one connection that writes, and one for each thread that reads.

Rules kept here: WAL with synchronous=FULL (a commit is on disk before anybody is answered); what is deleted is
overwritten, and what SQLite would write aside stays in memory; each question sees the last commit as a whole. Errors
of the library become ours: STORE_DAMAGED where the file does not hold what it should, STORE_BUSY where it cannot be
read now.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Final
from weakref import WeakSet

from eventsourcing.persistence import PersistenceError
from eventsourcing.sqlite import SQLiteConnection, SQLiteConnectionPool, SQLiteDatastore

from adapters.store.ledger_tables import DUE_INDEX, LedgerRecorder
from adapters.store.questions import Questions, in_parts
from contracts.errors import ExchangeError, FatalError, UnavailableError

_CACHE_KIB: Final = 8_192
"""Of each connection: the pages that a busy hub writes again soon."""
_STATEMENTS: Final = 128
"""Prepared statements that a connection keeps; there are some fifty."""
_LOCK_SECONDS: Final = 30
_DAMAGE: Final = ("malformed", "Could not decode to UTF-8")
"""What SQLite says of a file or a value that was damaged, not of one that is away or busy."""


class LedgerFile(Questions):
    """One SQLite file of a ledger.

    Args:
        path: The database file; its directory exists.
        read_only: Open for a second process (relay, audit): nothing can be written.

    Raises:
        UnavailableError: STORE_MISSING.
    """

    failures: ClassVar[tuple[type[Exception], ...]] = (PersistenceError, sqlite3.Error)

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        if read_only and not path.exists():
            raise UnavailableError("STORE_MISSING", f"there is no ledger at {path.name}; make one with `pprd init`")
        self._path = path
        name = path.resolve().as_uri() + ("?mode=ro" if read_only else "")
        self._mine = threading.local()
        self._readings: WeakSet[_Reading] = WeakSet()
        self._opening = threading.Lock()
        self._is_closed = False
        try:
            self._datastore = SQLiteDatastore(name)
            self._datastore.pool = self._pool = _ConnectionPool(db_name=name, lock_timeout=_LOCK_SECONDS, pool_size=1)
            self._recorder = LedgerRecorder(self._datastore)
            if not read_only:
                self._recorder.create_table()
                self._add_due_column()
        except (PersistenceError, sqlite3.Error) as error:
            raise UnavailableError("STORE_MISSING", f"the ledger file cannot be opened: {error}") from error

    def _add_due_column(self) -> None:
        """Give a store of an earlier release the column of the due index; the hub fills it at start-up."""
        with self._datastore.transaction(commit=True) as c:
            c.execute("SELECT count(*) FROM pragma_table_info('matters') WHERE name='due_ms'")
            if c.fetchone()[0] == 0:
                c.execute("ALTER TABLE matters ADD COLUMN due_ms INTEGER")
            c.execute(DUE_INDEX)

    def close(self) -> None:
        """Give back connections and files."""
        with self._opening:
            self._is_closed = True
            for reading in self._readings:
                reading.connection.close()
        self._datastore.close()

    # -- questions

    def _one(self, statement: str, *parameters: object) -> Any:
        try:
            return self._cursor().execute(statement, parameters).fetchone()
        except sqlite3.Error as error:
            raise _told(error) from error

    def _all(self, statement: str, *parameters: object) -> list[Any]:
        try:
            return self._cursor().execute(statement, parameters).fetchall()
        except sqlite3.Error as error:
            raise _told(error) from error

    def _select_in(self, statement: str, keys: Sequence[bytes] | Sequence[int]) -> list[tuple[Any, Any]]:
        found: list[tuple[Any, Any]] = []
        for part in in_parts(keys, keys[-1:]):
            found += self._all(f"{statement} IN ({','.join('?' * len(part))})", *part)
        return found

    def _cursor(self) -> sqlite3.Cursor:
        """A cursor outside any transaction, on the connection of this thread."""
        mine: _Reading | None = getattr(self._mine, "reading", None)
        if mine is None:
            with self._opening:
                if self._is_closed:
                    raise sqlite3.ProgrammingError("the store is closed")
                connection = self._pool.connect()
                # A `sqlite3.Row` costs a third of reading an entry.
                connection.row_factory = None
                mine = self._mine.reading = _Reading(connection)
                self._readings.add(mine)
        return mine.connection.cursor()


class _Reading:
    """The connection with which one thread reads; closed with the thread or with the file, whichever ends first."""

    __slots__ = ("__weakref__", "connection")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection


class _ConnectionPool(SQLiteConnectionPool):
    """eventsourcing's pool whose connections keep pages and statements, and overwrite what is deleted: a destroyed key
    may be in no free page.

    The library gives `cached_statements=True` to SQLite, which is room for one: each statement would be read and
    prepared again whenever another one was between.
    """

    def _create_connection(self) -> SQLiteConnection:
        return SQLiteConnection(sqlite_conn=self.connect(), max_age=self.max_age)

    def connect(self) -> sqlite3.Connection:
        """A new connection of the library's kind, in auto-commit mode."""
        connection = sqlite3.connect(
            self.db_name,
            uri=True,
            timeout=_LOCK_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_STATEMENTS,
        )
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.row_factory = sqlite3.Row
        return connection


def _told(error: sqlite3.Error) -> ExchangeError:
    if any(sign in str(error) for sign in _DAMAGE):
        return FatalError("STORE_DAMAGED", f"the ledger file does not hold what it should: {error}")
    return UnavailableError("STORE_BUSY", f"the ledger file cannot be read now: {error}")
