"""A gRPC client that sends whatever bytes a test wants. Pure of pytest."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import grpc

from adapters._generated.pprd.v1 import exchange_pb2 as pb
from adapters.grpc.messages import batch_to_proto
from hub.submission import SubmittedBatch

SUBMIT = "/pprd.v1.Exchange/Submit"


def raw_channel(address: str) -> grpc.aio.Channel:
    """A channel without a limit of its own."""
    options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    return grpc.aio.insecure_channel(address, options=options)


class RawSubmit:
    """One `Submit` stream of bytes; an async context. Leaving it breaks the stream off."""

    def __init__(self, address: str) -> None:
        self._channel = raw_channel(address)
        # The stubs do not know that a stream may be written to instead of given an iterator.
        submit: Any = self._channel.stream_stream(SUBMIT, None, None)
        self.call = submit()

    async def __aenter__(self) -> RawSubmit:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.call.cancel()
        await self._channel.close(None)

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


async def ask_raw(address: str, method: str, raw: bytes, *, answers_stream: bool = False) -> bytes:
    """One call with bytes as the request; the bytes of the answer, or of all answers of a stream."""
    async with raw_channel(address) as channel:
        path = f"/pprd.v1.Exchange/{method}"
        if answers_stream:
            answers: Any = channel.unary_stream(path, None, None)
            return b"".join([answer async for answer in answers(raw)])
        call: Any = channel.unary_unary(path, None, None)
        return bytes(await call(raw))
