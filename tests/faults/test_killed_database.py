"""Kill -9 of the database's server while a hub commits: what was answered is there, what was not is sent again."""

import asyncio
from pathlib import Path

import pytest

from adapters.cli.errors import EXIT_CODES
from tests.support.fault_rig import FaultRig
from tests.support.ledger_places import LedgerPlaces
from tests.support.matters import correction, notification
from tests.support.postgres_server import PostgresServer, Programs

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

WAVES = 3
NOTICES = 8
FIRST_KILL = 10
EVERY = 80
"""Events that are acknowledged between two kills."""


async def work(rig: FaultRig) -> None:
    """Notices and case transfers, one wave after the other."""
    for _ in range(WAVES):
        await rig.submit([notification(rig.world, "44", "45") for _ in range(NOTICES)])
        await rig.submit([correction(rig.world)])


async def torment(rig: FaultRig, server: PostgresServer, worker: asyncio.Task[None]) -> set[int | None]:
    """Kill the server with everything that it has in flight, and start it again, and whoever ended; gives how hubs."""
    hub, ended, next_kill = rig.programs["hub"], set[int | None](), FIRST_KILL
    while not worker.done():
        await asyncio.sleep(0.005)
        if len(rig.acknowledged) >= next_kill:
            next_kill += EVERY
            # By this thread, with which the server ends.
            server.kill()
            await asyncio.sleep(0.1)
            server.start()
        # A hub that lost its connection in a commit does not know what is on disk: it stops, and its start looks.
        ended.add(hub.ended())
        hub.supervise("fatal")
        rig.programs["relay"].supervise()
        rig.programs["region-45"].supervise()
    return ended


def test_a_server_that_is_killed_during_commits_loses_nothing_that_was_answered(
    postgres_programs: Programs, tmp_path: Path
) -> None:
    async def main(rig: FaultRig, server: PostgresServer) -> set[int | None]:
        worker = asyncio.create_task(work(rig))
        ended = await torment(rig, server, worker)
        await worker
        return ended

    with (
        PostgresServer(postgres_programs) as server,
        FaultRig(tmp_path, regions=("45",), places=LedgerPlaces(server)) as rig,
    ):
        rig.start_all()
        ended = asyncio.run(main(rig, server))
        rig.programs["hub"].supervise("fatal")
        rig.settle()

        assert rig.check() == WAVES * NOTICES
        assert EXIT_CODES["fatal"] in ended
        assert len(rig.acknowledged) == WAVES * (NOTICES * 4 + len(correction(rig.world)))
