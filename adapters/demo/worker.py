"""One region of the demonstration as a process: its gateway, its inbox and its staff.

    python -P -m adapters.demo.worker 44        (told what to do by the conductor, one JSON line at a time)

In: `{"go": {...}}` starts it, `{"finish": true}` or the end of the input ends it. Out: one status line a quarter of a
second. Everything is imported before the first line is read, so that eleven of them are ready when the stage is set.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from adapters.compose.folder import DataFolder
from adapters.compose.parts import SystemClock
from adapters.compose.region_program import RegionProgram
from adapters.compose.running import until_told
from adapters.demo.mistakes import Mistakes
from adapters.demo.orders import Orders
from adapters.demo.plan import PROVINCES, demo_counties, draw_plan
from adapters.demo.player import Player
from adapters.demo.script import Script
from adapters.logs import configure_logs
from adapters.region.gateway import RegionGateway
from adapters.region.tasks import Task
from contracts.errors import ExchangeError
from contracts.procedure import load_procedures

STATUS_SECONDS: Final = 0.25
"""Pause between two status lines."""

log = structlog.get_logger()


async def work(region: str, orders: Orders, lines: asyncio.StreamReader) -> None:
    """Play one region until told to end.

    Args:
        region: Two digits.
        orders: From the conductor.
        lines: What else the conductor says.

    Raises:
        ExchangeError: A part stopped by itself, or a job met what is no refusal.
    """
    folder = DataFolder(Path(orders.data))
    stop = asyncio.Event()
    plan = draw_plan(seed=orders.seed, matters=orders.matters, now_ms=orders.now_ms)
    players: list[Player] = []

    def tell_staff(tasks: Sequence[Task]) -> None:
        for staff in players:
            staff.told(tasks)

    program = RegionProgram(folder.region_settings(region), on_tasks=tell_staff)
    async with program:
        gateway = program.gateway
        script = Script(seed=orders.seed, directory=gateway.replica.directory, procedures=load_procedures())
        player = Player(
            region=region, gateway=gateway, plan=plan, script=script, now_ms=orders.now_ms, clock=SystemClock()
        )
        players.append(player)
        player.begin()
        mistakes = asyncio.ensure_future(_make_mistakes(region, orders, player, gateway))
        jobs = [
            mistakes,
            asyncio.ensure_future(_tell(region, player, gateway, mistakes)),
            asyncio.ensure_future(_listen(lines, stop)),
        ]
        try:
            await until_told(stop, _first_failure(program, player, jobs))
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)
            _say(_status(region, player, gateway, is_idle=player.is_idle))


async def _first_failure(program: RegionProgram, player: Player, jobs: list[asyncio.Task[None]]) -> None:
    """Raise whatever stops this region: a part of the program, the player, a mistake that was accepted."""
    parts = asyncio.ensure_future(program.failed())
    try:
        while True:
            await asyncio.wait(
                [parts, *(job for job in jobs if not job.done())],
                timeout=STATUS_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for job in (parts, *jobs):
                if job.done():
                    job.result()
            player.check()
    finally:
        parts.cancel()


async def _make_mistakes(region: str, orders: Orders, player: Player, gateway: RegionGateway) -> None:
    if region not in PROVINCES:
        return
    county6 = demo_counties(orders.seed)[region][0]
    mistakes = Mistakes(gateway=gateway, county6=county6, now_ms=orders.now_ms, doings=player.doings)
    for round_ in range(orders.rounds):
        await asyncio.sleep(1.0)
        await mistakes.make(round_)


async def _tell(region: str, player: Player, gateway: RegionGateway, mistakes: asyncio.Future[None]) -> None:
    while True:
        _say(_status(region, player, gateway, is_idle=player.is_idle and mistakes.done()))
        await asyncio.sleep(STATUS_SECONDS)


def _status(region: str, player: Player, gateway: RegionGateway, *, is_idle: bool) -> dict[str, Any]:
    return {
        "region": region,
        "idle": is_idle
        and not gateway.outbox.waiting_events
        and not gateway.tasks.is_behind
        and not gateway.orders.is_behind,
        "waiting": gateway.outbox.waiting_events,
        "standings": {point: n for point, (n, _) in gateway.inbox_store.standings().items()},
        "doings": player.doings.told(),
    }


async def _listen(lines: asyncio.StreamReader, stop: asyncio.Event) -> None:
    """End when the conductor says so, or is gone."""
    await lines.readline()
    stop.set()


def _say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


async def _main(region: str) -> int:
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    line = (await lines.readline()).decode()
    if not line:
        return 0
    try:
        orders = Orders.of_line(line)
        configure_logs(program=f"region-{region}", to=DataFolder(Path(orders.data)).logs / f"region-{region}.log")
        await work(region, orders, lines)
    except ExchangeError as error:
        log.error("worker.failed", code=error.code, exc_info=error)
        _say({"region": region, "failed": {"code": error.code, "message": error.message}})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(sys.argv[1])))
