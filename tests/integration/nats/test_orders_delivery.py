"""What is ordered about a record reaches every holder over its region's own subject and stream (DOMAIN 9.1)."""

import asyncio
from pathlib import Path

import nats
import pytest

from adapters.nats.messages import is_sealed
from adapters.nats_server import NatsServer
from contracts.event import decode_event
from tests.support.delivering_ledger import DeliveringLedger
from tests.support.delivery import Delivery, check_delivered, until
from tests.support.order_matters import erasure_order, rights_request

pytestmark = pytest.mark.integration


def orders(ledger: DeliveringLedger) -> None:
    """A notice, an order to erase it, and a request about another one: notices and orders of one point, mixed."""
    for made in (*erasure_order(ledger.world), *rights_request(ledger.world)):
        ledger.record([made])


@pytest.mark.usefixtures("places")
def test_an_order_reaches_every_holder_once_and_is_receipted(
    broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path
) -> None:
    """A point's counters go on over its notices and its orders, whichever stream brings them first."""

    async def main() -> dict[str, list[str]]:
        async with Delivery(world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path) as delivery:
            orders(ledger)
            await delivery.settled()
            assert not delivery.relay_store.disagreements()
            kept = {region: side.store for region, side in delivery.sides.items()}
            assert check_delivered(ledger.store, kept) == ledger.delivered()
            return {
                region: [decode_event(one.event).event_type for one in store.received_after(0, 1000)]
                for region, store in kept.items()
            }

    told = asyncio.run(main())

    for region in ("44", "45"):
        assert {"ErasureOrdered", "RightsRequestRouted", "RightsDecided"} <= set(told[region])
    assert not {"ErasureOrdered", "RightsRequestRouted"} & set(told["43"])


def test_orders_wait_sealed_in_the_streams_of_the_regions_and_nowhere_else(
    broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path
) -> None:
    async def main() -> dict[str, list[tuple[str, bytes]]]:
        orders(ledger)
        seen: dict[str, list[tuple[str, bytes]]] = {}
        async with Delivery(
            world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path, regions=()
        ) as way:
            await until(lambda: way.relay_store.place() == len(ledger.store.runs_after(0, 1000)))
            client = await nats.connect(broker.url)
            for name in ("RGT-43", "RGT-44", "RGT-45", "NTF-44", "NTF-45"):
                last = (await client.jetstream().stream_info(name)).state.last_seq
                for seq in range(1, last + 1):
                    message = await client.jetstream().get_msg(name, seq)
                    seen.setdefault(name, []).append((str(message.subject), bytes(message.data or b"")))
            await client.close()
        return seen

    seen = asyncio.run(main())

    assert {subject for name in ("RGT-44", "RGT-45") for subject, _ in seen[name]} == {
        "pprd.v1.rgt.44",
        "pprd.v1.rgt.45",
    }
    assert "RGT-43" not in seen
    assert all(is_sealed(data) for name in ("RGT-44", "RGT-45") for _, data in seen[name])
    everything = b"".join(data for messages in seen.values() for _, data in messages)
    assert b"ErasureOrdered" not in everything
    assert b"RightsRequestRouted" not in everything


def test_orders_that_the_broker_lost_are_published_again(
    broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path
) -> None:
    async def lose() -> None:
        client = await nats.connect(broker.url)
        await client.jetstream().delete_stream("RGT-45")
        await client.close()

    async def main() -> int:
        orders(ledger)
        async with Delivery(
            world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path, regions=()
        ) as way:
            await until(lambda: way.relay_store.place() == len(ledger.store.runs_after(0, 1000)))
        await lose()
        async with Delivery(world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path) as delivery:
            await delivery.settled()
            return check_delivered(ledger.store, {region: side.store for region, side in delivery.sides.items()})

    assert asyncio.run(main()) == ledger.delivered()
