"""`adapters.store.packed_rows`: what stands in the table is what the library would have written row by row."""

import sqlite3
from collections.abc import Sequence
from typing import Any, cast

import pytest
from eventsourcing.sqlite import SQLiteCursor
from hypothesis import given
from hypothesis import strategies as st

from adapters.store.packed_rows import insert_columns, insert_rows

_LARGEST = 10**17
_NUMBERS = st.integers(-_LARGEST + 1, 10 * _LARGEST - 1)
_KINDS = (
    _NUMBERS,
    st.one_of(st.none(), _NUMBERS),
    st.booleans(),
    st.one_of(st.none(), st.booleans()),
    st.text(st.characters(codec="utf-8")),
    st.text("0123456789abcdef", min_size=4, max_size=4),
    st.binary(),
    st.binary(min_size=16, max_size=16),
)


def table(columns: int) -> sqlite3.Connection:
    """An empty one of that many columns, which take values as they come."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute(f"CREATE TABLE t ({', '.join(f'c{n}' for n in range(columns))})")
    return db


def write(db: sqlite3.Connection, columns: Sequence[Sequence[Any]], *, otherwise: str = "") -> None:
    names = [row[1] for row in db.execute("PRAGMA table_info(t)")]
    insert_columns(
        cast("SQLiteCursor", db.cursor()), f"INSERT INTO t ({', '.join(names)})", columns, otherwise=otherwise
    )


def rows_of(db: sqlite3.Connection, columns: int) -> list[tuple[Any, ...]]:
    """Values with their types, in the order of writing."""
    names = ", ".join(f"c{n}, typeof(c{n})" for n in range(columns))
    return db.execute(f"SELECT {names} FROM t ORDER BY rowid").fetchall()


@st.composite
def tables(draw: st.DrawFn) -> list[list[Any]]:
    size = draw(st.integers(1, 12))
    return [draw(st.lists(kind, min_size=size, max_size=size)) for kind in draw(st.permutations(_KINDS))]


@given(tables())
def test_rows_are_those_that_one_statement_a_row_writes(columns: list[list[Any]]) -> None:
    packed, plain = table(len(columns)), table(len(columns))
    write(packed, columns)
    plain.executemany(f"INSERT INTO t VALUES ({','.join('?' * len(columns))})", zip(*columns, strict=True))

    assert rows_of(packed, len(columns)) == rows_of(plain, len(columns))


@pytest.mark.parametrize("size", [1, 5, 2_000])
def test_a_range_ascends_and_order_is_kept(size: int) -> None:
    db = table(2)
    write(db, [range(7, 7 + size), [f"{at}" * (at % 3) for at in range(size)]])

    assert rows_of(db, 2) == [(7 + at, "integer", f"{at}" * (at % 3), "text") for at in range(size)]


@pytest.mark.parametrize("size", [0, 1, 4, 5, 300])
def test_rows_are_written_as_their_columns(size: int) -> None:
    db = table(3)
    rows = [(at, f"{at:04}", b"x" * at) for at in range(size)]
    insert_rows(cast("SQLiteCursor", db.cursor()), "INSERT INTO t", rows)

    assert db.execute("SELECT * FROM t").fetchall() == rows


@pytest.mark.parametrize("size", [2, 50])
def test_a_row_takes_the_place_of_another(size: int) -> None:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute("CREATE TABLE t (c0 BLOB PRIMARY KEY, c1 INTEGER) WITHOUT ROWID")
    keys = [bytes([at, *b"key"]) for at in range(size)]
    for number in (1, None):
        write(db, [keys, [number] * size], otherwise=" ON CONFLICT (c0) DO UPDATE SET c1=excluded.c1")

    assert db.execute("SELECT * FROM t").fetchall() == [(key, None) for key in keys]


@pytest.mark.parametrize("wrong", [10**18, -(10**17), 2**63])
def test_a_number_without_room_is_refused_and_nothing_is_written(wrong: int) -> None:
    db = table(1)
    with pytest.raises(sqlite3.DataError, match="18 digits"):
        write(db, [[1, 2, 3, 4, wrong]])

    assert rows_of(db, 1) == []


@pytest.mark.parametrize("columns", [[[1] * 9, ["a"] * 8 + [b"b"]], [[1] * 9, [b"a"] * 8 + ["b"]]])
def test_a_column_of_two_types_is_refused(columns: list[list[Any]]) -> None:
    db = table(2)
    with pytest.raises((TypeError, AttributeError)):
        write(db, columns)

    assert rows_of(db, 2) == []
