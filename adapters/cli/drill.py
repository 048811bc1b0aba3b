"""`pprd drill`: a hub that lies in every way that we know of, and who notices. Exit 0 only if every lie was caught."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adapters.cli.errors import err, out, say_json, told
from adapters.cli.options import AsJson

if TYPE_CHECKING:
    from adapters.drill.run import Drilled

EXIT_MISSED = 1


def drill_command(
    evidence: Annotated[
        Path | None, typer.Option("--evidence", help="A folder to keep the evidence files in.", file_okay=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play every lie of a hub on this machine, with real programs, and check who noticed it and what he can show.

    Nothing is left behind but, with --evidence, the files; all of it is synthetic, under a ledger of its own.
    """
    from adapters.cli.evidence import write_files
    from adapters.drill.run import LIES, run_drill
    from adapters.logs import configure_logs
    from ledger.evidence_file import parse_evidence

    def progress(done: int, name: str) -> None:
        if not as_json:
            err.print(f"{done + 1:2} of {len(LIES)} {name}", markup=False)

    with told(as_json=as_json):
        configure_logs(program="drill", to=Path(os.devnull))
        drilled = run_drill(progress)
        if evidence is not None:
            for row in drilled.rows:
                files = [(parse_evidence(file).claim, file) for file in row.files]
                write_files(evidence, row.role.replace(" ", "-").replace("'", ""), files)
    if as_json:
        rows = [row.to_json() for row in drilled.rows]
        figures = {"seconds": round(drilled.seconds, 1), "missed": drilled.missed, "vkey": drilled.vkey}
        say_json(figures | {"rows": rows})
    else:
        _show(drilled)
        if evidence is not None:
            out.print(f"Files in {evidence}, under the key {drilled.vkey}", markup=False, soft_wrap=True)
    if drilled.missed:
        raise typer.Exit(EXIT_MISSED)


def _show(drilled: Drilled) -> None:
    """Write each lie, and below it who noticed it and what he can show."""
    said = ""
    for row in drilled.rows:
        if row.lie != said:
            said = row.lie
            out.print(said, markup=False, style="bold")
        shown = (row.expected or "no file") if row.is_caught else "MISSED"
        style = "" if row.is_caught else "bold red"
        out.print(f"  {row.role:18} {shown:19} {row.proves}", markup=False, style=style, soft_wrap=True)
    caught = len(drilled.rows) - drilled.missed
    style = "bold red" if drilled.missed else "bold green"
    out.print(f"{caught} of {len(drilled.rows)} caught in {drilled.seconds:.1f} s", style=style)
