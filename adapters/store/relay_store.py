"""What the relay remembers: how far it published, how the streams stood, what the regions signed for.

A file of its own: the hub's is only read. Place and streams move in one transaction. WAL with synchronous=NORMAL: a
kill of the process loses nothing, a loss of power at most the last writes, and an older place only means that runs are
published again under the same message ids. Plain `sqlite3`: there are no events here for an event store to keep.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from adapters.sqlite_file import open_file, transaction
from contracts.errors import FatalError
from contracts.ids import Hash, PointId
from hub.delivery_receipt import DeliveryReceipt

_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one=1), run_id INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS streams (name TEXT PRIMARY KEY, created TEXT NOT NULL, last_seq INTEGER NOT NULL)"
    " WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS receipts (point TEXT PRIMARY KEY, n INTEGER NOT NULL, head BLOB NOT NULL, received_ms"
    " INTEGER NOT NULL, message BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS receipt_log (point TEXT, n INTEGER, received_ms INTEGER NOT NULL, message BLOB NOT"
    " NULL, PRIMARY KEY (point, n)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS disagreements (point TEXT, n INTEGER, head BLOB, ledger_head BLOB, message BLOB NOT"
    " NULL, PRIMARY KEY (point, n, head)) WITHOUT ROWID",
)
_LOG: Final = "SELECT CAST(message AS BLOB) FROM receipt_log WHERE point=? ORDER BY n"


class SqliteRelayStore:
    """`adapters.nats.relay.RelayStore` on one SQLite file; used from one thread.

    Args:
        path: The file; made with its folder if it is missing.

    Raises:
        UnavailableError: STORE_MISSING: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._connection = open_file(path, pragmas=("synchronous=NORMAL",), tables=_TABLES)

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def place(self) -> int:
        """See `PlaceStore.place`."""
        rows = self._all("SELECT run_id FROM place")
        return int(rows[0][0]) if rows else 0

    def streams(self) -> Mapping[str, tuple[str, int]]:
        """See `PlaceStore.streams`."""
        return {name: (created, last_seq) for name, created, last_seq in self._all("SELECT * FROM streams")}

    def save(self, place: int, streams: Mapping[str, tuple[str, int]]) -> None:
        """See `PlaceStore.save`."""
        with transaction(self._connection, "relay"):
            self._connection.execute("INSERT OR REPLACE INTO place VALUES (1,?)", (place,))
            self._connection.executemany(
                "INSERT OR REPLACE INTO streams VALUES (?,?,?)", [(name, *mark) for name, mark in streams.items()]
            )

    def receipted(self) -> Mapping[PointId, int]:
        """See `ReceiptedStore.receipted`."""
        return {PointId(point): n for point, n in self._all("SELECT point, n FROM receipts")}

    def keep_receipt(self, receipt: DeliveryReceipt, message: bytes) -> None:
        """See `ReceiptStore.keep_receipt`."""
        with transaction(self._connection, "relay"):
            self._connection.execute(
                "INSERT INTO receipts VALUES (?,?,?,?,?) ON CONFLICT (point) DO UPDATE SET n=excluded.n,"
                " head=excluded.head, received_ms=excluded.received_ms, message=excluded.message"
                " WHERE excluded.n > receipts.n",
                (receipt.point, receipt.n, receipt.head, receipt.received_ms, message),
            )
            # The first word for a counter stands: a region that starts again says the last one again, later.
            self._connection.execute(
                "INSERT OR IGNORE INTO receipt_log VALUES (?,?,?,?)",
                (receipt.point, receipt.n, receipt.received_ms, message),
            )

    def keep_disagreement(self, receipt: DeliveryReceipt, ledger_head: Hash | None, message: bytes) -> None:
        """See `ReceiptStore.keep_disagreement`."""
        with transaction(self._connection, "relay"):
            self._connection.execute(
                "INSERT OR IGNORE INTO disagreements VALUES (?,?,?,?,?)",
                (receipt.point, receipt.n, receipt.head, ledger_head, message),
            )

    def receipts(self) -> Mapping[PointId, tuple[int, Hash, int]]:
        """Counter, running hash and time of the last receipt of each delivery point."""
        rows = self._all("SELECT point, n, head, received_ms FROM receipts")
        return {PointId(point): (n, Hash(head), received_ms) for point, n, head, received_ms in rows}

    def receipt_log(self, point: PointId) -> list[bytes]:
        """The first receipt of a delivery point for each counter, as it arrived, ascending by counter."""
        return [bytes(row[0]) for row in self._all(_LOG, point)]

    def disagreements(self) -> list[tuple[PointId, int]]:
        """Points and counters where a region signed for another head than the ledger's."""
        return [(PointId(point), n) for point, n in self._all("SELECT point, n FROM disagreements")]

    def _all(self, statement: str, *parameters: object) -> list[Any]:
        try:
            return self._connection.execute(statement, parameters).fetchall()
        except sqlite3.Error as error:
            raise FatalError("STORE_FAILED", f"the relay's store cannot be read: {error}") from error
