"""What a timer's row waits for, and what its event says: `Timer`, read from `after` in a procedure's file.

    after.rule = "R-RES-5"
    after.body.full_year_on = "fact.year_from + 12 MONTH"

The rule is a limit that runs in the matter; when it has ended, the hub makes the event. Each field of the event's body
is a day: a remembered one, and steps of `DAY`, `MONTH` or `YEAR` from it, taken from left to right.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from contracts.deadline import add_months
from contracts.errors import ContractError

_DAY: Final = re.compile(r"fact\.([a-z_]{1,64})((?: [+-] [0-9]{1,3} (?:DAY|MONTH|YEAR))*)", re.ASCII)
_STEP: Final = re.compile(r"([+-]) ([0-9]+) (DAY|MONTH|YEAR)", re.ASCII)
_MONTHS: Final = {"MONTH": 1, "YEAR": 12}


@dataclass(frozen=True, slots=True)
class CountedDay:
    """A day that is counted from a remembered one.

    Attributes:
        fact: Name of the remembered day.
        steps: Months and days of each step, one of them zero.
    """

    fact: str
    steps: tuple[tuple[int, int], ...]

    def of(self, facts: Mapping[str, object]) -> date:
        """The day in a matter that remembers these facts; the whole check has seen that it does, and a date."""
        day = date.fromisoformat(str(facts[self.fact]))
        for months, days in self.steps:
            day = add_months(day, months) + timedelta(days=days)
        return day


@dataclass(frozen=True, slots=True)
class Timer:
    """When time itself makes an event.

    Attributes:
        rule: The limit whose end lets it act: a rule, or one of `contracts.procedure_types.NO_RULES`.
        body: The day that each field of the event's body holds.
    """

    rule: str
    body: tuple[tuple[str, CountedDay], ...]

    def facts(self) -> frozenset[str]:
        """Every fact that its event needs."""
        return frozenset(day.fact for _, day in self.body)

    def body_of(self, facts: Mapping[str, object]) -> dict[str, str]:
        """The body of its event in a matter that remembers these facts."""
        return {field: day.of(facts).isoformat() for field, day in self.body}


def parse_timer(table: Mapping[str, Any]) -> Timer:
    """Read `{ rule }` or `{ rule, body }`.

    Raises:
        ContractError: PROCEDURE_INVALID.
    """
    if table.keys() not in ({"rule"}, {"rule", "body"}):
        raise ContractError("PROCEDURE_INVALID", "after says rule, and body where its event has one", field="after")
    return Timer(table["rule"], tuple((field, _day(text)) for field, text in table.get("body", {}).items()))


def _day(text: str) -> CountedDay:
    found = _DAY.fullmatch(text)
    if found is None:
        raise ContractError("PROCEDURE_INVALID", f"{text!r} is no day counted from a fact", field="after")
    return CountedDay(found[1], tuple(_step(*step) for step in _STEP.findall(found[2])))


def _step(sign: str, amount: str, unit: str) -> tuple[int, int]:
    count = int(sign + amount)
    return (count * _MONTHS[unit], 0) if unit in _MONTHS else (0, count)
