"""The hub's store on SQLite with what its witnesses have signed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from adapters.store.cosigned_questions import CosignedQuestions
from adapters.store.sqlite import SqliteStore

COSIGNED_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS cosignatures (size INTEGER, witness TEXT, line BLOB NOT NULL,"
    " PRIMARY KEY (size, witness)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS witnessed (size INTEGER PRIMARY KEY, reached_at INTEGER NOT NULL)",
)


class CosignedStore(CosignedQuestions, SqliteStore):
    """`hub.ports.Store` and `hub.ports.Witnessed`: its notes carry the cosignatures that were collected for them.

    Args:
        path: As of `SqliteStore`.
        read_only: As of `SqliteStore`.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        SqliteStore.__init__(self, path, read_only=read_only)
        self._has_tables = False
        if not read_only:
            self._write([(statement, ()) for statement in COSIGNED_TABLES])

    def _is_kept(self) -> bool:
        if not self._has_tables:
            row = self._one("SELECT count(*) FROM sqlite_master WHERE name IN ('cosignatures', 'witnessed')")
            self._has_tables = row[0] == 2
        return self._has_tables
