"""The hashes of the tree of RFC 6962 and the running state of a growing tree.

Leaves and nodes are hashed apart (0x00 and 0x01), every hash is exactly 32 bytes. Proofs stand in `ledger.tree`, which
gives these names too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol, cast

from contracts.errors import EvidenceError
from contracts.ids import Hash

HASH_BYTES: Final = 32
MAX_TREE_SIZE: Final = (1 << 63) - 1


class _Digest(Protocol):
    def digest(self) -> Hash: ...
    def update(self, data: bytes, /) -> None: ...
    def copy(self) -> _Digest: ...


sha256 = cast("Callable[[bytes], _Digest]", hashlib.sha256)
"""`hashlib.sha256` whose digest is typed as a `Hash`: wrapping each one would cost as much as a small hash."""

_LEAF: Final = sha256(b"\x00")
_NODE: Final = sha256(b"\x01")
# Where many are hashed, copying a state that has begun takes a sixth less than having OpenSSL look SHA-256 up again.

EMPTY_ROOT: Final = sha256(b"").digest()
"""Root of the tree without leaves."""


def hash_leaf(data: bytes) -> Hash:
    """SHA-256(0x00 || data). Source: RFC 6962, section 2.1."""
    return sha256(b"\x00" + data).digest()


def hash_leaves(entries: Iterable[bytes]) -> list[Hash]:
    """`hash_leaf` of each."""
    begin, leaves = _LEAF.copy, []
    for data in entries:
        state = begin()
        state.update(data)
        leaves.append(state.digest())
    return leaves


def hash_node(left: Hash, right: Hash) -> Hash:
    """SHA-256(0x01 || left || right). Source: RFC 6962, section 2.1."""
    return sha256(b"\x01" + left + right).digest()


class CompactRange:
    """The running state of a growing tree: one hash for each set bit of its size.

    Mutable; belongs to the one writer of a tree. Two hashes are computed for an append on average.

    Attributes:
        size: Leaves appended so far.
    """

    __slots__ = ("_hashes", "size")

    def __init__(self) -> None:
        """Start with no leaves."""
        self._hashes: list[Hash] = []
        self.size = 0

    @classmethod
    def of(cls, size: int, hashes: Sequence[Hash]) -> CompactRange:
        """Take up a kept state.

        Args:
            size: Leaves appended so far.
            hashes: What `hashes` gave at that size.

        Raises:
            EvidenceError: RANGE_INVALID, the number or the length of the hashes does not fit the size.
        """
        if not 0 <= size <= MAX_TREE_SIZE or len(hashes) != size.bit_count():
            raise EvidenceError("RANGE_INVALID", f"{len(hashes)} hashes are not the state of a tree of {size} leaves")
        check_hashes("RANGE_INVALID", hashes)
        state = cls()
        state._hashes = list(hashes)
        state.size = size
        return state

    def copy(self) -> CompactRange:
        """Give an independent state of the same tree."""
        return CompactRange.of(self.size, self._hashes)

    @property
    def hashes(self) -> tuple[Hash, ...]:
        """Hashes of the perfect subtrees, from left to right, so the largest first."""
        return tuple(self._hashes)

    def append(self, leaf_hash: Hash) -> None:
        """Append one leaf.

        Args:
            leaf_hash: 32 bytes, from `hash_leaf`.
        """
        hashes = self._hashes
        bits = self.size
        node = leaf_hash
        while bits & 1:
            node = sha256(b"\x01" + hashes.pop() + node).digest()
            bits >>= 1
        hashes.append(node)
        self.size += 1

    def extend(self, leaf_hashes: Iterable[Hash]) -> None:
        """Append several leaves in order."""
        for leaf_hash in leaf_hashes:
            self.append(leaf_hash)

    def root(self) -> Hash:
        """Root of the tree so far, `EMPTY_ROOT` if there is no leaf."""
        if not self._hashes:
            return EMPTY_ROOT
        node = self._hashes[-1]
        for left in self._hashes[-2::-1]:
            node = hash_node(left, node)
        return node


def hash_pairs(nodes: Sequence[Hash]) -> list[Hash]:
    """`hash_node` of each two neighbours; a last one without a neighbour is left out."""
    begin, above = _NODE.copy, []
    for left, right in zip(nodes[::2], nodes[1::2], strict=False):
        state = begin()
        state.update(left + right)
        above.append(state.digest())
    return above


def root_of(leaf_hashes: Iterable[Hash]) -> Hash:
    """Root of the tree over these leaf hashes, level by level: a node without a neighbour moves up as it is."""
    nodes = list(leaf_hashes)
    if not nodes:
        return EMPTY_ROOT
    while len(nodes) > 1:
        last = nodes[-1:] if len(nodes) & 1 else []
        nodes = hash_pairs(nodes) + last
    return nodes[0]


def check_hashes(code: str, hashes: Iterable[Hash]) -> None:
    """Raise EvidenceError with this code unless each hash has 32 bytes."""
    for value in hashes:
        if len(value) != HASH_BYTES:
            raise EvidenceError(code, f"a hash has {len(value)} bytes instead of {HASH_BYTES}")
