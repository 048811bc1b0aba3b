"""A line that breaks in the middle: whole batches that arrived stand, half ones leave no trace, repeats do no harm."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import TracebackType

import pytest

from adapters.grpc.client import ExchangeClient
from contracts.errors import UnavailableError
from hub.submission import SubmittedBatch
from ledger.receipt import verify_receipt
from tests.support.hub_server import Gate, HubServer, until
from tests.support.matters import declaration
from tests.support.raw_client import RawSubmit
from tests.support.world import World


def batch_of(world: World, count: int, region: str = "44") -> SubmittedBatch:
    return world.batches[region].batch([declaration(world, region) for _ in range(count)])


class CutLine:
    """A line to a hub that breaks after so many bytes from the client; an async context.

    Args:
        address: The hub's.
        after_bytes: Where it breaks.
    """

    def __init__(self, address: str, after_bytes: int) -> None:
        self._host, _, self._port = address.rpartition(":")
        self._left = after_bytes
        self.is_cut = False
        self.address = ""

    async def __aenter__(self) -> CutLine:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hub_reader, hub_writer = await asyncio.open_connection(self._host, int(self._port))
        back = asyncio.ensure_future(self._carry_back(hub_reader, writer))
        while self._left > 0 and (data := await reader.read(self._left)):
            self._left -= len(data)
            hub_writer.write(data)
            await hub_writer.drain()
        self.is_cut = self._left <= 0
        await asyncio.sleep(0.2)  # what the hub has got by now, it answers
        back.cancel()
        hub_writer.transport.abort()
        writer.transport.abort()

    async def _carry_back(self, hub_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await hub_reader.read(65_536):
            writer.write(data)
            await writer.drain()


async def send_until_cut(address: str, batches: list[SubmittedBatch]) -> int:
    """Send one batch after the other; how many were answered before the client was told that the line is gone."""
    answered = 0
    client = ExchangeClient(address)
    try:
        async with client.submit_stream() as stream:
            for batch in batches:
                assert (await (await stream.send(batch))).answer.refusal is None
                answered += 1
    except UnavailableError as error:
        return answered if error.code == "PEER_UNAVAILABLE" else -1
    finally:
        await client.close()
    return answered


@pytest.mark.integration
@pytest.mark.parametrize("after_bytes", [20_000, 75_000, 120_000])
def test_a_line_cut_in_the_middle_of_a_batch_leaves_whole_batches_only(after_bytes: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world = hub.world
            batches = [batch_of(world, 128) for _ in range(5)]
            async with CutLine(hub.address, after_bytes) as line:
                answered = await send_until_cut(line.address, batches)
                assert line.is_cut
            await until(lambda: hub.sequencer.waiting_events == 0)

            recorded = (await hub.client.producer("44-node")).next_seq
            assert recorded == answered < len(batches)
            assert hub.audit().events["RegistrationDeclared"] == 128 * recorded
            async with hub.client.submit_stream() as whole:
                replies = [await reply for reply in [await whole.send(batch) for batch in batches]]
            assert all(reply.answer.refusal is None for reply in replies)
            assert hub.audit().events["RegistrationDeclared"] == 128 * 5

    asyncio.run(scenario())


@pytest.mark.integration
def test_a_stream_that_breaks_off_leaves_whole_batches_which_are_repeats_later(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            world = hub.world
            batches = [batch_of(world, 50) for _ in range(6)]
            size = hub.size
            async with Gate(hub):
                async with RawSubmit(hub.address) as raw:
                    for batch in batches[:3]:
                        await raw.send(batch)
                    await until(lambda: hub.sequencer.waiting_events >= 150)
                await asyncio.sleep(0.05)
            await until(lambda: hub.sequencer.waiting_events == 0)
            assert hub.size == size + 3 * 51
            hub.audit()

            async with hub.client.submit_stream() as stream:
                replies = [await reply for reply in [await stream.send(batch) for batch in batches]]

            assert all(reply.answer.refusal is None for reply in replies)
            for batch, reply in zip(batches, replies, strict=True):
                assert reply.answer.receipt is not None
                verify_receipt(reply.answer.receipt, tbs=batch.tbs, events=batch.events, verifier=world.verifier)
            assert hub.size == size + 6 * 51
            hub.audit()

    asyncio.run(scenario())


@pytest.mark.integration
def test_a_stream_that_breaks_off_while_the_hub_waits_for_room_is_forgotten(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with HubServer(tmp_path / "ledger.sqlite", max_queue_events=8) as hub:
            async with Gate(hub):
                await hub.sequencer.enqueue(batch_of(hub.world, 7, "45"))
                async with RawSubmit(hub.address) as raw:
                    await raw.send(batch_of(hub.world, 4))
                    await asyncio.sleep(0.1)
                await asyncio.sleep(0.1)
            await until(lambda: hub.sequencer.waiting_events == 0)

            assert (await hub.client.producer("44-node")).next_seq == 0
            hub.audit()

    asyncio.run(scenario())
