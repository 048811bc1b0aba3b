"""The real programs as processes of a test that kills them: `python -P -m tests.support.programs hub FOLDER ...`.

Each runs the program that `adapters.compose` builds, on folders that `tests.support.fault_rig` prepared. `--die STEP`
kills the process with SIGKILL at one durable step, before or after it, the first time that the step comes: the product
itself knows no such hook, this wrapper puts it around the step.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from adapters.compose import HubProgram, RegionProgram, RelayProgram, until_told
from adapters.logs import configure_logs
from adapters.nats import inbox
from adapters.nats.publisher import Publisher
from adapters.region.inbox_store import RegionInboxStore
from adapters.settings import HubSettings, RegionSettings, RelaySettings
from adapters.store.relay_store import SqliteRelayStore
from adapters.store.sqlite import SqliteStore

STEPS: Final = {
    "hub-commit": (SqliteStore, "commit"),
    "relay-publish": (Publisher, "publish"),
    "relay-acknowledged": (Publisher, "settle"),
    "relay-save": (SqliteRelayStore, "save"),
    "relay-receipt": (SqliteRelayStore, "keep_receipt"),
    "inbox-store": (RegionInboxStore, "store"),
    "inbox-acknowledge": (inbox, "acknowledge"),
    "inbox-receipt": (inbox, "encode_receipt"),
}
"""Durable steps by name: where the function stands."""


def die_at(step: str) -> None:
    """Kill this process at a step: `before:inbox-store` or `after:inbox-store`, and `:2` for the second time."""
    moment, name, *rest = step.split(":")
    left = int(rest[0]) if rest else 1
    owner, attribute = STEPS[name]
    original: Callable[..., Any] = getattr(owner, attribute)

    def count() -> bool:
        nonlocal left
        left -= 1
        return left == 0

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    @functools.wraps(original)
    def plain(*args: Any, **named: Any) -> Any:
        is_last = count()
        if is_last and moment == "before":
            die()
        result = original(*args, **named)
        if is_last:
            die()
        return result

    @functools.wraps(original)
    async def waiting(*args: Any, **named: Any) -> Any:
        is_last = count()
        if is_last and moment == "before":
            die()
        result = await original(*args, **named)
        if is_last:
            die()
        return result

    setattr(owner, attribute, waiting if asyncio.iscoroutinefunction(original) else plain)


async def run(program: str, settings: Path) -> None:
    """Run a program until it is told to end."""
    stop = asyncio.Event()
    running: HubProgram | RelayProgram | RegionProgram
    if program == "hub":
        running = HubProgram(HubSettings.load(settings))
    elif program == "relay":
        running = RelayProgram(RelaySettings.load(settings))
    else:
        running = RegionProgram(RegionSettings.load(settings))
    async with running:
        await until_told(stop, running.failed())


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("program", choices=("hub", "relay", "region"))
    parser.add_argument("settings", type=Path)
    parser.add_argument("--die")
    told = parser.parse_args()
    configure_logs(program=told.program, to=told.settings.with_suffix(".log"))
    if told.die:
        die_at(told.die)
    asyncio.run(run(told.program, told.settings))


if __name__ == "__main__":
    main()
