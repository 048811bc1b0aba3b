"""An order reaches exactly who holds something of its record, and is complete when each has confirmed (DOMAIN 7)."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contracts.ids import OfficeId
from contracts.office_type import OfficeType
from hub.awaited import awaited, holders_of
from hub.matter import Matter
from hub.overdue import overdue
from hub.submission import Outcome, Refusal
from tests.support.batches import Made
from tests.support.case_matters import rehabilitation
from tests.support.matters import MatterMaker, Sealed, declaration, disputed, notification, synthetic_person
from tests.support.order_matters import (
    about,
    erasure_order,
    notice_holders,
    order,
    rights_granted,
    rights_request,
    seal_order,
)
from tests.support.timed_ledger import TimedLedger
from tests.support.world import WorldOffice

HOUSEHOLD = OfficeType.COUNTY_PSB_HOUSEHOLD


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[TimedLedger]:
    ledger = TimedLedger(tmp_path / "ledger.sqlite")
    yield ledger
    ledger.finish()


def refused(ledger: TimedLedger, made: Made) -> Refusal:
    (answer,) = ledger.application.submit([ledger.world.batches[made.region].batch([made])])
    (result,) = answer.results
    assert result.outcome is Outcome.REFUSED
    assert result.refusal is not None
    return result.refusal


def erasure(
    ledger: TimedLedger, target: bytes, holders: tuple[WorldOffice, ...], by: tuple[str, str] = ("44", "RIGHTS_DESK")
) -> Made:
    """An order to erase, sealed to some holders."""
    matter, desk = MatterMaker(ledger.world, "ERASURE_ORDER"), ledger.world.office(*by)
    body = about(target, holders) | {"official": ledger.world.fresh_id(), "ground": "PURPOSE_MET"}
    return matter.event("ErasureOrdered", desk, body, sealed=order(matter, holders, target, "ERASE"))


def holders(ledger: TimedLedger, matter: Matter) -> tuple[OfficeId, ...] | None:
    procedure = ledger.world.rules.procedures[matter.procedure, matter.edition]
    return holders_of(matter, procedure, ledger.application.directory)


def test_an_order_waits_for_each_holder_and_is_complete_with_the_last(ledger: TimedLedger) -> None:
    events = erasure_order(ledger.world)
    ordered, first, last = events[-3:]
    procedure = ledger.world.rules.procedures["ERASURE_ORDER", 1]
    ledger.record(*events[:-2])
    before = ledger.matter(ordered)
    ledger.record(first)
    between = ledger.matter(ordered)
    ledger.record(last)
    after = ledger.matter(ordered)

    names = [office.office for office in notice_holders(ledger.world)]
    assert [list(awaited(matter, procedure)) for matter in (before, between, after)] == [names, names[1:], []]
    assert [matter.state for matter in (before, between, after)] == ["ORDERED", "APPLIED", "COMPLETE"]
    assert [duty.side for duty in between.duties] == names[1:]


def test_nobody_confirms_twice_or_for_another(ledger: TimedLedger) -> None:
    events = erasure_order(ledger.world)
    ledger.record(*events[:-1])
    maker = MatterMaker(ledger.world, "ERASURE_ORDER")
    matter = ledger.matter(events[-2])
    maker.stream_id, maker.next_seq, maker.head = matter.stream_id, matter.next_seq, matter.head
    body = {"keys_destroyed": True, "content_deleted": True}

    again = refused(ledger, maker.event("PayloadErased", ledger.world.office("44", HOUSEHOLD), body, step=False))
    other = refused(ledger, maker.event("PayloadErased", ledger.world.office("43", HOUSEHOLD), body, step=False))

    assert {again.code, other.code} == {"ACTOR_FORBIDDEN"}


def test_an_order_that_leaves_a_holder_out_or_names_one_too_many_is_refused(ledger: TimedLedger) -> None:
    record = notification(ledger.world)
    ledger.record(*record)
    target, (first, last) = record[0].header.stream_id, notice_holders(ledger.world)

    short = refused(ledger, erasure(ledger, target, (first,)))
    wide = refused(ledger, erasure(ledger, target, (first, last, ledger.world.office("43", "COURT"))))

    assert {short.code, wide.code} == {"HOLDERS_MISMATCH"}
    assert {short.field, wide.field} == {"holders"}
    assert last.office in short.sentence


@pytest.mark.parametrize("what", ["nothing", "an order", "the directory"])
def test_an_order_is_about_a_record_of_offices(ledger: TimedLedger, what: str) -> None:
    ordered = seal_order(ledger.world)
    ledger.record(*ordered)
    target = {
        "nothing": ledger.world.fresh_id(),
        "an order": ordered[-1].header.stream_id,
        "the directory": ledger.world.directory["region 44"].stream_id or b"",
    }[what]

    refusal = refused(ledger, erasure(ledger, target, (ledger.world.office("44", HOUSEHOLD),)))

    assert (refusal.code, refusal.rule, refusal.field) == ("OFFICE_NOT_COMPETENT", "competent_office", "target")


@pytest.mark.parametrize("by", [("43", "RIGHTS_DESK"), ("43", "PI_OFFICER")])
def test_who_answers_for_no_holder_may_not_order_an_erasure_and_learns_of_none(
    ledger: TimedLedger, by: tuple[str, str]
) -> None:
    """DOMAIN 7.1, 7.3: a desk elsewhere is told what it would be told of a record that does not exist."""
    record = notification(ledger.world)
    ledger.record(*record)
    target, unknown = record[0].header.stream_id, ledger.world.fresh_id()

    known = refused(ledger, erasure(ledger, target, notice_holders(ledger.world), by))
    none = refused(ledger, erasure(ledger, unknown, notice_holders(ledger.world), by))

    assert known == none
    assert (known.code, known.rule, known.field) == ("OFFICE_NOT_COMPETENT", "competent_office", "target")
    assert ledger.store.held_of(target, ledger.store.size()) != (0, 0)


ORDERING = ("COURT", "PROCURATORATE", "COUNTY_PSB", "COUNTY_CORRECTION", "JUDICIAL_OFFICE")


def sealing(ledger: TimedLedger, target: bytes, named: tuple[WorldOffice, ...], by: WorldOffice) -> Made:
    """An order to seal a record that names some offices as its holders."""
    matter = MatterMaker(ledger.world, "SEAL_ORDER")
    to = [office for office in named if office != by]
    body = about(target, named) | {"official": ledger.world.fresh_id()}
    return matter.event("SealOrdered", by, body, sealed=order(matter, to, target, "SEAL") if to else ())


def routing(ledger: TimedLedger, target: bytes, named: tuple[WorldOffice, ...], by: WorldOffice) -> Made:
    """A request that a desk sends to some offices as the holders of a record."""
    world, matter = ledger.world, MatterMaker(ledger.world, "RIGHTS_REQUEST")
    identified = {"identity_checked": True, "representation_checked": True, "official": world.fresh_id()}
    ledger.record(
        matter.event("RightsRequested", by, {"notice_id": world.fresh_id(), "kind": "ACCESS"}),
        matter.event("RequesterIdentified", by, identified),
    )
    sealed = order(matter, named, target, "ANSWER")
    return matter.event("RightsRequestRouted", by, about(target, named), sealed=sealed)


def test_who_answers_for_no_holder_is_told_the_same_of_every_record(ledger: TimedLedger) -> None:
    """DOMAIN 7: whoever orders or asks from elsewhere, and whomever he names, learns no holder and of no record."""
    record = notification(ledger.world)
    ledger.record(*record)
    target, holders_ = record[0].header.stream_id, notice_holders(ledger.world)
    everybody = tuple(ledger.world.offices())
    elsewhere = [office for office in everybody if office.region == "43"]
    makers = [(sealing, office) for office in elsewhere if office.office_type in ORDERING]
    makers += [(routing, office) for office in elsewhere if office.office_type == "RIGHTS_DESK"]
    lists = st.lists(st.sampled_from(everybody), min_size=1, max_size=4, unique=True).map(tuple)

    @settings(max_examples=40, deadline=None, database=None)
    @given(st.sampled_from(makers), lists)
    def check(made_by: tuple[Callable[..., Made], WorldOffice], named: tuple[WorldOffice, ...]) -> None:
        assume({one.office for one in named} != {one.office for one in holders_})
        make, office = made_by

        known, none = (refused(ledger, make(ledger, it, named, office)) for it in (target, ledger.world.fresh_id()))

        assert known == none
        assert (known.code, known.rule, known.field) == ("GUARD_FAILED", "holders_are_all", "target")

    check()


def test_a_request_is_sent_out_again_before_it_is_decided_where_others_hold_the_record_by_now(
    ledger: TimedLedger,
) -> None:
    """DOMAIN 7.1: routed to every office that holds the record, also to one that got it after the first time."""
    world, record = ledger.world, notification(ledger.world)
    ledger.record(record[0])
    target, (first, last) = record[0].header.stream_id, notice_holders(world)
    matter, desk = MatterMaker(world, "RIGHTS_REQUEST"), world.office("44", "RIGHTS_DESK")
    *before, routed, granted = rights_granted(world, target, matter)
    at_routing = routed.header.stream_seq, routed.header.prev_hash
    matter.next_seq, matter.head = at_routing

    def sent_to(*named: WorldOffice, **changes: Any) -> Made:
        sealed = order(matter, named, target, "ANSWER")
        return matter.event("RightsRequestRouted", desk, about(target, named), sealed=sealed, **changes)

    def decided(*named: WorldOffice, **changes: Any) -> Made:
        body = world.rules.registry.decode_body(granted.header.body)[1]
        sealed = order(matter, named, target, "COPY")
        return matter.event("RightsDecided", world.office("44", "PI_OFFICER"), dict(body), sealed=sealed, **changes)

    ledger.record(*before, sent_to(first), record[1])
    too_early = refused(ledger, decided(first, step=False))
    too_few = refused(ledger, sent_to(first, step=False))
    ledger.record(sent_to(first, last), decided(first, last))
    after = ledger.matter(granted)

    assert (too_early.code, too_early.rule) == ("HOLDERS_MISMATCH", "holders_are_asked")
    assert last.office not in too_early.sentence
    assert (too_few.code, too_few.rule) == ("HOLDERS_MISMATCH", "holders_are_all")
    assert after.state == "DECIDED"
    assert awaited(after, world.rules.procedures["RIGHTS_REQUEST", 1]) == (first.office, last.office)


def test_who_answers_for_a_holder_is_told_who_they_are(ledger: TimedLedger) -> None:
    record = notification(ledger.world)
    ledger.record(*record)
    target, (first, last) = record[0].header.stream_id, notice_holders(ledger.world)

    told = [
        refused(ledger, sealing(ledger, target, (first,), ledger.world.office("45", "COURT"))),
        refused(ledger, routing(ledger, target, (first,), ledger.world.office("44", "RIGHTS_DESK"))),
    ]

    assert [(one.code, one.rule) for one in told] == [("HOLDERS_MISMATCH", "holders_are_all")] * 2
    assert all(last.office in one.sentence for one in told)


@pytest.mark.parametrize("by", [("44", "RIGHTS_DESK"), ("44", "PI_OFFICER"), ("45", "RIGHTS_DESK")])
def test_who_answers_for_one_of_the_holders_may_order_an_erasure(ledger: TimedLedger, by: tuple[str, str]) -> None:
    record = notification(ledger.world)
    ledger.record(*record)

    ledger.record(erasure(ledger, record[0].header.stream_id, notice_holders(ledger.world), by))

    assert ledger.store.held_of(record[0].header.stream_id, ledger.store.size()) == (0, 0)


def test_no_content_comes_after_an_order_to_erase_and_everything_else_does(ledger: TimedLedger) -> None:
    """DOMAIN 7.3: also after a restart; an event without content is taken as before."""
    events = disputed(ledger.world)
    ledger.record(*events[:-1])
    target, (sender, receiver) = events[0].header.stream_id, notice_holders(ledger.world)
    ledger.record(erasure(ledger, target, (sender, receiver)))
    ledger.record(events[-1])
    matter, maker = ledger.matter(events[0]), MatterMaker(ledger.world, "RESIDENCE_NOTIFICATION")
    maker.stream_id, maker.next_seq, maker.head = matter.stream_id, matter.next_seq, matter.head
    content = {
        "identity": synthetic_person(ledger.world, "45"),
        "county": ledger.world.counties["44"],
        "date": maker.day(),
        "change": "STARTED",
    }
    again = maker.event("ResidenceNoticeReissued", sender, sealed=[Sealed("NP-RES", (receiver,), content)], step=False)

    first = refused(ledger, again)
    ledger.restart()
    later = refused(ledger, again)

    assert {first.code, later.code} == {"CONTENT_ERASED"}
    assert ledger.store.closed_streams() == {target}
    assert ledger.store.held_of(target, ledger.store.size()) == (0, 0)
    ledger.record(maker.event("ResidenceNoticeWithdrawn", sender))


def test_who_was_named_and_told_nothing_holds_nothing(ledger: TimedLedger) -> None:
    """A notice that is prepared and not sent stays unknown at the origin: an order must not tell of it."""
    prepared = notification(ledger.world)[0]
    ledger.record(prepared)

    assert holders(ledger, ledger.matter(prepared)) == (ledger.world.office("44", HOUSEHOLD).office,)


def test_who_acts_for_a_registration_that_travels_nowhere_holds_it(ledger: TimedLedger) -> None:
    declared = declaration(ledger.world, "44")
    ledger.record(declared)

    assert holders(ledger, ledger.matter(declared)) == (ledger.world.office("44", "POLICE_STATION").office,)


def test_who_sealed_content_holds_its_keys_too(ledger: TimedLedger) -> None:
    """The new town office tells the old one before it got anything itself."""
    events = rehabilitation(ledger.world)
    maker, new = MatterMaker(ledger.world, "REHAB_HANDOVER"), ledger.world.office("45", "TOWN_OFFICE")
    ledger.record(events[0])
    matter = ledger.matter(events[0])
    named = holders(ledger, matter)
    maker.stream_id, maker.next_seq, maker.head = matter.stream_id, matter.next_seq, matter.head
    ledger.record(early_report(maker, new, ledger.world.office("44", "TOWN_OFFICE")))

    old = ledger.world.office("44", "TOWN_OFFICE").office
    assert named == (old,)
    assert set(holders(ledger, ledger.matter(events[0])) or ()) == {old, new.office}


def early_report(maker: MatterMaker, by: WorldOffice, to: WorldOffice) -> Made:
    """A person who reports before the materials came."""
    content = {
        "identity": synthetic_person(maker.world, "45"),
        "start_date": maker.day(-100),
        "end_date": maker.day(900),
        "agreement": "样例协议",
        "services": [],
    }
    return maker.event("ReportedIn", by, {"identity_checked": True}, sealed=[Sealed("NP-DRG", (to,), content)])


def test_what_is_missing_is_counted_against_each_office_in_its_own_region(ledger: TimedLedger) -> None:
    """R-SEA-2: three working days, for every holder."""
    events = seal_order(ledger.world)
    ledger.record(*events[:-1])
    ledger.midnight_after(10)
    late = list(overdue([ledger.matter(events[-1])], ledger.world.rules.procedures, ledger.world.clock.now_ms()))

    assert ledger.application.run_timers() >= 1

    holder = notice_holders(ledger.world)[1]
    assert [(one.rule, one.side, one.office_type, one.region) for one in late] == [
        ("R-SEA-2", holder.office, holder.office_type, holder.region)
    ]
    missed = [dict(body) for header, body in ledger.made_by_time() if body.get("rule") == "R-SEA-2"]
    assert [(body["rule"], body["region"]) for body in missed] == [("R-SEA-2", "45")]


def test_a_request_is_answered_in_time_executed_by_all_and_closed(ledger: TimedLedger) -> None:
    """R-PI-1 runs from the request to the decision, R-PI-7 for each holder from there."""
    events = rights_request(ledger.world)
    request = events[-7]
    states, running = [], []
    ledger.record(*events[:-7])
    for made in events[-7:]:
        ledger.record(made)
        states.append(ledger.matter(request).state)
        running.append(sorted({duty.rule for duty in ledger.matter(request).duties}))

    assert states == ["SUBMITTED", "IDENTIFIED", "ROUTED", "DECIDED", "DECIDED", "EXECUTED", "CLOSED"]
    assert running == [["R-PI-1"], ["R-PI-1"], ["R-PI-1"], ["R-PI-7"], ["R-PI-7"], [], []]


def test_a_request_that_nobody_answers_is_missed_after_thirty_days(ledger: TimedLedger) -> None:
    events = rights_request(ledger.world)
    ledger.record(*events[:-4])
    ledger.midnight_after(31)

    ledger.application.run_timers()

    assert [body["rule"] for _, body in ledger.made_by_time() if body.get("rule", "").startswith("R-PI")] == ["R-PI-1"]
