"""`pprd ledger export`: write a ledger as files that any auditor can check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.errors import out, say_json, told
from adapters.cli.options import AsJson, Data
from adapters.cli.progress import entries_bar


def export_command(
    data: Data,
    to: Annotated[Path, typer.Option("--out", help="The folder: new, or an earlier export of this ledger.")],
    archive: Annotated[
        bool, typer.Option("--archive", help="Only a closed ledger whose end its witnesses have cosigned.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Export tiles, policy, history and a sample of receipts; again only what is new."""
    from adapters.compose.auditing import run_export
    from adapters.compose.folder import DataFolder
    from adapters.compose.ledger_end import check_archivable

    if archive:
        with told(as_json=as_json):
            check_archivable(DataFolder(data).hub_settings())
    with told(as_json=as_json), entries_bar("exporting", is_shown=not as_json) as progress:
        done = run_export(data, to, progress=progress)
    if as_json:
        say_json(
            {
                "out": str(to),
                "origin": done.origin,
                "size": done.size,
                "tiles_written": done.tiles,
                "checkpoints": done.checkpoints,
                "receipts": done.receipts,
            }
        )
        return
    out.print(
        f"{done.size} entries of {done.origin} are in {to}: {done.tiles} tiles written now,"
        f" {done.checkpoints} checkpoints, {done.receipts} receipts",
        markup=False,
    )
