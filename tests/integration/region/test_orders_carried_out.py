"""A gateway carries out what is ordered about a record: first what it holds is destroyed, then its offices confirm."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.region.draft import Draft
from adapters.region.gateway import RegionGateway
from adapters.region.opening import Reader
from contracts.errors import AccessError, RuleError
from contracts.ids import StreamId
from contracts.instant import DAY_MS
from contracts.office_type import OfficeType
from hub.awaited import awaited
from hub.matter import unpack
from hub.submission import Outcome
from tests.support.async_tests import runs_in_a_loop
from tests.support.held_pieces import files_with, held_pieces
from tests.support.hub_server import HubServer, until
from tests.support.lossy_exchange import LossyExchange
from tests.support.region import gateway, notice_prepared, notice_sent, receive

pytestmark = pytest.mark.integration

PSB = OfficeType.COUNTY_PSB_HOUSEHOLD
ORDERS = {
    "ErasureOrdered": ("ERASURE_ORDER", OfficeType.RIGHTS_DESK, "ERASE", {"ground": "PURPOSE_MET"}),
    "SealOrdered": ("SEAL_ORDER", OfficeType.COURT, "SEAL", {}),
    "UnsealOrdered": ("SEAL_ORDER", OfficeType.COURT, "UNSEAL", {}),
}


def ordered(hub: HubServer, event_type: str, target: StreamId, by: str = "44") -> Draft:
    """An order of an office of a region; the gateway finds the holders itself."""
    procedure, kind, word, more = ORDERS[event_type]
    world = hub.world
    return Draft(
        procedure=procedure,
        event_type=event_type,
        office=world.office(by, kind).office,
        occurred_at=world.clock.now_ms(),
        body={"target": target, "official": world.fresh_id(), **more},
        payloads={"NP-ORDER": ({"stream_id": target, "order": word, "due_date": "2026-03-05"},)},
    )


async def notice(hub: HubServer, here: RegionGateway, *, minor: bool = False) -> StreamId:
    """A notice of region 44 that region 45 holds."""
    begun = await here.submit(notice_prepared(hub.world, "44", "45"))
    draft = notice_sent(hub.world, "44", begun.stream_id)
    payloads = {profile: tuple({**one, "minor": minor} for one in some) for profile, some in draft.payloads.items()}
    sent = await here.submit(replace(draft, payloads=payloads))
    assert sent.outcome is Outcome.ACCEPTED
    return begun.stream_id


def missing(hub: HubServer, order: StreamId) -> Sequence[str]:
    """Offices that an order waits for, as the hub has it."""
    matter = unpack(hub.store.matters([order])[order])
    return awaited(matter, hub.world.rules.procedures[matter.procedure, matter.edition])


async def withhold(hub: HubServer, there: RegionGateway, stream_id: StreamId) -> bytes:
    """Let an officer of region 45 open what has to be approved; gives the request under which it waits."""
    office = hub.world.office("45", PSB).office
    event_id = next(task.event_id for task in there.tasks.of_stream(stream_id) if task.profile == "NP-RES")
    with pytest.raises(AccessError):
        await there.opener.open(
            event_id, "NP-RES", Reader(office, "核对户籍", officer=bytes(range(16)), role="REGISTRAR")
        )
    return there.opener.kept()[-1].request_id


@runs_in_a_loop
async def test_every_holder_confirms_by_itself_and_nothing_is_offered_for_opening(tmp_path: Path) -> None:
    """DOMAIN 7.3: two gateways, none of which is told when the other one confirms."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        async with (
            gateway(hub.world, "44", hub.client, tmp_path) as here,
            gateway(hub.world, "45", hub.client, tmp_path) as there,
        ):
            target = await notice(hub, here)
            await receive(hub.world, "45", there, hub.client)
            offered = [task.profile for task in there.tasks.of_stream(target)]
            order = await here.submit(ordered(hub, "ErasureOrdered", target))
            before = missing(hub, order.stream_id)
            for region, one in (("44", here), ("45", there)):
                await receive(hub.world, region, one, hub.client)
                assert one.orders.carry_out()
                assert await one.orders.confirm()
                assert not one.orders.is_behind
            offered += [task.profile for task in there.tasks.of_stream(target)]

        assert len(before) == 2
        assert offered == ["NP-RES", None]
        assert missing(hub, order.stream_id) == ()
        events = [event for event in hub.audit().events.items() if event[0] in ("ErasureOrdered", "PayloadErased")]
        assert sorted(events) == [("ErasureOrdered", 1), ("PayloadErased", 2)]


def step(hub: HubServer, region: str, stream_id: StreamId, event_type: str, **body: object) -> Draft:
    """An event of the notice that carries nothing."""
    return Draft(
        procedure="RESIDENCE_NOTIFICATION",
        event_type=event_type,
        office=hub.world.office(region, PSB).office,
        occurred_at=hub.world.clock.now_ms(),
        stream_id=stream_id,
        body=body,
    )


async def dispute(hub: HubServer, there: RegionGateway, stream_id: StreamId) -> None:
    """Let region 45 dispute the notice, so that region 44 may send it again."""
    await there.submit(step(hub, "45", stream_id, "ResidenceNoticeDelivered", verified=True))
    await there.submit(step(hub, "45", stream_id, "ResidenceNoticeDisputed", reason="DUPLICATE"))


def sent_again(hub: HubServer, stream_id: StreamId) -> Draft:
    """The notice once more, with content."""
    return replace(notice_sent(hub.world, "44", stream_id), event_type="ResidenceNoticeReissued", ref="again")


@runs_in_a_loop
async def test_what_waits_for_an_answer_or_an_approval_is_in_no_byte_afterwards(tmp_path: Path) -> None:
    """Issue 4: file, log and index of the log are searched for every envelope and every wrapped key."""
    files = [tmp_path / "region-44.sqlite", tmp_path / "region-45.sqlite"]
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        line = LossyExchange(hub.client)
        async with (
            gateway(hub.world, "44", line, tmp_path) as here,
            gateway(hub.world, "45", hub.client, tmp_path) as there,
        ):
            target = await notice(hub, here, minor=True)
            await receive(hub.world, "45", there, hub.client)
            request = await withhold(hub, there, target)
            await dispute(hub, there, target)
            await receive(hub.world, "44", here, hub.client)
            line.swallow_before = True
            await here.send(sent_again(hub, target))
            await until(lambda: here.held.of_stream(target) > 0)
            await there.submit(ordered(hub, "ErasureOrdered", target, by="45"))
            held = [one.held.of_stream(target) for one in (here, there)]
            pieces = [held_pieces(file) for file in files]
            before = [files_with(file, some) for file, some in zip(files, pieces, strict=True)]

            for region, one in (("44", here), ("45", there)):
                await receive(hub.world, region, one, hub.client)
                assert one.orders.carry_out()

            assert held == [3, 1]
            assert [len(some) for some in pieces] == [3, 2]
            assert all(before)
            assert [one.held.of_stream(target) for one in (here, there)] == [0, 0]
            assert [files_with(file, some) for file, some in zip(files, pieces, strict=True)] == [[], []]
            with pytest.raises(RuleError) as gone:
                there.opener.approve(request, bytes(range(16, 32)))
            assert gone.value.code == "NOT_FOUND"

        async with gateway(hub.world, "44", hub.client, tmp_path) as here:
            refused = await here.submit(sent_again(hub, target))
            assert refused.refusal is not None
            assert refused.refusal.code == "CONTENT_ERASED"
            assert files_with(files[0], pieces[0]) == []
        hub.audit()


@runs_in_a_loop
async def test_what_was_drafted_before_an_order_came_is_not_written_after_it(tmp_path: Path) -> None:
    """The event waits in memory while the hub is away; its content reaches no disk, and the gateway may confirm."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        async with (
            gateway(hub.world, "45", hub.client, tmp_path) as there,
            gateway(hub.world, "44", hub.client, tmp_path) as here,
        ):
            target = await notice(hub, here)
            await receive(hub.world, "45", there, hub.client)
            await dispute(hub, there, target)
            await receive(hub.world, "44", here, hub.client)
            await here.stop()
            answer = await here.send(sent_again(hub, target))
            await there.submit(ordered(hub, "ErasureOrdered", target, by="45"))
            await receive(hub.world, "44", here, hub.client)
            assert here.orders.carry_out()
            await here.start()
            sent = await answer

        assert sent.refusal is not None
        assert sent.refusal.code == "CONTENT_ERASED"
        with closing(sqlite3.connect(tmp_path / "region-44.sqlite")) as db:
            assert db.execute("SELECT count(*) FROM held_content").fetchone() == (0,)


@runs_in_a_loop
async def test_nobody_confirms_while_a_reader_holds_what_was(tmp_path: Path) -> None:
    """Destruction before confirmation: the log is part of the file."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        async with gateway(hub.world, "44", hub.client, tmp_path) as here:
            target = await notice(hub, here)
            order = await here.submit(ordered(hub, "ErasureOrdered", target))
            await receive(hub.world, "44", here, hub.client)
            with closing(sqlite3.connect(tmp_path / "region-44.sqlite", isolation_level=None)) as reader:
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM sent").fetchone()
                held_back = (here.orders.carry_out(), await here.orders.confirm(), len(missing(hub, order.stream_id)))
            went_on = (here.orders.carry_out(), await here.orders.confirm(), len(missing(hub, order.stream_id)))

        assert held_back == (False, False, 2)
        assert went_on == (True, True, 1)


@runs_in_a_loop
async def test_a_gateway_that_stopped_after_any_step_goes_on_with_the_next_one(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        async with gateway(hub.world, "44", hub.client, tmp_path) as here:
            target = await notice(hub, here)
            order = await here.submit(ordered(hub, "ErasureOrdered", target))
            await receive(hub.world, "44", here, hub.client)
        async with gateway(hub.world, "44", hub.client, tmp_path) as here:
            assert here.orders.carry_out()
        async with gateway(hub.world, "44", hub.client, tmp_path) as here:
            too_early = await here.orders.confirm()
            assert here.orders.carry_out()
            confirmed = await here.orders.confirm()
        async with gateway(hub.world, "44", hub.client, tmp_path) as here:
            size = hub.size
            assert here.orders.carry_out()
            assert await here.orders.confirm()

        assert (too_early, confirmed) == (False, True)
        assert hub.size == size
        assert list(missing(hub, order.stream_id)) == [hub.world.office("45", PSB).office]


@runs_in_a_loop
async def test_who_confirms_at_the_same_time_as_others_comes_after_them(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        async with (
            gateway(hub.world, "44", hub.client, tmp_path) as here,
            gateway(hub.world, "45", hub.client, tmp_path) as there,
        ):
            orders = []
            for _ in range(4):
                target = await notice(hub, here)
                orders.append((await here.submit(ordered(hub, "ErasureOrdered", target))).stream_id)
            for region, one in (("44", here), ("45", there)):
                await receive(hub.world, region, one, hub.client)
                assert one.orders.carry_out()

            done = await asyncio.gather(here.orders.confirm(), there.orders.confirm())

        assert all(done)
        assert [missing(hub, order) for order in orders] == [()] * 4


@runs_in_a_loop
async def test_a_sealed_record_leaves_every_list_of_a_gateway_until_it_is_unsealed(tmp_path: Path) -> None:
    """DOMAIN 7.2: to who drafts for it, it is a matter that does not exist."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        async with (
            gateway(hub.world, "44", hub.client, tmp_path) as here,
            gateway(hub.world, "45", hub.client, tmp_path) as there,
        ):
            target = await notice(hub, here, minor=True)
            await receive(hub.world, "45", there, hub.client)
            await withhold(hub, there, target)
            seen, codes, held, hidden, openings = [], [], [], [], []

            async def look() -> None:
                await receive(hub.world, "45", there, hub.client)
                assert there.orders.carry_out()
                assert await there.orders.confirm()
                seen.append(len(there.tasks.of_stream(target)))
                held.append(there.held.of_stream(target))
                hidden.append(there.is_hidden(target))
                openings.append(len(there.opener.kept()))
                unknown = StreamId(hub.world.fresh_id())
                told = []
                for stream_id in (target, unknown):
                    with pytest.raises(RuleError) as refusal:
                        await there.submit(step(hub, "45", stream_id, "ResidenceNoticeAcknowledged"))
                    told.append((refusal.value.code, refusal.value.message.replace(stream_id.hex(), "")))
                codes.append(told[0] == told[1])

            await look()
            await here.submit(ordered(hub, "SealOrdered", target))
            await look()
            await here.submit(ordered(hub, "UnsealOrdered", target))
            await look()

        assert seen == [1, 0, 1]
        assert held == [1, 0, 0]
        assert hidden == [False, True, False]
        assert openings == [1, 0, 1]
        assert codes == [False, True, False]
        hub.audit()


@runs_in_a_loop
async def test_a_gateway_that_was_away_while_a_record_was_sealed_goes_on(tmp_path: Path) -> None:
    """The exchange shows nothing of the record any more; that makes no task and stops no line."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        async with gateway(hub.world, "44", hub.client, tmp_path) as here:
            target = await notice(hub, here)
            await here.submit(ordered(hub, "SealOrdered", target))
            other = await notice(hub, here)
        async with gateway(hub.world, "45", hub.client, tmp_path) as there:
            made = await receive(hub.world, "45", there, hub.client)
            assert there.orders.carry_out()
            assert await there.orders.confirm()

    assert [task.event_type for task in made if task.stream_id in (target, other)] == ["ResidenceNoticeSent"]
    assert [task.event_type for task in made if task.stream_id not in (target, other)] == ["SealOrdered"]


@runs_in_a_loop
async def test_a_withheld_copy_ends_with_the_retention_of_its_matter(tmp_path: Path) -> None:
    """DOMAIN 7.4: by the clock, without an order."""
    async with (
        HubServer(tmp_path / "ledger.sqlite") as hub,
        gateway(hub.world, "44", hub.client, tmp_path) as here,
        gateway(hub.world, "45", hub.client, tmp_path) as there,
    ):
        target = await notice(hub, here, minor=True)
        await receive(hub.world, "45", there, hub.client)
        await withhold(hub, there, target)
        await there.submit(step(hub, "45", target, "ResidenceNoticeDelivered", verified=True))
        await there.submit(step(hub, "45", target, "ResidenceNoticeAcknowledged"))
        pieces = held_pieces(tmp_path / "region-45.sqlite")
        hub.world.clock.advance(90 * DAY_MS)
        there.orders.carry_out()
        kept = there.held.of_stream(target)
        hub.world.clock.advance(2 * DAY_MS)
        assert there.orders.carry_out()

        assert (kept, there.held.of_stream(target)) == (1, 0)
        assert files_with(tmp_path / "region-45.sqlite", pieces) == []
