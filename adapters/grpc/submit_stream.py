"""The producer's end of `Submit`: batches go out in order, answers come back in the same order.

Rules kept here: a bounded number of batches is unanswered at a time; a batch that was not answered when the stream ends
is told so, and never guessed about: the producer submits the same bytes again and gets the original receipt.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any

import grpc

from adapters._generated.pprd.v1 import exchange_pb2 as pb
from adapters.grpc.codes import error_of
from adapters.grpc.messages import Reply, batch_to_proto, reply_of_proto
from contracts.errors import ExchangeError, UnavailableError
from hub.submission import SubmittedBatch


class SubmitStream:
    """One open stream, to be used as an async context; leaving it waits for the answers that are due.

    Args:
        call: Opens the stream.
        window: Batches that may be unanswered before `send` waits.
    """

    def __init__(self, call: Callable[[], Any], *, window: int) -> None:
        self._open = call
        self._room = asyncio.Semaphore(window)
        self._sending = asyncio.Lock()
        self._due: deque[tuple[int, asyncio.Future[Reply]]] = deque()
        self._error: ExchangeError | None = None
        self._call: Any
        self._answers: asyncio.Task[None]

    async def __aenter__(self) -> SubmitStream:
        self._call = self._open()
        self._answers = asyncio.create_task(self._receive())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._call.cancel()
        elif self._error is None:
            await self._write(None)
        await self._answers

    async def send(self, batch: SubmittedBatch) -> Awaitable[Reply]:
        """Send a batch; returns as soon as it is on its way.

        Returns:
            The answer to come; awaiting it raises UnavailableError if the stream ends before it came.

        Raises:
            ExchangeError: The stream has ended; as the hub said, or PEER_UNAVAILABLE.
        """
        await self._room.acquire()
        async with self._sending:
            if self._error is not None:
                self._room.release()
                raise self._error
            answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
            self._due.append((len(batch.events), answer))
            try:
                await self._write(batch_to_proto(batch))
            except asyncio.CancelledError:
                # Whether it went out is unknown, and with it whose the next answer is.
                self._call.cancel()
                raise
        return answer

    async def _write(self, request: pb.SubmitRequest | None) -> None:
        try:
            if request is None:
                await self._call.done_writing()
            else:
                await self._call.write(request)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            # The stream has ended: why is known when the answers end, and everyone who waits is told then.
            await asyncio.wait((self._answers,))

    async def _receive(self) -> None:
        try:
            async for response in self._call:
                n, answer = self._due.popleft()
                self._room.release()
                _complete(answer, response, n)
            self._error = UnavailableError("PEER_UNAVAILABLE", "the stream has ended")
        except grpc.aio.AioRpcError as err:
            self._error = error_of(err)
        except asyncio.CancelledError:
            self._error = UnavailableError("PEER_UNAVAILABLE", "the stream was cut off")
        for _, answer in self._due:
            self._room.release()
            if not answer.done():
                answer.set_exception(self._error)
                answer.exception()  # a producer that no longer asks has nothing to be reminded of
        self._due.clear()


def _complete(answer: asyncio.Future[Reply], response: pb.SubmitResponse, n: int) -> None:
    if answer.done():
        return
    try:
        answer.set_result(reply_of_proto(response, n))
    except ExchangeError as error:
        answer.set_exception(error)
        answer.exception()  # a producer that no longer asks is not reminded
