"""Where a ledger is, and how it is opened: a file of SQLite, or a pointer to a database of PostgreSQL.

Whoever opens a ledger opens its place, and does not ask which of the two it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from adapters.store.cosigned_store import CosignedStore
from adapters.store.ledger_store import LedgerStore
from contracts.errors import ConflictError, UnavailableError

LEDGER_FILE: Final = "ledger.sqlite"
"""A ledger in a file."""
LEDGER_POINTER: Final = "ledger.postgres"
"""A file that says in which database a ledger is."""


def is_place(path: Path) -> bool:
    """Whether a path is the place of a ledger that is there, file or pointer."""
    return path.name in (LEDGER_FILE, LEDGER_POINTER) and path.is_file()


def place_in(folder: Path) -> Path | None:
    """The place of the ledger in a hub's folder; None if there is none.

    Raises:
        ConflictError: STORE_AMBIGUOUS: the folder holds two, and which of them is the ledger nobody can tell.
    """
    found = [path for path in (folder / LEDGER_FILE, folder / LEDGER_POINTER) if is_place(path)]
    if len(found) > 1:
        raise ConflictError("STORE_AMBIGUOUS", f"{folder} holds {LEDGER_FILE} and {LEDGER_POINTER}")
    return found[0] if found else None


def open_store(place: Path, *, read_only: bool = False) -> LedgerStore:
    """Open the ledger at a place.

    Args:
        place: A file of SQLite, made if it is missing, or a pointer.
        read_only: Open for a second process (relay, audit): nothing can be written.

    Raises:
        ConflictError: FOLDER_IN_USE: another process writes the same database.
        ContractError: SETTINGS_INVALID: the pointer cannot be read.
        UnavailableError: STORE_MISSING: there is no ledger that can be opened.
    """
    if place.name != LEDGER_POINTER:
        return CosignedStore(place, read_only=read_only)
    try:
        from adapters.store.postgres_store import PostgresStore
    except ImportError as error:
        told = "this ledger is on PostgreSQL, and psycopg is missing: install requirements/postgres.txt"
        raise UnavailableError("STORE_MISSING", told) from error
    return PostgresStore(place, read_only=read_only)
