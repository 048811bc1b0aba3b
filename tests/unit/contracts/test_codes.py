"""Codes and errors: stable, complete, in one table (STYLE, Errors)."""

import pickle
import re
from importlib.resources import files
from pathlib import Path

import pytest

from contracts.codes import CODES
from contracts.errors import (
    AccessError,
    ConflictError,
    ContractError,
    EvidenceError,
    ExchangeError,
    FatalError,
    RuleError,
    UnavailableError,
)

FAMILIES: list[type[ExchangeError]] = [
    ContractError,
    AccessError,
    RuleError,
    ConflictError,
    EvidenceError,
    UnavailableError,
    FatalError,
]


def test_the_rows_are_sorted_and_stand_once() -> None:
    rows = [line.split(",")[0] for line in files("contracts").joinpath("codes.csv").read_text("utf-8").splitlines()[1:]]

    assert rows == sorted(set(rows))
    assert rows == list(CODES)


def test_every_family_has_an_error_class_and_a_code() -> None:
    assert {kind.family for kind in FAMILIES} == {code.family for code in CODES.values()}


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


@pytest.mark.parametrize("kind", FAMILIES)
def test_an_error_carries_code_message_field_and_rule(kind: type[ExchangeError]) -> None:
    error = kind("GUARD_FAILED", "stay is 3 months, rule needs 6", field="body.stay", rule="R-RES-1")

    assert (error.code, error.field, error.rule) == ("GUARD_FAILED", "body.stay", "R-RES-1")
    assert str(error) == "GUARD_FAILED: stay is 3 months, rule needs 6 (field=body.stay, rule=R-RES-1)"


def test_an_error_survives_the_way_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(ContractError("NOT_FOUND", "index 7", field="index")))

    assert isinstance(error, ContractError)
    assert (error.code, error.message, error.field, error.rule) == ("NOT_FOUND", "index 7", "index", None)


ROOT = Path(__file__).parents[3]
RAISED = re.compile(r'(?:Contract|Access|Rule|Conflict|Evidence|Unavailable|Fatal)Error\(\s*"([A-Z0-9_]+)"')


@pytest.mark.parametrize("package", ["contracts", "ledger", "hub", "adapters"])
def test_every_code_that_is_raised_stands_in_the_table(package: str) -> None:
    raised = {code for file in (ROOT / package).rglob("*.py") for code in RAISED.findall(file.read_text("utf-8"))}

    assert raised <= CODES.keys()
