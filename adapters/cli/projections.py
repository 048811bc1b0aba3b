"""`pprd projections serve|rebuild|digest|indicators` and `pprd worklist`: what the ledger means for offices."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from adapters.cli.errors import err, listing, out, say_json, told
from adapters.cli.options import AsJson, Data, Hub, uuid_text
from adapters.cli.progress import entries_bar
from adapters.cli.servers import LogFile, say_ready
from adapters.compose.running import until_told
from adapters.logs import configure_logs
from contracts.errors import ContractError
from contracts.ids import OfficeId
from hub.projections.work_list import NO_DUE_MS, WorkRow
from hub.projections.work_list_request import WorkPage, read_place

Office = Annotated[str, typer.Option("--office", help="Whose work list.")]
After = Annotated[str | None, typer.Option("--after", help="Go on after this row: what the page before ended with.")]
Limit = Annotated[int, typer.Option(min=1, max=500, help="At most so many rows.")]
Month = Annotated[str | None, typer.Option("--month", help="Only this month, YYYY-MM.")]

projections_app = typer.Typer(help="Work lists, indicators, statistics: kept beside the ledger.", no_args_is_help=True)


@projections_app.command("serve")
def serve_projections(data: Data, log: LogFile = None, as_json: AsJson = False) -> None:
    """Keep the projections of a data folder up with its ledger until SIGINT or SIGTERM."""

    async def run() -> None:
        from adapters.compose.projecting import ProjectionsProgram

        async with ProjectionsProgram(data) as program:
            say_ready("projections", str(data), as_json=as_json)
            await until_told(asyncio.Event(), program.failed())

    with told(as_json=as_json):
        configure_logs(program="projections", to=log)
        asyncio.run(run())


@projections_app.command("rebuild")
def rebuild_command(data: Data, as_json: AsJson = False) -> None:
    """Derive all projections again from the first entry; one that was stopped goes on where it was."""
    from adapters.compose.projecting import rebuild

    with told(as_json=as_json), entries_bar("rebuilding", is_shown=not as_json) as progress:
        found = rebuild(data, progress=progress)
    _tell_digests(found, as_json=as_json)


@projections_app.command("digest")
def digest_command(data: Data, as_json: AsJson = False) -> None:
    """Print the digest of each projection and the place at which it holds."""
    from adapters.compose.projecting import digests

    with told(as_json=as_json):
        found = digests(data)
    _tell_digests(found, as_json=as_json)


def _tell_digests(found: list[Any], *, as_json: bool) -> None:
    for one in found:
        if as_json:
            say_json({"projection": one.name, "position": one.position, "digest": one.digest.hex()})
        else:
            out.print(f"{one.digest.hex()}  {one.name} at {one.position}", markup=False, soft_wrap=True)


@projections_app.command("indicators")
def indicators_command(
    data: Data,
    office: Annotated[str | None, typer.Option("--office", help="Only this office's.")] = None,
    month: Month = None,
    as_json: AsJson = False,
) -> None:
    """Print the office indicators; no single one decides an office's result."""
    from adapters.compose.projecting import projections_file, reading

    with told(as_json=as_json), reading(projections_file(data)) as store:
        rows = store.indicators(office=office, month=month)
    table = listing("office", "month", "n", last="indicator")
    for name, whose, when, number in rows:
        if as_json:
            say_json({"indicator": name, "office": whose, "month": when, "n": number})
        table.add_row(whose, when, str(number), name)
    if not as_json:
        out.print(table)


def worklist_command(
    data: Data,
    office: Office,
    region: Annotated[
        str | None, typer.Option("--region", help="Ask the hub as this region does; else the folder is read.")
    ] = None,
    hub: Hub = None,
    after: After = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List what waits for an office: matter, kind, state, until when, under which rule. Due first comes first."""

    async def ask(region: str) -> WorkPage:
        from adapters.compose.folder import DataFolder
        from adapters.compose.hub_program import reachable_hub
        from adapters.compose.region_program import connected_gateway

        folder = DataFolder(data)
        async with (
            reachable_hub(folder, hub) as address,
            connected_gateway(folder.region_settings(region, hub_address=address)) as gateway,
        ):
            return await gateway.work_list(OfficeId(office), after=_place_of(after), limit=limit)

    from adapters.compose.projecting import projections_file, work_page

    with told(as_json=as_json):
        if region is None:
            page = work_page(projections_file(data), office, read_place(_place_of(after)), limit)
        else:
            page = asyncio.run(ask(region))
    if as_json:
        for row in page.rows:
            say_json(_row(row))
        if page.after:
            say_json({"after": page.after.hex()})
        return
    table = listing("due", "rule", "kind", "state", last="matter")
    for one in map(_row, page.rows):
        table.add_row(one["due"] or "-", one["rule"] or "-", one["kind"], one["state"], one["matter"])
    out.print(table)
    if page.after:
        err.print(f"There is more: say --after {page.after.hex()}", markup=False)


def _row(row: WorkRow) -> dict[str, Any]:
    is_limited = row.due_ms != NO_DUE_MS
    return {
        "matter": uuid_text(row.stream_id),
        "kind": row.kind,
        "state": row.state,
        "due": datetime.fromtimestamp(row.due_ms / 1000, UTC).strftime("%Y-%m-%d %H:%MZ") if is_limited else None,
        "rule": row.rule or None,
        "calendar_assumed": row.calendar_assumed,
    }


def _place_of(text: str | None) -> bytes:
    try:
        return b"" if text is None else bytes.fromhex(text)
    except ValueError as error:
        raise ContractError("REQUEST_MALFORMED", "this is no place in a work list", field="after") from error
