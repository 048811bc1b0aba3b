"""`pprd ledger close`: the last event of a ledger.

After it the hub records nothing more: each submission and each opening is refused with LEDGER_CLOSED; reading goes on.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from adapters.cli.errors import out, say_json, told
from adapters.cli.options import AsJson, Data


class OpenMatters(StrEnum):
    """What becomes of matters that have not come to an end."""

    REFUSE = "refuse"
    CARRY = "carry"


class HeldContent(StrEnum):
    """What becomes of sealed payloads that the hub holds."""

    REFUSE = "refuse"
    DESTROY = "destroy"


def close_command(
    data: Data,
    successor: Annotated[str | None, typer.Option(help="Origin of the ledger that goes on, if it is known.")] = None,
    open_matters: Annotated[
        OpenMatters,
        typer.Option(help="carry: close although matters are open; their offices begin them anew in the successor."),
    ] = OpenMatters.REFUSE,
    content: Annotated[
        HeldContent, typer.Option(help="destroy: close although payloads are held, and destroy them for good.")
    ] = HeldContent.REFUSE,
    as_json: AsJson = False,
) -> None:
    """Close the ledger of a hub that does not run, for ever: what time did, the last heads, and the end are recorded.

    Nothing moves to another ledger by itself. Let the last edition retire first (`pprd edition retire`), so that no new
    matters begin, and close when the open ones and their retention are over. Then start the hub until its witnesses
    have cosigned the end, and keep `pprd ledger export --archive`.
    """
    from adapters.compose.folder import DataFolder
    from adapters.compose.ledger_end import close_ledger

    with told(as_json=as_json):
        closed = close_ledger(
            DataFolder(data).hub_settings(),
            carries=open_matters is OpenMatters.CARRY,
            destroys=content is HeldContent.DESTROY,
            successor=successor,
        )
    end = closed.predecessor
    if as_json:
        row = {"origin": end.origin, "size": end.size, "root": end.root.hex(), "successor": closed.successor}
        say_json(row | {"open_matters": closed.open_matters, "destroyed": closed.destroyed})
        return
    out.print(f"{end.origin} is closed: {end.size} entries, root {end.root.hex()}", markup=False, soft_wrap=True)
    out.print(f"{closed.open_matters} matters were open, {closed.destroyed} payloads were destroyed", markup=False)
