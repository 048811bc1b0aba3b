"""The file of a region, read by somebody who judges it: what a point holds, what its region signed, its directory.

Read-only, and on the file alone: neither the region's programs nor a hub are asked.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from contracts.errors import UnavailableError
from contracts.event import leaf_hash
from contracts.ids import Hash, KeyId, LeafIndex, PointId
from hub.completeness import Held
from hub.delivery_receipt import DeliveryReceipt


class InboxFile:
    """One `region.sqlite`.

    Args:
        db: An open connection.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")}

    def held(self, point: PointId) -> Iterator[Held]:
        """What a point holds, ascending by counter."""
        rows = self._rows("inbox", "SELECT n, idx, CAST(event AS BLOB) FROM inbox WHERE point=? ORDER BY n", point)
        return (Held(n, LeafIndex(index), leaf_hash(event or b"")) for n, index, event in rows)

    def receipts(self, point: PointId) -> list[DeliveryReceipt]:
        """What the region signed for a point, ascending by counter; nothing of it is checked."""
        rows = self._rows(
            "signed_receipts",
            "SELECT n, CAST(head AS BLOB), received_ms, CAST(key_id AS BLOB), CAST(signature AS BLOB)"
            " FROM signed_receipts WHERE point=? ORDER BY n",
            point,
        )
        return [
            DeliveryReceipt(point, n, Hash(head), received_ms, KeyId(key_id), signature)
            for n, head, received_ms, key_id, signature in rows
        ]

    def directory_events(self) -> Iterator[tuple[LeafIndex, bytes]]:
        """The directory as the region has checked it: ledger index and event bytes, in order."""
        rows = self._rows("directory_events", "SELECT idx, CAST(event AS BLOB) FROM directory_events ORDER BY idx")
        return ((LeafIndex(index), event) for index, event in rows)

    def stream_events(self) -> Iterator[tuple[LeafIndex, bytes]]:
        """Every event that the region recorded, was told of or fetched, ascending by ledger index, each once."""
        known: set[int] = set()
        for table in ("stream_events", "inbox"):
            for index, event in self._rows(table, f"SELECT idx, CAST(event AS BLOB) FROM {table} ORDER BY idx"):
                if index not in known:
                    known.add(index)
                    yield LeafIndex(index), event

    def received_through(self) -> LeafIndex:
        """The ledger index up to which every delivery point that got anything has received; 0 if none did."""
        rows = self._rows("inbox", "SELECT min(last) FROM (SELECT max(idx) AS last FROM inbox GROUP BY point)")
        return LeafIndex(next(rows, (0,))[0] or 0)

    def _rows(self, table: str, statement: str, *parameters: object) -> Iterator[tuple[Any, ...]]:
        return iter(()) if table not in self._tables else iter(self._db.execute(statement, parameters))


@contextmanager
def inbox_file(path: Path) -> Iterator[InboxFile]:
    """Open the file of a region for reading.

    Raises:
        UnavailableError: SOURCE_UNREADABLE: it is not there, or cannot be read as a region's file.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as db:
            yield InboxFile(db)
    except sqlite3.Error as error:
        raise UnavailableError("SOURCE_UNREADABLE", f"{path} cannot be read as a region's file: {error}") from error
