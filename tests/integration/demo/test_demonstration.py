"""One small demonstration with every process: it ends by itself, is clean, and leaves a folder that verbs read."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from adapters.compose.dues import Asked, list_due, list_overdue
from adapters.compose.foreign_auditing import policy_of
from adapters.compose.packing import check_page
from adapters.compose.projecting import digests, projections_file, reading, rebuild
from adapters.demo.mix import KINDS
from contracts.ids import REGIONS
from contracts.procedure import load_procedures

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400), pytest.mark.sqlite_file]

_MATTERS = 200
_MONTH_AHEAD_DAYS = 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it is played."""
    return tmp_path_factory.mktemp("demonstration")


@pytest.fixture(scope="module")
def told(folder: Path) -> Mapping[str, Any]:
    """What the demonstration says about itself."""
    words = ["demo", "--data", str(folder), "--matters", str(_MATTERS), "--seed", "3", "--json"]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "adapters.cli.main", *words],
        capture_output=True,
        text=True,
        timeout=360,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


def test_the_audit_is_clean_and_every_procedure_was_played(told: Mapping[str, Any]) -> None:
    """Exit 0 says that nothing is unexplained; the mistakes made on purpose were all refused."""
    played = {procedure for procedure, count in told["matters"].items() if count}
    known = {p.id for p in load_procedures().values() if p.event_class in ("std", "cas", "rgt")}

    assert told["audit"]["problem"] is None
    assert known <= played
    assert sum(told["matters"].values()) >= _MATTERS
    assert told["refused"].keys() >= {"DIVISION_UNKNOWN", "MANDATE_MISSING", "POSITION_CONFLICT"}


def test_it_leaves_an_event_that_checks_itself(told: Mapping[str, Any], folder: Path) -> None:
    """The evidence pack is where the demonstration says, and holds under the ledger's key."""
    proved = check_page(Path(told["pack"]).read_bytes(), policy_of(told["audit"]["vkey"], None))

    assert Path(told["pack"]).parent == folder
    assert proved.header.sealed
    assert proved.heads[-1].checkpoint.size == told["audit"]["size"]


def test_every_step_of_every_story_was_taken(told: Mapping[str, Any]) -> None:
    """What a story tells of is in the ledger, what follows from what time did too."""
    wanted = {step.event for kind in KINDS for story in kind.stories for step in story.steps}

    assert wanted - told["events"].keys() == set()
    assert told["time"]["ResidencePermitSuspended"] >= told["events"]["ResidencePermitReinstated"] >= 1


def test_what_was_delivered_was_opened_and_missed_duties_are_recorded(told: Mapping[str, Any]) -> None:
    """A region that was down meanwhile lost nothing; a duty that nobody met is written down once."""
    assert told["delivered"]["52"] > 0
    assert sum(told["opened"].values()) > 0
    assert sum(told["missed"].values()) == told["events"]["DeadlineMissed"] > 0
    assert told["payloads"]["held"] + told["payloads"]["erased"] == told["payloads"]["sealed"] > 0
    assert {one["name"] for one in told["statistics"]} >= {"OD_MONTH", "MOVE_MONTH", "PERMIT_MONTH", "DUTY_MONTH"}


def test_overdue_duties_and_those_to_come_are_told(told: Mapping[str, Any], folder: Path) -> None:
    """The verbs count the same as the closing report."""
    overdue = list_overdue(Asked(data=folder))

    assert len(overdue) == sum(one["open"] for one in told["overdue"])
    assert list_due(Asked(data=folder), _MONTH_AHEAD_DAYS)


def test_the_projections_hold_the_whole_ledger(told: Mapping[str, Any], folder: Path) -> None:
    """Work lists and indicators can be asked at once, and a rebuild finds the same."""
    kept = digests(folder)
    with reading(projections_file(folder)) as store:
        indicators = store.indicators()

    assert {one.position for one in kept} == {told["entries"]}
    assert indicators
    assert rebuild(folder) == kept


def test_every_region_left_its_files(told: Mapping[str, Any], folder: Path) -> None:
    """The verbs of regions find theirs."""
    assert told
    assert all((folder / "regions" / region / "region.sqlite").exists() for region in REGIONS)
