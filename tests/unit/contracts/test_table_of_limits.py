"""The table of time limits, written down a second time from DOMAIN 4.2, and what a wrong table is told."""

import csv
from collections.abc import Callable
from importlib.resources import files

import pytest

from contracts.deadline import founding_limits, load_rules
from contracts.errors import ContractError
from contracts.rule import parse_reminders, parse_rules

TEXT = files("contracts").joinpath("rules/deadlines.csv").read_text(encoding="utf-8")

# id | unit | amount | < counts back | kind | roll: + moves, - stays, ! never (custody) | mark | regional override
DOMAIN_4_2 = """
R-REG-1 CALENDAR_DAY 3 > WINDOW + A own
R-REG-2 WORKING_DAY 3 > DUTY + B own
R-REG-3 CALENDAR_DAY 30 > WINDOW + C;B none
R-REG-4 HOUR 24 > WINDOW - A none
R-RES-1 MONTH 6 > GUARD - A none
R-RES-2 CALENDAR_DAY 15 > DUTY + A own
R-RES-3 CALENDAR_DAY 0 > DUTY + A none
R-RES-4 YEAR 1 > WINDOW + A none
R-RES-4-OPENS MONTH 1 < WINDOW - A none
R-RES-5 YEAR 1 > EFFECT + A none
R-HMT-1 WORKING_DAY 20 > DUTY + C none
R-HMT-1-REMOTE WORKING_DAY 30 > DUTY + C none
R-HUK-1 CALENDAR_DAY 40 > WINDOW - B none
R-HUK-2 CALENDAR_DAY 30 > WINDOW - B none
R-HUK-3 CALENDAR_DAY 3 > WINDOW + A none
R-HUK-3-COUNTRY CALENDAR_DAY 10 > WINDOW + A none
R-HUK-4 WORKING_DAY 3 > DUTY + C own
R-HUK-5 WORKING_DAY 20 > DUTY + C own
R-HUK-6 WORKING_DAY 3 > DUTY + A;P none
R-WRK-1 WORKING_DAY 5 > DUTY + C none
R-WRK-2 WORKING_DAY 20 > DUTY + B;A none
R-WRK-2-EXTENDED WORKING_DAY 30 > DUTY + B;A none
R-WRK-3 WORKING_DAY 5 > DUTY + B none
R-WRK-4 CALENDAR_DAY 15 > WINDOW + C;B own
R-WRK-5 CALENDAR_DAY 30 < WINDOW - A;B none
R-WRK-6 WORKING_DAY 10 > WINDOW + B none
R-WRK-7 WORKING_DAY 10 > DUTY + C none
R-WRK-8 CALENDAR_DAY 10 > WINDOW + A none
R-WRK-9 CALENDAR_DAY 30 < WINDOW - A none
R-COR-1 MONTH 1 < WINDOW - C none
R-COR-2 CALENDAR_DAY 5 > DUTY + C none
R-COR-3 CALENDAR_DAY 5 > DUTY + C none
R-COR-4 CALENDAR_DAY 5 > DUTY + C none
R-COR-5 CALENDAR_DAY 5 > DUTY + C;A none
R-COR-6 CALENDAR_DAY 5 > DUTY + C none
R-COR-7 CALENDAR_DAY 7 > WINDOW + C none
R-COR-8 WORKING_DAY 1 > DUTY + C;P none
R-COR-9 CALENDAR_DAY 5 > DUTY + A none
R-COR-9-FILE CALENDAR_DAY 10 > DUTY + A none
R-COR-9-REPORT CALENDAR_DAY 10 > WINDOW + A none
R-COR-10 CALENDAR_DAY 30 < DUTY - C none
R-RLS-1 MONTH 1 < DUTY ! B none
R-RLS-2 CALENDAR_DAY 15 > DUTY + C own
R-RLS-3 MONTH 1 < DUTY ! A;P none
R-RLS-4 CALENDAR_DAY 0 > WINDOW + A none
R-RLS-5 CALENDAR_DAY 7 > DUTY + C own
R-RLS-6 YEAR 5 > EFFECT - B own
R-DRG-1 CALENDAR_DAY 15 > WINDOW + A none
R-DRG-2 CALENDAR_DAY 7 > DUTY + A none
R-MIN-1 HOUR 24 > DUTY - A;P none
R-MIN-2 WORKING_DAY 5 > DUTY + P none
R-MIN-3 CALENDAR_DAY 30 > DUTY + P none
R-MIN-3-SECOND CALENDAR_DAY 90 > DUTY + P none
R-SEA-1 CALENDAR_DAY 3 > DUTY + B none
R-SEA-2 WORKING_DAY 3 > DUTY + P none
R-PI-1 CALENDAR_DAY 30 > DUTY - A;C none
R-PI-2 WORKING_DAY 10 > DUTY + B;C none
R-PI-3 HOUR 24 > DUTY - A;P none
R-PI-4 YEAR 3 > RETENTION - A none
R-PI-5 MONTH 6 > RETENTION - A;C none
R-PI-6 YEAR 1 > DUTY - A none
R-PI-6-REGULAR YEAR 2 > DUTY - A;C none
R-ACK-1 WORKING_DAY 2 > DUTY + P none
"""
BOUNDS = {
    "R-RES-2": (15, 30),
    "R-HUK-2": (None, 30),
    "R-PI-1": (None, 30),
    "R-PI-4": (3, None),
    "R-PI-5": (6, None),
    "R-PI-6": (None, 1),
    "R-PI-6-REGULAR": (None, 2),
}


@pytest.mark.parametrize("line", DOMAIN_4_2.strip().splitlines(), ids=lambda line: line.split()[0])
def test_a_rule_says_what_the_domain_says(line: str) -> None:
    name, unit, amount, direction, kind, roll, mark, override = line.split()
    rule = load_rules()[name]

    moves = "+" if rule.rolls_forward else "!" if rule.is_custody else "-"
    found = (rule.unit.value, str(rule.amount), "<" if rule.is_before else ">", rule.kind.value, moves, rule.mark)
    assert found == (unit, amount, direction, kind, roll, mark)
    assert rule.regional_override == (name if override == "own" else "")
    assert (rule.minimum, rule.maximum) == BOUNDS.get(name, (None, None))
    assert rule.start_event
    assert rule.end_event
    assert rule.source


def test_no_rule_of_the_domain_is_left_out_and_none_is_invented_for_its_families() -> None:
    named = [line.split()[0] for line in DOMAIN_4_2.strip().splitlines()]

    assert len(named) == len(set(named)) == 63
    assert set(named) <= set(load_rules())


def test_limits_that_touch_detention_never_move() -> None:
    """刑事诉讼法 105; they are those that count back from the day of a release."""
    custody = [rule for rule in load_rules().values() if rule.is_custody]

    assert [rule.id for rule in custody] == ["R-RLS-1", "R-RLS-3"]
    assert not any(rule.rolls_forward for rule in custody)


def test_a_person_is_reminded_of_a_permit_thirty_and_seven_days_before() -> None:
    assert [one.days_before for one in founding_limits().reminders["R-RES-4"]] == [30, 7]


def changed(column: str, value: str, rule: str = "R-COR-3") -> str:
    rows = list(csv.reader(TEXT.splitlines()))
    place = rows[0].index(column)
    lines = [",".join(f'"{cell}"' for cell in row) for row in rows]
    for n, row in enumerate(rows):
        if row[0] == rule:
            lines[n] = ",".join(f'"{value if i == place else cell}"' for i, cell in enumerate(row))
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: changed("unit", "FORTNIGHT"), "FORTNIGHT"),
        (lambda: changed("amount", "five"), "five"),
        (lambda: changed("amount", "-1"), "outside its bounds"),
        (lambda: changed("amount", "31", "R-RES-2"), "outside its bounds"),
        (lambda: changed("direction", "SIDEWAYS"), "direction is none of"),
        (lambda: changed("roll_forward", "maybe"), "roll_forward is none of"),
        (lambda: changed("roll_forward", "yes", "R-REG-4"), "never move"),
        (lambda: changed("roll_forward", "yes", "R-WRK-5"), "never move"),
        (lambda: changed("kind", "WISH"), "WISH"),
        (lambda: changed("source", ""), "source"),
        (lambda: changed("mark", "D"), "mark"),
        (lambda: changed("id", "COR-3"), "id has a wrong form"),
        (lambda: changed("id", "R-COR-2"), "stands twice"),
        (lambda: TEXT.replace("id,what", "name,what"), "the columns are"),
        (lambda: TEXT + "R-XYZ-1,short row\n", "a row has"),
    ],
    ids=map(str, range(15)),
)
def test_a_wrong_table_is_refused_with_file_line_and_reason(make: Callable[[], str], reason: str) -> None:
    with pytest.raises(ContractError, match="RULES_INVALID") as caught:
        parse_rules(make())

    assert caught.value.message.startswith("rules/deadlines.csv: line ")
    assert reason in caught.value.message


@pytest.mark.parametrize(
    "row", ["R-COR-3,5,a text,P", "R-XYZ-1,5,a text,P", "R-RES-4,soon,a text,P", "R-RES-4,5,,P", "R-RES-4,5,a text,Q"]
)
def test_a_reminder_is_of_a_person_s_limit_and_has_a_source(row: str) -> None:
    with pytest.raises(ContractError, match="line 2"):
        parse_reminders(f"rule,days_before,source,mark\n{row}\n", load_rules())
