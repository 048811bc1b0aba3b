"""Two regions compare what they hold of the matters between them, and no content is shown."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError, EvidenceError
from contracts.ids import Hash, RegionCode
from hub.reconciliation import HeldEvent, Side, format_side, parse_side, reconcile

A, B = RegionCode("44"), RegionCode("45")
STREAM = bytes(range(16))


def leaf(number: int) -> Hash:
    return Hash(hashlib.sha256(bytes([number])).digest())


@dataclass(frozen=True)
class Pair:
    """Both sides of one matter: A makes events 0 and 1 and seals 1 to B, B makes event 2."""

    events: tuple[HeldEvent, ...] = (
        HeldEvent(0, 10, leaf(0), A, False),
        HeldEvent(1, 11, leaf(1), A, True),
        HeldEvent(2, 12, leaf(2), B, False),
    )

    def side(self, region: RegionCode, *seqs: int, through: int = 12, **changed: HeldEvent) -> Side:
        held = [changed.get(f"event{seq}", self.events[seq]) for seq in seqs]
        return Side(region, B if region == A else A, through, {STREAM: tuple(held)})


PAIR = Pair()


def refused(one: Side, two: Side) -> str:
    with pytest.raises(EvidenceError) as caught:
        reconcile(one, two)
    assert caught.value.code == "REGIONS_DISAGREE"
    with pytest.raises(EvidenceError) as turned:
        reconcile(two, one)
    assert turned.value.code == "REGIONS_DISAGREE"
    return caught.value.message


def test_two_sides_that_hold_the_same_agree() -> None:
    assert reconcile(PAIR.side(A, 0, 1, 2), PAIR.side(B, 0, 1, 2)) == (1, 3)


def test_what_was_not_for_the_other_may_be_held_by_one_alone() -> None:
    assert reconcile(PAIR.side(A, 0, 1, 2), PAIR.side(B, 1, 2)) == (1, 2)


def test_another_event_in_the_same_place_is_named() -> None:
    """A hub that shows each side its own history."""
    forked = PAIR.events[1]._replace(leaf=leaf(9))

    message = refused(PAIR.side(A, 0, 1, 2), PAIR.side(B, 1, 2, event1=forked))

    assert f"matter {STREAM.hex()}, event 1" in message


def test_one_event_at_two_places_of_the_ledger_is_named() -> None:
    moved = PAIR.events[2]._replace(leaf_index=99)

    assert "at 99" in refused(PAIR.side(A, 0, 1, 2, event2=moved), PAIR.side(B, 1, 2))


def test_what_was_sent_and_never_arrived_is_named() -> None:
    assert "sent entry 11, 45 does not hold it" in refused(PAIR.side(A, 0, 1), PAIR.side(B, 2))


def test_what_is_still_on_its_way_is_no_fault() -> None:
    assert reconcile(PAIR.side(A, 0, 1), PAIR.side(B, 2, through=10)).events == 0


def test_an_event_that_its_maker_never_made_is_named() -> None:
    assert "never made" in refused(PAIR.side(A, 0, 2), PAIR.side(B, 1, 2))


def test_files_of_other_pairs_are_not_compared() -> None:
    with pytest.raises(ContractError, match="EVIDENCE_MALFORMED"):
        reconcile(PAIR.side(A, 0), PAIR.side(A, 0))


def test_a_file_is_read_back_and_shows_counters_and_hashes_only() -> None:
    side = PAIR.side(A, 0, 1, 2)

    data = format_side(side)

    assert parse_side(data) == side
    assert set(data.decode()) <= set('0123456789abcdefghijklmnopqrstuvwxyz"{}[]:,-/ \n')


@given(st.binary(max_size=200))
def test_what_is_no_such_file_is_refused(data: bytes) -> None:
    with pytest.raises(ContractError, match="EVIDENCE_MALFORMED"):
        parse_side(data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"44"', '"99"'),
        ("true", "1"),
        ("[0, 10", "[-1, 10"),
        ('"through": 12', '"through": "x"'),
        ("v1", "v2"),
        (leaf(0).hex(), "00"),
    ],
)
def test_a_wrong_part_is_refused(old: str, new: str) -> None:
    data = format_side(PAIR.side(A, 0, 1, 2)).decode()
    assert old in data

    with pytest.raises(ContractError, match="EVIDENCE_MALFORMED"):
        parse_side(data.replace(old, new).encode())
