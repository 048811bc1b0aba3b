"""Days off and days of work: `WorkCalendar`, `parse_calendar`, `load_calendar`.

Three calendars: `cn` (the mainland), `hk`, `mo`. A day is judged by, in this order: the calendar's own file in
`contracts/rules/calendar/`, the package `chinesecalendar` for the mainland's published years, and, in a year of which
nothing is known, its weekday; then the answer is marked as assumed (DOMAIN 4.1).

Days are proleptic Gregorian ordinals (`datetime.date.toordinal`) here: counting adds and compares, nothing more.
"""

import csv
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final, NamedTuple

# The package ships no types; `holidays` and `workdays` are dictionaries keyed by `datetime.date`.
from chinese_calendar import holidays, workdays  # type: ignore[import-untyped]

from contracts.errors import ContractError

PACKAGE_YEARS: Final = range(2004, 2027)
"""Years taken from `chinesecalendar`: fixed, so that a newer package never moves a recorded deadline."""


_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Source(StrEnum):
    """Where the answer about a day came from."""

    WEEKDAY = "WEEKDAY"
    """No calendar was asked: the rule counts every day."""
    FILE = "FILE"
    """`contracts/rules/calendar/`."""
    PACKAGE = "CHINESECALENDAR"
    """The package `chinesecalendar`."""
    ASSUMED = "ASSUMED"
    """Nothing is known of the year: Monday to Friday."""


class Day(NamedTuple):
    """What a calendar says about one day.

    Attributes:
        is_working: It is a day of work.
        source: Where that is known from.
    """

    is_working: bool
    source: Source


class WorkCalendar:
    """One calendar, read only.

    Attributes:
        name: `cn`, `hk` or `mo`.
    """

    __slots__ = ("_exceptions", "_names", "_years", "name")

    def __init__(
        self, name: str, exceptions: Mapping[int, bool], years: Mapping[int, Source], names: Mapping[int, str]
    ) -> None:
        self.name = name
        self._exceptions = exceptions
        self._years = years
        self._names = names

    def day(self, ordinal: int) -> Day:
        """Say whether a day is one of work.

        Args:
            ordinal: The day, `date.toordinal()`.
        """
        working = self._exceptions.get(ordinal)
        if working is None:
            working = (ordinal - 1) % 7 < 5
        return Day(working, self._years.get(date.fromordinal(ordinal).year, Source.ASSUMED))

    def name_of(self, ordinal: int) -> str:
        """The holiday's name, or that of the weekday, for people."""
        return self._names.get(ordinal) or _WEEKDAYS[(ordinal - 1) % 7]

    @property
    def known_years(self) -> tuple[int, ...]:
        """Years of which something is known, ascending."""
        return tuple(sorted(self._years))


def parse_calendar(name: str, text: str) -> WorkCalendar:
    """Read a calendar's own file and lay it over the published years of the mainland.

    Args:
        name: `cn`, `hk` or `mo`.
        text: Rows of `date,kind,name`, ascending, each day once.

    Raises:
        ContractError: RULES_INVALID, with file, line and reason.
    """
    exceptions: dict[int, bool] = {}
    years: dict[int, Source] = {}
    names: dict[int, str] = {}
    if name == "cn":
        exceptions.update((day.toordinal(), False) for day in holidays if day.year in PACKAGE_YEARS)
        exceptions.update((day.toordinal(), True) for day in workdays if day.year in PACKAGE_YEARS)
        names.update((day.toordinal(), title) for day, title in holidays.items() if day.year in PACKAGE_YEARS)
        years.update(dict.fromkeys(PACKAGE_YEARS, Source.PACKAGE))
    last = 0
    reader = csv.DictReader(text.splitlines())
    for row in reader:
        ordinal = _ordinal(name, reader.line_num, row)
        if ordinal <= last:
            raise _invalid(name, reader.line_num, "days ascend, and each stands once")
        last = ordinal
        exceptions[ordinal] = row["kind"] == "WORKDAY"
        names[ordinal] = row["name"]
        years[date.fromordinal(ordinal).year] = Source.FILE
    return WorkCalendar(name, MappingProxyType(exceptions), MappingProxyType(years), MappingProxyType(names))


def package_text() -> str:
    """The published years of the mainland as text, a day a line: what an edition's manifest says of the package."""
    days = [(day, "HOLIDAY") for day in holidays] + [(day, "WORKDAY") for day in workdays]
    return "".join(f"{day.isoformat()},{kind}\n" for day, kind in sorted(days) if day.year in PACKAGE_YEARS)


def _ordinal(name: str, line: int, row: Mapping[str, str | None]) -> int:
    if row.keys() != {"date", "kind", "name"} or row["kind"] not in ("HOLIDAY", "WORKDAY") or not row["name"]:
        raise _invalid(name, line, "a row says date, HOLIDAY or WORKDAY, and a name")
    try:
        return date.fromisoformat(str(row["date"])).toordinal()
    except ValueError as error:
        raise _invalid(name, line, "date is no date") from error


def _invalid(name: str, line: int, reason: str) -> ContractError:
    return ContractError("RULES_INVALID", f"rules/calendar/{name}.csv: line {line}: {reason}")


@cache
def load_calendar(name: str) -> WorkCalendar:
    """Read a packaged calendar of the founding edition once; later calls give the same value.

    Args:
        name: `cn`, `hk` or `mo`.

    Raises:
        ContractError: RULES_INVALID: a row of the packaged file is wrong.
    """
    return parse_calendar(name, files("contracts").joinpath(f"rules/calendar/{name}.csv").read_text(encoding="utf-8"))
