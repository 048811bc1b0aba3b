"""A gateway confirms once a day what has ended by the clock, after it holds nothing of it (DOMAIN 7.3, ADR 0065)."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

import pytest

from adapters.compose.parts import REGION_FILE
from adapters.region.database import RegionDatabase
from adapters.region.gateway import RegionGateway
from adapters.region.region_store import RegionStore
from adapters.store.opening import LEDGER_FILE, open_store
from contracts.instant import DAY_MS
from hub.matter import unpack
from hub.retention import CONFIRMATION
from tests.integration.region.test_orders_carried_out import notice, step, withhold
from tests.support.async_tests import runs_in_a_loop
from tests.support.fault_rig import FaultRig
from tests.support.hub_server import HubServer, until
from tests.support.lossy_exchange import LossyExchange
from tests.support.region import gateway, receive

pytestmark = pytest.mark.integration

KEPT_DAYS = 90


async def confirmed(hub: HubServer, *gateways: RegionGateway) -> list[bool]:
    """Let gateways confirm what they have to."""
    return [await one.retention.confirm() for one in gateways]


def waiting(hub: HubServer) -> list[str]:
    """Regions of which a confirmation is missing, as an audit finds it."""
    return [one.region for one in hub.audit().retention.unconfirmed()]


async def end_notice(hub: HubServer, here: RegionGateway, there: RegionGateway, *, minor: bool = False) -> bytes:
    """Let a notice of region 44 to region 45 come to its end and its content to the end of its time.

    Returns:
        Where a minor's copy waits at region 45, the request that it waits under; else nothing.
    """
    stream_id = await notice(hub, here, minor=minor)
    await receive(hub.world, "45", there, hub.client)
    await there.submit(step(hub, "45", stream_id, "ResidenceNoticeDelivered", verified=True))
    request = await withhold(hub, there, stream_id) if minor else b""
    await there.submit(step(hub, "45", stream_id, "ResidenceNoticeAcknowledged"))
    hub.world.clock.advance((KEPT_DAYS + 2) * DAY_MS)
    await hub.sequencer.call(hub.application.run_timers)
    return request


@runs_in_a_loop
async def test_each_gateway_confirms_for_itself_once_a_day(tmp_path: Path) -> None:
    async with (
        HubServer(tmp_path / "ledger.sqlite") as hub,
        gateway(hub.world, "44", hub.client, tmp_path) as here,
        gateway(hub.world, "45", hub.client, tmp_path) as there,
    ):
        begun = await confirmed(hub, here, there)
        await end_notice(hub, here, there)
        before = waiting(hub)
        first = await confirmed(hub, there)
        left = waiting(hub)
        again = await confirmed(hub, here, there, there)

        assert begun == [True, True]
        assert (before, left, waiting(hub)) == (["44", "45"], ["44"], [])
        assert (first, again) == ([True], [True, True, True])
        assert hub.audit().events["RetentionConfirmed"] == 2


@runs_in_a_loop
async def test_what_is_withheld_past_its_end_is_gone_before_the_gateway_confirms(tmp_path: Path) -> None:
    """The gateway itself has not learned that the matter came to its end: it asks before it says anything."""
    async with (
        HubServer(tmp_path / "ledger.sqlite") as hub,
        gateway(hub.world, "44", hub.client, tmp_path) as here,
        gateway(hub.world, "45", hub.client, tmp_path) as there,
    ):
        await confirmed(hub, there)
        await end_notice(hub, here, there, minor=True)
        held = len(there.held.withheld())

        assert await confirmed(hub, there) == [True]
        assert (held, len(there.held.withheld())) == (1, 0)
        assert waiting(hub) == ["44"]


@runs_in_a_loop
async def test_a_lost_answer_is_confirmed_once_and_a_new_start_goes_on(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        line = LossyExchange(hub.client)
        async with (
            gateway(hub.world, "44", hub.client, tmp_path) as here,
            gateway(hub.world, "45", line, tmp_path) as there,
        ):
            await confirmed(hub, there)
            await end_notice(hub, here, there)
            line.swallow_after, size = True, hub.size
            confirming = asyncio.ensure_future(confirmed(hub, there))
            await until(lambda: hub.size > size)
            line.swallow_after = False
            assert await confirming == [True]
        async with gateway(hub.world, "45", hub.client, tmp_path) as there:
            hub.world.clock.advance(DAY_MS)
            assert await confirmed(hub, there) == [True]

        assert waiting(hub) == ["44"]
        assert hub.audit().events["RetentionConfirmed"] == 2


def confirmations(rig: FaultRig) -> int:
    """How many confirmations the ledger holds."""
    with closing(open_store(rig.folder / "hub" / LEDGER_FILE, read_only=True)) as ledger:
        return sum(unpack(packed).procedure == CONFIRMATION for _, packed in ledger.all_matters())


@pytest.mark.sqlite_file
def test_a_region_that_runs_confirms_by_itself_and_once_a_day_however_often_it_starts(tmp_path: Path) -> None:
    """Killed as soon as the ledger has it: whether the gateway knows that or not, the day has one confirmation."""
    file = tmp_path / "regions" / "45" / REGION_FILE
    with FaultRig(tmp_path, regions=("45",)) as rig:
        with closing(RegionDatabase(file)) as database:
            RegionStore(database).set_mark("retention_day", b"2026-01-01")
        rig.programs["hub"].start()
        for _ in range(2):
            rig.programs["region-45"].start()
            asyncio.run(until(lambda: confirmations(rig) > 0, seconds=60))
            rig.programs["region-45"].kill()
        rig.programs["region-45"].start()
        asyncio.run(until(lambda: confirmed_today(file), seconds=60))

        assert confirmations(rig) == 1


def confirmed_today(file: Path) -> bool:
    """Whether the gateway knows that it has confirmed."""
    with closing(RegionDatabase(file)) as database:
        return RegionStore(database).mark("retention_day") != b"2026-01-01"
