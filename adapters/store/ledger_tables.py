"""The tables of the ledger's file, and the writing of a commit into them.

`stored_events` is eventsourcing's own table with its own columns; we only give it an explicit `rowid INTEGER PRIMARY
KEY`, because SQLite promises the values of such a column across VACUUM and of an implicit one it does not. The rowid is
the ledger index plus one, so eventsourcing's notification log is the ledger. `state` holds entry bytes as they are
hashed; nothing is ever decoded and written again.

Rule kept here: the size of the last checkpoint is the compare part of compare-and-swap. Not here: the rows of a commit
(`adapters.store.commit_rows`), transactions (`adapters.store.sqlite`), questions (`adapters.store.ledger_reader`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from eventsourcing.persistence import StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteCursor

from adapters.store.commit_rows import STATISTICS, insert_of, rows_of, take_effects, write_other_dues
from adapters.store.packed_rows import insert_columns, insert_rows
from contracts.errors import ConflictError, FatalError
from contracts.procedure_types import ERASE_AND_CLOSE
from hub.ports import Commit

DUE_INDEX: Final = "CREATE INDEX IF NOT EXISTS matters_due ON matters (due_ms) WHERE due_ms IS NOT NULL"
"""Which matters time does something to next; a matter in which nothing runs is not in it."""
_STATISTICS_INDEX: Final = f"CREATE INDEX IF NOT EXISTS published_statistics ON {{}} (topic) WHERE topic='{STATISTICS}'"

_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS event_ids (event_id BLOB PRIMARY KEY, idx INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS tiles (level INTEGER, idx INTEGER, hashes BLOB NOT NULL, PRIMARY KEY (level, idx))"
    " WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS checkpoints (size INTEGER PRIMARY KEY, note BLOB NOT NULL, recorded_at INTEGER NOT"
    " NULL)",
    "CREATE TABLE IF NOT EXISTS matters (stream_id BLOB PRIMARY KEY, packed BLOB NOT NULL, due_ms INTEGER)"
    " WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS delivery_runs (id INTEGER PRIMARY KEY, point TEXT NOT NULL, first_n INTEGER NOT NULL,"
    " count INTEGER NOT NULL, indexes BLOB NOT NULL, head_before BLOB NOT NULL, head_after BLOB NOT NULL,"
    " size INTEGER NOT NULL, is_case INTEGER NOT NULL, UNIQUE (point, first_n))",
    "CREATE TABLE IF NOT EXISTS heads (point TEXT PRIMARY KEY, n INTEGER NOT NULL, head BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS payloads (id INTEGER PRIMARY KEY, envelope BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS wrapped_keys (payload INTEGER, office TEXT, key_id BLOB NOT NULL, enc BLOB NOT NULL,"
    " PRIMARY KEY (payload, office)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS producers (producer TEXT PRIMARY KEY, chain_id BLOB NOT NULL, next_seq INTEGER NOT"
    " NULL, last_hash BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS directory_log (idx INTEGER PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS effects (idx INTEGER PRIMARY KEY, does TEXT NOT NULL, stream_id BLOB NOT NULL)",
    f"CREATE INDEX IF NOT EXISTS closed ON effects (stream_id) WHERE does='{ERASE_AND_CLOSE}'",
    "CREATE TABLE IF NOT EXISTS sealed (stream_id TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS derived (name TEXT PRIMARY KEY, basis BLOB NOT NULL) WITHOUT ROWID",
)


class LedgerRecorder(SQLiteApplicationRecorder):
    """eventsourcing's application recorder whose transaction also records everything else of a commit."""

    def construct_create_table_statements(self) -> list[str]:
        """The event table with an explicit rowid, and our tables."""
        events = (
            f"CREATE TABLE IF NOT EXISTS {self.events_table_name} (rowid INTEGER PRIMARY KEY, originator_id TEXT,"
            " originator_version INTEGER, topic TEXT, state BLOB, UNIQUE (originator_id, originator_version))"
        )
        return [events, _STATISTICS_INDEX.format(self.events_table_name), *_TABLES]

    def _insert_events(self, c: SQLiteCursor, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        raise FatalError("STORE_FAILED", "events enter the ledger through a commit only")

    def write(self, c: SQLiteCursor, commit: Commit) -> None:
        """Write the rows of a commit into a transaction.

        Raises:
            ConflictError: STORE_MOVED.
        """
        c.execute("SELECT max(size) FROM checkpoints")
        stored_size = c.fetchone()[0] or 0
        if stored_size != commit.old_size:
            raise ConflictError("STORE_MOVED", f"the store holds {stored_size} entries, not {commit.old_size}")
        first = commit.old_size + 1
        streams, *rest = zip(*commit.entries, strict=True)
        numbers = range(first, first + len(streams))
        insert_columns(c, f"INSERT INTO {self.events_table_name}", [numbers, list(map(bytes.hex, streams)), *rest])
        for table, rows in rows_of(commit):
            insert, otherwise = insert_of(table)
            insert_rows(c, insert, rows, otherwise=otherwise)
        write_other_dues(c, commit)
        take_effects(c, commit.effects, c.execute)
