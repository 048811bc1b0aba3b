"""What does not hold stops the line: nothing of it is stored or acknowledged, and the alarm is told."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import nats
import pytest
from structlog.testing import capture_logs

from adapters.nats.messages import encode_receipt, encode_run
from adapters.nats_server import NatsServer
from contracts.errors import EvidenceError
from contracts.ids import Hash, PointId, RegionCode
from hub.delivery_receipt import sign_receipt
from hub.notification import NotificationRun
from hub.run_builder import RunBuilder
from tests.support.delivering_ledger import DeliveringLedger
from tests.support.delivery import Delivery, until

pytestmark = pytest.mark.integration

POINT = PointId("45-node")
Change = Callable[[NotificationRun], NotificationRun]


async def publish(url: str, subject: str, data: bytes) -> None:
    client = await nats.connect(url)
    await client.jetstream().publish(subject, data)
    await client.close()


def other_bytes(run: NotificationRun) -> NotificationRun:
    """Somebody changed one bit of an event."""
    first = run.notifications[0]
    event = first.event[:-1] + bytes((first.event[-1] ^ 1,))
    return run._replace(notifications=(first._replace(event=event), *run.notifications[1:]))


def other_history(run: NotificationRun) -> NotificationRun:
    """A run that does not go on where the region stands."""
    return run._replace(head_before=Hash(bytes(31) + b"\1"))


def left_out(run: NotificationRun) -> NotificationRun:
    """One notification is withheld and the counters are closed over it."""
    return run._replace(notifications=run.notifications[1:])


@pytest.mark.parametrize("change", [other_bytes, other_history, left_out])
def test_a_run_that_does_not_hold_stops_the_line(
    broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path, change: Change
) -> None:
    async def main() -> tuple[str, int, int]:
        ledger.notices(2)
        builder = RunBuilder(ledger.store)
        async with Delivery(
            world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path, regions=("45",)
        ) as delivery:
            await delivery.settled()
            delivery.relay_store.save(1 << 40, {})
        ledger.notices(2)
        (run,) = ledger.store.runs(POINT, 3, 1)
        await publish(broker.url, "pprd.v1.ntf.45.std.node", encode_run(change(builder.build(run))))
        async with Delivery(
            world=ledger.world,
            reader=ledger.store,
            url=broker.url,
            folder=tmp_path,
            regions=("45",),
            has_relay=False,
        ) as delivery:
            with capture_logs() as lines:
                alarm = await delivery.stopped("45")
            stored = delivery.sides["45"].store.count()
        assert [line["code"] for line in lines if line["event"] == "line.stopped"] == [alarm.code]
        client = await nats.connect(broker.url)
        waiting = (await client.jetstream().stream_info("NTF-45")).state.messages
        await client.close()
        return alarm.code, stored, waiting

    code, stored, waiting = asyncio.run(main())

    assert code in {"INCLUSION_INVALID", "HEAD_MISMATCH"}
    assert stored == 2
    assert waiting == 1


def test_a_repeat_is_acknowledged_and_stored_no_second_time(
    broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path
) -> None:
    """The counter tells a repeat when the broker's own window is over."""

    async def main() -> tuple[int, int]:
        ledger.notices(2)
        async with Delivery(
            world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path, regions=("45",)
        ) as delivery:
            await delivery.settled()
            (run,) = ledger.store.runs(POINT, 1, 1)
            data = encode_run(RunBuilder(ledger.store).build(run))
            await publish(broker.url, "pprd.v1.ntf.45.std.node", data)
            ledger.notices(1)
            await delivery.settled()
            stored = delivery.sides["45"].store.count()
        client = await nats.connect(broker.url)
        waiting = (await client.jetstream().stream_info("NTF-45")).state.messages
        await client.close()
        return stored, waiting

    assert asyncio.run(main()) == (3, 0)


def test_a_repeat_with_another_head_stops_the_line(
    broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path
) -> None:
    """Two histories for one counter are never a repeat."""

    async def main() -> EvidenceError:
        ledger.notices(2)
        async with Delivery(
            world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path, regions=("45",)
        ) as delivery:
            await delivery.settled()
            (run,) = ledger.store.runs(POINT, 1, 1)
            forged = RunBuilder(ledger.store).build(run)._replace(head_after=Hash(b"\7" * 32))
            await publish(broker.url, "pprd.v1.ntf.45.std.node", encode_run(forged))
            return await delivery.stopped("45")

    assert asyncio.run(main()).code == "HEAD_MISMATCH"


def test_bytes_that_are_no_run_stop_the_line(broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path) -> None:
    """Nothing is dropped in silence."""

    async def main() -> EvidenceError:
        async with Delivery(
            world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path, regions=("45",)
        ) as delivery:
            await until(lambda: delivery.relay_store.streams().get("NTF-45") is not None)
            await publish(broker.url, "pprd.v1.ntf.45.std.node", b"\xff\xff\xff")
            return await delivery.stopped("45")

    assert asyncio.run(main()).code == "RUN_INVALID"


@pytest.mark.parametrize(("region", "outcome"), [("45", "head.disagrees"), ("44", "receipt.refused")])
def test_a_receipt_for_another_head_is_an_alarm_and_a_foreign_one_is_refused(
    broker: NatsServer, ledger: DeliveringLedger, tmp_path: Path, region: str, outcome: str
) -> None:
    """LEDGER 10: the region's receipt quotes counter and head; only its own key counts."""

    async def main() -> list[str]:
        ledger.notices(2)
        gateway = ledger.world.gateways[RegionCode(region)]
        receipt = sign_receipt(
            point=POINT,
            n=2,
            head=Hash(b"\7" * 32),
            received_ms=1,
            key_id=gateway.key_id("receipt"),
            private=gateway.keys["receipt"],
        )
        with capture_logs() as lines:
            async with Delivery(
                world=ledger.world, reader=ledger.store, url=broker.url, folder=tmp_path, regions=()
            ) as delivery:
                await until(lambda: delivery.relay_store.streams().get("RCP") is not None)
                await publish(broker.url, "pprd.v1.rcp.45", encode_receipt(receipt))
                await until(lambda: any(line["event"] in ("head.disagrees", "receipt.refused") for line in lines))
                assert delivery.relay_store.receipted() == {}
                kept = delivery.relay_store.disagreements()
        assert kept == ([(POINT, 2)] if region == "45" else [])
        return [line["event"] for line in lines if line["log_level"] == "error"]

    assert asyncio.run(main()) == [outcome]
