"""`pprd rights`: what a person is told of a record, of the rules, and of who corrected or erased it everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.dues import Ca, Data, Hub
from adapters.cli.errors import language, out, say_json, told
from adapters.cli.options import AsJson, Region, uuid_bytes
from adapters.cli.progress import entries_bar
from hub.extract_report import ExtractReport

rights_app = typer.Typer(
    help="Rights of the person concerned: what is held, under which rules, and whether every office has acted.",
    no_args_is_help=True,
)
Matter = Annotated[str, typer.Argument(help="Id of the record: the matter that the request is about.")]


@rights_app.command("extract")
def extract_command(matter: Matter, data: Data = None, hub: Hub = None, ca: Ca = None, as_json: AsJson = False) -> None:
    """Say in plain words what is held of a record, who got it, who opened it and until when it is kept.

    The answer to a request of kind ACCESS. The content itself stays sealed and is given by the offices that hold it.
    """
    report = _report(matter, data, hub, ca, as_json=as_json)
    _say(report.to_json(), report.lines(), as_json=as_json)


@rights_app.command("follow")
def follow_command(matter: Matter, data: Data = None, hub: Hub = None, ca: Ca = None, as_json: AsJson = False) -> None:
    """Follow requests and orders about a record to every office that holds it; exit 1 while one has not confirmed.

    Names too who got content after a request was sent out and so was never asked.
    """
    report = _report(matter, data, hub, ca, as_json=as_json)
    orders = report.extract.orders
    lines = (line for order in orders for line in report.order_lines(order))
    _say([report.order_json(order) for order in orders], lines, as_json=as_json)
    if any(order.missing or report.extract.not_asked(order) for order in orders):
        raise typer.Exit(1)


@rights_app.command("history")
def history_command(matter: Matter, data: Data = None, hub: Hub = None, ca: Ca = None) -> None:
    """Write the history of a permit as JSON for its holder to carry elsewhere: the answer to a request of kind PORT."""
    from adapters.compose.hold_register import check_not_held
    from hub.permit_history import permit_history

    report = _report(matter, data, hub, ca, as_json=True)
    with told(as_json=True):
        history = permit_history(report.extract)
        if data is not None:
            check_not_held(data, report.extract.matter.stream_id)
    say_json(history)


@rights_app.command("explain")
def explain_rules_command(
    procedure: Annotated[str, typer.Argument(help="Id of a procedure, for example RESIDENCE_PERMIT.")],
    region: Region,
    as_json: AsJson = False,
) -> None:
    """Explain a procedure in plain words: purposes, law, recipients, limits and retention, as a region has them."""
    from adapters.compose.extracts import explain_procedure

    with told(as_json=as_json):
        extract = explain_procedure(procedure, region, language())
    _say(extract.to_json(), extract.lines(), as_json=as_json)


def _report(matter: str, data: Path | None, hub: str | None, ca: Path | None, *, as_json: bool) -> ExtractReport:
    from adapters.compose.extracts import read_extract

    stream_id = uuid_bytes(matter)
    with told(as_json=as_json), entries_bar("reading", is_shown=not as_json) as progress:
        extract = read_extract(stream_id, data=data, hub=hub, ca=ca, progress=progress)
    return ExtractReport(extract, language())


def _say(value: object, lines: Iterable[str], *, as_json: bool) -> None:
    if as_json:
        say_json(value)
        return
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)
