"""Proofs of some entries of any source of a ledger: its entries are hashed once more, as evidence is seldom made."""

from __future__ import annotations

from collections.abc import Set

from contracts.ids import Hash, LeafIndex
from hub.audit_source import Source
from hub.delivery_evidence import Prover
from ledger.compact import CompactRange, hash_leaf
from ledger.exhibit import Proved
from ledger.tree import appended_node_reader, prove_inclusion


def entry_prover(source: Source, size: int, note: bytes, wanted: Set[LeafIndex]) -> Prover:
    """Read the entries that may be needed, and the leaf hashes of all.

    Args:
        source: Where the ledger is read from.
        size: Of the checkpoint.
        note: The checkpoint under which entries are proved.
        wanted: Which entries.

    Returns:
        What gives each of them with its proof.
    """
    entries: dict[LeafIndex, bytes] = {}
    leaves: list[Hash] = []
    for number, data in enumerate(source.entries(LeafIndex(0), LeafIndex(size))):
        leaves.append(hash_leaf(data))
        if number in wanted:
            entries[LeafIndex(number)] = data
    node = appended_node_reader(CompactRange(), leaves)

    def prove(index: LeafIndex) -> Proved | None:
        if index not in entries:
            return None
        return Proved(index, entries[index], tuple(prove_inclusion(node, index, len(leaves))), note)

    return prove
