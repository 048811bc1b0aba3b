"""The tree: leaves, nodes, roots and the three proofs (`docs/spec/tree.md`; RFC 6962 and RFC 9162, section 2.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from docs.spec.reference.unproved import expect


def sha256(data: bytes) -> bytes:
    """SHA-256, 32 bytes."""
    return hashlib.sha256(data).digest()


def leaf_hash(data: bytes) -> bytes:
    """Hash of a leaf."""
    return sha256(b"\x00" + data)


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return sha256(b"\x01" + left + right)


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Root over leaf hashes: split at the largest power of two below their number."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(root_of(leaves[:k]), root_of(leaves[k:]))


def check_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf stands at an index of the tree of a size (RFC 9162, 2.1.3.2).

    Raises:
        UnprovedError: It does not.
    """
    expect(0 <= index < size, f"index {index} is not below the size {size}")
    inner = (index ^ (size - 1)).bit_length()
    border = (index >> inner).bit_count()
    expect(len(path) == inner + border, f"a path of {len(path)} hashes instead of {inner + border}")
    value = leaf
    for level, sibling in enumerate(path):
        is_right = level >= inner or index >> level & 1
        value = node_hash(sibling, value) if is_right else node_hash(value, sibling)
    expect(value == root, "the path does not lead to the root")


def check_consistency(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Check that the tree of a size is the beginning of a later one (RFC 9162, 2.1.4.2).

    Raises:
        UnprovedError: It is not.
    """
    expect(0 <= old <= new, f"{old} is not at most {new}")
    if old in (0, new):
        expect(not path, "no proof is needed, and none may stand there")
        expect(old_root == (sha256(b"") if old == 0 else new_root), "the roots of one size differ")
        return
    hashes = list(path)
    if old & (old - 1) == 0:
        hashes.insert(0, old_root)
    expect(bool(hashes), "the proof is empty")
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = hashes[0]
    for sibling in hashes[1:]:
        expect(last > 0, "the proof is too long")
        if at & 1 or at == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        at, last = at >> 1, last >> 1
    expect(last == 0, "the proof is too short")
    expect(before == old_root and after == new_root, "the proof does not lead to both roots")


def check_range(
    start: int, leaves: Sequence[bytes], size: int, left: Sequence[bytes], right: Sequence[bytes], root: bytes
) -> None:
    """Check that a run of leaves stands at `[start, start + len(leaves))` of the tree of a size.

    Raises:
        UnprovedError: It does not, or a hash is left over.
    """
    end = start + len(leaves)
    expect(0 <= start < end <= size, f"[{start}, {end}) is no range of {size} leaves")
    before, after = list(left), list(right)

    def fold(low: int, high: int) -> bytes:
        """Root of the leaves `[low, high)`; a subtree wholly outside of the range is one hash of the proof."""
        if high <= start or end <= low:
            hashes = before if high <= start else after
            expect(bool(hashes), "the range proof is too short")
            return hashes.pop(0)
        if high - low == 1:
            return leaves[low - start]
        k = 1 << (high - low - 1).bit_length() - 1
        return node_hash(fold(low, low + k), fold(low + k, high))

    expect(fold(0, size) == root, "the range proof does not lead to the root")
    expect(not before and not after, "the range proof is too long")
