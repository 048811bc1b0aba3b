"""What time itself does to a matter: transitions that a rule makes due, and duties that were missed.

Pure: given a matter and a time, the events that are due. Their ids follow from what made them due, so recording the
same thing twice is recognised as a repeat, also after a fault. Due dates are derived (`contracts.deadline`), never
stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from contracts.deadline import Kind
from contracts.ids import EventId, StreamId, uuid7
from contracts.procedure_types import Procedure
from hub.duty import duty_due
from hub.matter import Duty, Matter
from hub.own_batch import HubDraft


def due(matter: Matter, procedures: Mapping[tuple[str, int], Procedure], now_ms: int) -> Iterator[HubDraft]:
    """Yield the events that time has made due for one matter.

    Args:
        matter: As recorded.
        procedures: In force, by (id, edition).
        now_ms: Hub time, milliseconds.
    """
    procedure = procedures[matter.procedure, matter.edition]
    for duty in matter.duties:
        yield from _missed(procedure, matter, duty, now_ms)


def _missed(procedure: Procedure, matter: Matter, duty: Duty, now_ms: int) -> Iterator[HubDraft]:
    region = matter.region_of(duty.side) or matter.opened_region
    limit = duty_due(procedure, duty, region)
    if limit.kind is not Kind.DUTY or limit.due_ms > now_ms:
        return
    id_ = derived_id("missed", duty, limit.due_ms)
    yield HubDraft(
        "DeadlineMissed",
        "DUTY",
        {"rule": duty.rule, "region": region, "due_ms": limit.due_ms},
        stream_id=StreamId(id_),
        causation_id=duty.started_by,
        event_id=EventId(id_),
    )


def derived_id(what: str, duty: Duty, at_ms: int) -> bytes:
    """The id of what a duty made happen: the same every time, so that it cannot be recorded twice."""
    cause = b"\0".join((b"pprd-timer/v1", what.encode(), duty.rule.encode(), duty.started_by))
    return uuid7(unix_ms=at_ms, entropy=hashlib.sha256(cause).digest()[:10])
