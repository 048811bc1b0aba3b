"""`pprd procedure check`: does a procedure hold what it promises? For the packaged ones and for a partner's draft."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from adapters.cli.errors import EXIT_CODES, err, out, say_json, told
from adapters.cli.options import AsJson
from contracts.errors import ContractError
from contracts.invariants import load_invariants
from contracts.procedure import parse_procedure
from contracts.procedure_check import Known, load_known, with_bodies
from hub.procedure_properties import PROPERTIES, Checked, check_properties


def check_command(
    file: Annotated[Path, typer.Argument(help="A procedure as TOML.", exists=True, dir_okay=False)],
    schemas: Annotated[
        Path | None,
        typer.Option(help="A folder with the body schemas (.avsc) of new events.", exists=True, file_okay=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a procedure: what its file says, then every situation that it allows."""
    with told(as_json=as_json):
        known = load_known() if schemas is None else with_bodies(load_known(), _read_schemas(schemas))
        checked = _check(file, known)
    if as_json:
        say_json(_as_json(file, checked))
    else:
        _show(file, checked)
    if checked.faults:
        raise typer.Exit(EXIT_CODES["rule"])


def _check(file: Path, known: Known) -> Checked:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError("PROCEDURE_INVALID", f"{file.name} cannot be read as UTF-8 text") from error
    return check_properties(parse_procedure(file.name, text, known), known, load_invariants())


def _read_schemas(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for path in sorted(folder.glob("*.avsc")):
        try:
            schema = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ContractError("SCHEMA_UNSAFE", f"{path.name} is no JSON") from error
        if not isinstance(schema, dict) or not {"namespace", "name", "fields"} <= schema.keys():
            raise ContractError("SCHEMA_UNSAFE", f"{path.name} says no namespace, name and fields")
        found[path.name] = schema
    return found


def _as_json(file: Path, checked: Checked) -> dict[str, Any]:
    faults = [{"property": fault.rule, "reason": fault.reason, "steps": list(fault.steps)} for fault in checked.faults]
    return {"file": file.name, "configs": checked.configs, "situations": checked.situations, "faults": faults}


def _show(file: Path, checked: Checked) -> None:
    for fault in checked.faults:
        err.print(f"{fault.rule}: {fault.reason}", markup=False, style="bold red")
        for number, step in enumerate(fault.steps, start=1):
            err.print(f"  {number}. {step}", markup=False)
    places = f"{checked.configs} places of a matter, {checked.situations} situations"
    if checked.faults:
        broken = sorted({fault.rule for fault in checked.faults})
        err.print(f"{file.name}: {', '.join(broken)} do not hold ({places})", markup=False)
    else:
        out.print(f"{file.name}: all {len(PROPERTIES)} properties hold in {places}", markup=False)
