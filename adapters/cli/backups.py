"""`pprd backup`: a copy of a hub's ledger that holds no key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.errors import out, say_json, told
from adapters.cli.options import AsJson, Data
from adapters.cli.progress import entries_bar


def backup_command(
    data: Data,
    to: Annotated[Path, typer.Option("--out", file_okay=False, help="A new folder.")],
    as_json: AsJson = False,
) -> None:
    """Copy ledger and ciphertext as of one commit, while the hub goes on: no wrapped key, no key file.

    RESTORE.md in the folder tells how it is checked, restored and destroyed.
    """
    from adapters.compose.backups import run_backup

    with told(as_json=as_json), entries_bar("copying", is_shown=not as_json) as progress:
        done = run_backup(data, to, progress=progress)
    if as_json:
        say_json({"out": str(to), **done._asdict()})
        return
    out.print(
        f"{done.size} entries of {done.origin} are in {to}, without keys; RESTORE.md says what to do", markup=False
    )
