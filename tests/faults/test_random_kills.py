"""Kill -9 of any process at any moment, the broker stopped or wiped: nothing acknowledged is lost, nothing comes twice.

The moments are drawn from a seed; what a moment meets is up to the machine, so every run is another one of many.
"""

import asyncio
import random
from pathlib import Path

import pytest

from tests.support.fault_rig import FaultRig
from tests.support.matters import correction, notification

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]


KILLS = 20
"""Kills of one test, at most: a slow machine must get on with the work at last."""


async def work(rig: FaultRig) -> None:
    """Notices between the regions and case transfers, one wave after the other."""
    for origin, destination in (("44", "45"), ("45", "43"), ("43", "44"), ("44", "43"), ("45", "44"), ("43", "45")):
        await rig.submit([notification(rig.world, destination, origin) for _ in range(10)])
        await rig.submit([correction(rig.world), correction(rig.world)])


async def torment(rig: FaultRig, rng: random.Random, worker: asyncio.Task[None]) -> list[str]:
    """Kill something, leave it dead for a while, start it again; until the work is done or enough was killed."""
    killed: list[str] = []
    while not worker.done() and len(killed) < KILLS:
        await asyncio.sleep(rng.uniform(0.05, 0.4))
        rig.start_all()
        victim = rng.choice([*rig.programs, "hub", "relay", "broker", "wiped broker"])
        killed.append(victim)
        if victim in rig.programs:
            rig.programs[victim].kill()
            await asyncio.sleep(rng.uniform(0, 0.2))
            rig.programs[victim].start()
        else:
            rig.broker.kill()
            if victim == "wiped broker":
                rig.broker.wipe()
            await asyncio.sleep(rng.uniform(0, 0.2))
            rig.broker.start()
    return killed


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_killed_whenever_everything_arrives_once_and_in_order(tmp_path: Path, seed: int) -> None:
    async def main(rig: FaultRig) -> list[str]:
        worker = asyncio.create_task(work(rig))
        killed = await torment(rig, random.Random(seed), worker)
        await worker
        return killed

    with FaultRig(tmp_path) as rig:
        rig.start_all()
        killed = asyncio.run(main(rig))
        rig.settle()

        assert len(killed) >= 5
        assert rig.check() > 200
        assert len(rig.acknowledged) > 300
