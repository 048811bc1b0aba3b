"""Changes of divisions and offices from CSV: every mistake is told at once, with its line, and then nothing is
recorded.

Divisions, one row for each division that begins, rows of one change with the same `change`; a change that begins
nothing has one row with an empty `code`; codes that end or go on are joined by `;` in its first row:

    change,kind,valid_from,before,code,level,name,parent,is_without_county

Offices, one row each, areas joined by `;`, the key as hex digits; an office without an id gets a fresh one:

    office,region,type,point,areas,public_key,uscc

A reason names the field and never repeats what stands in it. Not here: what the directory accepts (`hub.directory`).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from adapters.compose.directory_changes import copy_of
from adapters.compose.parts import SystemClock, SystemEntropy
from adapters.compose.registration import fresh_office
from contracts.errors import ContractError, ExchangeError
from contracts.event import decode_event
from contracts.ids import LeafIndex
from contracts.office_type import OfficeType
from contracts.suite import SUITES, office_key
from hub.application import Application
from hub.own_batch import HubBatchMaker, HubDraft

DIVISION_COLUMNS: Final = (
    "change",
    "kind",
    "valid_from",
    "before",
    "code",
    "level",
    "name",
    "parent",
    "is_without_county",
)
"""Columns of a file of changes of divisions."""
OFFICE_COLUMNS: Final = ("office", "region", "type", "point", "areas", "public_key", "uscc")
"""Columns of a file of offices."""

_PROCEDURE: Final = "DIRECTORY"
_Row = Mapping[str, str]


class Mistake(NamedTuple):
    """One thing that is wrong in a file.

    Attributes:
        line: Line of the file, the header being 1.
        code: Code of the refusal.
        reason: What is wrong, without what was written there.
    """

    line: int
    code: str
    reason: str


class Line(NamedTuple):
    """A draft with the line on which it begins."""

    number: int
    draft: HubDraft


def read_divisions(path: Path) -> tuple[list[Line], list[Mistake]]:
    """Read changes of divisions.

    Raises:
        ContractError: REGISTER_MALFORMED: the file cannot be read or has other columns.
    """
    changes: dict[str, list[tuple[int, _Row]]] = {}
    for number, row in _rows(path, DIVISION_COLUMNS):
        changes.setdefault(row["change"], []).append((number, row))
    return _drafts(((rows[0][0], rows) for rows in changes.values()), _division_change)


def read_offices(path: Path) -> tuple[list[Line], list[Mistake]]:
    """Read offices.

    Raises:
        ContractError: REGISTER_MALFORMED: the file cannot be read or has other columns.
    """
    return _drafts(((number, [(number, row)]) for number, row in _rows(path, OFFICE_COLUMNS)), _office)


def check(application: Application, lines: Sequence[Line]) -> list[Mistake]:
    """Apply drafts to a copy of the directory, each as if those without a mistake before it were recorded."""
    directory, registry = copy_of(application), application.rules.registry
    maker = HubBatchMaker(application.rules, SystemEntropy(), SystemClock().now_ms())
    index = int(application.reader.size())
    mistakes = []
    for line in lines:
        try:
            (event,) = maker.events([line.draft], {})
            header = decode_event(event)
            directory.apply(LeafIndex(index), header, registry.decode_body(header.body)[1])
            index += 1
        except ExchangeError as error:
            mistakes.append(_mistake(line.number, error))
    return mistakes


def refuse(path: Path, mistakes: Sequence[Mistake]) -> None:
    """Refuse a file that has mistakes.

    Raises:
        ContractError: REGISTER_MALFORMED, with every mistake on a line of its own.
    """
    if mistakes:
        told = "".join(f"\n  {path.name}:{m.line}: {m.reason} ({m.code})" for m in sorted(mistakes))
        raise ContractError("REGISTER_MALFORMED", f"{len(mistakes)} mistakes, nothing was recorded{told}")


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, _Row]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError("REGISTER_MALFORMED", f"{path} cannot be read as UTF-8 text") from error
    reader = csv.reader(text.splitlines())
    if tuple(next(reader, ())) != tuple(columns):
        raise ContractError("REGISTER_MALFORMED", f"{path}: the first line is {','.join(columns)}")
    for values in reader:
        if values:
            cells = [*values, *[""] * len(columns)]
            yield reader.line_num, dict(zip(columns, cells, strict=False)) | {"": str(len(values))}


def _drafts(
    groups: Iterator[tuple[int, list[tuple[int, _Row]]]], make: Callable[[list[tuple[int, _Row]]], HubDraft]
) -> tuple[list[Line], list[Mistake]]:
    lines, mistakes = [], []
    for number, rows in groups:
        try:
            for at, row in rows:
                if int(row[""]) != len(row) - 1:
                    raise _WrongRow(at, "another number of cells than the first line")
            lines.append(Line(number, make(rows)))
        except _WrongRow as wrong:
            mistakes.append(Mistake(wrong.line, "REGISTER_MALFORMED", wrong.reason))
    return lines, mistakes


class _WrongRow(Exception):  # noqa: N818 - no error of ours: it becomes a `Mistake`
    def __init__(self, line: int, reason: str) -> None:
        super().__init__()
        self.line = line
        self.reason = reason


def _division_change(rows: list[tuple[int, _Row]]) -> HubDraft:
    _, first = rows[0]
    after = [_division(number, row) for number, row in rows if row["code"]]
    body = {
        "kind": first["kind"],
        "valid_from": first["valid_from"],
        "before": [code for code in first["before"].split(";") if code],
        "after": after,
    }
    return HubDraft("DivisionChanged", _PROCEDURE, body)


def _division(number: int, row: _Row) -> dict[str, Any]:
    if row["level"] not in {"2", "3", "4", "5"}:
        raise _WrongRow(number, "level is 2, 3, 4 or 5")
    if row["is_without_county"] not in {"", "true", "false"}:
        raise _WrongRow(number, "is_without_county is true, false or empty")
    names = ("code", "name", "parent")
    return {name: row[name] for name in names} | {
        "level": int(row["level"]),
        "is_without_county": row["is_without_county"] == "true",
    }


def _office(rows: list[tuple[int, _Row]]) -> HubDraft:
    ((number, row),) = rows
    if row["type"] not in {kind.value for kind in OfficeType}:
        raise _WrongRow(number, "type is no type of office")
    try:
        public = bytes.fromhex(row["public_key"])
    except ValueError:
        public = b""
    if len(public) not in {suite.public_bytes for suite in SUITES.values()}:
        raise _WrongRow(number, "public_key is no key of a suite, in hex digits")
    body = {
        "office": row["office"] or fresh_office(),
        "region": row["region"],
        "office_type": row["type"],
        "point": row["point"],
        "areas": [area for area in row["areas"].split(";") if area],
        "uscc": row["uscc"],
        **office_key(public),
    }
    return HubDraft("OfficeRegistered", _PROCEDURE, body)


def _mistake(number: int, error: ExchangeError) -> Mistake:
    where = f"{error.field}: " if error.field else ""
    return Mistake(number, error.code, where + error.message)
