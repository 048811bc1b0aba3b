"""`pprd holds set|list|review|lift`: protection holds of a region's gateway. The register names nobody."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from adapters.cli.errors import listing, out, say_json, told
from adapters.cli.options import AsJson, Data, Region, uuid_bytes, uuid_text
from contracts.errors import ContractError
from contracts.ids import OfficeId

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from adapters.region.holds import Hold, HoldRegister

holds_app = typer.Typer(
    help="Protection holds: no residence notice, no new address and no history leaves about a person under one.",
    no_args_is_help=True,
)
Office = Annotated[str, typer.Option(help="The court, police or civil affairs office that decides.")]
HoldId = Annotated[str, typer.Argument(help="Id of the hold.")]
T = TypeVar("T")

_MOST_BYTES = 4_096
_FIELDS = ("name", "document_type", "document_number", "birth_date")


@holds_app.command("set")
def set_command(data: Data, region: Region, office: Office, as_json: AsJson = False) -> None:
    """Set a hold on the person whose identity core is read from standard input as JSON; nothing of it is kept.

    The fields are name, document_type, document_number and birth_date. It is never an argument: those are seen by
    whoever lists processes.
    """
    from adapters.compose.parts import SystemClock

    with told(as_json=as_json):
        identity = _identity(sys.stdin.buffer.read(_MOST_BYTES + 1))
        now_ms = SystemClock().now_ms()
        hold = _ask(data, region, office, lambda r: r.set(identity, OfficeId(office), secrets.token_bytes(16), now_ms))
    _show([hold], as_json=as_json)


@holds_app.command("list")
def list_command(data: Data, region: Region, as_json: AsJson = False) -> None:
    """List the holds: who set each, and from when it is to be reviewed; exit 1 if one is due for that."""
    from adapters.compose.parts import SystemClock
    from contracts.instant import local_day

    with told(as_json=as_json):
        found = _ask(data, region, None, lambda register: register.all())
    _show(found, as_json=as_json)
    today = local_day(SystemClock().now_ms())
    if any(hold.review_on <= today for hold in found):
        raise typer.Exit(1)


@holds_app.command("review")
def review_command(hold: HoldId, data: Data, region: Region, office: Office, as_json: AsJson = False) -> None:
    """Keep a hold for another year, after an official has looked at it."""
    from adapters.compose.parts import SystemClock

    now_ms = SystemClock().now_ms()
    with told(as_json=as_json):
        kept = _ask(data, region, office, lambda register: register.review(uuid_bytes(hold), now_ms))
    _show([kept], as_json=as_json)


@holds_app.command("lift")
def lift_command(hold: HoldId, data: Data, region: Region, office: Office, as_json: AsJson = False) -> None:
    """End a hold. What was kept back before is not sent now."""
    with told(as_json=as_json):
        _ask(data, region, office, lambda register: register.lift(uuid_bytes(hold)))


def _ask(data: Path, region: str, office: str | None, job: Callable[[HoldRegister], T]) -> T:
    from adapters.compose.folder import DataFolder
    from adapters.compose.hold_register import hold_register

    async def ask() -> T:
        decides = None if office is None else OfficeId(office)
        async with hold_register(DataFolder(data).region_settings(region), decides) as register:
            return job(register)

    return asyncio.run(ask())


def _identity(text: bytes) -> dict[str, str]:
    """The identity core; messages name fields and never what stands in them."""
    try:
        found = json.loads(text) if len(text) <= _MOST_BYTES else None
    except ValueError:
        found = None
    if not isinstance(found, dict) or set(found) != set(_FIELDS) or not all(isinstance(v, str) for v in found.values()):
        raise ContractError("REQUEST_MALFORMED", f"standard input is no JSON object of {', '.join(_FIELDS)}")
    return found


def _show(holds: list[Hold], *, as_json: bool) -> None:
    rows = [
        {
            "hold": uuid_text(hold.hold_id),
            "office": hold.office,
            "set_on": hold.set_on.isoformat(),
            "review_on": hold.review_on.isoformat(),
        }
        for hold in holds
    ]
    if as_json:
        say_json({"holds": rows})
        return
    table = listing("office", "set on", "review on", last="hold")
    for row in rows:
        table.add_row(row["office"], row["set_on"], row["review_on"], row["hold"])
    out.print(table)
