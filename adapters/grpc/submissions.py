"""Batches in, answers out: `Submit` and `SubmitOne`.

A stream is read ahead by a bounded window, so that several of its batches fall into one commit; answers leave in the
order of the batches. The hub stops reading while the window is full; what still finds no room in the queue is refused
with the time after which to try again. What was read is recorded even if the producer breaks off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from time import perf_counter
from typing import Final, NamedTuple

import grpc
import structlog

from adapters._generated.pprd.v1 import exchange_pb2 as pb
from adapters.grpc.calls import Context, Handler, Limits, abort, know, ours, within
from adapters.grpc.codes import language_asked
from adapters.grpc.messages import Reply, batch_of_proto, parse, reply_to_proto
from adapters.grpc.peer import PEER
from adapters.grpc.reading import Readers
from adapters.sequencer import Sequencer
from contracts.errors import ContractError, ExchangeError, UnavailableError
from contracts.ids import is_point_id
from contracts.messages import Language
from hub.evidence import entry_receipt
from hub.ports import LedgerReader
from hub.submission import BatchAnswer, EventReceipt, Outcome, Refusal, SubmittedBatch
from ledger.batch import decode_tbs

log = structlog.get_logger()

_REFUSED_HERE: Final = frozenset({"contract", "access", "unavailable"})


class _Taken(NamedTuple):
    began: float
    batch: SubmittedBatch
    answer: Awaitable[BatchAnswer] | BatchAnswer


class Submissions:
    """The two calls that submit.

    Args:
        sequencer: Records.
        reader: For the receipts of repeated events.
        readers: Threads to read with.
        limits: Window, sizes and times.
    """

    def __init__(self, *, sequencer: Sequencer, reader: LedgerReader, readers: Readers, limits: Limits) -> None:
        self._sequencer = sequencer
        self._reader = reader
        self._readers = readers
        self._limits = limits
        self._ahead: set[asyncio.Task[None]] = set()
        self._is_ending = False

    def end_streams(self) -> None:
        """Read no more batches: each stream answers what it has read and ends with SHUTTING_DOWN."""
        self._is_ending = True
        for task in self._ahead:
            task.cancel()

    def handlers(self) -> dict[str, Handler]:
        """The handlers by method name."""
        return {
            "Submit": grpc.stream_stream_rpc_method_handler(self._submit),
            "SubmitOne": grpc.unary_unary_rpc_method_handler(self._submit_one),
        }

    async def _submit_one(self, raw: bytes, context: Context) -> bytes:
        try:
            know(context)
            taken = await self._take(raw, patience_seconds=0.0, is_single=True)
            return await self._answer(taken, language_asked(context.invocation_metadata()))
        except Exception as err:  # noqa: BLE001 - the outermost loop of the transport
            error = ours(err)
        return await self._break_off(context, error)

    async def _submit(self, _requests: object, context: Context) -> None:
        try:
            know(context)
        except ExchangeError as unknown:
            await self._break_off(context, unknown)
        language = language_asked(context.invocation_metadata())
        taken: asyncio.Queue[_Taken | None] = asyncio.Queue()
        window = asyncio.Semaphore(self._limits.window)
        ahead = asyncio.create_task(self._read_ahead(context, taken, window))
        self._ahead.add(ahead)
        try:
            while (item := await taken.get()) is not None:
                response = await self._answer(item, language)
                window.release()
                async with within(self._limits.message_seconds):
                    await context.write(response)
            await asyncio.wait((ahead,))
            if not ahead.cancelled():
                ahead.result()
                if not self._is_ending:
                    return
            error: ExchangeError = UnavailableError("SHUTTING_DOWN", "the hub is stopping")
        except Exception as err:  # noqa: BLE001 - the outermost loop of the transport
            error = ours(err)
        finally:
            self._ahead.discard(ahead)
            ahead.cancel()
        await self._break_off(context, error)

    async def _read_ahead(
        self, context: Context, taken: asyncio.Queue[_Taken | None], window: asyncio.Semaphore
    ) -> None:
        try:
            while not self._is_ending:
                await window.acquire()
                raw: object = await context.read()
                if not isinstance(raw, bytes):  # the end of the stream
                    return
                taken.put_nowait(await self._take(raw, patience_seconds=self._limits.patience_seconds))
        finally:
            taken.put_nowait(None)

    async def _take(self, raw: bytes, *, patience_seconds: float, is_single: bool = False) -> _Taken:
        began = perf_counter()
        batch = _NO_BATCH
        answer: Awaitable[BatchAnswer] | BatchAnswer
        try:
            if len(raw) > self._limits.max_batch_bytes:
                raise ContractError("BATCH_TOO_LARGE", f"{len(raw)} bytes, at most {self._limits.max_batch_bytes}")
            batch = batch_of_proto(parse(pb.SubmitRequest, raw))
            if is_single and len(batch.events) > 1:
                raise ContractError("BATCH_TOO_LARGE", f"{len(batch.events)} events, exactly one", field="events")
            if (peer := PEER.get()) is not None:
                peer.check_point(_names_of(batch)[1], "producer")
            answer = await self._sequencer.enqueue(batch, size_bytes=len(raw), patience_seconds=patience_seconds)
        except ExchangeError as error:
            if error.family not in _REFUSED_HERE:
                raise
            answer = _refused(batch, error)
        return _Taken(began, batch, answer)

    async def _answer(self, taken: _Taken, language: Language) -> bytes:
        answer = taken.answer
        if not isinstance(answer, BatchAnswer):
            # Too late is no refusal: the batch is in the queue and may be recorded, so the call ends without an answer.
            async with within(self._limits.call_seconds):
                answer = await answer
        originals = await self._readers.run(self._originals, answer) if _has_repeats(answer) else {}
        # The producer waits for the answer, and nobody for the line in the log.
        asyncio.get_running_loop().call_soon(_tell, taken, answer)
        return reply_to_proto(Reply(answer, originals), language).SerializeToString()

    async def _break_off(self, context: Context, error: ExchangeError) -> bytes:
        log.info("submission.ended", outcome="REFUSED", code=error.code)
        return await abort(context, error)

    def _originals(self, answer: BatchAnswer) -> dict[int, EventReceipt]:
        return {
            result.position: entry_receipt(self._reader, result.index)
            for result in answer.results
            if result.outcome is Outcome.REPEATED and result.index is not None
        }


_NO_BATCH: Final = SubmittedBatch(b"", b"", b"", ())


def _refused(batch: SubmittedBatch, error: ExchangeError) -> BatchAnswer:
    return BatchAnswer(_names_of(batch)[0], None, (), Refusal.of(error))


def _has_repeats(answer: BatchAnswer) -> bool:
    # One receipt entry a recorded event: only if they are fewer than the events, some were repeated or refused.
    receipt = answer.receipt
    return receipt is not None and receipt.end - receipt.start <= len(answer.results)


def _names_of(batch: SubmittedBatch) -> tuple[bytes, str]:
    try:
        header = decode_tbs(batch.tbs)
    except ContractError:
        return b"", ""
    # Nobody has checked the name yet: what is no producer's may be anything.
    return header.batch_id, header.producer if is_point_id(header.producer) else ""


def _tell(taken: _Taken, answer: BatchAnswer) -> None:
    batch_id, producer = _names_of(taken.batch)
    receipt, refusal = answer.receipt, answer.refusal
    n = len(taken.batch.events)
    accepted = 0 if receipt is None else receipt.end - receipt.start - 1
    log.info(
        "batch.answered",
        batch_id=batch_id.hex(),
        producer=producer,
        n=n,
        accepted=accepted,
        refused=n - accepted,
        outcome="OK" if refusal is None else "REFUSED",
        code=None if refusal is None else refusal.code,
        duration_ms=round((perf_counter() - taken.began) * 1e3, 3),
    )
