"""What time makes due for one matter is derived from its open limits, the same every time (DOMAIN 4.1)."""

from datetime import date

import pytest

from contracts.ids import EventId, is_uuid7, uuid7_ms
from contracts.instant import DAY_MS
from contracts.procedure import load_procedures
from contracts.timer import parse_timer
from hub.matter import Duty
from hub.own_batch import HubDraft
from hub.timers import derived_id, due
from tests.unit.procedures.scene import Scene, noon

POLICE = "POLICE_STATION"
COUNTY = "COUNTY_PSB_HOUSEHOLD"


def active(year_from: str = "2026-03-02") -> Scene:
    """A permit that was issued on the day from which it counts."""
    scene = Scene.of("RESIDENCE_PERMIT")
    scene.day = year_from
    scene.happen("ResidencePermitAccepted", POLICE, {"registered_on": "2020-03-02"})
    scene.happen("ResidencePermitSigned", COUNTY)
    scene.happen("ResidencePermitIssued", POLICE, {"year_from": year_from})
    return scene


def days_from(day: str, days: int) -> str:
    """The day so many days from another."""
    return date.fromordinal(date.fromisoformat(day).toordinal() + days).isoformat()


def due_on(scene: Scene, day: str) -> list[HubDraft]:
    """What is due at noon of a day."""
    assert scene.matter is not None
    return list(due(scene.matter, load_procedures(), noon(day)))


@pytest.mark.parametrize(
    ("year_from", "first_day", "body"),
    [
        ("2026-03-02", "2027-03-03", ("2027-03-02", "2027-01-31", "2027-02-23")),
        ("2024-02-29", "2025-03-01", ("2025-02-28", "2025-01-29", "2025-02-21")),
        ("2025-03-07", "2026-03-10", ("2026-03-07", "2026-02-05", "2026-02-28")),
    ],
)
def test_a_suspension_tells_the_full_year_and_its_reminders(
    year_from: str, first_day: str, body: tuple[str, ...]
) -> None:
    """A leap day has its full year on the month's last; a last day off moves to the next day of work."""
    scene = active(year_from)

    early, (draft,) = due_on(scene, days_from(first_day, -1)), due_on(scene, first_day)

    assert early == []
    assert (draft.event_type, draft.procedure, draft.edition) == ("ResidencePermitSuspended", "RESIDENCE_PERMIT", 1)
    assert tuple(draft.body.values()) == body
    assert scene.matter is not None
    assert draft.stream_id == scene.matter.stream_id


@pytest.mark.parametrize("days", [0, 1, 400])
def test_what_a_timer_makes_passes_the_guards_of_its_row(days: int) -> None:
    scene = active()
    (draft,) = due_on(scene, "2027-03-03")
    scene.day = days_from("2027-03-03", days)

    matter = scene.happen(draft.event_type, "TIMER", draft.body)

    assert (matter.state, matter.duties) == ("SUSPENDED", ())
    assert due_on(scene, scene.day) == []


def test_the_same_cause_gives_the_same_id_and_another_cause_another() -> None:
    scene = active()
    (first,), (again,) = due_on(scene, "2027-03-03"), due_on(scene, "2029-03-03")
    duty = Duty("R-COR-3", "RECEIVING", "COUNTY_CORRECTION", 0, EventId(bytes(16)))
    ids = {
        derived_id("missed", duty, 1),
        derived_id("OpinionGiven", duty, 1),
        derived_id("missed", duty, 2),
        derived_id("missed", duty._replace(side="SENDING"), 1),
        derived_id("missed", duty._replace(office_type="COURT"), 1),
        derived_id("missed", duty._replace(started_by=EventId(bytes(15) + b"1")), 1),
    }

    assert first.event_id is not None
    assert first.event_id == again.event_id
    assert is_uuid7(first.event_id)
    assert uuid7_ms(first.event_id) == noon("2027-03-03") - DAY_MS // 2
    assert len(ids) == 6


def test_misses_come_before_the_transition_that_ends_what_was_missed() -> None:
    scene = active()
    assert scene.matter is not None
    late = Duty("R-RES-2", "DESTINATION", COUNTY, noon("2026-03-02"), EventId(bytes(16)))
    scene.matter = scene.matter._replace(duties=(*scene.matter.duties, late))

    assert [draft.event_type for draft in due_on(scene, "2027-03-03")] == ["DeadlineMissed", "ResidencePermitSuspended"]


def test_a_window_is_nobodys_miss() -> None:
    scene = Scene.of("CORRECTION_TRANSFER")
    scene.happen("TransferRequested", "JUDICIAL_OFFICE")
    scene.happen("OpinionAsked", "COUNTY_CORRECTION")
    scene.happen("OpinionGiven", "COUNTY_CORRECTION@away")
    scene.happen("TransferDecided", "COUNTY_CORRECTION")
    scene.happen("DecisionServed", "COUNTY_CORRECTION")

    assert [draft.body["rule"] for draft in due_on(scene, "2026-05-04")] == ["R-COR-5"]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("fact.since", "2026-01-31"),
        ("fact.since + 1 MONTH", "2026-02-28"),
        ("fact.since + 1 MONTH - 1 DAY", "2026-02-27"),
        ("fact.since - 1 DAY + 1 MONTH", "2026-02-28"),
        ("fact.since + 2 YEAR", "2028-01-31"),
    ],
)
def test_steps_are_taken_from_left_to_right(text: str, day: str) -> None:
    timer = parse_timer({"rule": "R-RES-5", "body": {"on": text}})

    assert timer.facts() == {"since"}
    assert timer.body_of({"since": "2026-01-31"}) == {"on": day}
