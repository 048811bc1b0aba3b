"""Threads that read the store, so that the event loop never waits for a disk; a bounded number of reads may wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from contracts.errors import UnavailableError

P = ParamSpec("P")
T = TypeVar("T")


class Readers:
    """A few threads behind a bound.

    Args:
        threads: How many.
        max_waiting: Reads that may wait or run before one more is refused.
    """

    def __init__(self, *, threads: int, max_waiting: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="pprd-read")
        self._max_waiting = max_waiting
        self._waiting = 0

    async def run(self, read: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Read on one of the threads.

        Raises:
            UnavailableError: OVERLOADED: too many reads wait.
        """
        if self._waiting >= self._max_waiting:
            error = UnavailableError("OVERLOADED", f"{self._waiting} reads are waiting")
            error.retry_after_ms = 100
            raise error
        self._waiting += 1
        try:
            return await asyncio.wrap_future(self._pool.submit(read, *args, **kwargs))
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the threads; what runs is finished first."""
        self._pool.shutdown()
