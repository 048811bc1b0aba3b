"""Every fault planted into a copy of a procedure is found, by the property that speaks of it, with the way to it."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import ContractError
from contracts.invariants import load_invariants
from contracts.procedure import load_procedures, parse_procedure
from contracts.procedure_check import load_known
from hub.procedure_properties import PROPERTIES, Fault, check_properties

FAULTS: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("planted_faults.toml").read_text(encoding="utf-8")
)["fault"]
LOADING = "loading"


def planted(fault: dict[str, Any]) -> str:
    """The changed copy."""
    text = files("contracts").joinpath("procedures", fault["file"]).read_text(encoding="utf-8")
    changed = text
    if "old" in fault:
        assert fault["old"] in changed
        changed = changed.replace(fault["old"], fault["new"], -1 if fault.get("all") else 1)
    if "words" in fault:
        assert fault["words"] in changed
        changed = changed.replace(fault["words"], "")
    if "drop" in fault:
        head, *tables = changed.split("[[transition]]")
        kept = [table for table in tables if fault["drop"] not in table]
        assert len(kept) < len(tables)
        changed = "[[transition]]".join((head, *kept))
    assert changed != text
    return changed


def found(fault: dict[str, Any]) -> tuple[Fault, ...]:
    """What the checks find in the changed copy."""
    try:
        procedure = parse_procedure(fault["file"], planted(fault), load_known())
    except ContractError as error:
        return (Fault(LOADING, error.message, (error.code,)),)
    return check_properties(procedure, load_known(), load_invariants()).faults


@pytest.mark.parametrize("fault", FAULTS, ids=[fault["name"] for fault in FAULTS])
def test_a_planted_fault_is_found_by_its_property(fault: dict[str, Any]) -> None:
    faults = found(fault)

    assert fault["found_by"] in {one.rule for one in faults}, [one.reason for one in faults]
    assert all(one.steps and one.reason for one in faults)


def test_every_property_that_a_file_can_break_is_tried() -> None:
    """What repeats do is the model's and not the file's; `test_explored_repeats` tries it."""
    tried = {fault["found_by"] for fault in FAULTS}
    packaged = [procedure for procedure, _ in load_procedures()]
    waits_for_its_procedure = set() if "HOUSEHOLD_MOVE" in packaged else {"one-place-of-registration"}

    assert set(PROPERTIES) - tried == {"repeats-change-nothing"} | waits_for_its_procedure
    assert len(FAULTS) >= 20
