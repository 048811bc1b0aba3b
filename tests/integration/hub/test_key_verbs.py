"""`pprd keys`: a region with encrypted key files replaces a key in four steps, and every step says what is missing."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.compose.folder import DataFolder
from adapters.compose.hub_program import create_ledger
from adapters.settings import DEPLOY, HubSettings
from contracts.suite import HYBRID

pytestmark = pytest.mark.integration

RUNNER = CliRunner()
OFFICE = "oabcd1234"
PLAN = f"""
points = ["44-node"]
[[office]]
id = "{OFFICE}"
type = "COUNTY_PSB_HOUSEHOLD"
point = "44-node"
areas = ["440106000000"]
uscc = "11440106PPRD00017T"
"""


def run(*words: str | Path, code: int = 0) -> Any:
    done = RUNNER.invoke(app, [*(str(word) for word in words), "--json"])
    assert done.exit_code == code, done.output
    # What the hub tells while it runs for a moment stands before.
    found: dict[str, Any] = json.loads(done.output.splitlines()[-1])
    return found.get("error", found)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub and a registered region whose key files are encrypted."""
    for name, text in (("passphrase", "first passphrase"), ("second", "second passphrase"), ("plan.toml", PLAN)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    monkeypatch.setenv("PPRD_KEY_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    folder = DataFolder(tmp_path / "data")
    settings = HubSettings.load(DEPLOY / "hub.toml", data_dir=folder.hub)
    vkey = create_ledger(settings).vkey
    folder.write_hub(settings)
    where = ("--hub", "127.0.0.1:1", "--nats", "nats://127.0.0.1:1")
    words = (tmp_path / "plan.toml", "--region", "44", "--data", folder.root, "--vkey", vkey, *where)
    made = run("region", "init", *words, "--sandbox")
    run("directory", "apply", str(made["registration"]), "--data", folder.root)
    return folder.root


def rows(data: Path, code: int = 0) -> dict[tuple[str, str], str]:
    found = run("keys", "list", "--data", data, "--region", "44", code=code)["keys"]
    return {(row["role"], row["which"]): row["state"] for row in found}


def test_a_signing_key_and_an_office_key_are_replaced_in_four_steps(data: Path, tmp_path: Path) -> None:
    where = ("--data", data, "--region", "44")
    role = f"office-{OFFICE}"
    early = run("keys", "switch", "batch", *where, code=4)
    used: dict[str, Any] = {}
    for name, more in (("batch", ()), ("point-44-node", ()), (role, ("--suite", HYBRID))):
        made = run("keys", "rotate", name, *where, "--out", tmp_path / f"{name}.toml", *more)
        refused = run("keys", "switch", name, *where, code=3)
        run("directory", "apply", tmp_path / f"{name}.toml", "--data", data)
        used = run("keys", "switch", name, *where)
        assert refused["code"] == "KEY_UNKNOWN"
        assert (used["key_id"], used["is_encrypted"]) == (made["key_id"], True)
    state = rows(data)
    (old,) = (which for name, which in state if name == "batch" and which)
    revoked = run("keys", "revoke", old, "--reason", "REPLACED", "--data", data)
    office = run("keys", "revoke", str(used["key_id"]), "--reason", "LOST", "--data", data)
    nobody = run("keys", "revoke", "00" * 8, "--reason", "LOST", "--data", data, code=3)

    assert early["code"] == "KEY_MISSING"
    assert state["batch", ""] == state["batch", old] == state[role, ""] == "registered"
    for name in (role, "point-44-node"):
        assert [value for (held, which), value in state.items() if held == name and which] == ["replaced"]
    assert (revoked["event"], office["event"]) == ("KeyRevoked", "OfficeKeyRevoked")
    assert nobody["code"] == "KEY_UNKNOWN"
    assert RUNNER.invoke(app, ["audit", str(data)]).exit_code == 0


def test_without_the_right_passphrase_nothing_starts_and_the_passphrase_can_be_changed(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PPRD_KEY_PASSPHRASE_FILE")
    none = run("keys", "list", "--data", data, "--region", "44", code=3)
    monkeypatch.setenv("PPRD_KEY_PASSPHRASE_FILE", str(tmp_path / "second"))
    wrong = run("keys", "list", "--data", data, "--region", "44", code=3)
    hub = run("keys", "export-public", "--data", data, "--region", "44", "--out", tmp_path / "x.toml", code=3)
    monkeypatch.setenv("PPRD_KEY_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    change = ("keys", "change-passphrase", "44", "--passphrase-file", tmp_path / "second", "--data", data)
    first, again = run(*change), run(*change)
    monkeypatch.setenv("PPRD_KEY_PASSPHRASE_FILE", str(tmp_path / "second"))

    assert [none["code"], wrong["code"], hub["code"]] == ["KEY_LOCKED", "KEY_PASSPHRASE_WRONG", "KEY_PASSPHRASE_WRONG"]
    assert (first["written"], again["written"]) == (first["files"], 0)
    assert ("batch", "") in rows(data)


def test_the_public_halves_are_written_and_no_private_one(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "public.toml"
    run("keys", "export-public", "--data", data, "--region", "44", "--out", file)

    assert file.read_text().count("public_key = ") == 6
    assert "PRIVATE" not in file.read_text()
