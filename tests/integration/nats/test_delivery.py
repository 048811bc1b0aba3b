"""What the ledger delivers reaches the right region once, in order, with its proofs, and comes back as a receipt."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import nats
import pytest
from nats.js.api import StreamInfo
from nats.js.errors import NotFoundError

from adapters._generated.pprd.v1 import notification_pb2 as pb
from adapters.nats.messages import is_sealed
from adapters.nats.streams import LOG_STREAM
from adapters.nats.subjects import LOG_SUBJECT
from adapters.nats_server import NatsServer
from ledger.checkpoint import parse_checkpoint
from tests.support.delivering_ledger import DeliveringLedger
from tests.support.delivery import Delivery, check_delivered, until

T = TypeVar("T")

pytestmark = pytest.mark.integration


def forget(folder: Path) -> None:
    for path in folder.glob("relay.sqlite*"):
        path.unlink()


async def eventually(look: Callable[[], Awaitable[T]]) -> T:
    """Ask the broker until it has what is asked for."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await look()
            except NotFoundError:
                await asyncio.sleep(0.01)


async def stream_info(url: str, name: str) -> StreamInfo:
    client = await nats.connect(url)
    try:
        return await client.jetstream().stream_info(name)
    finally:
        await client.close()


@pytest.mark.usefixtures("places")
def test_every_notification_arrives_once_and_is_receipted(
    broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path
) -> None:
    """DESIGN 2.4 and 2.5: registrations, moves and cases, several commits, three regions."""

    async def main() -> int:
        ledger.notices(20)
        ledger.case()
        async with Delivery(world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path) as delivery:
            await delivery.settled()
            ledger.notices(20, destination="43", origin="44")
            ledger.case()
            await delivery.settled()
            assert all(not side.fetched for side in delivery.sides.values())
            assert not delivery.relay_store.disagreements()
            return check_delivered(ledger.store, {region: side.store for region, side in delivery.sides.items()})

    assert asyncio.run(main()) == ledger.delivered() > 100


def test_what_was_acknowledged_leaves_the_broker(broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path) -> None:
    """Runs are kept until they are acknowledged and no longer (DOMAIN 9.1)."""

    async def main() -> StreamInfo:
        ledger.notices(3)
        async with Delivery(world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path) as delivery:
            await delivery.settled()
        return await stream_info(broker.url, "NTF-45")

    assert asyncio.run(main()).state.messages == 0


def test_a_case_run_is_sealed_and_padded_on_the_broker(
    broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path
) -> None:
    """DOMAIN 9.2: on the broker the steps of a case look alike, and nothing of them can be read."""

    async def main() -> dict[str, list[bytes]]:
        ledger.notices(1)
        ledger.case()
        seen: dict[str, list[bytes]] = {}
        async with Delivery(
            world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path, regions=()
        ) as way:
            await until(lambda: way.relay_store.place() == len(ledger.store.runs_after(0, 1000)))
            client = await nats.connect(broker.url)
            for name in ("NTF-43", "NTF-44", "NTF-45"):
                last = (await client.jetstream().stream_info(name)).state.last_seq
                for seq in range(1, last + 1):
                    message = await client.jetstream().get_msg(name, seq)
                    seen.setdefault(str(message.subject), []).append(bytes(message.data or b""))
            await client.close()
        return seen

    seen = asyncio.run(main())

    assert set(seen) == {
        "pprd.v1.ntf.43.cas.430102",
        "pprd.v1.ntf.44.cas.440106",
        "pprd.v1.ntf.44.std.node",
        "pprd.v1.ntf.45.std.node",
    }
    cases = [data for subject, messages in seen.items() if ".cas." in subject for data in messages]
    assert all(is_sealed(data) for data in cases)
    assert len({len(data) for data in cases}) == 1
    assert not any(b"CORRECTION" in data for data in cases)
    assert pb.NotificationRun.FromString(seen["pprd.v1.ntf.45.std.node"][0]).first_n == 1


def test_checkpoints_are_published(broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path) -> None:
    """Everybody can see the head of the ledger move (DOMAIN 9.1, `pprd.v1.log`)."""

    async def main() -> bytes:
        ledger.notices(1)
        async with Delivery(
            world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path, regions=()
        ) as way:
            await until(lambda: way.relay_store.place() == len(ledger.store.runs_after(0, 1000)))
            client = await nats.connect(broker.url)
            found = await eventually(lambda: client.jetstream().get_last_msg(LOG_STREAM, LOG_SUBJECT))
            await client.close()
        return bytes(found.data or b"")

    note = asyncio.run(main())

    assert parse_checkpoint(note, ledger.world.verifier).size == ledger.store.size()


def test_a_relay_that_starts_again_publishes_nothing_again(
    broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path
) -> None:
    """The place is remembered after the acknowledgement."""

    async def main() -> tuple[int, int]:
        ledger.notices(5)
        async with Delivery(world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path) as delivery:
            await delivery.settled()
        before = await stream_info(broker.url, "NTF-45")
        ledger.notices(5)
        async with Delivery(world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path) as delivery:
            await delivery.settled()
        after = await stream_info(broker.url, "NTF-45")
        return before.state.last_seq, after.state.last_seq

    before, after = asyncio.run(main())

    assert (before, after) == (1, 2)


@pytest.mark.usefixtures("places")
def test_a_relay_that_forgot_everything_repeats_and_nobody_notices(
    broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path
) -> None:
    """Repeats carry the same counters and message ids."""

    async def main() -> int:
        ledger.notices(5)
        ledger.case()
        async with Delivery(world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path) as delivery:
            await delivery.settled()
        forget(tmp_path)
        async with Delivery(world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path) as delivery:
            await until(lambda: delivery.relay_store.place() == len(ledger.store.runs_after(0, 1000)))
            ledger.notices(1)
            await delivery.settled()
            return check_delivered(ledger.store, {region: side.store for region, side in delivery.sides.items()})

    assert asyncio.run(main()) == ledger.delivered()
