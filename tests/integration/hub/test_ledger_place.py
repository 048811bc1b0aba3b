"""Where a ledger is, the folder says: one file or one pointer, which `pprd init` writes and which tells no password."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.compose.hub_program import create_ledger, opened_hub
from adapters.compose.ledger_place import known_place, ledger_place
from adapters.settings import HubSettings
from adapters.store.opening import LEDGER_FILE, LEDGER_POINTER
from adapters.store.pointer import Pointer, write_pointer
from contracts.errors import ConflictError, ContractError, UnavailableError

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
