"""`pprd drill`: a hub that lies in every way that we know of, and who notices. Exit 0 only if every lie was caught."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.errors import err, listing, out, say_json, told
from adapters.cli.options import AsJson

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
        configure_logs(program="drill", to=Path("/dev/null"))
        rows, seconds = run_drill(progress)
        if evidence is not None:
            for row in rows:
                files = [(parse_evidence(file).claim, file) for file in row.files]
                write_files(evidence, row.role.replace(" ", "-").replace("'", ""), files)
    missed = [row for row in rows if not row.is_caught]
    if as_json:
        say_json({"seconds": round(seconds, 1), "missed": len(missed), "rows": [row.to_json() for row in rows]})
    else:
        table = listing("lie", "who notices", "code", "evidence", last="what it proves")
        for row in rows:
            shown = row.expected or "-"
            table.add_row(row.lie, row.role, row.code or "MISSED", shown if row.is_caught else "MISSED", row.proves)
        out.print(table)
        style = "bold red" if missed else "bold green"
        out.print(f"{len(rows) - len(missed)} of {len(rows)} caught in {seconds:.1f} s", style=style)
    if missed:
        raise typer.Exit(EXIT_MISSED)
