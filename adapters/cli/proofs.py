"""`pprd stream`, `pprd checkpoint`: what the ledger says."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from adapters.cli.errors import listing, out, say_json, told
from adapters.cli.options import AsJson, Hub, uuid_bytes, uuid_text
from contracts.errors import RuleError
from contracts.event import Header, decode_event

MaybeData = Annotated[
    Path | None, typer.Option("--data", help="The data folder of a hub.", envvar="PPRD_DATA", file_okay=False)
]
Vkey = Annotated[
    str | None, typer.Option(help="The ledger's verifier key; without it the one that its genesis names is used.")
]


def stream_command(
    stream_id: Annotated[str, typer.Argument(help="The matter.")],
    data: MaybeData = None,
    hub: Hub = None,
    as_json: AsJson = False,
) -> None:
    """List the events of a matter, oldest first: codes and times, nobody's data."""
    from adapters.compose.views import ledger_view

    with told(as_json=as_json), ledger_view(data, hub) as view:
        events = view.stream(uuid_bytes(stream_id))
        if not events:
            raise RuleError("NOT_FOUND", f"no matter {stream_id} is recorded", field="stream_id")
        rows = [_event_row(index, decode_event(event)) for index, event in events]
    if as_json:
        for row in rows:
            say_json(row)
        return
    table = listing("seq", "index", "event", "by", "occurred", "payloads", last="event id")
    for row in rows:
        by = f"{row['region']} {row['office']}"
        cells = (row["seq"], row["index"], row["event"], by, row["occurred_at"], " ".join(row["profiles"]))
        table.add_row(*map(str, cells), row["event_id"])
    out.print(table)


def _event_row(index: int, header: Header) -> dict[str, Any]:
    return {
        "seq": header.stream_seq,
        "index": index,
        "event": header.event_type,
        "procedure": header.procedure,
        "region": header.producer_region,
        "office": header.producer_office,
        "counterpart": header.counterpart_office,
        "occurred_at": datetime.fromtimestamp(header.occurred_at / 1000, UTC).strftime("%Y-%m-%d %H:%MZ"),
        "profiles": [ref.profile for ref in header.sealed],
        "event_id": uuid_text(header.event_id),
    }


def checkpoint_command(data: MaybeData = None, hub: Hub = None, vkey: Vkey = None, as_json: AsJson = False) -> None:
    """Print the last signed checkpoint, after checking its signature."""
    from adapters.compose.log_key_views import keys_of
    from adapters.compose.views import ledger_view
    from ledger.checkpoint import parse_checkpoint

    with told(as_json=as_json), ledger_view(data, hub) as view:
        note = view.checkpoint()
        keys = keys_of(view, vkey)
        checkpoint = parse_checkpoint(note, keys)
    if as_json:
        say_json(
            {
                "origin": checkpoint.origin,
                "size": checkpoint.size,
                "root": checkpoint.root.hex(),
                "vkey": keys.at(checkpoint.size)[0].vkey,
                "note": note.decode(),
            }
        )
    else:
        out.print(note.decode(), markup=False, soft_wrap=True, end="")
