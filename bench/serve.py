"""The real hub and the real relay as child processes of the bench, built by `adapters.compose` as `pprd` builds them.

Run as `python -m bench.serve hub DATA` or `python -m bench.serve relay DATA NATS_URL`; a line on standard output says
that it is ready (the hub's is its address), SIGTERM ends it.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from pathlib import Path

import structlog

from adapters.compose.hub_program import HubProgram
from adapters.compose.relay_program import RelayProgram
from adapters.settings import HubSettings, RelaySettings

ORIGIN = "pprd.example/bench"


def hub_settings(data: Path) -> HubSettings:
    """The settings of the bench's hub: those of a hub anywhere, on a free port."""
    return HubSettings(data_dir=data / "hub", listen="127.0.0.1:0", origin=ORIGIN, sandbox=True, heads_every_seconds=60)


async def serve_hub(data: Path, stop: asyncio.Event) -> None:
    """Serve until told to stop."""
    async with HubProgram(hub_settings(data)) as hub:
        print(hub.address, flush=True)
        await stop.wait()


async def serve_relay(data: Path, nats_url: str, stop: asyncio.Event) -> None:
    """Relay until told to stop."""
    settings = RelaySettings(hub_data_dir=data / "hub", relay_data_dir=data / "relay", nats_url=nats_url)
    async with RelayProgram(settings):
        print("ready", flush=True)
        await stop.wait()


async def main(what: str, data: Path, *rest: str) -> None:
    """Run one of the two."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    if what == "hub":
        await serve_hub(data, stop)
    else:
        await serve_relay(data, rest[0], stop)


if __name__ == "__main__":
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING), cache_logger_on_first_use=True
    )
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]))
