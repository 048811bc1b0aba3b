"""`pprd submit FILE.jsonl`: drafts of a provincial system, one JSON object a line.

    {"ref": "a1", "matter": "@m1", "procedure": "RESIDENCE", "event": "RegistrationDeclared", "office": "o...",
     "occurred_at": "2026-11-20T09:30:00+08:00", "body": {...}, "payloads": {"NP-RES": {...}},
     "counterpart": {"region": "45", "office": "o..."}}

A content may name `files` in place of documents (`adapters.region.documents`); they are read when they are sealed.

`matter` is an id or the system's own `@name`; a draft with a `ref` that was sent before is not sent again. The whole
file is read before the first draft is sent. Exit 0 if every draft is recorded, 3 if one was refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from adapters.cli.errors import EXIT_CODES, out, say_json, told
from adapters.cli.options import AsJson, Data, Hub, Region, uuid_text
from adapters.cli.progress import entries_bar
from adapters.region.documents import with_files
from adapters.region.draft import Draft, parse_line
from adapters.region.gateway import RegionGateway
from adapters.region.outbox_store import SentEvent
from contracts.errors import ContractError, EvidenceError, ExchangeError, FatalError, UnavailableError
from hub.submission import Outcome, Refusal


def submit_command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Drafts, one JSON object a line.")],
    data: Data,
    region: Region,
    hub: Hub = None,
    wait: Annotated[float, typer.Option(min=1, help="Seconds to wait for answers.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Check, seal, sign and submit drafts, and verify the receipt of each."""
    with told(as_json=as_json), entries_bar("sealing", is_shown=not as_json) as on_part:
        drafts = [with_files(draft, file.parent, on_part) for draft in read_drafts(file)]
        rows = asyncio.run(_submit(drafts, data, region, hub, wait))
    if as_json:
        for row in rows:
            say_json(row)
    else:
        show_answers(rows)
    if any(row["outcome"] == Outcome.REFUSED for row in rows):
        raise typer.Exit(EXIT_CODES["rule"])
    if any(row["outcome"] == "WAITING" for row in rows):
        raise typer.Exit(EXIT_CODES["unavailable"])


def read_drafts(file: Path) -> list[Draft]:
    """Read a draft file as a whole.

    Raises:
        ContractError: DRAFT_MALFORMED, naming the line and the field.
    """
    drafts = []
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    drafts.append(parse_line(line))
                except ContractError as error:
                    raise ContractError(error.code, f"line {number}: {error.message}", field=error.field) from error
    return drafts


async def _submit(drafts: list[Draft], data: Path, region: str, hub: str | None, wait: float) -> list[dict[str, Any]]:
    from adapters.compose.folder import DataFolder
    from adapters.compose.hub_program import reachable_hub
    from adapters.compose.region_program import connected_gateway

    folder = DataFolder(data)
    async with (
        reachable_hub(folder, hub) as address,
        connected_gateway(folder.region_settings(region, hub_address=address)) as gateway,
    ):
        sent = [await _send(gateway, draft) for draft in drafts]
        numbered = enumerate(zip(drafts, sent, strict=True), 1)
        return [await _answered(number, draft, answer, wait) for number, (draft, answer) in numbered]


async def _send(gateway: RegionGateway, draft: Draft) -> Awaitable[SentEvent] | ExchangeError:
    """Send one draft; a draft that is refused does not stop its neighbours."""
    try:
        return await gateway.send(draft)
    except (EvidenceError, FatalError, UnavailableError):
        raise
    except ExchangeError as error:
        return error


async def _answered(
    number: int, draft: Draft, answer: Awaitable[SentEvent] | ExchangeError, wait: float
) -> dict[str, Any]:
    row: dict[str, Any] = {"draft": number, "ref": draft.ref, "event": draft.event_type}
    if isinstance(answer, ExchangeError):
        return row | {"outcome": Outcome.REFUSED, "by": "gateway"} | _why(Refusal.of(answer))
    try:
        async with asyncio.timeout(wait):
            sent = await answer
    except TimeoutError:
        return row | {"outcome": "WAITING"}
    return answer_row(number, draft, sent)


def answer_row(number: int, draft: Draft, sent: SentEvent) -> dict[str, Any]:
    """What became of a draft, as one line.

    Args:
        number: Which draft, from 1.
        draft: As it was sent.
        sent: The exchange's answer.
    """
    row: dict[str, Any] = {
        "draft": number,
        "ref": draft.ref,
        "event": draft.event_type,
        "outcome": sent.outcome,
        "matter": uuid_text(sent.stream_id),
        "event_id": uuid_text(sent.event_id),
        "index": sent.index,
    }
    return row if sent.refusal is None else row | {"by": "exchange"} | _why(sent.refusal)


def _why(refusal: Refusal) -> dict[str, Any]:
    return {"code": refusal.code, "sentence": refusal.sentence, "field": refusal.field, "rule": refusal.rule}


def show_answers(rows: list[dict[str, Any]]) -> None:
    """Write what became of drafts, for people."""
    table = Table("draft", "event", "outcome", "index", "matter / reason", box=None, pad_edge=False)
    for row in rows:
        reason = row.get("matter", "")
        if "code" in row:
            place = row["rule"] or row["field"]
            reason = f"{row['code']} ({row['by']}): {row['sentence']}" + (f" [{place}]" if place else "")
        index = "" if row.get("index") is None else str(row["index"])
        table.add_row(row["ref"] or str(row["draft"]), row["event"], str(row["outcome"]), index, reason)
    out.print(table, markup=False)
    counts = {outcome: sum(row["outcome"] == outcome for row in rows) for outcome in (*Outcome, "WAITING")}
    out.print(", ".join(f"{count} {outcome.lower()}" for outcome, count in counts.items() if count), markup=False)
