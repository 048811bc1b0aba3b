"""The broker is not the record: whatever it loses is published again from the ledger with the same numbers."""

import asyncio
from pathlib import Path

import nats
import pytest

from adapters.nats_server import NatsServer
from contracts.ids import PointId
from tests.support.delivering_ledger import DeliveringLedger
from tests.support.delivery import Delivery, check_delivered, until

pytestmark = pytest.mark.integration


def place_is_reached(delivery: Delivery, ledger: DeliveringLedger) -> bool:
    return delivery.relay_store.place() == len(ledger.store.runs_after(0, 1000))


def test_a_broker_that_stops_and_comes_back_delays_and_loses_nothing(
    broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path
) -> None:
    async def main() -> int:
        async with Delivery(world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path) as delivery:
            ledger.notices(5)
            await delivery.settled()
            broker.kill()
            ledger.notices(5)
            ledger.case()
            await asyncio.sleep(0.3)
            broker.start()
            await delivery.settled()
            return check_delivered(ledger.store, {region: side.store for region, side in delivery.sides.items()})

    assert asyncio.run(main()) == ledger.delivered()


def test_a_wiped_store_is_filled_again(broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path) -> None:
    """One region had read its runs, the others had not: what nobody signed for is published again."""

    async def main() -> int:
        ledger.notices(5)
        ledger.case()
        async with Delivery(
            world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path, regions=("45",)
        ) as delivery:
            await delivery.settled()
            await until(lambda: place_is_reached(delivery, ledger))
        broker.stop()
        broker.wipe()
        broker.start()
        async with Delivery(world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path) as delivery:
            await delivery.settled()
            assert all(not side.fetched for side in delivery.sides.values())
            return check_delivered(ledger.store, {region: side.store for region, side in delivery.sides.items()})

    assert asyncio.run(main()) == ledger.delivered()


def test_a_stream_deleted_under_a_running_relay_is_noticed(
    broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path
) -> None:
    async def main() -> int:
        ledger.notices(5)
        async with Delivery(
            world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path, regions=("44",)
        ) as delivery:
            await until(lambda: place_is_reached(delivery, ledger))
            client = await nats.connect(broker.url)
            await client.jetstream().delete_stream("NTF-45")
            await client.close()
            async with Delivery(
                world=ledger.world,
                reader=ledger.store,
                url=broker.url,
                folder=tmp_path,
                regions=("45",),
                has_relay=False,
            ) as late:
                await until(lambda: late.sides["45"].store.count() == 5)
                return check_delivered(ledger.store, {region: side.store for region, side in late.sides.items()})

    assert asyncio.run(main()) == 5


def test_a_message_that_the_broker_lost_is_asked_for(
    broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path
) -> None:
    """A gap shows with the next run, and the missing one comes from the exchange itself."""

    async def main() -> tuple[int, list[tuple[PointId, int]]]:
        for _ in range(4):
            ledger.notices(2)
        async with Delivery(
            world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path, regions=()
        ) as way:
            await until(lambda: place_is_reached(way, ledger))
        client = await nats.connect(broker.url)
        await client.jetstream().delete_msg("NTF-45", 2)
        await client.jetstream().delete_msg("NTF-45", 3)
        await client.close()
        async with Delivery(
            world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path, regions=("45",)
        ) as delivery:
            await delivery.settled()
            side = delivery.sides["45"]
            return check_delivered(ledger.store, {"45": side.store}), side.fetched

    assert asyncio.run(main()) == (8, [("45-node", 3)])


def test_a_store_that_lost_its_end_is_noticed(broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path) -> None:
    """A stream of the same name whose sequence numbers begin again is not the one that acknowledged."""

    async def main() -> int:
        ledger.notices(3)
        async with Delivery(
            world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path, regions=()
        ) as way:
            await until(lambda: place_is_reached(way, ledger))
            created = way.relay_store.streams()["NTF-45"][0]
            way.relay_store.save(way.relay_store.place(), {"NTF-45": (created, 7)})
        async with Delivery(
            world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path, regions=("45",)
        ) as delivery:
            await delivery.settled()
            assert delivery.relay_store.streams()["NTF-45"] == (created, 1)
            return check_delivered(ledger.store, {"45": delivery.sides["45"].store})

    assert asyncio.run(main()) == 3


def test_messages_that_were_purged_come_again(broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path) -> None:
    """The stream is the same one and empty, nothing new is recorded, and the receipts stay away."""

    async def main() -> int:
        ledger.notices(3)
        async with Delivery(
            world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path, regions=()
        ) as way:
            await until(lambda: place_is_reached(way, ledger))
        client = await nats.connect(broker.url)
        config = (await client.jetstream().stream_info("NTF-45")).config
        config.duplicate_window = 0.1
        await client.jetstream().update_stream(config)
        await client.jetstream().purge_stream("NTF-45")
        await client.close()
        async with Delivery(
            world=ledger.world,
            reader=ledger.store,
            url=broker.url,
            folder=tmp_path,
            regions=("45",),
            patience_seconds=0.1,
        ) as delivery:
            await delivery.settled()
            return check_delivered(ledger.store, {"45": delivery.sides["45"].store})

    assert asyncio.run(main()) == 3
