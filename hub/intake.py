"""A batch at the door: is it whole, signed by a key that may sign it, next in its producer's chain, and on time?

Everything here concerns the batch as one thing; if it fails, nothing of the batch is recorded. The events inside are
decoded here, and each keeps its own error: one bad event never sinks its neighbours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, cast

from contracts import signing
from contracts.errors import AccessError, ConflictError, ContractError, RuleError
from contracts.event import Header, decode_event
from contracts.ids import Hash
from hub.admission import Rules
from hub.directory import SigningKey
from hub.ports import ProducerState
from hub.submission import Refusal, SubmittedBatch, SubmittedPayload
from ledger.batch import MAX_BATCH, Batch, decode_tbs
from ledger.compact import hash_leaves, root_of


class CheckedEvent(NamedTuple):
    """One event of a batch that was checked.

    Attributes:
        data: Its bytes.
        leaf: Their leaf hash.
        header: The decoded event, or the error that decoding gave.
    """

    data: bytes
    leaf: Hash
    header: Header | ContractError


_Found = tuple[bytes, Hash, Header | ContractError]
_checked = cast("Callable[[_Found], CheckedEvent]", partial(tuple.__new__, CheckedEvent))
# As `CheckedEvent(...)`, whose generated constructor takes three times as long; every event passes here.


@dataclass(frozen=True, slots=True)
class CheckedBatch:
    """A batch that may be recorded.

    Attributes:
        batch: As submitted.
        header: Its decoded signed header.
        key: The key that signed it.
        events: In position order.
        payloads: By SHA-256 of the envelope.
    """

    batch: SubmittedBatch
    header: Batch
    key: SigningKey
    events: tuple[CheckedEvent, ...]
    payloads: Mapping[bytes, SubmittedPayload]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A batch whose number its producer has used already: the same one again, or another in its place."""

    header: Batch


class ChainError(ConflictError):
    """BATCH_CHAIN_BROKEN, with where the chain stands so that the producer can go on from there."""

    def __init__(self, batch_seq: int, state: ProducerState) -> None:
        super().__init__(
            "BATCH_CHAIN_BROKEN",
            f"batch {batch_seq} does not follow: the next is {state.next_seq} after {state.last_hash.hex()}",
            field="batch_seq" if batch_seq != state.next_seq else "prev_batch",
        )
        self.state = state

    def refusal(self) -> Refusal:
        """The refusal that carries the expected place."""
        return Refusal(
            self.code,
            self.message,
            self.field,
            expected_batch_seq=self.state.next_seq,
            expected_prev_batch=self.state.last_hash,
        )


def read_header(batch: SubmittedBatch) -> Batch:
    """Decode the signed header and check that it counts the events that came.

    Raises:
        ContractError: BATCH_EMPTY, BATCH_TOO_LARGE or BATCH_MALFORMED.
    """
    if not batch.events:
        raise ContractError("BATCH_EMPTY", "a batch holds at least one event", field="events")
    if len(batch.events) > MAX_BATCH:
        raise ContractError("BATCH_TOO_LARGE", f"{len(batch.events)} events, at most {MAX_BATCH}", field="events")
    header = decode_tbs(batch.tbs)
    if header.n != len(batch.events):
        raise ContractError("BATCH_MALFORMED", f"signed for {header.n} events, {len(batch.events)} came", field="n")
    return header


def check_batch(
    batch: SubmittedBatch, header: Batch, *, key: SigningKey, state: ProducerState, now_ms: int, rules: Rules
) -> CheckedBatch:
    """Check everything that concerns the batch as a whole.

    Args:
        batch: As submitted.
        header: From `read_header`.
        key: The key it names, valid at this index.
        state: Where its producer's chain stands.
        now_ms: Hub time, milliseconds.
        rules: Clock limits.

    Raises:
        AccessError: PRODUCER_MISMATCH.
        EvidenceError: SIGNATURE_INVALID.
        ContractError: BATCH_MALFORMED: the signed root is not that of the events.
        ConflictError: BATCH_CHAIN_BROKEN.
        RuleError: CLOCK_SKEW.
    """
    check_header(header, batch.tbs, batch.signature, key=key, state=state, now_ms=now_ms, rules=rules)
    leaves = hash_leaves(batch.events)  # as `contracts.event.leaf_hash` of each
    if root_of(leaves) != header.root:
        raise ContractError("BATCH_MALFORMED", "the signed root is not that of these events", field="root")
    events = tuple(map(_checked, zip(batch.events, leaves, map(_decode, batch.events), strict=True)))
    payloads = {hashlib.sha256(p.envelope).digest(): p for p in batch.payloads}
    return CheckedBatch(batch, header, key, events, payloads)


def check_header(
    header: Batch, tbs: bytes, signature: bytes, *, key: SigningKey, state: ProducerState, now_ms: int, rules: Rules
) -> None:
    """Check who signed a batch header, where it stands in its chain and when it was made. Admission and audit share it.

    Raises:
        AccessError: PRODUCER_MISMATCH.
        EvidenceError: SIGNATURE_INVALID.
        ConflictError: BATCH_CHAIN_BROKEN.
        RuleError: CLOCK_SKEW.
    """
    _check_producer(header, key)
    signing.verify(key.public_key, signature, tbs)
    check_chain(header, key=key, state=state, now_ms=now_ms, rules=rules)


def check_chain(header: Batch, *, key: SigningKey, state: ProducerState, now_ms: int, rules: Rules) -> None:
    """As `check_header`, for a reader whose signatures another one checks.

    Raises:
        AccessError: PRODUCER_MISMATCH.
        ConflictError: BATCH_CHAIN_BROKEN.
        RuleError: CLOCK_SKEW.
    """
    _check_producer(header, key)
    if header.batch_seq != state.next_seq or header.prev_batch != state.last_hash:
        raise ChainError(header.batch_seq, state)
    ahead_ms = header.created_ms - now_ms
    if ahead_ms > rules.clock_skew_ms or -ahead_ms > rules.batch_age_ms:
        raise RuleError("CLOCK_SKEW", f"created {ahead_ms} ms from the hub's time", field="created_ms")


def _check_producer(header: Batch, key: SigningKey) -> None:
    if key.producer != header.producer:
        raise AccessError("PRODUCER_MISMATCH", f"the key belongs to {key.producer}", field="producer")


def _decode(data: bytes) -> Header | ContractError:
    try:
        return decode_event(data)
    except ContractError as error:
        return error


def batch_id_of(batch: SubmittedBatch) -> bytes:
    """The id that a batch says it has; empty if its header cannot be read."""
    try:
        return decode_tbs(batch.tbs).batch_id
    except ContractError:
        return b""


def positions(n: int, refused: Sequence[int]) -> list[int]:
    """Positions of a batch that were accepted, given those that were not."""
    left_out = frozenset(refused)
    return [position for position in range(n) if position not in left_out]
