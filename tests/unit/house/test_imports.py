"""Imports point one way, the core is pure, and adapters do not know each other: the checks find what breaks it.

The tree itself is checked first. Then each rule is broken once in a copy, and the check has to name the chain: a rule
that nothing can break protects nothing.
"""

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

_PACKAGES = ("contracts", "ledger", "hub", "adapters")
_SCRIPTS = Path(sysconfig.get_path("scripts"))


def _lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [_SCRIPTS / "lint-imports", "--no-logo", "--no-cache", "--config", "pyproject.toml"],
        cwd=tree,
        env={"PYTHONPATH": str(tree), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def copy(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages and the settings of the tools, to break."""
    tree = tmp_path_factory.mktemp("tree")
    shutil.copy(project / "pyproject.toml", tree)
    for package in _PACKAGES:
        shutil.copytree(
            project / package,
            tree / package,
            ignore=lambda _folder, names: {name for name in names if "." in name[1:] and not name.endswith(".py")},
        )
    return tree


def test_the_tree_keeps_every_rule(copy: Path) -> None:
    run = _lint_imports(copy)

    assert run.returncode == 0, run.stdout + run.stderr
    assert ", 0 broken." in run.stdout


@pytest.mark.parametrize(
    ("module", "statement", "chain"),
    [
        ("contracts/broken.py", "import ledger.tree", "contracts.broken -> ledger.tree"),
        ("ledger/broken.py", "import hub.ports", "ledger.broken -> hub.ports"),
        ("hub/broken.py", "import adapters.settings", "hub.broken -> adapters.settings"),
        ("contracts/broken.py", "import time", "contracts.broken -> time"),
        ("contracts/broken.py", "from secrets import token_bytes", "contracts.broken -> secrets"),
        ("ledger/broken.py", "import asyncio", "ledger.broken -> asyncio"),
        ("ledger/broken.py", "from pathlib import Path", "ledger.broken -> pathlib"),
        ("hub/broken.py", "import random", "hub.broken -> random"),
        ("hub/broken.py", "from logging import getLogger", "hub.broken -> logging"),
        ("hub/broken.py", "import os.path", "hub.broken -> os"),
        ("hub/broken.py", "def late() -> None:\n    import socket", "hub.broken -> socket"),
        ("hub/broken.py", "import sqlite3", "hub.broken -> sqlite3"),
        ("hub/broken.py", "import grpc", "hub.broken -> grpc"),
        ("ledger/broken.py", "import nats", "ledger.broken -> nats"),
        ("contracts/broken.py", "import structlog", "contracts.broken -> structlog"),
        ("contracts/broken.py", "import chinese_calendar", "contracts.broken -> chinese_calendar"),
        ("hub/routing.py", "import hub.application", "hub.routing -> hub.application"),
        ("hub/replay.py", "import hub.application", "hub.replay -> hub.application"),
        ("adapters/broken.py", "import contracts.ids", "adapters.broken"),
        ("adapters/store/broken.py", "import adapters.keys", "adapters.store.broken -> adapters.keys"),
        ("adapters/logs.py", "import adapters.settings", "adapters.logs -> adapters.settings"),
        ("adapters/store/broken.py", "import avro", "adapters.store.broken -> avro"),
    ],
)
def test_an_import_against_a_rule_is_found(copy: Path, module: str, statement: str, chain: str) -> None:
    """Also inside a function, from a submodule of the standard library, and in a module that no rule names."""
    path = copy / module
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.write_text(f"{statement}\n", encoding="utf-8")
    try:
        run = _lint_imports(copy)
    finally:
        path.unlink() if before is None else path.write_text(before, encoding="utf-8")

    assert run.returncode == 1
    assert chain in run.stdout, run.stdout


@pytest.mark.parametrize(
    "statement",
    [
        "from datetime import datetime\n\nNOW = datetime.now()",
        "import datetime as d\n\nNOW = d.datetime.now(d.UTC)",
        "from datetime import date\n\nTODAY = date.today()",
        "import uuid\n\nNEW = uuid.uuid4()",
        'TEXT = open("x")',
    ],
)
@pytest.mark.parametrize("package", ["contracts", "ledger", "hub"])
def test_a_clock_or_a_file_in_the_core_is_found(project: Path, package: str, statement: str) -> None:
    """What the import alone does not show: `datetime` is a value in the core and a clock only by some of its names."""
    run = subprocess.run(
        [
            _SCRIPTS / "ruff",
            "check",
            "--no-cache",
            "--select",
            "TID251,PTH123",
            "--stdin-filename",
            f"{package}/x.py",
            "-",
        ],
        cwd=project,
        input=statement + "\n",
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 1, run.stdout + run.stderr
    assert "TID251" in run.stdout or "PTH123" in run.stdout
