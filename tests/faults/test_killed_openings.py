"""A hub that dies around the record of an opening never shows content unrecorded (DESIGN 2, step 6)."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, closing
from itertools import cycle
from pathlib import Path

import pytest

from adapters.compose.folder import DataFolder
from adapters.grpc.client import ExchangeClient
from adapters.store.opening import LEDGER_FILE, open_store
from contracts.errors import AccessError, UnavailableError
from hub.openings import OpenRequest
from tests.integration.grpc.test_grpc_openings import request_for
from tests.support.audit import audit
from tests.support.fault_rig import FaultRig
from tests.support.matters import notification

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

OPENING_COMMIT = 3
"""The commit of the openings: the two events of the notice come before it."""
OPENINGS = 4


def recorded(folder: Path, request_ids: Sequence[bytes]) -> list[bool]:
    with closing(open_store(folder / "hub" / LEDGER_FILE, read_only=True)) as store:
        known = store.recorded(request_ids)
        return [request_id in known for request_id in request_ids]


@pytest.mark.parametrize("gateways", [1, OPENINGS])
@pytest.mark.parametrize(("moment", "is_recorded"), [("before", False), ("after", True)])
def test_a_hub_that_dies_around_the_record_shows_nothing_and_gives_one_reading_at_most(
    tmp_path: Path, moment: str, is_recorded: bool, gateways: int
) -> None:
    """Before the commit the same request may come again; after it the reading is spent, although nobody saw it.

    Several ask at once, over one stream or each over its own: those that share the commit share its fate, and those
    behind it are not recorded.
    """
    with FaultRig(tmp_path, regions=("44", "45")) as rig:
        folder, world, hub = DataFolder(tmp_path), rig.world, rig.programs["hub"]
        settings = folder.hub_settings(heads_every_seconds=3_600.0)
        folder.write_hub(settings)
        made = notification(world, "44", "45")[:2]

        async def ask(client: ExchangeClient, request: OpenRequest) -> str:
            try:
                await client.open_payload(request)
            except AccessError as error:
                return error.code
            except UnavailableError:
                return "nothing"
            return "a reading"

        async def open_once(request: OpenRequest) -> str:
            try:
                async with ExchangeClient(settings.listen) as client:
                    return await ask(client, request)
            except UnavailableError:
                return "nothing"

        async def open_all() -> list[str]:
            async with AsyncExitStack() as stack:
                clients = [await stack.enter_async_context(ExchangeClient(settings.listen)) for _ in range(gateways)]
                return await asyncio.gather(*map(ask, cycle(clients), requests))

        async def open_until_answered(request: OpenRequest) -> str:
            for _ in range(600):
                if (answer := await open_once(request)) != "nothing":
                    return answer
                await asyncio.sleep(0.05)
            return "nothing"

        async def main() -> tuple[list[str], list[bool], list[str]]:
            hub.start(die=f"{moment}:hub-commit:{OPENING_COMMIT}")
            await rig.submit([made])
            first = await open_all()
            await asyncio.to_thread(hub.wait_until_dead)
            kept = recorded(tmp_path, [request.request_id for request in requests])
            hub.start()
            return first, kept, await asyncio.gather(*map(open_until_answered, requests))

        receiver = world.office("45", "COUNTY_PSB_HOUSEHOLD")
        requests = [request_for(world, made[1], receiver) for _ in range(OPENINGS)]
        first, kept, again = asyncio.run(main())
        hub.stop()

        assert first == ["nothing"] * OPENINGS
        assert any(kept) is is_recorded
        assert again == ["OPEN_REPEATED" if is_kept else "a reading" for is_kept in kept]
        with closing(open_store(tmp_path / "hub" / LEDGER_FILE)) as store:
            assert audit(store, world).openings == {"45": OPENINGS}
