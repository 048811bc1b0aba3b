"""The outbox: takes events, makes batches of all that wait, sends them until they are answered.

Rules kept here: a batch is on disk before it is sent; after a kill or a broken line the same bytes are sent again and
get the original receipt; several batches are in flight and are answered in order; nothing waits for a timer while the
line is idle, and at most `ceiling_ms` while it is busy; no answer counts before it was checked (`answers`). An answer
that does not hold stops the outbox for good: what waits stays on disk for whoever investigates.

Not here: how an event is made (`composer`).
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import structlog

from adapters.cancellation import heed_cancellation
from adapters.region.answers import check_reply, check_time, notes_of
from adapters.region.batching import BatchMaker, place_before
from adapters.region.checkpoints import Checkpoints
from adapters.region.evidence import EvidenceMaker
from adapters.region.exchange import Exchange, Reply
from adapters.region.outbox_store import Drafted, OutboxStore, SentEvent, Waiting
from adapters.region.region_store import Kept
from contracts.codes import CODES
from contracts.errors import EvidenceError, ExchangeError, FatalError, UnavailableError
from contracts.event import Header
from contracts.ids import EventId, LeafIndex
from hub.ports import ProducerState
from hub.submission import Outcome, Refusal, SubmittedPayload
from ledger.batch import MAX_BATCH, decode_tbs

_RECENT_MS: Final = 60_000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class OutboxLimits:
    """Bounds of the outbox.

    Attributes:
        window: Batches that may be unanswered.
        ceiling_ms: How long events wait for company while the line is busy.
        batch_events: Events of one batch, at most.
        batch_bytes: Bytes of one batch with its payloads, at most; one event is always taken.
        queue_events: Events that may wait before `put` waits too.
        answer_seconds: How long a batch may stay unanswered before the line counts as broken.
        pause_seconds: First and longest pause before the exchange is tried again.
    """

    window: int = 4
    ceiling_ms: int = 50
    batch_events: int = MAX_BATCH
    batch_bytes: int = 4 << 20
    queue_events: int = 4096
    answer_seconds: float = 60.0
    pause_seconds: tuple[float, float] = (0.05, 5.0)


class _Caller(NamedTuple):
    """Who waits for what becomes of an event."""

    ref: str | None
    answer: asyncio.Future[SentEvent]


class _Again(Exception):  # noqa: N818 - no error: the line starts again, from what is on disk
    """Close the line, wait and send again what waits."""

    def __init__(self, pause_seconds: float) -> None:
        super().__init__()
        self.pause_seconds = pause_seconds


class Outbox:
    """One producer's outbox.

    Args:
        maker: Signs its batches.
        store: Where they wait.
        exchange: Where they go.
        checkpoints: Judges the heads of receipts.
        evidence: Keeps an answer that does not hold.
        limits: Bounds.
        skew_ms: How far the ledger's clock may be from a producer's, as its genesis record says.
        settled: Told of answers that are on disk, with the headers of the events.
        may_hold: Whether content of a stream may be kept here: an order may have come since an event was put.
    """

    def __init__(
        self,
        *,
        maker: BatchMaker,
        store: OutboxStore,
        exchange: Exchange,
        checkpoints: Checkpoints,
        evidence: EvidenceMaker,
        limits: OutboxLimits,
        skew_ms: Callable[[], int],
        settled: Callable[[Sequence[tuple[SentEvent, Header]]], None],
        may_hold: Callable[[bytes], bool] = lambda _: True,
    ) -> None:
        self._maker = maker
        self._store = store
        self._exchange = exchange
        self._checkpoints = checkpoints
        self._evidence = evidence
        self._limits = limits
        self._skew_ms = skew_ms
        self._settled = settled
        self._may_hold = may_hold
        self._queue: deque[Drafted] = deque()
        self._callers: dict[bytes, _Caller] = {}
        self._by_ref: dict[str, asyncio.Future[SentEvent]] = {}
        self._waiting: deque[Waiting] = deque(store.waiting())
        self._room = asyncio.Semaphore(limits.queue_events)
        self._arrived = asyncio.Event()
        self._ready = asyncio.Event()
        self._quiet = asyncio.Event()
        self._failure: ExchangeError | None = None
        self._look()

    def resume(self) -> None:
        """Take up what waits on disk; called once, before `run` and `put`."""
        for event_id, ref in self._store.unanswered_refs():
            self._call(event_id, ref)

    async def put(self, drafted: Drafted) -> asyncio.Future[SentEvent]:
        """Take an event; waits while too many do.

        Returns:
            What becomes of it, to be awaited. Giving up on it loses nothing: once drafted, the event is sent.

        Raises:
            ExchangeError: The outbox has stopped; its reason.
        """
        await self._room.acquire()
        if self._failure is not None:
            raise self._failure
        self._queue.append(drafted)
        self._look()
        answer = self._call(drafted.header.event_id, drafted.ref)
        if len(self._queue) >= self._limits.batch_events:
            # Who puts one after another leaves the line its turn when a batch is full.
            await asyncio.sleep(0)
        return answer

    def known(self, ref: str) -> asyncio.Future[SentEvent] | None:
        """What becomes of a draft that was put under this name before; None if none was, or it was refused."""
        if (waiting := self._by_ref.get(ref)) is not None:
            return waiting
        sent = self._store.sent_as(ref)
        if sent is None:
            return None
        answer: asyncio.Future[SentEvent] = asyncio.get_running_loop().create_future()
        answer.set_result(sent)
        return answer

    def _call(self, event_id: bytes, ref: str | None) -> asyncio.Future[SentEvent]:
        answer: asyncio.Future[SentEvent] = asyncio.get_running_loop().create_future()
        self._callers[event_id] = _Caller(ref, answer)
        if ref is not None:
            self._by_ref[ref] = answer
        return answer

    async def drained(self) -> None:
        """Wait until nothing waits for an answer.

        Raises:
            ExchangeError: The outbox has stopped; its reason.
        """
        await self._quiet.wait()
        if self._failure is not None:
            raise self._failure

    @property
    def waiting_events(self) -> int:
        """Events that have no answer yet."""
        return len(self._queue) + sum(len(waiting.batch.events) for waiting in self._waiting)

    def _look(self) -> None:
        """Bring the three signals up to date with what waits."""
        idle = not self._waiting
        _set(self._arrived, bool(self._queue))
        _set(self._ready, bool(self._queue) and (idle or len(self._queue) >= self._limits.batch_events))
        _set(self._quiet, idle and not self._queue)

    async def run(self) -> None:
        """Send and settle until cancelled, through every loss of the exchange.

        Raises:
            EvidenceError: An answer does not hold, or the ledger forgot a batch that it gave a receipt for.
            FatalError: The store's state is unknown.
        """
        pause = shortest = self._limits.pause_seconds[0]
        while True:
            try:
                await self._work()
            except _Again as again:
                pause = max(again.pause_seconds, shortest)
            except UnavailableError as error:
                log.warning("line.lost", code=error.code, retry_after_ms=int(pause * 1000))
            except ExchangeError as error:
                self._fail(error)
                raise
            except Exception as fault:
                # A defect of ours: who waits for an answer is told, and what is on disk is sent at the next start.
                self._fail(UnavailableError("INTERNAL_FAULT", f"the outbox met {type(fault).__name__}"))
                raise
            heed_cancellation()
            if not self._waiting and not self._queue:
                pause = shortest
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, self._limits.pause_seconds[1])

    def _fail(self, error: ExchangeError) -> None:
        self._failure = error
        log.error("outbox.stopped", code=error.code, batch_seq=self._waiting[0].batch_seq if self._waiting else None)
        for caller in self._callers.values():
            if not caller.answer.done():
                caller.answer.set_exception(error)
                caller.answer.exception()  # nobody has to ask
        self._quiet.set()

    async def _work(self) -> None:
        """One line, until it breaks."""
        if not self._waiting:
            await self._agree()
        async with self._exchange.submit_stream(window=self._limits.window) as stream:
            answers: asyncio.Queue[tuple[Waiting, Awaitable[Reply]]] = asyncio.Queue()

            async def send() -> None:
                for waiting in tuple(self._waiting):
                    answers.put_nowait((waiting, await stream.send(waiting.batch)))
                while True:
                    waiting = self._draft(await self._gather())
                    answers.put_nowait((waiting, await stream.send(waiting.batch)))

            async def settle() -> None:
                while True:
                    waiting, answer = await answers.get()
                    reply = await self._in_time(answer)
                    await self._checkpoints.learn(*notes_of(reply))
                    try:
                        self._take(waiting, reply)
                    except EvidenceError:
                        await self._evidence.reply(waiting.batch, reply)
                        raise

            await _both(send(), settle())

    async def _in_time(self, answer: Awaitable[Reply]) -> Reply:
        try:
            async with asyncio.timeout(self._limits.answer_seconds):
                return await answer
        except TimeoutError as error:
            raise UnavailableError("DEADLINE_EXCEEDED", "a batch was not answered in time") from error

    async def _agree(self) -> None:
        """Ask where our chain stands: a gateway that was restored from a copy may be behind."""
        theirs, ours = await self._exchange.producer(self._maker.producer), self._store.chain
        if theirs.next_seq < ours.next_seq or (theirs.next_seq == ours.next_seq and theirs != ours):
            raise EvidenceError(
                "RECEIPT_INVALID", f"the ledger has {theirs.next_seq} of our {ours.next_seq} answered batches"
            )
        if theirs != ours:
            log.warning("chain.moved", producer=self._maker.producer, batch_seq=theirs.next_seq)
            self._store.rebase([], theirs)

    async def _gather(self) -> list[Drafted]:
        """All that waits, up to a batch. While the line is busy, wait a little for company."""
        await self._arrived.wait()
        if not self._ready.is_set():
            try:
                async with asyncio.timeout(self._limits.ceiling_ms / 1000):
                    await self._ready.wait()
            except TimeoutError:
                log.debug("batch.closed", count=len(self._queue))
        drafts: list[Drafted] = []
        size = 0
        while self._queue and len(drafts) < self._limits.batch_events:
            size += _bytes_of(self._queue[0])
            if drafts and size > self._limits.batch_bytes:
                break
            drafts.append(self._queue.popleft())
            self._room.release()
        return drafts

    def _draft(self, drafts: Sequence[Drafted]) -> Waiting:
        """Sign a batch and keep it; from here on a kill loses nothing of it.

        What an order has withdrawn since is not written: its event goes without content, and the exchange refuses it.
        Content keys are wrapped here, for all of a batch: among other work each would take a third more (ADR 0063).
        """
        drafts = [d if self._may_hold(d.header.stream_id) else d._replace(payloads=()) for d in drafts]
        payloads = [SubmittedPayload(p.ciphertext, p.wrapped()) for d in drafts for p in d.payloads]
        batch, chain = self._maker.make(self._store.chain, [d.event for d in drafts], payloads)
        waiting = self._store.draft(batch, drafts, chain)
        self._waiting.append(waiting)
        self._look()
        return waiting

    def _take(self, waiting: Waiting, reply: Reply) -> None:
        refusal = reply.answer.refusal
        if refusal is not None:
            self._refused(waiting, refusal)
            return
        results = check_reply(waiting.batch, reply, self._checkpoints)
        check_time(waiting.batch, reply, self._skew_ms())
        answers = list(zip(waiting.headers, waiting.batch.events, results, strict=True))
        self._settle(
            waiting,
            [(self._sent(header, r.outcome, r.index, r.refusal), header) for header, _, r in answers],
            [Kept(r.index, header, event) for header, event, r in answers if r.index is not None],
        )
        log.info(
            "batch.answered",
            producer=self._maker.producer,
            batch_seq=waiting.batch_seq,
            events=len(results),
            accepted=sum(r.outcome is Outcome.ACCEPTED for r in results),
            repeated=sum(r.outcome is Outcome.REPEATED for r in results),
            refused=sum(r.outcome is Outcome.REFUSED for r in results),
        )

    def _settle(self, waiting: Waiting, answers: Sequence[tuple[SentEvent, Header]], recorded: Sequence[Kept]) -> None:
        self._store.settle(waiting, [sent for sent, _ in answers], recorded)
        self._waiting.popleft()
        self._look()
        self._settled(answers)
        for sent, _ in answers:
            caller = self._callers.pop(sent.event_id)
            if caller.ref is not None:
                del self._by_ref[caller.ref]
            if not caller.answer.done():
                caller.answer.set_result(sent)

    def _sent(self, header: Header, outcome: Outcome, index: LeafIndex | None, refusal: Refusal | None) -> SentEvent:
        return SentEvent(
            event_id=EventId(header.event_id),
            ref=self._callers[header.event_id].ref,
            stream_id=header.stream_id,
            seq=header.stream_seq,
            event_type=header.event_type,
            outcome=outcome,
            index=index,
            refusal=refusal,
        )

    def _refused(self, waiting: Waiting, refusal: Refusal) -> None:
        """The whole batch was refused and nothing of it was recorded: go on in the one way that its code allows.

        Raises:
            _Again: Always, unless the ledger contradicts itself.
            EvidenceError: It forgot a batch.
        """
        log.warning("batch.refused", producer=self._maker.producer, batch_seq=waiting.batch_seq, code=refusal.code)
        code = CODES.get(refusal.code)
        if refusal.retry_after_ms or (code is not None and code.family == "unavailable"):
            raise _Again(refusal.retry_after_ms / 1000)
        match refusal.code:
            case "BATCH_CHAIN_BROKEN":
                self._follow(waiting, refusal)
                raise _Again(0)
            case "CLOCK_SKEW":
                age_ms = self._maker.clock.now_ms() - decode_tbs(waiting.batch.tbs).created_ms
                self._rebase(place_before(waiting))
                # A fresh batch that is off by the hub's clock: ours is wrong. Somebody has to set it.
                raise _Again(0 if age_ms > _RECENT_MS else self._limits.pause_seconds[1])
            case "KEY_REVOKED" if waiting.batch.key_id != self._maker.signer.key_id:
                # Signed before our key was replaced, and nothing of it is recorded.
                self._rebase(place_before(waiting))
                raise _Again(0)
            case _:
                before = place_before(waiting)
                told = [(self._sent(h, Outcome.REFUSED, None, refusal), h) for h in waiting.headers]
                self._settle(waiting, told, ())
                self._rebase(before)
                raise _Again(0)

    def _follow(self, waiting: Waiting, refusal: Refusal) -> None:
        if refusal.expected_batch_seq is None or refusal.expected_prev_batch is None:
            raise EvidenceError("RECEIPT_INVALID", "the refusal does not say where our chain stands")
        expected = ProducerState(refusal.expected_batch_seq, refusal.expected_prev_batch)
        if expected.next_seq < waiting.batch_seq:
            raise EvidenceError(
                "RECEIPT_INVALID", f"the ledger has {expected.next_seq} of our {waiting.batch_seq} answered batches"
            )
        if expected == place_before(waiting):
            raise FatalError("STORE_DAMAGED", f"batch {waiting.batch_seq} follows the chain and was refused as if not")
        self._rebase(expected)

    def _rebase(self, state: ProducerState) -> None:
        moved, chain = self._maker.again(state, self._waiting)
        self._store.rebase(moved, chain)
        self._waiting = deque(waiting for _, waiting in moved)


def _set(event: asyncio.Event, is_set: bool) -> None:
    if is_set:
        event.set()
    else:
        event.clear()


def _bytes_of(drafted: Drafted) -> int:
    return len(drafted.event) + sum(len(payload.ciphertext) for payload in drafted.payloads)


async def _both(first: Awaitable[None], second: Awaitable[None]) -> None:
    """Run two endless jobs until one of them ends with an error; then end the other and raise it."""
    jobs = [asyncio.ensure_future(first), asyncio.ensure_future(second)]
    try:
        await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for job in jobs:
            job.cancel()
        results = await asyncio.gather(*jobs, return_exceptions=True)
    errors = [error for error in results if isinstance(error, Exception)]
    # The answers know best why a line broke; what the sender met is a consequence.
    if errors:
        raise errors[-1]
