"""A small SQLite file of one owner: opened with its tables, written in transactions.

Not here: the ledger's own file (`adapters.store.ledger_file`), which many read while one writes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from contracts.errors import FatalError, UnavailableError

BUSY_SECONDS: Final = 30.0
"""How long a statement waits for another connection."""


def open_file(
    path: Path, *, pragmas: Iterable[str], tables: Iterable[str], any_thread: bool = False
) -> sqlite3.Connection:
    """Open a file in autocommit with a write-ahead log, and make what is missing of it, its folder included.

    Args:
        path: The file.
        pragmas: Settings of the connection, `synchronous=FULL`.
        tables: Statements that make what is missing, all or none.
        any_thread: Whether other threads than this one may use it; they see to it that they do so in turn.

    Raises:
        UnavailableError: STORE_MISSING: it cannot be opened.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=not any_thread)
        for pragma in ("journal_mode=WAL", *pragmas):
            db.execute(f"PRAGMA {pragma}")
        # Takes the lock of a writer only if something is missing.
        for statement in ("BEGIN", *tables, "COMMIT"):
            db.execute(statement)
    except (OSError, sqlite3.Error) as error:
        raise UnavailableError("STORE_MISSING", f"{path.name} cannot be opened: {error}") from error
    return db


@contextmanager
def transaction(db: sqlite3.Connection, owner: str) -> Iterator[None]:
    """Everything inside is on disk when this ends, or nothing is.

    Args:
        db: In autocommit.
        owner: Whose store it is, for the error.

    Raises:
        FatalError: STORE_FAILED: whether it is on disk is unknown; stop, start-up reads it again.
    """
    try:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")
    except sqlite3.Error as error:
        raise FatalError("STORE_FAILED", f"the {owner}'s store refuses a write: {error}") from error
