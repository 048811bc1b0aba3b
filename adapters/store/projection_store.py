"""Where the projections are kept: a SQLite file of its own, their place and their rows in one transaction.

Nothing here is the truth: `pprd projections rebuild` makes the file again from the ledger. A page of changes is saved
only on top of the place that it was derived from, so each entry counts exactly once, whoever is killed when. WAL with
synchronous=NORMAL: a kill loses nothing, a loss of power at most the last pages, which are derived again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from adapters.sqlite_file import transaction
from contracts.errors import ConflictError, FatalError, UnavailableError
from contracts.ids import Hash, OfficeId, StreamId
from hub.matter import pack, unpack
from hub.projections.counting import INDICATOR
from hub.projections.digest import digest_of
from hub.projections.projector import Place, RowChanges
from hub.projections.stream_record import StreamRecord, pack_words, unpack_words
from hub.projections.work_list import WorkRow

STREAMS_IN_MEMORY: Final = 20_000
_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one=1), position INTEGER NOT NULL, recorded_at"
    " INTEGER NOT NULL, form TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS streams (stream_id BLOB PRIMARY KEY, matter BLOB, words TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS work_list (office TEXT, due_ms INTEGER, stream_id BLOB, rule TEXT, kind TEXT NOT NULL,"
    " state TEXT NOT NULL, calendar_assumed INTEGER NOT NULL, PRIMARY KEY (office, due_ms, stream_id, rule)) WITHOUT"
    " ROWID",
    "CREATE TABLE IF NOT EXISTS findings (idx INTEGER PRIMARY KEY, what TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS indicators (name TEXT, office TEXT, month TEXT, n INTEGER NOT NULL, PRIMARY KEY (name,"
    " office, month)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS statistics (name TEXT, month TEXT, row_key TEXT, column_key TEXT, n INTEGER NOT NULL,"
    " PRIMARY KEY (name, month, row_key, column_key)) WITHOUT ROWID",
)
_KEYS: Final = {
    "work_list": "office, due_ms, stream_id, rule",
    "indicators": "name, office, month",
    "statistics": "name, month, row_key, column_key",
}
PROJECTIONS: Final = tuple(_KEYS)
"""Names of the projections."""


class Projection(NamedTuple):
    """One projection at a place.

    Attributes:
        name: One of `PROJECTIONS`.
        position: Entries that it holds.
        rows: Its rows in the order of their key; can be read once.
    """

    name: str
    position: int
    rows: Iterable[tuple[object, ...]]

    def digest(self) -> Hash:
        """The hash over all of it, see `hub.projections.digest`."""
        return digest_of(self.name, self.position, self.rows)


class ProjectionStore:
    """One file of projections; used from one thread.

    Args:
        path: The file; made if it is missing, unless it is only read.
        form: What the rows depend on besides the ledger; a file of another form is refused.
        read_only: Only read: a missing file is refused.

    Raises:
        UnavailableError: PROJECTIONS_MISSING; PROJECTIONS_OUTDATED: another form.
    """

    def __init__(self, path: Path, *, form: str, read_only: bool = False) -> None:
        self._form = form
        self._streams: dict[bytes, StreamRecord] = {}
        try:
            if read_only:
                self._db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=NORMAL")
                for statement in _TABLES:
                    self._db.execute(statement)
            found = self._db.execute("SELECT form FROM place").fetchone()
        except (OSError, sqlite3.Error) as error:
            raise UnavailableError("PROJECTIONS_MISSING", f"{path.name} cannot be opened: {error}") from error
        if found is not None and found[0] != form:
            self._db.close()
            raise UnavailableError("PROJECTIONS_OUTDATED", f"{path.name} was made from other tables or another form")

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- what a projector reads

    def place(self) -> Place:
        """How far the rows are."""
        row = self._one("SELECT position, recorded_at FROM place")
        return Place(0, 0) if row is None else Place(*row)

    def stream(self, stream_id: bytes) -> StreamRecord | None:
        """See `hub.projections.projector.Memory.stream`."""
        known = self._streams.get(stream_id)
        if known is not None:
            return known
        row = self._one("SELECT matter, words FROM streams WHERE stream_id=?", stream_id)
        return None if row is None else unpack_words(None if row[0] is None else unpack(row[0]), row[1])

    def listed(self, office: str) -> list[bytes]:
        """See `hub.projections.projector.Memory.listed`."""
        return [row[0] for row in self._all("SELECT DISTINCT stream_id FROM work_list WHERE office=?", office)]

    # -- writing

    def save(self, before: Place, changes: RowChanges, after: Place) -> None:
        """Save a page of changes with the place that it leads to, or nothing.

        Raises:
            ConflictError: PROJECTIONS_MOVED: somebody else saved first.
            FatalError: STORE_FAILED: whether it was saved is unknown; open the file again.
        """
        with transaction(self._db, "projector"):
            self._write(before, changes, after)
        self._remember(changes)

    def _write(self, before: Place, changes: RowChanges, after: Place) -> None:
        found = self.place()
        if found.position != before.position:
            raise ConflictError("PROJECTIONS_MOVED", f"the rows hold {found.position} entries, not {before.position}")
        many = self._db.executemany
        many(
            "INSERT OR REPLACE INTO streams VALUES (?,?,?)",
            [
                (stream_id, None if record.matter is None else pack(record.matter), pack_words(record))
                for stream_id, record in changes.streams.items()
            ],
        )
        gone = [key for key, row in changes.work.items() if row is None]
        many("DELETE FROM work_list WHERE office=? AND due_ms=? AND stream_id=? AND rule=?", gone)
        rows = [row for row in changes.work.values() if row is not None]
        many("INSERT OR REPLACE INTO work_list VALUES (?,?,?,?,?,?,?)", rows)
        for table, columns, keys in (("indicators", 3, True), ("statistics", 4, False)):
            added = [(*c[1:], n) for c, n in changes.counts.items() if n and (c[0] == INDICATOR) is keys]
            if added:
                marks = ",".join("?" * (columns + 1))
                many(
                    f"INSERT INTO {table} VALUES ({marks}) ON CONFLICT ({_KEYS[table]}) DO UPDATE SET n=n+excluded.n",
                    added,
                )
                self._db.execute(f"DELETE FROM {table} WHERE n=0")
        many("INSERT OR REPLACE INTO findings VALUES (?,?)", changes.findings)
        self._db.execute("INSERT OR REPLACE INTO place VALUES (1,?,?,?)", (*after, self._form))

    def _remember(self, changes: RowChanges) -> None:
        streams = self._streams
        for stream_id, record in changes.streams.items():
            streams.pop(stream_id, None)
            streams[stream_id] = record
        for stream_id in list(islice(streams, max(0, len(streams) - STREAMS_IN_MEMORY))):
            del streams[stream_id]

    # -- what people ask

    def work_list(self, office: str, *, after: tuple[int, bytes, str] | None, limit: int) -> list[WorkRow]:
        """A page of an office's work list, what is due first at the head.

        Args:
            office: Whose list.
            after: Due date, stream and rule of the row before the page; None for the first page.
            limit: Rows at most.
        """
        due_ms, stream_id, rule = (-1, b"", "") if after is None else after
        rows = self._all(
            "SELECT * FROM work_list WHERE office=? AND (due_ms, stream_id, rule) > (?,?,?)"
            " ORDER BY due_ms, stream_id, rule LIMIT ?",
            *(office, due_ms, stream_id, rule, limit),
        )
        return [
            WorkRow(OfficeId(o), due, StreamId(s), r, kind, state, bool(c)) for o, due, s, r, kind, state, c in rows
        ]

    def indicators(self, *, office: str | None = None, month: str | None = None) -> list[tuple[str, str, str, int]]:
        """Name, office, month and number, of one office or all, of one month or all."""
        return self._all(
            "SELECT * FROM indicators WHERE (?1 IS NULL OR office=?1) AND (?2 IS NULL OR month=?2)"
            " ORDER BY office, month, name",
            office,
            month,
        )

    def statistics(self, name: str, month: str) -> dict[tuple[str, str], int]:
        """What a table of a month counts, cell by cell; never to be shown as it is."""
        rows = self._all("SELECT row_key, column_key, n FROM statistics WHERE name=? AND month=?", name, month)
        return {(row, column): n for row, column, n in rows}

    def findings(self) -> list[tuple[int, str]]:
        """Entries that publish another table than follows from the ledger, and what is wrong with each."""
        return self._all("SELECT idx, what FROM findings ORDER BY idx")

    def months(self) -> list[str]:
        """The months of which anything was counted, ascending."""
        return [row[0] for row in self._all("SELECT DISTINCT month FROM statistics ORDER BY month")]

    def projection(self, name: str) -> Projection:
        """One projection as it is now, to take its digest."""
        rows = self._rows(f"SELECT * FROM {name} ORDER BY {_KEYS[name]}")
        return Projection(name, self.place().position, rows)

    def digests(self) -> tuple[Place, dict[str, Hash]]:
        """The digest of every projection at one place, whoever saves meanwhile.

        Raises:
            FatalError: STORE_FAILED.
        """
        self._one("BEGIN")
        try:
            place = self.place()
            return place, {name: self.projection(name).digest() for name in PROJECTIONS}
        finally:
            self._db.rollback()

    def _rows(self, statement: str) -> Iterator[tuple[object, ...]]:
        yield from self._db.execute(statement)

    def _one(self, statement: str, *parameters: object) -> Any:
        return self._read(statement, parameters).fetchone()

    def _all(self, statement: str, *parameters: object) -> list[Any]:
        return self._read(statement, parameters).fetchall()

    def _read(self, statement: str, parameters: Sequence[object]) -> sqlite3.Cursor:
        try:
            return self._db.execute(statement, parameters)
        except sqlite3.Error as error:
            raise FatalError("STORE_FAILED", f"the projections' file cannot be read: {error}") from error
