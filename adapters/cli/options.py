"""The options that many verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from contracts.ids import REGIONS


def _region(value: str) -> str:
    if value not in REGIONS:
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(REGIONS)}")
    return value


def uuid_bytes(value: str) -> bytes:
    """Read an id that a person typed: a UUID, with hyphens or without.

    Raises:
        BadParameter: It is none.
    """
    try:
        return UUID(value).bytes
    except ValueError as error:
        raise typer.BadParameter(f"{value!r} is no id: 32 hex digits, hyphens allowed") from error


def uuid_text(value: bytes) -> str:
    """Write an id as people read it."""
    return str(UUID(bytes=value))


Data = Annotated[Path, typer.Option("--data", help="The data folder.", envvar="PPRD_DATA", file_okay=False)]
"""The data folder."""
Region = Annotated[str, typer.Option("--region", help="Two digits of GB/T 2260.", callback=_region)]
"""One of the eleven regions."""
Hub = Annotated[
    str | None, typer.Option("--hub", help="HOST:PORT of a running hub; else as the folder's settings say.")
]
"""Where the hub listens."""
Nats = Annotated[str | None, typer.Option("--nats", help="nats://HOST:PORT of the broker.")]
"""Where the broker listens."""
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for machines.")]
"""Whether a machine reads."""
