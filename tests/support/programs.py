"""`pprd` as a process that dies at one durable step: `python -P -m tests.support.programs STEP hub serve ...`.

It kills itself with SIGKILL right before or right after the step. The product knows no such hook: this puts one around
the function that takes the step, and then runs the real program.
"""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, Final

from adapters.cli.main import app
from adapters.compose import log_key_rolls
from adapters.nats import inbox
from adapters.nats.publisher import Publisher
from adapters.region.database import RegionDatabase
from adapters.region.inbox_store import RegionInboxStore
from adapters.region.order_store import OrderStore
from adapters.region.outbox_store import OutboxStore
from adapters.store.postgres_store import PostgresStore
from adapters.store.relay_store import SqliteRelayStore
from adapters.store.sqlite import SqliteStore

STEPS: Final[dict[str, tuple[Any, ...]]] = {
    "hub-commit": (SqliteStore, PostgresStore, "_make_durable"),
    "relay-publish": (Publisher, "publish"),
    "relay-acknowledged": (Publisher, "settle"),
    "relay-save": (SqliteRelayStore, "save"),
    "relay-receipt": (SqliteRelayStore, "keep_receipt"),
    "inbox-store": (RegionInboxStore, "store"),
    "inbox-acknowledge": (inbox, "acknowledge"),
    "inbox-receipt": (inbox, "encode_receipt"),
    "order-learn": (OrderStore, "learn"),
    "order-destroy": (OrderStore, "write_done"),
    "order-scrub": (RegionDatabase, "scrub"),
    "order-draft": (OutboxStore, "draft"),
    "order-answer": (OutboxStore, "settle"),
    "order-confirmed": (OrderStore, "confirmed"),
    "log-key-made": (log_key_rolls, "make_next"),
    "log-key-files": (log_key_rolls, "switch"),
}
"""Durable steps by name: where the function stands, and its name there."""


def die_at(step: str) -> None:
    """Kill this process at a step: `before:inbox-store` or `after:inbox-store`, and `:2` for the second time."""
    moment, name, *rest = step.split(":")
    left = int(rest[0]) if rest else 1
    *owners, attribute = STEPS[name]

    def count() -> bool:
        nonlocal left
        left -= 1
        return left == 0

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def deadly(original: Callable[..., Any]) -> Callable[..., Any]:
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

        return waiting if asyncio.iscoroutinefunction(original) else plain

    for owner in owners:
        setattr(owner, attribute, deadly(getattr(owner, attribute)))


if __name__ == "__main__":
    die_at(sys.argv[1])
    app(sys.argv[2:])
