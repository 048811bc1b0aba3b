"""Publishes in order with many messages in flight, and says how far everything is acknowledged.

Bounded by count and bytes; every acknowledgement has a deadline. The first failure fails the publisher: its owner
starts again from its durable place, and the message ids make what arrives twice one message.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, NamedTuple

from nats.js.api import Header, PubAck

from adapters.nats.broker import CALL_SECONDS, Broker, broker_errors
from adapters.nats.messages import Message
from contracts.errors import UnavailableError

IN_FLIGHT_MESSAGES: Final = 128
"""Messages without an acknowledgement, at most."""
IN_FLIGHT_BYTES: Final = 24 << 20
"""Their bytes, at most; one message always fits."""

_LOOK_SECONDS: Final = 0.25


class _Flight(NamedTuple):
    tag: int
    size_bytes: int
    deadline: float
    future: asyncio.Future[PubAck]


class Publisher:
    """Publishing on one connection. One task uses it.

    Attributes:
        acknowledged: Tag of the last message up to which all are acknowledged; None before the first.
        last_seqs: Highest sequence number that was acknowledged, by stream.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._loop = asyncio.get_running_loop()
        self._flights: deque[_Flight] = deque()
        self._bytes = 0
        self.acknowledged: int | None = None
        self.last_seqs: dict[str, int] = {}

    async def publish(self, message: Message, *, tag: int) -> None:
        """Send one message; waits while too much is in flight.

        Args:
            message: What to send.
            tag: Says in `acknowledged` that this one is; ascending.

        Raises:
            UnavailableError: BROKER_UNAVAILABLE: this or an earlier message was not acknowledged in time.
        """
        size_bytes = len(message.data)
        while self._flights and (
            len(self._flights) >= IN_FLIGHT_MESSAGES or self._bytes + size_bytes > IN_FLIGHT_BYTES
        ):
            await self._land()
        with broker_errors():
            headers = None if message.message_id is None else {Header.MSG_ID.value: message.message_id}
            future = await self._broker.js.publish_async(message.subject, message.data, headers=headers)
        self._flights.append(_Flight(tag, size_bytes, self._loop.time() + CALL_SECONDS, future))
        self._bytes += size_bytes

    async def settle(self) -> None:
        """Take in what was acknowledged by now, without waiting.

        Raises:
            UnavailableError: BROKER_UNAVAILABLE: a message was refused or not acknowledged in time.
        """
        while self._flights and (self._flights[0].future.done() or self._flights[0].deadline < self._loop.time()):
            await self._land()

    async def drain(self) -> None:
        """Wait until everything is acknowledged.

        Raises:
            UnavailableError: BROKER_UNAVAILABLE: a message was refused or not acknowledged in time.
        """
        while self._flights:
            await self._land()

    async def _land(self) -> None:
        """Wait for the oldest message."""
        tag, size_bytes, deadline, future = self._flights[0]
        while not future.done():
            self._broker.check()
            if self._loop.time() > deadline:
                raise UnavailableError("BROKER_UNAVAILABLE", f"no acknowledgement within {CALL_SECONDS:g} seconds")
            await asyncio.wait((future,), timeout=_LOOK_SECONDS)
        with broker_errors():
            ack = future.result()
        self._flights.popleft()
        self._bytes -= size_bytes
        self.acknowledged = tag
        self.last_seqs[ack.stream] = max(ack.seq, self.last_seqs.get(ack.stream, 0))
