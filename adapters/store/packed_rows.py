"""Many rows of a table in one statement of SQLite, which takes each column as one value.

The library gives up and takes back the interpreter's lock around every row that it writes. A statement that makes the
rows itself runs beside Python from its first row to its last, on the other core; with a lock in between, whoever
decides meanwhile would have to be waited for a thousand times.

A column is written as one run of bytes: numbers in `_DIGITS` decimal digits each, or text and bytes one after another
with the places where each begins and the last one ends.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from enum import Enum
from functools import cache
from itertools import accumulate
from typing import Any, Final, Literal

from eventsourcing.sqlite import SQLiteCursor

_DIGITS: Final = 18
"""Room for every number of a ledger; SQLite keeps each number of so many digits exactly."""
_FEW: Final = 4
"""Up to so many rows one at a time are faster."""
_SOMETHING: Final = b" "
"""A part of no bytes at all is NULL, one of something is empty."""


class _Kind(Enum):
    """What all values of a column are."""

    CONSECUTIVE = "consecutive number"
    NUMBER = "number"
    NUMBER_OR_NULL = "number or null"
    TEXT = "text"
    TEXT_OF_ONE_LENGTH = "text of one length"
    BYTES = "bytes"
    BYTES_OF_ONE_LENGTH = "bytes of one length"


def insert_rows(c: SQLiteCursor, insert: str, rows: Sequence[Sequence[Any]], *, otherwise: str = "") -> None:
    """Write rows in their order.

    Args:
        c: In a transaction.
        insert: `INSERT INTO table (columns)`.
        rows: Values of those columns; those of one column are of one type, numbers may be None.
        otherwise: What follows, if a row may take the place of another.

    Raises:
        sqlite3.Error: As the library; a number has more than `_DIGITS` digits.
    """
    if len(rows) > _FEW:
        insert_columns(c, insert, list(zip(*rows, strict=True)), otherwise=otherwise)
    elif rows:
        c.executemany(_one_row(insert, len(rows[0]), otherwise), rows)


def insert_columns(c: SQLiteCursor, insert: str, columns: Sequence[Sequence[Any]], *, otherwise: str = "") -> None:
    """Write rows in their order, as `insert_rows`; for who has columns already.

    Args:
        c: As there.
        insert: As there.
        columns: Values of each column, one a row; a range ascends by one.
        otherwise: As there.
    """
    if len(columns[0]) <= _FEW:
        c.executemany(_one_row(insert, len(columns), otherwise), zip(*columns, strict=True))
        return
    kinds: list[_Kind] = []
    parameters: list[object] = [f"[{','.join('0' * len(columns[0]))}]"]
    for column in columns:
        kind, *values = _packed(column)
        kinds.append(kind)
        parameters += values
    c.execute(_statement(insert, tuple(kinds), otherwise), parameters)


def _packed(column: Sequence[Any]) -> tuple[_Kind, bytes | int] | tuple[_Kind, bytes, bytes | int]:
    """The kind of a column, and the one or two values that stand for it."""
    if isinstance(column, range):
        return _Kind.CONSECUTIVE, column.start
    first = column[0]
    if isinstance(first, str):
        pieces, varying, fixed = [value.encode() for value in column], _Kind.TEXT, _Kind.TEXT_OF_ONE_LENGTH
    elif isinstance(first, bytes):
        pieces, varying, fixed = list(column), _Kind.BYTES, _Kind.BYTES_OF_ONE_LENGTH
    elif None in column:
        return _Kind.NUMBER_OR_NULL, _joined([" " if value is None else f"{value:d}" for value in column], "s")
    else:
        return _Kind.NUMBER, _joined(column, "d")
    lengths, joined = list(map(len, pieces)), b"".join(pieces) or _SOMETHING
    if lengths.count(lengths[0]) == len(lengths):
        return fixed, joined, lengths[0]
    return varying, joined, _joined(list(accumulate(lengths, initial=1)), "d")


def _joined(numbers: Sequence[object], mark: Literal["d", "s"]) -> bytes:
    """Numbers, or what is written of them, in `_DIGITS` characters each."""
    joined = (f"%{_DIGITS}{mark}" * len(numbers) % tuple(numbers)).encode()
    if len(joined) != _DIGITS * len(numbers):
        raise sqlite3.DataError(f"a number has more than {_DIGITS} digits")
    return joined


@cache
def _one_row(insert: str, width: int, otherwise: str) -> str:
    return f"{insert} VALUES ({','.join('?' * width)}){otherwise}"


@cache
def _statement(insert: str, kinds: tuple[_Kind, ...], otherwise: str) -> str:
    values, at = [], 2
    for kind in kinds:
        value, taken = _value(kind, at)
        values.append(value)
        at += taken
    return f"{insert} SELECT {', '.join(values)} FROM json_each(?1) WHERE true{otherwise}"


def _value(kind: _Kind, at: int) -> tuple[str, int]:
    """How one value of a column is taken out of what stands for it, and from how many parameters.

    Args:
        kind: Of the column.
        at: Number of its first parameter.
    """
    match kind:
        case _Kind.CONSECUTIVE:
            return f"?{at}+key", 1
        case _Kind.NUMBER:
            return _number(at, "key"), 1
        case _Kind.NUMBER_OR_NULL:
            return f"CAST(nullif(substr(?{at}, key*{_DIGITS}+1, {_DIGITS}), x'{'20' * _DIGITS}') AS INTEGER)", 1
        case _Kind.TEXT | _Kind.BYTES:
            start, end = _number(at + 1, "key"), _number(at + 1, "(key+1)")
            piece = f"substr(?{at}, {start}, {end}-{start})"
        case _:
            piece = f"substr(?{at}, key*?{at + 1}+1, ?{at + 1})"
    is_text = kind in {_Kind.TEXT, _Kind.TEXT_OF_ONE_LENGTH}
    return (f"CAST({piece} AS TEXT)" if is_text else piece), 2


def _number(parameter: int, row: str) -> str:
    return f"CAST(substr(?{parameter}, {row}*{_DIGITS}+1, {_DIGITS}) AS INTEGER)"
