"""What the binding of SQLite is told about values changes how fast they are stored, and nothing else."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from adapters.compose.parts import bind_plainly


def test_bytes_and_nothing_are_stored_as_they_are() -> None:
    values = (b"\x00\xff", b"", None, "text", 7)
    bind_plainly()

    with closing(sqlite3.connect(":memory:")) as db:
        marks = ",".join("?" * len(values))
        kinds = db.execute(f"SELECT {marks.replace('?', 'typeof(?)')}", values).fetchone()
        stored = db.execute(f"SELECT {marks}", values).fetchone()

    assert kinds == ("blob", "blob", "null", "text", "integer")
    assert stored == values
