"""Events become rows of work lists and counts, each exactly once, and an order takes all of them away again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from adapters.store.opening import open_store
from adapters.store.projection_store import ProjectionStore
from contracts.errors import UnavailableError
from contracts.event import leaf_hash
from contracts.hiding import Hiding
from contracts.ids import OfficeId
from contracts.instant import DAY_MS
from contracts.suite import office_key
from hub.application import Application
from hub.matter import unpack
from hub.own_batch import HubDraft
from hub.projections.work_list import NO_DUE_MS, WorkRow
from hub.submission import Outcome
from tests.support.all_matters import one_of_each
from tests.support.batches import Made
from tests.support.clearances import ClearanceMaker, sealing
from tests.support.matters import MatterMaker, correction, notification
from tests.support.projections import digests, follow, open_projections
from tests.support.world import World


class Office:
    """A hub, its ledger and the projections beside it."""

    def __init__(self, folder: Path) -> None:
        self.world = World()
        folder.mkdir(exist_ok=True)
        self.store = open_store(folder / "ledger.sqlite")
        self.application: Application = self.world.found(self.store)
        self.rows = open_projections(folder / "projections.sqlite")

    def submit(self, made: list[Made]) -> None:
        for one in made:
            (answer,) = self.application.submit([self.world.batches[one.region].batch([one])])
            assert [result.outcome for result in answer.results] == [Outcome.ACCEPTED], answer
        follow(self.store, self.rows, self.world.rules)

    def list_of(self, region: str, office_type: str) -> list[WorkRow]:
        return self.rows.work_list(self.world.office(region, office_type).office, after=None, limit=100)

    def counted(self, region: str, office_type: str) -> dict[str, int]:
        rows = self.rows.indicators(office=self.world.office(region, office_type).office)
        return {f"{name} {month}": n for name, _, month, n in rows}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.rows.close()
    office.store.close()


def test_content_waits_for_its_office_and_then_its_duty_does(desk: Office) -> None:
    events = notification(desk.world, "44", "45")
    desk.submit(events[:2])
    (told,) = desk.list_of("45", "COUNTY_PSB_HOUSEHOLD")
    desk.submit(events[2:3])
    (owed,) = desk.list_of("45", "COUNTY_PSB_HOUSEHOLD")
    desk.submit(events[3:])

    assert (told.kind, told.state, told.due_ms, told.rule) == ("RESIDENCE_NOTIFICATION", "SENT", NO_DUE_MS, "")
    assert (owed.state, owed.rule, owed.calendar_assumed) == ("DELIVERED", "R-ACK-1", False)
    assert owed.stream_id == events[0].header.stream_id
    assert 0 < owed.due_ms - desk.world.clock.now_ms() <= 3 * DAY_MS
    assert desk.list_of("45", "COUNTY_PSB_HOUSEHOLD") == []
    assert desk.list_of("44", "COUNTY_PSB_HOUSEHOLD") == []


def test_a_receipt_in_time_is_counted_for_the_office_that_gave_it(desk: Office) -> None:
    desk.submit(notification(desk.world, "44", "45"))

    assert desk.counted("45", "COUNTY_PSB_HOUSEHOLD") == {"duties_met 2026-03": 1, "receipts_in_time 2026-03": 1}
    assert desk.counted("44", "COUNTY_PSB_HOUSEHOLD") == {}


def test_a_duty_is_missed_once_and_a_late_act_meets_nothing(desk: Office) -> None:
    events = notification(desk.world, "44", "45")
    desk.submit(events[:3])
    desk.world.clock.advance(10 * DAY_MS)
    desk.application.run_timers()
    desk.submit([])
    still = desk.list_of("45", "COUNTY_PSB_HOUSEHOLD")
    desk.submit(events[3:])

    assert [row.rule for row in still] == ["R-ACK-1"]
    assert desk.counted("45", "COUNTY_PSB_HOUSEHOLD") == {"duties_missed 2026-03": 1}


def test_a_late_act_that_no_timer_saw_is_a_miss(desk: Office) -> None:
    events = notification(desk.world, "44", "45")
    desk.submit(events[:3])
    desk.world.clock.advance(10 * DAY_MS)
    desk.submit(events[3:])

    assert desk.counted("45", "COUNTY_PSB_HOUSEHOLD") == {"duties_missed 2026-03": 1}


def test_a_dispute_is_counted_at_the_office_whose_notice_it_was(desk: Office) -> None:
    matter = MatterMaker(desk.world, "RESIDENCE_NOTIFICATION")
    events = notification(desk.world, "44", "45")[:3]
    matter.stream_id, matter.next_seq = events[0].header.stream_id, 3
    matter.head = leaf_hash(events[2].event)
    desk.submit(events)
    office = desk.world.office("45", "COUNTY_PSB_HOUSEHOLD")
    desk.submit([matter.event("ResidenceNoticeDisputed", office, {"reason": "DUPLICATE"})])

    assert desk.counted("44", "COUNTY_PSB_HOUSEHOLD") == {"notices_disputed 2026-03": 1}
    assert [row.rule for row in desk.list_of("44", "COUNTY_PSB_HOUSEHOLD")] == ["R-PI-2"]


def test_an_emergency_opening_is_counted_at_its_office_and_waits_for_the_officer(desk: Office) -> None:
    """DOMAIN 8.2; the duty of the officer for personal information stands in his list like any other."""
    world = desk.world
    events, asker = notification(world, "44", "45"), world.office("45", "COUNTY_PSB_HOUSEHOLD")
    desk.submit(events)
    clearance = ClearanceMaker(world, "EMERGENCY", asker, events[1].header)
    desk.submit(clearance.cleared(world.office("45", "TOWN_OFFICE"), world.office("44", "TOWN_OFFICE")))
    desk.application.open_payload(clearance.request())
    desk.submit([])

    assert desk.counted("45", "COUNTY_PSB_HOUSEHOLD")["openings_without_task 2026-03"] == 1
    assert [row.rule for row in desk.list_of("45", "PI_OFFICER")] == ["R-EMG-2"]


def test_of_a_case_an_office_without_a_part_learns_only_that_there_is_one(desk: Office) -> None:
    """DOMAIN 8.1: the kind as far as the office may know it."""
    desk.submit(correction(desk.world, "44", "43")[:4])

    (row,) = desk.list_of("44", "COURT")
    assert (row.kind, row.state, row.rule) == ("CASE", "OPEN", "")
    (owed,) = desk.list_of("44", "COUNTY_CORRECTION")
    assert (owed.kind, owed.state, owed.rule) == ("CORRECTION_TRANSFER", "DECIDED", "R-COR-5")


def test_a_matter_that_is_over_waits_for_nobody(desk: Office) -> None:
    for events in one_of_each(desk.world).values():
        desk.submit(events)

    procedures = desk.world.rules.procedures
    over = [
        stream_id
        for stream_id, packed in desk.store.all_matters()
        for matter in (unpack(packed),)
        if procedures[matter.procedure, matter.edition].states[matter.state].is_final
    ]
    waiting = {stream_id for (stream_id,) in desk.rows._all("SELECT stream_id FROM work_list")}
    assert over
    assert waiting.isdisjoint(over)


def register_another(desk: Office) -> None:
    """A second office of the type whose list is looked at."""
    body = dict(desk.world.directory["office 45 COUNTY_PSB_HOUSEHOLD"].body)
    public = X25519PrivateKey.from_private_bytes(bytes(range(32))).public_key().public_bytes_raw()
    body |= {"office": "o00000045", **office_key(public)}
    desk.application.record([HubDraft("OfficeRegistered", "DIRECTORY", body)])


@pytest.mark.parametrize("events", [2, 3])
def test_a_successor_takes_the_list_over_duties_and_content_alike(desk: Office, events: int) -> None:
    desk.submit(notification(desk.world, "44", "45")[:events])
    before = desk.list_of("45", "COUNTY_PSB_HOUSEHOLD")
    register_another(desk)
    closed = desk.world.office("45", "COUNTY_PSB_HOUSEHOLD")
    desk.application.record([desk.world.closing(closed, OfficeId("o00000045"))])
    desk.submit([])

    assert len(before) == 1
    assert desk.list_of("45", "COUNTY_PSB_HOUSEHOLD") == []
    assert [row.rule for row in desk.rows.work_list("o00000045", after=None, limit=9)] == [before[0].rule]


def test_the_list_of_a_closed_office_stays_in_sight_until_somebody_serves_its_county(desk: Office) -> None:
    events = notification(desk.world, "44", "45")
    desk.submit(events[:3])
    closed = desk.world.office("45", "COUNTY_PSB_HOUSEHOLD")
    desk.application.record([desk.world.closing(closed)])
    desk.submit([])

    waiting = desk.list_of("45", "COUNTY_PSB_HOUSEHOLD")
    register_another(desk)
    desk.submit([])

    assert [row.rule for row in waiting] == ["R-ACK-1"]
    assert desk.list_of("45", "COUNTY_PSB_HOUSEHOLD") == []
    (moved,) = desk.rows.work_list("o00000045", after=None, limit=9)
    assert (moved.stream_id, moved.rule, moved.due_ms) == (
        waiting[0].stream_id,
        "R-ACK-1",
        waiting[0].due_ms,
    )


def test_statistics_count_by_place_and_never_by_kind_of_case(desk: Office) -> None:
    for _ in range(3):
        desk.submit(notification(desk.world, "44", "45"))
    desk.submit(correction(desk.world, "44", "43"))

    assert desk.rows.statistics("OD_MONTH", "2026-03") == {("45", "4401"): 3}
    assert desk.rows.statistics("CASE_MONTH", "2026-03") == {("44", "43"): 1}
    assert desk.rows.statistics("DUTY_MONTH", "2026-03") == {("45", "MET"): 3}


@pytest.mark.parametrize("page", [1, 2, 7])
def test_the_size_of_pages_makes_no_difference(desk: Office, tmp_path: Path, page: int) -> None:
    for events in one_of_each(desk.world).values():
        desk.submit(events)

    with open_projections(tmp_path / "again.sqlite") as again:
        follow(desk.store, again, desk.world.rules, page=page)

        assert digests(again) == digests(desk.rows)


def test_a_file_of_another_form_is_refused(desk: Office, tmp_path: Path) -> None:
    desk.submit([])
    with pytest.raises(UnavailableError) as caught:
        ProjectionStore(tmp_path / "projections.sqlite", form="another")

    assert caught.value.code == "PROJECTIONS_OUTDATED"


ORDER = Hiding(frozenset({"RESTRICTED"}), {"MatterRestricted": "request"})
"""Takes the request that a restriction names for the matter that an order names: any event can be such an order."""


def restriction(desk: Office, of: list[Made], *, names: bytes) -> Made:
    """A right's desk restricts a matter, and names another one."""
    world = desk.world
    matter = MatterMaker(world, of[0].header.procedure)
    matter.stream_id, matter.next_seq, matter.head = of[0].header.stream_id, len(of), leaf_hash(of[-1].event)
    body = {"request": names, "official": world.fresh_id()}
    return matter.event(
        "MatterRestricted", world.office("45", "RIGHTS_DESK"), body, purpose="RIGHTS", legal_basis="LB-PIPL-47"
    )


def test_an_ordered_stream_leaves_every_list_and_count_and_later_events_change_nothing(
    desk: Office, tmp_path: Path
) -> None:
    """DOMAIN 7.2: to everybody a sealed stream answers exactly as one that does not exist."""
    gone = notification(desk.world, "44", "45")
    bearer = notification(desk.world, "43", "45")[:3]
    desk.submit(gone[:3])
    desk.submit(bearer)
    desk.submit([restriction(desk, bearer, names=gone[0].header.stream_id)])
    desk.submit(gone[3:])

    with open_projections(tmp_path / "hidden.sqlite") as hidden, open_projections(tmp_path / "never.sqlite") as never:
        follow(desk.store, hidden, desk.world.rules, hiding=ORDER)
        other = Office(tmp_path / "other")
        lone = notification(other.world, "43", "45")[:3]
        other.submit(lone)
        other.submit([restriction(other, lone, names=other.world.fresh_id())])
        follow(other.store, never, other.world.rules, hiding=ORDER)

        office = desk.world.office("45", "COUNTY_PSB_HOUSEHOLD").office
        assert hidden.work_list(office, after=None, limit=9) == never.work_list(office, after=None, limit=9) == []
        assert hidden.indicators() == never.indicators()
        for month in ("2026-03",):
            assert hidden.statistics("OD_MONTH", month) == never.statistics("OD_MONTH", month) == {("45", "4301"): 1}
        other.rows.close()
        other.store.close()


def test_a_sealed_matter_stands_in_work_lists_again_once_it_is_unsealed(desk: Office, tmp_path: Path) -> None:
    """DOMAIN 7.2: only a new order lifts the seal, and whoever owed something owes it again; by the packaged rules."""
    world = desk.world
    due, told = notification(world, "44", "45"), notification(world, "44", "45")
    desk.submit([*due[:3], *told[:2]])
    targets = [made[0].header.stream_id for made in (due, told)]
    seen, met = [], []

    def look() -> None:
        seen.append([row for row in desk.list_of("45", "COUNTY_PSB_HOUSEHOLD") if row.stream_id in targets])
        met.append(desk.rows.statistics("DUTY_MONTH", "2026-03").get(("45", "MET"), 0))

    def order(what: str) -> None:
        desk.submit([sealing(world, desk.store, desk.application.directory, target, what) for target in targets])

    look()
    order("SEAL")
    look()
    order("UNSEAL")
    look()
    desk.submit([*due[3:], told[2]])
    look()

    assert len(seen[0]) == 2
    assert seen[1] == []
    assert seen[2] == seen[0]
    assert [(row.stream_id, row.rule) for row in seen[3]] == [(targets[1], "R-ACK-1")]
    assert met == [0, 0, 0, 1]
    with open_projections(tmp_path / "again.sqlite") as again:
        follow(desk.store, again, world.rules, page=1)
        assert digests(again) == digests(desk.rows)


def test_a_restricted_matter_is_in_no_work_list(desk: Office) -> None:
    events = notification(desk.world, "44", "45")[:3]
    desk.submit(events)
    desk.submit([restriction(desk, events, names=desk.world.fresh_id())])

    assert desk.list_of("45", "COUNTY_PSB_HOUSEHOLD") == []


def test_a_list_is_read_page_by_page_and_nothing_comes_twice(desk: Office) -> None:
    for _ in range(5):
        desk.submit(notification(desk.world, "44", "45")[:3])
        desk.submit(notification(desk.world, "44", "45")[:2])
        desk.world.clock.advance(DAY_MS)
    office = desk.world.office("45", "COUNTY_PSB_HOUSEHOLD").office

    whole = desk.rows.work_list(office, after=None, limit=100)
    pages: list[WorkRow] = []
    while page := desk.rows.work_list(office, after=pages[-1].key[1:] if pages else None, limit=3):
        pages += page

    assert len(whole) == 10
    assert pages == whole
    assert [row.due_ms for row in whole] == sorted(row.due_ms for row in whole)
