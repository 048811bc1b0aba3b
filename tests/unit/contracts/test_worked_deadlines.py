"""Deadlines worked out by hand, with the reasoning beside each (`tests/vectors/deadlines.csv`, DOMAIN 4.1)."""

import csv
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from contracts.deadline import due_at, load_rules
from contracts.ids import RegionCode
from contracts.instant import DAY_MS, day_start_ms

SHANGHAI = timezone(timedelta(hours=8))
FILE = Path(__file__).parents[2] / "vectors" / "deadlines.csv"
WORKED = list(csv.DictReader(FILE.read_text(encoding="utf-8").splitlines()))


def ms(local: str) -> int:
    return int(datetime.fromisoformat(local).replace(tzinfo=SHANGHAI).timestamp() * 1000)


@pytest.mark.parametrize("row", WORKED, ids=[f"{row['rule']} {row['region']} {row['start']}" for row in WORKED])
def test_a_deadline_is_what_was_worked_out_by_hand(row: Mapping[str, str]) -> None:
    due = due_at(row["rule"], start_ms=ms(row["start"]), region=RegionCode(row["region"]))
    is_hours = "T" in row["last"]

    assert due.due_ms == (ms(row["last"]) if is_hours else day_start_ms(date.fromisoformat(row["last"])) + DAY_MS)
    assert due.calendar_assumed is (row["calendar_assumed"] == "yes")


def test_the_examples_are_many_and_reasoned() -> None:
    units = {load_rules()[row["rule"]].unit for row in WORKED}

    assert len(WORKED) >= 60
    assert len({(row["rule"], row["region"], row["start"]) for row in WORKED}) == len(WORKED)
    assert len(units) == 5
    assert all(row["reasoning"] for row in WORKED)
