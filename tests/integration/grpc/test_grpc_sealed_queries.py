"""A sealed record is read once, on a provision that two other offices approved; to everybody else there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import grpc
import pytest

from adapters.grpc.messages import open_request_to_proto
from contracts.errors import ExchangeError
from contracts.event import decode_event
from contracts.ids import EventId, uuid7
from contracts.instant import DAY_MS
from hub.openings import OpenRequest, access_draft, find_payloads
from tests.integration.grpc.test_grpc_openings import request_for
from tests.integration.grpc.test_openings_tell_nothing import CountingReader
from tests.support.async_tests import runs_in_a_loop
from tests.support.batches import Made
from tests.support.clearances import ClearanceMaker, sealing
from tests.support.hub_server import HubServer
from tests.support.matters import correction
from tests.support.raw_client import raw_channel
from tests.support.world import World, WorldOffice

pytestmark = pytest.mark.integration

NOWHERE: Final = uuid7(unix_ms=1, entropy=bytes(10))
ROLE: Final = "CASE_OFFICER"


def asker(world: World) -> WorldOffice:
    return world.office("43", "COUNTY_CORRECTION")


def others(world: World) -> tuple[WorldOffice, WorldOffice]:
    return world.office("43", "PROCURATORATE"), world.office("44", "COURT")


async def transferred(hub: HubServer) -> Made:
    """A correction case that waits for an opinion: its recipient has a task. Gives the event that asks for it."""
    made = correction(hub.world)[:2]
    await hub.submit(made)
    return made[1]


async def seal(hub: HubServer, made: Made, what: str = "SEAL") -> None:
    await hub.submit([sealing(hub.world, hub.store, hub.application.directory, made.header.stream_id, what)])


async def approved(hub: HubServer, made: Made, office: WorldOffice | None = None, **said: Any) -> ClearanceMaker:
    """A query that two other offices approved, whatever it names."""
    query = ClearanceMaker(hub.world, "SEALED_QUERY", office or asker(hub.world), made.header)
    first, second = others(hub.world)
    await hub.submit([query.asked(first, second, **said), query.approved(first), query.approved(second)])
    return query


async def refusal(hub: HubServer, request: OpenRequest) -> str:
    size = hub.size
    with pytest.raises(ExchangeError) as refused:
        await hub.client.open_payload(request)
    assert hub.size == size
    return refused.value.code


async def answer(hub: HubServer, request: OpenRequest) -> tuple[object, ...]:
    """All that a refused call sends back: status, text, trailing metadata, byte for byte."""
    async with raw_channel(hub.address) as channel:
        call: Any = channel.unary_unary("/pprd.v1.Exchange/OpenPayload", None, None)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(open_request_to_proto(request).SerializeToString())
        error = refused.value
        return error.code(), error.details(), tuple(error.initial_metadata()), tuple(error.trailing_metadata())


@runs_in_a_loop
async def test_a_sealed_record_is_read_once_under_a_query_that_two_others_approved(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = hub.world
        asked = await transferred(hub)
        before = request_for(world, asked, asker(world), role=ROLE)
        assert (await hub.client.open_payload(before)).wrapped.office == asker(world).office
        await seal(hub, asked)
        task = request_for(world, asked, asker(world), role=ROLE)
        emergency = ClearanceMaker(world, "EMERGENCY", asker(world), asked.header)
        await hub.submit(emergency.cleared(world.office("43", "COUNTY_PSB"), world.office("44", "TOWN_OFFICE")))
        for request in (task, emergency.request(role=ROLE)):
            assert await refusal(hub, request) == "OPEN_FORBIDDEN"
        query = await approved(hub, asked)
        request = query.request(role=ROLE)

        opened = await hub.client.open_payload(request)

        access = decode_event(opened.access_event)
        assert (access.stream_id, access.purpose, access.legal_basis) == (query.stream_id, "SEALING", "LB-CPL-286")
        for again in (request, query.request(role=ROLE)):
            assert await refusal(hub, again) == "CLEARANCE_OVER"
        assert not hub.store.visible_stream(asked.header.stream_id, 0, 9)
        tally = hub.audit()
        assert tally.cleared == {"SEALED_QUERY": 1}
        assert tally.openings == {"43": 2}


@runs_in_a_loop
async def test_a_query_that_may_not_read_answers_as_if_there_were_no_such_record(tmp_path: Path) -> None:
    """Sealed and no recipient, unknown, not sealed at all: one text, one status, the same questions to the store."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = hub.world
        sealed, open_ = await transferred(hub), await transferred(hub)
        await seal(hub, sealed)
        stranger = world.office("45", "COUNTY_PSB")
        unknown = Made("43", sealed.header._replace(event_id=EventId(NOWHERE)), b"")
        queries = [
            await approved(hub, sealed, stranger),
            await approved(hub, unknown, stranger),
            await approved(hub, open_, stranger),
            await approved(hub, open_, asker(world)),
        ]
        answers, works = [], []
        for query in queries:
            request = query.request(role=ROLE)
            answers.append(await answer(hub, request))
            counting = CountingReader(hub.store)
            (found,) = find_payloads([request], counting, world.rules.procedures, hub.application.directory)
            assert isinstance(found, ExchangeError)
            works.append(dict(counting.asked))

        assert len(set(answers)) == 1
        assert "OPEN_FORBIDDEN" in repr(answers[0])
        assert works == [{"named": 1, "matters": 1}] * 4
        # What is wrong with the query itself is told alike, too, and without a look at what it names.
        waiting = [ClearanceMaker(world, "SEALED_QUERY", stranger, made.header) for made in (sealed, unknown, open_)]
        for query in waiting:
            await hub.submit([query.asked(*others(world))])
        assert len({await answer(hub, query.request(role=ROLE)) for query in waiting}) == 1
        world.clock.advance(8 * DAY_MS)
        assert len({await answer(hub, query.request(role=ROLE)) for query in queries}) == 1
        assert hub.audit().cleared == {}


@runs_in_a_loop
async def test_a_query_has_two_approvers_and_ends_after_a_week(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = hub.world
        asked = await transferred(hub)
        await seal(hub, asked)
        first, second = others(world)
        query = ClearanceMaker(world, "SEALED_QUERY", asker(world), asked.header)
        await hub.submit([query.asked(first, second), query.approved(first)])
        assert await refusal(hub, query.request(role=ROLE)) == "CLEARANCE_NOT_APPROVED"
        await hub.submit([query.approved(second)])
        world.clock.advance(8 * DAY_MS)
        assert await refusal(hub, query.request(role=ROLE)) == "CLEARANCE_OVER"

        await hub.sequencer.call(hub.application.run_timers)

        assert await refusal(hub, query.request(role=ROLE)) == "CLEARANCE_OVER"
        assert hub.audit().cleared == {}


@runs_in_a_loop
async def test_when_a_new_order_unseals_a_record_the_query_has_nothing_to_read(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = hub.world
        asked = await transferred(hub)
        await seal(hub, asked)
        query = await approved(hub, asked)
        await seal(hub, asked, "UNSEAL")

        code = await refusal(hub, query.request(role=ROLE))
        opened = await hub.client.open_payload(request_for(world, asked, asker(world), role=ROLE))

        assert code == "OPEN_FORBIDDEN"
        assert opened.wrapped.office == asker(world).office
        assert hub.store.visible_stream(asked.header.stream_id, 0, 9)
        hub.audit()


@pytest.mark.parametrize("what", ["a task on a sealed record", "an emergency on a sealed record", "another payload"])
def test_an_audit_names_an_opening_that_a_hub_should_not_have_given(tmp_path: Path, what: str) -> None:
    """The hub records what its rules forbid: from the entries alone an auditor finds it."""

    @runs_in_a_loop
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world = hub.world
            asked, another = await transferred(hub), await transferred(hub)
            emergency = ClearanceMaker(world, "EMERGENCY", asker(world), asked.header)
            await hub.submit(emergency.cleared(world.office("43", "COUNTY_PSB"), world.office("44", "TOWN_OFFICE")))
            request = emergency.request(role=ROLE)
            if what == "another payload":
                named = another.header.sealed[0].ciphertext_hash
                request = emergency.request(role=ROLE, event_id=another.header.event_id, ciphertext_hash=named)
            else:
                await seal(hub, asked)
            if what == "a task on a sealed record":
                request = request_for(world, asked, asker(world), role=ROLE)
            index = hub.size + 1
            await hub.sequencer.call(lambda: hub.application.record([access_draft(request, "NP-COR-ASK")]))

            with pytest.raises(ExchangeError) as found:
                hub.audit()

            assert found.value.code in ("OPEN_FORBIDDEN", "CLEARANCE_UNKNOWN")
            assert getattr(found.value, "index", None) == index

    scenario()
