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
    publish: Annotated[str | None, typer.Option(help="HOST:PORT: publish the ledger over HTTP there.")] = None,
    timers_every: Timers = 60.0,
    log: LogFile = None,
    as_json: AsJson = False,
) -> None:
    """Run the hub of a data folder until SIGINT or SIGTERM."""

    async def run() -> None:
        from adapters.compose.hub_program import HubProgram

        settings = DataFolder(data).hub_settings(listen=listen, publish=publish)
        async with HubProgram(settings, timers_seconds=timers_every) as hub:
            published = {"published": hub.published_at} if hub.published_at else {}
            say_ready("hub", hub.address, as_json=as_json, **published)
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


def serve_ledger(
    source: Annotated[Path, typer.Argument(help="A data folder, whose hub may run, or an exported folder.")],
    listen: Annotated[str, typer.Option(help="HOST:PORT; port 0 takes a free one.")] = "127.0.0.1:0",
    policy: Annotated[
        Path | None, typer.Option(help="Policy file: show the newest checkpoint that reached its quorum.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain, PEM; needed beyond this machine.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key, PEM.")] = None,
    log: LogFile = None,
    as_json: AsJson = False,
) -> None:
    """Publish a ledger over HTTP until SIGINT or SIGTERM: checkpoint, tiles, entries."""

    async def run() -> None:
        from adapters.compose.publishing import LedgerProgram
        from adapters.settings import PublishSettings

        settings = PublishSettings.load(
            None, source=source, listen=listen, witness_policy=policy, tls_cert=tls_cert, tls_key=tls_key
        )
        async with LedgerProgram(settings) as program:
            scheme = "http" if tls_cert is None else "https"
            say_ready("ledger", f"{scheme}://{program.address}", as_json=as_json)
            await until_told(asyncio.Event(), program.failed())

    with told(as_json=as_json):
        configure_logs(program="ledger", to=log)
        asyncio.run(run())


def say_ready(program: str, address: str, *, as_json: bool, **more: str) -> None:
    """Say that a program runs, and where."""
    if as_json:
        say_json({"ready": program, "address": address, "pid": os.getpid(), **more})
    else:
        places = "".join(f", {name} {value}" for name, value in more.items())
        out.print(f"{program} is ready at {address}{places}; end it with Ctrl-C", markup=False)
