"""An office closes and names who follows it: its open matters go on there, and so says the ledger (DOMAIN 9)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.ids import LeafIndex
from contracts.procedure_types import HOLDERS
from hub.handover import handover
from tests.support.audit import MemoryShelf, audit
from tests.support.batches import Made
from tests.support.changing_ledger import ChangingLedger
from tests.support.matters import Sealed, correction, notification, synthetic_person
from tests.support.world import WorldOffice

LIWAN, TIANHE, CITY = "440103000000", "440106000000", "440100000000"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[ChangingLedger]:
    made = ChangingLedger(tmp_path / "ledger.sqlite")
    yield made
    audit(made.store, made.world)
    made.store.close()


def passed(ledger: ChangingLedger, office: WorldOffice) -> list[tuple[bytes, str, str]]:
    entries = ledger.store.entries(LeafIndex(0), LeafIndex(ledger.store.size()))
    found = handover(entries, ledger.world.rules, MemoryShelf(), office.office)
    return [(row.stream_id, row.side, row.state) for row in found.matters]


def test_a_matter_in_flight_goes_on_at_the_named_successor_also_in_another_county(ledger: ChangingLedger) -> None:
    world = ledger.world
    old = world.office("44", "COUNTY_CORRECTION")
    ledger.record(*correction(world)[:2])
    matter = correction(world)
    ledger.record(*matter[:4])
    new = ledger.open_office(old, 1, LIWAN)
    neighbour = ledger.open_office(old, 2, TIANHE)
    ledger.draft("OfficeClosed", office=old.office, successor=new.office)

    maker = ledger.goes_on(matter, 4)
    served = {"served_on": maker.day(), "travel_days": 2, "consequences_told": True}
    wrong = ledger.send(maker.event("DecisionServed", neighbour, served, step=False))
    right = ledger.send(maker.event("DecisionServed", new, served))

    assert [refusal and refusal.code for refusal in (*wrong, *right)] == ["ACTOR_FORBIDDEN", None]


def test_what_is_told_to_a_closed_office_goes_to_its_successor(ledger: ChangingLedger) -> None:
    world = ledger.world
    old = world.office("44", "COUNTY_CORRECTION")
    asked = correction(world)
    ledger.record(*asked[:2])
    new = ledger.open_office(old, 1, LIWAN)
    ledger.draft("OfficeClosed", office=old.office, successor=new.office)
    maker = ledger.goes_on(asked, 2)
    receiving = world.office("43", "COUNTY_CORRECTION")

    content = {"stream_id": maker.stream_id, "opinion": "AGREE", "reasons": "样例理由"}
    to_old = maker.event(
        "OpinionGiven", receiving, {"opinion": "AGREE"}, sealed=[Sealed("NP-COR-OPINION", (old,), content)], step=False
    )
    to_new = maker.event(
        "OpinionGiven", receiving, {"opinion": "AGREE"}, sealed=[Sealed("NP-COR-OPINION", (new,), content)]
    )

    assert [refusal and refusal.code for refusal in ledger.send(to_old, to_new)] == ["RECIPIENTS_MISMATCH", None]


def test_the_list_holds_every_open_matter_of_the_office_as_it_stood_at_the_closing(ledger: ChangingLedger) -> None:
    world = ledger.world
    old, court = world.office("44", "COUNTY_CORRECTION"), world.office("44", "COURT")
    begun, decided, ended, elsewhere = correction(world), correction(world), correction(world), notification(world)
    ledger.record(*begun[:2], *decided[:4], *ended, *elsewhere[:2])
    new = ledger.open_office(old, 1, LIWAN)
    before = passed(ledger, old)
    ledger.draft("OfficeClosed", office=old.office, successor=new.office)
    at_closing = passed(ledger, old)
    maker = ledger.goes_on(decided, 4)
    ledger.record(
        maker.event("DecisionServed", new, {"served_on": maker.day(), "travel_days": 2, "consequences_told": True})
    )

    wanted = [
        (begun[0].header.stream_id, "SENDING", "OPINION_ASKED"),
        (decided[0].header.stream_id, "SENDING", "DECIDED"),
    ]
    assert before == at_closing == sorted(wanted)
    assert passed(ledger, old) == at_closing
    assert [(row[0], row[1]) for row in passed(ledger, court)] == [(decided[0].header.stream_id, HOLDERS)]


def test_a_matter_of_an_office_that_closed_without_successor_is_refused_until_somebody_serves_its_county(
    ledger: ChangingLedger,
) -> None:
    world = ledger.world
    police = world.office("45", "COUNTY_PSB_HOUSEHOLD")
    events = notification(world)
    sent = next(n for n, made in enumerate(events) if made.header.sealed)
    ledger.record(*events[:sent])
    ledger.draft("OfficeClosed", office=police.office, successor=None)

    (refusal,) = ledger.send(events[sent])

    assert refusal is not None
    assert refusal.code == "OFFICE_WITHOUT_SUCCESSOR"


def test_a_county_that_merged_is_acted_for_by_the_office_of_what_it_merged_into(ledger: ChangingLedger) -> None:
    world = ledger.world
    matter = correction(world)
    ledger.record(*matter[:1])
    new = ledger.open_office(world.office("44", "COUNTY_CORRECTION"), 1, LIWAN)
    maker = ledger.goes_on(matter, 1)
    receiving = world.office("43", "COUNTY_CORRECTION")

    def asked(by: WorldOffice) -> Made:
        ask = {
            "identity": synthetic_person(world, "44"),
            "proposed_address": "样例路1号",
            "ground": "WORK",
            "household_or_employer": "样例工厂",
            "measure": "SUSPENDED_SENTENCE",
            "end_date": maker.day(400),
            "bans": [],
        }
        return maker.event("OpinionAsked", by, sealed=[Sealed("NP-COR-ASK", (receiving,), ask)], step=False)

    before = ledger.send(asked(new))
    after = {"code": LIWAN, "level": 3, "name": "荔湾区", "parent": CITY, "is_without_county": False}
    day = maker.day()
    ledger.draft("DivisionChanged", kind="MERGED", valid_from=day, before=[TIANHE, LIWAN], after=[after])
    merged = ledger.send(asked(new))

    assert [refusal and refusal.code for refusal in (*before, *merged)] == ["ACTOR_FORBIDDEN", None]
