"""A hub that dies around the record of an opening never shows content unrecorded (DESIGN 2, step 6)."""

import asyncio
from contextlib import closing
from pathlib import Path

import pytest

from adapters.compose.folder import DataFolder
from adapters.compose.parts import LEDGER_FILE
from adapters.grpc.client import ExchangeClient
from adapters.store.sqlite import SqliteStore
from contracts.errors import AccessError, UnavailableError
from tests.integration.grpc.test_grpc_openings import request_for
from tests.support.audit import audit
from tests.support.fault_rig import FaultRig
from tests.support.matters import notification

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

OPENING_COMMIT = 3
"""The commit of the opening: the two events of the notice come before it."""


def recorded(folder: Path, request_id: bytes) -> bool:
    with closing(SqliteStore(folder / "hub" / LEDGER_FILE, read_only=True)) as store:
        return request_id in store.recorded((request_id,))


@pytest.mark.parametrize(("moment", "is_recorded"), [("before", False), ("after", True)])
def test_a_hub_that_dies_around_the_record_shows_nothing_and_gives_one_reading_at_most(
    tmp_path: Path, moment: str, is_recorded: bool
) -> None:
    """Before the commit the same request may come again; after it the reading is spent, although nobody saw it."""
    with FaultRig(tmp_path, regions=("44", "45")) as rig:
        folder, world, hub = DataFolder(tmp_path), rig.world, rig.programs["hub"]
        settings = folder.hub_settings(heads_every_seconds=3_600.0)
        folder.write_hub(settings)
        made = notification(world, "44", "45")[:2]

        async def open_once() -> str:
            try:
                async with ExchangeClient(settings.listen) as client:
                    await client.open_payload(request)
            except AccessError as error:
                return error.code
            except UnavailableError:
                return "nothing"
            return "a reading"

        async def main() -> tuple[str, str]:
            hub.start(die=f"{moment}:hub-commit:{OPENING_COMMIT}")
            await rig.submit([made])
            first = again = await open_once()
            await asyncio.to_thread(hub.wait_until_dead)
            assert recorded(tmp_path, request.request_id) is is_recorded
            hub.start()
            for _ in range(600):
                again = await open_once()
                if again != "nothing":
                    break
                await asyncio.sleep(0.05)
            return first, again

        request = request_for(world, made[1], world.office("45", "COUNTY_PSB_HOUSEHOLD"))
        first, again = asyncio.run(main())
        hub.stop()

        assert first == "nothing"
        assert again == ("OPEN_REPEATED" if is_recorded else "a reading")
        with closing(SqliteStore(tmp_path / "hub" / LEDGER_FILE)) as store:
            assert audit(store, world).openings == {"45": 1}
