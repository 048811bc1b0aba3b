"""`pprd emergency` and `pprd sealed-query`: how two other offices clear one opening without an open task (ADR 0054).

    pprd emergency ask EVENT --office O --profile NP-RES --approver A --approver B --ground LIFE --official ID
    pprd emergency approve MATTER --office A --official ID           (at each approver's region)
    pprd open EVENT --emergency MATTER --office O --profile NP-RES --role REGISTRAR --reason "..."
    pprd emergency note | end | told | withhold MATTER ...           (afterwards)

Each verb records one event of the clearance. None finds a record: what is asked for is named by its event.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from adapters.cli.errors import EXIT_CODES, out, say_json, told
from adapters.cli.options import AsJson, Data, Hub, Region, uuid_bytes
from adapters.cli.submitting import answer_row, show_answers
from adapters.region.draft import Draft, local_date
from adapters.region.gateway import RegionGateway
from contracts.ids import OfficeId, StreamId
from contracts.opening import load_opening_rules
from hub.submission import Outcome

Event = Annotated[str, typer.Argument(metavar="EVENT", help="The event that names the payload, known here.")]
Matter = Annotated[str, typer.Argument(metavar="MATTER", help="The clearance, as `ask` told it.")]
Office = Annotated[str, typer.Option(help="The office that acts.")]
Official = Annotated[str, typer.Option(help="Who answers for it: the office's own reference, an id.")]
Profile = Annotated[str, typer.Option(help="Which profile, for example NP-RES.")]
Approver = Annotated[list[str], typer.Option(help="An office that is asked; say it twice.")]
Ground = Annotated[str, typer.Option(help="LIFE or HEALTH; of a sealed record CASE_HANDLING or STATE_RULE.")]
Part = Annotated[int, typer.Option(min=1, help="Which payload of the profile, where there are several.")]

_Make = Callable[[RegionGateway], Draft]


def clearance_app(reason: str, provision: str, description: str) -> typer.Typer:
    """The verbs of one reason that stands in place of an open task.

    Args:
        reason: One of `contracts/rules/openings.toml`.
        provision: Of the law, if nothing else is said.
        description: Of the group.
    """
    app = typer.Typer(help=description, no_args_is_help=True)
    procedure = load_opening_rules().clearances[reason].procedure

    @app.command("ask")
    def ask(
        event_id: Event,
        data: Data,
        region: Region,
        office: Office,
        profile: Profile,
        approver: Approver,
        ground: Ground,
        official: Official,
        law: Annotated[str, typer.Option("--provision", help="The legal provision.")] = provision,
        part: Part = 1,
        hub: Hub = None,
        as_json: AsJson = False,
    ) -> None:
        """Ask two other offices to approve one opening of one payload."""

        def make(gateway: RegionGateway) -> Draft:
            ref = gateway.opener.payload(uuid_bytes(event_id), profile, part)
            body = {
                "opened_event": uuid_bytes(event_id),
                "ciphertext_hash": ref.ciphertext_hash,
                "provision": law,
                "ground": ground,
                "approvers": approver,
                "official": uuid_bytes(official),
            }
            return _draft(procedure, "OpeningAsked", office, None, body)

        _record(make, None, data, region, hub, as_json=as_json)

    def official_verb(name: str, event: str, sentence: str) -> None:
        def verb(
            matter: Matter,
            data: Data,
            region: Region,
            office: Office,
            official: Official,
            hub: Hub = None,
            as_json: AsJson = False,
        ) -> None:
            body = {"official": uuid_bytes(official)}
            _record_in(matter, procedure, event, office, body, data, region, hub, as_json=as_json)

        app.command(name, help=sentence)(verb)

    official_verb("approve", "OpeningApproved", "Approve, as one of the two offices that were asked.")
    official_verb("decline", "OpeningDeclined", "Decline, as one of the two offices that were asked: one no is enough.")
    if reason == "EMERGENCY":
        official_verb("note", "EmergencyNoted", "Take an opening up, as the officer for personal information.")
        _afterwards(app, procedure)
    return app


def _afterwards(app: typer.Typer, procedure: str) -> None:
    """What follows an emergency."""

    @app.command("end")
    def end(
        matter: Matter, data: Data, region: Region, office: Office, hub: Hub = None, as_json: AsJson = False
    ) -> None:
        """Say that the emergency is over."""
        _record_in(matter, procedure, "EmergencyEnded", office, {}, data, region, hub, as_json=as_json)

    @app.command("told")
    def told_person(
        matter: Matter,
        data: Data,
        region: Region,
        office: Office,
        official: Official,
        on: Annotated[str | None, typer.Option(help="The day, YYYY-MM-DD; today if not said.")] = None,
        hub: Hub = None,
        as_json: AsJson = False,
    ) -> None:
        """Say that the person was told of the opening."""
        day = local_date(_now_ms()) if on is None else date.fromisoformat(on).isoformat()
        body = {"told_on": day, "official": uuid_bytes(official)}
        _record_in(matter, procedure, "PersonTold", office, body, data, region, hub, as_json=as_json)

    @app.command("withhold")
    def withhold(
        matter: Matter,
        data: Data,
        region: Region,
        office: Office,
        official: Official,
        reason: Annotated[
            str, typer.Option(help="LAW_REQUIRES_SECRECY, DANGER_TO_PERSON, DANGER_TO_OTHERS or PERSON_DECEASED.")
        ],
        hub: Hub = None,
        as_json: AsJson = False,
    ) -> None:
        """Say that the person is not told of the opening, and why."""
        body = {"reason": reason, "official": uuid_bytes(official)}
        _record_in(matter, procedure, "TellingWithheld", office, body, data, region, hub, as_json=as_json)


def _record_in(
    matter: str,
    procedure: str,
    event: str,
    office: str,
    body: Mapping[str, Any],
    data: Path,
    region: str,
    hub: str | None,
    *,
    as_json: bool,
) -> None:
    """Record the next event of a clearance, after all that others have recorded in it."""
    stream_id = StreamId(uuid_bytes(matter))
    draft = _draft(procedure, event, office, stream_id, body)
    _record(lambda _: draft, stream_id, data, region, hub, as_json=as_json)


def _draft(procedure: str, event: str, office: str, stream_id: StreamId | None, body: Mapping[str, Any]) -> Draft:
    return Draft(procedure, event, OfficeId(office), _now_ms(), stream_id, body)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _record(
    make: _Make, stream_id: StreamId | None, data: Path, region: str, hub: str | None, *, as_json: bool
) -> None:
    async def send() -> dict[str, Any]:
        from adapters.compose.folder import DataFolder
        from adapters.compose.hub_program import reachable_hub
        from adapters.compose.region_program import connected_gateway

        folder = DataFolder(data)
        async with (
            reachable_hub(folder, hub) as address,
            connected_gateway(folder.region_settings(region, hub_address=address)) as gateway,
        ):
            if stream_id is not None:
                await gateway.streams.catch_up(stream_id)
            draft = make(gateway)
            answer: Awaitable[Any] = await gateway.send(draft)
            return answer_row(1, draft, await answer)

    with told(as_json=as_json):
        row = asyncio.run(send())
    if as_json:
        say_json(row)
    else:
        show_answers([row])
    if row["outcome"] == Outcome.REFUSED:
        raise typer.Exit(EXIT_CODES["rule"])
    if not as_json and stream_id is None:
        out.print(f"clearance {row['matter']}", markup=False)


emergency_app: Final = clearance_app(
    "EMERGENCY", "LB_PIPL_13_4", "Open a payload without a task to protect life or health, approved by two offices."
)
query_app: Final = clearance_app(
    "SEALED_QUERY", "LB_CPL_286", "Read a payload of a sealed record once, on a provision, approved by two offices."
)
