"""A durable consumer read by pulling: what waits, in order of the stream, acknowledged by the caller once stored.

What was not acknowledged comes again, after a while or at once on a new start, so the caller recognises repeats. The
relay makes consumers together with their streams (`stream_guard`): who may make one chooses where it delivers, and a
region may not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from nats.aio.msg import Msg
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

from adapters.nats.broker import Broker, broker_errors, wait

_TAKEN: Final = 32
_STREAM_SECONDS: Final = 0.2


class Pull:
    """An open pull consumer. One task reads it."""

    def __init__(self, broker: Broker, subscription: JetStreamContext.PullSubscription) -> None:
        self._broker = broker
        self._subscription = subscription

    @classmethod
    async def open(cls, broker: Broker, *, stream: str, durable: str, stop: asyncio.Event) -> Pull | None:
        """Bind to a durable consumer; wait as long as it is not there.

        Returns:
            None if `stop` was set before it was there.

        Raises:
            UnavailableError: BROKER_UNAVAILABLE: no answer.
        """
        while not stop.is_set():
            with broker_errors():
                try:
                    await broker.js.consumer_info(stream, durable)
                    return cls(broker, await broker.js.pull_subscribe_bind(durable, stream))
                except NotFoundError:
                    await wait(stop, _STREAM_SECONDS)
        return None

    async def take(self, wait_seconds: float) -> list[Msg]:
        """Wait for the first message and give all that have arrived.

        Args:
            wait_seconds: How long to wait for the first one.

        Returns:
            At most 32 messages; none if none came in time.

        Raises:
            UnavailableError: BROKER_UNAVAILABLE: the connection, the stream or the consumer is gone.
        """
        self._broker.check()
        try:
            with broker_errors():
                return await self._fetch(wait_seconds)
        finally:
            self._broker.check()

    async def _fetch(self, wait_seconds: float) -> list[Msg]:
        try:
            return await self._subscription.fetch(_TAKEN, timeout=wait_seconds)
        except TimeoutError:
            # The library raises its own and the plain one; nothing came, or the connection is lost: `take` looks.
            return []


async def acknowledge(messages: Sequence[Msg]) -> None:
    """Tell the broker that messages are stored; a lost acknowledgement only means a repeat.

    Raises:
        UnavailableError: BROKER_UNAVAILABLE: the connection is lost.
    """
    with broker_errors():
        for message in messages:
            await message.ack()
