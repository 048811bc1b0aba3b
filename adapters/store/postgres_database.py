"""The ledger's database, opened: one connection that writes and holds the writer's lock, one for each reading thread.

Rules kept here: a commit is on disk before anybody is answered, whatever the role or database is set to; there is one
writer a schema, and it never connects again: whoever loses the connection has lost the lock. Errors of the library
become ours: STORE_DAMAGED where the tables do not hold what they should, STORE_BUSY where they cannot be read now. A
reader whose connection was lost connects again and asks again, once. Of a server's error only its first line is told:
the rest may hold a row.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Final, TypeVar

import psycopg
from eventsourcing.utils import strtobool
from psycopg import Connection, Cursor
from psycopg.adapt import Buffer, Loader
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Format
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier
from psycopg.types.numeric import Int8BinaryDumper

from adapters.store.pointer import Pointer
from adapters.store.postgres_words import is_prepared, translated
from adapters.store.questions import Questions
from contracts.errors import ConflictError, ContractError, ExchangeError, FatalError, UnavailableError

T = TypeVar("T")

OLDEST: Final = 15
"""First major version with the role `pg_checkpoint`."""
_CONNECT_SECONDS: Final = 10
_LOCK_SECONDS: Final = 30
_WRITER_SECONDS: Final = 2
"""A hub that was killed a moment ago may still have its last statement running."""
_STATEMENTS: Final = 200
"""Prepared statements that a connection keeps; there are some seventy."""
_LOCK_CLASS: Final = 0x50505244
_SESSION: Final = (
    "SET client_min_messages=warning; SET jit=off; SET enable_hashjoin=off; SET enable_mergejoin=off;"
    " SET statement_timeout=0; SET idle_in_transaction_session_timeout=0;"
    f" SET lock_timeout='{_LOCK_SECONDS}s';"
)
_READING: Final = "SET default_transaction_read_only=on;"
_WRITING: Final = (
    "SET synchronous_commit=on; SET idle_session_timeout=0;"
    # A machine that went away gives its lock back within half a minute.
    " SET tcp_keepalives_idle=10; SET tcp_keepalives_interval=5; SET tcp_keepalives_count=4;"
)
_DAMAGE: Final = (psycopg.InternalError, psycopg.DataError, psycopg.ProgrammingError, psycopg.NotSupportedError)


class _HexLoader(Loader):
    """A stream id as SQLite keeps it: 32 hexadecimal digits."""

    format = Format.BINARY

    def load(self, data: Buffer) -> str:
        return bytes(data).hex()


def connect(pointer: Pointer, *, is_writing: bool = False) -> Connection[TupleRow]:
    """A new connection in auto-commit mode whose unqualified names mean the ledger's schema.

    Raises:
        psycopg.Error: There is none.
        UnavailableError: STORE_MISSING: the server is too old.
    """
    said = conninfo_to_dict(pointer.conninfo)
    asked = {"connect_timeout": _CONNECT_SECONDS, "application_name": "pprd", **said, "client_encoding": "utf8"}
    connection = psycopg.connect(make_conninfo("", **asked), autocommit=True, prepare_threshold=None)
    try:
        if connection.info.server_version < OLDEST * 10_000:
            raise UnavailableError("STORE_MISSING", f"a ledger needs PostgreSQL {OLDEST} or newer")
        connection.adapters.register_loader("uuid", _HexLoader)
        # Whatever its value, a number has one type: each statement is prepared once.
        connection.adapters.register_dumper(int, Int8BinaryDumper)
        connection.execute(_SESSION + (_WRITING if is_writing else _READING))
        connection.execute(SQL("SET search_path TO {}, pg_temp").format(Identifier(pointer.schema)))
        connection.prepare_threshold, connection.prepared_max = 0, _STATEMENTS
    except BaseException:
        connection.close()
        raise
    return connection


def connect_writer(pointer: Pointer) -> Connection[TupleRow]:
    """The one connection that may write a schema, which is made if it is missing; not in auto-commit mode.

    Raises:
        ConflictError: FOLDER_IN_USE: another process writes this ledger.
        ContractError: SETTINGS_INVALID: what this server calls durable may be lost with its machine.
        psycopg.Error: There is none.
    """
    connection = connect(pointer, is_writing=True)
    try:
        _refuse_forgetting(connection)
        schema = Identifier(pointer.schema)
        known = "SELECT oid::bigint FROM pg_namespace WHERE nspname=%s"
        row = connection.execute(known, (pointer.schema,)).fetchone()
        if row is None:
            connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
            row = connection.execute(known, (pointer.schema,)).fetchone()
        connection.execute(f"SET lock_timeout='{_WRITER_SECONDS}s'")
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK_CLASS << 32 | (row[0] if row else 0),))
        connection.execute(f"SET lock_timeout='{_LOCK_SECONDS}s'")
    except psycopg.errors.LockNotAvailable as error:
        connection.close()
        raise ConflictError("FOLDER_IN_USE", f"another process writes the ledger in {pointer.schema}") from error
    except BaseException:
        connection.close()
        raise
    connection.autocommit = False
    return connection


def _refuse_forgetting(connection: Connection[TupleRow]) -> None:
    for name in ("fsync", "full_page_writes"):
        row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
        if row is None or row[0] != "on":
            raise ContractError(
                "SETTINGS_INVALID", f"the server runs with {name}=off: a commit may be lost", field=name
            )


def refuse_functions() -> None:
    """Refuse the setting of the library under which it skips its lock and its tracking.

    Raises:
        ContractError: SETTINGS_INVALID.
    """
    name = "POSTGRES_ENABLE_DB_FUNCTIONS"
    if strtobool(os.environ.get(name) or "no"):
        raise ContractError("SETTINGS_INVALID", "the library's functions in the database lose events", field=name)


def told(error: BaseException) -> str:
    """What an error says, without any row that it is about."""
    primary = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return primary or (str(error).splitlines() or [type(error).__name__])[0]


class PostgresReading(Questions):
    """Asks a ledger's schema, from any thread.

    Args:
        pointer: Where it is.
    """

    failures: ClassVar[tuple[type[Exception], ...]] = (psycopg.Error,)

    def __init__(self, pointer: Pointer) -> None:
        self._pointer = pointer
        self._mine = threading.local()
        self._readings: weakref.WeakSet[_Reading] = weakref.WeakSet()
        self._opening = threading.Lock()
        self._is_closed = False

    def close_readings(self) -> None:
        """Give every reading connection back."""
        with self._opening:
            self._is_closed = True
            for reading in list(self._readings):
                reading.close()

    # -- questions

    def _one(self, statement: str, *parameters: object) -> Any:
        return self._asked(lambda c: _run(c, statement, parameters).fetchone())

    def _all(self, statement: str, *parameters: object) -> list[Any]:
        return self._asked(lambda c: _run(c, statement, parameters).fetchall())

    def _select_in(self, statement: str, keys: Sequence[bytes] | Sequence[int]) -> list[tuple[Any, Any]]:
        return self._all(f"{statement} = ANY(?)", list(keys)) if keys else []

    def _asked(self, ask: Callable[[Cursor[TupleRow]], T]) -> T:
        """What is asked; once more where the connection was lost meanwhile, for asking changes nothing."""
        was_open = self._is_open()
        try:
            return self._ask(ask)
        except psycopg.Error as error:
            if not was_open or self._is_open():
                raise _ours(error) from error
        try:
            return self._ask(ask)
        except psycopg.Error as error:
            raise _ours(error) from error

    def _ask(self, ask: Callable[[Cursor[TupleRow]], T]) -> T:
        try:
            return ask(self._connection().cursor(binary=True))
        except psycopg.Error:
            mine: _Reading | None = getattr(self._mine, "reading", None)
            if mine is not None and mine.connection.closed:
                del self._mine.reading
            raise

    def _is_open(self) -> bool:
        """Whether this thread has a connection, as far as it knows."""
        return getattr(self._mine, "reading", None) is not None

    def _connection(self) -> Connection[TupleRow]:
        """The connection of this thread."""
        mine: _Reading | None = getattr(self._mine, "reading", None)
        if mine is None:
            with self._opening:
                if self._is_closed:
                    raise psycopg.InterfaceError("the store is closed")
                mine = self._mine.reading = _Reading(connect(self._pointer))
                self._readings.add(mine)
        return mine.connection


class _Reading:
    """The connection with which one thread reads; closed with the thread or with the store, whichever ends first."""

    __slots__ = ("__weakref__", "close", "connection")

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self.connection = connection
        self.close = weakref.finalize(self, _close, connection)


def _close(connection: Connection[TupleRow]) -> None:
    with suppress(psycopg.Error):
        connection.close()


def _run(cursor: Cursor[TupleRow], statement: str, parameters: Sequence[object]) -> Cursor[TupleRow]:
    return cursor.execute(translated(statement), parameters, prepare=None if is_prepared(statement) else False)


def _ours(error: psycopg.Error) -> ExchangeError:
    if isinstance(error, _DAMAGE):
        return FatalError("STORE_DAMAGED", f"the ledger's tables do not hold what they should: {told(error)}")
    return UnavailableError("STORE_BUSY", f"the ledger's database cannot be read now: {told(error)}")
