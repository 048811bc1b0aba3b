"""Each durable step is lost once and kept-but-unreported once: the process dies right before it and right after it."""

import asyncio
from pathlib import Path

import pytest

from tests.support.fault_rig import FaultRig
from tests.support.ledger_places import LedgerPlaces
from tests.support.matters import correction, notification

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]


NOTIFICATIONS = 5 * 2 + 11
"""What `submit_some` delivers: both sides of five notices, and a case transfer."""


async def submit_some(rig: FaultRig) -> None:
    await rig.submit([notification(rig.world, "44", "45") for _ in range(5)])
    await rig.submit([correction(rig.world)])


@pytest.mark.parametrize(
    ("places", "step"),
    [("sqlite", "before:hub-commit:2"), ("sqlite", "after:hub-commit:2"), ("postgres", "after:hub-commit:2")],
    indirect=["places"],
)
def test_a_hub_that_dies_around_its_commit_answers_the_repeat(tmp_path: Path, places: LedgerPlaces, step: str) -> None:
    """Before the commit nothing is recorded; after it the producer never heard, and gets the original receipt."""

    async def main(rig: FaultRig) -> None:
        worker = asyncio.create_task(submit_some(rig))
        await asyncio.to_thread(rig.programs["hub"].wait_until_dead)
        assert not worker.done()
        rig.start_all()
        await worker

    with FaultRig(tmp_path, places=places) as rig:
        rig.programs["hub"].start(die=step)
        asyncio.run(main(rig))
        rig.settle()

        assert rig.check() == NOTIFICATIONS
        assert len(rig.acknowledged) == 5 * 4 + len(correction(rig.world))


@pytest.mark.parametrize(
    ("victim", "step"),
    [
        ("relay", "after:relay-publish:2"),
        # The first time is the look at the streams, the second one moves the place.
        ("relay", "before:relay-save:2"),
        ("relay", "after:relay-save:2"),
        ("relay", "before:relay-receipt"),
        ("region-45", "before:inbox-store"),
        ("region-45", "after:inbox-store"),
        ("region-45", "after:inbox-acknowledge"),
    ],
)
def test_a_relay_or_an_inbox_that_dies_around_a_step_goes_on_where_it_was(
    tmp_path: Path, victim: str, step: str
) -> None:
    """Published and not acknowledged, acknowledged and not remembered, stored and not acknowledged, ..."""
    with FaultRig(tmp_path, regions=("45",)) as rig:
        rig.programs["hub"].start()
        asyncio.run(submit_some(rig))
        for name, program in rig.programs.items():
            if name != "hub":
                program.start(die=step if name == victim else None)
        rig.programs[victim].wait_until_dead()
        asyncio.run(submit_some(rig))
        rig.settle()

        assert rig.check() == 2 * 5
