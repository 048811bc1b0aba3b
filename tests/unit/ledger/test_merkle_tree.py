"""The running state and every proof agree with the recursive definition of RFC 6962, for all small sizes."""

from collections.abc import Sequence
from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import EvidenceError, ExchangeError
from contracts.ids import Hash
from ledger.tree import (
    EMPTY_ROOT,
    CompactRange,
    appended_node_reader,
    batch_paths,
    extended,
    hash_leaf,
    hash_node,
    prove_consistency,
    prove_inclusion,
    prove_range,
    range_paths,
    root_of,
    verify_consistency,
    verify_inclusion,
    verify_range,
)

_MAX = 130
_LEAVES = [hash_leaf(b"leaf %d" % number) for number in range(_MAX)]
_BIG = (1 << 63) - 1
_sizes = st.integers(1, _MAX)


@lru_cache(None)
def _root(start: int, end: int) -> Hash:
    """The definition: split at the largest power of two strictly below the size. Source: RFC 6962, section 2.1."""
    size = end - start
    if size == 0:
        return EMPTY_ROOT
    if size == 1:
        return _LEAVES[start]
    half = 1 << ((size - 1).bit_length() - 1)
    return hash_node(_root(start, start + half), _root(start + half, end))


def _path(index: int, start: int, end: int) -> list[Hash]:
    """The definition of an inclusion path. Source: RFC 6962, section 2.1.1."""
    if end - start == 1:
        return []
    middle = start + (1 << ((end - start - 1).bit_length() - 1))
    if index < middle:
        return [*_path(index, start, middle), _root(middle, end)]
    return [*_path(index, middle, end), _root(start, middle)]


def _subproof(size1: int, start: int, end: int, is_whole: bool) -> list[Hash]:
    """The definition of a consistency proof. Source: RFC 6962, section 2.1.2."""
    if size1 == end - start:
        return [] if is_whole else [_root(start, end)]
    half = 1 << ((end - start - 1).bit_length() - 1)
    if size1 <= half:
        return [*_subproof(size1, start, start + half, is_whole), _root(start + half, end)]
    return [*_subproof(size1 - half, start + half, end, False), _root(start, start + half)]


class _ReaderOf:
    """Reads nodes of the tree of one size, and no others: a proof may not look into the future."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __call__(self, level: int, index: int) -> Hash:
        assert (index + 1) << level <= self._size
        return _root(index << level, (index + 1) << level)


@st.composite
def _runs(draw: st.DrawFn) -> tuple[int, int, int]:
    size = draw(_sizes)
    start = draw(st.integers(0, size - 1))
    return start, draw(st.integers(start + 1, size)), size


def _check_range(start: int, end: int, size: int, left: Sequence[Hash], right: Sequence[Hash]) -> None:
    verify_range(
        start=start,
        end=end,
        leaf_hashes=_LEAVES[start:end],
        tree_size=size,
        left=left,
        right=right,
        root=_root(0, size),
    )


@pytest.mark.parametrize("size", range(_MAX + 1))
def test_roots_and_paths_of_each_size_follow_the_definition(size: int) -> None:
    paths = [_path(index, 0, size) for index in range(size)]

    assert root_of(_LEAVES[:size]) == _root(0, size)
    assert batch_paths(_LEAVES[:size]) == paths
    assert [prove_inclusion(_ReaderOf(size), index, size) for index in range(size)] == paths
    for index, path in enumerate(paths):
        verify_inclusion(leaf_hash=_LEAVES[index], leaf_index=index, tree_size=size, path=path, root=_root(0, size))


@pytest.mark.parametrize("size2", range(_MAX + 1))
def test_consistency_proofs_from_each_size_follow_the_definition(size2: int) -> None:
    for size1 in range(size2 + 1):
        path = prove_consistency(_ReaderOf(size2), size1, size2)

        assert path == (_subproof(size1, 0, size2, True) if size1 else [])
        verify_consistency(size1=size1, size2=size2, path=path, root1=_root(0, size1), root2=_root(0, size2))


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 8, 9, 16, 21, 33])
def test_every_run_of_leaves_has_a_proof_that_holds_its_inclusion_paths(size: int) -> None:
    for start in range(size):
        for end in range(start + 1, size + 1):
            left, right = prove_range(_ReaderOf(size), start, end, size)
            paths = range_paths(
                start=start, end=end, leaf_hashes=_LEAVES[start:end], tree_size=size, left=left, right=right
            )

            _check_range(start, end, size, left, right)
            assert paths == [_path(index, 0, size) for index in range(start, end)]


@given(run=_runs(), data=st.data())
def test_a_range_proof_with_one_change_is_refused(run: tuple[int, int, int], data: st.DataObject) -> None:
    start, end, size = run
    left, right = prove_range(_ReaderOf(size), start, end, size)
    _check_range(start, end, size, left, right)
    wrong = hash_leaf(b"wrong")
    changes = [([*left, wrong], right), (left, [*right, wrong])]
    if left:
        at = data.draw(st.integers(0, len(left) - 1))
        changes += [(left[:at] + left[at + 1 :], right), ([*left[:at], wrong, *left[at + 1 :]], right)]
    if right:
        at = data.draw(st.integers(0, len(right) - 1))
        changes += [(left, right[:at] + right[at + 1 :]), (left, [*right[:at], wrong, *right[at + 1 :]])]

    for changed_left, changed_right in changes:
        with pytest.raises(EvidenceError, match="RANGE_INVALID"):
            _check_range(start, end, size, changed_left, changed_right)


@given(run=_runs(), data=st.data())
def test_a_range_proof_holds_for_no_other_leaves_and_no_other_place(
    run: tuple[int, int, int], data: st.DataObject
) -> None:
    start, end, size = run
    left, right = prove_range(_ReaderOf(size), start, end, size)
    at = data.draw(st.integers(start, end - 1))
    changed = [*_LEAVES[start:at], hash_leaf(b"wrong"), *_LEAVES[at + 1 : end]]

    for first, leaf_hashes in ((start, changed), (start + 1, _LEAVES[start:end]), (start, _LEAVES[start : end - 1])):
        with pytest.raises(EvidenceError, match="RANGE_INVALID"):
            verify_range(
                start=first,
                end=first + len(leaf_hashes) if first != start else end,
                leaf_hashes=leaf_hashes,
                tree_size=size,
                left=left,
                right=right,
                root=_root(0, size),
            )


@given(run=_runs())
def test_appended_leaves_are_proved_without_reading_the_store(run: tuple[int, int, int]) -> None:
    before, start, size = sorted(run)
    state = CompactRange()
    state.extend(_LEAVES[: min(before, size - 1)])
    first = state.size
    node = appended_node_reader(state, _LEAVES[first:size])
    start = max(start, first)
    if start == size:
        start -= 1

    assert state.size == first
    assert prove_range(node, start, size, size) == prove_range(_ReaderOf(size), start, size, size)
    assert prove_range(node, first, start + 1, size) == prove_range(_ReaderOf(size), first, start + 1, size)
    assert prove_inclusion(node, start, size) == _path(start, 0, size)
    assert prove_consistency(node, start, size) == prove_consistency(_ReaderOf(size), start, size)


@given(first=st.integers(0, _MAX), more=st.integers(1, _MAX))
def test_the_nodes_of_an_append_give_the_tree_after_it(first: int, more: int) -> None:
    size = min(first + more, len(_LEAVES))
    first = min(first, size - 1)
    before, after = CompactRange(), CompactRange()
    before.extend(_LEAVES[:first])
    after.extend(_LEAVES[:size])

    found = extended(before, _LEAVES[first:size], appended_node_reader(before, _LEAVES[first:size]))

    assert (found.size, found.hashes, found.root()) == (size, after.hashes, _root(0, size))
    assert before.size == first


@given(size=st.integers(0, _MAX), more=st.integers(0, _MAX))
def test_a_kept_state_goes_on_where_it_stopped(size: int, more: int) -> None:
    state = CompactRange()
    state.extend(_LEAVES[:size])
    taken_up = CompactRange.of(state.size, state.hashes)
    taken_up.extend(_LEAVES[size : size + more])

    assert len(state.hashes) == size.bit_count()
    assert state.root() == _root(0, size)
    assert taken_up.root() == _root(0, min(size + more, _MAX))
    assert state.copy().hashes == state.hashes


@pytest.mark.parametrize(
    ("size", "hashes"), [(1, []), (0, [_LEAVES[0]]), (2, _LEAVES[:2]), (-1, []), (1, [Hash(b"short")]), (1 << 63, [])]
)
def test_a_state_of_another_size_is_refused(size: int, hashes: list[Hash]) -> None:
    with pytest.raises(EvidenceError, match="RANGE_INVALID"):
        CompactRange.of(size, hashes)


@given(index=st.integers(-1, 1 << 64), size=st.integers(-1, 1 << 64), length=st.integers(0, 70))
def test_an_inclusion_proof_for_any_place_is_an_answer_or_one_of_our_errors(index: int, size: int, length: int) -> None:
    with pytest.raises(ExchangeError, match="INCLUSION_INVALID"):
        verify_inclusion(
            leaf_hash=_LEAVES[0],
            leaf_index=index,
            tree_size=size,
            path=[_LEAVES[1]] * length,
            root=hash_leaf(b"wrong"),
        )


def test_no_proof_is_longer_than_63_hashes() -> None:
    def node(level: int, index: int) -> Hash:
        return _LEAVES[(level + index) % _MAX]

    left, right = prove_range(node, _BIG // 2, _BIG // 2 + 1, _BIG)

    assert len(prove_inclusion(node, 0, _BIG)) == 63
    assert len(prove_inclusion(node, _BIG - 1, _BIG)) <= 63
    assert len(prove_consistency(node, (1 << 61) - 1, 1 << 62)) == 63
    assert max(len(left), len(right)) <= 63


def test_a_consistency_proof_that_would_need_64_hashes_is_refused() -> None:
    with pytest.raises(EvidenceError, match="CONSISTENCY_INVALID: proof has 64 hashes"):
        verify_consistency(size1=(1 << 62) - 1, size2=_BIG, path=[_LEAVES[0]] * 64, root1=_LEAVES[1], root2=_LEAVES[2])


@pytest.mark.parametrize("bad", [b"", b"\0" * 31, b"\0" * 33])
def test_a_hash_of_another_length_is_refused_everywhere(bad: bytes) -> None:
    wrong = Hash(bad)
    good = _LEAVES[0]
    for leaf_hash, path, root in ((wrong, [good], good), (good, [wrong], good), (good, [good], wrong)):
        with pytest.raises(EvidenceError, match="bytes instead of 32"):
            verify_inclusion(leaf_hash=leaf_hash, leaf_index=0, tree_size=2, path=path, root=root)
        with pytest.raises(EvidenceError, match="bytes instead of 32"):
            verify_consistency(size1=1, size2=2, path=path, root1=leaf_hash, root2=root)
        with pytest.raises(EvidenceError, match="bytes instead of 32"):
            verify_range(start=0, end=1, leaf_hashes=[leaf_hash], tree_size=2, left=[], right=path, root=root)


@pytest.mark.parametrize(("start", "end", "size"), [(0, 0, 1), (1, 1, 2), (1, 0, 2), (0, 2, 1), (-1, 1, 1)])
def test_a_run_that_is_empty_or_outside_of_the_tree_has_no_proof(start: int, end: int, size: int) -> None:
    with pytest.raises(EvidenceError, match="RANGE_INVALID"):
        prove_range(_ReaderOf(size), start, end, size)
    with pytest.raises(EvidenceError, match="RANGE_INVALID"):
        _check_range(start, end, size, [], [])


def test_a_leaf_or_an_older_tree_outside_of_the_tree_has_no_proof() -> None:
    with pytest.raises(EvidenceError, match="INCLUSION_INVALID"):
        prove_inclusion(_ReaderOf(3), 3, 3)
    with pytest.raises(EvidenceError, match="CONSISTENCY_INVALID"):
        prove_consistency(_ReaderOf(3), 4, 3)
