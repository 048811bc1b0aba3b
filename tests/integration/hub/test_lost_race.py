"""Who lost a race is told so, whatever the winner has made impossible meanwhile (STYLE, Errors: reload, try again)."""

from pathlib import Path

import pytest

from adapters.store.ledger_store import LedgerStore
from adapters.store.opening import open_store
from hub.submission import Outcome, Refusal
from tests.support.batches import Made
from tests.support.matters import MatterMaker, notification
from tests.support.world import World


def refusal_of(world: World, store: LedgerStore, first: list[Made], last: Made) -> Refusal:
    """Record events, then see the last one refused."""
    application = world.found(store)
    results = [application.submit([world.batches[made.region].batch([made])])[0].results[0] for made in (*first, last)]
    assert [result.outcome for result in results] == [Outcome.ACCEPTED] * len(first) + [Outcome.REFUSED]
    refusal = results[-1].refusal
    assert refusal is not None
    return refusal


@pytest.fixture
def store(place: Path) -> LedgerStore:
    return open_store(place)


def test_an_event_that_came_second_conflicts_even_where_its_type_became_impossible(store: LedgerStore) -> None:
    world = World()
    prepared, sent, delivered, acknowledged = notification(world)
    disputed = acknowledged.header._replace(event_type="ResidenceNoticeDisputed")
    maker = MatterMaker(world, "RESIDENCE_NOTIFICATION")
    maker.stream_id, maker.next_seq, maker.head = disputed.stream_id, disputed.stream_seq, disputed.prev_hash
    late = maker.event("ResidenceNoticeDisputed", world.office("45", "COUNTY_PSB_HOUSEHOLD"), {"reason": "DUPLICATE"})

    refusal = refusal_of(world, store, [prepared, sent, delivered, acknowledged], late)

    assert (refusal.code, refusal.field) == ("POSITION_CONFLICT", "stream_seq")


def test_an_event_that_follows_and_is_impossible_is_forbidden(store: LedgerStore) -> None:
    world = World()
    maker = MatterMaker(world, "RESIDENCE_NOTIFICATION")
    household = world.office("44", "COUNTY_PSB_HOUSEHOLD")
    other = world.office("45", "COUNTY_PSB_HOUSEHOLD")
    prepared = maker.event("ResidenceNoticePrepared", household, {"notice_id": world.fresh_id()}, counterpart=other)

    refusal = refusal_of(world, store, [prepared], maker.event("ResidenceNoticeAcknowledged", other))

    assert refusal.code == "TRANSITION_FORBIDDEN"


def test_the_place_in_a_matter_is_not_told_to_an_office_without_a_mandate(store: LedgerStore) -> None:
    world = World()
    prepared, sent, *_ = notification(world)
    maker = MatterMaker(world, "RESIDENCE_NOTIFICATION")
    maker.stream_id = prepared.header.stream_id
    stranger = maker.event("ResidenceNoticeSent", world.office("43", "COURT"))

    refusal = refusal_of(world, store, [prepared, sent], stranger)

    assert refusal.code == "MANDATE_MISSING"
