"""Running a program until somebody asks it to end, or it must."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable

import structlog

from contracts.errors import ExchangeError

log = structlog.get_logger()


async def until_told(stop: asyncio.Event, failed: Awaitable[None]) -> None:
    """Run until a signal asks to end or a part stops by itself.

    Args:
        stop: Set by SIGINT and SIGTERM, or by the caller.
        failed: Raises when a part stops by itself.

    Raises:
        ExchangeError: Why a part stopped.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    jobs = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(failed)]
    try:
        await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        if jobs[1].done():
            jobs[1].result()
    except ExchangeError as error:
        log.error("program.failed", code=error.code)
        raise
    finally:
        for job in jobs:
            job.cancel()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
