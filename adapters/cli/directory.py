"""`pprd directory ...`: who takes part. Changes are recorded by the operator of a hub that does not run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from adapters.cli.errors import out, say_json, told
from adapters.cli.options import AsJson, Data
from contracts.errors import ContractError


def apply_command(
    file: Annotated[Path, typer.Argument(help="A registration file, as `pprd region init` writes it.")],
    data: Data,
    as_json: AsJson = False,
) -> None:
    """Record everything in a registration file: all of it or nothing."""
    from adapters.compose.directory_changes import drafts_of, record_all, renewals_of
    from adapters.compose.folder import DataFolder
    from adapters.compose.hub_program import opened_hub
    from adapters.compose.registration import read_registration

    with told(as_json=as_json):
        registration = read_registration(file)
        with opened_hub(DataFolder(data).hub_settings()) as application:
            indexes = record_all(application, [*drafts_of(registration), *renewals_of(application, registration)])
    _tell_recorded(f"region {registration.region}", indexes, as_json=as_json)


def revoke_key_command(
    key_id: Annotated[str, typer.Argument(help="16 hex digits.")],
    data: Data,
    reason: Annotated[str, typer.Option(help="REPLACED, LOST, COMPROMISED or PRODUCER_CLOSED.")],
    as_json: AsJson = False,
) -> None:
    """Revoke a signing key: from the next entry on nothing signed with it is recorded."""
    with told(as_json=as_json):
        indexes = _end(data, "KeyRevoked", {"key_id": _hex(key_id), "reason": reason})
    _tell_recorded(f"revocation of {key_id}", indexes, as_json=as_json)


def close_office_command(
    office: Annotated[str, typer.Argument(help="Its id.")],
    data: Data,
    successor: Annotated[str | None, typer.Option(help="The office of its type that takes its matters over.")] = None,
    as_json: AsJson = False,
) -> None:
    """Close an office: it acts and receives no longer. `pprd offices handover` lists what passes to its successor."""
    with told(as_json=as_json):
        indexes = _end(data, "OfficeClosed", {"office": office, "successor": successor})
    _tell_recorded(f"closing of {office}", indexes, as_json=as_json)


def revoke_mandate_command(
    mandate: Annotated[str, typer.Argument(help="16 hex digits.")], data: Data, as_json: AsJson = False
) -> None:
    """Revoke a mandate: what it allowed is refused from the next entry on."""
    with told(as_json=as_json):
        indexes = _end(data, "MandateRevoked", {"mandate": _hex(mandate)})
    _tell_recorded(f"revocation of {mandate}", indexes, as_json=as_json)


def list_command(data: Data, as_json: AsJson = False) -> None:
    """List regions, delivery points and offices as the ledger has them now."""
    from adapters.compose.directory_view import recorded_directory
    from adapters.compose.folder import DataFolder

    with told(as_json=as_json):
        directory = recorded_directory(DataFolder(data))
    rows = [
        {
            "office": office.office,
            "region": office.region,
            "type": office.office_type.value,
            "point": office.point,
            "areas": list(office.areas),
            "is_closed": office.is_closed,
        }
        for office in directory.offices()
    ]
    if as_json:
        say_json({"regions": list(directory.regions), "points": [p.point for p in directory.points()], "offices": rows})
        return
    table = Table("office", "type", "point", "areas", "", box=None, pad_edge=False)
    for office in directory.offices():
        areas, state = " ".join(office.areas), "closed" if office.is_closed else ""
        table.add_row(office.office, office.office_type.value, office.point, areas, state)
    out.print(table)
    out.print(f"{len(directory.regions)} regions, {len(rows)} offices", markup=False)


def _end(data: Path, event_type: str, body: Mapping[str, Any]) -> list[int]:
    from adapters.compose.directory_changes import continuing, record_all
    from adapters.compose.folder import DataFolder
    from adapters.compose.hub_program import opened_hub

    with opened_hub(DataFolder(data).hub_settings()) as application:
        return [*record_all(application, [continuing(application, event_type, body)])]


def _hex(value: str) -> bytes:
    try:
        raw = bytes.fromhex(value)
    except ValueError:
        raw = b""
    if len(raw) != 8:
        raise ContractError("REGISTER_MALFORMED", f"{value!r} is not 16 hex digits")
    return raw


def _tell_recorded(what: str, indexes: list[Any], *, as_json: bool) -> None:
    if as_json:
        say_json({"recorded": len(indexes), "first_index": min(indexes, default=None)})
    else:
        out.print(f"{what}: {len(indexes)} entries recorded from index {min(indexes, default=0)} on", markup=False)
