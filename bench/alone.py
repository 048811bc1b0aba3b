"""One event alone, in both hubs: short blocks in turn, so that a disk or a machine that slows down slows both."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from bench.ours import OurHub
from bench.plain import PlainHub

_BLOCK: Final = 20
_PAUSE_SECONDS: Final = 0.05
"""Before each block: what the other hub still does after its last answer is not measured here."""


async def measure_alone(ours: OurHub, plain: PlainHub, events: int) -> dict[str, float]:
    """Median milliseconds from one event to its answer, one after another, of each hub, and their ratio.

    Our hub's answer is a full receipt.

    Args:
        ours: Running.
        plain: Running.
        events: For each hub; a multiple of six is sent.
    """
    batches, requests = ours.lone_batches(events), plain.lone_requests(events)
    ours_taken: list[float] = []
    plain_taken: list[float] = []
    for at in range(0, len(batches), _BLOCK):
        ours_taken += await _block(ours.submit_alone, batches[at : at + _BLOCK])
        plain_taken += await _block(plain.submit_alone, requests[at : at + _BLOCK])
    ours_ms, plain_ms = (statistics.median(taken) * 1000 for taken in (ours_taken, plain_taken))
    return {"ours_alone_ms": ours_ms, "plain_alone_ms": plain_ms, "latency_ratio": ours_ms / plain_ms}


async def _block(submit: Callable[[Any], Awaitable[None]], events: Sequence[Any]) -> list[float]:
    """Seconds that each of some events took."""
    await asyncio.sleep(_PAUSE_SECONDS)
    taken = []
    for event in events:
        start = time.perf_counter()
        await submit(event)
        taken.append(time.perf_counter() - start)
    return taken
