"""Limits that run: what is past due, what falls due, whom to remind, and why. Pure functions of matters and rules.

A due date is never stored: it is derived from the event that started the limit, by the rules of the matter's edition
(`hub.duty`). Only duties of offices are ever overdue; a person's window that ends has the stated legal effect only, and
before it the office reminds the person on the days that a rule names. Reminders are derived and never recorded: the
ledger holds what was done, and that a day came is no act.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from contracts.deadline import Due, Explanation, Kind
from contracts.ids import EventId, OfficeId, RegionCode, StreamId
from contracts.instant import DAY_MS
from contracts.procedure_types import NO_RULES, Procedure
from hub.duty import duty_due
from hub.matter import Matter

Procedures = Mapping[tuple[str, int], Procedure]


class Running(NamedTuple):
    """One limit that runs in a matter.

    Attributes:
        rule: Id of its rule, or one of `NO_RULES`.
        procedure: Of the matter.
        edition: Of the matter.
        side: Whose it is.
        office_type: Type of the office whose it is.
        office: The office, where the matter has bound one.
        region: Region of the side.
        due: When it ends.
        stream_id: The matter.
        started_by: The event that started it.
        started_ms: From where it counts, milliseconds.
    """

    rule: str
    procedure: str
    edition: int
    side: str
    office_type: str
    office: OfficeId | None
    region: RegionCode
    due: Due
    stream_id: StreamId
    started_by: EventId
    started_ms: int

    @property
    def due_ms(self) -> int:
        """When it ends: the first instant that is too late, milliseconds."""
        return self.due.due_ms


class Reminding(NamedTuple):
    """A day on which an office reminds a person of a limit.

    Attributes:
        running: The limit.
        days_before: Days before its end.
        at_ms: First instant of the day in Shanghai, milliseconds.
    """

    running: Running
    days_before: int
    at_ms: int


def running(matters: Iterable[Matter], procedures: Procedures) -> Iterator[Running]:
    """List the limits that run, in the order of the matters, then of their duties.

    Args:
        matters: As recorded, for example unpacked from a store's.
        procedures: By (id, edition).
    """
    for matter in matters:
        for duty in matter.duties:
            region = matter.region_of(duty.side) or matter.opened_region
            yield Running(
                duty.rule,
                matter.procedure,
                matter.edition,
                duty.side,
                duty.office_type,
                matter.office_of(duty.side, duty.office_type),
                region,
                duty_due(procedures[matter.procedure, matter.edition], duty, region),
                matter.stream_id,
                duty.started_by,
                duty.started_ms,
            )


def overdue(matters: Iterable[Matter], procedures: Procedures, now_ms: int) -> Iterator[Running]:
    """List the duties of offices that are open and past due.

    Args:
        matters: As recorded.
        procedures: By (id, edition).
        now_ms: Milliseconds; a duty is overdue from the instant at which it was due.
    """
    return (one for one in running(matters, procedures) if one.due.kind is Kind.DUTY and one.due_ms <= now_ms)


def falling_due(limits: Iterable[Running], from_ms: int, until_ms: int) -> Iterator[Running]:
    """Those limits that end after an instant and not after another; duties, windows and what time itself will do.

    Args:
        limits: As `running` gives them.
        from_ms: Milliseconds; what ended up to here is past.
        until_ms: Milliseconds.
    """
    return (one for one in limits if from_ms < one.due_ms <= until_ms)


def reminding(limits: Iterable[Running], procedures: Procedures, from_ms: int, until_ms: int) -> Iterator[Reminding]:
    """The days between two instants on which an office reminds a person.

    Args:
        limits: As `running` gives them.
        procedures: By (id, edition).
        from_ms: Milliseconds; a day that began up to here is past.
        until_ms: Milliseconds.
    """
    for one in limits:
        for reminder in procedures[one.procedure, one.edition].limits.reminders.get(one.rule, ()):
            # The last day that is in time ends where the limit does.
            at_ms = one.due_ms - (reminder.days_before + 1) * DAY_MS
            if from_ms < at_ms <= until_ms:
                yield Reminding(one, reminder.days_before, at_ms)


def explain(one: Running, procedures: Procedures) -> Explanation | None:
    """Why a limit ends when it does; None for those that no rule of the table makes."""
    if one.rule in NO_RULES:
        return None
    limits = procedures[one.procedure, one.edition].limits
    return limits.explain(one.rule, start_ms=one.started_ms, region=one.region)
