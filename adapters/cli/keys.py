"""`pprd keys ...`: keys and certificates of machines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from adapters.cli.errors import out, say_json, told
from adapters.cli.options import AsJson

Days = Annotated[int, typer.Option(help="How long it holds.")]
EARLY_DAYS = 30


def ca_command(
    folder: Annotated[Path, typer.Argument(help="New folder for ca.pem and ca.key.")],
    name: Annotated[str, typer.Option(help="Common name, for people.")] = "pprd development authority",
    days: Days = 3650,
    as_json: AsJson = False,
) -> None:
    """Make an authority of one's own; in live use a licensed one signs the same names."""
    from adapters.keys.certificates import Validity, make_authority, now

    with told(as_json=as_json):
        path = make_authority(folder, name, Validity.of_days(days, now()))
    _made(path, as_json=as_json)


def cert_command(
    name: Annotated[str, typer.Argument(help="Name of the files: NAME.pem and NAME.key.")],
    authority: Annotated[Path, typer.Option("--ca", help="Folder of `pprd keys ca`.")],
    to: Annotated[Path, typer.Option("--out", help="Folder for the two files.")],
    uri: Annotated[
        list[str] | None,
        typer.Option(help="Who it is: pprd://region/44, pprd://region/44/point/44-node, …/office/ID, pprd://auditor."),
    ] = None,
    host: Annotated[list[str] | None, typer.Option(help="Name or address under which a server is reached.")] = None,
    days: Days = 365,
    as_json: AsJson = False,
) -> None:
    """Sign a certificate: for a hub with --host, for a region or auditor with --uri."""
    from adapters.keys.certificates import Validity, issue, now

    with told(as_json=as_json):
        validity = Validity.of_days(days, now())
        path = issue(authority, to, name, uris=uri or (), hosts=host or (), validity=validity)
    _made(path, as_json=as_json)


def ends_command(
    files: Annotated[list[Path], typer.Argument(help="Certificates, PEM.")], as_json: AsJson = False
) -> None:
    """Say how long certificates hold; exit 1 if one holds less than 30 days."""
    from adapters.keys.certificates import ends_at, now

    with told(as_json=as_json):
        ends = [(path, ends_at(path)) for path in files]
    rows = [(path, end, (end - now()).days) for path, end in ends]
    if as_json:
        say_json({"certificates": [{"file": str(p), "ends": e.isoformat(), "days": d} for p, e, d in rows]})
    else:
        table = Table("certificate", "ends", "days left")
        for path, end, days in rows:
            table.add_row(str(path), end.isoformat(timespec="minutes"), str(days))
        out.print(table)
    if any(days < EARLY_DAYS for _, _, days in rows):
        raise typer.Exit(1)


def _made(path: Path, *, as_json: bool) -> None:
    if as_json:
        say_json({"certificate": str(path)})
    else:
        out.print(f"{path} is made; its key is beside it and never leaves this machine.", markup=False)
