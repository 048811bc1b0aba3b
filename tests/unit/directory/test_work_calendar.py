"""Days off and days of work (DOMAIN 4.1)."""

from datetime import date, timedelta

import chinese_calendar  # type: ignore[import-untyped]
import pytest

from contracts.calendar import Source, load_calendar


def working(name: str, day: str) -> bool:
    return load_calendar(name).day(date.fromisoformat(day).toordinal()).is_working


def test_the_mainland_agrees_with_the_published_calendar_on_every_known_day() -> None:
    calendar = load_calendar("cn")
    days = [date(2004, 1, 1) + timedelta(days=n) for n in range(8_401)]

    assert days[-1] == date(2026, 12, 31)
    assert [d for d in days if calendar.day(d.toordinal()).is_working != chinese_calendar.is_workday(d)] == []


def test_a_saturday_that_makes_up_for_a_holiday_is_a_day_of_work() -> None:
    assert working("cn", "2026-02-14")
    assert not working("cn", "2026-02-16")


@pytest.mark.parametrize(("day", "expected"), [("2027-01-01", True), ("2027-01-02", False), ("2003-12-31", True)])
def test_a_year_of_which_nothing_is_known_counts_monday_to_friday_and_says_so(day: str, expected: bool) -> None:
    answer = load_calendar("cn").day(date.fromisoformat(day).toordinal())

    assert answer == (expected, Source.ASSUMED)


def test_hong_kong_and_macao_have_days_off_of_their_own() -> None:
    assert not working("hk", "2026-07-01")
    assert working("mo", "2026-07-01")
    assert not working("mo", "2026-12-08")
    assert working("hk", "2026-12-08")
    assert working("hk", "2026-02-23")
    assert not working("cn", "2026-02-23")


def test_the_files_of_hong_kong_and_macao_know_one_year() -> None:
    for name in ("hk", "mo"):
        calendar = load_calendar(name)

        assert calendar.day(date(2026, 5, 5).toordinal()).source is Source.FILE
        assert calendar.day(date(2027, 5, 5).toordinal()).source is Source.ASSUMED
