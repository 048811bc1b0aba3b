"""The tables of the ledger's file, and the rows that a commit writes into them.

`stored_events` is eventsourcing's own table with its own columns; we only give it an explicit `rowid INTEGER PRIMARY
KEY`, because SQLite promises the values of such a column across VACUUM and of an implicit one it does not. The rowid is
the ledger index plus one, so eventsourcing's notification log is the ledger. `state` holds entry bytes as they are
hashed; nothing is ever decoded and written again.

Rules kept here: the size of the last checkpoint is the compare part of compare-and-swap; payloads stand apart from
entries so that they can be destroyed. Not here: transactions (`adapters.store.sqlite`), questions
(`adapters.store.ledger_reader`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any, Final

from eventsourcing.persistence import StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteCursor

from contracts.errors import ConflictError, FatalError
from contracts.procedure_types import ERASE_ALL, ERASE_AND_CLOSE, ERASES, SEAL, UNSEAL
from hub.intake import chain_id
from hub.ports import Commit, Run, StoredEffect

STATISTICS: Final = "StatisticsPublished"
"""A topic of a handful of rows: the relay asks for them, and the ledger is long."""
DUE_INDEX: Final = "CREATE INDEX IF NOT EXISTS matters_due ON matters (due_ms) WHERE due_ms IS NOT NULL"
"""Which matters time does something to next; a matter in which nothing runs is not in it."""
_STATISTICS_INDEX: Final = f"CREATE INDEX IF NOT EXISTS published_statistics ON {{}} (topic) WHERE topic='{STATISTICS}'"
KEYLESS: Final = "keyless"
"""In `derived`: below this size the file holds no wrapped keys, for it is a copy (`adapters.store.backup`)."""
_NUMBER_BITS: Final = 8

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
        c.executemany(
            f"INSERT INTO {self.events_table_name} VALUES (?,?,?,?,?)",
            [
                (first + i, e.originator_id.hex(), e.originator_version, e.topic, e.entry)
                for i, e in enumerate(commit.entries)
            ],
        )
        self._insert_rest(c, commit)
        self._take_effects(c, commit.effects)

    @staticmethod
    def _insert_rest(c: SQLiteCursor, commit: Commit) -> None:
        for statement, rows in _rest_of(commit):
            if rows:
                c.executemany(statement, rows)

    def _take_effects(self, c: SQLiteCursor, effects: Sequence[StoredEffect]) -> None:
        """Do to content what the recorded events say, in their transaction."""
        for effect in effects:
            c.execute("INSERT INTO effects VALUES (?,?,?)", (effect.entry, effect.does, effect.stream_id))
            if effect.does in ERASES:
                for first, last in self._payload_ids(c, effect.stream_id, effect.entry):
                    c.execute("DELETE FROM wrapped_keys WHERE payload BETWEEN ? AND ?", (first, last))
                    c.execute("DELETE FROM payloads WHERE id BETWEEN ? AND ?", (first, last))
            elif effect.does == ERASE_ALL:
                c.execute("DELETE FROM wrapped_keys")
                c.execute("DELETE FROM payloads")
            elif effect.brought_by is not None:
                first, last = payload_range(effect.brought_by)
                c.execute(
                    "DELETE FROM wrapped_keys WHERE payload BETWEEN ? AND ? AND office!=?", (first, last, effect.keeps)
                )
            elif effect.does == SEAL:
                c.execute("INSERT OR IGNORE INTO sealed VALUES (?)", (effect.stream_id.hex(),))
            elif effect.does == UNSEAL:
                c.execute("DELETE FROM sealed WHERE stream_id=?", (effect.stream_id.hex(),))

    def _payload_ids(self, c: SQLiteCursor, stream_id: bytes, before: int) -> list[tuple[int, int]]:
        """Ranges of the payload rows of a stream's events below an index."""
        c.execute(
            f"SELECT rowid FROM {self.events_table_name} WHERE originator_id=? AND rowid<=?", (stream_id.hex(), before)
        )
        return [payload_range(row[0] - 1) for row in c.fetchall()]


def _rest_of(commit: Commit) -> Iterator[tuple[str, Sequence[Sequence[object]]]]:
    """The rows of a commit beside its entries, table by table."""
    yield "INSERT INTO event_ids VALUES (?,?)", commit.event_ids
    yield (
        "INSERT OR REPLACE INTO tiles VALUES (?,?,?)",
        [(level, index, hashes) for (level, index), hashes in commit.tiles.items()],
    )
    yield "INSERT INTO checkpoints VALUES (?,?,?)", [(commit.new_size, commit.checkpoint, commit.recorded_at)]
    due = commit.due
    changed = [(stream_id, packed, due.get(stream_id)) for stream_id, packed in commit.matters]
    yield "INSERT OR REPLACE INTO matters VALUES (?,?,?)", changed
    if len(due) > len(changed):
        own = {stream_id for stream_id, _ in commit.matters}
        yield "UPDATE matters SET due_ms=? WHERE stream_id=?", [(at, s) for s, at in due.items() if s not in own]
    yield (
        "INSERT INTO delivery_runs (point, first_n, count, indexes, head_before, head_after, size, is_case)"
        " VALUES (?,?,?,?,?,?,?,?)",
        [_run_row(run) for run in commit.runs],
    )
    yield "INSERT OR REPLACE INTO heads VALUES (?,?,?)", commit.heads
    payloads = [(payload_id(p.entry, p.number), p) for p in commit.payloads]
    yield "INSERT INTO payloads VALUES (?,?)", [(payload, p.envelope) for payload, p in payloads]
    yield (
        "INSERT INTO wrapped_keys VALUES (?,?,?,?)",
        [(payload, w.office, w.key_id, w.enc) for payload, p in payloads for w in p.wrapped],
    )
    yield (
        "INSERT OR REPLACE INTO producers VALUES (?,?,?,?)",
        [(name, chain_id(name), state.next_seq, state.last_hash) for name, state in commit.producers],
    )
    yield "INSERT INTO directory_log VALUES (?)", [(index,) for index in commit.directory]


def payload_id(entry: int, number: int) -> int:
    """The row of a payload: ascending with the ledger; an event names at most `MAX_SEALED`."""
    return entry << _NUMBER_BITS | number


def payload_range(entry: int) -> tuple[int, int]:
    """First and last row that the payloads of an entry can have."""
    return payload_id(entry, 0), payload_id(entry, (1 << _NUMBER_BITS) - 1)


def _run_row(run: Run) -> tuple[object, ...]:
    indexes = struct.pack(f">{len(run.indexes)}Q", *run.indexes)
    return (
        run.point,
        run.first_n,
        len(run.indexes),
        indexes,
        run.head_before,
        run.head_after,
        run.size,
        run.is_case,
    )
