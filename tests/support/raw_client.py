"""A gRPC client that sends whatever bytes a test wants. Pure of pytest."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import grpc

from adapters._generated.pprd.v1 import exchange_pb2 as pb
from adapters.grpc.client import told_as_ours
from adapters.grpc.codes import LANGUAGE_KEY
from adapters.grpc.messages import batch_to_proto, open_request_to_proto, opened_of_proto
from hub.openings import Opened, OpenRequest
from hub.submission import SubmittedBatch

SERVICE = "/pprd.v1.Exchange/"


def raw_channel(address: str) -> grpc.aio.Channel:
    """A channel without a limit of its own."""
    options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    return grpc.aio.insecure_channel(address, options=options)


class RawStream:
    """One stream of bytes both ways; an async context. Leaving it breaks the stream off.

    Args:
        address: The hub's.
        method: Name of the call.
        language: In which it is answered.
    """

    def __init__(self, address: str, method: str, *, language: str = "en") -> None:
        self._channel = raw_channel(address)
        # The stubs do not know that a stream may be written to instead of given an iterator.
        method_: Any = self._channel.stream_stream(SERVICE + method, None, None)
        self.call = method_(metadata=((LANGUAGE_KEY, language),))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.call.cancel()
        await self._channel.close(None)


class RawSubmit(RawStream):
    """One `Submit` stream."""

    def __init__(self, address: str) -> None:
        super().__init__(address, "Submit")

    async def send(self, batch: SubmittedBatch) -> None:
        """Send a batch and wait for nothing."""
        await self.call.write(batch_to_proto(batch).SerializeToString())

    async def exchange(self, raw: bytes) -> pb.SubmitResponse:
        """Send bytes and read one answer."""
        await self.call.write(raw)
        return pb.SubmitResponse.FromString(await self.call.read())

    async def exchange_batch(self, batch: SubmittedBatch) -> pb.SubmitResponse:
        """Send a batch and read one answer."""
        return await self.exchange(batch_to_proto(batch).SerializeToString())


class RawOpenEach(RawStream):
    """One `OpenEach` stream."""

    def __init__(self, address: str, *, language: str = "en") -> None:
        super().__init__(address, "OpenEach", language=language)

    async def send(self, *requests: OpenRequest) -> None:
        """Send requests in one message and wait for nothing."""
        await self.call.write(pb.OpenRequests(requests=map(open_request_to_proto, requests)).SerializeToString())

    async def answers(self) -> list[pb.OpenAnswer]:
        """Read one message of answers; empty at the end of the stream."""
        raw = await self.call.read()
        return list(pb.OpenAnswers.FromString(raw).answers) if isinstance(raw, bytes) else []


async def open_alone(address: str, request: OpenRequest) -> Opened:
    """Open a payload by a call of its own, as a gateway does that knows no stream of them.

    Raises:
        ExchangeError: As the hub says.
    """
    with told_as_ours():
        answer = await ask_raw(address, "OpenPayload", open_request_to_proto(request).SerializeToString())
    return opened_of_proto(pb.OpenPayloadResponse.FromString(answer))


async def ask_raw(address: str, method: str, raw: bytes, *, answers_stream: bool = False) -> bytes:
    """One call with bytes as the request; the bytes of the answer, or of all answers of a stream."""
    async with raw_channel(address) as channel:
        path = SERVICE + method
        if answers_stream:
            answers: Any = channel.unary_stream(path, None, None)
            return b"".join([answer async for answer in answers(raw)])
        call: Any = channel.unary_unary(path, None, None)
        return bytes(await call(raw))
