"""Codes and errors: stable, complete, in one table (STYLE, Errors)."""

import ast
import pickle
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest

from contracts.codes import CODES
from contracts.errors import (
    FAMILIES,
    ExchangeError,
    RuleError,
)
from contracts.guard import load_guards


def test_the_rows_are_sorted_and_stand_once() -> None:
    rows = [line.split(",")[0] for line in files("contracts").joinpath("codes.csv").read_text("utf-8").splitlines()[1:]]

    assert rows == sorted(set(rows))
    assert rows == list(CODES)


def test_every_family_has_an_error_class_and_a_code() -> None:
    assert {kind.family: kind for kind in FAMILIES.values()} == FAMILIES
    assert FAMILIES.keys() == {code.family for code in CODES.values()}


@pytest.mark.parametrize("name", list(CODES))
def test_every_code_says_what_went_wrong_and_what_to_do(name: str) -> None:
    code = CODES[name]

    assert name.replace("_", "").isalnum()
    assert name == name.upper()
    assert code.sentence.endswith(".")
    assert code.advice.endswith(".")


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        CODES["NEW"] = CODES["NOT_FOUND"]  # type: ignore[index]


@pytest.mark.parametrize("kind", FAMILIES.values())
def test_an_error_carries_code_message_field_and_rule(kind: type[ExchangeError]) -> None:
    error = kind("GUARD_FAILED", "stay is 3 months, rule needs 6", field="body.stay", rule="R-RES-1")

    assert (error.code, error.field, error.rule) == ("GUARD_FAILED", "body.stay", "R-RES-1")
    assert str(error) == "GUARD_FAILED: stay is 3 months, rule needs 6 (field=body.stay, rule=R-RES-1)"


def test_an_error_survives_the_way_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(RuleError("NOT_FOUND", "index 7", field="index")))

    assert isinstance(error, RuleError)
    assert (error.code, error.message, error.field, error.rule) == ("NOT_FOUND", "index 7", "index", None)


ROOT = Path(__file__).parents[3]
RAISED = re.compile(r'(?:Contract|Access|Rule|Conflict|Evidence|Unavailable|Fatal)Error\(\s*"([A-Z0-9_]+)"')


PACKAGES = ("contracts", "ledger", "hub", "adapters")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_code_that_is_raised_stands_in_the_table(package: str) -> None:
    raised = {code for file in (ROOT / package).rglob("*.py") for code in RAISED.findall(file.read_text("utf-8"))}

    assert raised <= CODES.keys()


def _families() -> dict[str, str]:
    """Family of every error class of ours, by its name: the seven, and those that derive from them."""
    # A finding of the audit carries the code of what it found, whatever family that has.
    known: dict[str, str] = {kind.__name__: kind.family for kind in FAMILIES.values()}
    bases = {
        node.name: [base.id for base in node.bases if isinstance(base, ast.Name)]
        for tree in _trees().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    bases.pop("KeptError")
    while grown := {
        name: known[base] for name, names in bases.items() for base in names if name not in known and base in known
    }:
        known |= grown
    return known


@cache
def _trees() -> dict[str, ast.Module]:
    """Source of the four packages, by path."""
    files_ = (file for package in PACKAGES for file in (ROOT / package).rglob("*.py") if "_generated" not in file.parts)
    return {str(file.relative_to(ROOT)): ast.parse(file.read_text("utf-8")) for file in files_}


def _raised(tree: ast.Module, families: dict[str, str]) -> Iterator[tuple[int, str, str]]:
    """Line, family and code of each error that is made with a code that stands in the source."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node.func) in families:
            yield from _codes(node, families[_called(node.func)])
        elif isinstance(node, ast.ClassDef) and node.name in families:
            inner = (call for call in ast.walk(node) if isinstance(call, ast.Call))
            for call in inner:
                if ast.unparse(call.func) == "super().__init__":
                    yield from _codes(call, families[node.name])


def _codes(call: ast.Call, family: str) -> Iterator[tuple[int, str, str]]:
    for node in ast.walk(call.args[0]) if call.args else ():
        if isinstance(node, ast.Constant) and str(node.value) in CODES:
            yield call.lineno, family, str(node.value)


def _called(func: ast.expr) -> str:
    return func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""


def test_every_code_is_raised_as_the_family_that_the_table_names() -> None:
    """The family tells the caller what to do, so one code cannot have two."""
    families = _families()
    found = [(path, *raised) for path, tree in _trees().items() for raised in _raised(tree, families)]

    wrong = [f"{path}:{line}: {code} as {family}" for path, line, family, code in found if CODES[code].family != family]

    assert len(found) > 150
    assert wrong == []


def test_a_guard_refuses_with_the_code_of_a_rule() -> None:
    codes = {guard.code for guard in load_guards().values()}

    assert codes >= {"GUARD_FAILED", "REASONS_MISSING"}
    assert {CODES[code].family for code in codes} == {"rule"}
