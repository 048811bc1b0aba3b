"""Rows of a ledger on PostgreSQL, copied into a file of SQLite with the same tables, and some of them put back.

Rules kept here: everything is copied as of one commit, while the hub goes on; what is not asked for is not read.
What is put back takes the writer's lock, so no hub runs meanwhile, and is one transaction. Not here: what a copy is for
(`adapters.store.backup`, `adapters.store.ledger_check`).
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier, Literal

from adapters.store.cosigned_store import CosignedStore
from adapters.store.pointer import Pointer
from adapters.store.postgres_database import connect, connect_writer, told
from contracts.errors import ConflictError, UnavailableError
from contracts.ids import TreeSize

ENTRIES: Final = "stored_events"
_CONTENT: Final = ("payloads", "wrapped_keys")
_AT_ONCE: Final = 2_000
_BOOLEANS: Final = ("is_case",)

Progress = Callable[[int, int], None]
"""Told how many of how many entries are copied."""


def tables_of_a_ledger() -> list[tuple[str, str, str]]:
    """Kind, name and statement of every table and index that a ledger in a file has, as SQLite tells them."""
    with tempfile.TemporaryDirectory(prefix="pprd-tables-") as folder:
        path = Path(folder) / "empty.sqlite"
        CosignedStore(path).close()
        with closing(sqlite3.connect(path)) as db:
            return db.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()


def copy_rows(
    pointer: Pointer,
    db: sqlite3.Connection,
    tables: Sequence[str],
    *,
    entry_bytes: int | None = None,
    progress: Progress = lambda done, size: None,
) -> TreeSize:
    """Copy rows as they stand at one commit.

    Args:
        pointer: Where the ledger is.
        db: A file with the tables, in an open transaction.
        tables: Those that are copied.
        entry_bytes: How much of each entry; None copies all of it.
        progress: Told now and then.

    Returns:
        Entries of the ledger.

    Raises:
        UnavailableError: SOURCE_UNREADABLE: the database cannot be read.
    """
    try:
        with closing(connect(pointer)) as source:
            source.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            # Before anything is seen: a partition that is written anew meanwhile would be seen empty.
            source.execute("LOCK TABLE payloads, wrapped_keys IN ACCESS SHARE MODE")
            row = source.execute("SELECT coalesce(max(size), 0) FROM checkpoints").fetchone()
            size = TreeSize(0 if row is None else row[0])
            for name in tables:
                done = 0
                columns = _columns(db, name)
                insert = f"INSERT INTO main.{name} VALUES ({','.join('?' * len(columns))})"
                for rows in _pages(source, _select(name, columns, entry_bytes)):
                    db.executemany(insert, rows)
                    done += len(rows)
                    if name == ENTRIES:
                        progress(min(done, size), size)
            return size
    except psycopg.Error as error:
        raise UnavailableError("SOURCE_UNREADABLE", f"the ledger's database cannot be read: {told(error)}") from error


def copy_derived(pointer: Pointer, path: Path, *, entry_bytes: int) -> None:
    """Make a file of everything but content, with the first bytes of each entry; raises as `copy_rows`."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=OFF")
        db.execute("PRAGMA synchronous=OFF")
        db.execute("BEGIN")
        tables = {name: sql for kind, name, sql in tables_of_a_ledger() if kind == "table"}
        for sql in tables.values():
            db.execute(sql)
        copy_rows(pointer, db, [name for name in tables if name not in _CONTENT], entry_bytes=entry_bytes)
        db.execute("COMMIT")


def put_back(pointer: Pointer, db: sqlite3.Connection, tables: Sequence[str]) -> None:
    """Let whole tables of a ledger hold what a file holds that was copied from it.

    Args:
        pointer: Where the ledger is.
        db: The file.
        tables: Those whose rows are replaced.

    Raises:
        ConflictError: FOLDER_IN_USE: a hub runs. STORE_MOVED: one has run meanwhile.
        UnavailableError: SOURCE_UNREADABLE: the database cannot be written; nothing changed.
    """
    try:
        with closing(connect_writer(pointer)) as target:
            (known,) = db.execute("SELECT coalesce(max(rowid), 0) FROM main.stored_events").fetchone()
            row = target.execute("SELECT coalesce(max(notification_id), 0) FROM stored_events").fetchone()
            if row is None or row[0] != known:
                raise ConflictError("STORE_MOVED", f"the ledger had {known} entries when it was read")
            for name in tables:
                columns = _columns(db, name)
                target.execute(SQL("DELETE FROM {}").format(Identifier(name)))
                insert = SQL("INSERT INTO {} ({}) VALUES ({})").format(
                    Identifier(name),
                    SQL(", ").join(map(Identifier, columns)),
                    SQL(", ").join(SQL("%s::int::boolean" if one in _BOOLEANS else "%s") for one in columns),
                )
                rows = db.execute(f"SELECT {', '.join(columns)} FROM main.{name}")
                while page := rows.fetchmany(_AT_ONCE):
                    with target.cursor() as cursor:
                        cursor.executemany(insert, page)
            target.commit()
    except psycopg.Error as error:
        raise UnavailableError("SOURCE_UNREADABLE", f"the ledger's database cannot be used: {told(error)}") from error


def _columns(db: sqlite3.Connection, name: str) -> list[str]:
    return [row[1] for row in db.execute(f"PRAGMA main.table_info({name})")]


def _select(name: str, columns: Sequence[str], entry_bytes: int | None) -> Composed:
    def word(column: str) -> Composed | Identifier:
        if name == ENTRIES and column == "rowid":
            return Identifier("notification_id")
        if name == ENTRIES and column == "state" and entry_bytes is not None:
            return SQL("substring(state FROM 1 FOR {})").format(Literal(entry_bytes))
        return Identifier(column)

    select = SQL("SELECT {} FROM {}").format(SQL(", ").join(map(word, columns)), Identifier(name))
    return select + SQL(" ORDER BY notification_id") if name == ENTRIES else select


def _pages(source: Connection[TupleRow], select: Composed) -> Iterator[list[tuple[Any, ...]]]:
    with source.cursor(name="copied", binary=True) as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(select)
        rows = iter(cursor)
        while page := list(islice(rows, _AT_ONCE)):
            yield page
