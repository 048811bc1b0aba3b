"""`pprd witness`, `pprd ledger serve` and the hub's settings: the way that people go, in processes of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.compose.folder import DataFolder
from adapters.compose.publishing import witnesses_of
from contracts.errors import ContractError

pytestmark = pytest.mark.integration


def said(*arguments: object, code: int = 0) -> Any:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout.splitlines()[-1])


@contextmanager
def program(*arguments: object) -> Iterator[dict[str, Any]]:
    """A verb that serves, until the context ends; it has to end well."""
    command = [sys.executable, "-P", "-m", "adapters.cli.main", *map(str, arguments), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            assert line, process.stderr.read() if process.stderr else ""
            yield json.loads(line)
        finally:
            os.kill(process.pid, signal.SIGTERM)
            assert process.wait(20) == 0


@pytest.mark.sqlite_file
def test_a_hub_with_three_witnesses_as_processes(tmp_path: Path) -> None:
    made = said("init", "--data", tmp_path, "--origin", "pprd.example/verbs", "--sandbox", "--json")
    rows = []
    for name, algorithm in (("44-a", "ed25519"), ("45-b", "ml-dsa-44"), ("46-c", "ed25519")):
        folder = tmp_path / name
        keys = said(
            "witness", "init", "--data", folder, "--name", f"{name}.example", "--region", name[:2],
            "--algorithm", algorithm, "--json",
        )  # fmt: skip
        assert said("witness", "key", "--data", folder, "--json") == keys
        said("witness", "add-log", made["vkey"], "--data", folder, "--json")
        rows.append((name, keys["vkey"], folder))
    with (
        program("witness", "serve", "--data", rows[0][2]) as a,
        program("witness", "serve", "--data", rows[1][2]) as b,
        program("witness", "serve", "--data", rows[2][2]) as c,
    ):
        lines = [f"log {made['vkey']}"]
        for (name, vkey, _), one in zip(rows, (a, b, c), strict=True):
            lines.append(f"witness {name} {vkey} http://{one['address']}")
        policy = tmp_path / "hub.policy"
        policy.write_text("\n".join([*lines, "group g 3 44-a 45-b 46-c", "quorum g", ""]), encoding="utf-8")
        settings = DataFolder(tmp_path).hub_settings(witness_policy=policy, operator="00")
        DataFolder(tmp_path).write_hub(settings)
        with program("hub", "serve", "--data", tmp_path, "--publish", "127.0.0.1:0") as hub:
            note = ""
            for _ in range(400):
                note = said("checkpoint", "--data", tmp_path, "--json")["note"]
                if note.count("\u2014") == 4:
                    break
                time.sleep(0.05)
            assert note.count("\u2014") == 4
            audited = said("audit", f"http://{hub['published']}", "--vkey", made["vkey"], "--json")
            with program("ledger", "serve", tmp_path, "--policy", policy) as ledger:
                assert said("audit", ledger["address"], "--json")["root"] == audited["root"]

    assert audited["unexplained"] == 0
    kept = CliRunner().invoke(app, ["witness", "evidence", "--data", str(rows[0][2]), "--json"])
    assert (kept.exit_code, kept.stdout) == (0, "")


@pytest.mark.parametrize(
    ("operator", "fits"), [("00", True), ("44", False), (None, False), ("99", False)], ids=["00", "44", "none", "99"]
)
def test_the_hub_says_who_runs_it_before_it_asks_witnesses(tmp_path: Path, operator: str | None, fits: bool) -> None:
    """LEDGER 8: a province is no witness for a ledger it runs."""
    said("init", "--data", tmp_path, "--origin", "pprd.example/verbs", "--sandbox", "--json")
    keys = said("witness", "init", "--data", tmp_path / "w", "--name", "w.example", "--region", "44", "--json")
    policy = tmp_path / "hub.policy"
    policy.write_text(f"witness 44-a {keys['vkey']} http://127.0.0.1:1\nquorum 44-a\n", encoding="utf-8")

    def read() -> object:
        return witnesses_of(DataFolder(tmp_path).hub_settings(witness_policy=policy, operator=operator))

    if fits:
        assert read() is not None
    else:
        with pytest.raises(ContractError, match="SETTINGS_INVALID"):
            read()
