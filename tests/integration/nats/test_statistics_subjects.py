"""Statistics reach everybody on a subject a table, once each, and again when the broker lost them (DOMAIN 9.1)."""

import asyncio
from pathlib import Path

import nats
import pytest

from adapters.nats.streams import STT_STREAM
from adapters.nats_server import NatsServer
from contracts.event import decode_event
from hub.projections.disclosure import SafeTable
from hub.projections.published import drafts_of, parts_of
from tests.support.delivering_ledger import DeliveringLedger
from tests.support.delivery import Delivery

pytestmark = pytest.mark.integration


def publish(ledger: DeliveringLedger, month: str) -> None:
    for name in ("OD_MONTH", "MOVE_MONTH"):
        table = SafeTable(("45",), ("4401",), 10, {("45", "4401"): 20})
        ledger.application.record(drafts_of(parts_of(name, month, table)))


async def on_the_broker(url: str) -> list[tuple[str, str]]:
    """Subject and month of every message."""
    client = await nats.connect(url)
    try:
        found = []
        info = await client.jetstream().stream_info(STT_STREAM)
        # A stream that holds nothing yet says 0 of both.
        for seq in range(max(1, info.state.first_seq), info.state.last_seq + 1):
            message = await client.jetstream().get_msg(STT_STREAM, seq)
            event = decode_event(bytes(message.data or b""))
            assert event.event_type == "StatisticsPublished"
            found.append((str(message.subject), event.stream_id.hex()))
        return found
    finally:
        await client.close()


def test_each_part_is_published_once_through_restarts_and_again_after_a_loss(
    broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path
) -> None:
    async def relay(wanted: int) -> list[tuple[str, str]]:
        async with Delivery(world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path, regions=()):
            found: list[tuple[str, str]] = []
            async with asyncio.timeout(20):
                while len(found) < wanted:
                    await asyncio.sleep(0.05)
                    try:
                        found = await on_the_broker(broker.url)
                    except nats.js.errors.NotFoundError:
                        continue
        return found

    async def lose() -> None:
        client = await nats.connect(broker.url)
        await client.jetstream().delete_stream(STT_STREAM)
        await client.close()

    ledger.notices(1)
    publish(ledger, "2026-01")
    first = asyncio.run(relay(2))
    publish(ledger, "2026-02")
    second = asyncio.run(relay(4))
    asyncio.run(lose())
    third = asyncio.run(relay(4))

    assert [subject for subject, _ in first] == ["pprd.v1.stt.od-month", "pprd.v1.stt.move-month"]
    assert second[:2] == first
    assert len(set(second)) == 4
    assert third == second
