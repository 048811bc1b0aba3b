"""Proofs read from the store: inclusion, consistency, receipts. Nothing is rebuilt from leaves, tiles are read.

Rules kept here: a proof is for the size of the checkpoint that it travels with; the receipt of an event is the one of
its first recording, for ever. Not here: how a proof is folded or checked (`ledger.tree`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import Final

from contracts.errors import ContractError, FatalError, RuleError
from contracts.ids import Hash, LeafIndex, TreeSize
from hub.log_key_chain import format_chain
from hub.ports import LedgerReader, Witnessed
from hub.submission import EventReceipt
from ledger.checkpoint import checkpoint_size
from ledger.compact import CompactRange
from ledger.proof import TlogProof, format_proof
from ledger.receipt import Receipt
from ledger.tiles import tile_node_reader
from ledger.tree import NodeReader, prove_consistency, prove_inclusion, prove_range

_TILES: Final = 256
"""Of eight kilobytes, that a proof keeps at most."""


def node_reader(reader: LedgerReader) -> NodeReader:
    """A reader of tree nodes over the store's tiles, for one proof: it asks for each tile once."""
    return tile_node_reader(lru_cache(_TILES)(reader.tile))


def frontier(reader: LedgerReader, size: TreeSize) -> CompactRange:
    """The running state of the tree at a size, read from tiles."""
    node = node_reader(reader)
    hashes = [node(level, (size >> level) - 1) for level in range(size.bit_length() - 1, -1, -1) if size >> level & 1]
    return CompactRange.of(size, hashes)


def inclusion(reader: LedgerReader, index: LeafIndex, size: TreeSize) -> tuple[Hash, ...]:
    """Inclusion path of an entry in the tree of a size.

    Raises:
        ContractError: RANGE_TOO_LARGE: there is no such entry or size.
    """
    if not 0 <= index < size <= reader.size():
        raise ContractError("RANGE_TOO_LARGE", f"entry {index} in size {size}: the ledger has {reader.size()} entries")
    return tuple(prove_inclusion(node_reader(reader), index, size))


def consistency(reader: LedgerReader, size1: TreeSize, size2: TreeSize) -> tuple[Hash, ...]:
    """Consistency path between two sizes.

    Raises:
        ContractError: RANGE_TOO_LARGE: no such sizes, or not in order.
    """
    if not 0 <= size1 <= size2 <= reader.size():
        raise ContractError("RANGE_TOO_LARGE", f"sizes {size1}, {size2}: the ledger has {reader.size()} entries")
    return tuple(prove_consistency(node_reader(reader), size1, size2))


def growth(reader: LedgerReader, sizes: Sequence[TreeSize], size: TreeSize) -> list[tuple[Hash, ...]]:
    """Consistency paths from several sizes to one; each node of the tree is read once.

    Raises:
        ContractError: RANGE_TOO_LARGE: no such sizes, or one is above `size`.
    """
    if not sizes or not 0 <= min(sizes) <= max(sizes) <= size <= reader.size():
        raise ContractError("RANGE_TOO_LARGE", f"sizes up to {size}: the ledger has {reader.size()} entries")
    node = cache(node_reader(reader))
    return [tuple(prove_consistency(node, one, size)) for one in sizes]


def event_receipt(reader: LedgerReader, event_id: bytes) -> EventReceipt:
    """The receipt of an event's first recording.

    Raises:
        RuleError: NOT_FOUND: no event with this id is recorded.
    """
    index = reader.visible(event_id)
    if index is None:
        raise RuleError("NOT_FOUND", f"no event {event_id.hex()} is recorded", field="event_id")
    return entry_receipt(reader, index)


def entry_receipt(reader: LedgerReader, index: LeafIndex) -> EventReceipt:
    """The receipt of the entry at an index.

    It is for the first checkpoint over it that the quorum of witnesses has cosigned, else for the first one over it.
    """
    witnessed = reader.witnessed_covering(index) if isinstance(reader, Witnessed) else None
    note = witnessed or covering(reader, index)
    (entry,) = reader.entries(index, LeafIndex(index + 1))
    return EventReceipt(entry, index, inclusion(reader, index, checkpoint_size(note)), note)


def log_key_chain(reader: LedgerReader, indexes: Iterable[LeafIndex]) -> bytes:
    """The chain of a ledger's keys (`hub.log_key_chain`).

    Args:
        reader: The ledger.
        indexes: Of the entries that say something of its key, in order.

    Raises:
        FatalError: As `covering`.
    """
    links = []
    for index in (LeafIndex(0), *indexes):
        note = covering(reader, index)
        entry = next(iter(reader.entries(index, LeafIndex(index + 1))), None)
        if entry is None:
            raise FatalError("STORE_DAMAGED", f"entry {index} is missing")
        path = inclusion(reader, index, checkpoint_size(note))
        links.append(format_proof(TlogProof(index, path, note, entry)))
    return format_chain(links)


def batch_receipt(reader: LedgerReader, start: LeafIndex, end: LeafIndex) -> Receipt:
    """The receipt of a batch: its entry at `start`, its accepted events up to `end`, first checkpoint over them."""
    note = covering(reader, start)
    (entry,) = reader.entries(start, LeafIndex(start + 1))
    left, right = prove_range(node_reader(reader), start, end, checkpoint_size(note))
    return Receipt(batch_entry=entry, start=start, end=end, left=tuple(left), right=tuple(right), checkpoint=note)


def covering(reader: LedgerReader, index: LeafIndex) -> bytes:
    """The first checkpoint over an entry.

    Raises:
        FatalError: STORE_DAMAGED: the entry is recorded and no checkpoint covers it.
    """
    note = reader.checkpoint_covering(index)
    if note is None:
        raise FatalError("STORE_DAMAGED", f"no checkpoint covers entry {index}")
    return note
