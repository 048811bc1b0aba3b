"""A rebuild and a run that was killed anywhere give the rows that an undisturbed run gives (STYLE, projections)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.compose.projecting import REBUILD_FILE, projections_file, rebuild
from adapters.compose.projecting import digests as kept_digests
from adapters.store.opening import open_store
from contracts.errors import ConflictError
from contracts.instant import DAY_MS
from hub.projections.projector import RowChanges
from hub.submission import Outcome
from tests.support.batches import Made
from tests.support.kept_ledger import KeptLedger, make_ledger
from tests.support.matters import correction, notification, permit, residence
from tests.support.projections import digests, follow, open_projections
from tests.support.world import World

KILLED = """
import os, signal, sys
from pathlib import Path
import adapters.store.projection_store as store_
from adapters.store.projection_store import ProjectionStore
from adapters.store.projection_follower import ProjectionFollower, form_of_projections
from adapters.store.opening import open_store
from adapters.compose.parts import contracts_in_force

ledger, rows, step, page = sys.argv[1:]
left = [int(step)]
def die():
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
class Dying(ProjectionStore):
    def _write(self, before, changes, after):
        die()
        super()._write(before, changes, after)
        die()
    def _remember(self, changes):
        die()
        super()._remember(changes)
with Dying(Path(rows), form=form_of_projections()) as store:
    follower = ProjectionFollower(
        reader=open_store(Path(ledger), read_only=True), store=store, rules=contracts_in_force(is_sandbox=True),
        page=int(page),
    )
    while follower.turn():
        pass
"""
"""Follows a ledger and dies by SIGKILL at a step: before the rows, after the rows, after the transaction."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> KeptLedger:
    return make_ledger(tmp_path_factory.mktemp("kept") / "data")


@pytest.fixture(scope="module")
def undisturbed(kept: KeptLedger, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    path = tmp_path_factory.mktemp("rows") / "projections.sqlite"
    with closing(open_store(kept.file, read_only=True)) as ledger, open_projections(path) as store:
        return digests(follow(ledger, store, kept.world.rules))


@pytest.mark.sqlite_file
def test_killed_at_every_step_it_goes_on_where_it_was(
    kept: KeptLedger, undisturbed: dict[str, str], tmp_path: Path, project: Path
) -> None:
    """Each start dies one step later than the one before; what is saved counts once, what is not is derived again."""
    rows, codes = tmp_path / "projections.sqlite", []
    for step in range(1, 12):
        command = [sys.executable, "-c", KILLED, str(kept.file), str(rows), str(step), "41"]
        codes.append(
            subprocess.run(command, cwd=project, env={**os.environ, "PYTHONPATH": "."}, check=False).returncode
        )
        if codes[-1] == 0:
            break

    assert codes[0] == -signal.SIGKILL
    assert codes.count(-signal.SIGKILL) >= 4
    with closing(open_store(kept.file, read_only=True)) as ledger, open_projections(rows) as store:
        assert digests(follow(ledger, store, kept.world.rules)) == undisturbed


def test_a_page_is_saved_on_the_place_that_it_came_from_or_not_at_all(kept: KeptLedger, tmp_path: Path) -> None:
    with closing(open_store(kept.file, read_only=True)) as ledger, open_projections(tmp_path / "x.sqlite") as store:
        before = store.place()
        follow(ledger, store, kept.world.rules)
        found = digests(store)

        with pytest.raises(ConflictError) as caught:
            store.save(before, RowChanges(), before)

        assert caught.value.code == "PROJECTIONS_MOVED"
        assert digests(store) == found


def test_a_rebuild_that_was_stopped_goes_on_and_then_takes_the_place(
    kept: KeptLedger, undisturbed: dict[str, str]
) -> None:
    target = projections_file(kept.folder)
    with closing(open_store(kept.file, read_only=True)) as ledger:
        with open_projections(target.with_name(REBUILD_FILE)) as store:
            from adapters.store.projection_follower import ProjectionFollower

            ProjectionFollower(reader=ledger, store=store, rules=kept.world.rules, page=100).turn()
        told: list[int] = []
        found = rebuild(kept.folder, progress=lambda done, size: told.append(done))

    assert {one.name: one.digest.hex() for one in found} == undisturbed
    assert kept_digests(kept.folder) == found
    assert not target.with_name(REBUILD_FILE).exists()
    again = rebuild(kept.folder)
    assert again == found


def test_the_verbs_tell_the_same(kept: KeptLedger, undisturbed: dict[str, str]) -> None:
    run = CliRunner()
    assert run.invoke(app, ["projections", "rebuild", "--data", str(kept.folder)]).exit_code == 0

    told = run.invoke(app, ["projections", "digest", "--data", str(kept.folder)])
    office = kept.world.office("45", "COUNTY_PSB_HOUSEHOLD").office
    listed = run.invoke(app, ["worklist", "--data", str(kept.folder), "--office", office, "--json"])
    counted = run.invoke(app, ["projections", "indicators", "--data", str(kept.folder), "--office", office, "--json"])

    assert told.exit_code == 0
    assert all(digest in told.output for digest in undisturbed.values())
    assert '"rule": "R-ACK-1"' in listed.output
    assert '"indicator": "duties_missed"' in counted.output


@pytest.mark.parametrize("seed", range(6))
def test_kept_step_by_step_or_rebuilt_the_rows_are_the_same(tmp_path: Path, seed: int) -> None:
    """Random matters, random order, time that passes, pages of random size, restarts anywhere."""
    draw = random.Random(seed)
    world = World(seed=f"history {seed}")
    with closing(open_store(tmp_path / "ledger.sqlite")) as ledger:
        application = world.found(ledger)
        rows = tmp_path / "kept.sqlite"
        for _ in range(6):
            makers = [
                lambda: notification(world, *draw.sample(["43", "44", "45"], 2)),
                lambda: correction(world, *draw.sample(["43", "44", "45"], 2)),
                lambda: permit(world, draw.choice(["43", "44"])),
                lambda: residence(world, draw.choice(["43", "44"])),
            ]
            matters: list[list[Made]] = [draw.choice(makers)() for _ in range(4)]
            for events in matters:
                for made in events[: draw.randint(1, len(events))]:
                    (answer,) = application.submit([world.batches[made.region].batch([made])])
                    assert answer.results[0].outcome is Outcome.ACCEPTED, answer
            world.clock.advance(draw.randint(0, 20) * DAY_MS)
            application.run_timers()
            with open_projections(rows) as store:
                follow(ledger, store, world.rules, page=draw.randint(1, 50))
        with open_projections(rows) as store, open_projections(tmp_path / "rebuilt.sqlite") as rebuilt:
            follow(ledger, rebuilt, world.rules)

            assert rebuilt.place() == store.place()
            assert digests(rebuilt) == digests(store)
            assert store.indicators() != []
