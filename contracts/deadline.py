"""When a time limit ends, and why: `Limits`, `Due`, `Explanation`.

Amounts never stand in code: each rule is one row of `contracts/rules/deadlines.csv` (`contracts.rule`), laid over by
the values of a region (`contracts.region`) and counted over its calendar (`contracts.counting`). The three together
are the `Limits` of one edition of the contracts. A deadline is derived from the instant of a recorded event and never
recorded itself.

Counting (DOMAIN 4.1): the day of the triggering act is not counted; a limit of days, months or years ends at 24:00 in
Shanghai, which is the instant at which the next day begins; months and years end on the corresponding day or the
month's last; a last day off moves to the next day of work where the rule rolls forward; hours run without pause.
A rule that counts back from a known date (`BEFORE`) gives the last day on which the act is still in time, and that day
never moves. Neither does the end of a limit whose delay would lengthen detention.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final, NamedTuple

from contracts.calendar import Source, WorkCalendar, parse_calendar
from contracts.counting import Count, Skipped, add_months
from contracts.errors import RuleError
from contracts.ids import HUB_REGION, REGIONS, RegionCode
from contracts.instant import DAY_MS, EPOCH, HOUR_MS, SHANGHAI_MS
from contracts.region import CALENDARS, HUB, Amount, Kept, Region, parse_region
from contracts.rule import (
    REMINDERS_FILE,
    RULES_FILE,
    Kind,
    Reminder,
    Rule,
    Unit,
    is_within,
    parse_reminders,
    parse_rules,
)

__all__ = [
    "Due",
    "Explanation",
    "Kind",
    "Limits",
    "Rule",
    "Unit",
    "add_months",
    "due_at",
    "founding_limits",
    "length",
    "load_regions",
    "load_rules",
    "parse_limits",
    "rule_of",
]

_KEPT: Final = 16_384
"""Ends that are remembered: offices act on a few days, under a few rules."""


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


class Explanation(NamedTuple):
    """Why a time limit ends when it does: everything that had a part in it.

    Attributes:
        rule: The rule.
        own: The region's own length; None where the rule's counts.
        unit: What was counted.
        amount: How many.
        region: Whose values and calendar counted.
        calendar: Name of the calendar.
        start_ms: From where it was counted, milliseconds.
        skipped: Days off that were passed by, in order.
        moved_from: The last day before it moved to a day of work; None if it did not move.
        due: The end.
    """

    rule: Rule
    own: Amount | None
    unit: Unit
    amount: int
    region: RegionCode
    calendar: str
    start_ms: int
    skipped: tuple[Skipped, ...]
    moved_from: date | None
    due: Due


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """The time limits of one edition of the contracts.

    Attributes:
        rules: By id.
        regions: Regional values, the hub's own among them.
        calendars: By name.
        reminders: Of a person's limits, by rule.
    """

    rules: Mapping[str, Rule]
    regions: Mapping[RegionCode, Region]
    calendars: Mapping[str, WorkCalendar]
    reminders: Mapping[str, tuple[Reminder, ...]]
    _remembered: Callable[[str, int, RegionCode], Due]

    @classmethod
    def of(
        cls,
        rules: Mapping[str, Rule],
        regions: Mapping[RegionCode, Region],
        calendars: Mapping[str, WorkCalendar],
        reminders: Mapping[str, tuple[Reminder, ...]] = MappingProxyType({}),
    ) -> "Limits":
        """Put rules, regional values and calendars together."""

        @lru_cache(maxsize=_KEPT)
        def remembered(rule_id: str, start_ms: int, region: RegionCode) -> Due:
            return limits.explain(rule_id, start_ms=start_ms, region=region).due

        limits = cls(rules, regions, calendars, reminders, remembered)
        return limits

    def rule(self, rule_id: str) -> Rule:
        """The rule with this id.

        Raises:
            RuleError: RULE_UNKNOWN.
        """
        rule = self.rules.get(rule_id)
        if rule is None:
            raise RuleError("RULE_UNKNOWN", f"no time limit has the id {rule_id!r}", rule=rule_id)
        return rule

    def due_at(self, rule_id: str, *, start_ms: int, region: RegionCode) -> Due:
        """Say when a time limit ends.

        Args:
            rule_id: Id of a rule.
            start_ms: The instant of the triggering act, or of the day counted back from; milliseconds since the epoch.
                Days outside a limit of calendar days, such as days of travel, are added to it by the caller.
            region: Region of the office or person whose limit it is; its calendar and its own values count.

        Raises:
            RuleError: RULE_UNKNOWN; REGION_UNKNOWN; PARAMETER_OUT_OF_BOUNDS.
        """
        rule = self.rules.get(rule_id) or self.rule(rule_id)
        if rule.unit is not Unit.HOUR:
            # An instant that stands for the whole day in Shanghai: limits of days are the same all day long.
            start_ms -= (start_ms + SHANGHAI_MS) % DAY_MS - DAY_MS // 2
        return self._remembered(rule_id, start_ms, region)

    def explain(self, rule_id: str, *, start_ms: int, region: RegionCode) -> Explanation:
        """Say when a time limit ends and why; arguments and errors as for `due_at`."""
        rule = self.rule(rule_id)
        values = self.regions.get(region)
        if values is None:
            raise RuleError("REGION_UNKNOWN", f"no region has the code {region!r}", field="region")
        unit, amount = length(rule, values)
        own = values.deadlines.get(rule.regional_override) if rule.regional_override else None
        sign = -1 if rule.is_before else 1
        if unit is Unit.HOUR:
            due = Due(start_ms + sign * amount * HOUR_MS, rule.kind, False, Source.WEEKDAY)
            return Explanation(rule, own, unit, amount, region, values.calendar, start_ms, (), None, due)
        count = Count(self.calendars[values.calendar])
        counted = last = count.walk(EPOCH + (start_ms + SHANGHAI_MS) // DAY_MS, unit, sign * amount)
        if rule.rolls_forward:
            last = count.roll(counted)
        due_ms = (last + 1 - EPOCH) * DAY_MS - SHANGHAI_MS
        due = Due(due_ms, rule.kind, count.source is Source.ASSUMED, count.source)
        moved = date.fromordinal(counted) if last != counted else None
        return Explanation(rule, own, unit, amount, region, values.calendar, start_ms, tuple(count.skipped), moved, due)

    def kept(self, procedure: str, region: RegionCode) -> Kept | None:
        """How long a region keeps what belongs to a procedure; None where the procedure's own value counts."""
        values = self.regions.get(region)
        return None if values is None else values.retention.get(procedure)


def length(rule: Rule, region: Region) -> tuple[Unit, int]:
    """How long a limit is in one region.

    Raises:
        RuleError: PARAMETER_OUT_OF_BOUNDS: the regional value lies outside the bounds of the rule.
    """
    own = region.deadlines.get(rule.regional_override) if rule.regional_override else None
    if own is None:
        return rule.unit, rule.amount
    if not is_within(rule, own.amount):
        raise RuleError(
            "PARAMETER_OUT_OF_BOUNDS",
            f"region {region.code} says {own.amount}, the rule allows {rule.minimum} to {rule.maximum}",
            rule=rule.id,
        )
    return Unit(own.unit), own.amount


def parse_limits(read: Callable[[str], str]) -> Limits:
    """Read the time limits of one edition.

    Args:
        read: Gives the text of a file of the edition by its path, for example `rules/deadlines.csv`.

    Raises:
        ContractError: RULES_INVALID or REGION_INVALID, with file, line and reason.
    """
    rules = parse_rules(read(RULES_FILE))
    regions = {code: parse_region(code, read(f"rules/regions/{code}.toml"), rules) for code in REGIONS}
    calendars = {name: parse_calendar(name, read(f"rules/calendar/{name}.csv")) for name in CALENDARS}
    return Limits.of(
        rules,
        MappingProxyType({**regions, HUB_REGION: HUB}),
        MappingProxyType(calendars),
        parse_reminders(read(REMINDERS_FILE), rules),
    )


# -- the founding edition, for whoever speaks of no matter


@cache
def founding_limits() -> Limits:
    """The packaged limits of the edition under which ledgers are founded, read once."""
    return parse_limits(lambda path: files("contracts").joinpath(path).read_text(encoding="utf-8"))


def load_rules() -> Mapping[str, Rule]:
    """The rules of the founding edition, by id."""
    return founding_limits().rules


def load_regions() -> Mapping[RegionCode, Region]:
    """The regional values of the founding edition."""
    return founding_limits().regions


def rule_of(rule_id: str) -> Rule:
    """A rule of the founding edition.

    Raises:
        RuleError: RULE_UNKNOWN.
    """
    return founding_limits().rule(rule_id)


def due_at(
    rule_id: str, *, start_ms: int, region: RegionCode, parameters: Mapping[RegionCode, Region] | None = None
) -> Due:
    """When a time limit of the founding edition ends; see `Limits.due_at`.

    Args:
        rule_id: Id of a rule.
        start_ms: The instant of the triggering act, milliseconds.
        region: Whose limit it is.
        parameters: Regional values; the packaged ones if None.
    """
    limits = founding_limits()
    if parameters is not None:
        limits = Limits.of(limits.rules, parameters, limits.calendars)
    return limits.due_at(rule_id, start_ms=start_ms, region=region)
