"""Requests to open in, sealed payloads out: `OpenPayload` and `OpenEach`. Who may is decided in `hub.openings`.

A gateway whose officers open side by side sends their requests on one stream. That is no bulk opening: each request is
signed for one officer, task, reason and payload, counts against the limits of its office and its officer, is decided
alone and recorded alone, and gets its content or its refusal alone, in any order. Only framing is shared (ADR 0062).
A stream is read ahead by a bounded window, so that several of its requests fall into one commit; the window counts
what is not written yet, which bounds the content in memory. What was read is recorded even if the gateway breaks off.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from time import perf_counter
from typing import Final, NamedTuple

import grpc
import structlog
from google.protobuf.message import Message

from adapters._generated.pprd.v1 import exchange_pb2 as pb
from adapters.grpc.calls import Context, Handler, Limits, abort, know, ours, tell, unary, within
from adapters.grpc.codes import language_asked
from adapters.grpc.messages import open_answer_to_proto, open_request_of_proto, opened_to_proto, parse
from adapters.grpc.peer import PEER
from adapters.sequencer import Sequencer
from contracts.errors import ContractError, ExchangeError, UnavailableError
from hub.openings import Opened, OpenRequest

FRAME_BYTES: Final = 1 << 20
"""Content of one message of answers, at most (one answer is always sent)."""
MAX_REQUESTS_BYTES: Final = 256 << 10
"""A message of requests, at most."""
_NAME: Final = "OpenEach"

log = structlog.get_logger()


class Openings:
    """The two calls that open.

    Args:
        sequencer: Records.
        limits: Window and times.
    """

    def __init__(self, *, sequencer: Sequencer, limits: Limits) -> None:
        self._sequencer = sequencer
        self._limits = limits
        self._lines: set[_Line] = set()
        self._is_ending = False

    def end_streams(self) -> None:
        """Read no more requests: each stream answers what it has read and ends with SHUTTING_DOWN."""
        self._is_ending = True
        for line in self._lines:
            line.stop_reading()

    def handlers(self) -> dict[str, Handler]:
        """The handlers by method name."""
        return {
            "OpenPayload": unary("OpenPayload", pb.OpenPayloadRequest, self._open, self._limits),
            _NAME: grpc.stream_stream_rpc_method_handler(self._open_each),
        }

    async def _open(self, request: pb.OpenPayloadRequest) -> Message:
        return opened_to_proto(await self._sequencer.open(_asked(request)))

    async def _open_each(self, _requests: object, context: Context) -> None:
        try:
            know(context)
            line = _Line(context, self._sequencer, self._limits)
            self._lines.add(line)
            try:
                await line.carry()
            finally:
                self._lines.discard(line)
                line.stop_reading()
            if not self._is_ending:
                return
            error: ExchangeError = UnavailableError("SHUTTING_DOWN", "the hub is stopping")
        except Exception as err:  # noqa: BLE001 - the outermost loop of the transport
            error = ours(err)
        log.info("openings.ended", outcome="REFUSED", code=error.code)
        await abort(context, error)


class _Settled(NamedTuple):
    """What became of one request.

    Attributes:
        number: Of the request, counted through the stream.
        began: When it was read.
        outcome: What is answered.
    """

    number: int
    began: float
    outcome: Opened | ExchangeError


class _Line:
    """One stream of requests: one task reads, one writes, and what is settled waits between them."""

    def __init__(self, context: Context, sequencer: Sequencer, limits: Limits) -> None:
        self._context = context
        self._sequencer = sequencer
        self._limits = limits
        self._language = language_asked(context.invocation_metadata())
        self._loop = asyncio.get_running_loop()
        self._window = asyncio.Semaphore(limits.openings)
        self._settled: deque[_Settled] = deque()
        self._changed = asyncio.Event()
        self._read = self._answered = 0
        self._reading = asyncio.create_task(self._read_ahead())
        self._reading.add_done_callback(lambda _: self._changed.set())

    def stop_reading(self) -> None:
        """Read no more."""
        self._reading.cancel()

    async def carry(self) -> None:
        """Write answers as they are ready, until all that was read is answered and nothing more is read.

        Raises:
            ExchangeError: The stream cannot go on.
        """
        while not self._reading.done() or self._answered < self._read:
            await self._changed.wait()
            self._changed.clear()
            while self._settled:
                await self._write()
        if not self._reading.cancelled():
            self._reading.result()

    async def _read_ahead(self) -> None:
        while isinstance(raw := await self._context.read(), bytes):  # else the end of the stream
            if len(raw) > MAX_REQUESTS_BYTES:
                raise ContractError("REQUEST_MALFORMED", f"{len(raw)} bytes, at most {MAX_REQUESTS_BYTES}")
            # They wait for room together: where the first has waited in vain, those behind it do not.
            room_until = self._loop.time() + self._limits.patience_seconds
            for request in parse(pb.OpenRequests, raw).requests:
                await self._window.acquire()
                await self._take(request, max(0.0, room_until - self._loop.time()))

    async def _take(self, request: pb.OpenPayloadRequest, patience_seconds: float) -> None:
        began = perf_counter()
        try:
            answer = await self._sequencer.enqueue_opening(_asked(request), patience_seconds=patience_seconds)
        except ExchangeError as error:
            self._settle(began, self._read, error)
        else:
            late = self._loop.call_later(self._limits.call_seconds, self._give_up, answer)
            answer.add_done_callback(partial(self._done, began, self._read, late))
        self._read += 1

    def _give_up(self, answer: asyncio.Future[Opened]) -> None:
        """Let a request wait no longer; it may be recorded all the same."""
        if not answer.done():
            answer.set_exception(
                UnavailableError("DEADLINE_EXCEEDED", f"no answer within {self._limits.call_seconds:g} s")
            )

    def _done(self, began: float, number: int, late: asyncio.TimerHandle, answer: asyncio.Future[Opened]) -> None:
        late.cancel()
        error = answer.exception()
        self._settle(began, number, answer.result() if error is None else ours(error))

    def _settle(self, began: float, number: int, outcome: Opened | ExchangeError) -> None:
        self._settled.append(_Settled(number, began, outcome))
        self._changed.set()

    async def _write(self) -> None:
        """Write one message of what is settled.

        Raises:
            FatalError: The writer failed: whether something was recorded is unknown.
        """
        answers: list[pb.OpenAnswer] = []
        size_bytes = 0
        while self._settled and size_bytes < FRAME_BYTES:
            number, began, outcome = self._settled[0]
            if isinstance(outcome, ExchangeError) and outcome.family == "fatal":
                if answers:
                    break
                raise outcome
            self._settled.popleft()
            answers.append(open_answer_to_proto(number, outcome, self._language))
            size_bytes += 0 if isinstance(outcome, ExchangeError) else len(outcome.envelope)
            tell(_NAME, began, outcome if isinstance(outcome, ExchangeError) else None)
        async with within(self._limits.message_seconds):
            await self._context.write(pb.OpenAnswers(answers=answers).SerializeToString())
        self._answered += len(answers)
        for _ in answers:
            self._window.release()


def _asked(message: pb.OpenPayloadRequest) -> OpenRequest:
    """What a message asks for.

    Raises:
        AccessError: CERTIFICATE_MISMATCH.
    """
    if (peer := PEER.get()) is not None:
        peer.check_point(message.producer, "producer")
        peer.check_office(message.office, "office")
    return open_request_of_proto(message)
