"""Start, health, reflection, drain, and the end after a failed commit."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import structlog
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from adapters.grpc.client import ExchangeClient
from adapters.grpc.server import GrpcServer
from adapters.logs import KEYS
from contracts.errors import ExchangeError, FatalError, UnavailableError
from hub.ports import Commit
from hub.submission import SubmittedBatch
from tests.support.hub_server import Gate, HubServer, until
from tests.support.matters import declaration
from tests.support.raw_client import raw_channel
from tests.support.world import World


def batch_of(world: World, count: int) -> SubmittedBatch:
    return world.batches["44"].batch([declaration(world, "44") for _ in range(count)])


@pytest.mark.integration
def test_health_says_serving_and_reflection_names_the_service(tmp_path: Path) -> None:
    async def services(address: str) -> set[str]:
        async def ask() -> Any:
            yield reflection_pb2.ServerReflectionRequest(list_services="")

        async with raw_channel(address) as channel:
            stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
            async for answer in stub.ServerReflectionInfo(ask()):
                return {service.name for service in answer.list_services_response.service}
        return set()

    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            assert await hub.client.is_serving()
            assert await hub.client.is_serving("")
            assert {"pprd.v1.Exchange", "grpc.health.v1.Health"} <= await services(hub.address)

    asyncio.run(scenario())


@pytest.mark.integration
def test_draining_answers_what_was_read_refuses_the_rest_and_ends(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub, hub.client.submit_stream() as stream:
            async with Gate(hub) as gate:
                waiting = [await stream.send(batch_of(hub.world, 5)) for _ in range(8)]
                await until(lambda: hub.sequencer.waiting_events == 41)
                stopping = asyncio.ensure_future(hub.server.stop(grace_seconds=10))
                await asyncio.sleep(0.1)
                late = ExchangeClient(hub.address)
                with pytest.raises(UnavailableError, match="PEER_UNAVAILABLE"):
                    await late.connect(timeout_seconds=0.3)
                await late.close()
                assert not stopping.done()
                gate.open()

            for reply in waiting:
                assert (await reply).answer.refusal is None
            await stopping
            with pytest.raises(UnavailableError, match="SHUTTING_DOWN"):
                await (await stream.send(batch_of(hub.world, 1)))
            await hub.sequencer.drain()
            assert hub.audit().events["RegistrationDeclared"] == 40

    asyncio.run(scenario())


@pytest.mark.integration
def test_stopping_is_quick_when_streams_are_open_and_idle(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub, hub.client.submit_stream() as stream:
            assert (await (await stream.send(batch_of(hub.world, 1)))).answer.refusal is None
            updates = hub.client.directory(hub.size, follow=True)
            await anext(updates)
            following = asyncio.ensure_future(anext(updates))

            await asyncio.wait_for(hub.server.stop(grace_seconds=30), 3)

            with pytest.raises(UnavailableError, match="SHUTTING_DOWN"):
                await following

    asyncio.run(scenario())


@pytest.mark.integration
@pytest.mark.parametrize("step", ["_write_rows", "_make_durable"])
@pytest.mark.parametrize("raised", [FatalError("STORE_FAILED", "unknown"), OSError("disk gone")])
def test_a_failed_commit_ends_the_hub_and_is_never_called_an_answer(
    raised: Exception, step: str, tmp_path: Path
) -> None:
    def fail(*_: Commit) -> None:
        raise raised

    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            batch, size = batch_of(hub.world, 1), hub.size
            setattr(hub.store, step, fail)
            ended = asyncio.ensure_future(hub.server.wait())

            with pytest.raises(FatalError):
                await hub.client.submit_one(batch)
            with pytest.raises(FatalError):
                await ended

            assert not await hub.client.is_serving()
            answer = (await hub.client.submit_one(batch)).answer
            assert answer.refusal is not None
            assert answer.refusal.code == "SHUTTING_DOWN"
            assert hub.size == size

        async with HubServer(tmp_path / "ledger.sqlite", world=hub.world) as again:
            assert (await again.client.submit_one(batch)).answer.refusal is None
            again.audit()

    asyncio.run(scenario())


@pytest.mark.integration
def test_waiting_for_a_server_ends_when_it_is_stopped(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            ended = asyncio.ensure_future(hub.server.wait())
            await asyncio.sleep(0)
            await hub.server.stop()

            await asyncio.wait_for(ended, 2)

    asyncio.run(scenario())


@pytest.mark.integration
def test_two_servers_cannot_listen_on_one_port(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            second = GrpcServer(
                application=hub.application,
                sequencer=hub.sequencer,
                encode_run=lambda _: b"",
                address=hub.address,
                credentials=None,
            )
            with pytest.raises(UnavailableError, match="ADDRESS_TAKEN"):
                await second.start()

    asyncio.run(scenario())


@pytest.mark.integration
def test_each_call_and_batch_leaves_one_line_with_known_keys_and_no_content(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            batch = batch_of(hub.world, 2)
            with structlog.testing.capture_logs() as lines:
                async with hub.client.submit_stream() as stream:
                    await (await stream.send(batch))
                    await (await stream.send(SubmittedBatch(b"broken", b"", b"", (b"E",))))
                with pytest.raises(ExchangeError, match="NOT_FOUND"):
                    await hub.client.checkpoint(3)
                await hub.client.checkpoint()

            assert [(line["event"], line["outcome"], line.get("code")) for line in lines] == [
                ("batch.answered", "OK", None),
                ("batch.answered", "REFUSED", "BATCH_MALFORMED"),
                ("call.answered", "REFUSED", "NOT_FOUND"),
                ("call.answered", "OK", None),
            ]
            assert lines[0]["producer"] == "44-node"
            assert (lines[0]["n"], lines[0]["accepted"], lines[0]["refused"]) == (2, 2, 0)
            assert {key for line in lines for key in line} <= KEYS | {"log_level"}

    asyncio.run(scenario())
