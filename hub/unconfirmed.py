"""Holders that have not confirmed an erasure (DOMAIN 7.3), for the officer who answers for personal information.

Pure functions of matters, as their events left them: what is missing is derived and never kept. An order is named by
its own stream; the record that it is about is told to nobody here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from contracts.event import Header
from contracts.ids import LeafIndex
from contracts.procedure_types import ERASES, Procedure
from hub.awaited import awaited
from hub.due_report import shanghai
from hub.matter import Matter
from hub.overdue import Procedures, Running, running


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """One holder of whom a confirmation is missing.

    Attributes:
        limit: The holder's limit; its side is the office.
        index: Ledger index of the order.
        order: The order.
        is_overdue: Whether the limit has ended.
    """

    limit: Running
    index: LeafIndex
    order: Header
    is_overdue: bool

    def to_json(self) -> dict[str, Any]:
        """Everything, for machines."""
        one = self.limit
        return {
            "office": one.side,
            "office_type": one.office_type,
            "region": one.region,
            "order": one.stream_id.hex(),
            "procedure": one.procedure,
            "ordered_by": self.order.producer_office,
            "ordered_at": shanghai(self.order.occurred_at),
            "index": self.index,
            "rule": one.rule,
            "due_at": shanghai(one.due_ms),
            "due_ms": one.due_ms,
            "overdue": self.is_overdue,
        }

    def lines(self) -> list[str]:
        """Everything, for people: one line for the holder, one for the order."""
        one = self.limit
        late = ", overdue" if self.is_overdue else ""
        return [
            f"{shanghai(one.due_ms)}{late}  {one.rule}  region {one.region}  {one.office_type} {one.side}",
            f"  order {one.stream_id.hex()}, ordered {shanghai(self.order.occurred_at)} at index {self.index}"
            f" by {self.order.producer_office}",
        ]


def unconfirmed(matters: Iterable[Matter], procedures: Procedures) -> Iterator[Running]:
    """List the limits of holders that an order to erase still waits for, in the order of the matters.

    Args:
        matters: As recorded.
        procedures: By (id, edition).
    """
    for matter in matters:
        procedure = procedures[matter.procedure, matter.edition]
        if orders_erasure(procedure):
            names = set(awaited(matter, procedure))
            yield from (one for one in running((matter,), procedures) if one.side in names)


def orders_erasure(procedure: Procedure) -> bool:
    """Whether matters of a procedure are orders to erase that holders confirm."""
    is_order = any(effect.does in ERASES and effect.on is not None for effect in procedure.effects.values())
    return is_order and any(row.confirms is not None for row in procedure.transitions)
