"""The gateway's end of `OpenEach`: requests that wait side by side leave in one message, answers come in any order.

Rules kept here: each request has its own time limit and gets its own answer or error; one that was not answered when
the stream ends is told so and never sent again, because it may be recorded; the stream is made when somebody asks, made
again after it ended, and ended when nobody has asked for a while.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import grpc

from adapters._generated.pprd.v1 import exchange_pb2 as pb
from adapters.grpc.codes import error_of
from adapters.grpc.messages import open_answer_of_proto, open_request_to_proto
from contracts.errors import ExchangeError, UnavailableError
from hub.openings import Opened, OpenRequest

MAX_REQUESTS: Final = 64
"""Requests of one message, at most."""
IDLE_SECONDS: Final = 5.0
"""How long a stream on which nobody waits is kept: a hub has many gateways, and a bound of calls."""


class OpenStream:
    """The stream of one connection. Belongs to one event loop.

    Args:
        call: Opens it.
        call_seconds: Time limit of each request.

    Attributes:
        is_offered: Whether the hub knows the call, as far as it has said.
    """

    def __init__(self, call: Callable[[], Any], *, call_seconds: float) -> None:
        self._open = call
        self._call_seconds = call_seconds
        self._waiting: deque[tuple[OpenRequest, asyncio.Future[Opened]]] = deque()
        self._changed = asyncio.Event()
        self._carrying: asyncio.Task[None] | None = None
        self.is_offered = True

    async def ask(self, request: OpenRequest) -> Opened:
        """Send a request and wait for its answer.

        Raises:
            ExchangeError: As the hub refuses it.
            UnavailableError: DEADLINE_EXCEEDED; or as the stream ended before there was an answer.
            ContractError: REQUEST_MALFORMED: the hub does not know the call; nothing was recorded.
        """
        answer: asyncio.Future[Opened] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, answer))
        self._changed.set()
        if self._carrying is None or self._carrying.done():
            self._carrying = asyncio.create_task(self._carry())
        try:
            async with asyncio.timeout(self._call_seconds):
                return await answer
        except TimeoutError as err:
            raise UnavailableError("DEADLINE_EXCEEDED", "the peer did not answer in time") from err

    async def close(self) -> None:
        """End the stream; requests that are under way fail."""
        if self._carrying is not None:
            self._carrying.cancel()
            await asyncio.wait((self._carrying,))

    async def _carry(self) -> None:
        """Send what waits on streams, one after the other, until one has ended and nothing waits."""
        try:
            while self._waiting:
                await self._carry_one()
        finally:
            for _, answer in self._waiting:
                _settle(answer, UnavailableError("PEER_UNAVAILABLE", "the connection is closed"))
            self._waiting.clear()

    async def _carry_one(self) -> None:
        call = self._open()
        due: dict[int, asyncio.Future[Opened]] = {}
        receiving = asyncio.create_task(self._receive(call, due))
        receiving.add_done_callback(lambda _: self._changed.set())
        try:
            await self._send(call, due, receiving)
        finally:
            call.cancel()
            await asyncio.wait((receiving,))

    async def _send(self, call: Any, due: dict[int, asyncio.Future[Opened]], receiving: asyncio.Task[None]) -> None:
        sent = 0
        while not receiving.done():
            requests: list[pb.OpenPayloadRequest] = []
            while self._waiting and len(requests) < MAX_REQUESTS:
                request, answer = self._waiting.popleft()
                if not answer.done():  # else whoever asked has gone
                    due[sent] = answer
                    sent += 1
                    requests.append(open_request_to_proto(request))
            if requests:
                try:
                    await call.write(pb.OpenRequests(requests=requests))
                except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                    await asyncio.wait((receiving,))  # it knows why, and tells everyone who waits
            elif not self._waiting:
                self._changed.clear()
                try:
                    async with asyncio.timeout(None if due else IDLE_SECONDS):
                        await self._changed.wait()
                except TimeoutError:
                    return

    async def _receive(self, call: Any, due: dict[int, asyncio.Future[Opened]]) -> None:
        error: ExchangeError = UnavailableError("PEER_UNAVAILABLE", "the stream has ended")
        try:
            async for message in call:
                for one in message.answers:
                    _settle(due.pop(one.number, None), open_answer_of_proto(one))
                if not due:
                    self._changed.set()  # nobody waits: from now on the stream is idle
        except grpc.aio.AioRpcError as err:
            self.is_offered = self.is_offered and err.code() is not grpc.StatusCode.UNIMPLEMENTED
            error = error_of(err)
        except asyncio.CancelledError:
            error = UnavailableError("PEER_UNAVAILABLE", "the stream was cut off")
        for answer in due.values():
            _settle(answer, error)
        due.clear()


def _settle(answer: asyncio.Future[Opened] | None, outcome: Opened | ExchangeError) -> None:
    if answer is None or answer.done():  # whoever asked has gone
        return
    if isinstance(outcome, ExchangeError):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
