"""Receipts: the answer to one submitted batch, and what it proves.

A receipt holds the batch entry as recorded, the run `[start, end)` of ledger entries that the batch made (the batch
entry at `start`, then its accepted events in order), the proof of that run and the checkpoint it leads to. Whoever has
the events needs nothing else: the batch entry names the refused ones by leaf hash, so the signed root can be rebuilt.

The signature of the batch is not checked here: whose key it is, is a question to the directory (`hub`).

Source: LEDGER, sections 4, 5 and 7.
"""

from collections.abc import Sequence
from typing import NamedTuple

from contracts.errors import EvidenceError, RuleError
from contracts.ids import Hash, LeafIndex, TreeSize
from ledger.batch import Batch, decode_tbs
from ledger.checkpoint import Checkpoint, checkpoint_size, parse_checkpoint
from ledger.entry import BatchEntry, decode_entry, encode_event_entry
from ledger.log_keys import LogKeys
from ledger.note import NoteVerifier
from ledger.proof import TlogProof, format_proof
from ledger.tree import hash_leaf, range_paths, root_of, verify_range


class Receipt(NamedTuple):
    """The evidence that a batch was recorded.

    Attributes:
        batch_entry: Bytes of the batch entry.
        start: Index of the batch entry.
        end: Index after the batch's last accepted event, so `end - start - 1` events were accepted.
        left: Hashes of the range proof before the run, from left to right.
        right: Hashes of the range proof after the run, from left to right.
        checkpoint: The signed note; the proof is for its size.
    """

    batch_entry: bytes
    start: LeafIndex
    end: LeafIndex
    left: tuple[Hash, ...]
    right: tuple[Hash, ...]
    checkpoint: bytes


def verify_receipt(
    receipt: Receipt, *, tbs: bytes, events: Sequence[bytes], verifier: NoteVerifier | LogKeys
) -> Checkpoint:
    """Check that a batch was recorded as the receipt says.

    Args:
        receipt: What the hub answered.
        tbs: The signed batch header that the receipt must be for.
        events: The bytes E of the accepted events of the batch, in order.
        verifier: The log's key, or every key that it had.

    Returns:
        The verified checkpoint; the only source of the size and the root.

    Raises:
        ContractError: ENTRY_MALFORMED, BATCH_MALFORMED or NOTE_MALFORMED, a part has a wrong form.
        EvidenceError: RECEIPT_INVALID (another batch, or other events), SIGNATURE_INVALID or CHECKPOINT_INVALID,
            RANGE_INVALID.
    """
    entry = _batch_entry(receipt)
    if entry.tbs != tbs:
        raise EvidenceError("RECEIPT_INVALID", "the receipt is for another batch", field="tbs")
    verify_batch_root(entry, [hash_leaf(event) for event in events])
    checkpoint = parse_checkpoint(receipt.checkpoint, verifier)
    verify_range(
        start=receipt.start,
        end=receipt.end,
        leaf_hashes=_run(receipt, events),
        tree_size=checkpoint.size,
        left=receipt.left,
        right=receipt.right,
        root=checkpoint.root,
    )
    return checkpoint


def verify_batch_root(entry: BatchEntry, leaf_hashes: Sequence[Hash]) -> Batch:
    """Check that a batch entry and the events recorded under it make up the batch that was signed.

    Args:
        entry: The batch entry.
        leaf_hashes: Leaf hashes of the bytes E of its accepted events, in order.

    Returns:
        The signed header. Its signature is the caller's to check.

    Raises:
        ContractError: BATCH_MALFORMED, BATCH_EMPTY or BATCH_TOO_LARGE.
        EvidenceError: RECEIPT_INVALID, events are missing, added, changed or out of order.
    """
    batch = decode_tbs(entry.tbs)
    total = len(leaf_hashes) + len(entry.refused)
    if total != batch.n or (entry.refused and entry.refused[-1].position >= batch.n):
        raise EvidenceError("RECEIPT_INVALID", f"a batch of {batch.n} events has {total} accepted and refused")
    leaves = list(leaf_hashes)
    for refused in entry.refused:
        leaves.insert(refused.position, refused.leaf_hash)
    root = root_of(leaves)
    if root != batch.root:
        raise EvidenceError("RECEIPT_INVALID", f"the events lead to root {root.hex()}, signed is {batch.root.hex()}")
    return batch


def accepted_positions(entry: BatchEntry) -> list[int]:
    """List the places in the batch, from 0, of the events that follow the batch entry, in order.

    Raises:
        ContractError: BATCH_MALFORMED, BATCH_EMPTY or BATCH_TOO_LARGE.
    """
    refused = {item.position for item in entry.refused}
    return [position for position in range(decode_tbs(entry.tbs).n) if position not in refused]


def receipt_to_tlog_proof(
    receipt: Receipt, *, position: int, events: Sequence[bytes], verifier: NoteVerifier | LogKeys
) -> bytes:
    """Give the proof file of one accepted event; the receipt is checked first.

    Args:
        receipt: What the hub answered.
        position: Place of the event in the batch, from 0, refused events counted.
        events: The bytes E of the accepted events of the batch, in order.
        verifier: The log's key, or every key that it had.

    Returns:
        A file that proves the event's entry and carries it, see `ledger.proof`.

    Raises:
        RuleError: NOT_FOUND, no event was accepted at that position.
        ContractError: As `verify_receipt`.
        EvidenceError: As `verify_receipt`.
    """
    entry = _batch_entry(receipt)
    checkpoint = verify_receipt(receipt, tbs=entry.tbs, events=events, verifier=verifier)
    accepted = accepted_positions(entry)
    if position not in accepted:
        raise RuleError("NOT_FOUND", f"no event was accepted at position {position}", field="position")
    place = accepted.index(position)
    return format_proof(
        TlogProof(
            index=LeafIndex(receipt.start + 1 + place),
            path=tuple(_paths(receipt, events, checkpoint.size)[place]),
            checkpoint=receipt.checkpoint,
            extra=encode_event_entry(events[place]),
        )
    )


def accepted_paths(receipt: Receipt, events: Sequence[bytes]) -> list[list[Hash]]:
    """Derive the inclusion path of each accepted event from a receipt that needs no checking, such as one just made.

    Args:
        receipt: Of the batch.
        events: The bytes E of its accepted events, in order.

    Returns:
        For each its sibling hashes, leaf level first, in the tree of the receipt's checkpoint.

    Raises:
        ContractError: NOTE_MALFORMED or CHECKPOINT_MALFORMED.
        EvidenceError: RANGE_INVALID, the receipt does not fit the events.
    """
    return _paths(receipt, events, checkpoint_size(receipt.checkpoint))


def _paths(receipt: Receipt, events: Sequence[bytes], tree_size: TreeSize) -> list[list[Hash]]:
    paths = range_paths(
        start=receipt.start,
        end=receipt.end,
        leaf_hashes=_run(receipt, events),
        tree_size=tree_size,
        left=receipt.left,
        right=receipt.right,
    )
    return paths[1:]


def _batch_entry(receipt: Receipt) -> BatchEntry:
    entry = decode_entry(receipt.batch_entry)
    if not isinstance(entry, BatchEntry):
        raise EvidenceError("RECEIPT_INVALID", "the receipt shows another entry than that of a batch")
    return entry


def _run(receipt: Receipt, events: Sequence[bytes]) -> list[Hash]:
    """Leaves of the entries that the batch made."""
    return [hash_leaf(receipt.batch_entry), *(hash_leaf(encode_event_entry(event)) for event in events)]
