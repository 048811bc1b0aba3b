"""`pprd open`, `pprd take`, `pprd approve`, `pprd openings`: reading one payload, and who read what, and why.

There is no command that opens more than one event's payloads. Only `take` writes what was read: the file of documents
that an office is sent to keep (DOMAIN 6.7, 7.4).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from adapters.cli.errors import listing, out, say_json, told
from adapters.cli.options import AsJson, Data, Hub, Region, uuid_bytes, uuid_text
from adapters.cli.progress import entries_bar
from adapters.region.opening import NO_OFFICER, KeptOpening, Reader, Reading
from contracts.ids import OfficeId, StreamId

Office = Annotated[str, typer.Option(help="The recipient office that reads.")]
Profile = Annotated[str, typer.Option(help="Which profile, for example NP-RES.")]
Role = Annotated[str, typer.Option(help="In which role, for example REGISTRAR.")]
Reason = Annotated[str, typer.Option(help="Why, in the officer's words; it stays in the region's file.")]
Officer = Annotated[str | None, typer.Option(help="The office's own reference to the officer, an id.")]
Approver = Annotated[str | None, typer.Option(help="Who approved, the office's own reference, an id.")]


def open_command(
    event_id: Annotated[str, typer.Argument(help="The event that names the payload.")],
    data: Data,
    region: Region,
    office: Office,
    profile: Profile,
    role: Role,
    reason: Reason,
    officer: Officer = None,
    approver: Approver = None,
    emergency: Annotated[
        str | None, typer.Option(help="Without a task: the emergency that two other offices approved.")
    ] = None,
    sealed_query: Annotated[
        str | None, typer.Option(help="Of a sealed record: the query that two other offices approved.")
    ] = None,
    rights: Annotated[
        str | None, typer.Option(help="Without a task: the request of the person that asks this office for a copy.")
    ] = None,
    hub: Hub = None,
    as_json: AsJson = False,
) -> None:
    """Open a payload for a task that is open, or under a clearance. It is in the ledger before a byte leaves."""
    named = {"EMERGENCY": emergency, "SEALED_QUERY": sealed_query, "RIGHTS_REQUEST": rights}
    clearances = {code: value for code, value in named.items() if value is not None}
    if len(clearances) > 1:
        raise typer.BadParameter("a payload is opened for one reason", param_hint="--sealed-query")
    reader = typed_reader(office, role, reason, officer, approver)
    for code, clearance in clearances.items():
        reader = replace(reader, reason=code, clearance=StreamId(uuid_bytes(clearance)))

    async def read() -> list[Reading]:
        from adapters.compose.folder import DataFolder
        from adapters.compose.hub_program import reachable_hub
        from adapters.compose.region_program import connected_gateway

        folder = DataFolder(data)
        async with (
            reachable_hub(folder, hub) as address,
            connected_gateway(folder.region_settings(region, hub_address=address)) as gateway,
        ):
            return await gateway.opener.open(uuid_bytes(event_id), profile, reader)

    with told(as_json=as_json):
        readings = asyncio.run(read())
    for reading in readings:
        _show(reading, as_json=as_json)


def typed_reader(office: str, role: str, reason: str, officer: str | None, approver: str | None) -> Reader:
    """Who reads, as a person typed it."""
    return Reader(
        OfficeId(office),
        reason,
        officer=NO_OFFICER if officer is None else uuid_bytes(officer),
        role=role,
        approver=None if approver is None else uuid_bytes(approver),
    )


def take_command(
    event_id: Annotated[str, typer.Argument(help="The event that brought the file.")],
    data: Data,
    region: Region,
    office: Office,
    profile: Profile,
    role: Role,
    reason: Reason,
    to: Annotated[Path, typer.Option("--out", file_okay=False, help="New folder for the documents; its owner's only.")],
    officer: Officer = None,
    approver: Approver = None,
    hub: Hub = None,
    as_json: AsJson = False,
) -> None:
    """Take a file of several parts into the office's own folder, each part opened, recorded and checked in turn.

    Say it again after an interruption: it goes on with the first part that is not there.
    """

    reader = typed_reader(office, role, reason, officer, approver)

    async def take(on_part: Callable[[int, int], None]) -> int:
        from adapters.compose.folder import DataFolder
        from adapters.compose.hub_program import reachable_hub
        from adapters.compose.region_program import connected_gateway
        from adapters.region.case_file import CaseFile

        folder = DataFolder(data)
        async with (
            reachable_hub(folder, hub) as address,
            connected_gateway(folder.region_settings(region, hub_address=address)) as gateway,
        ):
            return await CaseFile(to, uuid_bytes(event_id)).take(gateway.opener, profile, reader, on_part)

    with told(as_json=as_json), entries_bar("taking", is_shown=not as_json) as on_part:
        count = asyncio.run(take(on_part))
    if as_json:
        say_json({"documents": count})
    else:
        out.print(f"{count} documents are in the folder; documents.json says which is which", markup=False)


def approve_command(
    request_id: Annotated[str, typer.Argument(help="The request that `pprd open` named.")],
    data: Data,
    region: Region,
    approver: Annotated[str, typer.Option(help="The responsible person: the office's own reference, an id.")],
    as_json: AsJson = False,
) -> None:
    """Approve a withheld opening as a responsible person, and show it once. Nothing is asked of the hub."""

    async def approve() -> Reading:
        from adapters.compose.folder import DataFolder
        from adapters.compose.region_program import gateway_at_rest

        async with gateway_at_rest(DataFolder(data).region_settings(region)) as gateway:
            return gateway.opener.approve(uuid_bytes(request_id), uuid_bytes(approver))

    with told(as_json=as_json):
        reading = asyncio.run(approve())
    _show(reading, as_json=as_json)


def openings_command(
    data: Data,
    region: Region,
    office: Annotated[str | None, typer.Option(help="Only this office's.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what the offices of a region opened: who, what, why, and who approved. Never what stood in it."""

    async def read() -> list[KeptOpening]:
        from adapters.compose.folder import DataFolder
        from adapters.compose.region_program import gateway_at_rest

        async with gateway_at_rest(DataFolder(data).region_settings(region)) as gateway:
            return gateway.opener.kept(None if office is None else OfficeId(office))

    with told(as_json=as_json):
        found = asyncio.run(read())
    if as_json:
        for kept in found:
            say_json(_row(kept))
        return
    table = listing("index", "opened", "office", "profile", "officer", "approver", last="why")
    for row in map(_row, found):
        cells = (
            row[name] for name in ("index", "opened_at", "office", "profile", "officer", "approver", "reason_text")
        )
        table.add_row(*(str(cell or "-") for cell in cells))
    out.print(table)
    out.print(f"{len(found)} openings", markup=False)


def _row(kept: KeptOpening) -> dict[str, Any]:
    return {
        "index": kept.access_index,
        "opened_at": datetime.fromtimestamp(kept.opened_at / 1000, UTC).strftime("%Y-%m-%d %H:%MZ"),
        "office": kept.office,
        "profile": kept.profile,
        "officer": None if kept.officer == NO_OFFICER else uuid_text(kept.officer),
        "approver": None if kept.approver is None else uuid_text(kept.approver),
        "reason": kept.reason,
        "reason_text": kept.reason_text,
        "event_id": uuid_text(kept.event_id),
        "request_id": uuid_text(kept.request_id),
    }


def _show(reading: Reading, *, as_json: bool) -> None:
    from adapters.region.json_value import to_json

    content = to_json(reading.content)
    if as_json:
        say_json({"profile": reading.profile, "access_index": reading.access_index, "content": content})
    else:
        out.print(f"{reading.profile}, opening recorded at index {reading.access_index}", markup=False)
        out.print_json(data=content)
