"""What time does to the cases that are help: an arrival that is not known, help that ends, visits that are missed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.instant import DAY_MS
from tests.support.case_matters import minor_return, rehabilitation, resettlement
from tests.support.timed_ledger import MIDNIGHT_MS, TimedLedger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[TimedLedger]:
    ledger = TimedLedger(tmp_path / "ledger.sqlite")
    yield ledger
    ledger.finish()


def test_no_contact_for_thirty_days_closes_the_matter_and_reminds_the_home_office(ledger: TimedLedger) -> None:
    """R-RLS-7: a reminder to offer help, not a search. Until then nothing happens."""
    events = resettlement(ledger.world)[:5]
    ledger.record(*events)
    county = ledger.world.office("43", "COUNTY_RESETTLEMENT")
    before = ledger.store.heads()[county.point][0]
    ledger.midnight_after(30)
    early = ledger.application.run_timers()
    ledger.midnight_after(31)

    late = ledger.application.run_timers()

    *copies, (header, body) = ledger.made_by_time()
    assert (early, late) == (0, 1 + len(copies))
    assert [ended["brought_by"] for _, ended in copies] == [made.header.event_id for made in events]
    assert (header.event_type, dict(body), ledger.matter(events[0]).state) == ("ArrivalNotKnown", {}, "CLOSED")
    assert ledger.store.heads()[county.point][0] == before + 1


def test_assistance_ends_five_years_after_the_release(ledger: TimedLedger) -> None:
    """R-RLS-6, unless office or person end it before."""
    events = resettlement(ledger.world)
    ledger.record(*events)
    ledger.world.clock.ms = MIDNIGHT_MS + (5 * 365 + 1) * DAY_MS
    early = ledger.application.run_timers()
    ledger.world.clock.ms += DAY_MS

    late = ledger.application.run_timers()

    bringing = sum(bool(event.header.sealed) for event in events)
    assert (early, late) == (bringing, 1)
    made = [header.event_type for header, _ in ledger.made_by_time()]
    assert made == ["CopiesEnded"] * bringing + ["AssistanceEnded"]
    assert ledger.matter(events[0]).state == "CLOSED"


@pytest.mark.parametrize(
    ("steps", "days", "missed"),
    [(1, 20, ["R-RLS-2"]), (6, 10, ["R-RLS-5"])],
)
def test_the_home_county_is_told_what_it_missed(ledger: TimedLedger, steps: int, days: int, missed: list[str]) -> None:
    """R-RLS-2: 15 days to confirm; R-RLS-5: 7 days to the first contact."""
    ledger.record(*resettlement(ledger.world)[:steps])
    ledger.midnight_after(days)

    ledger.application.run_timers()

    assert [body["rule"] for _, body in ledger.made_by_time()] == missed


def test_materials_that_do_not_go_and_a_receipt_that_does_not_come_are_missed(ledger: TimedLedger) -> None:
    """R-DRG-3 is the old town office's, R-ACK-1 the new one's; R-DRG-1 is a person's window and nobody's miss."""
    late, held = rehabilitation(ledger.world), rehabilitation(ledger.world)
    ledger.record(late[0], *held[:2])
    ledger.midnight_after(20)

    ledger.application.run_timers()

    assert sorted(body["rule"] for _, body in ledger.made_by_time()) == ["R-ACK-1", "R-DRG-3"]


def test_both_visits_are_owed_from_the_handover(ledger: TimedLedger) -> None:
    """R-MIN-3: 30 and 90 days."""
    events = minor_return(ledger.world)
    ledger.record(*events[:5])
    ledger.midnight_after(40)
    ledger.application.run_timers()
    first = [body["rule"] for _, body in ledger.made_by_time()]
    ledger.midnight_after(100)

    ledger.application.run_timers()

    assert first == ["R-MIN-3"]
    assert [body["rule"] for _, body in ledger.made_by_time()] == ["R-MIN-3", "R-MIN-3-SECOND"]
