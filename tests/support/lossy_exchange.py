"""Exchanges that fail or lie, around a real one: lines that drop what they carry, answers and updates that are changed.

Fakes of `adapters.region.exchange.Exchange`; what is not named here goes to the real client. Pure of pytest.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from adapters.grpc.client import DirectoryUpdate, ExchangeClient
from adapters.grpc.messages import Reply
from contracts.errors import UnavailableError
from hub.openings import Opened, OpenRequest
from hub.submission import SubmittedBatch

Change = Callable[[Reply], Reply]
"""What becomes of an answer on its way."""


@dataclass
class LossyExchange:
    """A client whose answers can be lost or changed.

    Attributes:
        client: The real one.
        swallow_before: Batches are lost before they reach the hub.
        swallow_after: Batches reach the hub, their answers are lost.
        change: Changes each answer.
        change_update: Changes each directory update.
        change_opened: Changes each opened payload.
        change_keys: Changes the chain of the ledger's keys.
        sent: Every batch that was given to the line, in order.
    """

    client: ExchangeClient
    swallow_before: bool = False
    swallow_after: bool = False
    change: Change = lambda reply: reply
    change_update: Callable[[DirectoryUpdate], DirectoryUpdate] = lambda update: update
    change_opened: Callable[[Opened], Opened] = lambda opened: opened
    change_keys: Callable[[bytes], bytes] = lambda chain: chain

    def __post_init__(self) -> None:
        self.sent: list[SubmittedBatch] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def submit_stream(self, *, window: int) -> LossyStream:
        return LossyStream(self, window)

    async def directory(self, from_index: int = 0, *, follow: bool = False) -> AsyncIterator[DirectoryUpdate]:
        async for update in self.client.directory(from_index, follow=follow):
            yield self.change_update(update)

    async def log_keys(self) -> bytes:
        return self.change_keys(await self.client.log_keys())

    async def open_payload(self, request: OpenRequest) -> Opened:
        return self.change_opened(await self.client.open_payload(request))


class LossyStream:
    """A line of batches that does what its exchange says."""

    def __init__(self, exchange: LossyExchange, window: int) -> None:
        self._exchange = exchange
        self._stream = exchange.client.submit_stream(window=window)

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stream.__aexit__(kind, error, trace)

    async def send(self, batch: SubmittedBatch) -> Awaitable[Reply]:
        self._exchange.sent.append(batch)
        if self._exchange.swallow_before:
            raise UnavailableError("PEER_UNAVAILABLE", "the line is cut")
        answer = await self._stream.send(batch)
        return asyncio.ensure_future(self._answer(answer))

    async def _answer(self, answer: Awaitable[Reply]) -> Reply:
        reply = await answer
        if self._exchange.swallow_after:
            raise UnavailableError("PEER_UNAVAILABLE", "the line is cut")
        return self._exchange.change(reply)
