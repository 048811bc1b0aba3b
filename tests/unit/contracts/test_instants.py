"""A case event tells the day in Shanghai on which an office acted, at every hour of that day (ADR 0012)."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.instant import DAY_MS, HOUR_MS, day_start_ms, local_day, rounded

INSTANTS = st.integers(DAY_MS, 4_000_000_000_000)


@given(INSTANTS)
def test_a_rounded_case_instant_lies_on_the_same_day_and_never_later(at_ms: int) -> None:
    told = rounded("cas", at_ms)

    assert local_day(told) == local_day(at_ms)
    assert at_ms - DAY_MS < told <= at_ms
    assert rounded("cas", told) == told == day_start_ms(local_day(at_ms))


@given(INSTANTS)
def test_other_classes_tell_the_minute_or_the_instant(at_ms: int) -> None:
    assert rounded("std", at_ms) == at_ms // 60_000 * 60_000
    assert rounded("rgt", at_ms) == at_ms


@pytest.mark.parametrize("hour", range(24))
def test_the_day_is_that_of_shanghai_at_every_hour(hour: int) -> None:
    day = date(2026, 11, 26)
    at_ms = day_start_ms(day) + hour * HOUR_MS

    assert local_day(at_ms) == day
    assert local_day(rounded("cas", at_ms)) == day


@given(st.dates(date(1970, 1, 2), date(2100, 1, 1)))
def test_a_day_begins_where_the_one_before_ends(day: date) -> None:
    assert day_start_ms(day) - day_start_ms(day - timedelta(days=1)) == DAY_MS
    assert local_day(day_start_ms(day)) == day
    assert local_day(day_start_ms(day) - 1) == day - timedelta(days=1)
