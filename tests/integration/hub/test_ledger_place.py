"""Where a ledger is, the folder says: one file or one pointer, which `pprd init` writes and which tells no password."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from adapters.cli.main import app
from adapters.compose.auditing import run_audit
from adapters.compose.hub_program import create_ledger, opened_hub
from adapters.compose.ledger_place import known_place, ledger_place
from adapters.settings import HubSettings
from adapters.store.opening import LEDGER_FILE, LEDGER_POINTER
from adapters.store.pointer import Pointer, read_pointer, write_pointer
from contracts.errors import ConflictError, ContractError, UnavailableError
from tests.support.fault_rig import ROOT, Program
from tests.support.ledger_places import LedgerPlaces
from tests.support.postgres_server import PostgresServer, Programs

pytestmark = pytest.mark.sqlite_file

SECRET = "hunter2"


def settings_of(folder: Path, **more: Any) -> HubSettings:
    return HubSettings.load(
        None, data_dir=folder / "hub", listen="127.0.0.1:0", origin="pprd.example/place", sandbox=True, **more
    )


def test_a_place_is_found_by_the_folder_the_hubs_folder_and_itself(tmp_path: Path) -> None:
    create_ledger(settings_of(tmp_path))
    place = tmp_path / "hub" / LEDGER_FILE

    assert ledger_place(str(tmp_path)) == ledger_place(str(tmp_path / "hub")) == ledger_place(str(place)) == place
    assert ledger_place(str(tmp_path / "hub" / "keys")) is None


def test_a_folder_with_two_places_is_refused_whatever_is_asked_of_it(tmp_path: Path) -> None:
    create_ledger(settings_of(tmp_path))
    write_pointer(tmp_path / "hub" / LEDGER_POINTER, Pointer("service=pprd"))

    with pytest.raises(ConflictError, match="STORE_AMBIGUOUS") as refused:
        known_place(tmp_path)
    with pytest.raises(ConflictError, match="STORE_AMBIGUOUS"), opened_hub(settings_of(tmp_path)):
        pass
    audited = CliRunner().invoke(app, ["audit", str(tmp_path), "--json"])
    assert json.loads(audited.stdout)["error"]["code"] == "STORE_AMBIGUOUS"
    assert LEDGER_FILE in refused.value.message
    assert LEDGER_POINTER in refused.value.message


@pytest.mark.parametrize(
    "store",
    [
        f"host=db user=pprd password={SECRET}",
        f"host=db PASSWORD = '{SECRET}'",
        f"host=db sslpassword={SECRET}",
        f"postgresql://pprd:{SECRET}@db/pprd",
        f"postgresql://db/pprd?password={SECRET}",
        f"postgresql://db/pprd?p%61ssword={SECRET}",
    ],
)
def test_a_password_is_refused_before_anything_is_written(tmp_path: Path, store: str) -> None:
    words = ["init", "--data", str(tmp_path), "--origin", "pprd.example/place", "--sandbox", "--store", store]

    said = CliRunner().invoke(app, [*words, "--json"])
    shown = CliRunner().invoke(app, words)

    told = json.loads(said.stdout)["error"]
    assert told["code"] == "SETTINGS_INVALID"
    assert "service file" in told["detail"]
    assert "PGPASSFILE" in told["detail"]
    assert SECRET not in said.output + shown.output
    assert [path.name for path in tmp_path.rglob("*") if path.is_file() and path.name != "lock"] == []


def test_the_name_of_a_service_is_no_password() -> None:
    assert Pointer("service=pprd passfile=/etc/pprd/pgpass").schema == "pprd"


@pytest.mark.parametrize("schema", ["", "Pprd", "a-b", "1st", "pg_ledger", 'x"; drop schema public; --', "a" * 49])
def test_a_schema_is_a_plain_name(tmp_path: Path, schema: str) -> None:
    with pytest.raises(ContractError, match="SETTINGS_INVALID"):
        create_ledger(settings_of(tmp_path, store="service=pprd", store_schema=schema))

    assert not (tmp_path / "hub" / LEDGER_POINTER).exists()


def init(folder: Path, *more: str) -> Result:
    """`pprd init` in a folder."""
    words = ["init", "--data", str(folder), "--origin", "pprd.example/place", "--sandbox", "--json"]
    return CliRunner().invoke(app, [*words, *more])


def store_words(settings: Mapping[str, str]) -> list[str]:
    return [word for name, value in settings.items() for word in (f"--{name.replace('_', '-')}", value)]


@pytest.mark.integration
def test_what_init_made_is_found_by_every_program_from_the_folder_alone(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    """The programs are processes of their own, and are told the folder and nothing else."""
    made = init(tmp_path, *store_words(LedgerPlaces(postgres_server).settings()))
    assert made.exit_code == 0, made.output
    vkey = json.loads(made.stdout)["vkey"]

    hub = Program(("hub", "serve", "--data", str(tmp_path), "--json"), tmp_path / "hub.log")
    hub.start()
    try:
        address = ready(tmp_path / "hub.out")
        running = run_pprd("audit", address, "--vkey", vkey)
        busy = run_pprd("ledger", "repair", "--data", str(tmp_path))
    finally:
        hub.stop()
    read = [
        run_pprd(*words)
        for words in (
            ("audit", str(tmp_path), "--vkey", vkey),
            ("ledger", "fsck", "--data", str(tmp_path)),
            ("projections", "rebuild", "--data", str(tmp_path)),
            ("ledger", "export", "--data", str(tmp_path), "--out", str(tmp_path / "export")),
            ("backup", "--data", str(tmp_path), "--out", str(tmp_path / "backup")),
            ("audit", str(tmp_path / "export"), "--vkey", vkey),
            ("audit", str(tmp_path / "backup"), "--vkey", vkey),
        )
    ]

    assert known_place(tmp_path).name == LEDGER_POINTER
    assert running["unexplained"] == 0
    assert busy["error"]["code"] == "FOLDER_IN_USE"
    assert not any("error" in said for said in read)
    assert {said["size"] for said in (running, read[0], read[-2], read[-1])} == {running["size"]}


def ready(said: Path) -> str:
    """Where a program listens, as its first line says."""
    deadline = time.monotonic() + 30
    while "\n" not in said.read_text(encoding="utf-8"):
        assert time.monotonic() < deadline, "it never was ready"
        time.sleep(0.02)
    return str(json.loads(said.read_text(encoding="utf-8").splitlines()[0])["address"])


def run_pprd(*words: str) -> Any:
    """What a program says as JSON."""
    command = [sys.executable, "-P", "-m", "adapters.cli.main", *words, "--json"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE)
    return json.loads(done.stdout.splitlines()[0])


def test_the_pointer_is_its_owners_alone_and_says_what_init_was_told(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    said = LedgerPlaces(postgres_server).settings()

    assert init(tmp_path, *store_words(said)).exit_code == 0

    place = tmp_path / "hub" / LEDGER_POINTER
    assert read_pointer(place) == Pointer(said["store"], said["store_schema"])
    assert place.stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "hub" / LEDGER_FILE).exists()
    assert "store" not in (tmp_path / "hub.toml").read_text(encoding="utf-8")
    with opened_hub(settings_of(tmp_path, **said)) as application:
        assert application.reader.size() > 0


def test_a_schema_that_holds_a_ledger_gets_no_second_one(postgres_server: PostgresServer, tmp_path: Path) -> None:
    words = store_words(LedgerPlaces(postgres_server).settings())
    assert init(tmp_path / "one", *words).exit_code == 0

    again = json.loads(init(tmp_path / "two", *words).stdout)

    assert again["error"]["code"] == "LEDGER_EXISTS"
    assert [path.name for path in (tmp_path / "two").rglob("*") if path.is_file()] == ["lock"]
    assert run_audit(str(tmp_path / "one")).problem is None


def test_where_the_database_cannot_be_reached_nothing_is_left(tmp_path: Path) -> None:
    refused = json.loads(init(tmp_path, "--store", f"host={tmp_path} dbname=pprd").stdout)

    assert refused["error"]["code"] == "STORE_MISSING"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["lock"]


def test_a_hub_whose_database_is_away_says_so_and_goes_on_when_it_is_back(
    postgres_programs: Programs, tmp_path: Path
) -> None:
    with PostgresServer(postgres_programs) as server:
        assert init(tmp_path, *store_words(LedgerPlaces(server).settings())).exit_code == 0
        server.stop()
        for words in (["audit", str(tmp_path)], ["ledger", "fsck", "--data", str(tmp_path)]):
            said = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
            assert said["error"]["code"] == "STORE_MISSING" or said["error"]["code"] == "STORE_BUSY"
        server.start()

        assert run_audit(str(tmp_path)).problem is None


def test_a_second_ledger_is_not_made_beside_the_first(tmp_path: Path) -> None:
    create_ledger(settings_of(tmp_path))
    before = (tmp_path / "hub" / LEDGER_FILE).read_bytes()

    for more in ({}, {"store": "service=pprd"}):
        with pytest.raises(ConflictError, match="LEDGER_EXISTS"):
            create_ledger(settings_of(tmp_path, **more))

    assert known_place(tmp_path).name == LEDGER_FILE
    assert (tmp_path / "hub" / LEDGER_FILE).read_bytes() == before


def test_where_the_keys_of_another_ledger_are_none_is_left(tmp_path: Path) -> None:
    create_ledger(settings_of(tmp_path))
    (tmp_path / "hub" / LEDGER_FILE).unlink()

    with pytest.raises(ConflictError, match="KEY_EXISTS"):
        create_ledger(settings_of(tmp_path))

    with pytest.raises(UnavailableError, match="STORE_MISSING"):
        known_place(tmp_path)


def test_a_hub_whose_settings_say_another_place_than_its_folder_does_not_start(tmp_path: Path) -> None:
    create_ledger(settings_of(tmp_path))

    with (
        pytest.raises(ContractError, match="SETTINGS_INVALID") as refused,
        opened_hub(settings_of(tmp_path, store="service=pprd")),
    ):
        pass

    assert refused.value.field == "store"


def test_the_place_does_not_stand_in_the_settings_file(tmp_path: Path) -> None:
    """The folder says where its ledger is, and nothing says it twice."""
    words = ["init", "--data", str(tmp_path), "--origin", "pprd.example/place", "--sandbox"]

    assert CliRunner().invoke(app, words).exit_code == 0

    assert "store" not in (tmp_path / "hub.toml").read_text(encoding="utf-8")
