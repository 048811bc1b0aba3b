"""The running hash of a point follows its definition, so a left out or swapped notification shows (LEDGER 10)."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import Hash
from ledger.heads import HEAD_ZERO, head_next
from ledger.tree import hash_leaf

_LEAVES = [hash_leaf(b"event %d" % number) for number in range(5)]


def _head(leaves: list[Hash]) -> Hash:
    head = HEAD_ZERO
    for n, leaf in enumerate(leaves, 1):
        head = head_next(head, n, leaf)
    return head


def test_the_first_head_follows_32_zero_bytes_and_the_number_1() -> None:
    wanted = sha256(b"pprd-head/v1\n\0" + bytes(32) + (1).to_bytes(8, "big") + _LEAVES[0]).digest()

    assert head_next(HEAD_ZERO, 1, _LEAVES[0]) == wanted


@given(order=st.permutations(range(5)), kept=st.integers(0, 5))
def test_only_the_same_notifications_in_the_same_order_give_the_same_head(order: list[int], kept: int) -> None:
    other = [_LEAVES[number] for number in order[:kept]]

    assert (_head(other) == _head(_LEAVES)) == (other == _LEAVES)


@pytest.mark.parametrize("n", [0, -1, 1 << 63])
def test_notifications_are_counted_from_1_in_63_bits(n: int) -> None:
    with pytest.raises(ValueError, match="counted"):
        head_next(HEAD_ZERO, n, _LEAVES[0])
