"""Framing loses nothing, and an answer that does not account for every event is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters._generated.pprd.v1 import exchange_pb2 as pb
from adapters.grpc.messages import (
    Reply,
    batch_of_proto,
    batch_to_proto,
    open_request_of_proto,
    open_request_to_proto,
    opened_of_proto,
    opened_to_proto,
    parse,
    refusal_of_proto,
    refusal_to_proto,
    reply_of_proto,
    reply_to_proto,
)
from contracts.errors import ContractError
from contracts.ids import Hash, KeyId, LeafIndex, OfficeId
from contracts.sealing import WrappedKey
from hub.openings import Opened, OpenRequest
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

HASHES = tuple(Hash(bytes((value,)) * 32) for value in range(3))
WRAPPED = WrappedKey(OfficeId("o00000001"), KeyId(bytes(8)), b"enc")
ORIGINAL = EventReceipt(b"entry", LeafIndex(0), HASHES, b"note")


def receipt(start: int, accepted: int) -> Receipt:
    return Receipt(b"batch entry", LeafIndex(start), LeafIndex(start + 1 + accepted), HASHES[:1], HASHES[1:], b"note")


def through_the_wire(reply: Reply, n: int) -> Reply:
    return reply_of_proto(parse(pb.SubmitResponse, reply_to_proto(reply).SerializeToString()), n)


def test_a_batch_keeps_its_bytes() -> None:
    batch = SubmittedBatch(
        b"tbs", b"signature", b"key id", (b"", b"E1"), (SubmittedPayload(b"envelope", (WRAPPED, WRAPPED)),)
    )

    assert batch_of_proto(parse(pb.SubmitRequest, batch_to_proto(batch).SerializeToString())) == batch


@given(st.lists(st.sampled_from(list(Outcome)), min_size=1, max_size=40), st.integers(0, 2**40))
def test_an_answer_keeps_the_outcome_and_the_index_of_every_event(outcomes: list[Outcome], start: int) -> None:
    results: list[EventResult] = []
    index = start
    for position, outcome in enumerate(outcomes):
        match outcome:
            case Outcome.ACCEPTED:
                index += 1
                results.append(EventResult(position, outcome, LeafIndex(index)))
            case Outcome.REPEATED:
                results.append(EventResult(position, outcome, ORIGINAL.index))
            case Outcome.REFUSED:
                results.append(EventResult(position, outcome, None, Refusal("GUARD_FAILED", "no", "body.x", "guard")))
    originals = {one.position: ORIGINAL for one in results if one.outcome is Outcome.REPEATED}
    answer = BatchAnswer(bytes(16), receipt(start, index - start), tuple(results))

    back = through_the_wire(Reply(answer, originals), len(outcomes))

    assert back.answer == answer
    assert dict(back.originals) == originals


def test_a_refused_batch_keeps_its_refusal() -> None:
    refusal = Refusal("BATCH_CHAIN_BROKEN", "no", "batch_seq", None, 0, HASHES[0], 0)
    answer = BatchAnswer(bytes(16), None, (), refusal)

    assert through_the_wire(Reply(answer), 5).answer == answer


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal("OVERLOADED", "full", retry_after_ms=50),
        Refusal("GUARD_FAILED", "no", "body.x", "guard"),
        Refusal("BATCH_CHAIN_BROKEN", "no", expected_batch_seq=0, expected_prev_batch=Hash(bytes(32))),
    ],
)
def test_a_refusal_keeps_all_it_says_and_zero_is_not_nothing(refusal: Refusal) -> None:
    assert refusal_of_proto(refusal_to_proto(refusal)) == refusal


def test_a_request_to_open_and_its_answer_keep_every_field() -> None:
    request = OpenRequest(
        request_id=bytes(16),
        event_id=bytes((1,)) * 16,
        ciphertext_hash=b"hash",
        office="o00000001",
        officer=b"officer",
        role="CASE_OFFICER",
        purpose="RIGHTS",
        reason="TASK",
        reason_commitment=b"commitment",
        approval=b"approval",
        created_ms=1_772_416_800_000,
        producer="44-node",
        key_id=b"key id",
        signature=b"signature",
    )
    opened = Opened(b"envelope", WRAPPED, ORIGINAL, b"E")

    assert open_request_of_proto(open_request_to_proto(request)) == request
    assert opened_of_proto(opened_to_proto(opened)) == opened


BAD_ANSWERS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "too many entries": {"receipt": {"start": 5, "end": 9}},
    "too few entries": {"receipt": {"start": 5, "end": 7}},
    "an end before the start": {"receipt": {"start": 5, "end": 4}},
    "a position twice": {
        "receipt": {"start": 5, "end": 6},
        "exceptions": [{"position": 0, "outcome": 2, "refusal": {"code": "X"}}] * 2,
    },
    "a position beyond the batch": {
        "receipt": {"start": 5, "end": 7},
        "exceptions": [{"position": 2, "outcome": 2, "refusal": {"code": "X"}}],
    },
    "a refusal without a reason": {
        "receipt": {"start": 5, "end": 7},
        "exceptions": [{"position": 1, "outcome": 2}],
    },
    "a repeat without its receipt": {
        "receipt": {"start": 5, "end": 7},
        "exceptions": [{"position": 1, "outcome": 1}],
    },
    "an outcome that is none": {"receipt": {"start": 5, "end": 7}, "exceptions": [{"position": 1}]},
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_an_answer_that_does_not_account_for_every_event_is_refused(name: str) -> None:
    with pytest.raises(ContractError, match="ANSWER_MALFORMED"):
        reply_of_proto(pb.SubmitResponse(**BAD_ANSWERS[name]), 2)


def code_of(read: Callable[[], object]) -> str | None:
    try:
        read()
    except ContractError as error:
        return error.code
    return None


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_a_contract_error(raw: bytes) -> None:
    assert code_of(lambda: batch_of_proto(parse(pb.SubmitRequest, raw))) in {None, "REQUEST_MALFORMED"}


@given(st.binary(max_size=300))
def test_any_bytes_are_an_answer_or_a_contract_error(raw: bytes) -> None:
    code = code_of(lambda: reply_of_proto(parse(pb.SubmitResponse, raw), 3))

    assert code in {None, "REQUEST_MALFORMED", "ANSWER_MALFORMED"}
