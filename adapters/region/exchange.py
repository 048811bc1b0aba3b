"""What a region's gateway needs from the exchange: the role that a transport fills.

Every method raises `UnavailableError` when the exchange cannot be reached or does not answer in time, and the error
that the exchange's refusal stands for otherwise. Nothing that comes back is trusted: the caller checks it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

from contracts.ids import Hash, LeafIndex
from hub.openings import Opened, OpenRequest
from hub.ports import ProducerState
from hub.projections.work_list_request import WorkListRequest, WorkPage
from hub.submission import BatchAnswer, EventReceipt, SubmittedBatch


class Reply(Protocol):
    """The answer to one batch."""

    @property
    def answer(self) -> BatchAnswer:
        """What became of the batch and of each event."""

    @property
    def originals(self) -> Mapping[int, EventReceipt]:
        """Receipts of first recordings, by the position of the repeated event."""


class StreamPage(Protocol):
    """Some events of one stream."""

    @property
    def events(self) -> Sequence[tuple[LeafIndex, bytes]]:
        """Ledger index and event bytes, oldest first."""

    @property
    def has_more(self) -> bool:
        """Whether the stream goes on after them."""


class DirectoryUpdate(Protocol):
    """Some events of the directory."""

    @property
    def events(self) -> Sequence[tuple[LeafIndex, bytes]]:
        """Ledger index and event bytes, ascending."""

    @property
    def through(self) -> LeafIndex:
        """Every directory event below this index has been given."""


class EntryChunk(Protocol):
    """Some entries of the ledger."""

    @property
    def start(self) -> LeafIndex:
        """Index of the first one."""

    @property
    def entries(self) -> Sequence[bytes]:
        """Their bytes, ascending."""


class Proof(Protocol):
    """A path in the ledger's tree."""

    @property
    def path(self) -> Sequence[Hash]:
        """As `ledger.tree` folds it."""

    @property
    def checkpoint(self) -> bytes:
        """The signed note of the size it leads to; empty if none was signed at that size."""


class SubmitStream(Protocol):
    """One open stream of batches, to be used as an async context."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def send(self, batch: SubmittedBatch) -> Awaitable[Reply]:
        """Send a batch and return as soon as it is on its way, with the answer to come."""


class Exchange(Protocol):
    """The exchange as a region sees it."""

    def submit_stream(self, *, window: int) -> SubmitStream:
        """A stream on which at most `window` batches are unanswered."""

    async def submit_one(self, batch: SubmittedBatch) -> Reply:
        """Submit a batch of exactly one event."""

    async def stream(self, stream_id: bytes, *, from_seq: int = 0, limit: int = 0) -> StreamPage:
        """Events of one stream, oldest first."""

    async def receipt(self, event_id: bytes) -> EventReceipt:
        """The original receipt of one event."""

    async def inclusion(self, index: int, *, tree_size: int = 0) -> Proof:
        """Inclusion path of an entry; a size of zero is the last checkpoint's."""

    async def consistency(self, size1: int, size2: int) -> Proof:
        """Consistency path between two sizes."""

    async def growth(self, sizes: Sequence[int], size2: int) -> Sequence[Sequence[Hash]]:
        """Consistency paths from several sizes, at most 256, to one; one a size, in their order."""

    async def checkpoint(self, size: int | None = None) -> bytes:
        """The signed note of an exact size, or the last one."""

    async def log_keys(self) -> bytes:
        """The chain of the ledger's keys."""

    async def producer(self, producer: str) -> ProducerState:
        """Where a producer's chain of batches stands."""

    async def work_list(self, request: WorkListRequest) -> WorkPage:
        """A page of the work list of an office of the asking region."""

    async def open_payload(self, request: OpenRequest) -> Opened:
        """One sealed payload; the opening is in the ledger before this returns."""

    def entries(self, start: int = 0, end: int = 0) -> AsyncIterator[EntryChunk]:
        """Ledger entries as recorded; an end of zero is the last checkpoint's size."""

    def directory(self, from_index: int = 0, *, follow: bool = False) -> AsyncIterator[DirectoryUpdate]:
        """Directory events from an index on; `follow` goes on with new ones."""
