"""`pprd replay`: a matter as it stood on any day, as recorded, as occurred, or as one office knew it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from adapters.cli.errors import listing, out, say_json, told
from adapters.cli.options import AsJson, Data, uuid_bytes, uuid_text
from contracts.instant import DAY_MS
from hub.day_replay import By, Standing

_SHANGHAI: Final = timezone(timedelta(hours=8))
_DAY: Final = 10


def replay_command(
    data: Data,
    at: Annotated[
        str, typer.Option("--at", help="2026-03-02, to its end, or 2026-03-02T10:00, Shanghai time if no zone is said.")
    ],
    office: Annotated[str | None, typer.Option(help="An office: only what it had a part in.")] = None,
    stream: Annotated[str | None, typer.Option(help="Only this matter.")] = None,
    by: Annotated[By | None, typer.Option(help="By default known where an office is named, else recorded.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show matters as they stood on a day: codes and times, nobody's data."""
    from adapters.compose.day_replaying import replay_to

    asked = by or (By.RECORDED if office is None else By.KNOWN)
    if office is None and (asked is By.KNOWN or stream is None):
        raise typer.BadParameter("say whose view is meant, or which matter", param_hint="--office")
    at_ms = _instant_ms(at)
    stream_id = None if stream is None else uuid_bytes(stream)
    with told(as_json=as_json):
        found = replay_to(Path(data), at_ms, asked, office=office, stream_id=stream_id)
    if as_json:
        for standing in found:
            say_json(_row(standing))
        return
    table = listing("state", "procedure", "events", "not told", "last event", "occurred", last="matter")
    for standing in found:
        last = standing.events[-1]
        cells = (standing.state, standing.procedure, len(standing.events), standing.between, last.event_type)
        table.add_row(*map(str, cells), _text(last.occurred_at), uuid_text(standing.stream_id))
    out.print(table)
    out.print(f"{len(found)} matters as {asked} at {_text(at_ms)}", markup=False)


def _row(standing: Standing) -> dict[str, Any]:
    return {
        "stream_id": uuid_text(standing.stream_id),
        "procedure": standing.procedure,
        "state": standing.state,
        "not_told": standing.between,
        "events": [
            {
                "index": past.leaf_index,
                "seq": past.seq,
                "event": past.event_type,
                "state": past.state,
                "office": past.office,
                "occurred_at": _text(past.occurred_at),
                "recorded_at": _text(past.recorded_at),
            }
            for past in standing.events
        ],
    }


def _instant_ms(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no day and no instant", param_hint="--at") from error
    if at.tzinfo is None:
        at = at.replace(tzinfo=_SHANGHAI)
    at_ms = int(at.timestamp() * 1000)
    return at_ms + DAY_MS - 1 if len(text) == _DAY else at_ms


def _text(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, _SHANGHAI).strftime("%Y-%m-%d %H:%M")
