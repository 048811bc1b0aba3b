"""`pprd reconcile export|compare`: two regions compare the matters between them, and show none.

Exit codes of `compare`: 0 both hold the same, 1 they disagree, 3 or 4 a file cannot be used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.errors import out, say_json, told
from adapters.cli.options import AsJson, Region
from adapters.cli.receipts import read_file
from contracts.ids import REGIONS, RegionCode

reconcile_app = typer.Typer(help="Matters between two regions, compared without content.", no_args_is_help=True)


@reconcile_app.command("export")
def export_side_command(
    region: Region,
    other: Annotated[str, typer.Option("--with", help="The other region, two digits.")],
    inbox: Annotated[Path, typer.Option("--inbox", help="The region's region.sqlite.", dir_okay=False)],
    to: Annotated[Path, typer.Option("--out", help="The file to write.")],
    as_json: AsJson = False,
) -> None:
    """Write counters, places and hashes of what this region holds of the matters between the two."""
    from adapters.compose.reconciling import side_of
    from hub.reconciliation import format_side

    if other not in REGIONS or other == region:
        raise typer.BadParameter("not another region", param_hint="--with")
    with told(as_json=as_json):
        side = side_of(inbox, RegionCode(region), RegionCode(other))
        to.write_bytes(format_side(side))
    if as_json:
        say_json({"file": str(to), "matters": len(side.matters), "through": side.through})
    else:
        out.print(f"{to}: {len(side.matters)} matters of {region} with {other}", markup=False)


@reconcile_app.command("compare")
def compare_command(
    one: Annotated[Path, typer.Argument(help="The file of one side.")],
    two: Annotated[Path, typer.Argument(help="The file of the other.")],
    as_json: AsJson = False,
) -> None:
    """Compare two files and name the first event that does not agree."""
    from hub.reconciliation import parse_side, reconcile

    with told(as_json=as_json):
        found = reconcile(parse_side(read_file(one)), parse_side(read_file(two)))
    if as_json:
        say_json({"matters": found.matters, "events": found.events})
    else:
        out.print(f"{found.matters} matters, {found.events} events held by both, none disagrees", style="bold green")
