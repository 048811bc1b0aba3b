"""What a producer is told about a batch: just recorded, or recorded before and sent again.

Rules kept here: an answer is given from what is durable; a batch that is sent again gets its original receipt. Not
here: what was decided (`hub.application`), proofs from tiles (`hub.evidence`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contracts.codes import CODES
from contracts.event import decode_event, leaf_hash
from contracts.ids import LeafIndex
from hub import evidence
from hub.commit import Proofs, Taken
from hub.intake import ChainError
from hub.ports import LedgerReader, ProducerState
from hub.submission import BatchAnswer, EventReceipt, EventResult, Outcome, Refusal, SubmittedBatch
from ledger.batch import Batch
from ledger.entry import BatchEntry, decode_entry, encode_event_entry
from ledger.receipt import Receipt, accepted_paths
from ledger.tree import prove_range

REPEATED = "EVENT_REPEATED"
"""The code under which a batch entry lists an event that was recorded before."""


def answer_of(taken: Taken, proofs: Proofs) -> BatchAnswer:
    """The answer to a batch whose commit is durable."""
    left, right = prove_range(proofs.node, taken.start, taken.end, proofs.size)
    receipt = Receipt(
        batch_entry=taken.entry,
        start=taken.start,
        end=taken.end,
        left=tuple(left),
        right=tuple(right),
        checkpoint=proofs.note,
    )
    return BatchAnswer(taken.batch_id, receipt, taken.results)


def receipts_of(answer: BatchAnswer, events: Sequence[bytes]) -> list[EventReceipt | None]:
    """The receipt of each event of a batch by itself, which tells of the others nothing but hashes.

    Args:
        answer: To the batch, from its own commit.
        events: All of its events, in position order.

    Returns:
        One for each event; None where it was not accepted now.
    """
    receipt = answer.receipt
    if receipt is None:
        return [None] * len(events)
    is_accepted = [result.outcome is Outcome.ACCEPTED for result in answer.results]
    paths = iter(accepted_paths(receipt, [event for event, is_in in zip(events, is_accepted, strict=True) if is_in]))
    return [
        None
        if result.outcome is not Outcome.ACCEPTED or result.index is None
        else EventReceipt(encode_event_entry(event), result.index, tuple(next(paths)), receipt.checkpoint)
        for event, result in zip(events, answer.results, strict=True)
    ]


def answer_again(batch: SubmittedBatch, header: Batch, state: ProducerState, reader: LedgerReader) -> BatchAnswer:
    """The original answer to a batch that was recorded before; a refusal if this is another batch.

    Args:
        batch: As submitted.
        header: Its decoded header, with a number that its producer has used.
        state: Where its producer's chain stands.
        reader: The ledger.
    """
    start = reader.batch_index(header.producer, header.batch_seq)
    entry = None if start is None else decode_entry(*reader.entries(start, LeafIndex(start + 1)))
    if start is None or not isinstance(entry, BatchEntry) or entry.tbs != batch.tbs:
        return BatchAnswer(header.batch_id, None, (), ChainError(header.batch_seq, state).refusal())
    end = LeafIndex(start + 1 + header.n - len(entry.refused))
    receipt = evidence.batch_receipt(reader, start, end)
    return BatchAnswer(header.batch_id, receipt, _results_again(entry, header.n, start, _firsts(batch, entry, reader)))


def _firsts(batch: SubmittedBatch, entry: BatchEntry, reader: LedgerReader) -> Mapping[int, LeafIndex]:
    """Where the first recording of each repeat of a batch stands, by position; asked of the bytes that were refused."""
    again = {
        refused.position: decode_event(batch.events[refused.position]).event_id
        for refused in entry.refused
        if refused.code == REPEATED
        and refused.position < len(batch.events)
        and leaf_hash(batch.events[refused.position]) == refused.leaf_hash
    }
    known = reader.recorded(list(again.values())) if again else {}
    return {position: known[event_id] for position, event_id in again.items()}


def _results_again(
    entry: BatchEntry, n: int, start: LeafIndex, firsts: Mapping[int, LeafIndex]
) -> tuple[EventResult, ...]:
    """The results of a batch, read back from its entry: sentences are those of the codes."""
    refused = {r.position: r.code for r in entry.refused}
    results: list[EventResult] = []
    index = start
    for position in range(n):
        code = refused.get(position)
        if code is None:
            index = LeafIndex(index + 1)
            results.append(EventResult(position, Outcome.ACCEPTED, index))
        else:
            outcome = Outcome.REPEATED if code == REPEATED else Outcome.REFUSED
            refusal = None if code == REPEATED else Refusal(code, CODES[code].sentence)
            results.append(EventResult(position, outcome, firsts.get(position), refusal))
    return tuple(results)
