"""Is the answer to a batch true? Every receipt is checked before an event counts as recorded.

An answer is believed if its range proof leads from our own batch header and exactly the events it calls accepted to a
checkpoint that the ledger's key signed, if the recorded batch entry bears our signature and names the same refusals,
and if each repeat comes with a proof of its first recording. Anything else is evidence against the exchange.
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.region.checkpoints import Checkpoints
from adapters.region.exchange import Reply
from contracts.errors import EvidenceError
from hub.submission import EventReceipt, EventResult, Outcome, SubmittedBatch
from ledger.batch import decode_tbs
from ledger.entry import BatchEntry, decode_entry, encode_event_entry
from ledger.receipt import Receipt, verify_receipt
from ledger.tree import hash_leaf, verify_inclusion

_REPEATED = "EVENT_REPEATED"


def notes_of(reply: Reply) -> list[bytes]:
    """The signed checkpoints that come with an answer, unchecked."""
    receipt = reply.answer.receipt
    notes = [original.checkpoint for original in reply.originals.values()]
    return notes if receipt is None else [receipt.checkpoint, *notes]


def check_reply(batch: SubmittedBatch, reply: Reply, checkpoints: Checkpoints) -> Sequence[EventResult]:
    """Check the answer to a batch that was not refused as a whole.

    Args:
        batch: What was sent.
        reply: What came back.
        checkpoints: What this region knows of the ledger's head.

    Returns:
        What became of each event, in position order; from here on it may be believed.

    Raises:
        EvidenceError: RECEIPT_INVALID, RANGE_INVALID, INCLUSION_INVALID, SIGNATURE_INVALID or CHECKPOINT_INVALID.
        ContractError: A part of the evidence has a wrong form.
    """
    receipt, results = reply.answer.receipt, reply.answer.results
    if receipt is None or [result.position for result in results] != list(range(len(batch.events))):
        raise EvidenceError("RECEIPT_INVALID", "the answer does not account for every event of the batch")
    accepted = [batch.events[r.position] for r in results if r.outcome is Outcome.ACCEPTED]
    checkpoint = verify_receipt(receipt, tbs=batch.tbs, events=accepted, verifier=checkpoints.keys)
    checkpoints.match(checkpoint, receipt.checkpoint)
    _check_entry(batch, receipt, results)
    for result in results:
        if result.outcome is Outcome.REPEATED:
            _check_original(batch.events[result.position], result, reply.originals.get(result.position), checkpoints)
    return results


def check_time(batch: SubmittedBatch, reply: Reply, skew_ms: int) -> None:
    """Check that the batch is not said to be recorded before it was made.

    Args:
        batch: What was sent.
        reply: What came back, checked.
        skew_ms: How far the two clocks may be apart.

    Raises:
        EvidenceError: RECEIPT_INVALID.
    """
    receipt = reply.answer.receipt
    entry = None if receipt is None else decode_entry(receipt.batch_entry)
    if isinstance(entry, BatchEntry):
        early_ms = decode_tbs(batch.tbs).created_ms - entry.recorded_at
        if early_ms > skew_ms:
            raise EvidenceError("RECEIPT_INVALID", f"the batch is recorded {early_ms} ms before it was made")


def _check_entry(batch: SubmittedBatch, receipt: Receipt, results: Sequence[EventResult]) -> None:
    entry = decode_entry(receipt.batch_entry)
    if not isinstance(entry, BatchEntry) or entry.signature != batch.signature or entry.key_id != batch.key_id:
        raise EvidenceError("RECEIPT_INVALID", "the recorded batch does not bear our signature")
    told = {
        r.position: _REPEATED if r.refusal is None else r.refusal.code
        for r in results
        if r.outcome is not Outcome.ACCEPTED
    }
    if told != {refused.position: refused.code for refused in entry.refused}:
        raise EvidenceError("RECEIPT_INVALID", "the recorded refusals are not those that we were told")


def _check_original(event: bytes, result: EventResult, original: EventReceipt | None, checkpoints: Checkpoints) -> None:
    if original is None or original.index != result.index:
        raise EvidenceError("RECEIPT_INVALID", f"position {result.position} is a repeat without its first receipt")
    check_event_receipt(event, original, checkpoints)


def check_event_receipt(event: bytes, receipt: EventReceipt, checkpoints: Checkpoints) -> None:
    """Check that an event is in the ledger as its own receipt says.

    Args:
        event: Its bytes.
        receipt: What came with it.
        checkpoints: What this region knows of the ledger's head.

    Raises:
        EvidenceError: RECEIPT_INVALID: the receipt is for another event. INCLUSION_INVALID, SIGNATURE_INVALID or
            CHECKPOINT_INVALID.
        ContractError: A part of the evidence has a wrong form.
    """
    if receipt.entry != encode_event_entry(event):
        raise EvidenceError("RECEIPT_INVALID", f"the receipt of entry {receipt.index} is for another event")
    checkpoint = checkpoints.see(receipt.checkpoint)
    verify_inclusion(
        leaf_hash=hash_leaf(receipt.entry),
        leaf_index=receipt.index,
        tree_size=checkpoint.size,
        path=receipt.path,
        root=checkpoint.root,
    )
