"""`pprd open`, `pprd approve`, `pprd openings`: one payload, its approval, and the list of who read what, and why."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.compose.folder import DataFolder
from adapters.keys.key_file import write_key
from tests.support.fault_rig import ROOT, FaultRig
from tests.support.matters import MatterMaker, notification
from tests.support.order_matters import rights_granted

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

OFFICER, APPROVER = str(UUID(int=1)), str(UUID(int=2))


def pprd(folder: Path, *words: str) -> tuple[int, list[dict[str, object]], str]:
    """Run a command for region 45; gives its exit code, its lines as JSON, and what it said of errors."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "adapters.cli.main", *words, "--data", str(folder), "--region", "45", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return done.returncode, lines, done.stdout + done.stderr


@pytest.mark.sqlite_file
def test_an_officer_opens_with_a_role_and_the_region_lists_it(tmp_path: Path) -> None:
    with FaultRig(tmp_path, regions=("45",)) as rig:
        office = rig.world.office("45", "COUNTY_PSB_HOUSEHOLD")
        write_key(tmp_path / "regions" / "45" / "keys" / f"office-{office.office}.key", office.private)
        rig.programs["hub"].start()
        made = notification(rig.world, "44", "45")
        asyncio.run(rig.submit([made[:2]]))
        event_id = str(UUID(bytes=made[1].header.event_id))
        there = ("--hub", DataFolder(tmp_path).hub_settings().listen)
        asked = ("open", event_id, *there, "--office", office.office, "--profile", "NP-RES", "--reason", "核对户籍")

        received = pprd(tmp_path, "receive", *there)
        forbidden = pprd(tmp_path, *asked, "--role", "CASE_OFFICER")
        own = pprd(tmp_path, *asked, "--role", "REGISTRAR", "--officer", OFFICER, "--approver", OFFICER)
        opened = pprd(tmp_path, *asked, "--role", "REGISTRAR", "--officer", OFFICER, "--approver", APPROVER)
        nothing = pprd(tmp_path, "approve", event_id, "--approver", APPROVER)
        listed = pprd(tmp_path, "openings", "--office", office.office)

        assert received[0] == 0, received[2]
        assert forbidden[0] != 0
        assert "OPEN_ROLE" in forbidden[2]
        assert "OPEN_APPROVAL_MISSING" in own[2]
        assert opened[0] == 0, opened[2]
        assert opened[1][0]["profile"] == "NP-RES"
        assert "NOT_FOUND" in nothing[2]
        (row,) = listed[1]
        assert (row["office"], row["officer"], row["approver"]) == (office.office, OFFICER, APPROVER)
        assert (row["reason_text"], row["event_id"], row["index"]) == (
            "核对户籍",
            event_id,
            opened[1][0]["access_index"],
        )
        assert "content" not in row


def here(folder: Path, *words: str) -> tuple[int, list[dict[str, object]], str]:
    """As `pprd`, in this process: many commands of one story."""
    done = CliRunner().invoke(app, [*words, "--data", str(folder), "--region", "45", "--json"])
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return done.exit_code, lines, done.output


@pytest.mark.sqlite_file
def test_an_emergency_goes_through_the_command_line_from_the_question_to_the_person(tmp_path: Path) -> None:
    with FaultRig(tmp_path, regions=("45",)) as rig:
        world, official = rig.world, ("--official", OFFICER)
        asker, officer = world.office("45", "COUNTY_PSB_HOUSEHOLD"), world.office("45", "PI_OFFICER").office
        first, second = (world.office("45", kind).office for kind in ("TOWN_OFFICE", "COUNTY_CIVIL_AFFAIRS"))
        write_key(tmp_path / "regions" / "45" / "keys" / f"office-{asker.office}.key", asker.private)
        rig.programs["hub"].start()
        made = notification(world, "44", "45")
        asyncio.run(rig.submit([made]))
        event_id = str(UUID(bytes=made[1].header.event_id))
        there = ("--hub", DataFolder(tmp_path).hub_settings().listen)
        received = here(tmp_path, "receive", *there)
        asked = ("--office", asker.office, "--profile", "NP-RES")
        opening = ("open", event_id, *there, *asked, "--role", "REGISTRAR", "--reason", "救助")

        def emergency(verb: str, *words: str) -> tuple[int, list[dict[str, object]], str]:
            return here(tmp_path, "emergency", verb, *words, *there)

        no_task = here(tmp_path, *opening)
        to = ("--approver", first, "--approver", second, "--ground", "LIFE")
        begun = emergency("ask", event_id, *asked, *to, *official)
        matter = str(begun[1][0]["matter"])
        approved = [emergency("approve", matter, "--office", office, *official) for office in (first, second)]
        opened = here(tmp_path, *opening, "--emergency", matter)
        afterwards = [
            emergency("note", matter, "--office", officer, *official),
            emergency("end", matter, "--office", asker.office),
            emergency("told", matter, "--office", officer, *official),
        ]
        listed = here(tmp_path, "openings", "--office", asker.office)
        audited = CliRunner().invoke(app, ["audit", str(tmp_path), "--disclosure", "--json"])

        assert received[0] == 0, received[2]
        assert "OPEN_NO_TASK" in no_task[2]
        assert begun[0] == 0, begun[2]
        assert [done[0] for done in (*approved, opened, *afterwards)] == [0] * 6, (approved, opened, afterwards)
        assert [(row["reason"], row["event_id"]) for row in listed[1]] == [("EMERGENCY", event_id)]
        told = json.loads(audited.stdout)
        assert audited.exit_code == 0, audited.output
        assert told["openings_without_task"] == {"total": 1, "by": {"EMERGENCY": 1}}
        assert told["disclosure"]["openings_without_task"] == {"EMERGENCY": 1}
        assert told["disclosure"]["findings"] == []


@pytest.mark.sqlite_file
def test_a_copy_is_opened_and_added_to_the_account_under_the_request_of_the_person(tmp_path: Path) -> None:
    """DOMAIN 7.1: the county has acted on the notice long ago, and has to give the person a copy of it."""
    with FaultRig(tmp_path, regions=("45",)) as rig:
        world = rig.world
        office = world.office("45", "COUNTY_PSB_HOUSEHOLD")
        write_key(tmp_path / "regions" / "45" / "keys" / f"office-{office.office}.key", office.private)
        rig.programs["hub"].start()
        made, rights = notification(world, "44", "45"), MatterMaker(world, "RIGHTS_REQUEST")
        record, request = (str(UUID(bytes=stream_id)) for stream_id in (made[0].header.stream_id, rights.stream_id))
        asyncio.run(rig.submit([made]))
        asyncio.run(rig.submit([rights_granted(world, made[0].header.stream_id, rights)]))
        there = ("--hub", DataFolder(tmp_path).hub_settings().listen)
        reading = (*there, "--office", office.office, "--role", "REGISTRAR", "--reason", "提供副本")
        event_id = str(UUID(bytes=made[1].header.event_id))
        here(tmp_path, "receive", *there)

        no_task = here(tmp_path, "open", event_id, *reading, "--profile", "NP-RES")
        opened = here(tmp_path, "open", event_id, *reading, "--profile", "NP-RES", "--rights", request)
        account = here(tmp_path, "rights", "extract", record, *reading, "--request", request)
        audited = CliRunner().invoke(app, ["audit", str(tmp_path), "--disclosure", "--json"])

        assert "OPEN_NO_TASK" in no_task[2]
        assert opened[0] == account[0] == 0, (opened, account)
        told: Any = account[1][0]
        assert [given["profile"] for given in told["given"]] == ["NP-RES"]
        assert told["given"][0]["content"] == opened[1][0]["content"]
        assert [one["reason"] for one in told["contents"][0]["openings"]] == ["RIGHTS_REQUEST"] * 2
        found = json.loads(audited.stdout)
        assert found["openings_without_task"] == {"total": 2, "by": {"RIGHTS_REQUEST": 2}}
        assert found["disclosure"]["findings"] == []
