"""`pprd edition ...`: which editions of the contracts this release holds, and which the ledger has adopted."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import typer
from rich.table import Table

from adapters.cli.errors import out, say_json, told
from adapters.cli.options import AsJson, Data
from contracts.errors import ContractError
from contracts.instant import local_day

edition_app = typer.Typer(help="Editions of the contracts.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(min=1, help="Number of the edition.")]
Day = Annotated[str, typer.Option("--on", help="Day in Shanghai, YYYY-MM-DD; today or later.")]


@edition_app.command("list")
def list_command(data: Data, as_json: AsJson = False) -> None:
    """List the editions that this release holds and the terms that the ledger gives them."""
    from adapters.compose.folder import DataFolder
    from adapters.compose.parts import contracts_in_force
    from contracts.ids import LeafIndex
    from hub.directory import Directory

    with told(as_json=as_json):
        rules = contracts_in_force(is_sandbox=True)
        directory = Directory(rules.divisions)
        store = DataFolder(data).ledger()
        try:
            for index, entry in store.directory_entries(LeafIndex(0)):
                directory.apply_event(index, entry, rules.registry)
        finally:
            store.close()
    terms = directory.editions.terms()
    rows: list[dict[str, Any]] = []
    for number in sorted({*rules.editions, *terms}):
        term, mine = terms.get(number), rules.editions.get(number)
        rows.append(
            {
                "edition": number,
                "manifest": None if mine is None else mine.hex(),
                "is_adopted": term is not None and term.manifest_hash is not None,
                "from": None if term is None or term.from_ms == 0 else local_day(term.from_ms).isoformat(),
                "retired_on": None if term is None or term.to_ms is None else local_day(term.to_ms).isoformat(),
            }
        )
    if as_json:
        say_json(rows)
        return
    table = Table("edition", "adopted", "from", "retired on", box=None, pad_edge=False)
    table.add_column("manifest here", overflow="fold")
    for row in rows:
        since = row["from"] or ("the beginning" if row["is_adopted"] else "-")
        adopted = "yes" if row["is_adopted"] else "no"
        table.add_row(str(row["edition"]), adopted, since, row["retired_on"] or "-", row["manifest"] or "not here")
    out.print(table, soft_wrap=True)


@edition_app.command("adopt")
def adopt_command(edition: Number, data: Data, on: Day, as_json: AsJson = False) -> None:
    """Let new matters begin under an edition of this release from a day on."""
    from adapters.compose.directory_changes import adoption_of, record_all
    from adapters.compose.folder import DataFolder
    from adapters.compose.hub_program import opened_hub

    with told(as_json=as_json), opened_hub(DataFolder(data).hub_settings()) as application:
        indexes = record_all(application, [adoption_of(application, edition, _day(on))])
    _tell(f"edition {edition} adopted", indexes[0], as_json=as_json)


@edition_app.command("retire")
def retire_command(edition: Number, data: Data, on: Day, as_json: AsJson = False) -> None:
    """Let no new matter begin under an edition from a day on; those that began go on."""
    from adapters.compose.directory_changes import continuing, record_all
    from adapters.compose.folder import DataFolder
    from adapters.compose.hub_program import opened_hub

    with told(as_json=as_json), opened_hub(DataFolder(data).hub_settings()) as application:
        body = {"edition": edition, "retired_on": _day(on).isoformat()}
        indexes = record_all(application, [continuing(application, "EditionRetired", body)])
    _tell(f"edition {edition} retired", indexes[0], as_json=as_json)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ContractError("REQUEST_MALFORMED", "--on is no day, YYYY-MM-DD", field="on") from error


def _tell(what: str, index: int, *, as_json: bool) -> None:
    if as_json:
        say_json({"recorded": 1, "first_index": index})
    else:
        out.print(f"{what}, recorded at index {index}", markup=False)
