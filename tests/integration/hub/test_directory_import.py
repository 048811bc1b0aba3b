"""Divisions and offices come from CSV: all of a file, or every mistake at once and nothing recorded."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.compose.directory_changes import record_all
from adapters.compose.directory_import import DIVISION_COLUMNS, OFFICE_COLUMNS
from adapters.compose.folder import DataFolder
from adapters.compose.hub_program import create_ledger, opened_hub
from adapters.settings import DEPLOY, HubSettings
from bench.offices import directory_drafts, made_offices
from contracts.ids import TreeSize

RUNNER = CliRunner()
KEY = "07" * 32
GOOD_DIVISIONS = (
    "1,MERGED,2026-03-01,440103000000;440104000000,440104000000,3,越秀区,440100000000,\n"
    "2,SPLIT,2026-04-01,440105000000,440190000000,3,测试区,440100000000,false\n"
    "2,,,,440191000000,3,样例区,440100000000,false\n"
    "3,ABOLISHED,2026-05-01,440191000000,,,,,\n"
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = DataFolder(tmp_path / "data")
    settings = HubSettings.load(DEPLOY / "hub.toml", data_dir=folder.hub)
    create_ledger(settings)
    folder.write_hub(settings)
    with opened_hub(settings) as application:
        record_all(application, directory_drafts(40))
    return folder.root


def size(data: Path) -> TreeSize:
    store = DataFolder(data).ledger()
    try:
        return store.size()
    finally:
        store.close()


def write(path: Path, columns: tuple[str, ...], rows: str) -> Path:
    path.write_text(",".join(columns) + "\n" + rows, encoding="utf-8")
    return path


def run(*words: str | Path) -> tuple[int, str]:
    done = RUNNER.invoke(app, [str(word) for word in words])
    return done.exit_code, done.output


def test_a_file_of_changes_is_recorded_whole_and_its_history_can_be_read(data: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "d.csv", DIVISION_COLUMNS, GOOD_DIVISIONS)

    code, told = run("directory", "import-divisions", file, "--data", data)
    _, merged = run("directory", "division", "440103000000", "--on", "2026-03-01", "--data", data, "--json")
    _, split = run("directory", "division", "440105000000", "--on", "2026-05-01", "--data", data, "--json")

    assert (code, told.strip()) == (0, "3 changes of divisions recorded")
    found = json.loads(merged)
    assert found["stands_for_it"] == ["440104000000"]
    assert found["versions"][0]["valid_to"] == "2026-02-28"
    assert json.loads(split)["stands_for_it"] == ["440190000000"]


def test_every_mistake_of_a_file_of_divisions_is_told_with_its_line_and_nothing_is_recorded(
    data: Path, tmp_path: Path
) -> None:
    before = size(data)
    wrong = (
        "1,RENAMED,2026-03-01,440103000000,440103000000,3,新测试区,440100000000,\n"
        "2,MERGED,2026-03-01,440104000000,440190000000,3,测试区,440100000000,\n"
        "3,CREATED,2026-03-01,,440192000000,seven,测试区,440100000000,\n"
        "4,ABOLISHED,2026-13-01,440105000000,,,,,\n"
        "5,ABOLISHED,2026-03-01,449999000000,,,,,\n"
        "6,CREATED,2026-03-01,,440193000000,3,Somebody Wang,440100000000,\n"
        "7,CREATED,2026-03-01\n"
    )

    code, told = run(
        "directory", "import-divisions", write(tmp_path / "d.csv", DIVISION_COLUMNS, wrong), "--data", data
    )

    assert code == 3
    assert [f"d.csv:{line}:" in told for line in range(2, 9)] == [False, *[True] * 6]
    assert size(data) == before
    assert "seven" not in told
    assert "Wang" not in told


def test_offices_are_registered_from_a_file_found_by_place_and_shown(data: Path, tmp_path: Path) -> None:
    rows = f"o00000077,44,JUDICIAL_OFFICE,44-440106,440106001000,{KEY},11440106PPRD00017T\n"
    code, _ = run("offices", "import", write(tmp_path / "o.csv", OFFICE_COLUMNS, rows), "--data", data)
    _, served = run("offices", "serving", "JUDICIAL_OFFICE", "440106001000", "--data", data, "--json")
    _, shown = run("offices", "show", "o00000077", "--data", data, "--json")
    _, passing = run("offices", "handover", "--office", "o00000077", "--data", data, "--json")

    assert code == 0
    assert json.loads(served)["office"] == json.loads(shown)["office"] == "o00000077"
    assert json.loads(passing) == {"office": "o00000077", "closed_at": None, "successor": None, "matters": []}


def test_an_office_changes_its_area_and_key_and_loses_a_key_by_verbs(data: Path) -> None:
    office = next(one for one in made_offices(40) if one.office_type.value == "POLICE_STATION").office
    _, before = run("offices", "show", office, "--data", data, "--json")
    region = json.loads(before)["region"]
    changed, _ = run("offices", "change", office, "--areas", f"{region}0000000000", "--public-key", KEY, "--data", data)
    _, after = run("offices", "show", office, "--data", data, "--json")
    new = json.loads(after)
    revoked, _ = run("offices", "revoke-key", office, "--key-id", new["key_id"], "--reason", "LOST", "--data", data)
    _, last = run("offices", "show", office, "--data", data, "--json")
    wrong, told = run("offices", "change", office, "--public-key", "no key", "--data", data)

    assert (changed, revoked, wrong) == (0, 0, 3)
    assert new["areas"] == [f"{region}0000000000"]
    assert new["key_id"] != json.loads(before)["key_id"]
    assert json.loads(last)["key_used_until"] is None
    assert "no key" not in told


def test_every_mistake_of_a_file_of_offices_is_told_and_nothing_is_recorded(data: Path, tmp_path: Path) -> None:
    before = size(data)
    known = next(iter(made_offices(1))).office
    rows = (
        f"o00000077,44,JUDICIAL_OFFICE,44-440106,440106001000,{KEY},11440106PPRD00017T\n"
        f"o00000078,44,JUDICIAL_OFFICE,44-440106,440106001000,{KEY},11440106PPRD00017T\n"
        f"{known},44,COURT,44-440106,440106000000,{'08' * 32},11440106PPRD00017T\n"
        "o00000079,44,MARKET,44-440106,440106000000,,\n"
        "o00000080,44,COURT,44-440106,440106000000,zz,\n"
        f"o00000081,44,COURT,44-440106,469000000000,{'09' * 32},11440106PPRD00017T\n"
    )

    code, told = run("offices", "import", write(tmp_path / "o.csv", OFFICE_COLUMNS, rows), "--data", data)

    assert code == 3
    assert [f"o.csv:{line}:" in told for line in range(2, 8)] == [False, *[True] * 5]
    assert size(data) == before


@pytest.mark.parametrize(
    "words",
    [
        ("directory", "division", "449999000000"),
        ("offices", "show", "o00000099"),
        ("offices", "serving", "COURT", "449999000000"),
        ("offices", "handover", "--office", "o00000099"),
        ("offices", "serving", "COURT", "440106000000", "--on", "yesterday"),
    ],
)
def test_what_is_not_there_is_told_with_a_code(data: Path, words: tuple[str, ...]) -> None:
    code, told = run(*words, "--data", data)

    assert code == 3
    assert "What to do" in told
