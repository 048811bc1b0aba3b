"""`pprd directory division` and its neighbours: history and changes of divisions, bases for what crosses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from adapters.cli.errors import out, say_json, told
from adapters.cli.office_register import On, at_ms, import_lines
from adapters.cli.options import AsJson, Data, Region
from contracts.cross_border import basis_id, basis_tbs
from contracts.errors import ContractError, RuleError
from contracts.instant import local_day


def division_command(
    code: Annotated[str, typer.Argument(help="Twelve digits, of any time.")],
    data: Data,
    on: On = None,
    as_json: AsJson = False,
) -> None:
    """Show the history of a division's code, and what stands for it on a day."""
    from adapters.compose.directory_view import recorded_directory
    from adapters.compose.folder import DataFolder

    with told(as_json=as_json):
        divisions = recorded_directory(DataFolder(data)).divisions
        versions = divisions.history(code)
        if not versions:
            raise RuleError("DIVISION_UNKNOWN", "no division has or had this code", field="code")
        day = local_day(at_ms(on))
        now = divisions.successors(code, day)
    rows = [
        {
            "name": version.division.name,
            "level": version.division.level,
            "parent": version.division.parent,
            "valid_from": None if version.valid_from is None else version.valid_from.isoformat(),
            "valid_to": None if version.valid_to is None else version.valid_to.isoformat(),
            "replaced_by": list(version.replaced_by),
        }
        for version in versions
    ]
    if as_json:
        say_json({"code": code, "versions": rows, "day": day.isoformat(), "stands_for_it": list(now)})
        return
    table = Table("name", "valid from", "valid to", "replaced by", box=None, pad_edge=False)
    for row, version in zip(rows, versions, strict=True):
        cells = (row["name"], row["valid_from"] or "-", row["valid_to"] or "-", " ".join(version.replaced_by) or "-")
        table.add_row(*map(str, cells))
    out.print(table)
    out.print(f"on {day} stands for it: {' '.join(now) or 'nothing'}", markup=False)


def import_divisions_command(
    file: Annotated[Path, typer.Argument(help="CSV, columns as `pprd directory import-divisions` names them.")],
    data: Data,
    as_json: AsJson = False,
) -> None:
    """Record the changes of divisions of a CSV file: all, or every mistake is told and nothing is recorded."""
    from adapters.compose.directory_import import read_divisions

    with told(as_json=as_json):
        count = import_lines(file, data, read_divisions)
    if as_json:
        say_json({"recorded": count})
    else:
        out.print(f"{count} changes of divisions recorded", markup=False)


def sign_basis_command(
    file: Annotated[Path, typer.Argument(help="JSON: the terms of a cross-border basis.")], data: Data, region: Region
) -> None:
    """Sign a cross-border basis as the sending region, and write it for the hub's operator to register."""
    from adapters.compose.folder import DataFolder
    from adapters.compose.key_locks import key_lock
    from adapters.compose.parts import KEYS
    from adapters.keys.folder import read_region_keys
    from contracts.signing import key_id, sign

    with told():
        terms = _terms(file)
        key = read_region_keys(DataFolder(data).region(region) / KEYS, key_lock()).batch
        signed = {
            "key_id": key_id("batch", key.public_key().public_bytes_raw()).hex(),
            "signature": sign(key, basis_tbs(terms)).hex(),
        }
    say_json({name: terms[name] for name in _TERMS} | signed)


def register_basis_command(
    file: Annotated[Path, typer.Argument(help="JSON, as `pprd directory sign-basis` writes it.")],
    data: Data,
    as_json: AsJson = False,
) -> None:
    """Register a cross-border basis that the sending region has signed; the hub signs it by recording it."""
    from adapters.compose.directory_changes import record_all
    from adapters.compose.folder import DataFolder
    from adapters.compose.hub_program import opened_hub
    from hub.own_batch import HubDraft

    with told(as_json=as_json):
        body = _terms(file, ("key_id", "signature"))
        body |= {name: _raw(body[name]) for name in ("key_id", "signature")} | {"basis": basis_id(body)}
        with opened_hub(DataFolder(data).hub_settings()) as application:
            (index,) = record_all(application, [HubDraft("CrossBorderBasisRegistered", "DIRECTORY", body)])
    if as_json:
        say_json({"basis": body["basis"].hex(), "index": index})
    else:
        out.print(f"basis {body['basis'].hex()} recorded at entry {index}", markup=False)


_TERMS = ("region", "to_region", "assessment", "assessed_on", "event_types", "profiles", "valid_from", "valid_to")


def _terms(file: Path, more: tuple[str, ...] = ()) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ContractError("REGISTER_MALFORMED", f"{file} cannot be read as JSON") from error
    wanted = {*_TERMS, *more}
    if not isinstance(value, dict) or value.keys() != wanted:
        raise ContractError("REGISTER_MALFORMED", f"{file} holds exactly {', '.join(sorted(wanted))}")
    lists = ("event_types", "profiles")
    if not all(isinstance(value[name], list) for name in lists) or not all(
        isinstance(value[name], str) for name in wanted - {*lists, "valid_to"}
    ):
        raise ContractError("REGISTER_MALFORMED", f"{file}: a term is no text or no list of texts")
    return value


def _raw(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise ContractError("REGISTER_MALFORMED", "key_id and signature are hex digits") from error
