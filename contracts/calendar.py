"""Days off and days of work: `WorkCalendar`, `load_calendar`.

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

PACKAGE_YEARS: Final = range(2004, 2027)
"""Years taken from `chinesecalendar`: fixed, so that a newer package never moves a recorded deadline."""


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

    __slots__ = ("_exceptions", "_years", "name")

    def __init__(self, name: str, exceptions: Mapping[int, bool], years: Mapping[int, Source]) -> None:
        self.name = name
        self._exceptions = exceptions
        self._years = years

    def day(self, ordinal: int) -> Day:
        """Say whether a day is one of work.

        Args:
            ordinal: The day, `date.toordinal()`.
        """
        working = self._exceptions.get(ordinal)
        if working is None:
            working = (ordinal - 1) % 7 < 5
        return Day(working, self._years.get(date.fromordinal(ordinal).year, Source.ASSUMED))


@cache
def load_calendar(name: str) -> WorkCalendar:
    """Read a packaged calendar once; later calls give the same value.

    Args:
        name: `cn`, `hk` or `mo`.

    Raises:
        ValueError: A row of the packaged file is wrong: this is a defect of the release, not of data.
    """
    exceptions: dict[int, bool] = {}
    years: dict[int, Source] = {}
    if name == "cn":
        exceptions.update((day.toordinal(), False) for day in holidays if day.year in PACKAGE_YEARS)
        exceptions.update((day.toordinal(), True) for day in workdays if day.year in PACKAGE_YEARS)
        years.update(dict.fromkeys(PACKAGE_YEARS, Source.PACKAGE))
    text = files("contracts").joinpath(f"rules/calendar/{name}.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        day = date.fromisoformat(row["date"])
        if row["kind"] not in ("HOLIDAY", "WORKDAY"):
            raise ValueError(f"{name}.csv: {day} has kind {row['kind']!r}")
        exceptions[day.toordinal()] = row["kind"] == "WORKDAY"
        years[day.year] = Source.FILE
    return WorkCalendar(name, MappingProxyType(exceptions), MappingProxyType(years))
