"""Walking over days as the law counts them: `Count`, `Skipped`, `add_months` (DOMAIN 4.1).

The day of the triggering act is not counted; months and years end on the corresponding day or the month's last; a day
off is passed by where only days of work count, and at the end where the limit moves forward.
"""

import calendar
from datetime import date
from typing import Final, NamedTuple

from contracts.calendar import Source, WorkCalendar
from contracts.rule import Unit

_CERTAINTY: Final = (Source.WEEKDAY, Source.FILE, Source.PACKAGE, Source.ASSUMED)


class Skipped(NamedTuple):
    """A day off that a count passed by.

    Attributes:
        day: The day.
        name: Of the holiday, or of the weekday.
    """

    day: date
    name: str


class Count:
    """One count over a calendar; remembers what it passed by and the least certain source that it had to ask.

    Args:
        work: The calendar.

    Attributes:
        source: Where working days were known from.
        skipped: Days off passed by, in order of asking.
    """

    __slots__ = ("_work", "skipped", "source")

    def __init__(self, work: WorkCalendar) -> None:
        self._work = work
        self.source = Source.WEEKDAY
        self.skipped: list[Skipped] = []

    def walk(self, day: int, unit: Unit, amount: int) -> int:
        """The last day of a limit that counts from a day, which itself is not counted; ordinals."""
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
        self.source = max(self.source, answer.source, key=_CERTAINTY.index)
        if not answer.is_working:
            self.skipped.append(Skipped(date.fromordinal(day), self._work.name_of(day)))
        return answer.is_working


def add_months(day: date, months: int) -> date:
    """The corresponding day some months away, or the last day of that month if it has none (民法典 202)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))
