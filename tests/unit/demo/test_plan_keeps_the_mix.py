"""What is played is drawn: the mix of DOMAIN 14, a floor for every story, the same for the same seed."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.demo.mix import FEW, KINDS, fewest_matters, floor_of
from adapters.demo.plan import PROVINCES, Planned, demo_counties, draw_plan
from adapters.demo.residence_stories import NOTICES, REGISTRATIONS, REJECTIONS
from adapters.demo.story import TIMER
from contracts.weights import load_flows

_NOW_MS = 1_795_000_000_000
_DAY_MS = 86_400_000
_LONGEST_DAYS = 400


def _plan(seed: int, matters: int) -> tuple[Planned, ...]:
    return draw_plan(seed=seed, matters=matters, now_ms=_NOW_MS)


@settings(max_examples=15)
@given(seed=st.integers(0, 1 << 32), matters=st.integers(fewest_matters(), 1_500))
def test_a_plan_has_as_many_matters_as_asked_and_every_story(seed: int, matters: int) -> None:
    """A registration and the notice of it are two; no story is left out."""
    plan = _plan(seed, matters)
    told = Counter(planned.story for planned in plan)

    assert len(plan) == matters
    assert [planned.number for planned in plan] == list(range(matters))
    for kind in KINDS:
        assert all(told[story] >= floor_of(matters) for story in kind.stories)
    assert all(told[story] >= floor_of(matters) for story in (*REGISTRATIONS, *REJECTIONS, *NOTICES))


def test_every_story_is_played_a_few_times_in_the_usual_demonstration() -> None:
    """With 2,000 matters every kind of outcome appears at least three times."""
    told = Counter((planned.story.procedure, planned.story.name) for planned in _plan(1, 2_000))

    assert min(told.values()) >= 3
    assert floor_of(FEW) == 3


def test_ten_thousand_streams_have_the_mix_of_the_domain() -> None:
    """DOMAIN 14: 1,400 permits, 800 household moves, 150 corrections, 100 releases, 30 rehabilitations, 20 minors."""
    plan = _plan(1, 10_000)
    # Matters that are played because a request or an order is about them come on top.
    besides = {planned.follows for planned in plan if planned.story.about is not None}
    told = Counter(planned.story.procedure for planned in plan if planned.number not in besides)
    permits = told["RESIDENCE_PERMIT"] + told["WORK_PERMIT"] + told["POINTS_SETTLEMENT"]

    assert permits == 1_400
    assert (told["HOUSEHOLD_MOVE"], told["CORRECTION_TRANSFER"], told["RESETTLEMENT_HANDOVER"]) == (800, 150, 100)
    assert (told["REHAB_HANDOVER"], told["MINOR_RETURN"]) == (30, 21)
    assert 7_050 <= told["RESIDENCE"] + told["RESIDENCE_NOTIFICATION"] <= 7_500


def test_the_same_seed_draws_the_same_plan() -> None:
    """Every process draws it for itself, and a gateway that was killed knows its part again."""
    one, again, other = _plan(7, 400), _plan(7, 400), _plan(8, 400)

    assert one == again
    assert [planned.moments() for planned in one] == [planned.moments() for planned in again]
    assert one != other


def test_origins_and_destinations_follow_the_estimate() -> None:
    """The largest flows of the estimate are the largest of the plan, and nobody moves inside a province."""
    drawn = Counter(
        (planned.region("DESTINATION"), planned.region("ORIGIN"))
        for planned in _plan(1, 10_000)
        if planned.story in REGISTRATIONS
    )
    estimate = load_flows()
    largest = sorted(estimate, key=lambda flow: -estimate[flow])[:2]

    assert [flow for flow, _ in drawn.most_common(2)] == largest
    assert all(here != there for here, there in drawn)
    assert {region for flow in drawn for region in flow} <= set(PROVINCES)


def test_a_notice_follows_its_registration_between_the_same_counties() -> None:
    """It waits for the registration, and nothing in clear text links the two."""
    plan = _plan(1, 400)

    followers = [planned for planned in plan if planned.story in NOTICES]
    assert followers
    for planned in followers:
        registration = plan[planned.follows or 0]
        assert registration.places == planned.places
        assert registration.correlation_id != planned.correlation_id
        assert planned.start_ms >= registration.moments()[1]


def test_a_request_follows_the_matter_that_it_is_about() -> None:
    """It begins where that one was played, after all its steps; what has to be new begins later."""
    plan = _plan(1, 400)

    requests = [planned for planned in plan if planned.story.about is not None]
    assert requests
    for planned in requests:
        about = plan[planned.follows or 0]
        assert about.story is planned.story.about
        assert about.starter == planned.starter
        assert set(planned.places.values()) == set(about.places.values())
        if planned.story.recent is None:
            assert planned.start_ms == about.moments()[-1]
        assert planned.start_ms >= about.moments()[-1]
        assert planned.follows_steps == len(about.moments())


def test_what_begins_late_cannot_lie_ahead() -> None:
    """A clearance holds for a day: however its steps are drawn, each has happened when the demonstration is played."""
    late = [story for kind in KINDS for story in kind.stories if story.recent is not None]

    assert late
    for story in late:
        longest = sum(step.after[1] for step in story.steps if step.side != TIMER)
        assert longest < min(story.recent or (0.0,)), story.name


@pytest.mark.parametrize("matters", [fewest_matters(), 2_000])
def test_nothing_happens_before_it_may_be_reported(matters: int) -> None:
    """The hub refuses what happened more than 400 days ago."""
    starts = [planned.start_ms for planned in _plan(3, matters)]

    assert min(starts) > _NOW_MS - _LONGEST_DAYS * _DAY_MS
    assert max(starts) < _NOW_MS


def test_counties_take_part_once() -> None:
    """Six of each province, all of it."""
    counties = demo_counties(5)

    assert set(counties) == set(PROVINCES)
    assert all(
        len(set(places)) == 6 and {place[:2] for place in places} == {region} for region, places in counties.items()
    )
