"""Writes of tasks that are ready at the same time share one transaction, and so one wait for the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from adapters.region.database import RegionDatabase


class SharedCommit:
    """Commits in one transaction what came in one turn of the event loop. Belongs to one loop.

    Args:
        database: The region's file.
    """

    def __init__(self, database: RegionDatabase) -> None:
        self._db = database
        self._waiting: list[tuple[Callable[[], object], asyncio.Future[None]]] = []

    async def write(self, change: Callable[[], object]) -> None:
        """Make a change; it is on disk when this returns, and is made even if whoever asked for it has gone.

        Args:
            change: Writes to the database, inside a transaction.

        Raises:
            FatalError: STORE_FAILED, as `RegionDatabase.transaction`, for all that share it.
        """
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()
        self._waiting.append((change, written))
        if len(self._waiting) == 1:
            loop.call_soon(self._commit)
        await written

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        error: Exception | None = None
        try:
            with self._db.transaction():
                for change, _ in waiting:
                    change()
        except Exception as err:  # noqa: BLE001 - told to everyone who waits: whose change it was is unknown
            error = err
        for _, written in waiting:
            if written.done():  # whoever asked has gone
                continue
            if error is None:
                written.set_result(None)
            else:
                written.set_exception(error)
