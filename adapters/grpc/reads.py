"""Everything that is asked of the hub and changes nothing.

Answers are cut to what a message holds; ranges are read in pieces, each from one thread, in bounded memory. What comes
out is what is stored, byte for byte. Openings, which are recorded, stand in `adapters.grpc.openings`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from typing import Final

from google.protobuf.message import Message

from adapters._generated.pprd.v1 import exchange_pb2 as pb
from adapters.grpc.calls import Handler, Limits, server_stream, unary
from adapters.grpc.messages import (
    event_receipt_to_proto,
    exact,
    work_list_request_of_proto,
    work_page_to_proto,
)
from adapters.grpc.peer import PEER
from adapters.grpc.reading import Readers
from contracts.errors import ContractError, FatalError, RuleError, UnavailableError
from contracts.ids import KeyId, LeafIndex, PointId, TreeSize, is_point_id
from hub import evidence
from hub.application import Application
from hub.ports import LedgerReader, ProducerState, Run
from hub.projections.work_list_request import (
    MAX_ROWS,
    RowPlace,
    WorkListRequest,
    WorkPage,
    check_work_list_request,
    read_place,
)
from ledger.batch import NO_BATCH
from ledger.entry import EventEntry, decode_entry

CHUNK_BYTES: Final = 1 << 20
"""Entry bytes of one message of a stream, at most (one entry is always sent)."""
CHUNK_ENTRIES: Final = 2_048
STREAM_EVENTS: Final = 256
"""Events of one `GetStream` answer, at most."""
MAX_GROWN: Final = 256
"""Sizes of one growth query, at most."""
RUNS: Final = 64
"""Runs read at a time."""
GATHER_SECONDS: Final = 0.2
"""Pause of a follower between being woken and looking, so that busy times cost one look and not hundreds."""

RunEncoder = Callable[[Run], bytes]
"""Gives the data of a run exactly as the broker carries it; called on a reading thread, never twice at once."""

WorkLists = Callable[[str, RowPlace | None, int], WorkPage]
"""Gives a page of an office's work list: the office, the place before the page, rows at most. Called on any thread;
raises PROJECTIONS_MISSING or PROJECTIONS_OUTDATED where there are no lists."""


def no_work_lists(office: str, after: RowPlace | None, limit: int) -> WorkPage:
    """For a hub that has no projections beside it.

    Raises:
        UnavailableError: PROJECTIONS_MISSING, always.
    """
    raise UnavailableError("PROJECTIONS_MISSING", "this hub keeps no work lists")


class Reads:
    """The calls that read.

    Args:
        application: For its reader and directory.
        readers: Threads to read with.
        encode_run: Makes the data of a notification run.
        work_lists: Gives pages of work lists.
        limits: Sizes and times.
    """

    def __init__(
        self,
        *,
        application: Application,
        readers: Readers,
        encode_run: RunEncoder,
        work_lists: WorkLists,
        limits: Limits,
    ) -> None:
        self._application = application
        self._reader: LedgerReader = application.reader
        self._readers = readers
        self._encode_run = encode_run
        self._work_lists = work_lists
        self._limits = limits
        self._encoding = asyncio.Lock()
        self._pulse = asyncio.Event()
        self._watchers = 0
        self._is_ending = False

    def handlers(self) -> dict[str, Handler]:
        """The handlers by method name."""
        limits = self._limits
        return {
            "GetStream": unary("GetStream", pb.GetStreamRequest, self._stream, limits),
            "GetReceipt": unary("GetReceipt", pb.GetReceiptRequest, self._receipt, limits),
            "GetProof": unary("GetProof", pb.GetProofRequest, self._proof, limits),
            "GetEntries": server_stream("GetEntries", pb.GetEntriesRequest, self._entries, limits),
            "GetCheckpoint": unary("GetCheckpoint", pb.GetCheckpointRequest, self._checkpoint, limits),
            "GetLogKeys": unary("GetLogKeys", pb.GetLogKeysRequest, self._log_keys, limits),
            "WatchDirectory": server_stream("WatchDirectory", pb.WatchDirectoryRequest, self._watch, limits),
            "GetRuns": server_stream("GetRuns", pb.GetRunsRequest, self._runs, limits),
            "GetWorkList": unary("GetWorkList", pb.GetWorkListRequest, self._work_list, limits),
            "GetProducer": unary("GetProducer", pb.GetProducerRequest, self._producer, limits),
        }

    def recorded(self) -> None:
        """Wake those who follow the directory; called after each commit."""
        if self._watchers:
            self._pulse.set()
            self._pulse = asyncio.Event()

    def end_streams(self) -> None:
        """Let those who follow the directory go."""
        self._is_ending = True
        self._pulse.set()

    # -- one answer

    async def _stream(self, request: pb.GetStreamRequest) -> Message:
        stream_id = exact(request.stream_id, 16, "stream_id")
        limit = min(request.limit or STREAM_EVENTS, STREAM_EVENTS)
        found = await self._readers.run(self._reader.visible_stream, stream_id, request.from_seq, limit + 1)
        return pb.GetStreamResponse(events=[_stream_event(*row) for row in found[:limit]], has_more=len(found) > limit)

    async def _receipt(self, request: pb.GetReceiptRequest) -> Message:
        event_id = exact(request.event_id, 16, "event_id")
        return event_receipt_to_proto(await self._readers.run(evidence.event_receipt, self._reader, event_id))

    async def _proof(self, request: pb.GetProofRequest) -> Message:
        return await self._readers.run(self._prove, request)

    def _prove(self, request: pb.GetProofRequest) -> Message:
        match request.WhichOneof("query"):
            case "inclusion":
                size = TreeSize(request.inclusion.tree_size or self._reader.size())
                path = evidence.inclusion(self._reader, LeafIndex(request.inclusion.index), size)
            case "consistency":
                size = TreeSize(request.consistency.size2)
                path = evidence.consistency(self._reader, TreeSize(request.consistency.size1), size)
            case "growth":
                return self._grown(request.growth)
            case _:
                raise ContractError("REQUEST_MALFORMED", "neither inclusion, consistency nor growth", field="query")
        return pb.GetProofResponse(path=path, checkpoint=self._reader.checkpoint(size) or b"")

    def _grown(self, query: pb.GrowthQuery) -> Message:
        if len(query.sizes) > MAX_GROWN:
            raise ContractError("RANGE_TOO_LARGE", f"{len(query.sizes)} sizes, at most {MAX_GROWN}", field="sizes")
        size = TreeSize(query.size2)
        paths = evidence.growth(self._reader, [TreeSize(one) for one in query.sizes], size)
        return pb.GetProofResponse(
            growth=[pb.ProofPath(path=path) for path in paths], checkpoint=self._reader.checkpoint(size) or b""
        )

    async def _checkpoint(self, request: pb.GetCheckpointRequest) -> Message:
        size = TreeSize(request.size) if request.size else None
        note = await self._readers.run(self._reader.checkpoint, size)
        if note is None:
            raise RuleError("NOT_FOUND", f"no checkpoint was signed at size {request.size}", field="size")
        return pb.GetCheckpointResponse(checkpoint=note)

    async def _log_keys(self, request: pb.GetLogKeysRequest) -> Message:
        changes = self._application.directory.log_keys.changes
        indexes = [change.entry for change in changes]
        return pb.GetLogKeysResponse(chain=await self._readers.run(evidence.log_key_chain, self._reader, indexes))

    async def _producer(self, request: pb.GetProducerRequest) -> Message:
        if not is_point_id(request.producer):
            raise ContractError("REQUEST_MALFORMED", "this is no name of a producer", field="producer")
        _own_point(request.producer, "producer")
        state = await self._readers.run(self._reader.producer, request.producer) or ProducerState(0, NO_BATCH)
        return pb.GetProducerResponse(next_seq=state.next_seq, last_hash=state.last_hash)

    async def _work_list(self, request: pb.GetWorkListRequest) -> Message:
        asked = work_list_request_of_proto(request)
        _own_point(asked.producer, "producer")
        if (peer := PEER.get()) is not None:
            peer.check_office(asked.office, "office")
        return work_page_to_proto(await self._readers.run(self._work_page, asked))

    def _work_page(self, asked: WorkListRequest) -> WorkPage:
        application = self._application
        directory = application.directory
        key = directory.open_key(KeyId(asked.key_id), LeafIndex(self._reader.size()))
        check_work_list_request(asked, key, directory, application.now_ms(), application.rules.clock_skew_ms)
        return self._work_lists(asked.office, read_place(asked.after), min(asked.limit or MAX_ROWS, MAX_ROWS))

    # -- streams of answers

    async def _entries(self, request: pb.GetEntriesRequest) -> AsyncIterator[Message]:
        size = await self._readers.run(self._reader.size)
        start, end = request.start, request.end or size
        if not start <= end <= size:
            raise ContractError("RANGE_TOO_LARGE", f"entries {start} to {end}: the ledger has {size}", field="end")
        while start < end:
            entries = await self._readers.run(_chunk, self._reader, start, end)
            yield pb.EntryChunk(start=start, entries=entries)
            start += len(entries)

    async def _runs(self, request: pb.GetRunsRequest) -> AsyncIterator[Message]:
        if not is_point_id(request.point):
            raise ContractError("REQUEST_MALFORMED", "this is no name of a delivery point", field="point")
        _own_point(request.point, "point")
        point, next_n, left = PointId(request.point), max(1, request.from_n), request.limit or sys.maxsize
        while left > 0:
            runs = await self._readers.run(self._reader.runs, point, next_n, min(left, RUNS))
            for run in runs:
                async with self._encoding:
                    data = await self._readers.run(self._encode_run, run)
                yield pb.PublishedRun(point=run.point, first_n=run.first_n, count=len(run.indexes), data=data)
                next_n = run.first_n + len(run.indexes)
            left = left - len(runs) if len(runs) == RUNS else 0

    async def _watch(self, request: pb.WatchDirectoryRequest) -> AsyncIterator[Message]:
        start, is_first = request.from_index, True
        self._watchers += 1
        try:
            while True:
                pulse = self._pulse
                events, through = await self._readers.run(_directory_page, self._reader, start)
                if events or is_first:
                    yield pb.DirectoryUpdate(events=[_stream_event(*row) for row in events], through=through)
                is_first, start = False, through
                if events:
                    continue
                if not request.follow:
                    return
                await pulse.wait()
                if self._is_ending:
                    raise UnavailableError("SHUTTING_DOWN", "the hub is stopping")
                await asyncio.sleep(GATHER_SECONDS)
        finally:
            self._watchers -= 1


def _own_point(point: str, field: str) -> None:
    """Check that a call concerns the caller's own gateway; raises as `Peer.check_point`."""
    if (peer := PEER.get()) is not None:
        peer.check_point(point, field)


def _stream_event(index: int, entry: bytes) -> pb.StreamEvent:
    found = decode_entry(entry)
    if not isinstance(found, EventEntry):
        raise FatalError("STORE_DAMAGED", f"entry {index} is filed as an event and is none")
    return pb.StreamEvent(index=index, event=found.event)


def _chunk(reader: LedgerReader, start: int, end: int) -> list[bytes]:
    """Entries from `start` on, at least one, as many as a message holds."""
    entries: list[bytes] = []
    size_bytes = 0
    for entry in reader.entries(LeafIndex(start), LeafIndex(min(end, start + CHUNK_ENTRIES))):
        size_bytes += len(entry)
        if entries and size_bytes > CHUNK_BYTES:
            break
        entries.append(entry)
    if not entries:
        raise FatalError("STORE_DAMAGED", f"entry {start} is missing")
    return entries


def _directory_page(reader: LedgerReader, start: int) -> tuple[list[tuple[LeafIndex, bytes]], int]:
    """Directory entries from `start` on, and the index below which none is left out."""
    size = reader.size()
    page: list[tuple[LeafIndex, bytes]] = []
    size_bytes = 0
    for index, entry in reader.directory_entries(LeafIndex(start)):
        if index >= size:
            break
        size_bytes += len(entry)
        if page and (size_bytes > CHUNK_BYTES or len(page) == CHUNK_ENTRIES):
            return page, index
        page.append((index, entry))
    return page, max(start, size)
