"""`pprd receive`, `pprd inbox`, `pprd tasks`: what an office is told, and what waits for it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from adapters.cli.errors import listing, out, say_json, told
from adapters.cli.options import AsJson, Data, Hub, Region, uuid_text
from adapters.region.tasks import Task
from contracts.event import decode_event
from contracts.ids import OfficeId

Limit = Annotated[int, typer.Option(min=1, help="At most so many.")]
Office = Annotated[str | None, typer.Option(help="Only this office's.")]


def receive_command(data: Data, region: Region, hub: Hub = None, as_json: AsJson = False) -> None:
    """Ask the hub for every notification that is missing here, check it, store it once and make the tasks."""

    async def receive() -> int:
        from adapters.compose.folder import DataFolder
        from adapters.compose.hub_program import reachable_hub
        from adapters.compose.region_program import receive_all

        folder = DataFolder(data)
        async with reachable_hub(folder, hub) as address:
            return await receive_all(folder.region_settings(region, hub_address=address))

    with told(as_json=as_json):
        count = asyncio.run(receive())
    if as_json:
        say_json({"region": region, "received": count})
    else:
        out.print(f"{count} notifications were new", markup=False)


def inbox_command(data: Data, region: Region, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List the last notifications of a region, oldest first."""

    async def read() -> list[dict[str, Any]]:
        from adapters.compose.folder import DataFolder
        from adapters.compose.region_program import gateway_at_rest

        async with gateway_at_rest(DataFolder(data).region_settings(region)) as gateway:
            store = gateway.inbox_store
            return [
                {
                    "point": kept.point,
                    "n": kept.n,
                    "index": kept.leaf_index,
                    "received_at": _time(kept.received_at),
                    "event": header.event_type,
                    "event_id": uuid_text(header.event_id),
                    "matter": uuid_text(header.stream_id),
                }
                for kept in store.received_after(max(0, store.count() - limit), limit)
                for header in [decode_event(kept.event)]
                if not gateway.is_hidden(header.stream_id)
            ]

    with told(as_json=as_json):
        rows = asyncio.run(read())
    if as_json:
        for row in rows:
            say_json(row)
        return
    table = listing("point", "n", "index", "received", "event", last="event id")
    for row in rows:
        cells = (row[name] for name in ("point", "n", "index", "received_at", "event", "event_id"))
        table.add_row(*map(str, cells))
    out.print(table)


def tasks_command(
    data: Data, region: Region, office: Office = None, limit: Limit = 50, as_json: AsJson = False
) -> None:
    """List what waits for the offices of a region, with the date it falls due."""

    async def read() -> list[tuple[Task, int | None]]:
        from adapters.compose.folder import DataFolder
        from adapters.compose.region_program import gateway_at_rest

        async with gateway_at_rest(DataFolder(data).region_settings(region)) as gateway:
            tasks = gateway.tasks.open_tasks(None if office is None else OfficeId(office))
            return [(task, gateway.tasks.due_ms(task)) for task in tasks]

    with told(as_json=as_json):
        found = asyncio.run(read())
    if as_json:
        for task, due_ms in found[:limit]:
            say_json(_task_row(task, due_ms))
        return
    table = listing("office", "event", "profile", "due", last="event id")
    for task, due_ms in found[:limit]:
        row = _task_row(task, due_ms)
        table.add_row(row["office"], row["event"], row["profile"] or "-", row["due"] or "-", row["event_id"])
    out.print(table)
    out.print(f"{len(found)} tasks are open", markup=False)


def _task_row(task: Task, due_ms: int | None) -> dict[str, Any]:
    return {
        "office": task.office,
        "event": task.event_type,
        "profile": task.profile,
        "due": None if due_ms is None else _time(due_ms),
        "event_id": uuid_text(task.event_id),
        "matter": uuid_text(task.stream_id),
        "index": task.leaf_index,
    }


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%MZ")
