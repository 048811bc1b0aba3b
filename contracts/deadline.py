"""Time limits: `Rule`, `Due`, `load_rules`, `due_at`.

Each rule is one row of `contracts/rules/deadlines.csv`; amounts never stand in code. A deadline is derived from the
instant of a recorded event and never recorded itself.

Counting (DOMAIN 4.1): the day of the triggering act is not counted; a limit of days, months or years ends at 24:00 in
Shanghai, which is the instant at which the next day begins; months and years end on the corresponding day or the
month's last; a last day off moves to the next day of work where the rule rolls forward; hours run without pause.
A rule that counts back from a known date (`BEFORE`) gives the last day on which the act is still in time, and that day
never moves.

Columns: `id`; `what`, for people; `unit`, `amount`, `direction`; `minimum` and `maximum` of regional values;
`start_event` and `end_event`, an event of a procedure where it begins with a capital letter and a fact outside the
exchange otherwise; `kind`; `roll_forward`; `source` and `mark` (DOMAIN, marks; `;` between several); and
`regional_override`, the key in `contracts/rules/regions/`.
"""

import calendar
import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final, NamedTuple

from contracts.calendar import Source, WorkCalendar, load_calendar
from contracts.errors import RuleError
from contracts.ids import RegionCode
from contracts.instant import DAY_MS, EPOCH, HOUR_MS, SHANGHAI_MS
from contracts.region import Region, load_regions


class Unit(StrEnum):
    """Unit of a time limit."""

    HOUR = "HOUR"
    CALENDAR_DAY = "CALENDAR_DAY"
    WORKING_DAY = "WORKING_DAY"
    MONTH = "MONTH"
    YEAR = "YEAR"


class Kind(StrEnum):
    """Whose limit it is and what a miss means."""

    DUTY = "DUTY"
    """An office's; a miss is counted against the office."""
    WINDOW = "WINDOW"
    """A person's; a miss leads to a reminder and the stated legal effect only."""
    GUARD = "GUARD"
    """A time that must have passed before an act."""
    EFFECT = "EFFECT"
    """What time itself does."""
    RETENTION = "RETENTION"
    """How long something is kept."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One time limit.

    Attributes:
        id: For example `R-COR-3`.
        what: What has to be done, for people.
        unit: What is counted.
        amount: How many; a region may have its own.
        is_before: It counts back from the start.
        minimum: Least regional amount, if bounded.
        maximum: Greatest regional amount, if bounded.
        start_event: What starts it.
        end_event: What meets it.
        kind: Whose it is.
        rolls_forward: A last day off moves to the next day of work.
        source: The legal text.
        mark: How well that text is known.
        regional_override: Key of the regional value; empty if regions have none.
    """

    id: str
    what: str
    unit: Unit
    amount: int
    is_before: bool
    minimum: int | None
    maximum: int | None
    start_event: str
    end_event: str
    kind: Kind
    rolls_forward: bool
    source: str
    mark: str
    regional_override: str


class Due(NamedTuple):
    """When a time limit ends.

    Attributes:
        due_ms: The first instant that is too late, milliseconds since the epoch.
        kind: Whose limit it is.
        calendar_assumed: A day of a year without calendar was judged by its weekday.
        working_day_source: Where working days were known from; the least certain of the sources asked.
    """

    due_ms: int
    kind: Kind
    calendar_assumed: bool
    working_day_source: Source


@cache
def load_rules() -> Mapping[str, Rule]:
    """Read all packaged rules once, by id.

    Raises:
        ValueError: A row of the packaged file is wrong: this is a defect of the release, not of data.
    """
    text = files("contracts").joinpath("rules/deadlines.csv").read_text(encoding="utf-8")
    rules: dict[str, Rule] = {}
    for row in csv.DictReader(text.splitlines()):
        rule = _rule(row)
        if rule.id in rules:
            raise ValueError(f"deadlines.csv: rule {rule.id} stands twice")
        rules[rule.id] = rule
    return MappingProxyType(rules)


def _rule(row: Mapping[str, str]) -> Rule:
    if row["direction"] not in ("AFTER", "BEFORE") or row["roll_forward"] not in ("yes", "no"):
        raise ValueError(f"deadlines.csv: rule {row['id']} has a wrong direction or roll_forward")
    return Rule(
        id=row["id"],
        what=row["what"],
        unit=Unit(row["unit"]),
        amount=int(row["amount"]),
        is_before=row["direction"] == "BEFORE",
        minimum=int(row["minimum"]) if row["minimum"] else None,
        maximum=int(row["maximum"]) if row["maximum"] else None,
        start_event=row["start_event"],
        end_event=row["end_event"],
        kind=Kind(row["kind"]),
        rolls_forward=row["roll_forward"] == "yes",
        source=row["source"],
        mark=row["mark"],
        regional_override=row["regional_override"],
    )


def due_at(
    rule_id: str,
    *,
    start_ms: int,
    region: RegionCode,
    parameters: Mapping[RegionCode, Region] | None = None,
) -> Due:
    """Say when a time limit ends.

    Args:
        rule_id: Id of a rule.
        start_ms: The instant of the triggering act, or of the day counted back from; milliseconds since the epoch. Days
            outside a limit of calendar days, such as days of travel, are added to it by the caller.
        region: Region of the office or person whose limit it is; its calendar and its own values count.
        parameters: Regional values; the packaged ones if None.

    Returns:
        The end and how it was found.

    Raises:
        RuleError: RULE_UNKNOWN; REGION_UNKNOWN.
    """
    if parameters is None:
        return _packaged(rule_id, start_ms if _is_hours(rule_id) else _midday(start_ms), region)
    return _due(rule_id, start_ms, region, parameters)


def rule_of(rule_id: str) -> Rule:
    """The rule with this id.

    Raises:
        RuleError: RULE_UNKNOWN.
    """
    rule = load_rules().get(rule_id)
    if rule is None:
        raise RuleError("RULE_UNKNOWN", f"no time limit has the id {rule_id!r}", rule=rule_id)
    return rule


def _is_hours(rule_id: str) -> bool:
    return rule_of(rule_id).unit is Unit.HOUR


def _midday(start_ms: int) -> int:
    """An instant that stands for the whole Shanghai day of another: limits of days are the same all day long."""
    return start_ms - (start_ms + SHANGHAI_MS) % DAY_MS + DAY_MS // 2


@lru_cache(maxsize=16_384)
def _packaged(rule_id: str, start_ms: int, region: RegionCode) -> Due:
    return _due(rule_id, start_ms, region, load_regions())


def _due(rule_id: str, start_ms: int, region: RegionCode, regions: Mapping[RegionCode, Region]) -> Due:
    rule = rule_of(rule_id)
    values = regions.get(region)
    if values is None:
        raise RuleError("REGION_UNKNOWN", f"no region has the code {region!r}", field="region")
    unit, amount = length(rule, values)
    if unit is Unit.HOUR:
        sign = -1 if rule.is_before else 1
        return Due(start_ms + sign * amount * HOUR_MS, rule.kind, False, Source.WEEKDAY)
    count = _Count(load_calendar(values.calendar))
    first = EPOCH + (start_ms + SHANGHAI_MS) // DAY_MS
    last = count.walk(first, unit, -amount if rule.is_before else amount)
    if rule.rolls_forward and not rule.is_before:
        last = count.roll(last)
    due_ms = (last + 1 - EPOCH) * DAY_MS - SHANGHAI_MS
    return Due(due_ms, rule.kind, count.source is Source.ASSUMED, count.source)


def length(rule: Rule, region: Region) -> tuple[Unit, int]:
    """How long a limit is in one region.

    Raises:
        RuleError: PARAMETER_OUT_OF_BOUNDS: the regional value lies outside the bounds of the rule.
    """
    own = region.deadlines.get(rule.regional_override) if rule.regional_override else None
    if own is None:
        return rule.unit, rule.amount
    too_low = rule.minimum is not None and own.amount < rule.minimum
    if too_low or (rule.maximum is not None and own.amount > rule.maximum):
        raise RuleError(
            "PARAMETER_OUT_OF_BOUNDS",
            f"region {region.code} says {own.amount}, the rule allows {rule.minimum} to {rule.maximum}",
            rule=rule.id,
        )
    return Unit(own.unit), own.amount


class _Count:
    """Walks over days and remembers the least certain source that it had to ask."""

    _CERTAINTY: Final = (Source.WEEKDAY, Source.FILE, Source.PACKAGE, Source.ASSUMED)

    def __init__(self, work: WorkCalendar) -> None:
        self._work = work
        self.source = Source.WEEKDAY

    def walk(self, day: int, unit: Unit, amount: int) -> int:
        """The last day of a limit that counts from a day, which itself is not counted."""
        if unit is Unit.MONTH or unit is Unit.YEAR:
            return add_months(date.fromordinal(day), amount * 12 if unit is Unit.YEAR else amount).toordinal()
        if unit is Unit.CALENDAR_DAY:
            return day + amount
        step = 1 if amount > 0 else -1
        for _ in range(abs(amount)):
            day += step
            while not self._is_working(day):
                day += step
        return day

    def roll(self, day: int) -> int:
        """The first day of work that is not before a day."""
        while not self._is_working(day):
            day += 1
        return day

    def _is_working(self, day: int) -> bool:
        answer = self._work.day(day)
        self.source = max(self.source, answer.source, key=self._CERTAINTY.index)
        return answer.is_working


def add_months(day: date, months: int) -> date:
    """The corresponding day some months away, or the last day of that month if it has none (民法典 202)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))
