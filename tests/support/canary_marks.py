"""Marks of people who cannot exist, and the search for them in bytes of any kind. Pure of pytest.

A mark is a part of something personal that stands nowhere else in a run: whoever finds its bytes has found the person.
Texts are searched by their distinctive part, so that a text that was cut or wrapped is found too. `needles` writes a
mark in every encoding in which it could slip out; `find` looks for all of them.
"""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

NAME: Final = "测试甲一"
NEW_NAME: Final = "样例乙二"
NUMBER: Final = "450103185202290176"
"""A resident number of DOMAIN 3.6."""
BIRTH_DATE: Final = "2000-02-29"
UNREAL_NUMBER: Final = "45010318990228017X"
"""Outside the synthetic ranges and held by nobody: numbering began long after that year."""
PASSPORT: Final = "UTO-L90417263"
"""Of the specimen state."""
EMPLOYER_CODE: Final = "91440300PPRD00033U"
"""A code of DOMAIN 3.6 that no body can hold."""


class Mark(Enum):
    """What is searched, by what it is."""

    NAME = NAME
    NEW_NAME = NEW_NAME
    NUMBER = NUMBER[6:17]
    UNREAL_NUMBER = UNREAL_NUMBER[6:17]
    BIRTH_DATE = BIRTH_DATE
    ADDRESS = "标记甲巷七号"
    EMPLOYER = "标记乙工厂"
    REASONS = "标记丙理由"
    BAN = "标记丁禁令"
    TITLE = "标记戊文书"
    DOCUMENT = "标记己字九号"
    CONTENT = "CANARY-CONTENT-10"
    CERTIFICATE = "CANARY-CERTIFICATE-11"
    PERMIT = "CANARY-PERMIT-12"
    HOUSEHOLD = "标记辛户簿"
    ADMISSION = "CANARY-ADMISSION-13"
    MOVE_OUT = "CANARY-MOVE-OUT-14"
    WORK_PERMIT = "CANARY-WORK-PERMIT-15"
    QUESTION = "标记壬期间"
    PASSPORT = PASSPORT[4:]
    EMPLOYER_CODE = EMPLOYER_CODE
    TYPED_REASON = "标记庚因由"


ADDRESS: Final = f"样例市演示区{Mark.ADDRESS.value}三单元四零二"
REASON_TEXT: Final = f"按待办核对，{Mark.TYPED_REASON.value}，与本人陈述一致"
"""What an officer types before an opening."""

_TEXT_ENCODINGS: Final = ("utf-8", "utf-16-le", "utf-16-be", "gb18030")


class Found(NamedTuple):
    """A mark where it must not be.

    Attributes:
        place: A file, a cell of a table, a direction of a connection.
        mark: Which.
        encoding: How it was written.
    """

    place: str
    mark: Mark
    encoding: str


def needles(text: str) -> Mapping[bytes, str]:
    """Every way in which a text is searched: bytes, and the name of the way."""
    found: dict[bytes, str] = {}
    for name in _TEXT_ENCODINGS:
        raw = text.encode(name)
        written = {raw: name, raw.hex().encode(): f"hex of {name}", raw.hex().upper().encode(): f"HEX of {name}"}
        written |= {needle: f"base64 of {name}, alignment {at}" for at in range(3) for needle in _base64(raw, at)}
        found = written | found
    raw = text.encode()
    escaped = json.dumps(text)[1:-1]
    written = {
        quote(text, safe="").encode(): "percent",
        quote(text, safe="").lower().encode(): "percent, lower case",
        escaped.encode(): "JSON escapes",
        "".join(f"\\u{ord(char):04X}" if ord(char) > 127 else char for char in text).encode(): "JSON ESCAPES",
        repr(raw)[2:-1].encode(): "Python escapes",
        "".join(f"\\{byte:03o}" for byte in raw).encode(): "octal escapes",
        raw.decode("latin-1").encode(): "UTF-8 taken for Latin-1",
    }
    return written | found


def _base64(raw: bytes, alignment: int) -> Iterator[bytes]:
    """What is certain of base64 text in which these bytes begin at an offset, whatever stands around them."""
    text = base64.b64encode(bytes(alignment) + raw)
    first = -(-8 * alignment // 6)
    last = 8 * (alignment + len(raw)) // 6
    yield text[first:last]
    yield text[first:last].replace(b"+", b"-").replace(b"/", b"_")


@cache
def _all_needles() -> Sequence[tuple[bytes, Mark, str]]:
    return [(needle, mark, name) for mark in Mark for needle, name in needles(mark.value).items()]


def find(data: bytes, place: str) -> list[Found]:
    """Every mark in some bytes."""
    return [Found(place, mark, encoding) for needle, mark, encoding in _all_needles() if needle in data]


def find_in_files(files: Iterable[Path], root: Path) -> list[Found]:
    """Every mark in the bytes and names of files, and in every cell of those that are SQLite databases.

    Args:
        files: To be searched.
        root: Places are told from here.
    """
    listed = list(files)
    found: list[Found] = []
    for path in listed:
        place = str(path.relative_to(root))
        found += find(path.read_bytes(), place) + find(place.encode(), f"name of {place}")
    # A long value is split over pages, and a mark over two of them: cells are whole. Looked at last, for who opens a
    # database may move its pages.
    for path in filter(is_database, listed):
        for column, cells in cells_of(path).items():
            found += find(cells, f"{path.relative_to(root)} {column}")
    return found


def files_below(folder: Path, *, without: Iterable[Path] = ()) -> list[Path]:
    """All files below a folder, except those below some of its folders."""
    left_out = tuple(without)
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(path.is_relative_to(one) for one in left_out)
    ]


def is_database(path: Path) -> bool:
    """Whether a file is there and is a SQLite database."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def cells_of(path: Path) -> dict[str, bytes]:
    """All cells of each column of a database, joined; by `table.column`."""
    found: dict[str, bytes] = {}
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall():
            for column in [row[1] for row in db.execute(f'PRAGMA table_info("{table}")')]:
                rows = db.execute(f'SELECT CAST("{column}" AS BLOB) FROM "{table}" WHERE "{column}" IS NOT NULL')
                found[f"{table}.{column}"] = b"\0".join(cell for (cell,) in rows)
    return found
