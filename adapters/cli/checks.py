"""`pprd ledger fsck` and `pprd ledger repair`: what is kept beside the entries, compared with them and written again.

Exit codes: 0 everything is as it follows (or was repaired), 1 something is not, 4 the ledger cannot be found or read.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adapters.cli.errors import out, say_json, told
from adapters.cli.options import AsJson, Data
from adapters.cli.progress import entries_bar

if TYPE_CHECKING:
    from adapters.compose.checking import Checked

Export = Annotated[Path | None, typer.Option("--export", help="An export of this ledger, to be compared too.")]


def fsck_command(data: Data, export: Export = None, as_json: AsJson = False) -> None:
    """Derive every tile, checkpoint, head and table again and name each one that differs."""
    from adapters.compose.checking import check_ledger

    with told(as_json=as_json), entries_bar("deriving", is_shown=not as_json) as progress:
        checked = check_ledger(data, export, progress=progress)
    _show(checked, as_json=as_json)
    if checked.count:
        raise typer.Exit(1)


def repair_command(data: Data, export: Export = None, as_json: AsJson = False) -> None:
    """Write again what fsck names. Entries are never touched; they must lead to the signed root. Stop the hub first."""
    from adapters.compose.checking import check_ledger, repair_ledger

    with told(as_json=as_json), entries_bar("deriving", is_shown=not as_json) as progress:
        before = repair_ledger(data, export, progress=progress)
        after = check_ledger(data, export, progress=progress)
    _show(after, as_json=as_json, repaired=before.repaired, found=before.count)
    if after.count:
        raise typer.Exit(1)


def _show(checked: Checked, *, as_json: bool, repaired: int | None = None, found: int | None = None) -> None:
    if as_json:
        rows = [
            {"place": one.place, "expected": one.expected, "found": one.found, "repairable": one.is_repairable}
            for one in checked.damages
        ]
        more = {} if repaired is None else {"repaired": repaired, "found_before": found}
        say_json({"size": checked.size, "damages": checked.count, "listed": rows, **more})
        return
    for one in checked.damages:
        out.print(str(one), markup=False, soft_wrap=True)
    if repaired is not None:
        out.print(f"{found} damages were found, {repaired} tables and files written again", markup=False)
    out.print(f"{checked.size} entries, {checked.count} damages", style="bold red" if checked.count else "bold green")
