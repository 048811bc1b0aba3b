"""Bounds, windows, pushback, deadlines: a full or slow hub says so, and what it has taken it records."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest

from adapters.grpc.calls import Limits
from adapters.grpc.client import ExchangeClient
from adapters.grpc.codes import CODE_KEY, FIELD_KEY
from contracts.errors import ContractError, UnavailableError
from hub.submission import Outcome, SubmittedBatch, SubmittedPayload
from ledger.receipt import verify_receipt
from tests.support.hub_server import Gate, HubServer, until
from tests.support.matters import declaration
from tests.support.raw_client import RawSubmit, ask_raw
from tests.support.world import World

BROKEN = SubmittedBatch(b"broken", bytes(64), bytes(8), (b"E",))


def batch_of(world: World, count: int, region: str = "44") -> SubmittedBatch:
    return world.batches[region].batch([declaration(world, region) for _ in range(count)])


def padded(batch: SubmittedBatch, size_bytes: int) -> SubmittedBatch:
    return SubmittedBatch(
        batch.tbs, batch.signature, batch.key_id, batch.events, (SubmittedPayload(bytes(size_bytes), ()),)
    )


@pytest.mark.integration
def test_answers_of_a_stream_come_in_the_order_of_its_batches_whatever_they_say(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world = hub.world
            batches = [BROKEN if number % 3 == 1 else batch_of(world, 1 + number % 5) for number in range(60)]

            async with hub.client.submit_stream(window=64) as stream:
                replies = [await reply for reply in [await stream.send(batch) for batch in batches]]

            for batch, reply in zip(batches, replies, strict=True):
                if batch is BROKEN:
                    assert reply.answer.refusal is not None
                    assert reply.answer.refusal.code == "BATCH_MALFORMED"
                else:
                    assert reply.answer.receipt is not None
                    verify_receipt(reply.answer.receipt, tbs=batch.tbs, events=batch.events, verifier=world.verifier)
            hub.audit()

    asyncio.run(scenario())


@pytest.mark.integration
def test_batches_of_one_stream_that_wait_together_share_one_commit(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            async with Gate(hub) as gate, hub.client.submit_stream() as stream:
                waiting = [await stream.send(batch_of(hub.world, 4)) for _ in range(10)]
                await until(lambda: hub.sequencer.waiting_events == 41)
                gate.open()
                replies = [await reply for reply in waiting]

            checkpoints = {reply.answer.receipt.checkpoint for reply in replies if reply.answer.receipt is not None}
            assert len(checkpoints) == 1

    asyncio.run(scenario())


@pytest.mark.integration
def test_streams_of_several_producers_go_on_side_by_side(tmp_path: Path) -> None:
    async def submit(hub: HubServer, region: str) -> None:
        async with ExchangeClient(hub.address) as client, client.submit_stream() as stream:
            waiting = [await stream.send(batch_of(hub.world, 3, region)) for _ in range(20)]
            for reply in waiting:
                assert (await reply).answer.refusal is None

    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            await asyncio.gather(*(submit(hub, region) for region in hub.world.counties))

            assert hub.audit().events["RegistrationDeclared"] == 180

    asyncio.run(scenario())


@pytest.mark.integration
def test_the_hub_reads_a_stream_ahead_by_its_window_and_no_further(tmp_path: Path) -> None:
    async def scenario() -> None:
        limits = Limits(window=4)
        path = tmp_path / "ledger.sqlite"
        async with HubServer(path, limits=limits) as hub, hub.client.submit_stream(window=64) as stream:
            async with Gate(hub):
                waiting = [await stream.send(batch_of(hub.world, 1)) for _ in range(30)]
                await asyncio.sleep(0.3)
                assert hub.sequencer.waiting_events == 1 + 4  # the gate's own job and the window
            for reply in waiting:
                assert (await reply).answer.refusal is None

    asyncio.run(scenario())


@pytest.mark.integration
def test_a_full_queue_pushes_back_with_a_time_and_takes_the_same_batch_later(tmp_path: Path) -> None:
    async def scenario() -> None:
        limits = Limits(patience_seconds=0.05)
        async with HubServer(tmp_path / "ledger.sqlite", limits=limits, max_queue_events=8) as hub:
            batch = batch_of(hub.world, 1)
            async with Gate(hub), hub.client.submit_stream() as stream:
                filling = await hub.sequencer.enqueue(batch_of(hub.world, 7, "45"))
                size = hub.size

                by_stream = (await (await stream.send(batch))).answer
                by_call = (await hub.client.submit_one(batch)).answer

                assert hub.size == size
            assert (await filling).refusal is None
            later = (await hub.client.submit_one(batch)).answer

            for answer in (by_stream, by_call):
                assert answer.refusal is not None
                assert answer.refusal.code == "OVERLOADED"
                assert answer.refusal.retry_after_ms >= 20
                assert answer.batch_id == later.batch_id
            assert later.refusal is None
            hub.audit()

    asyncio.run(scenario())


@pytest.mark.integration
def test_a_stream_waits_a_while_for_room(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            HubServer(tmp_path / "ledger.sqlite", max_queue_events=8) as hub,
            hub.client.submit_stream() as stream,
        ):
            async with Gate(hub):
                await hub.sequencer.enqueue(batch_of(hub.world, 7, "45"))
                reply = await stream.send(batch_of(hub.world, 1))
                await asyncio.sleep(0.1)

            assert (await reply).answer.refusal is None

    asyncio.run(scenario())


@pytest.mark.integration
def test_an_oversize_batch_is_refused_and_its_stream_goes_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        limits = Limits(max_batch_bytes=100_000)
        async with HubServer(tmp_path / "ledger.sqlite", limits=limits) as hub:
            batch = batch_of(hub.world, 1)
            async with hub.client.submit_stream() as stream:
                refused = (await (await stream.send(padded(batch, 100_000)))).answer
                taken = (await (await stream.send(batch))).answer

            assert refused.refusal is not None
            assert refused.refusal.code == "BATCH_TOO_LARGE"
            assert refused.refusal.retry_after_ms == 0
            assert taken.refusal is None

    asyncio.run(scenario())


@pytest.mark.integration
def test_a_message_above_the_transports_limit_ends_its_call_and_nothing_else(tmp_path: Path) -> None:
    async def scenario() -> None:
        limits = Limits(max_message_bytes=200_000)
        async with HubServer(tmp_path / "ledger.sqlite", limits=limits) as hub:
            batch = batch_of(hub.world, 1)

            with pytest.raises(ContractError, match="BATCH_TOO_LARGE"):
                await hub.client.submit_one(padded(batch, 300_000))
            async with hub.client.submit_stream() as stream:
                cut_off = await stream.send(padded(batch, 300_000))
                with pytest.raises(ContractError, match="BATCH_TOO_LARGE"):
                    await cut_off

            assert (await hub.client.submit_one(batch)).answer.refusal is None

    asyncio.run(scenario())


@pytest.mark.integration
def test_the_unary_form_takes_exactly_one_event(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            batch = batch_of(hub.world, 2)

            answer = (await hub.client.submit_one(batch)).answer

            assert answer.refusal is not None
            assert answer.refusal.code == "BATCH_TOO_LARGE"
            assert answer.refusal.field == "events"

    asyncio.run(scenario())


@pytest.mark.integration
def test_the_hub_answers_in_time_or_says_that_it_did_not_and_a_repeat_gets_the_receipt(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite", limits=Limits(call_seconds=0.2)) as hub:
            single, following = batch_of(hub.world, 1), batch_of(hub.world, 2)
            async with Gate(hub):
                with pytest.raises(UnavailableError, match="DEADLINE_EXCEEDED"):
                    await hub.client.submit_one(single)
                async with hub.client.submit_stream() as stream:
                    late = await stream.send(following)
                    with pytest.raises(UnavailableError, match="DEADLINE_EXCEEDED"):
                        await late

            async with hub.client.submit_stream() as stream:
                again = [(await (await stream.send(batch))).answer for batch in (single, following)]

            assert [answer.refusal for answer in again] == [None, None]
            assert {result.outcome for answer in again for result in answer.results} == {Outcome.ACCEPTED}
            assert hub.audit().events["RegistrationDeclared"] == 3

    asyncio.run(scenario())


@pytest.mark.integration
def test_the_client_waits_no_longer_than_it_was_told(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub, ExchangeClient(hub.address, call_seconds=0.2) as hasty:
            batch = batch_of(hub.world, 1)
            async with Gate(hub):
                with pytest.raises(UnavailableError, match="DEADLINE_EXCEEDED"):
                    await hasty.submit_one(batch)

            assert (await hasty.submit_one(batch)).answer.refusal is None

    asyncio.run(scenario())


@pytest.mark.integration
def test_more_calls_than_allowed_are_told_to_come_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite", limits=Limits(max_calls=2)) as hub:
            async with RawSubmit(hub.address) as one, RawSubmit(hub.address) as two:
                for raw in (one, two):
                    assert (await raw.exchange_batch(BROKEN)).refusal.code == "BATCH_MALFORMED"
                with pytest.raises(UnavailableError, match="OVERLOADED"):
                    await hub.client.checkpoint()
            await asyncio.sleep(0.1)

            assert await hub.client.checkpoint()

    asyncio.run(scenario())


@pytest.mark.integration
@pytest.mark.parametrize("method", ["GetStream", "GetEntries", "SubmitOne"])
def test_bytes_that_are_no_request_get_a_code_in_the_metadata(method: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            if method == "SubmitOne":
                assert b"REQUEST_MALFORMED" in await ask_raw(hub.address, method, b"\xff\xff")
                return
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await ask_raw(hub.address, method, b"\xff\xff", answers_stream=method == "GetEntries")
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            trailing: Any = refused.value.trailing_metadata()
            metadata = dict(trailing)
            assert metadata[CODE_KEY] == "REQUEST_MALFORMED"
            assert FIELD_KEY not in metadata

    asyncio.run(scenario())
