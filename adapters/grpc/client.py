"""The exchange as a region or an auditor sees it: every call of the service, with values of ours.

Rules kept here: every unary call has a time limit; whatever gRPC raises becomes an error of one of our families.
Nothing is verified here: signatures and proofs are for who uses the answers. The stream of batches stands in
`adapters.grpc.submit_stream`, that of openings in `adapters.grpc.open_stream`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, NamedTuple

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from adapters._generated.pprd.v1 import exchange_pb2 as pb
from adapters._generated.pprd.v1.exchange_pb2_grpc import ExchangeStub
from adapters.grpc.codes import error_of
from adapters.grpc.messages import (
    Reply,
    batch_to_proto,
    event_receipt_of_proto,
    open_request_to_proto,
    opened_of_proto,
    reply_of_proto,
    work_list_request_to_proto,
    work_page_of_proto,
)
from adapters.grpc.open_stream import OpenStream
from adapters.grpc.submit_stream import SubmitStream
from contracts.errors import ContractError, UnavailableError
from contracts.ids import Hash, LeafIndex, PointId
from hub.openings import Opened, OpenRequest
from hub.ports import ProducerState
from hub.projections.work_list_request import WorkListRequest, WorkPage
from hub.submission import EventReceipt, SubmittedBatch

MAX_MESSAGE_BYTES: Final = 16 << 20
CALL_SECONDS: Final = 20.0
"""Default time limit of a unary call."""

_OPTIONS: Final = [
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 20_000),
]


class Proof(NamedTuple):
    """A path in the ledger's tree.

    Attributes:
        path: As `ledger.tree` folds it.
        checkpoint: The signed note of the size it leads to; empty if none was signed at that size.
    """

    path: tuple[Hash, ...]
    checkpoint: bytes


class StreamPage(NamedTuple):
    """Some events of one stream.

    Attributes:
        events: Ledger index and bytes E, oldest first.
        has_more: Whether the stream goes on after them.
    """

    events: tuple[tuple[LeafIndex, bytes], ...]
    has_more: bool


class EntryChunk(NamedTuple):
    """Some entries of the ledger, as recorded.

    Attributes:
        start: Index of the first one.
        entries: Their bytes, ascending, at least one.
    """

    start: LeafIndex
    entries: tuple[bytes, ...]


class DirectoryUpdate(NamedTuple):
    """Some events of the directory.

    Attributes:
        events: Ledger index and bytes E, ascending.
        through: Every directory event below this index has been given.
    """

    events: tuple[tuple[LeafIndex, bytes], ...]
    through: LeafIndex


@dataclass(frozen=True, slots=True)
class PublishedRun:
    """A notification run as it stands on the broker.

    Attributes:
        point: Whose it is.
        first_n: Counter of its first notification.
        count: How many it holds.
        data: The message's data.
    """

    point: PointId
    first_n: int
    count: int
    data: bytes


class ExchangeClient:
    """One connection to a hub; use it as an async context, or `connect` and `close`.

    Args:
        address: `HOST:PORT`.
        credentials: TLS; None speaks plain text, for loopback addresses only.
        call_seconds: Time limit of unary calls.
    """

    def __init__(
        self, address: str, *, credentials: grpc.ChannelCredentials | None = None, call_seconds: float = CALL_SECONDS
    ) -> None:
        self._address = address
        self._call_seconds = call_seconds
        if credentials is None:
            self._channel = grpc.aio.insecure_channel(address, options=_OPTIONS)
        else:
            self._channel = grpc.aio.secure_channel(address, credentials, options=_OPTIONS)
        # grpc's stubs are untyped: the calls below give them their types back.
        self._stub: Any = ExchangeStub(self._channel)
        self._health: Any = health_pb2_grpc.HealthStub(self._channel)
        self._opening = OpenStream(self._stub.OpenEach, call_seconds=call_seconds)

    async def connect(self, *, timeout_seconds: float = 10.0) -> None:
        """Wait until the hub can be reached.

        Raises:
            UnavailableError: PEER_UNAVAILABLE: it cannot, in this time.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._channel.channel_ready()
        except TimeoutError as err:
            raise UnavailableError("PEER_UNAVAILABLE", f"{self._address} did not answer") from err

    async def close(self) -> None:
        """End the connection; calls that are under way fail."""
        await self._opening.close()
        await self._channel.close(None)

    async def __aenter__(self) -> ExchangeClient:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # -- submitting

    def submit_stream(self, *, window: int = 16) -> SubmitStream:
        """A stream of batches, to be used as an async context.

        Args:
            window: Batches that may be unanswered before `send` waits.
        """
        return SubmitStream(self._stub.Submit, window=window)

    async def submit_one(self, batch: SubmittedBatch) -> Reply:
        """Submit a batch of exactly one event.

        Raises:
            UnavailableError: The hub was not reached or did not answer; ask again with the same bytes.
            ContractError: ANSWER_MALFORMED.
        """
        response = await self._ask(self._stub.SubmitOne, batch_to_proto(batch))
        return reply_of_proto(response, len(batch.events))

    # -- reading

    async def stream(self, stream_id: bytes, *, from_seq: int = 0, limit: int = 0) -> StreamPage:
        """Events of one stream, oldest first.

        Args:
            stream_id: 16 bytes.
            from_seq: The first one wanted.
            limit: At most so many; zero leaves it to the hub.
        """
        request = pb.GetStreamRequest(stream_id=stream_id, from_seq=from_seq, limit=limit)
        response: pb.GetStreamResponse = await self._ask(self._stub.GetStream, request)
        return StreamPage(_events(response.events), response.has_more)

    async def receipt(self, event_id: bytes) -> EventReceipt:
        """The original receipt of one event.

        Raises:
            ExchangeError: NOT_FOUND: no such event is recorded.
        """
        return event_receipt_of_proto(await self._ask(self._stub.GetReceipt, pb.GetReceiptRequest(event_id=event_id)))

    async def inclusion(self, index: int, *, tree_size: int = 0) -> Proof:
        """Inclusion path of an entry.

        Args:
            index: The entry's.
            tree_size: Size of the tree; zero is the last checkpoint's.
        """
        return await self._prove(inclusion=pb.InclusionQuery(index=index, tree_size=tree_size))

    async def consistency(self, size1: int, size2: int) -> Proof:
        """Consistency path between two sizes."""
        return await self._prove(consistency=pb.ConsistencyQuery(size1=size1, size2=size2))

    async def growth(self, sizes: Sequence[int], size2: int) -> Sequence[Sequence[Hash]]:
        """Consistency paths from several sizes, at most 256, to one: one path a size, in their order.

        Raises:
            ContractError: ANSWER_MALFORMED: there are more or fewer.
        """
        query = pb.GetProofRequest(growth=pb.GrowthQuery(sizes=sizes, size2=size2))
        response: pb.GetProofResponse = await self._ask(self._stub.GetProof, query)
        if len(response.growth) != len(sizes):
            raise ContractError("ANSWER_MALFORMED", f"{len(response.growth)} paths for {len(sizes)} sizes")
        return [[Hash(value) for value in one.path] for one in response.growth]

    async def _prove(self, **query: Any) -> Proof:
        response: pb.GetProofResponse = await self._ask(self._stub.GetProof, pb.GetProofRequest(**query))
        return Proof(tuple(Hash(value) for value in response.path), response.checkpoint)

    async def checkpoint(self, size: int | None = None) -> bytes:
        """The signed note of an exact size, or the last one.

        Raises:
            ExchangeError: NOT_FOUND: none was signed at that size.
        """
        response: pb.GetCheckpointResponse = await self._ask(
            self._stub.GetCheckpoint, pb.GetCheckpointRequest(size=size or 0)
        )
        return response.checkpoint

    async def log_keys(self) -> bytes:
        """The chain of the ledger's keys, unchecked."""
        response: pb.GetLogKeysResponse = await self._ask(self._stub.GetLogKeys, pb.GetLogKeysRequest())
        return response.chain

    async def producer(self, producer: str) -> ProducerState:
        """Where a producer's chain of batches stands."""
        response: pb.GetProducerResponse = await self._ask(
            self._stub.GetProducer, pb.GetProducerRequest(producer=producer)
        )
        return ProducerState(response.next_seq, Hash(response.last_hash))

    async def work_list(self, request: WorkListRequest) -> WorkPage:
        """A page of an office's work list.

        Raises:
            AccessError: The office is not of the signer's region, or the key is not.
            UnavailableError: PROJECTIONS_MISSING: the hub has no work lists beside it.
        """
        message = await self._ask(self._stub.GetWorkList, work_list_request_to_proto(request))
        return work_page_of_proto(request.office, message)

    async def open_payload(self, request: OpenRequest) -> Opened:
        """One sealed payload; the opening is in the ledger before this returns.

        Requests that are asked side by side share one stream, where the hub offers it, and nothing else.

        Raises:
            AccessError: The hub says no; the code tells why.
        """
        if self._opening.is_offered:
            try:
                return await self._opening.ask(request)
            except ContractError:
                if self._opening.is_offered:
                    raise
        return opened_of_proto(await self._ask(self._stub.OpenPayload, open_request_to_proto(request)))

    async def entries(self, start: int = 0, end: int = 0) -> AsyncGenerator[EntryChunk, None]:
        """Ledger entries as recorded, in chunks of at most a mebibyte.

        Args:
            start: The first one.
            end: One past the last; zero is the last checkpoint's size.
        """
        async for message in self._follow(self._stub.GetEntries, pb.GetEntriesRequest(start=start, end=end)):
            yield EntryChunk(LeafIndex(message.start), tuple(message.entries))

    async def directory(self, from_index: int = 0, *, follow: bool = False) -> AsyncGenerator[DirectoryUpdate, None]:
        """Directory events from an index on.

        Args:
            from_index: Where to start.
            follow: Go on with new ones as they are recorded, until the caller leaves or the hub stops.
        """
        request = pb.WatchDirectoryRequest(from_index=from_index, follow=follow)
        async for message in self._follow(self._stub.WatchDirectory, request):
            yield DirectoryUpdate(_events(message.events), LeafIndex(message.through))

    async def runs(self, point: str, *, from_n: int = 1, limit: int = 0) -> AsyncGenerator[PublishedRun, None]:
        """A delivery point's runs again, starting with the one that holds notification `from_n`.

        Args:
            point: The delivery point.
            from_n: Counter of the first notification wanted.
            limit: At most so many runs; zero is all.
        """
        request = pb.GetRunsRequest(point=point, from_n=from_n, limit=limit)
        async for message in self._follow(self._stub.GetRuns, request):
            yield PublishedRun(PointId(message.point), message.first_n, message.count, message.data)

    async def is_serving(self, service: str = pb.DESCRIPTOR.services_by_name["Exchange"].full_name) -> bool:
        """Whether the hub says that it serves."""
        response = await self._ask(self._health.Check, health_pb2.HealthCheckRequest(service=service))
        return bool(response.status == health_pb2.HealthCheckResponse.SERVING)

    # -- calling

    async def _ask(self, call: Any, request: object) -> Any:
        with told_as_ours():
            return await call(request, timeout=self._call_seconds)

    async def _follow(self, call: Any, request: object) -> AsyncIterator[Any]:
        messages = call(request)
        try:
            with told_as_ours():
                async for message in messages:
                    yield message
        finally:
            messages.cancel()


@contextmanager
def told_as_ours() -> Iterator[None]:
    """Turn what gRPC raises into an error of ours.

    Raises:
        ExchangeError: Of the family that the peer said, or that the transport's status stands for.
    """
    try:
        yield
    except grpc.aio.AioRpcError as err:
        raise error_of(err) from err


def _events(events: Any) -> tuple[tuple[LeafIndex, bytes], ...]:
    return tuple((LeafIndex(event.index), event.event) for event in events)
