"""Duties past due: what the offices of a region should have done by now. A pure function of the matters.

A due date is never stored: it is derived from the event that started the duty (`hub.duty`). Only duties of offices
count; a person's window, a retention limit and what time itself does are not listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from contracts.deadline import Kind
from contracts.ids import EventId, RegionCode, StreamId
from contracts.procedure_types import Procedure
from hub.duty import duty_due
from hub.matter import Matter


class Overdue(NamedTuple):
    """One duty that is past due.

    Attributes:
        rule: Id of its rule.
        procedure: Of the matter.
        side: Whose it is.
        office_type: Type of the office whose it is.
        region: Region of the side.
        due_ms: When it was due, milliseconds.
        stream_id: The matter.
        started_by: The event that started it.
    """

    rule: str
    procedure: str
    side: str
    office_type: str
    region: RegionCode
    due_ms: int
    stream_id: StreamId
    started_by: EventId


def overdue(
    matters: Iterable[Matter], procedures: Mapping[tuple[str, int], Procedure], now_ms: int
) -> Iterator[Overdue]:
    """List the duties that are open and past due.

    Args:
        matters: As recorded, for example unpacked from a store's.
        procedures: By (id, edition).
        now_ms: Milliseconds; a duty is overdue from the instant at which it was due.

    Yields:
        In the order of the matters, then of their duties.
    """
    for matter in matters:
        for duty in matter.duties:
            region = matter.region_of(duty.side) or matter.opened_region
            due = duty_due(procedures[matter.procedure, matter.edition], duty, region)
            if due.kind is Kind.DUTY and due.due_ms <= now_ms:
                yield Overdue(
                    duty.rule,
                    matter.procedure,
                    duty.side,
                    duty.office_type,
                    region,
                    due.due_ms,
                    matter.stream_id,
                    duty.started_by,
                )
