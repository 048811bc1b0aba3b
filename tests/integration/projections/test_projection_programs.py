"""The program that follows, the hub that publishes, and a region that asks: each wired as it runs."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from adapters.compose.hub_program import HubProgram, create_ledger
from adapters.compose.parts import contracts_in_force
from adapters.compose.projecting import (
    ProjectionsProgram,
    projections_file,
    rebuild,
    unpublished,
    work_page,
)
from adapters.compose.projecting import (
    digests as kept_digests,
)
from adapters.settings import HubSettings
from adapters.store.opening import LEDGER_FILE, open_store
from contracts.errors import AccessError, ConflictError
from contracts.ids import LeafIndex
from hub.projections.projector import Place, RowChanges
from tests.support.hub_server import HubServer, until
from tests.support.kept_ledger import make_ledger
from tests.support.matters import notification
from tests.support.projections import follow, open_projections
from tests.support.region import gateway

pytestmark = pytest.mark.integration


def test_the_program_keeps_up_and_nobody_rebuilds_under_its_feet(tmp_path: Path) -> None:
    kept = make_ledger(tmp_path / "data", matters=3)
    world = kept.world

    async def play() -> None:
        with closing(open_store(kept.file)) as store:
            application = world.load(store)
            async with ProjectionsProgram(kept.folder) as program:
                await until(lambda: projections_file(kept.folder).exists())
                for made in notification(world, "44", "45"):
                    application.submit([world.batches[made.region].batch([made])])
                size = store.size()

                def is_there() -> bool:
                    assert not program_ended(program)
                    return all(one.position == size for one in kept_digests(kept.folder))

                await until(is_there)
                with pytest.raises(ConflictError) as caught:
                    rebuild(kept.folder)
                assert caught.value.code == "FOLDER_IN_USE"

    asyncio.run(play())
    followed = kept_digests(kept.folder)

    assert rebuild(kept.folder) == followed


def program_ended(program: ProjectionsProgram) -> bool:
    return program._job.done()


def test_a_hub_publishes_the_tables_of_a_closed_month_by_itself(tmp_path: Path) -> None:
    """What a month's projections hold is in the ledger without anybody asking, once."""
    settings = HubSettings(
        data_dir=tmp_path / "hub", listen="127.0.0.1:0", origin="ledger.test.example/pprd", sandbox=True
    )
    create_ledger(settings)
    counted = RowChanges(counts=Counter({("S", "OD_MONTH", "2026-01", "45", "4401"): 12}))
    with open_projections(projections_file(settings.data_dir)) as rows:
        rows.save(Place(0, 0), counted, Place(1, 1_772_416_800_000))

    async def play() -> int:
        with closing(open_store(settings.data_dir / LEDGER_FILE, read_only=True)) as ledger:
            async with HubProgram(settings, statistics_seconds=0.05):
                await until(lambda: sum(1 for _ in ledger.statistics_entries(LeafIndex(0))) >= 5)
                await asyncio.sleep(0.3)
            return sum(1 for _ in ledger.statistics_entries(LeafIndex(0)))

    assert asyncio.run(play()) == 5
    with closing(open_store(settings.data_dir / LEDGER_FILE, read_only=True)) as ledger:
        assert unpublished(projections_file(settings.data_dir), ledger, contracts_in_force(is_sandbox=True)) == []


def test_a_gateway_asks_for_its_own_offices_and_for_no_others(tmp_path: Path) -> None:
    rows = tmp_path / "projections.sqlite"

    async def play() -> None:
        async with HubServer(tmp_path / "ledger.sqlite", work_lists=partial(work_page, rows)) as hub:
            await hub.submit(notification(hub.world, "44", "45")[:3])
            with open_projections(rows) as store:
                follow(hub.store, store, hub.world.rules)
            office = hub.world.office("45", "COUNTY_PSB_HOUSEHOLD").office
            here = gateway(hub.world, "45", hub.client, tmp_path)
            there = gateway(hub.world, "44", hub.client, tmp_path)

            page = await here.work_list(office)
            with pytest.raises(AccessError) as caught:
                await there.work_list(office)

            assert [row.rule for row in page.rows] == ["R-ACK-1"]
            assert caught.value.code == "WORK_LIST_FORBIDDEN"

    asyncio.run(play())
