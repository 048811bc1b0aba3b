"""`pprd procedure route`: who is told of an event, under which mandate, with which fields; who is not, and why."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from adapters.cli.errors import out, say_json, told
from adapters.cli.options import AsJson, Hub
from adapters.cli.proofs import MaybeData
from contracts.profile import own_fields
from hub.route_explanation import Explanation, Told


def route_command(
    event: Annotated[str, typer.Argument(help="Id of a recorded event, or a file with an event's bytes or a draft.")],
    data: MaybeData = None,
    hub: Hub = None,
    as_json: AsJson = False,
) -> None:
    """Explain who is told of an event, and who is not."""
    from adapters.compose.routes import explain
    from adapters.compose.views import ledger_view

    with told(as_json=as_json):
        with ledger_view(data, hub) as view:
            found = explain(event, view)
        if as_json:
            say_json(_as_json(found))
        else:
            _show(found)
        if found.refusal is not None:
            raise found.refusal


def _as_json(found: Explanation) -> dict[str, Any]:
    return {
        "event": found.event,
        "procedure": found.procedure,
        "row": found.row,
        "from": found.source,
        "to": found.target,
        "told": [_told_json(one) for one in found.told],
        "not_told": [one._asdict() for one in found.not_told],
        "refused": None if found.refusal is None else found.refusal.code,
    }


def _told_json(one: Told) -> dict[str, Any]:
    mandate = one.mandate
    return {
        "office": one.office,
        "office_type": one.office_type,
        "region": one.region,
        "side": one.side,
        "point": one.point,
        "profile": one.profile,
        "fields": [] if one.profile is None else list(own_fields(one.profile)),
        "mandate": None if mandate is None else mandate.mandate.hex(),
        "purpose": None if mandate is None else mandate.purpose,
        "legal_basis": None if mandate is None else mandate.legal_basis,
        "replaces": one.replaces,
    }


def _show(found: Explanation) -> None:
    way = f"{found.source or 'the start'} to {found.target}"
    out.print(f"{found.event} of {found.procedure}: row {found.row}, from {way}", markup=False)
    out.print("Told:" if found.told else "Nobody is told.", markup=False)
    for one in found.told:
        row = _told_json(one)
        what = "the status only" if one.profile is None else f"{one.profile} ({', '.join(row['fields'])})"
        out.print(f"  {one.office} {one.office_type} of region {one.region}, {one.side}: {what}", markup=False)
        basis = f"mandate {row['mandate']} for {row['purpose']} under {row['legal_basis']}"
        place = f", in the place of {one.replaces}, which closed" if one.replaces else ""
        out.print(f"    through {one.point}, {basis}{place}", markup=False)
    if found.not_told:
        out.print("Not told:", markup=False)
    for left in found.not_told:
        out.print(f"  {left.who}: {left.reason}", markup=False)
