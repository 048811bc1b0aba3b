"""Without an open task a payload is opened in an emergency only, approved by two other offices, once, in time (7.5)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from contracts.codes import CODES
from contracts.errors import AccessError, ExchangeError
from contracts.event import decode_event, leaf_hash
from contracts.instant import DAY_MS, HOUR_MS
from contracts.opening import load_opening_rules
from contracts.profile import decode_payload
from contracts.sealing import Associated, open_sealed
from hub.matter import Matter, unpack
from hub.openings import Opened, OpenRequest
from hub.submission import Outcome
from tests.integration.grpc.test_grpc_openings import request_for
from tests.support.async_tests import runs_in_a_loop
from tests.support.batches import Made
from tests.support.clearances import ClearanceMaker
from tests.support.hub_server import Gate, HubServer, until
from tests.support.matters import MatterMaker, notification
from tests.support.world import World, WorldOffice

pytestmark = pytest.mark.integration

WINDOW_MS = 24 * HOUR_MS


def asker(world: World) -> WorldOffice:
    return world.office("45", "COUNTY_PSB_HOUSEHOLD")


def others(world: World) -> tuple[WorldOffice, WorldOffice]:
    """One of the region that asks and one of another one."""
    return world.office("45", "COUNTY_CIVIL_AFFAIRS"), world.office("43", "TOWN_OFFICE")


async def acknowledged(hub: HubServer) -> Made:
    """A notice whose recipient has taken it up: its task is over. Gives the event that carries the content."""
    made = notification(hub.world, "44", "45")
    await hub.submit(made)
    return made[1]


async def refusal(hub: HubServer, request: OpenRequest) -> str:
    """The code with which a request is refused; nothing is recorded."""
    size = hub.size
    with pytest.raises(ExchangeError) as refused:
        await hub.client.open_payload(request)
    assert refused.value.code in CODES
    assert hub.size == size
    return refused.value.code


async def refused_event(hub: HubServer, made: Made, **changes: Any) -> tuple[str, str | None]:
    """Code and rule with which an event is refused."""
    reply = await hub.client.submit_one(hub.world.batches[made.region].batch([made], **changes))
    refusals = [reply.answer.refusal, *(one.refusal for one in reply.answer.results if one.outcome is Outcome.REFUSED)]
    (told,) = [one for one in refusals if one is not None]
    return told.code, told.rule


def matter(hub: HubServer, clearance: ClearanceMaker) -> Matter:
    return unpack(hub.store.matters([clearance.stream_id])[clearance.stream_id])


def read(opened: Opened, office: WorldOffice, sent: Made) -> dict[str, Any]:
    ref = sent.header.sealed[0]
    plaintext = open_sealed(
        envelope=opened.envelope,
        wrapped=opened.wrapped,
        private=office.private,
        associated=Associated(sent.header.stream_id, sent.header.event_id, ref.profile),
        ref=ref,
    )
    return dict(decode_payload(ref.profile, plaintext))


@runs_in_a_loop
async def test_two_other_offices_clear_one_opening_and_the_officer_is_told_in_its_commit(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = hub.world
        sent, office, (first, second) = await acknowledged(hub), asker(world), others(world)
        clearance = ClearanceMaker(world, "EMERGENCY", office, sent.header)
        assert await refusal(hub, request_for(world, sent, office)) == "OPEN_NO_TASK"
        assert await refusal(hub, clearance.request()) == "CLEARANCE_UNKNOWN"
        await hub.submit([clearance.asked(first, second)])
        assert await refusal(hub, clearance.request()) == "CLEARANCE_NOT_APPROVED"
        await hub.submit([clearance.approved(second)])
        assert await refusal(hub, clearance.request()) == "CLEARANCE_NOT_APPROVED"
        await hub.submit([clearance.approved(first)])
        told = {point: n for point, (n, _) in hub.store.heads().items()}
        request = clearance.request()

        opened = await hub.client.open_payload(request)

        assert read(opened, office, sent)["county"] == world.counties["44"]
        access = decode_event(opened.access_event)
        assert (access.event_type, access.stream_id, access.stream_seq) == ("AccessRecorded", clearance.stream_id, 3)
        assert (access.purpose, access.legal_basis) == ("EMERGENCY", "LB-PIPL-13-4")
        after = {point: n for point, (n, _) in hub.store.heads().items()}
        assert {point: n - told.get(point, 0) for point, n in after.items() if n != told.get(point, 0)} == {
            "45-node": 1,
            "43-node": 1,
        }
        assert [duty.rule for duty in matter(hub, clearance).duties] == ["R-EMG-2", "R-EMG-3"]
        # One clearance is one reading, whether the same is asked again or anew.
        assert await refusal(hub, request) == "CLEARANCE_OVER"
        assert await refusal(hub, clearance.request()) == "CLEARANCE_OVER"
        tally = hub.audit()
        assert tally.openings == {"45": 1}
        assert tally.cleared == {"EMERGENCY": 1}


@runs_in_a_loop
async def test_requests_that_share_a_commit_share_no_clearance(tmp_path: Path) -> None:
    """Both are judged before either is recorded: the one reading is still one."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = hub.world
        sent, office, (first, second) = await acknowledged(hub), asker(world), others(world)
        clearance = ClearanceMaker(world, "EMERGENCY", office, sent.header)
        await hub.submit([clearance.asked(first, second)])
        await hub.submit([clearance.approved(second)])
        await hub.submit([clearance.approved(first)])
        async with Gate(hub) as gate:
            calls = [asyncio.ensure_future(hub.client.open_payload(clearance.request())) for _ in range(3)]
            await until(lambda: hub.sequencer.waiting_events == 1 + len(calls))
            gate.open()
            answers = await asyncio.gather(*calls, return_exceptions=True)

        assert sum(isinstance(answer, Opened) for answer in answers) == 1
        assert [answer.code for answer in answers if isinstance(answer, ExchangeError)] == ["CLEARANCE_OVER"] * 2
        tally = hub.audit()
        assert tally.cleared == {"EMERGENCY": 1}


@runs_in_a_loop
async def test_a_clearance_is_for_one_office_one_payload_and_one_reason(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = hub.world
        sent, another, office = await acknowledged(hub), await acknowledged(hub), asker(world)
        clearance = ClearanceMaker(world, "EMERGENCY", office, sent.header)
        await hub.submit(clearance.cleared(*others(world)))
        named = {"event_id": another.header.event_id, "ciphertext_hash": another.header.sealed[0].ciphertext_hash}
        bad: dict[str, tuple[dict[str, Any], str]] = {
            "another office": ({"office": world.office("45", "COUNTY_PSB").office}, "CLEARANCE_UNKNOWN"),
            "another payload": (named, "CLEARANCE_UNKNOWN"),
            "another payload of the event": ({"ciphertext_hash": bytes(32)}, "CLEARANCE_UNKNOWN"),
            "no such clearance": ({"clearance": world.fresh_id()}, "CLEARANCE_UNKNOWN"),
            "a matter that clears nothing": ({"clearance": sent.header.stream_id}, "CLEARANCE_UNKNOWN"),
            "another reason": ({"reason": "SEALED_QUERY"}, "CLEARANCE_UNKNOWN"),
            "another purpose": ({"purpose": sent.header.purpose}, "OPEN_FORBIDDEN"),
            "another role": ({"role": "CASE_OFFICER"}, "OPEN_ROLE"),
            "no clearance": ({"clearance": b""}, "OPEN_MALFORMED"),
            "a clearance for a task": ({"reason": "TASK"}, "OPEN_MALFORMED"),
        }
        for name, (changes, code) in bad.items():
            assert (name, await refusal(hub, clearance.request(**changes))) == (name, code)
        unsigned = clearance.request()
        forged = clearance.request(clearance=world.fresh_id())
        assert await refusal(hub, clearance.request(signer="43")) == "OPEN_FORBIDDEN"
        assert await refusal(hub, OpenRequest(**{**fields(forged), "clearance": unsigned.clearance})) == (
            "SIGNATURE_INVALID"
        )
        await hub.client.open_payload(clearance.request())
        hub.audit()


def fields(request: OpenRequest) -> dict[str, Any]:
    return {name: getattr(request, name) for name in request.__dataclass_fields__}


@runs_in_a_loop
async def test_nobody_approves_twice_for_another_or_for_himself(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = hub.world
        sent, office, (first, second) = await acknowledged(hub), asker(world), others(world)
        for wrong in (
            (),
            (first,),
            (first, first),
            (first, office),
            (first, second, world.office("44", "TOWN_OFFICE")),
        ):
            clearance = ClearanceMaker(world, "EMERGENCY", office, sent.header)
            told = await refused_event(hub, clearance.asked(*wrong))
            assert (told, wrong) == (("GUARD_FAILED", "two_other_offices"), wrong)
        clearance = ClearanceMaker(world, "EMERGENCY", office, sent.header)
        await hub.submit([clearance.asked(first, second)])
        stranger, officer = world.office("44", "TOWN_OFFICE"), world.office("45", "PI_OFFICER")
        for who in (office, stranger, officer):
            assert (await refused_event(hub, clearance.approved(who, step=False)))[0] in (
                "ACTOR_FORBIDDEN",
                "MANDATE_MISSING",
            )
        # The region that asks signs for an office of another one.
        foreign = world.batches["45"].batch([clearance.approved(second, step=False)])
        reply = await hub.client.submit_one(foreign)
        assert [one.refusal.code for one in reply.answer.results if one.refusal] == ["PRODUCER_MISMATCH"]
        forged = clearance.approved(second, step=False)
        stolen = world.gateways["45"].keys["batch"]
        told = await refused_event(hub, forged, key=stolen, step=False)
        assert told[0] == "PRODUCER_MISMATCH"
        await hub.submit([clearance.approved(first)])
        assert (await refused_event(hub, clearance.approved(first, step=False)))[0] == "ACTOR_FORBIDDEN"
        assert await refusal(hub, clearance.request()) == "CLEARANCE_NOT_APPROVED"
        await hub.submit([clearance.event("OpeningDeclined", second, {"official": world.fresh_id()})])
        assert await refusal(hub, clearance.request()) == "CLEARANCE_OVER"
        hub.audit()


@runs_in_a_loop
async def test_what_is_not_read_in_time_is_not_read(tmp_path: Path) -> None:
    """By the request's own time, whether or not the hub has looked; an approval that comes too late is refused too."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = hub.world
        sent, office, (first, second) = await acknowledged(hub), asker(world), others(world)
        approved, waiting = (ClearanceMaker(world, "EMERGENCY", office, sent.header) for _ in range(2))
        await hub.submit([*approved.cleared(first, second), waiting.asked(first, second)])
        world.clock.advance(WINDOW_MS)
        assert await refusal(hub, approved.request()) == "CLEARANCE_OVER"
        assert await refused_event(hub, waiting.approved(first, step=False)) == ("GUARD_FAILED", "emergency_runs")

        await hub.sequencer.call(hub.application.run_timers)

        assert [matter(hub, one).state for one in (approved, waiting)] == ["EXPIRED", "EXPIRED"]
        assert await refusal(hub, approved.request()) == "CLEARANCE_OVER"
        assert hub.audit().cleared == {}


@runs_in_a_loop
async def test_the_officer_takes_it_up_within_a_day_and_the_person_is_told_when_it_is_over(tmp_path: Path) -> None:
    """A miss is recorded like any other; an emergency that nobody ends is over by itself."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = hub.world
        sent, office, officer = await acknowledged(hub), asker(world), world.office("45", "PI_OFFICER")
        prompt, silent = (ClearanceMaker(world, "EMERGENCY", office, sent.header) for _ in range(2))
        for one in (prompt, silent):
            await hub.submit(one.cleared(*others(world)))
            one.follow((await hub.client.open_payload(one.request())).access_event)
        named = {"official": world.fresh_id()}
        told_on = {"told_on": prompt.day(), **named}
        early = await refused_event(hub, prompt.event("PersonTold", officer, told_on, step=False))
        assert early == ("TRANSITION_FORBIDDEN", None)
        await hub.submit([prompt.event("EmergencyNoted", officer, named), prompt.event("EmergencyEnded", office)])
        await hub.submit([prompt.event("PersonTold", officer, told_on)])
        world.clock.advance(WINDOW_MS + 1)
        await hub.sequencer.call(hub.application.run_timers)
        missed = hub.audit().missed
        world.clock.advance(7 * DAY_MS)
        await hub.sequencer.call(hub.application.run_timers)
        over = matter(hub, silent)
        assert (over.state, {duty.rule for duty in over.duties}) == ("OVER", {"R-EMG-2", "R-EMG-4"})
        silent.next_seq, silent.head = over.next_seq, over.head
        withheld = {"reason": "DANGER_TO_OTHERS", **named}
        by_asker = await refused_event(hub, silent.event("TellingWithheld", office, withheld, step=False))
        assert by_asker[0] in ("ACTOR_FORBIDDEN", "MANDATE_MISSING")
        unnamed = silent.event("TellingWithheld", officer, withheld | {"official": bytes(16)}, step=False)
        assert await refused_event(hub, unnamed) == ("GUARD_FAILED", "named_official")

        await hub.submit([silent.event("TellingWithheld", officer, withheld)])

        assert missed == {"R-EMG-2": 1}
        assert [matter(hub, one).state for one in (prompt, silent)] == ["CLOSED", "WITHHELD"]
        assert [matter(hub, one).duties for one in (prompt, silent)] == [(), ()]
        assert hub.audit().cleared == {"EMERGENCY": 2}


@runs_in_a_loop
async def test_an_office_asks_under_clearances_so_many_times_an_hour(tmp_path: Path) -> None:
    """Guessing ids costs as much as reading: no clearance makes a search."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = hub.world
        sent, office = await acknowledged(hub), asker(world)
        clearance = ClearanceMaker(world, "EMERGENCY", office, sent.header)
        await hub.submit(clearance.cleared(*others(world)))
        for _ in range(load_opening_rules().clearances["EMERGENCY"].per_office):
            with pytest.raises(AccessError):
                await hub.client.open_payload(clearance.request(clearance=world.fresh_id()))

        assert await refusal(hub, clearance.request()) == "OPEN_TOO_MANY"
        assert await refusal(hub, request_for(world, sent, office)) == "OPEN_NO_TASK"


@runs_in_a_loop
async def test_a_restricted_record_is_stored_and_not_opened_in_an_emergency_either(tmp_path: Path) -> None:
    """个人信息保护法 47: storage only."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = hub.world
        made, office = notification(world, "44", "45")[:3], asker(world)
        await hub.submit(made)
        record, desk = MatterMaker(world, "RESIDENCE_NOTIFICATION"), world.office("45", "RIGHTS_DESK")
        record.stream_id, record.next_seq, record.head = made[0].header.stream_id, 3, leaf_hash(made[2].event)
        body = {"request": world.fresh_id(), "official": world.fresh_id()}
        await hub.submit([record.event("MatterRestricted", desk, body, purpose="RIGHTS", legal_basis="LB-PIPL-47")])
        clearance = ClearanceMaker(world, "EMERGENCY", office, made[1].header)
        await hub.submit(clearance.cleared(*others(world)))

        assert await refusal(hub, clearance.request()) == "OPEN_NO_TASK"
