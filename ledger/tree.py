"""The Merkle tree of RFC 6962 and the proofs about it.

A tree of n leaves splits at the largest power of two strictly below n; nothing is padded or doubled. Proofs are made
from a `NodeReader` (hashes of perfect subtrees, see `ledger.tiles`), never by hashing the leaves again. Checking looks
at the exact length of a proof first, then folds it: a statement has one proof, and what is left over is an error. A
proof has at most 63 hashes (a range proof on each side); only far above 2**62 leaves could one need more, which is
refused.
"""

from collections.abc import Callable, Sequence
from typing import Final

from contracts.errors import EvidenceError
from contracts.ids import Hash
from ledger.compact import (
    EMPTY_ROOT,
    HASH_BYTES,
    MAX_TREE_SIZE,
    CompactRange,
    check_hashes,
    hash_leaf,
    hash_node,
    hash_pairs,
    root_of,
)

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "MAX_PATH",
    "MAX_TREE_SIZE",
    "CompactRange",
    "NodeReader",
    "appended_node_reader",
    "batch_paths",
    "extended",
    "hash_leaf",
    "hash_node",
    "prove_consistency",
    "prove_inclusion",
    "prove_range",
    "range_paths",
    "root_of",
    "verify_consistency",
    "verify_inclusion",
    "verify_range",
]

MAX_PATH: Final = 63
"""Hashes in a proof, at most."""

_FEW: Final = 16
"""Leaves up to which an append takes less than folding the whole run, which a proof of them may not need."""

NodeReader = Callable[[int, int], Hash]
"""Called with (level, index): gives the hash of the 2**level leaves from index * 2**level on."""


def verify_inclusion(*, leaf_hash: Hash, leaf_index: int, tree_size: int, path: Sequence[Hash], root: Hash) -> None:
    """Check that a leaf is under a root.

    Args:
        leaf_hash: 32 bytes, from `hash_leaf`.
        leaf_index: From 0, below `tree_size`.
        tree_size: Leaves in the tree, at least 1.
        path: Sibling hashes, leaf level first, at most 63.
        root: 32 bytes, from a checkpoint whose signatures were checked.

    Raises:
        EvidenceError: INCLUSION_INVALID, the path is not exactly the one that leads from the leaf to `root`.

    Source: RFC 9162, section 2.1.3.2.
    """
    code = "INCLUSION_INVALID"
    if not 0 <= leaf_index < tree_size <= MAX_TREE_SIZE:
        raise EvidenceError(code, f"leaf {leaf_index} is not in a tree of {tree_size} leaves")
    inner = (leaf_index ^ (tree_size - 1)).bit_length()
    border = (leaf_index >> inner).bit_count()
    if len(path) != inner + border:
        raise EvidenceError(code, f"path has {len(path)} hashes, leaf {leaf_index} of {tree_size} has {inner + border}")
    check_hashes(code, (leaf_hash, root, *path))
    node = leaf_hash
    for level, sibling in enumerate(path):
        is_right = level >= inner or leaf_index >> level & 1
        node = hash_node(sibling, node) if is_right else hash_node(node, sibling)
    _check_root(code, node, root)


def verify_consistency(*, size1: int, size2: int, path: Sequence[Hash], root1: Hash, root2: Hash) -> None:
    """Check that a tree is a beginning of a later one.

    Args:
        size1: Leaves in the earlier tree.
        size2: Leaves in the later tree, at least `size1`.
        path: Hashes of the proof, at most 63; none if `size1` is 0 or equals `size2`.
        root1: Root of the earlier tree, 32 bytes.
        root2: Root of the later tree, 32 bytes.

    Raises:
        EvidenceError: CONSISTENCY_INVALID, the path is not exactly the one that leads to both roots.

    Source: RFC 9162, section 2.1.4.2.
    """
    code = "CONSISTENCY_INVALID"
    if not 0 <= size1 <= size2 <= MAX_TREE_SIZE:
        raise EvidenceError(code, f"a tree of {size1} leaves is no beginning of one of {size2}")
    check_hashes(code, (root1, root2, *path))
    if size1 == 0:
        _check_root(code, EMPTY_ROOT, root1)
    if size2 == size1:
        _check_root(code, root1, root2)
    if size1 in (0, size2):
        if path:
            raise EvidenceError(code, f"from {size1} to {size2} leaves the proof is empty, not of {len(path)} hashes")
        return
    old, new = fold_consistency(size1, size2, path, root1)
    _check_root(code, old, root1)
    _check_root(code, new, root2)


def fold_consistency(size1: int, size2: int, path: Sequence[Hash], root1: Hash) -> tuple[Hash, Hash]:
    """Fold a consistency proof.

    Args:
        size1: Leaves in the earlier tree, at least 1.
        size2: Leaves in the later tree, above `size1`.
        path: Hashes of the proof.
        root1: Root of the earlier tree; looked at only where `size1` is a power of two, when the proof leaves it out.

    Returns:
        The roots that the proof says the earlier and the later tree have.

    Raises:
        EvidenceError: CONSISTENCY_INVALID, the proof has another length.

    Source: RFC 9162, section 2.1.4.2.
    """
    level = (size1 & -size1).bit_length() - 1
    index, last = (size1 - 1) >> level, (size2 - 1) >> level
    # The largest subtree that ends at size1 begins the proof; it is root1 itself if size1 is a power of two.
    hashes = iter(path) if index else iter((root1, *path))
    wanted = _path_length(index, last) + (1 if index else 0)
    if len(path) != wanted or wanted > MAX_PATH:
        raise EvidenceError(
            "CONSISTENCY_INVALID", f"proof has {len(path)} hashes, from {size1} to {size2} leaves it has {wanted}"
        )
    old = new = next(hashes)
    for sibling in hashes:
        # A last node without sibling rises unchanged until it is a right child.
        while index == last and not index & 1:
            index, last = index >> 1, last >> 1
        if index & 1:
            old, new = hash_node(sibling, old), hash_node(sibling, new)
        else:
            new = hash_node(new, sibling)
        index, last = index >> 1, last >> 1
    return old, new


def verify_range(
    *,
    start: int,
    end: int,
    leaf_hashes: Sequence[Hash],
    tree_size: int,
    left: Sequence[Hash],
    right: Sequence[Hash],
    root: Hash,
) -> None:
    """Check that a run of leaves is under a root, in order and without gap.

    Args:
        start: Index of the first leaf of the run.
        end: Index after its last leaf, above `start`.
        leaf_hashes: The leaves of the run, `end - start` of them.
        tree_size: Leaves in the tree, at least `end`.
        left: Hashes of the subtrees before the run, from left to right.
        right: Hashes of the subtrees after the run, from left to right.
        root: 32 bytes, from a checkpoint whose signatures were checked.

    Raises:
        EvidenceError: RANGE_INVALID, the hashes are not exactly those that fold with the run to `root`.
    """
    levels = _range_levels(start, end, leaf_hashes, tree_size, left, right)
    check_hashes("RANGE_INVALID", (root,))
    _check_root("RANGE_INVALID", levels[-1][1][0], root)


def range_paths(
    *, start: int, end: int, leaf_hashes: Sequence[Hash], tree_size: int, left: Sequence[Hash], right: Sequence[Hash]
) -> list[list[Hash]]:
    """Derive the inclusion path of every leaf of a run from its range proof; arguments as in `verify_range`.

    Returns:
        For each leaf of the run its sibling hashes, leaf level first. They lead to the root of the range proof: check
        that one with `verify_range`.

    Raises:
        EvidenceError: RANGE_INVALID, the number or the length of the hashes is wrong.
    """
    levels = _range_levels(start, end, leaf_hashes, tree_size, left, right)[:-1]
    paths = []
    for leaf_index in range(start, end):
        path, index = [], leaf_index
        for first, nodes in levels:
            sibling = (index ^ 1) - first
            if sibling < len(nodes):
                path.append(nodes[sibling])
            index >>= 1
        paths.append(path)
    return paths


def batch_paths(leaf_hashes: Sequence[Hash]) -> list[list[Hash]]:
    """Inclusion paths of all leaves of a small tree, such as a batch; none for an empty tree."""
    size = len(leaf_hashes)
    return range_paths(start=0, end=size, leaf_hashes=leaf_hashes, tree_size=size, left=(), right=()) if size else []


def _range_levels(
    start: int, end: int, leaf_hashes: Sequence[Hash], tree_size: int, left: Sequence[Hash], right: Sequence[Hash]
) -> list[tuple[int, list[Hash]]]:
    """Fold a run with its range proof: each level's first known index and its known nodes; the root is last."""
    code = "RANGE_INVALID"
    if not 0 <= start < end <= tree_size <= MAX_TREE_SIZE or len(leaf_hashes) != end - start:
        raise EvidenceError(
            code, f"{len(leaf_hashes)} leaves are not the run [{start}, {end}) of a tree of {tree_size} leaves"
        )
    wanted = (len(_left_nodes(start)), len(_right_nodes(end, tree_size)))
    if (len(left), len(right)) != wanted:
        raise EvidenceError(code, f"range proof has {len(left)} and {len(right)} hashes instead of {wanted}")
    check_hashes(code, (*leaf_hashes, *left, *right))
    before, after = list(left), iter(right)
    first, stop, last, nodes = start, end, tree_size - 1, list(leaf_hashes)
    levels = []
    while last:
        if first & 1:
            nodes.insert(0, before.pop())
            first -= 1
        if stop & 1 and stop <= last:
            nodes.append(next(after))
            stop += 1
        levels.append((first, nodes))
        # The last node of a level may have no sibling; it rises unchanged.
        alone = nodes[-1:] if (stop - first) & 1 else []
        nodes = hash_pairs(nodes) + alone
        first, stop, last = first >> 1, (stop + 1) >> 1, last >> 1
    return [*levels, (0, nodes)]


def prove_inclusion(node: NodeReader, index: int, size: int) -> list[Hash]:
    """Give the inclusion path of a leaf.

    Args:
        node: Reader of a tree of at least `size` leaves.
        index: From 0, below `size`.
        size: The size of the checkpoint that the proof will travel with.

    Raises:
        EvidenceError: INCLUSION_INVALID, there is no such leaf in a tree of that size.

    Source: RFC 6962, section 2.1.1.
    """
    if not 0 <= index < size <= MAX_TREE_SIZE:
        raise EvidenceError("INCLUSION_INVALID", f"leaf {index} is not in a tree of {size} leaves")
    return _read_path(node, 0, index, size)


def prove_consistency(node: NodeReader, size1: int, size2: int) -> list[Hash]:
    """Give the proof that the tree of `size1` leaves is a beginning of the tree of `size2`.

    Raises:
        EvidenceError: CONSISTENCY_INVALID, `size1` is above `size2`.

    Source: RFC 6962, section 2.1.2.
    """
    if not 0 <= size1 <= size2 <= MAX_TREE_SIZE:
        raise EvidenceError("CONSISTENCY_INVALID", f"a tree of {size1} leaves is no beginning of one of {size2}")
    if size1 in (0, size2):
        return []
    level = (size1 & -size1).bit_length() - 1
    index = (size1 - 1) >> level
    path = _read_path(node, level, index, size2)
    return [node(level, index), *path] if index else path


def prove_range(node: NodeReader, start: int, end: int, size: int) -> tuple[list[Hash], list[Hash]]:
    """Give the hashes left and right of the run `[start, end)`, each from left to right.

    Raises:
        EvidenceError: RANGE_INVALID, the run is empty or not in a tree of that size.
    """
    if not 0 <= start < end <= size <= MAX_TREE_SIZE:
        raise EvidenceError("RANGE_INVALID", f"[{start}, {end}) is no run of leaves of a tree of {size}")
    left = [node(level, index) for level, index in _left_nodes(start)]
    right = [_read_node(node, level, index, size) for level, index in _right_nodes(end, size)]
    return left, right


def appended_node_reader(before: CompactRange, leaf_hashes: Sequence[Hash]) -> NodeReader:
    """Read the nodes that proofs about just appended leaves need, without any store.

    Args:
        before: State of the tree before the append; it is not changed.
        leaf_hashes: The leaves that are appended to it, at least one.

    Returns:
        A reader for `prove_range` and `prove_inclusion` of runs within the appended leaves, and for `prove_consistency`
        from any size within them, all in the tree that the append makes. Other nodes are a KeyError.
    """
    start, end = before.size, before.size + len(leaf_hashes)
    left, leaves = tuple(before.hashes), tuple(leaf_hashes)
    known = dict(zip(_left_nodes(start), left, strict=True))
    folded: list[list[tuple[int, list[Hash]]]] = []

    def node(level: int, index: int) -> Hash:
        if (level, index) in known:
            return known[level, index]
        # The proof of a lone batch at the end asks for nothing else.
        if not folded:
            folded.append(_range_levels(start, end, leaves, end, left, ()))
        (levels,) = folded
        if level < len(levels):
            first, nodes = levels[level]
            if index >= first and (index + 1) << level <= end:
                return nodes[index - first]
        raise KeyError((level, index))

    return node


def extended(before: CompactRange, leaf_hashes: Sequence[Hash], node: NodeReader) -> CompactRange:
    """The state of a tree after an append, from the nodes that proofs about the appended leaves need anyway.

    Args:
        before: State of the tree before the append; it is not changed.
        leaf_hashes: The leaves that are appended to it.
        node: What `appended_node_reader` gives for both.
    """
    if len(leaf_hashes) <= _FEW:
        after = before.copy()
        after.extend(leaf_hashes)
        return after
    size = before.size + len(leaf_hashes)
    return CompactRange.of(size, [node(level, index) for level, index in _left_nodes(size)])


def _left_nodes(start: int) -> list[tuple[int, int]]:
    """Places (level, index) of the perfect subtrees that make up `[0, start)`, from left to right."""
    return [(level, (start >> level) - 1) for level in range(start.bit_length() - 1, -1, -1) if start >> level & 1]


def _right_nodes(end: int, size: int) -> list[tuple[int, int]]:
    """Places of the subtrees that make up `[end, size)`, from left to right; the last one may be imperfect."""
    places, level, last = [], 0, size - 1
    while end <= last:
        if end & 1:
            places.append((level, end))
            end += 1
        level, end, last = level + 1, end >> 1, last >> 1
    return places


def _read_path(node: NodeReader, level: int, index: int, size: int) -> list[Hash]:
    """Siblings on the way from a node to the root of the tree of that size."""
    path, last = [], (size - 1) >> level
    while last:
        sibling = index ^ 1
        if sibling < last:
            path.append(node(level, sibling))
        elif sibling == last:
            path.append(_read_node(node, level, sibling, size))
        level, index, last = level + 1, index >> 1, last >> 1
    return path


def _read_node(node: NodeReader, level: int, index: int, size: int) -> Hash:
    """Hash of a node in the tree of that size; the last of a level may cover fewer than 2**level leaves."""
    if (index + 1) << level <= size:
        return node(level, index)
    rest, folded = size - (index << level), None
    for low in range(rest.bit_length()):
        if rest >> low & 1:
            part = node(low, (size >> low) - 1)
            folded = part if folded is None else hash_node(part, folded)
    if folded is None:
        raise EvidenceError("RANGE_INVALID", f"node {index} of level {level} is not in a tree of {size} leaves")
    return folded


def _path_length(index: int, last: int) -> int:
    """Count the siblings on the way from node `index` to the root over a level whose last node is `last`."""
    inner = (index ^ last).bit_length()
    return inner + (index >> inner).bit_count()


def _check_root(code: str, computed: Hash, root: Hash) -> None:
    if computed != root:
        raise EvidenceError(code, f"the proof leads to root {computed.hex()}, expected {root.hex()}")
