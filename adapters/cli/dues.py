"""`pprd overdue`, `pprd due`, `pprd explain`: what should have been done, what will have to be, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.errors import err, out, say_json, told
from adapters.cli.options import AsJson, uuid_bytes
from contracts.ids import REGIONS
from hub.due_report import DueReport


def _region(value: str | None) -> str | None:
    if value is not None and value not in REGIONS:
        raise typer.BadParameter(f"a region is one of {', '.join(REGIONS)}")
    return value


Data = Annotated[Path | None, typer.Option("--data", help="A data folder.", envvar="PPRD_DATA", file_okay=False)]
Hub = Annotated[str | None, typer.Option("--hub", help="HOST:PORT of a running hub, whose ledger is audited first.")]
Ca = Annotated[Path | None, typer.Option(help="PEM of who may have signed the hub's certificate.")]
Office = Annotated[str | None, typer.Option(help="Only this office's.")]
OneRegion = Annotated[str | None, typer.Option("--region", help="Only this region's.", callback=_region)]
Rule = Annotated[str | None, typer.Option(help="Only this rule's, for example R-COR-3.")]


def overdue_command(
    data: Data = None,
    hub: Hub = None,
    ca: Ca = None,
    office: Office = None,
    region: OneRegion = None,
    rule: Rule = None,
    as_json: AsJson = False,
) -> None:
    """List the duties of offices that are open and past due, with the events and rules that make them so."""
    from adapters.compose.dues import Asked, list_overdue

    with told(as_json=as_json):
        found = list_overdue(Asked(data, hub, ca, office, region, rule))
    _show(found, f"{len(found)} duties are overdue", as_json=as_json)


def due_command(
    data: Data = None,
    hub: Hub = None,
    ca: Ca = None,
    days: Annotated[int, typer.Option(min=1, max=3660, help="How many days ahead.")] = 7,
    office: Office = None,
    region: OneRegion = None,
    rule: Rule = None,
    as_json: AsJson = False,
) -> None:
    """List what falls due in the next days, and which persons an office has to remind in them."""
    from adapters.compose.dues import Asked, list_due

    with told(as_json=as_json):
        found = list_due(Asked(data, hub, ca, office, region, rule), days)
    _show(found, f"{len(found)} limits or reminders in the next {days} days", as_json=as_json)


def explain_command(
    matter: Annotated[str, typer.Argument(help="Id of the matter.")],
    data: Data = None,
    hub: Hub = None,
    ca: Ca = None,
    as_json: AsJson = False,
) -> None:
    """Say which limits run in a matter, until when, and why."""
    from adapters.compose.dues import Asked, list_running

    with told(as_json=as_json):
        found = list_running(Asked(data, hub, ca, matter=uuid_bytes(matter)))
    _show(found, f"{len(found)} limits run", as_json=as_json)


def _show(found: list[DueReport], title: str, *, as_json: bool) -> None:
    if as_json:
        say_json([report.to_json() for report in found])
        return
    err.print(title, markup=False)
    for report in found:
        first, *rest = report.lines()
        out.print(first, markup=False, soft_wrap=True, style="bold")
        for line in rest:
            out.print(line, markup=False, soft_wrap=True)
