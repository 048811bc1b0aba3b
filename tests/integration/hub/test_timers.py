"""What time does is recorded by the hub: once, not before its time, and also by a hub that was down (DOMAIN 4.1)."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from contracts.errors import RuleError
from hub.own_batch import HubDraft
from tests.support.batches import Made
from tests.support.matters import MatterMaker, correction, notification, permit, residence
from tests.support.timed_ledger import TimedLedger
from tests.support.world import World

FULL_YEAR: Final = 365
"""Days from 2026-03-02 to 2027-03-02, a working day."""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[TimedLedger]:
    ledger = TimedLedger(tmp_path / "ledger.sqlite")
    yield ledger
    ledger.finish()


def test_a_permit_is_suspended_after_the_full_year_and_reinstated_by_an_endorsement(
    ledger: TimedLedger,
) -> None:
    events = permit(ledger.world)
    ledger.record(*events)
    ledger.midnight_after(FULL_YEAR + 1)

    assert ledger.application.run_timers() == 1

    suspended = ledger.matter(events[-1])
    ((header, body),) = ledger.made_by_time()
    assert suspended.state == "SUSPENDED"
    assert suspended.duties == ()
    assert header.event_type == "ResidencePermitSuspended"
    assert header.causation_id == events[-1].header.event_id
    assert dict(body) == {
        "full_year_on": "2027-03-02",
        "first_reminder_on": "2027-01-31",
        "second_reminder_on": "2027-02-23",
    }
    maker = MatterMaker(ledger.world, "RESIDENCE_PERMIT")
    maker.stream_id, maker.next_seq, maker.head = suspended.stream_id, suspended.next_seq, suspended.head
    police = ledger.world.office("44", "POLICE_STATION")
    ledger.record(maker.event("ResidencePermitReinstated", police, {"residence_counted_from": maker.day()}))
    assert ledger.matter(events[-1]).state == "ACTIVE"
    ledger.midnight_after(FULL_YEAR + 1 + FULL_YEAR)
    assert ledger.application.run_timers() == 0
    ledger.midnight_after(FULL_YEAR + 1 + FULL_YEAR + 2)
    assert ledger.application.run_timers() == 1
    assert [body["full_year_on"] for _, body in ledger.made_by_time()] == ["2027-03-02", "2028-03-03"]


def test_the_office_that_holds_a_permit_is_told_that_it_was_suspended(ledger: TimedLedger) -> None:
    ledger.record(*permit(ledger.world))
    ledger.midnight_after(FULL_YEAR + 1)
    before = ledger.store.heads().get(ledger.world.office("44", "POLICE_STATION").point, (0, b""))[0]

    ledger.application.run_timers()

    assert ledger.store.heads()[ledger.world.office("44", "POLICE_STATION").point][0] == before + 1


def test_a_notice_is_closed_when_its_retention_is_over(ledger: TimedLedger) -> None:
    events = notification(ledger.world)
    ledger.record(*events)
    ledger.midnight_after(90)
    assert ledger.application.run_timers() == 0
    ledger.midnight_after(91)

    assert ledger.application.run_timers() == 2

    assert ledger.matter(events[0]).state == "CLOSED"
    ended = [body["target"] for header, body in ledger.made_by_time() if header.event_type == "ContentEnded"]
    assert ended == [events[0].header.stream_id]
    assert ledger.application.run_timers() == 0


def test_a_missed_duty_is_recorded_once_however_often_time_is_asked(ledger: TimedLedger) -> None:
    events = notification(ledger.world)[:3]
    ledger.record(*events)
    ledger.midnight_after(30)

    counts = [ledger.application.run_timers(), ledger.application.run_timers()]
    ledger.restart()
    counts += [ledger.application.run_timers()]
    ledger.midnight_after(60)
    counts += [ledger.application.run_timers()]

    ((header, body),) = ledger.made_by_time()
    assert counts == [1, 0, 0, 0]
    assert (header.event_type, body["rule"], body["region"]) == ("DeadlineMissed", "R-ACK-1", "45")
    assert header.causation_id == events[-1].header.event_id
    assert ledger.matter(events[0]).state == "DELIVERED"


def test_a_hub_that_was_down_over_the_due_time_does_what_was_due(ledger: TimedLedger) -> None:
    permits, notices = permit(ledger.world), notification(ledger.world)
    ledger.record(*permits, *notices)
    case = correction(ledger.world)[:2]
    ledger.record(*case)
    ledger.midnight_after(FULL_YEAR + 40)
    ledger.restart()

    assert ledger.application.run_timers() == 4

    assert ledger.matter(permits[0]).state == "SUSPENDED"
    assert ledger.matter(notices[0]).state == "CLOSED"
    told = {header.event_type: body for header, body in ledger.made_by_time()}
    assert told["ResidencePermitSuspended"]["full_year_on"] == "2027-03-02"
    assert told["DeadlineMissed"]["rule"] == "R-COR-3"
    assert told["ContentEnded"]["target"] == notices[0].header.stream_id


@pytest.mark.parametrize(
    ("make", "days", "count"),
    [
        pytest.param(permit, FULL_YEAR + 1, 1, id="suspension after the full year"),
        pytest.param(notification, 91, 2, id="end of retention of a notice and of its content"),
        pytest.param(lambda world: notification(world)[:3], 3, 1, id="two working days from a Monday"),
        pytest.param(lambda world: correction(world)[:2], 8, 1, id="five days that end on a Saturday"),
    ],
)
def test_nothing_happens_before_its_time(
    ledger: TimedLedger, make: Callable[[World], list[Made]], days: int, count: int
) -> None:
    ledger.record(*make(ledger.world))
    ledger.midnight_after(days)
    ledger.world.clock.advance(-1)

    early = ledger.application.run_timers()
    ledger.world.clock.advance(1)

    assert (early, ledger.application.run_timers()) == (0, count)


def test_restricted_and_final_matters_are_left_alone_but_for_content_whose_time_is_over(ledger: TimedLedger) -> None:
    world = ledger.world
    restricted, closed, received = permit(world), residence(world, "44"), correction(world)
    ledger.record(*restricted, *closed, *received)
    matter = ledger.matter(restricted[-1])
    maker = MatterMaker(world, "RESIDENCE_PERMIT")
    maker.stream_id, maker.next_seq, maker.head = matter.stream_id, matter.next_seq, matter.head
    body = {"request": world.fresh_id(), "official": world.fresh_id()}
    desk = world.office("44", "RIGHTS_DESK")
    ledger.record(maker.event("MatterRestricted", desk, body, purpose="RIGHTS", legal_basis="LB-PIPL-47"))
    ledger.midnight_after(2 * FULL_YEAR)

    assert ledger.application.run_timers() == 1

    ((header, ended),) = ledger.made_by_time()
    assert (header.event_type, ended["target"]) == ("ContentEnded", received[0].header.stream_id)
    assert ledger.matter(restricted[0]).state == "RESTRICTED"


def test_no_more_is_recorded_than_was_asked_for(ledger: TimedLedger) -> None:
    for _ in range(3):
        ledger.record(*notification(ledger.world)[:3])
    ledger.midnight_after(30)

    assert [ledger.application.run_timers(2), ledger.application.run_timers(2)] == [2, 1]


def test_what_the_hub_refuses_itself_keeps_nobody_waiting_and_is_tried_again_later(ledger: TimedLedger) -> None:
    world = ledger.world
    permits, notices = permit(world), notification(world)
    ledger.record(*permits, *notices)
    ledger.application.record([world.closing(world.office("44", "POLICE_STATION"))])
    ledger.midnight_after(FULL_YEAR + 1)

    assert ledger.application.run_timers() == 2

    size = ledger.store.size()
    assert ledger.matter(notices[0]).state == "CLOSED"
    assert ledger.matter(permits[0]).state == "ACTIVE"
    assert (ledger.application.run_timers(), ledger.store.size()) == (0, size)
    world.clock.advance(3_600_000)
    assert (ledger.application.run_timers(), ledger.store.size()) == (0, size + 1)


def test_the_hub_cannot_hurry_time(ledger: TimedLedger) -> None:
    """An event that only time makes is refused before the limit has ended, even if the hub signs it."""
    events = notification(ledger.world)
    ledger.record(*events)
    early = HubDraft("ResidenceNoticeClosed", "RESIDENCE_NOTIFICATION", {}, stream_id=events[0].header.stream_id)

    with pytest.raises(RuleError, match="GUARD_FAILED") as caught:
        ledger.application.record([early])

    assert caught.value.rule == "RETENTION"
    assert ledger.matter(events[0]).state == "ACKNOWLEDGED"
