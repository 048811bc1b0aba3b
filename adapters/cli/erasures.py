"""`pprd erasures`: what has become of orders to erase, for the officer who answers for personal information.

Holders, times, counts and opaque ids of orders; never the record that an order is about, or whose time was over.
"""

from __future__ import annotations

import typer

from adapters.cli.dues import Ca, Data, Hub, Office, OneRegion
from adapters.cli.errors import err, out, say_json, told
from adapters.cli.options import AsJson

erasures_app = typer.Typer(
    help="Erasures by order and by the clock: which holders have not confirmed.", no_args_is_help=True
)


@erasures_app.callback()
def erasures() -> None:
    """Erasures by order and by the clock: which holders have not confirmed."""


@erasures_app.command("missing")
def missing_command(
    data: Data = None,
    hub: Hub = None,
    ca: Ca = None,
    office: Office = None,
    region: OneRegion = None,
    as_json: AsJson = False,
) -> None:
    """List who has not confirmed an erasure: holders of an order, then gateways of what ended by the clock."""
    from adapters.compose.dues import Asked
    from adapters.compose.erasures import list_missing

    asked = Asked(data, hub, ca, office, region)
    with told(as_json=as_json):
        found, ended = list_missing(asked)
    if as_json:
        say_json([*(one.to_json() for one in found), *(one.to_json() for one in ended)])
        return
    late = sum(one.is_overdue for one in found)
    err.print(f"{len(found)} confirmations are missing, {late} of them overdue", markup=False)
    for one in found:
        first, *rest = one.lines()
        out.print(first, markup=False, soft_wrap=True, style="bold")
        for line in rest:
            out.print(line, markup=False, soft_wrap=True)
    for region_ends in ended:
        out.print(region_ends.line(), markup=False, soft_wrap=True, style="bold")
