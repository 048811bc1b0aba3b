"""`pprd offices ...`: an office, who serves a place, what passes when one closes; offices from a file."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adapters.cli.errors import listing, out, say_json, told
from adapters.cli.options import AsJson, Data, uuid_text
from contracts.errors import ContractError, RuleError
from contracts.ids import OfficeId
from contracts.instant import DAY_MS, day_start_ms

if TYPE_CHECKING:
    from hub.directory import Office

offices_app = typer.Typer(help="The offices of the directory.", no_args_is_help=True)

On = Annotated[str | None, typer.Option("--on", help="A day, YYYY-MM-DD; today if not given.")]


@offices_app.command("show")
def show_command(office: Annotated[str, typer.Argument(help="Its id.")], data: Data, as_json: AsJson = False) -> None:
    """Show one office: what it serves, its key and until when that is used, who follows it."""
    from adapters.compose.directory_view import recorded_directory
    from adapters.compose.folder import DataFolder

    with told(as_json=as_json):
        found = recorded_directory(DataFolder(data)).office(office)
        if found is None:
            raise RuleError("OFFICE_UNKNOWN", "the directory has no office with this id", field="office")
    _tell(_row(found), as_json=as_json)


@offices_app.command("serving")
def serving_command(
    office_type: Annotated[str, typer.Argument(help="Type of the office, for example JUDICIAL_OFFICE.")],
    place: Annotated[str, typer.Argument(help="Twelve digits of a place of any level, or six of a county.")],
    data: Data,
    on: On = None,
    as_json: AsJson = False,
) -> None:
    """Say which office serves a place: the closest area wins; a former code leads to what replaced it."""
    from adapters.compose.directory_view import recorded_directory
    from adapters.compose.folder import DataFolder

    with told(as_json=as_json):
        directory = recorded_directory(DataFolder(data))
        code = place if len(place) == 12 else f"{place}000000"
        if directory.divisions.last(code) is None:
            raise RuleError("DIVISION_UNKNOWN", "no division has or had this code", field="place")
        found = directory.serving(office_type, code, at_ms(on))
        if found is None:
            raise RuleError("NOT_FOUND", "no open office of this type serves this place", field="place")
    _tell(_row(found), as_json=as_json)


@offices_app.command("handover")
def handover_command(
    office: Annotated[str, typer.Option("--office", help="Its id.")], data: Data, as_json: AsJson = False
) -> None:
    """List the open matters that passed when an office closed, derived from the ledger; of an open one, what would."""
    from adapters.compose.directory_view import derived_handover
    from adapters.compose.folder import DataFolder

    with told(as_json=as_json):
        found = derived_handover(DataFolder(data), OfficeId(office))
    rows = [
        {
            "matter": uuid_text(row.stream_id),
            "kind": row.procedure,
            "side": row.side,
            "state": row.state,
            "due": None if row.due_ms is None else datetime.fromtimestamp(row.due_ms / 1000, UTC).isoformat(),
        }
        for row in found.matters
    ]
    if as_json:
        head = {"office": found.office, "closed_at": found.closed_at, "successor": found.successor}
        say_json(head | {"matters": rows})
        return
    table = listing("kind", "side", "state", "due", last="matter")
    for row in rows:
        table.add_row(*(str(row[name] or "-") for name in ("kind", "side", "state", "due", "matter")))
    out.print(table)
    what = "would pass" if found.closed_at is None else f"passed at entry {found.closed_at}"
    out.print(f"{len(rows)} open matters {what} to {found.successor or 'who serves the county'}", markup=False)


@offices_app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="CSV: office,region,type,point,areas,public_key,uscc.")],
    data: Data,
    as_json: AsJson = False,
) -> None:
    """Register the offices of a CSV file: all of them, or every mistake is told and nothing is recorded."""
    from adapters.compose.directory_import import read_offices

    with told(as_json=as_json):
        count = import_lines(file, data, read_offices)
    _tell({"recorded": count}, as_json=as_json)


@offices_app.command("change")
def change_command(
    office: Annotated[str, typer.Argument(help="Its id.")],
    data: Data,
    point: Annotated[str | None, typer.Option(help="Delivery point that serves it from now on.")] = None,
    areas: Annotated[str | None, typer.Option(help="Division codes that it serves from now on, joined by `;`.")] = None,
    public_key: Annotated[str | None, typer.Option(help="Its new public key of any suite, in hex digits.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change what an office serves, its point or its key; what is not named stays."""
    from contracts.suite import office_key

    with told(as_json=as_json):
        raw = None if public_key is None else _public_key(public_key)
        body = {
            "office": office,
            "point": point,
            "areas": None if areas is None else [area for area in areas.split(";") if area],
            "key": None if raw is None else office_key(raw),
        }
        index = _continue(data, "OfficeChanged", body)
    _tell({"recorded": 1, "index": index}, as_json=as_json)


@offices_app.command("revoke-key")
def revoke_key_command(
    office: Annotated[str, typer.Argument(help="Its id.")],
    data: Data,
    key_id: Annotated[str, typer.Option(help="Id of its key, 16 hex digits, as `pprd offices show` tells it.")],
    reason: Annotated[str, typer.Option(help="REPLACED, LOST or COMPROMISED.")],
    as_json: AsJson = False,
) -> None:
    """Revoke the key of an office: it gets no content until it has a new one."""
    with told(as_json=as_json):
        raw = bytes.fromhex(key_id) if _is_hex(key_id, 16) else b""
        index = _continue(data, "OfficeKeyRevoked", {"office": office, "key_id": raw, "reason": reason})
    _tell({"recorded": 1, "index": index}, as_json=as_json)


def _continue(data: Path, event_type: str, body: dict[str, Any]) -> int:
    from adapters.compose.directory_changes import continuing, record_all
    from adapters.compose.folder import DataFolder
    from adapters.compose.hub_program import opened_hub

    with opened_hub(DataFolder(data).hub_settings()) as application:
        (index,) = record_all(application, [continuing(application, event_type, body)])
    return index


def _public_key(text: str) -> bytes:
    if not _is_hex(text, 64):
        raise ContractError("REGISTER_MALFORMED", "a public key is 64 hex digits", field="public_key")
    return bytes.fromhex(text)


def _is_hex(text: str, digits: int) -> bool:
    return len(text) == digits and set(text) <= set("0123456789abcdefABCDEF")


def import_lines(file: Path, data: Path, read: Any) -> int:
    """Record the drafts of a file, all of them or none.

    Args:
        file: CSV.
        data: The data folder.
        read: Reads the file into lines and mistakes.

    Raises:
        ContractError: REGISTER_MALFORMED, with every mistake.
    """
    from adapters.compose.directory_changes import record_checked
    from adapters.compose.directory_import import check, refuse
    from adapters.compose.folder import DataFolder
    from adapters.compose.hub_program import opened_hub

    lines, mistakes = read(file)
    with opened_hub(DataFolder(data).hub_settings()) as application:
        refuse(file, [*mistakes, *check(application, lines)])
        return len(record_checked(application, [line.draft for line in lines]))


def at_ms(day: str | None) -> int:
    """Noon in Shanghai of a day that a person typed; now if none was.

    Raises:
        ContractError: REQUEST_MALFORMED.
    """
    if day is None:
        return int(datetime.now(UTC).timestamp() * 1000)
    try:
        return day_start_ms(date.fromisoformat(day)) + DAY_MS // 2
    except ValueError as error:
        raise ContractError("REQUEST_MALFORMED", "this is no day YYYY-MM-DD", field="on") from error


def _row(office: Office) -> dict[str, Any]:
    return {
        "office": office.office,
        "region": office.region,
        "type": office.office_type.value,
        "point": office.point,
        "areas": list(office.areas),
        "key_id": office.key.key_id.hex(),
        "key_used_until": office.key.until.isoformat() if office.key.revoked_at is None else None,
        "registered_at": office.registered_at,
        "closed_at": office.closed_at,
        "successor": office.successor,
    }


def _tell(row: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        say_json(row)
        return
    for name, value in row.items():
        shown = " ".join(value) if isinstance(value, list) else "-" if value is None else str(value)
        out.print(f"{name:15} {shown}", markup=False)
