"""A change of the directory reaches every region on the common subject, once and in order (DOMAIN 9.1)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import nats
import pytest
from nats.aio.msg import Msg
from nats.js.errors import NotFoundError

from adapters.nats.streams import DIR_STREAM
from adapters.nats.subjects import DIR_SUBJECT
from adapters.nats_server import NatsServer
from contracts.event import decode_event
from contracts.ids import LeafIndex
from ledger.entry import event_of
from tests.support.delivering_ledger import DeliveringLedger
from tests.support.delivery import Delivery

pytestmark = pytest.mark.integration


async def on_the_broker(url: str) -> list[bytes]:
    """Every event of the stream, in its order."""
    client = await nats.connect(url)
    try:
        js = client.jetstream()
        state = (await js.stream_info(DIR_STREAM)).state
        return [bytes((await js.get_msg(DIR_STREAM, seq)).data or b"") for seq in range(1, state.last_seq + 1)]
    except NotFoundError:
        return []
    finally:
        await client.close()


def recorded(ledger: DeliveringLedger) -> list[bytes]:
    return [event for _, entry in ledger.store.directory_entries(LeafIndex(0)) if (event := event_of(entry))]


async def all_announced(url: str, ledger: DeliveringLedger) -> list[bytes]:
    """What is on the broker once it is as much as the ledger holds."""
    wanted = len(recorded(ledger))
    async with asyncio.timeout(20):
        while True:
            found = await on_the_broker(url)
            if len(found) >= wanted:
                return found
            await asyncio.sleep(0.05)


def test_every_change_is_announced_once_through_a_restart_and_again_after_a_loss(
    broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path
) -> None:
    async def relay() -> list[bytes]:
        async with Delivery(world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path, regions=()):
            return await all_announced(broker.url, ledger)

    async def lose() -> None:
        client = await nats.connect(broker.url)
        await client.jetstream().delete_stream(DIR_STREAM)
        await client.close()

    first = asyncio.run(relay())
    ledger.application.record([ledger.world.revocation("45")])
    second = asyncio.run(relay())
    asyncio.run(lose())
    third = asyncio.run(relay())

    assert first == recorded(ledger)[:-1]
    assert second == third == recorded(ledger)
    assert decode_event(second[-1]).event_type == "KeyRevoked"


def test_who_listens_hears_a_change_when_it_is_recorded(
    broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path
) -> None:
    async def main() -> str:
        heard: asyncio.Queue[bytes] = asyncio.Queue()

        async def hear(message: Msg) -> None:
            heard.put_nowait(message.data)

        async with Delivery(world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path, regions=()):
            async with asyncio.timeout(20):
                await all_announced(broker.url, ledger)
                client = await nats.connect(broker.url)
                await client.subscribe(DIR_SUBJECT, cb=hear)
                await client.flush()
                ledger.application.record([ledger.world.revocation("45")])
                event = decode_event(await heard.get())
                await client.close()
                return event.event_type

    assert asyncio.run(main()) == "KeyRevoked"
