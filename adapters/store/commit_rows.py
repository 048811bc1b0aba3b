"""The rows that a commit writes beside its entries, table by table, and what its events do to content: for any backend.

Rules kept here: payloads stand apart from entries so that they can be destroyed; their rows ascend with the ledger.
Not here: the tables themselves (`adapters.store.ledger_tables`, `adapters.store.postgres_tables`).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Final

from adapters.store.questions import Executes
from contracts.procedure_types import ERASE_ALL, ERASES, SEAL, UNSEAL
from hub.ports import Commit, Run, StoredEffect
from ledger.batch import chain_id

STATISTICS: Final = "StatisticsPublished"
"""A topic of a handful of rows: the relay asks for them, and the ledger is long."""
KEYLESS: Final = "keyless"
"""In `derived`: below this size the store holds no wrapped keys, for it is a copy (`adapters.store.backup`)."""
_NUMBER_BITS: Final = 8

COLUMNS: Final = {
    "event_ids": ("event_id", "idx"),
    "tiles": ("level", "idx", "hashes"),
    "checkpoints": ("size", "note", "recorded_at"),
    "matters": ("stream_id", "packed", "due_ms"),
    "delivery_runs": ("point", "first_n", "count", "indexes", "head_before", "head_after", "size", "is_case"),
    "heads": ("point", "n", "head"),
    "payloads": ("id", "envelope"),
    "wrapped_keys": ("payload", "office", "key_id", "enc"),
    "producers": ("producer", "chain_id", "next_seq", "last_hash"),
    "directory_log": ("idx",),
}
"""Of the tables that a commit writes rows into."""
_REPLACED: Final = {"tiles": 2, "matters": 1, "heads": 1, "producers": 1}
"""Tables in which a row takes the place of the one before it, and how many of its first columns are the key."""

Rows = Sequence[Sequence[object]]
Delete = Callable[[str, Sequence[object]], object]
"""Runs a statement that deletes, with its parameters."""


@cache
def insert_of(table: str) -> tuple[str, str]:
    """How rows of a table are written: what stands before their values, and what after them."""
    columns, width = COLUMNS[table], _REPLACED.get(table)
    insert = f"INSERT INTO {table} ({', '.join(columns)})"
    if width is None:
        return insert, ""
    put = ", ".join(f"{name}=excluded.{name}" for name in columns[width:])
    return insert, f" ON CONFLICT ({', '.join(columns[:width])}) DO UPDATE SET {put}"


@cache
def insert_statement(table: str) -> str:
    """How one row of a table is written."""
    insert, otherwise = insert_of(table)
    return f"{insert} VALUES ({','.join('?' * len(COLUMNS[table]))}){otherwise}"


def rows_of(commit: Commit) -> Iterator[tuple[str, Rows]]:
    """Tables and the rows that a commit writes into them; the columns are those of `COLUMNS`."""
    yield "event_ids", commit.event_ids
    yield "tiles", [(level, index, hashes) for (level, index), hashes in commit.tiles.items()]
    yield "checkpoints", [(commit.new_size, commit.checkpoint, commit.recorded_at)]
    due = commit.due
    yield "matters", [(stream_id, packed, due.get(stream_id)) for stream_id, packed in commit.matters]
    yield "delivery_runs", [_run_row(run) for run in commit.runs]
    yield "heads", commit.heads
    payloads = [(payload_id(p.entry, p.number), p) for p in commit.payloads]
    yield "payloads", [(payload, p.envelope) for payload, p in payloads]
    yield "wrapped_keys", [(payload, w.office, w.key_id, w.enc) for payload, p in payloads for w in p.wrapped]
    yield (
        "producers",
        [(name, chain_id(name), state.next_seq, state.last_hash) for name, state in commit.producers],
    )
    yield "directory_log", [(index,) for index in commit.directory]


def write_other_dues(c: Executes, commit: Commit) -> None:
    """Write when time next does something to matters that did not change themselves."""
    if len(commit.due) > len(commit.matters):
        own = {stream_id for stream_id, _ in commit.matters}
        rows = [(at, stream_id) for stream_id, at in commit.due.items() if stream_id not in own]
        c.executemany("UPDATE matters SET due_ms=? WHERE stream_id=?", rows)


def take_effects(c: Executes, effects: Sequence[StoredEffect], delete: Delete) -> None:
    """Do to content what the recorded events say, in their transaction.

    Args:
        c: A cursor in it.
        effects: What they say.
        delete: For what is deleted from `wrapped_keys` or `payloads`.
    """
    for effect in effects:
        c.execute(
            "INSERT INTO effects (idx, does, stream_id) VALUES (?,?,?)", (effect.entry, effect.does, effect.stream_id)
        )
        if effect.does in ERASES:
            for ids in _payload_ids(c, effect.stream_id, effect.entry):
                delete("DELETE FROM wrapped_keys WHERE payload BETWEEN ? AND ?", ids)
                delete("DELETE FROM payloads WHERE id BETWEEN ? AND ?", ids)
        elif effect.does == ERASE_ALL:
            delete("DELETE FROM wrapped_keys", ())
            delete("DELETE FROM payloads", ())
        elif effect.brought_by is not None:
            kept = (*payload_range(effect.brought_by), effect.keeps)
            delete("DELETE FROM wrapped_keys WHERE payload BETWEEN ? AND ? AND office!=?", kept)
        elif effect.does == SEAL:
            sealed = (effect.stream_id.hex(),)
            c.execute("INSERT INTO sealed (stream_id) VALUES (?) ON CONFLICT (stream_id) DO NOTHING", sealed)
        elif effect.does == UNSEAL:
            c.execute("DELETE FROM sealed WHERE stream_id=?", (effect.stream_id.hex(),))


def _payload_ids(c: Executes, stream_id: bytes, before: int) -> list[tuple[int, int]]:
    """Ranges of the payload rows of a stream's events below an index."""
    c.execute("SELECT rowid FROM stored_events WHERE originator_id=? AND rowid<=?", (stream_id.hex(), before))
    return [payload_range(row[0] - 1) for row in c.fetchall()]


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
