"""Places of new ledgers, all of a test on one kind of store: files of SQLite, or schemas of a real PostgreSQL.

    place = places.new(tmp_path)              # the fixture `places` gives one kind after the other
    with closing(open_store(place)) as store:
        ...
    assert places.holding(place, pieces) == []   # no file of the store holds one of these bytes

Pure of pytest.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from adapters.store.opening import LEDGER_FILE, LEDGER_POINTER
from adapters.store.pointer import Pointer, read_pointer, write_pointer

if TYPE_CHECKING:
    from tests.support.postgres_server import PostgresServer


@dataclass(frozen=True, slots=True)
class LedgerPlaces:
    """Makes places on one kind of store.

    Attributes:
        server: Where the ledgers are; None keeps each in a file.
    """

    server: PostgresServer | None = None

    def new(self, folder: Path) -> Path:
        """The place of a new ledger in a hub's folder, which is made if it is missing; one for each folder."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.server is None:
            return folder / LEDGER_FILE
        place = folder / LEDGER_POINTER
        write_pointer(place, Pointer(self.server.conninfo, self.server.fresh_schema()))
        return place

    def settings(self) -> Mapping[str, str]:
        """What `HubSettings` are told so that `pprd init` makes a ledger here."""
        if self.server is None:
            return {}
        return {"store": self.server.conninfo, "store_schema": self.server.fresh_schema()}

    def holding(self, place: Path, pieces: Iterable[bytes]) -> Sequence[str]:
        """Files of the store, of whatever kind, that hold one of these bytes anywhere.

        Of a server that is every file that it keeps, so pieces have to be those of one test.
        """
        pieces = list(pieces)
        if self.server is None:
            files = sorted(place.parent.glob(place.name + "*"))
        else:
            files = sorted(path for path in self.server.data.rglob("*") if path.is_file())
        return [file.name for file in files if _holds(file, pieces)]

    @contextmanager
    def reader(self, place: Path, table: str) -> Iterator[None]:
        """Somebody who has read a table of a ledger and does not end his transaction."""
        if self.server is None:
            with closing(sqlite3.connect(place, isolation_level=None)) as file:
                file.execute("BEGIN")
                file.execute(f"SELECT count(*) FROM {table}").fetchone()
                yield
            return
        import psycopg

        pointer = read_pointer(place)
        with closing(psycopg.connect(pointer.conninfo)) as db:
            db.execute(f"SELECT count(*) FROM {pointer.schema}.{table}".encode()).fetchone()
            yield

    def cut(self) -> None:
        """End every connection to the server, as a network that fails does."""
        import psycopg

        if self.server is None:
            raise AssertionError("a file has no connections")
        with psycopg.connect(self.server.conninfo) as db:
            db.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )


def run_sql(place: Path, statement: str) -> list[tuple[Any, ...]]:
    """Ask or change a ledger behind its hub's back; gives the rows, if there are any."""
    if place.name == LEDGER_FILE:
        with closing(sqlite3.connect(place)) as file:
            rows = file.execute(statement).fetchall()
            file.commit()
            return rows
    import psycopg

    pointer = read_pointer(place)
    with psycopg.connect(pointer.conninfo, options=f"-c search_path={pointer.schema}") as db:
        cursor = db.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


ON_SQLITE: Final = LedgerPlaces()
"""A file for each ledger."""


def _holds(file: Path, pieces: Sequence[bytes]) -> bool:
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return False  # a server removes files whenever it likes
    return any(piece in data for piece in pieces)
