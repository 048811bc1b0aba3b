"""A restricted matter is stored and nothing else: nobody opens it, nothing is added, its time ends it (DOMAIN 7.1)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.errors import AccessError
from contracts.procedure import load_procedures
from contracts.procedure_types import is_restricted
from hub.submission import Outcome
from tests.integration.grpc.test_grpc_openings import request_for
from tests.support.audit import audit
from tests.support.batches import Made
from tests.support.matters import MatterMaker, Sealed, disputed, synthetic_person
from tests.support.order_matters import about, notice_holders, order
from tests.support.timed_ledger import TimedLedger

KEPT_DAYS = 90


@pytest.fixture
def ledger(place: Path) -> Iterator[TimedLedger]:
    ledger = TimedLedger(place)
    yield ledger
    ledger.finish()


@pytest.fixture
def notice(ledger: TimedLedger) -> list[Made]:
    """A notice whose content was sent and disputed, then restricted at the person's wish."""
    events = disputed(ledger.world)
    ledger.record(*events)
    body = {"request": ledger.world.fresh_id(), "official": ledger.world.fresh_id()}
    desk = ledger.world.office("44", "RIGHTS_DESK")
    restricted = next_of(ledger, events[0]).event(
        "MatterRestricted", desk, body, purpose="RIGHTS", legal_basis="LB-PIPL-47"
    )
    ledger.record(restricted)
    return [*events, restricted]


def next_of(ledger: TimedLedger, made: Made) -> MatterMaker:
    """A maker of the next event of a recorded matter."""
    matter, maker = ledger.matter(made), MatterMaker(ledger.world, made.header.procedure)
    maker.stream_id, maker.next_seq, maker.head = matter.stream_id, matter.next_seq, matter.head
    return maker


def held(ledger: TimedLedger, made: Made) -> tuple[int, int]:
    return ledger.store.held_of(made.header.stream_id, ledger.store.size())


def test_no_office_leaves_a_restricted_state_in_any_procedure() -> None:
    """Time may take a mark off a register on the way from one such state to another."""
    procedures = load_procedures().values()
    restricted = {(p.id, name) for p in procedures for name in p.states if is_restricted(name)}
    left = [row for p in procedures for row in p.transitions if is_restricted(row.source or "")]

    assert len(restricted) > 10
    assert all(row.after is not None and is_restricted(row.target) and not row.effect for row in left)


def test_nobody_opens_what_is_restricted_and_no_opening_is_recorded(ledger: TimedLedger, notice: list[Made]) -> None:
    size = ledger.store.size()

    for region in ("44", "45"):
        office = ledger.world.office(region, "COUNTY_PSB_HOUSEHOLD")
        with pytest.raises(AccessError) as refusal:
            ledger.application.open_payload(request_for(ledger.world, notice[1], office))
        assert refusal.value.code == "OPEN_NO_TASK"

    assert ledger.store.size() == size
    assert held(ledger, notice[0]) == (1, 2)


def test_nothing_is_added_to_a_restricted_matter_neither_content_nor_status(
    ledger: TimedLedger, notice: list[Made]
) -> None:
    sender, receiver = notice_holders(ledger.world)
    content = {
        "identity": synthetic_person(ledger.world, "45"),
        "county": ledger.world.counties["44"],
        "date": next_of(ledger, notice[0]).day(),
        "change": "STARTED",
    }
    tries = [
        next_of(ledger, notice[0]).event("ResidenceNoticeWithdrawn", sender),
        next_of(ledger, notice[0]).event("ResidenceNoticeAcknowledged", receiver),
        next_of(ledger, notice[0]).event(
            "ResidenceNoticeReissued", sender, sealed=[Sealed("NP-RES", (receiver,), content)]
        ),
    ]

    for made in tries:
        (answer,) = ledger.application.submit([ledger.world.batches[made.region].batch([made])])
        (result,) = answer.results
        assert result.outcome is Outcome.REFUSED
        assert result.refusal is not None
        assert result.refusal.code == "TRANSITION_FORBIDDEN"
    assert audit(ledger.store, ledger.world).payloads == 1


def test_what_is_restricted_is_stored_until_its_time_is_over_or_an_order_erases_it(
    ledger: TimedLedger, notice: list[Made]
) -> None:
    ledger.midnight_after(KEPT_DAYS)
    ledger.application.run_timers()
    before = held(ledger, notice[0])
    ledger.midnight_after(KEPT_DAYS + 2)
    ledger.application.run_timers()

    assert before == (1, 2)
    assert held(ledger, notice[0]) == (0, 0)


def test_a_restricted_record_can_still_be_erased(ledger: TimedLedger, notice: list[Made]) -> None:
    target, holders = notice[0].header.stream_id, notice_holders(ledger.world)
    matter, desk = MatterMaker(ledger.world, "ERASURE_ORDER"), ledger.world.office("44", "PI_OFFICER")
    body = about(target, holders) | {"official": ledger.world.fresh_id(), "ground": "PURPOSE_MET"}

    ledger.record(matter.event("ErasureOrdered", desk, body, sealed=order(matter, holders, target, "ERASE")))

    assert held(ledger, notice[0]) == (0, 0)
