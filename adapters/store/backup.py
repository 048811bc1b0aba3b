"""A copy of a ledger in a file without any key: entries, everything derived from them, and ciphertext.

Rules kept here: all tables are copied as of one commit, while the hub goes on; no wrapped key is ever written to the
copy, not even to be deleted again; the copy says of itself up to which size it holds none, so that an audit does not
look for them. A ledger in a database is copied into a file too, which is read without a server. Not here: what belongs
to a backup beside the file (`adapters.compose.backups`).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from adapters.store.commit_rows import KEYLESS
from adapters.store.opening import LEDGER_POINTER
from adapters.store.pointer import read_pointer
from contracts.errors import ConflictError, UnavailableError
from contracts.ids import TreeSize

Progress = Callable[[int, int], None]
"""Told how many of how many entries are copied."""
_KEYS: Final = "wrapped_keys"
_ENTRIES: Final = "stored_events"
_AT_ONCE: Final = 20_000


def copy_without_keys(source: Path, target: Path, progress: Progress = lambda done, size: None) -> TreeSize:
    """Copy a ledger as it stands at one commit.

    Args:
        source: The ledger's place; a hub may write to it.
        target: The copy, which must not exist; its folder does.
        progress: Told now and then.

    Returns:
        Entries in the copy.

    Raises:
        ConflictError: FOLDER_NOT_EMPTY: the target exists.
        UnavailableError: EXPORT_FAILED: it cannot be written, or the source not read; nothing is left.
    """
    if target.exists():
        raise ConflictError("FOLDER_NOT_EMPTY", f"{target} exists; a copy is never written over another one")
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(partial.resolve().as_uri(), uri=True, isolation_level=None)) as db:
            copy = _copy_database if source.name == LEDGER_POINTER else _copy
            size = copy(db, source, progress)
        _sync(partial)
        partial.rename(target)
    except (sqlite3.Error, OSError) as error:
        partial.unlink(missing_ok=True)
        raise UnavailableError("EXPORT_FAILED", f"the copy {target.name} cannot be made: {error}") from error
    except UnavailableError:
        partial.unlink(missing_ok=True)
        raise
    return size


def _copy(db: sqlite3.Connection, source: Path, progress: Progress) -> TreeSize:
    _write_plainly(db)
    db.execute("ATTACH ? AS ledger", (f"{source.resolve().as_uri()}?mode=ro",))
    # From the first question on, one commit is seen until the end, whatever the hub records meanwhile.
    db.execute("BEGIN")
    size = int(db.execute("SELECT coalesce(max(size), 0) FROM ledger.checkpoints").fetchone()[0])
    rows = db.execute("SELECT type, name, sql FROM ledger.sqlite_master WHERE sql IS NOT NULL").fetchall()
    tables = [(name, sql) for kind, name, sql in rows if kind == "table" and not name.startswith("sqlite_")]
    for name, sql in tables:
        db.execute(sql)
        if name == _ENTRIES:
            for done in _copy_entries(db, size):
                progress(done, size)
        elif name != _KEYS:
            db.execute(f"INSERT INTO main.{name} SELECT * FROM ledger.{name}")
    _end(db, [sql for kind, _, sql in rows if kind != "table"], size)
    db.execute("DETACH ledger")
    # Whoever opens it expects a log beside it.
    db.execute("PRAGMA journal_mode=WAL")
    return TreeSize(size)


def _copy_database(db: sqlite3.Connection, source: Path, progress: Progress) -> TreeSize:
    from adapters.store.postgres_copy import copy_rows, tables_of_a_ledger

    _write_plainly(db)
    rows = tables_of_a_ledger()
    tables = {name: sql for kind, name, sql in rows if kind == "table"}
    db.execute("BEGIN")
    for sql in tables.values():
        db.execute(sql)
    size = copy_rows(read_pointer(source), db, [name for name in tables if name != _KEYS], progress=progress)
    _end(db, [sql for kind, _, sql in rows if kind != "table"], size)
    db.execute("PRAGMA journal_mode=WAL")
    return size


def _write_plainly(db: sqlite3.Connection) -> None:
    """Keep no journal: what is not finished is removed."""
    db.execute("PRAGMA journal_mode=OFF")
    db.execute("PRAGMA synchronous=OFF")
    db.execute("PRAGMA temp_store=MEMORY")


def _end(db: sqlite3.Connection, indexes: Sequence[str], size: int) -> None:
    for sql in indexes:
        db.execute(sql)
    db.execute("INSERT OR REPLACE INTO main.derived VALUES (?,?)", (KEYLESS, size.to_bytes(8, "big")))
    db.execute("COMMIT")


def _copy_entries(db: sqlite3.Connection, size: int) -> Iterator[int]:
    for at in range(0, size, _AT_ONCE):
        db.execute(
            f"INSERT INTO main.{_ENTRIES} SELECT * FROM ledger.{_ENTRIES} WHERE rowid>? AND rowid<=? ORDER BY rowid",
            (at, at + _AT_ONCE),
        )
        yield min(size, at + _AT_ONCE)


def _sync(path: Path) -> None:
    for one in (path, path.parent):
        descriptor = os.open(one, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
