"""The orders that a region was told of, and how far each was carried out here.

An order is about one record (ADR 0032). What is due follows from these rows alone: one without `done_at` is not carried
out, one without `confirmed_at` not confirmed, so a gateway that was killed goes on where it stopped. The views
`sealed_streams` and `closed_streams` tell what that means for other tables; what they hold is kept in memory too, as
every draft asks and nobody but `learn` changes it. Not here: carrying out (`orders`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from adapters.region.database import RegionDatabase
from adapters.region.region_store import RegionStore
from contracts.ids import EventId, LeafIndex, StreamId

_MARK: Final = "orders_row"
_COLUMNS: Final = "order_id, event_id, does, target, idx"


class Ordered(NamedTuple):
    """An order about a record.

    Attributes:
        order_id: Its own stream.
        event_id: The event that orders.
        does: What it does to content, one of `contracts.procedure_types.EFFECTS`.
        target: The stream of the record.
        leaf_index: Ledger index of the event.
    """

    order_id: StreamId
    event_id: EventId
    does: str
    target: StreamId
    leaf_index: LeafIndex


class OrderStore:
    """The orders in `region.sqlite`; called from one thread only.

    Args:
        database: The region's file.
        region: For the place in the inbox.
    """

    def __init__(self, database: RegionDatabase, region: RegionStore) -> None:
        self._db = database
        self._region = region
        self._look()

    def _look(self) -> None:
        """Read which streams are under orders."""
        self._sealed, self._closed = (
            frozenset(target for (target,) in self._db.all(f"SELECT target FROM {view}"))
            for view in ("sealed_streams", "closed_streams")
        )

    @property
    def row(self) -> int:
        """The row of the inbox up to which orders are known here."""
        return int.from_bytes(self._region.mark(_MARK) or b"", "big")

    def learn(self, orders: Sequence[Ordered], row: int, now_ms: int) -> None:
        """Keep orders and the row of the inbox up to which there are no others, together."""
        with self._db.transaction():
            self._db.write_many(
                f"INSERT OR IGNORE INTO orders ({_COLUMNS}, learned_at) VALUES (?,?,?,?,?,?)",
                [(*order, now_ms) for order in orders],
            )
            self._region.write_mark(_MARK, row.to_bytes(8, "big"))
        if orders:
            self._look()

    def to_do(self) -> list[Ordered]:
        """What is not carried out, in the order of the ledger."""
        return self._select("done_at IS NULL")

    def to_confirm(self) -> list[Ordered]:
        """What is carried out and not confirmed, in the order of the ledger."""
        return self._select("done_at IS NOT NULL AND confirmed_at IS NULL")

    def _select(self, where: str) -> list[Ordered]:
        rows = self._db.all(f"SELECT {_COLUMNS} FROM orders WHERE {where} ORDER BY idx")
        return [Ordered._make(row) for row in rows]

    def write_done(self, order: Ordered, now_ms: int) -> None:
        """Note that an order is carried out, as a part of the transaction that does it."""
        self._db.write("UPDATE orders SET done_at=? WHERE order_id=?", now_ms, order.order_id)

    def confirmed(self, order: Ordered, now_ms: int) -> None:
        """Note that no office of this region has to confirm an order any more, durable on return."""
        with self._db.transaction():
            self._db.write("UPDATE orders SET confirmed_at=? WHERE order_id=?", now_ms, order.order_id)

    def is_sealed(self, stream_id: bytes) -> bool:
        """Whether the last order that is known here about the seal of a stream sealed it."""
        return stream_id in self._sealed

    def is_closed(self, stream_id: bytes) -> bool:
        """Whether an order that is known here erased the content of a stream for good."""
        return stream_id in self._closed

    def may_hold(self, stream_id: bytes) -> bool:
        """Whether content of a stream may be kept here, even for a moment."""
        return not self.is_closed(stream_id) and not self.is_sealed(stream_id)
