"""What time does to a household move and to a work permit: nobody falls between two registers (DOMAIN 6.3, 6.5)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from contracts.errors import RuleError
from contracts.instant import HOUR_MS, MINUTE_MS
from contracts.procedure import load_procedures
from hub.own_batch import HubDraft
from hub.submission import Outcome
from tests.support.batches import Made
from tests.support.household_matters import HouseholdMove
from tests.support.matters import MatterMaker
from tests.support.permit_matters import active_work_permit
from tests.support.timed_ledger import TimedLedger

STATES: Final = load_procedures()["HOUSEHOLD_MOVE", 1].states
RESTORED: Final = "OriginRecordRestored"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[TimedLedger]:
    ledger = TimedLedger(tmp_path / "ledger.sqlite")
    yield ledger
    ledger.finish()


def recorded(ledger: TimedLedger, move: HouseholdMove, *steps: str) -> Made:
    """Record some steps of a move, and give the last event."""
    made: list[Made] = [getattr(move, step)() for step in steps]
    ledger.record(*made)
    return made[-1]


def moves_of_time(ledger: TimedLedger) -> list[str]:
    """Types of what time did, but for missed duties."""
    return [header.event_type for header, _ in ledger.made_by_time() if header.event_type != "DeadlineMissed"]


@pytest.mark.parametrize("steps", [(), ("object",), ("verify",)])
def test_an_admission_expires_after_forty_days_from_wherever_it_waits(
    ledger: TimedLedger, steps: tuple[str, ...]
) -> None:
    last = recorded(ledger, HouseholdMove(ledger.world), "apply", "admit", *steps)
    ledger.midnight_after(41)
    ledger.world.clock.advance(-1)
    ledger.application.run_timers()
    before = ledger.matter(last).state
    ledger.world.clock.advance(1)

    ledger.application.run_timers()

    matter = ledger.matter(last)
    assert before != "EXPIRED"
    assert (matter.state, matter.duties) == ("EXPIRED", ())
    assert moves_of_time(ledger) == ["AdmissionExpired"]
    assert STATES[matter.state].registered == "ORIGIN"


def test_an_amendment_does_not_put_the_expiry_off(ledger: TimedLedger) -> None:
    move = HouseholdMove(ledger.world)
    recorded(ledger, move, "apply", "admit")
    ledger.midnight_after(2)
    last = recorded(ledger, move, "object", "amend")
    ledger.midnight_after(41)

    ledger.application.run_timers()

    assert ledger.matter(last).state == "EXPIRED"


def test_a_move_out_that_expires_is_followed_at_once_by_the_restoration_that_it_causes(ledger: TimedLedger) -> None:
    last = recorded(ledger, HouseholdMove(ledger.world), "apply", "admit", "verify", "move_out")
    assert (STATES[ledger.matter(last).state].registered, STATES[ledger.matter(last).state].is_moving) == (
        "ORIGIN",
        True,
    )
    ledger.midnight_after(31)
    ledger.world.clock.advance(-1)
    assert ledger.application.run_timers() == 0
    ledger.world.clock.advance(1)

    assert ledger.application.run_timers() == 2

    (expired, _), (restored, _) = ledger.made_by_time()
    assert (expired.event_type, restored.event_type) == ("MoveOutExpired", RESTORED)
    assert (expired.causation_id, restored.causation_id) == (last.header.event_id, expired.event_id)
    assert restored.stream_seq == expired.stream_seq + 1
    state = STATES[ledger.matter(last).state]
    assert (state.name, state.registered, state.is_moving) == ("RESTORED", "ORIGIN", False)
    assert ledger.application.run_timers() == 0


def test_a_hub_that_stops_between_expiry_and_restoration_restores_when_it_is_back(ledger: TimedLedger) -> None:
    last = recorded(ledger, HouseholdMove(ledger.world), "apply", "admit", "verify", "move_out")
    ledger.midnight_after(31)
    assert ledger.application.run_timers(1) == 1
    assert ledger.matter(last).state == "MOVE_OUT_EXPIRED"

    ledger.midnight_after(40)
    ledger.restart()

    assert ledger.application.run_timers() == 1
    assert ledger.matter(last).state == "RESTORED"
    assert moves_of_time(ledger) == ["MoveOutExpired", RESTORED]


@pytest.mark.parametrize(("step", "target"), [("withdraw", "WITHDRAWN"), ("restrict", "RESTRICTED")])
def test_a_move_that_ends_while_the_record_is_marked_restores_it(ledger: TimedLedger, step: str, target: str) -> None:
    last = recorded(ledger, HouseholdMove(ledger.world), "apply", "admit", "verify", "move_out", step)
    between = STATES[ledger.matter(last).state]

    assert ledger.application.run_timers() == 1

    ((restored, _),) = ledger.made_by_time()
    assert (between.name, between.is_moving) == (f"{target}_MARKED", True)
    assert (restored.event_type, restored.causation_id) == (RESTORED, last.header.event_id)
    state = STATES[ledger.matter(last).state]
    assert (state.name, state.registered, state.is_moving) == (target, "ORIGIN", False)


def test_a_move_that_ends_before_the_record_was_marked_restores_nothing(ledger: TimedLedger) -> None:
    last = recorded(ledger, HouseholdMove(ledger.world), "apply", "admit", "verify", "withdraw")

    assert ledger.application.run_timers() == 0
    assert ledger.matter(last).state == "WITHDRAWN"


def test_both_police_stations_are_told_what_time_did(ledger: TimedLedger) -> None:
    move = HouseholdMove(ledger.world)
    recorded(ledger, move, "apply", "admit", "verify", "move_out")
    points = (move.police.point, move.origin.point)
    before = [ledger.store.heads()[point][0] for point in points]
    ledger.midnight_after(31)

    ledger.application.run_timers()

    assert [ledger.store.heads()[point][0] for point in points] == [count + 2 for count in before]


def test_nobody_settles_with_a_certificate_that_ran_out_while_the_hub_was_down(ledger: TimedLedger) -> None:
    """The hub has not looked since: the limit decides, not the state."""
    move = HouseholdMove(ledger.world)
    last = recorded(ledger, move, "apply", "admit", "verify", "move_out")
    ledger.midnight_after(31)
    ledger.restart()
    late = move.settle()

    (answer,) = ledger.application.submit([ledger.world.batches["44"].batch([late])])

    (result,) = answer.results
    assert result.outcome is Outcome.REFUSED
    assert result.refusal is not None
    assert result.refusal.rule == "move_out_valid"
    ledger.application.run_timers()
    assert ledger.matter(last).state == "RESTORED"


def test_a_household_settles_on_the_last_day_and_its_origin_is_reminded_of_nothing_but_the_cancellation(
    ledger: TimedLedger,
) -> None:
    move = HouseholdMove(ledger.world)
    recorded(ledger, move, "apply", "admit", "verify", "move_out")
    ledger.midnight_after(31)
    ledger.world.clock.advance(-MINUTE_MS)
    last = recorded(ledger, move, "settle")
    ledger.midnight_after(60)

    assert ledger.application.run_timers() == 1

    ((header, body),) = ledger.made_by_time()
    assert (header.event_type, body["rule"], body["region"]) == ("DeadlineMissed", "R-HUK-7", "45")
    assert STATES[ledger.matter(last).state].registered == "DESTINATION"
    recorded(ledger, move, "close_origin")
    assert ledger.matter(last).state == "COMPLETED"


def test_the_hub_cannot_restore_a_record_before_its_time(ledger: TimedLedger) -> None:
    last = recorded(ledger, HouseholdMove(ledger.world), "apply", "admit", "verify", "move_out")
    early = HubDraft("MoveOutExpired", "HOUSEHOLD_MOVE", {}, stream_id=last.header.stream_id)

    with pytest.raises(RuleError, match="GUARD_FAILED"):
        ledger.application.record([early])

    assert ledger.matter(last).state == "MOVE_OUT_ISSUED"


# -- work permits


def permit(ledger: TimedLedger, days: int) -> tuple[MatterMaker, Made]:
    """An active permit whose last day is so many days away."""
    maker = MatterMaker(ledger.world, "WORK_PERMIT")
    made = active_work_permit(maker, "44", maker.day(days))
    ledger.record(*made)
    return maker, made[-1]


def apply_extension(ledger: TimedLedger, maker: MatterMaker) -> None:
    """The employer applies to extend."""
    ledger.record(maker.event("WorkPermitExtensionApplied", ledger.world.office("44", "SERVICE_WINDOW")))


def test_a_permit_expires_when_its_last_day_has_passed_and_not_before(ledger: TimedLedger) -> None:
    _, made = permit(ledger, 90)
    ledger.midnight_after(91)
    ledger.world.clock.advance(-1)
    assert ledger.application.run_timers() == 0
    ledger.world.clock.advance(1)

    assert ledger.application.run_timers() == 1

    ((header, body),) = ledger.made_by_time()
    assert ledger.matter(made).state == "EXPIRED"
    assert (header.event_type, dict(body)) == ("WorkPermitExpired", {"expires_on": "2026-05-31"})


def test_a_permit_with_an_extension_pending_holds_until_it_is_decided(ledger: TimedLedger) -> None:
    maker, made = permit(ledger, 90)
    ledger.midnight_after(60)
    apply_extension(ledger, maker)
    ledger.midnight_after(95)
    assert ledger.application.run_timers() == 1
    assert [body["rule"] for _, body in ledger.made_by_time()] == ["R-WRK-2"]
    assert ledger.matter(made).state == "EXTENDING"
    authority = ledger.world.office("44", "WORK_PERMIT_AUTHORITY")

    ledger.record(maker.event("WorkPermitExtended", authority, {"expires_on": maker.day(365)}))

    assert ledger.application.run_timers() == 0
    assert ledger.matter(made).state == "ACTIVE"
    ledger.midnight_after(95 + 366)
    assert ledger.application.run_timers() == 1
    assert ledger.matter(made).state == "EXPIRED"


def test_a_refused_extension_ends_the_permit_at_once_if_its_last_day_has_passed(ledger: TimedLedger) -> None:
    maker, made = permit(ledger, 90)
    ledger.midnight_after(60)
    apply_extension(ledger, maker)
    ledger.midnight_after(95)
    authority = ledger.world.office("44", "WORK_PERMIT_AUTHORITY")
    body = {"reason": "CONDITION_NOT_MET", "official": ledger.world.fresh_id(), "review_told": True}

    ledger.record(maker.event("WorkPermitExtensionRefused", authority, body))

    assert ledger.matter(made).state == "ACTIVE"
    assert ledger.application.run_timers() == 1
    assert ledger.matter(made).state == "EXPIRED"


def test_a_refused_extension_leaves_the_permit_its_days(ledger: TimedLedger) -> None:
    maker, made = permit(ledger, 90)
    ledger.midnight_after(55)
    apply_extension(ledger, maker)
    authority = ledger.world.office("44", "WORK_PERMIT_AUTHORITY")
    body = {"reason": "CONDITION_NOT_MET", "official": ledger.world.fresh_id(), "review_told": True}
    ledger.record(maker.event("WorkPermitExtensionRefused", authority, body))
    ledger.midnight_after(90)
    ledger.world.clock.advance(HOUR_MS)

    early = ledger.application.run_timers()
    ledger.midnight_after(91)

    assert (early, ledger.application.run_timers()) == (0, 1)
    assert ledger.matter(made).state == "EXPIRED"


def test_a_permit_that_expired_while_the_hub_was_down_expires_when_it_is_back(ledger: TimedLedger) -> None:
    _, made = permit(ledger, 90)
    ledger.midnight_after(200)
    ledger.restart()

    assert ledger.application.run_timers() == 1
    assert ledger.matter(made).state == "EXPIRED"


@pytest.mark.parametrize("short", [True, False])
def test_how_long_the_work_lasts_decides_the_limit(ledger: TimedLedger, short: bool) -> None:
    maker = MatterMaker(ledger.world, "WORK_PERMIT")
    made = active_work_permit(maker, "44", maker.day(80), stay="UP_TO_90_DAYS" if short else "ABOVE_90_DAYS")
    ledger.record(*made[:3])
    ledger.midnight_after(60)

    ledger.application.run_timers()

    assert [body["rule"] for _, body in ledger.made_by_time()] == ["R-WRK-3" if short else "R-WRK-2"]
