"""`pprd rights`: what a person is told of a record, of the rules, and of who corrected or erased it everywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.dues import Ca, Data, Hub
from adapters.cli.errors import language, out, say_json, told
from adapters.cli.openings import Approver, Officer, Reason, typed_reader
from adapters.cli.options import AsJson, Region, uuid_bytes
from adapters.cli.progress import entries_bar
from adapters.region.json_value import to_json
from adapters.region.opening import Reader, Reading
from contracts.ids import StreamId
from hub.extract_report import ExtractReport

rights_app = typer.Typer(
    help="Rights of the person concerned: what is held, under which rules, and whether every office has acted.",
    no_args_is_help=True,
)
Matter = Annotated[str, typer.Argument(help="Id of the record: the matter that the request is about.")]


@rights_app.command("extract")
def extract_command(
    matter: Matter,
    data: Data = None,
    hub: Hub = None,
    ca: Ca = None,
    request: Annotated[
        str | None, typer.Option(help="Add the content, opened under this request; with the options below.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="Whose gateway opens, two digits.")] = None,
    office: Annotated[str | None, typer.Option(help="The office that the request asks for a copy.")] = None,
    role: Annotated[str | None, typer.Option(help="In which role, for example REGISTRAR.")] = None,
    reason: Reason = "办理权利请求",
    officer: Officer = None,
    approver: Approver = None,
    as_json: AsJson = False,
) -> None:
    """Say in plain words what is held of a record, who got it, who opened it and until when it is kept.

    The answer to a request of kind ACCESS. The content itself is given by the offices that hold it: with --request, an
    office opens what it holds of the record, each payload recorded before it is shown, and adds it.
    """
    readings: list[Reading] = []
    if request is not None:
        if data is None or region is None or office is None or role is None:
            raise typer.BadParameter("say --data, --region, --office and --role with it", param_hint="--request")
        reader = replace(
            typed_reader(office, role, reason, officer, approver),
            reason="RIGHTS_REQUEST",
            clearance=StreamId(uuid_bytes(request)),
        )
        readings = _opened(matter, reader, data, region, hub, as_json=as_json)
    report = _report(matter, data, hub, ca, as_json=as_json)
    content = [{"profile": one.profile, "index": one.access_index, "content": to_json(one.content)} for one in readings]
    _say(report.to_json() | ({"given": content} if readings else {}), report.lines(), as_json=as_json)
    if not as_json:
        for given in content:
            out.print(f"{given['profile']}, opening recorded at index {given['index']}", markup=False)
            out.print_json(data=given["content"])


def _opened(matter: str, reader: Reader, data: Path, region: str, hub: str | None, *, as_json: bool) -> list[Reading]:
    """What an office holds of a record, opened under a request."""

    async def read() -> list[Reading]:
        from adapters.compose.folder import DataFolder
        from adapters.compose.hub_program import reachable_hub
        from adapters.compose.region_program import connected_gateway

        folder = DataFolder(data)
        async with (
            reachable_hub(folder, hub) as address,
            connected_gateway(folder.region_settings(region, hub_address=address)) as gateway,
        ):
            return await gateway.open_record(StreamId(uuid_bytes(matter)), reader)

    with told(as_json=as_json):
        return asyncio.run(read())


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
