"""The hub's one writer: a worker thread that takes everything that waits and records it as one group.

Rules that it keeps: what is offered is recorded in that order; a group is at most `group_events` events, or one larger
batch, or at most `MAX_OPENINGS` requests to open, never both kinds; nothing waits for a timer; what was taken is
recorded even if the caller has gone, because a repeated submission gets the original receipt. While a group becomes
durable the next one is decided, if one waits; of requests to open only who asks, and what may be read after it.
Counters belong to the event loop's thread alone, the recorder to the worker's, but for making a commit durable and the
answers to it; they meet in one queue and in one call back to the loop a group.

Whatever the recorder raises from a group means that our own state is unknown: the sequencer stops for good, tells
everyone who waits, and completes `failure`. Transports are not here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from time import perf_counter
from types import TracebackType
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, TypeVar, cast

from contracts.errors import ExchangeError, FatalError, UnavailableError
from hub.openings import Each, Opened, OpenRequest
from hub.submission import BatchAnswer, SubmittedBatch
from ledger.batch import MAX_BATCH

T = TypeVar("T")

MAX_QUEUE_EVENTS = 8_192
"""Events that may wait or be in work: half a second of a busy hub."""
MAX_QUEUE_BYTES = 64 << 20
"""Bytes of batches that may wait or be in work."""
MAX_OPENINGS: Final = 64
"""Openings that share a commit, at most: their sealed payloads are in memory at once."""
_RETRY_MS = (20, 5_000)


class Recorder(Protocol):
    """What the sequencer drives: the application, called from one thread only, but for what `begin` gives."""

    def begin(self, batches: Sequence[SubmittedBatch]) -> Callable[[], list[BatchAnswer]]:
        """Decide about batches in order and write one commit; what it gives makes that durable and answers each."""

    def begin_openings(
        self, requests: Sequence[OpenRequest], wait: Callable[[], None], each: Each
    ) -> Callable[[], list[Opened | ExchangeError]]:
        """The same for requests to open; it calls `wait`, for the commit before, and only then reads the store.

        What it has to do with `each` of them may run on another thread as well.
        """


class _Item(NamedTuple):
    """Something that shares a commit with its like."""

    what: SubmittedBatch | OpenRequest
    events: int
    size_bytes: int
    answer: asyncio.Future[object]


class _Job(NamedTuple):
    job: Callable[[], object]
    answer: asyncio.Future[object]


_Work: TypeAlias = _Item | _Job
_Outcome: TypeAlias = tuple[asyncio.Future[object], object, ExchangeError | None]


class Sequencer:
    """One worker thread behind a bounded queue. Use as an async context, or `start` and `drain`.

    Args:
        recorder: Called from the worker thread only, once a group.
        max_queue_events: Bound of events that wait or are in work.
        max_queue_bytes: Bound of their bytes, as told by the transport.
        group_events: Bound of one group.
    """

    def __init__(
        self,
        recorder: Recorder,
        *,
        max_queue_events: int = MAX_QUEUE_EVENTS,
        max_queue_bytes: int = MAX_QUEUE_BYTES,
        group_events: int = MAX_BATCH,
    ) -> None:
        self._recorder = recorder
        self._max_events = max_queue_events
        self._max_bytes = max_queue_bytes
        self._group_events = group_events
        self._queue: SimpleQueue[_Work | None] = SimpleQueue()
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._listeners: list[Callable[[], None]] = []
        self._events = 0
        self._bytes = 0
        self._event_seconds = 1e-4
        self._is_open = False
        self._thread: Thread | None = None
        self._broken: FatalError | None = None
        self._each: Each = map
        self._loop: asyncio.AbstractEventLoop
        self._failure: asyncio.Future[FatalError]

    @property
    def failure(self) -> asyncio.Future[FatalError]:
        """Completed with the error if the recorder fails; pending as long as all is well."""
        return self._failure

    @property
    def waiting_events(self) -> int:
        """Events that wait or are in work."""
        return self._events

    def listen(self, listener: Callable[[], None]) -> None:
        """Call back on the event loop after each group or job that was recorded; it must not block."""
        self._listeners.append(listener)

    def start(self) -> None:
        """Take the running event loop and start the worker thread."""
        self._loop = asyncio.get_running_loop()
        self._failure = self._loop.create_future()
        self._is_open = True
        self._thread = Thread(target=self._work, name="pprd-sequencer", daemon=True)
        self._thread.start()

    async def drain(self) -> None:
        """Accept nothing more, finish what waits, end the worker thread. Safe to call twice."""
        if self._is_open:
            self._is_open = False
            self._queue.put(None)
            self._wake_waiters()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    async def __aenter__(self) -> Sequencer:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.drain()

    async def enqueue(
        self, batch: SubmittedBatch, *, size_bytes: int = 0, patience_seconds: float = 0.0
    ) -> Awaitable[BatchAnswer]:
        """Put a batch into the queue; the order of returning is the order of recording.

        Args:
            batch: As it arrived.
            size_bytes: What it takes in memory, for the bound.
            patience_seconds: How long to wait for room; zero refuses at once.

        Returns:
            The answer to come.

        Raises:
            UnavailableError: OVERLOADED: no room in time, carries when to try again; SHUTTING_DOWN: nothing is taken
                any more.
        """
        answer = await self._put(batch, max(1, len(batch.events)), size_bytes, patience_seconds)
        return cast("Awaitable[BatchAnswer]", answer)

    async def submit(self, batch: SubmittedBatch, *, size_bytes: int = 0, patience_seconds: float = 0.0) -> BatchAnswer:
        """Enqueue a batch and wait for its answer.

        Raises:
            UnavailableError: As `enqueue`.
            FatalError: The recorder failed; whether the batch was recorded is unknown.
        """
        return await (await self.enqueue(batch, size_bytes=size_bytes, patience_seconds=patience_seconds))

    async def open(self, request: OpenRequest, *, patience_seconds: float = 5.0) -> Opened:
        """Have an opening recorded, in one commit with others that wait.

        Returns:
            What the office gets; its record is durable.

        Raises:
            ExchangeError: As `hub.application.Application.open_payload`.
            UnavailableError: As `enqueue`.
            FatalError: The recorder failed; whether the opening was recorded is unknown.
        """
        return await (await self.enqueue_opening(request, patience_seconds=patience_seconds))

    async def enqueue_opening(self, request: OpenRequest, *, patience_seconds: float = 5.0) -> asyncio.Future[Opened]:
        """Put a request to open into the queue; what it gets is the answer to come, which the caller may give up.

        Raises:
            UnavailableError: As `enqueue`.
        """
        return cast("asyncio.Future[Opened]", await self._put(request, 1, 0, patience_seconds))

    async def call(self, job: Callable[[], T], *, patience_seconds: float = 5.0) -> T:
        """Run a job on the worker thread between groups: a change of the directory, heads, timers.

        Returns:
            What the job returns.

        Raises:
            ExchangeError: What the job raises; the sequencer goes on unless it is fatal.
            UnavailableError: As `enqueue`.
            FatalError: The job raised something that is not an error of ours, or a fatal one.
        """
        if not self._has_room(1, 0) or not self._is_open:
            await self._wait_for_room(1, 0, patience_seconds)
        self._events += 1
        answer: asyncio.Future[object] = self._loop.create_future()
        self._queue.put(_Job(job, answer))
        return cast("T", await answer)

    async def _put(
        self, what: SubmittedBatch | OpenRequest, events: int, size_bytes: int, patience_seconds: float
    ) -> asyncio.Future[object]:
        if not self._has_room(events, size_bytes) or not self._is_open:
            await self._wait_for_room(events, size_bytes, patience_seconds)
        self._events += events
        self._bytes += size_bytes
        answer: asyncio.Future[object] = self._loop.create_future()
        self._queue.put(_Item(what, events, size_bytes, answer))
        return answer

    # -- the loop's side -------------------------------------------------------------------------------------------

    def _has_room(self, events: int, size_bytes: int) -> bool:
        # One batch always fits into an empty queue, or it could never be refused for its size.
        return not self._waiters and (
            self._events == 0
            or (self._events + events <= self._max_events and self._bytes + size_bytes <= self._max_bytes)
        )

    async def _wait_for_room(self, events: int, size_bytes: int, patience_seconds: float) -> None:
        deadline = self._loop.time() + patience_seconds
        while self._is_open:
            left_seconds = deadline - self._loop.time()
            if left_seconds <= 0:
                raise self._overloaded()
            # Everyone who waits is woken in order and looks again before anything else can run.
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._waiters.append(waiter)
            try:
                await asyncio.wait((waiter,), timeout=left_seconds)
            finally:
                if not waiter.done():
                    self._waiters.remove(waiter)
            if waiter.done() and self._has_room(events, size_bytes):
                return
        raise UnavailableError("SHUTTING_DOWN", "the hub takes nothing more")

    def _overloaded(self) -> UnavailableError:
        error = UnavailableError("OVERLOADED", f"{self._events} events are waiting, {self._max_events} are accepted")
        low, high = _RETRY_MS
        error.retry_after_ms = min(high, max(low, round(1000 * self._events * self._event_seconds)))
        return error

    def _wake_waiters(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)

    def _settle(self, outcomes: Sequence[_Outcome], events: int, size_bytes: int, seconds: float) -> None:
        _complete(outcomes)
        self._events -= events
        self._bytes -= size_bytes
        if seconds > 0:
            self._event_seconds += (seconds / events - self._event_seconds) / 8
        if self._waiters:
            self._wake_waiters()
        for listener in self._listeners:
            listener()

    def _fail(self, failure: FatalError, held: _Work | None) -> None:
        self._is_open = False
        left = [held]
        while not self._queue.empty():
            left.append(self._queue.get_nowait())
        self._queue.put(None)  # the worker may wait for more
        _complete([(work.answer, None, failure) for work in left if work is not None])
        self._events = self._bytes = 0
        self._wake_waiters()
        if not self._failure.done():
            self._failure.set_result(failure)

    # -- the worker's side -----------------------------------------------------------------------------------------

    def _work(self) -> None:
        with (
            ThreadPoolExecutor(1, thread_name_prefix="pprd-committer") as committer,
            ThreadPoolExecutor(1, thread_name_prefix="pprd-checker") as checker,
        ):
            self._each = partial(_in_two, checker)
            held: _Work | None = None
            ahead: Future[FatalError | None] | None = None
            while True:
                first = held if held is not None else self._queue.get()
                held, is_last = None, False
                if first is None:
                    return
                failure: FatalError | None = None
                if isinstance(first, _Job):
                    _wait(ahead)
                    ahead, failure = None, self._broken
                    if failure is None:
                        failure = self._run(first)
                    else:
                        held = first
                else:
                    group, held, is_last = self._take(first)
                    finish = self._begin(group, ahead)
                    _wait(ahead)
                    # While something waits, it is decided as this commit becomes durable; else a thread would only add.
                    if self._broken is None and (held is not None or not self._queue.empty()):
                        ahead = committer.submit(finish)
                    else:
                        ahead, failure = None, finish()
                if failure is not None:
                    self._loop.call_soon_threadsafe(self._fail, failure, held)
                if failure is not None or is_last:
                    return

    def _take(self, first: _Item) -> tuple[list[_Item], _Work | None, bool]:
        """All that waits and may share a commit with a first item, what was taken from the queue beside it, and whether
        it was the last."""
        most = MAX_OPENINGS if isinstance(first.what, OpenRequest) else self._group_events
        group, events = [first], first.events
        while events < most:
            try:
                work = self._queue.get_nowait()
            except Empty:
                break
            if work is None:
                return group, None, True
            if isinstance(work, _Job) or type(work.what) is not type(first.what) or events + work.events > most:
                return group, work, False
            group.append(work)
            events += work.events
        return group, None, False

    def _begin(self, group: list[_Item], ahead: Future[FatalError | None] | None) -> Callable[[], FatalError | None]:
        """Decide about a group; what is given ends it, whatever became of it, and says whether our state is unknown."""
        began = perf_counter()
        answers: Callable[[], Sequence[object]] | None = None
        failure = self._broken
        if failure is None:
            try:
                answers = self._decide([item.what for item in group], ahead)
            except Exception as err:  # noqa: BLE001 - the outermost loop of the writer: whatever it is, our state is unknown
                failure = self._broken = _fatal(err)
        return partial(self._finish, group, answers, failure, began)

    def _decide(self, group: list[Any], ahead: Future[FatalError | None] | None) -> Callable[[], Sequence[object]]:
        """Give a group to the recorder; its items are all of one kind."""
        if not isinstance(group[0], OpenRequest):
            return self._recorder.begin(group)
        return self._recorder.begin_openings(group, partial(self._wait_for, ahead), self._each)

    def _wait_for(self, ahead: Future[FatalError | None] | None) -> None:
        """Wait until the group before is recorded.

        Raises:
            FatalError: It is not.
        """
        _wait(ahead)
        if self._broken is not None:
            raise self._broken

    def _finish(
        self,
        group: list[_Item],
        answers: Callable[[], Sequence[object]] | None,
        failure: FatalError | None,
        began: float,
    ) -> FatalError | None:
        outcomes: list[_Outcome] = []
        failure = failure or self._broken
        if answers is not None and failure is None:
            try:
                outcomes = [_outcome(item.answer, answer) for item, answer in zip(group, answers(), strict=True)]
            except Exception as err:  # noqa: BLE001 - as above
                failure = _fatal(err)
        if failure is not None:
            outcomes = [(item.answer, None, failure) for item in group]
        self._post(outcomes, sum(w.events for w in group), sum(w.size_bytes for w in group), perf_counter() - began)
        if failure is not None:
            self._broken = failure
            self._loop.call_soon_threadsafe(self._fail, failure, None)
        return failure

    def _run(self, work: _Job) -> FatalError | None:
        failure: FatalError | None = None
        outcome: _Outcome
        try:
            outcome = (work.answer, work.job(), None)
        except ExchangeError as err:
            failure = err if isinstance(err, FatalError) else None
            outcome = (work.answer, None, err)
        except Exception as err:  # noqa: BLE001 - as above
            failure = _fatal(err)
            outcome = (work.answer, None, failure)
        self._post((outcome,), 1, 0, 0.0)
        return failure

    def _post(self, outcomes: Sequence[_Outcome], events: int, size_bytes: int, seconds: float) -> None:
        self._loop.call_soon_threadsafe(self._settle, outcomes, events, size_bytes, seconds)


def _in_two(
    checker: ThreadPoolExecutor, check: Callable[[OpenRequest], ExchangeError | None], requests: Sequence[OpenRequest]
) -> list[ExchangeError | None]:
    """Check half of the requests here and half on another thread: signatures take no lock of the interpreter."""
    half = len(requests) // 2
    if half == 0:
        return [check(request) for request in requests]
    rest = checker.submit(lambda: [check(request) for request in requests[half:]])
    return [*[check(request) for request in requests[:half]], *rest.result()]


def _wait(ahead: Future[FatalError | None] | None) -> None:
    """Wait until the group before is recorded, or is not."""
    if ahead is not None:
        ahead.result()


def _complete(outcomes: Sequence[_Outcome]) -> None:
    for answer, result, error in outcomes:
        if answer.done():  # whoever waited has gone
            continue
        if error is None:
            answer.set_result(result)
        else:
            answer.set_exception(error)
            answer.exception()  # who no longer asks is not reminded


def _outcome(waiting: asyncio.Future[object], answer: object) -> _Outcome:
    """What somebody who waits is told: a value, or the error that stands in its place."""
    return (waiting, None, answer) if isinstance(answer, ExchangeError) else (waiting, answer, None)


def _fatal(err: Exception) -> FatalError:
    if isinstance(err, FatalError):
        return err
    # The kind only: the text of a foreign exception may quote what it choked on.
    failure = FatalError("STATE_UNKNOWN", f"the hub's writer met {type(err).__name__} and stopped")
    failure.__cause__ = err
    return failure
