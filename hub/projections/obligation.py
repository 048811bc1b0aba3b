"""A duty with the office that owes it and its end: `Obligation`, and which of them an event met or missed.

A duty was met in time if the event that ends it was recorded before it fell due, and missed if `DeadlineMissed` is
recorded, or if the event that ends it was recorded later and no miss was: exactly one of the two, whatever the hub's
timers did meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from contracts.deadline import Kind
from contracts.ids import OfficeId, RegionCode
from contracts.procedure_types import RETENTION, Procedure
from hub.directory import Directory
from hub.duty import due_in
from hub.matter import Duty, Matter
from hub.projections.step import Step
from hub.task import NOBODY, owing

__all__ = ["NOBODY", "Obligation", "ended", "obligation", "obligations", "owing"]


class Obligation(NamedTuple):
    """A duty of an office.

    Attributes:
        duty: As it runs in the matter.
        office: Who owes it; `NOBODY` if no office serves its county.
        region: Region of its side.
        due_ms: The first instant that is too late, milliseconds.
        calendar_assumed: Whether a year without calendar was met on the way there.
    """

    duty: Duty
    office: OfficeId
    region: RegionCode
    due_ms: int
    calendar_assumed: bool


def obligations(procedure: Procedure, matter: Matter, directory: Directory, at_ms: int) -> Iterator[Obligation]:
    """The open duties of offices in a matter at an instant; a person's window and an effect of time are none."""
    for duty in matter.duties:
        if duty.rule != RETENTION:
            found = obligation(procedure, matter, duty, directory, at_ms)
            if found is not None:
                yield found


def obligation(procedure: Procedure, matter: Matter, duty: Duty, directory: Directory, at_ms: int) -> Obligation | None:
    """A duty with its office and its end, None where the limit is no office's."""
    due = due_in(procedure, matter, duty)
    if due.kind is not Kind.DUTY:
        return None
    region = matter.region_of(duty.side) or matter.opened_region
    return Obligation(duty, owing(matter, duty, directory, at_ms), region, due.due_ms, due.calendar_assumed)


def ended(step: Step, directory: Directory) -> list[Obligation]:
    """The duties that an event ended by meeting them, in time or late; a final state alone meets none."""
    before, row = step.before, step.row
    if before is None or row is None or not row.meets or not before.duties:
        return []
    return [
        found
        for duty in before.duties
        if duty.rule in row.meets and duty.rule != RETENTION
        if (found := obligation(step.procedure, before, duty, directory, step.recorded_at)) is not None
    ]
