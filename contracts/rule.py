"""Rules: the rows of `contracts/rules/deadlines.csv` and `reminders.csv` as values. `Rule`, `parse_rules`, `Reminder`.

Columns: `id`; `what`, for people; `unit`, `amount`, `direction`; `minimum` and `maximum` of regional values;
`start_event` and `end_event`, an event of a procedure where it begins with a capital letter and a fact outside the
exchange otherwise; `kind`; `roll_forward`, whether a last day off moves to the next day of work: `yes`, `no`, or
`never` where a later end would lengthen detention (刑事诉讼法 105); `source` and `mark` (DOMAIN, marks; `;` between
several); and `regional_override`, the key in `contracts/rules/regions/`.

What a limit amounts to on a day stands in `contracts.deadline`.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from contracts.errors import ContractError

RULES_FILE: Final = "rules/deadlines.csv"
REMINDERS_FILE: Final = "rules/reminders.csv"

_id = re.compile(r"R-[A-Z]{2,3}-[0-9]{1,2}(?:-[A-Z]{1,10})?", re.ASCII).fullmatch
_mark = re.compile(r"[ABCP](?:;[ABCP])*", re.ASCII).fullmatch
_COLUMNS: Final = (
    *("id", "what", "unit", "amount", "direction", "minimum", "maximum", "start_event", "end_event"),
    *("kind", "roll_forward", "source", "mark", "regional_override"),
)


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
        is_custody: A later end would lengthen detention, so it never moves.
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
    is_custody: bool
    source: str
    mark: str
    regional_override: str


class Reminder(NamedTuple):
    """A day on which an office reminds a person of a limit that will end.

    Attributes:
        rule: The limit.
        days_before: Days before its end.
        source: The text that asks for it.
        mark: How well that text is known.
    """

    rule: str
    days_before: int
    source: str
    mark: str


def parse_rules(text: str) -> Mapping[str, Rule]:
    """Read the table of time limits, by id.

    Raises:
        ContractError: RULES_INVALID, with file, line and reason.
    """
    rules: dict[str, Rule] = {}
    for line, row in _rows(RULES_FILE, text, _COLUMNS):
        try:
            rule = _rule(row)
        except (ValueError, ContractError) as error:
            reason = error.message if isinstance(error, ContractError) else str(error)
            raise _invalid(RULES_FILE, line, reason) from error
        if rule.id in rules:
            raise _invalid(RULES_FILE, line, f"{rule.id} stands twice")
        rules[rule.id] = rule
    return MappingProxyType(rules)


def parse_reminders(text: str, rules: Mapping[str, Rule]) -> Mapping[str, tuple[Reminder, ...]]:
    """Read the reminders of a person's limits, by rule, the earliest first.

    Raises:
        ContractError: RULES_INVALID, with file, line and reason.
    """
    found: dict[str, tuple[Reminder, ...]] = {}
    for line, row in _rows(REMINDERS_FILE, text, ("rule", "days_before", "source", "mark")):
        rule = rules.get(row["rule"])
        if rule is None or rule.kind is not Kind.WINDOW:
            raise _invalid(REMINDERS_FILE, line, f"{row['rule']} is no person's limit")
        if not row["days_before"].isdecimal() or _mark(row["mark"]) is None or not row["source"]:
            raise _invalid(REMINDERS_FILE, line, "days_before, source or mark is wrong")
        reminder = Reminder(rule.id, int(row["days_before"]), row["source"], row["mark"])
        found[rule.id] = tuple(sorted((*found.get(rule.id, ()), reminder), key=lambda one: -one.days_before))
    return MappingProxyType(found)


def _rows(file: str, text: str, columns: tuple[str, ...]) -> Iterator[tuple[int, Mapping[str, str]]]:
    reader = csv.DictReader(text.splitlines())
    if tuple(reader.fieldnames or ()) != columns:
        raise _invalid(file, 1, f"the columns are {', '.join(columns)}")
    for row in reader:
        if None in row or None in row.values():
            raise _invalid(file, reader.line_num, f"a row has {len(columns)} values")
        yield reader.line_num, row


def _invalid(file: str, line: int, reason: str) -> ContractError:
    return ContractError("RULES_INVALID", f"{file}: line {line}: {reason}")


def _rule(row: Mapping[str, str]) -> Rule:
    if _id(row["id"]) is None:
        raise ValueError("id has a wrong form")
    for name, words in (("direction", ("AFTER", "BEFORE")), ("roll_forward", ("yes", "no", "never"))):
        if row[name] not in words:
            raise ValueError(f"{name} is none of {', '.join(words)}")
    if not row["what"] or not row["source"] or _mark(row["mark"]) is None:
        raise ValueError("what, source or mark is missing or wrong")
    rule = Rule(
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
        is_custody=row["roll_forward"] == "never",
        source=row["source"],
        mark=row["mark"],
        regional_override=row["regional_override"],
    )
    _check(rule)
    return rule


def _check(rule: Rule) -> None:
    """What one row may not say, because no day would fit it."""
    if rule.amount < 0 or not is_within(rule, rule.amount):
        raise ValueError(f"amount {rule.amount} lies outside its bounds")
    if rule.rolls_forward and (rule.is_before or rule.unit is Unit.HOUR):
        raise ValueError("a limit of hours and one that counts back never move")


def is_within(rule: Rule, amount: int) -> bool:
    """Whether an amount lies within the bounds of a rule."""
    too_low = rule.minimum is not None and amount < rule.minimum
    return not too_low and not (rule.maximum is not None and amount > rule.maximum)
