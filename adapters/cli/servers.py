"""`pprd hub serve`, `pprd relay serve`, `pprd region serve`: programs that run until they are asked to end."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.errors import out, say_json, told
from adapters.cli.options import AsJson, Data, Hub, Nats, Region
from adapters.compose.folder import DataFolder
from adapters.compose.running import until_told
from adapters.logs import configure_logs

Timers = Annotated[float, typer.Option("--timers-every", min=0.1, help="Seconds between two looks at what time did.")]
LogFile = Annotated[Path | None, typer.Option("--log", help="Write the log here; standard error if not given.")]


def serve_hub(
    data: Data,
    listen: Annotated[str | None, typer.Option(help="HOST:PORT; port 0 takes a free one.")] = None,
    timers_every: Timers = 60.0,
    log: LogFile = None,
    as_json: AsJson = False,
) -> None:
    """Run the hub of a data folder until SIGINT or SIGTERM."""

    async def run() -> None:
        from adapters.compose.hub_program import HubProgram

        settings = DataFolder(data).hub_settings(listen=listen)
        async with HubProgram(settings, timers_seconds=timers_every) as hub:
            say_ready("hub", hub.address, as_json=as_json)
            await until_told(asyncio.Event(), hub.failed())

    with told(as_json=as_json):
        configure_logs(program="hub", to=log)
        asyncio.run(run())


def serve_relay(data: Data, nats: Nats, log: LogFile = None, as_json: AsJson = False) -> None:
    """Run the relay of a data folder until SIGINT or SIGTERM."""

    async def run() -> None:
        from adapters.compose.relay_program import RelayProgram

        settings = DataFolder(data).relay_settings(nats_url=nats)
        async with RelayProgram(settings) as relay:
            say_ready("relay", nats or "", as_json=as_json)
            await until_told(asyncio.Event(), relay.failed())

    with told(as_json=as_json):
        configure_logs(program="relay", to=log)
        asyncio.run(run())


def serve_region(
    data: Data,
    region: Region,
    hub: Hub = None,
    nats: Nats = None,
    log: LogFile = None,
    as_json: AsJson = False,
) -> None:
    """Run a region's gateway and inbox until SIGINT or SIGTERM."""

    async def run() -> None:
        from adapters.compose.region_program import RegionProgram

        settings = DataFolder(data).region_settings(region, hub_address=hub, nats_url=nats)
        async with RegionProgram(settings) as program:
            say_ready(f"region {region}", settings.hub_address, as_json=as_json)
            await until_told(asyncio.Event(), program.failed())

    with told(as_json=as_json):
        configure_logs(program=f"region-{region}", to=log)
        asyncio.run(run())


def say_ready(program: str, address: str, *, as_json: bool) -> None:
    """Say that a program runs and where."""
    if as_json:
        say_json({"ready": program, "address": address, "pid": os.getpid()})
    else:
        out.print(f"{program} is ready at {address}; end it with Ctrl-C", markup=False)
