"""An office and an officer open so many payloads an hour and no more (DOMAIN 8.1: there is no bulk opening)."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import UnavailableError
from contracts.opening import load_opening_rules
from hub.opening_rate import HOUR_MS, OpeningLimits, OpeningRate

ONE, TWO, THREE = (bytes((n,)) * 16 for n in (1, 2, 3))


def refused(rate: OpeningRate, office: str, officer: bytes, now_ms: int) -> int:
    """The pause that a refused request is told."""
    with pytest.raises(UnavailableError) as caught:
        rate.take(office, officer, now_ms)
    assert caught.value.code == "OPEN_TOO_MANY"
    return caught.value.retry_after_ms


def test_an_officer_and_an_office_have_limits_of_their_own() -> None:
    rate = OpeningRate(OpeningLimits(per_office=3, per_officer=2))
    rate.take("a", ONE, 0)
    rate.take("a", ONE, 10)

    assert refused(rate, "a", ONE, 20) == HOUR_MS - 20
    rate.take("a", TWO, 30)
    assert refused(rate, "a", THREE, 40) == HOUR_MS - 40
    rate.take("b", ONE, 50)


def test_a_reason_that_stands_in_place_of_a_task_has_a_limit_of_its_own() -> None:
    most = load_opening_rules().clearances["EMERGENCY"].per_office
    rate = OpeningRate(OpeningLimits())
    for _ in range(most):
        rate.take("a", ONE, 0, "EMERGENCY")

    with pytest.raises(UnavailableError) as caught:
        rate.take("a", TWO, 1, "EMERGENCY")
    assert caught.value.retry_after_ms == HOUR_MS - 1
    rate.take("a", TWO, 1, "SEALED_QUERY")
    rate.take("a", TWO, 1, "TASK")
    rate.take("b", ONE, 1, "EMERGENCY")


def test_after_the_pause_that_was_told_the_next_request_is_free() -> None:
    rate = OpeningRate(OpeningLimits(per_office=1, per_officer=1))
    rate.take("a", ONE, 5)
    pause = refused(rate, "a", ONE, 1_000)

    assert refused(rate, "a", ONE, 1_000 + pause - 1) == 1
    rate.take("a", ONE, 1_000 + pause)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from((ONE, TWO)), st.integers(0, HOUR_MS // 2))))
def test_no_hour_holds_more_than_the_limits(steps: Sequence[tuple[str, bytes, int]]) -> None:
    rate, now_ms = OpeningRate(OpeningLimits(per_office=3, per_officer=2)), 0
    given_: list[tuple[str, bytes, int]] = []
    for office, officer, pause_ms in steps:
        now_ms += pause_ms
        try:
            rate.take(office, officer, now_ms)
        except UnavailableError:
            continue
        given_.append((office, officer, now_ms))
        hour = [(o, who) for o, who, at in given_ if at > now_ms - HOUR_MS]
        assert sum(o == office for o, _ in hour) <= 3
        assert hour.count((office, officer)) <= 2
