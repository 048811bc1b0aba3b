"""The guard around every call: reads the request, keeps the time limit, tells errors by their code, writes one line.

Handlers behind it take a protobuf message, return one and raise errors of ours; they know nothing of status codes or
logs. Requests are read here and not by the library, so that unreadable bytes get a code like everything else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TypeAlias, TypeVar

import grpc
import structlog
from google.protobuf.message import Message

from adapters.grpc.codes import language_asked, metadata_of, status_of
from adapters.grpc.messages import parse
from adapters.grpc.peer import PEER, peer_of
from contracts.errors import ExchangeError, UnavailableError

Q = TypeVar("Q", bound=Message)
Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"
Handler: TypeAlias = "grpc.RpcMethodHandler[bytes, bytes]"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may take.

    Attributes:
        call_seconds: From a unary request to its answer, and from a batch or a request of a stream to its answer.
        message_seconds: For a reader to take one message of an answering stream.
        window: Batches of one stream that are read before the first of them is answered.
        openings: Requests to open of one stream that are read before the first of them is answered.
        patience_seconds: How long a batch or a message of requests waits for room in the queue before it is refused.
        max_batch_bytes: A larger submission is refused with a code.
        max_message_bytes: A larger message is cut off by the transport.
        max_calls: Calls at the same time, all peers together.
        max_reads: Reads that wait for a thread.
        read_threads: Threads that read the store.
    """

    call_seconds: float = 20.0
    message_seconds: float = 60.0
    window: int = 16
    openings: int = 128
    patience_seconds: float = 2.0
    max_batch_bytes: int = 8 << 20
    max_message_bytes: int = 16 << 20
    max_calls: int = 1_024
    max_reads: int = 256
    read_threads: int = 2


def unary(name: str, kind: type[Q], answer: Callable[[Q], Awaitable[Message]], limits: Limits) -> Handler:
    """Guard a call of one request and one answer."""

    async def handle(raw: bytes, context: Context) -> bytes:
        began = perf_counter()
        try:
            know(context)
            async with within(limits.call_seconds):
                response = await answer(parse(kind, raw))
        except Exception as err:  # noqa: BLE001 - the outermost loop of the transport
            error = ours(err)
        else:
            tell(name, began)
            return response.SerializeToString()
        tell(name, began, error)
        return await abort(context, error)

    return grpc.unary_unary_rpc_method_handler(handle)


def server_stream(name: str, kind: type[Q], answer: Callable[[Q], AsyncIterator[Message]], limits: Limits) -> Handler:
    """Guard a call of one request and a stream of answers; the limit is for each message to be taken."""

    async def handle(raw: bytes, context: Context) -> None:
        began = perf_counter()
        try:
            know(context)
            async for message in answer(parse(kind, raw)):
                async with within(limits.message_seconds):
                    await context.write(message.SerializeToString())
        except Exception as err:  # noqa: BLE001 - the outermost loop of the transport
            error = ours(err)
        else:
            tell(name, began)
            return
        tell(name, began, error)
        await abort(context, error)

    return grpc.unary_stream_rpc_method_handler(handle)


def know(context: Context) -> None:
    """Let the handlers of a call know who is at its other end.

    Raises:
        AccessError: CERTIFICATE_UNKNOWN.
    """
    PEER.set(peer_of(context.auth_context()))


class within:  # noqa: N801 - reads as a word: `async with within(seconds)`
    """A time limit that ends in an error of ours.

    Raises:
        UnavailableError: DEADLINE_EXCEEDED.
    """

    __slots__ = ("_seconds", "_timeout")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timeout = asyncio.timeout(seconds)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            await self._timeout.__aexit__(kind, error, None)
        except TimeoutError as err:
            raise UnavailableError("DEADLINE_EXCEEDED", f"no answer within {self._seconds:g} s") from err


def ours(err: BaseException) -> ExchangeError:
    """An error of ours as it is; anything else as a fault without its text, which may quote what arrived."""
    if isinstance(err, ExchangeError):
        return err
    log.error("call.failed", exc_info=err)
    fault = UnavailableError("INTERNAL_FAULT", f"the service met {type(err).__name__}")
    fault.__cause__ = err
    return fault


async def abort(context: Context, error: ExchangeError) -> bytes:
    """End a call with the status, the sentence and the metadata of an error; never returns."""
    return await context.abort(
        status_of(error), error.message, metadata_of(error, language_asked(context.invocation_metadata()))
    )


def tell(name: str, began: float, error: ExchangeError | None = None) -> None:
    """Write the line of one request and its answer.

    Args:
        name: Of the call.
        began: When the request was read, by `perf_counter`.
        error: Why it was refused; None where it was answered.
    """
    duration_ms = round((perf_counter() - began) * 1e3, 3)
    if error is None:
        log.info("call.answered", call=name, outcome="OK", duration_ms=duration_ms)
    else:
        log.info(
            "call.answered",
            call=name,
            outcome="REFUSED",
            code=error.code,
            field=error.field,
            rule=error.rule,
            duration_ms=duration_ms,
        )
