"""What was delivered to a region: every notification once, in the order of its delivery point, and where points stand.

Notifications, running hashes and standings of many points move in one transaction. What follows from a notification is
made by whoever reads on from the row where he stands, and saves that row with his result. Plain rows in the region's
file and not a process recorder of `eventsourcing`: its tracking keeps one position of one upstream application a call
and lets positions jump, while here one transaction moves many points, none may jump, and each has a running hash.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from adapters.region.database import RegionDatabase
from contracts.errors import FatalError
from contracts.ids import Hash, KeyId, LeafIndex, PointId
from hub.delivery_receipt import DeliveryReceipt
from hub.notification import Received

_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS inbox_points (point TEXT PRIMARY KEY, n INTEGER NOT NULL, head BLOB NOT NULL)"
    " WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS inbox (id INTEGER PRIMARY KEY, point TEXT NOT NULL, n INTEGER NOT NULL, idx INTEGER NOT"
    " NULL, event BLOB NOT NULL, head BLOB NOT NULL, received_at INTEGER NOT NULL, UNIQUE (point, n))",
    "CREATE TABLE IF NOT EXISTS signed_receipts (point TEXT, n INTEGER, head BLOB NOT NULL, received_ms INTEGER NOT"
    " NULL, key_id BLOB NOT NULL, signature BLOB NOT NULL, PRIMARY KEY (point, n)) WITHOUT ROWID",
)


class StoredNotification(NamedTuple):
    """A notification as it is kept.

    Attributes:
        row: Ascends in the order of storing; where a reader stands.
        point: The delivery point.
        n: Its counter there.
        leaf_index: Ledger index of the event.
        event: The event's bytes, as signed.
        received_at: When it was stored, milliseconds since the epoch.
    """

    row: int
    point: PointId
    n: int
    leaf_index: LeafIndex
    event: bytes
    received_at: int


class RegionInboxStore:
    """`adapters.nats.intake.InboxStore` in the region's file; used from the thread of its database.

    Args:
        database: The region's file.
        now_ms: The region's clock, milliseconds since the epoch.
    """

    def __init__(self, database: RegionDatabase, *, now_ms: Callable[[], int]) -> None:
        self._db = database
        self._now_ms = now_ms
        with database.transaction():
            for statement in _TABLES:
                database.write(statement)

    def standings(self) -> dict[PointId, tuple[int, Hash]]:
        """See `InboxStore.standings`."""
        rows = self._db.all("SELECT point, n, head FROM inbox_points")
        return {PointId(point): (n, Hash(head)) for point, n, head in rows}

    def head_at(self, point: PointId, n: int) -> Hash | None:
        """See `InboxStore.head_at`."""
        row = self._db.one("SELECT head FROM inbox WHERE point=? AND n=?", point, n)
        return None if row is None else Hash(row[0])

    def store(self, received: Sequence[Received]) -> None:
        """See `InboxStore.store`.

        Raises:
            FatalError: STORE_FAILED: whether this is stored is unknown, or a counter was stored before.
                STORE_DAMAGED: a counter is left out. Nothing is stored then.
        """
        by_point: dict[PointId, list[Received]] = {}
        for row in received:
            by_point.setdefault(row.point, []).append(row)
        received_at = self._now_ms()
        with self._db.transaction():
            for point, rows in by_point.items():
                self._move(point, rows)
            self._db.write_many(
                "INSERT INTO inbox (point, n, idx, event, head, received_at) VALUES (?,?,?,?,?,?)",
                [(row.point, row.n, row.leaf_index, row.event, row.head, received_at) for row in received],
            )

    def _move(self, point: PointId, rows: Sequence[Received]) -> None:
        """Move a point on, if its new notifications begin where it stands and none is left out."""
        n, last = rows[0].n, rows[-1]
        if n == 1:
            moved = self._db.write("INSERT INTO inbox_points VALUES (?,?,?)", point, last.n, last.head)
        else:
            moved = self._db.write(
                "UPDATE inbox_points SET n=?, head=? WHERE point=? AND n=?", last.n, last.head, point, n - 1
            )
        if not moved or [row.n for row in rows] != list(range(n, n + len(rows))):
            raise FatalError("STORE_DAMAGED", f"{point} does not stand before {n}, or a counter after it is left out")

    def keep_receipts(self, receipts: Sequence[DeliveryReceipt]) -> None:
        """See `InboxStore.keep_receipts`.

        Raises:
            FatalError: STORE_FAILED.
        """
        with self._db.transaction():
            self._db.write_many("INSERT OR IGNORE INTO signed_receipts VALUES (?,?,?,?,?,?)", list(receipts))

    def receipts(self, point: PointId) -> list[DeliveryReceipt]:
        """The first receipt that was signed for each counter of a point, ascending."""
        rows = self._db.all("SELECT * FROM signed_receipts WHERE point=? ORDER BY n", point)
        return [
            DeliveryReceipt(PointId(name), n, Hash(head), received_ms, KeyId(key_id), signature)
            for name, n, head, received_ms, key_id, signature in rows
        ]

    def received_after(self, row: int, limit: int) -> list[StoredNotification]:
        """Notifications stored after a row, in the order of storing."""
        rows = self._db.all(
            "SELECT id, point, n, idx, event, received_at FROM inbox WHERE id>? ORDER BY id LIMIT ?", row, limit
        )
        return [
            StoredNotification(i, PointId(point), n, LeafIndex(idx), event, at) for i, point, n, idx, event, at in rows
        ]

    def count(self) -> int:
        """Notifications stored."""
        return int(self._db.one("SELECT count(*) FROM inbox")[0])
