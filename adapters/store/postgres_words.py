"""What PostgreSQL says otherwise than SQLite: the few words of a statement, and the types of a commit's columns."""

from __future__ import annotations

from functools import cache
from typing import Final

from adapters.store.commit_rows import COLUMNS, insert_statement

_WORDS: Final = (
    ("%", "%%"),
    ("?", "%s"),
    ("rowid", "notification_id"),
    ("AS BLOB", "AS bytea"),
)
"""Words of `adapters.store.questions`, and what stands for them here; the first two mark parameters for psycopg."""

ENTRY_COLUMNS: Final = ("notification_id", "originator_id", "originator_version", "topic", "state")
TYPES: Final = {
    "stored_events": ("int8", "uuid", "int8", "text", "bytea"),
    "event_ids": ("bytea", "int8"),
    "checkpoints": ("int8", "bytea", "int8"),
    "delivery_runs": ("int8", "text", "int8", "int8", "bytea", "bytea", "bytea", "int8", "bool"),
    "payloads": ("int8", "bytea"),
    "wrapped_keys": ("int8", "text", "bytea", "bytea"),
    "directory_log": ("int8",),
}
"""Of the columns of tables whose rows are only ever added, in the order in which they are copied in."""


@cache
def translated(statement: str) -> str:
    """A statement as psycopg takes it; statements are few, so each is translated once."""
    for word, here in _WORDS:
        statement = statement.replace(word, here)
    return statement


@cache
def is_prepared(statement: str) -> bool:
    """Whether a statement is planned once for all values.

    One that is about content is planned with its values, so that it looks at one partition and locks no other.
    """
    return "payload" not in statement


def columns_of(table: str) -> tuple[str, ...]:
    """Of a table whose rows are only ever added; a delivery run and an entry come with their number."""
    if table == "stored_events":
        return ENTRY_COLUMNS
    return ("id", *COLUMNS[table]) if table == "delivery_runs" else COLUMNS[table]


@cache
def copy_statement(table: str) -> str:
    """How many rows of a table are copied in."""
    return f"COPY {table} ({', '.join(columns_of(table))}) FROM STDIN (FORMAT BINARY)"


@cache
def add_statement(table: str) -> str:
    """How one row of a table is written, be it only added or in the place of another one."""
    if table not in TYPES:
        return insert_statement(table)
    columns = columns_of(table)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({','.join('?' * len(columns))})"
