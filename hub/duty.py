"""The limits that run in a matter: which an event ends and opens, when one falls due, what may happen only then."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any

from contracts.calendar import Source
from contracts.deadline import Due, Kind
from contracts.errors import RuleError
from contracts.event import Header
from contracts.ids import OfficeId, RegionCode
from contracts.instant import DAY_MS, day_start_ms, local_day
from contracts.procedure_types import AT_ONCE, RETENTION, Procedure, StartDuty, Transition
from contracts.timer import Timer
from hub.binding import OfficeEntry
from hub.matter_types import Duty, Matter


def duties_after(
    duties: tuple[Duty, ...],
    row: Transition,
    header: Header,
    body: Mapping[str, Any],
    each: Mapping[str, Sequence[OfficeEntry]] = MappingProxyType({}),
    acted: OfficeId | None = None,
) -> tuple[Duty, ...]:
    """End what a row meets, then open what it starts; an open limit cannot be put off by starting it again.

    Args:
        duties: That run before the event.
        row: That the event takes.
        header: The event.
        body: Its decoded body.
        each: The offices of each list for which a limit starts: one of its own for each of them, whose side it is.
        acted: The office of the list that a confirmation is for; it ends its own limit and no other's.
    """
    meets, is_one_of_several = row.meets, row.confirms is not None
    left = [d for d in duties if d.rule not in meets or (is_one_of_several and d.side != acted)]
    for start in row.starts:
        owners: Iterable[tuple[str, str]] = ((start.side, start.office),)
        if start.of is not None:
            owners = [(office.office, office.office_type) for office in each[start.of]]
        for side, office_type in owners:
            if not left or (start.rule, side, office_type) not in [duty[:3] for duty in left]:
                started_ms = header.occurred_at
                if start.since is not None or start.plus_days is not None:
                    started_ms = _started_ms(start, header, body)
                left.append(Duty(start.rule, side, office_type, started_ms, header.event_id))
    return tuple(left)


def _started_ms(start: StartDuty, header: Header, body: Mapping[str, Any]) -> int:
    """Where the limit counts from; days outside it move its start, as they would move its end."""
    started_ms = header.occurred_at
    if start.since is not None:
        started_ms = day_start_ms(date.fromisoformat(body[start.since]))
    if start.plus_days is not None:
        started_ms += int(body[start.plus_days]) * DAY_MS
    return started_ms


def duty_due(procedure: Procedure, duty: Duty, region: RegionCode) -> Due:
    """When an open limit ends.

    Args:
        procedure: The matter's.
        duty: One of its open duties.
        region: Region of the side whose it is.

    Returns:
        The end of its rule; for `RETENTION` the procedure's own limit in calendar days, of kind `RETENTION`; for
        `AT_ONCE` its start, of kind `EFFECT`.

    Raises:
        RuleError: RULE_UNKNOWN, REGION_UNKNOWN.
    """
    if duty.rule == AT_ONCE:
        return Due(duty.started_ms, Kind.EFFECT, False, Source.WEEKDAY)
    if duty.rule != RETENTION:
        return procedure.limits.due_at(duty.rule, start_ms=duty.started_ms, region=region)
    due_ms = day_start_ms(local_day(duty.started_ms)) + (procedure.key_days(region) + 1) * DAY_MS
    return Due(due_ms, Kind.RETENTION, False, Source.WEEKDAY)


def due_in(procedure: Procedure, matter: Matter, duty: Duty) -> Due:
    """When an open limit of a matter ends; a side that nobody named has the region of the one that started.

    Raises:
        RuleError: RULE_UNKNOWN, REGION_UNKNOWN.
    """
    return duty_due(procedure, duty, matter.region_of(duty.side) or matter.opened_region)


def check_ended(procedure: Procedure, timer: Timer, matter: Matter, now_ms: int) -> None:
    """Check that the limit for which a timer waits has ended in a matter: the hub cannot hurry time either.

    Args:
        procedure: The matter's.
        timer: Of the row that the timer's event takes.
        matter: Before the event.
        now_ms: Hub time, milliseconds.

    Raises:
        RuleError: GUARD_FAILED, with `rule` the limit: it does not run, or it has not ended.
    """
    ends = [due_in(procedure, matter, duty).due_ms for duty in matter.duties if duty.rule == timer.rule]
    if not ends or min(ends) > now_ms:
        told = f"runs {min(ends) - now_ms} ms more" if ends else "does not run in this matter"
        raise RuleError("GUARD_FAILED", f"{timer.rule} {told}", rule=timer.rule)
