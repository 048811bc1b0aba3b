"""The threat model is whole, and each control that it names is shown by a test that exists."""

from __future__ import annotations

import ast
from functools import cache
from itertools import product
from pathlib import Path

import pytest

Rows = list[tuple[str, ...]]


def table(project: Path, title: str) -> Rows:
    """The rows of the table under a heading, without its head."""
    text = (project / "docs" / "threat-model.md").read_text(encoding="utf-8")
    part = text.split(f"\n## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines[2:]]


@cache
def named_tests(path: Path) -> frozenset[str]:
    """Names of the test functions of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in tree.body if isinstance(node, kinds) and node.name.startswith("test_"))


def test_every_attacker_and_asset_has_a_control_or_a_residual_risk(project: Path) -> None:
    attackers = [row[0] for row in table(project, "Attackers")]
    assets = [row[0] for row in table(project, "Assets")]
    told = {row[:2] for title in ("Controls", "Residual risks") for row in table(project, title)}

    assert len(attackers) == 5
    assert len(assets) == 6
    assert set(product(attackers, assets)) - told == set()
    assert told - set(product(attackers, assets)) == set()


def missing(project: Path, rows: Rows) -> list[str]:
    """The tests of rows that do not exist."""
    found = []
    for *_, name in rows:
        file, _, test = name.partition("::")
        path = project / file
        if not path.is_file() or test not in named_tests(path):
            found.append(name)
    return found


def test_every_test_that_is_named_exists(project: Path) -> None:
    rows = table(project, "Controls")

    assert len(rows) > 30
    assert missing(project, rows) == []


@pytest.mark.parametrize(
    "name", ["tests/unit/house/test_threat_model.py::test_nothing", "tests/unit/house/test_absent.py::test_a"]
)
def test_a_test_that_does_not_exist_is_noticed(project: Path, name: str) -> None:
    assert missing(project, [("network", "keys", "a wish", name)]) == [name]
