"""Between protobuf and our values, both ways. Framing only: bytes that are signed or hashed pass through untouched.

An answer names on the wire only the events that were not recorded now; all others were accepted, in order, after the
batch entry. Rules kept here: what a peer sends is a value or a `ContractError`, never a surprise. What the values mean
is checked by who uses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from operator import attrgetter
from types import MappingProxyType
from typing import Final, TypeVar

from google.protobuf.message import DecodeError, Message

from adapters._generated.pprd.v1 import exchange_pb2 as pb
from contracts.errors import ContractError, ExchangeError
from contracts.ids import Hash, LeafIndex, OfficeId, StreamId
from contracts.messages import Language, message_of
from contracts.sealing import WrappedKey
from hub.openings import Opened, OpenRequest
from hub.projections.work_list import NO_DUE_MS, WorkRow
from hub.projections.work_list_request import WorkListRequest, WorkPage
from hub.submission import (
    BatchAnswer,
    EventReceipt,
    EventResult,
    Outcome,
    Refusal,
    SubmittedBatch,
    SubmittedPayload,
)
from ledger.receipt import Receipt

M = TypeVar("M", bound=Message)

_OPEN_FIELDS: Final = tuple(part.name for part in fields(OpenRequest))
_open_values: Final = attrgetter(*_OPEN_FIELDS)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it reaches the producer.

    Attributes:
        answer: What became of the batch and of each event.
        originals: The receipts of first recordings, by the position of the repeated event.
    """

    answer: BatchAnswer
    originals: Mapping[int, EventReceipt] = field(default_factory=lambda: MappingProxyType({}))


def parse(kind: type[M], raw: bytes) -> M:
    """Read a protobuf message.

    Raises:
        ContractError: REQUEST_MALFORMED: the bytes are no such message.
    """
    message = kind()
    try:
        message.ParseFromString(raw)
    except DecodeError as err:
        raise ContractError("REQUEST_MALFORMED", f"{len(raw)} bytes are no {kind.__name__}") from err
    return message


def exact(value: bytes, size: int, name: str) -> bytes:
    """Give back bytes of exactly that size.

    Raises:
        ContractError: REQUEST_MALFORMED: they have another size.
    """
    if len(value) != size:
        raise ContractError("REQUEST_MALFORMED", f"{len(value)} bytes instead of {size}", field=name)
    return value


# -- submissions


def batch_to_proto(batch: SubmittedBatch) -> pb.SubmitRequest:
    """Frame a batch."""
    return pb.SubmitRequest(
        tbs=batch.tbs,
        signature=batch.signature,
        key_id=batch.key_id,
        events=batch.events,
        payloads=[
            pb.SealedPayload(envelope=payload.envelope, wrapped=[wrapped_to_proto(key) for key in payload.wrapped])
            for payload in batch.payloads
        ],
    )


def batch_of_proto(request: pb.SubmitRequest) -> SubmittedBatch:
    """Unframe a batch; nothing is checked."""
    return SubmittedBatch(
        tbs=request.tbs,
        signature=request.signature,
        key_id=request.key_id,
        events=tuple(request.events),
        payloads=tuple(
            [
                SubmittedPayload(payload.envelope, tuple([wrapped_of_proto(key) for key in payload.wrapped]))
                for payload in request.payloads
            ]
        ),
    )


def wrapped_to_proto(key: WrappedKey) -> pb.WrappedKey:
    """Frame a wrapped content key."""
    return pb.WrappedKey(office=key.office, key_id=key.key_id, enc=key.enc)


def wrapped_of_proto(key: pb.WrappedKey) -> WrappedKey:
    """Unframe a wrapped content key."""
    # As `WrappedKey(...)`, in a third of the time: of a batch it is asked for hundreds of times on the event loop.
    return tuple.__new__(WrappedKey, (key.office, key.key_id, key.enc))


# -- answers


def reply_to_proto(reply: Reply, language: Language = "en") -> pb.SubmitResponse:
    """Frame an answer: only the events that were not recorded now are named, refusals in the caller's language."""
    answer = reply.answer
    response = pb.SubmitResponse(batch_id=answer.batch_id)
    if answer.refusal is not None:
        response.refusal.CopyFrom(refusal_to_proto(answer.refusal, language))
        return response
    if answer.receipt is not None:
        response.receipt.CopyFrom(receipt_to_proto(answer.receipt))
    for result in answer.results:
        if result.outcome is not Outcome.ACCEPTED:
            response.exceptions.append(_exception_to_proto(result, reply.originals.get(result.position), language))
    return response


def _exception_to_proto(result: EventResult, original: EventReceipt | None, language: Language) -> pb.EventException:
    exception = pb.EventException(position=result.position)
    if result.outcome is Outcome.REPEATED:
        exception.outcome = pb.OUTCOME_REPEATED
    else:
        exception.outcome = pb.OUTCOME_REFUSED
    if result.refusal is not None:
        exception.refusal.CopyFrom(refusal_to_proto(result.refusal, language))
    if original is not None:
        exception.original.CopyFrom(event_receipt_to_proto(original))
    return exception


def reply_of_proto(response: pb.SubmitResponse, n: int) -> Reply:
    """Unframe the answer to a batch of `n` events.

    Raises:
        ContractError: ANSWER_MALFORMED: it does not account for each event of the batch exactly once.
    """
    if response.HasField("refusal"):
        return Reply(BatchAnswer(response.batch_id, None, (), refusal_of_proto(response.refusal)))
    if not response.HasField("receipt"):
        raise ContractError("ANSWER_MALFORMED", "the answer holds neither a receipt nor a refusal")
    exceptions = {exception.position: exception for exception in response.exceptions}
    receipt = receipt_of_proto(response.receipt)
    accepted = n - len(exceptions)
    if (
        len(exceptions) != len(response.exceptions)
        or any(position >= n for position in exceptions)
        or receipt.end - receipt.start != 1 + accepted
    ):
        raise ContractError(
            "ANSWER_MALFORMED",
            f"{n} events, {len(response.exceptions)} exceptions and {receipt.end - receipt.start} entries do not agree",
        )
    results = _results(n, receipt.start, exceptions)
    originals = {
        position: event_receipt_of_proto(exception.original)
        for position, exception in exceptions.items()
        if exception.HasField("original")
    }
    return Reply(BatchAnswer(response.batch_id, receipt, results), originals)


def _results(n: int, start: LeafIndex, exceptions: Mapping[int, pb.EventException]) -> tuple[EventResult, ...]:
    results: list[EventResult] = []
    index = start
    for position in range(n):
        exception = exceptions.get(position)
        if exception is None:
            index = LeafIndex(index + 1)
            results.append(EventResult(position, Outcome.ACCEPTED, index))
        elif exception.outcome == pb.OUTCOME_REPEATED:
            if not exception.HasField("original"):
                raise ContractError("ANSWER_MALFORMED", f"position {position} is a repeat without its first receipt")
            results.append(EventResult(position, Outcome.REPEATED, LeafIndex(exception.original.index)))
        elif exception.HasField("refusal"):
            results.append(
                EventResult(position, Outcome.REFUSED, refusal=refusal_of_proto(exception.refusal)),
            )
        else:
            raise ContractError("ANSWER_MALFORMED", f"position {position} is refused without a reason")
    return tuple(results)


def refusal_to_proto(refusal: Refusal, language: Language = "en") -> pb.Refusal:
    """Frame a refusal, with what its code says in a language."""
    title, meaning, advice = message_of(refusal.code, language)
    message = pb.Refusal(
        code=refusal.code,
        sentence=refusal.sentence,
        field=refusal.field or "",
        rule=refusal.rule or "",
        retry_after_ms=refusal.retry_after_ms,
        title=title,
        meaning=meaning,
        advice=advice,
    )
    if refusal.expected_batch_seq is not None and refusal.expected_prev_batch is not None:
        message.has_expected = True
        message.expected_batch_seq = refusal.expected_batch_seq
        message.expected_prev_batch = refusal.expected_prev_batch
    return message


def refusal_of_proto(message: pb.Refusal) -> Refusal:
    """Unframe a refusal."""
    return Refusal(
        code=message.code,
        sentence=message.sentence,
        field=message.field or None,
        rule=message.rule or None,
        expected_batch_seq=message.expected_batch_seq if message.has_expected else None,
        expected_prev_batch=Hash(message.expected_prev_batch) if message.has_expected else None,
        retry_after_ms=message.retry_after_ms,
    )


# -- evidence


def receipt_to_proto(receipt: Receipt) -> pb.BatchReceipt:
    """Frame a batch's receipt."""
    return pb.BatchReceipt(
        batch_entry=receipt.batch_entry,
        start=receipt.start,
        end=receipt.end,
        left=receipt.left,
        right=receipt.right,
        checkpoint=receipt.checkpoint,
    )


def receipt_of_proto(message: pb.BatchReceipt) -> Receipt:
    """Unframe a batch's receipt; whether it proves anything is for `ledger.receipt` to say."""
    return Receipt(
        batch_entry=message.batch_entry,
        start=LeafIndex(message.start),
        end=LeafIndex(message.end),
        left=tuple(Hash(value) for value in message.left),
        right=tuple(Hash(value) for value in message.right),
        checkpoint=message.checkpoint,
    )


def event_receipt_to_proto(receipt: EventReceipt) -> pb.EventReceipt:
    """Frame an event's receipt."""
    return pb.EventReceipt(entry=receipt.entry, index=receipt.index, path=receipt.path, checkpoint=receipt.checkpoint)


def event_receipt_of_proto(message: pb.EventReceipt) -> EventReceipt:
    """Unframe an event's receipt."""
    return EventReceipt(
        entry=message.entry,
        index=LeafIndex(message.index),
        path=tuple(Hash(value) for value in message.path),
        checkpoint=message.checkpoint,
    )


# -- work lists


def work_list_request_to_proto(request: WorkListRequest) -> pb.GetWorkListRequest:
    """Frame a signed request for a work list."""
    return pb.GetWorkListRequest(**asdict(request))


def work_list_request_of_proto(message: pb.GetWorkListRequest) -> WorkListRequest:
    """Unframe a request for a work list; nothing is checked."""
    return WorkListRequest(**{name: getattr(message, name) for name in WorkListRequest.__dataclass_fields__})


def work_page_to_proto(page: WorkPage) -> pb.GetWorkListResponse:
    """Frame a page; the office is not said again."""
    rows = [
        pb.WorkListRow(
            stream_id=row.stream_id,
            kind=row.kind,
            state=row.state,
            due_ms=0 if row.due_ms == NO_DUE_MS else row.due_ms,
            rule=row.rule,
            calendar_assumed=row.calendar_assumed,
        )
        for row in page.rows
    ]
    return pb.GetWorkListResponse(rows=rows, after=page.after, position=page.position)


def work_page_of_proto(office: str, message: pb.GetWorkListResponse) -> WorkPage:
    """Unframe a page of an office's list."""
    rows = tuple(
        WorkRow(
            OfficeId(office),
            row.due_ms or NO_DUE_MS,
            StreamId(row.stream_id),
            row.rule,
            row.kind,
            row.state,
            row.calendar_assumed,
        )
        for row in message.rows
    )
    return WorkPage(rows, message.after, message.position)


# -- openings


def open_request_to_proto(request: OpenRequest) -> pb.OpenPayloadRequest:
    """Frame a signed opening request."""
    return pb.OpenPayloadRequest(**dict(zip(_OPEN_FIELDS, _open_values(request), strict=True)))


def open_request_of_proto(message: pb.OpenPayloadRequest) -> OpenRequest:
    """Unframe an opening request; nothing is checked."""
    return OpenRequest(*_open_values(message))


def opened_to_proto(opened: Opened) -> pb.OpenPayloadResponse:
    """Frame what an office gets."""
    return pb.OpenPayloadResponse(
        envelope=opened.envelope,
        wrapped=wrapped_to_proto(opened.wrapped),
        receipt=event_receipt_to_proto(opened.receipt),
        access_event=opened.access_event,
    )


def opened_of_proto(message: pb.OpenPayloadResponse) -> Opened:
    """Unframe what an office gets."""
    return Opened(
        envelope=message.envelope,
        wrapped=wrapped_of_proto(message.wrapped),
        receipt=event_receipt_of_proto(message.receipt),
        access_event=message.access_event,
    )


def open_answer_to_proto(number: int, outcome: Opened | ExchangeError, language: Language = "en") -> pb.OpenAnswer:
    """Frame what became of one request of a stream."""
    if isinstance(outcome, ExchangeError):
        return pb.OpenAnswer(number=number, refusal=refusal_to_proto(Refusal.of(outcome), language))
    return pb.OpenAnswer(number=number, opened=opened_to_proto(outcome))


def open_answer_of_proto(message: pb.OpenAnswer) -> Opened | ExchangeError:
    """Unframe what became of one request of a stream."""
    match message.WhichOneof("outcome"):
        case "opened":
            return opened_of_proto(message.opened)
        case "refusal":
            return refusal_of_proto(message.refusal).error()
        case _:
            return ContractError("ANSWER_MALFORMED", "the answer holds neither content nor a refusal")
