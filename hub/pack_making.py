"""Making an evidence pack: the receipt of an event, what it rests on, and how the ledger went on since.

Proofs come from whoever keeps the ledger; nothing of them is believed here: whoever makes a pack checks it with
`hub.evidence_pack` before giving it away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Protocol

from contracts.errors import EvidenceError, RuleError
from contracts.event import decode_event
from contracts.event import leaf_hash as event_leaf
from contracts.ids import HUB_PRODUCER, Hash, LeafIndex, TreeSize
from hub.evidence_pack import BodyReader
from hub.hub_keys import HUB_KEY_REPLACED
from hub.submission import EventReceipt
from ledger.batch import MAX_BATCH, decode_tbs
from ledger.checkpoint import checkpoint_size
from ledger.entry import BATCH_PREFIX, BatchEntry, EventEntry, decode_entry
from ledger.pack import MAX_ENDS, EvidencePack, Linked
from ledger.placed import Placed
from ledger.proof import TlogProof, format_proof
from ledger.receipt import accepted_positions, verify_batch_root
from ledger.tree import batch_paths


class PackSource(Protocol):
    """What is asked of a ledger to make a pack."""

    def receipt(self, event_id: bytes) -> EventReceipt:
        """The receipt of an event; an error with NOT_FOUND if it is not recorded."""

    def entries(self, start: LeafIndex, end: LeafIndex) -> Sequence[bytes]:
        """Bytes of a few entries [start, end)."""

    def inclusion(self, index: LeafIndex, size: TreeSize) -> tuple[Hash, ...]:
        """Inclusion path of an entry in the tree of a size."""

    def consistency(self, size1: TreeSize, size2: TreeSize) -> tuple[Hash, ...]:
        """Consistency path between two sizes."""

    def directory_events(self) -> Iterable[tuple[LeafIndex, bytes]]:
        """Ledger index and event bytes of every change of the directory, in order."""

    def ends(self, stream_id: bytes, after: LeafIndex) -> Sequence[LeafIndex]:
        """Indexes above `after` of events that destroyed content of a stream, as far as the source can tell."""


def make_pack(
    ledger: PackSource, event_id: bytes, *, policy: bytes, heads: Sequence[bytes], read_body: BodyReader
) -> EvidencePack:
    """Collect the pack of an event.

    Args:
        ledger: Asked for everything.
        event_id: The event.
        policy: The policy file that goes into the pack.
        heads: Signed notes that go into it besides the receipt's: newer ones, and earlier ones that a reader has kept.
        read_body: Decodes bodies of events.

    Raises:
        RuleError: NOT_FOUND: no such event, or what it rests on is not in the ledger.
        ContractError: A part has a wrong form. EvidenceError: RECEIPT_INVALID: the ledger gives what does not fit.
    """
    receipt = ledger.receipt(event_id)
    notes = {checkpoint_size(note): note for note in heads} | {checkpoint_size(receipt.checkpoint): receipt.checkpoint}
    sizes = sorted(notes)
    own = sizes.index(checkpoint_size(receipt.checkpoint))

    def placed(index: LeafIndex, at: int) -> Placed:
        (content,) = ledger.entries(index, LeafIndex(index + 1))
        return Placed(at, index, content, ledger.inclusion(index, sizes[at]))

    links = [(), *(ledger.consistency(old, new) for old, new in pairwise(sizes))]
    start, entry, position, place = _in_batch(ledger, receipt)
    key = _key_index(ledger, entry, read_body)
    return EvidencePack(
        policy=policy,
        receipt=format_proof(TlogProof(receipt.index, receipt.path, receipt.checkpoint, receipt.entry)),
        checkpoints=tuple(Linked(notes[size], path) for size, path in zip(sizes, links, strict=True)),
        position=position,
        place=tuple(place),
        genesis=placed(LeafIndex(0), own),
        batch=placed(start, own),
        key=None if key is None else placed(key, own),
        ends=_ends(ledger, receipt, lambda index: placed(index, len(sizes) - 1), sizes[-1], read_body),
    )


def _in_batch(ledger: PackSource, receipt: EventReceipt) -> tuple[LeafIndex, BatchEntry, int, Sequence[Hash]]:
    """The batch entry of an event, its place in the batch and the path to the root that was signed."""
    first = LeafIndex(max(0, receipt.index - MAX_BATCH))
    before = ledger.entries(first, receipt.index)
    found = [at for at, entry in enumerate(before) if entry.startswith(BATCH_PREFIX)]
    if not found or not isinstance(entry := decode_entry(before[found[-1]]), BatchEntry):
        raise RuleError("NOT_FOUND", f"entry {receipt.index} follows no batch entry", field="event_id")
    start = LeafIndex(first + found[-1])
    accepted = accepted_positions(entry)
    run = [decode_entry(one) for one in ledger.entries(LeafIndex(start + 1), LeafIndex(start + 1 + len(accepted)))]
    leaves = [event_leaf(one.event) for one in run if isinstance(one, EventEntry)]
    verify_batch_root(entry, leaves)
    for refused in entry.refused:
        leaves.insert(refused.position, refused.leaf_hash)
    position = accepted[receipt.index - start - 1]
    return start, entry, position, batch_paths(leaves)[position]


def _key_index(ledger: PackSource, entry: BatchEntry, read_body: BodyReader) -> LeafIndex | None:
    """Where the key of a batch was registered; None for the hub's first one, which the genesis record names."""
    is_hub = decode_tbs(entry.tbs).producer == HUB_PRODUCER
    wanted = HUB_KEY_REPLACED if is_hub else "KeyRegistered"
    for index, event in ledger.directory_events():
        header = decode_event(event)
        if header.event_type == wanted and read_body(header.body)["key_id"] == entry.key_id:
            return index
    if is_hub:
        return None
    raise EvidenceError("RECEIPT_INVALID", f"no event registers key {entry.key_id.hex()}")


def _ends(
    ledger: PackSource,
    receipt: EventReceipt,
    placed: Callable[[LeafIndex], Placed],
    size: TreeSize,
    read_body: BodyReader,
) -> tuple[Placed, ...]:
    """The first events that destroyed what the event had sealed, as far as the last checkpoint covers them."""
    entry = decode_entry(receipt.entry)
    header = decode_event(entry.event) if isinstance(entry, EventEntry) else None
    if header is None or not header.sealed:
        return ()
    found: list[Placed] = []
    for index in ledger.ends(header.stream_id, receipt.index):
        if index >= size or len(found) == MAX_ENDS:
            break
        part = placed(index)
        end = decode_entry(part.content)
        body = read_body(decode_event(end.event).body) if isinstance(end, EventEntry) else {}
        if body.get("brought_by", header.event_id) == header.event_id:
            found.append(part)
    return tuple(found)
