"""Nobody works a withheld number out of what is published: an attacker solves all sums and finds no narrow range.

Protection: for every withheld cell and total, the attacker's range is at least half the limit wide (5 of 10, 10 of 20).
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.projections.disclosure import TOTAL, Key, SafeTable, protect, rounded, width, with_totals
from tests.support.attacker import Attacker

ROWS, COLUMNS = ("35", "36", "43", "44"), ("3501", "4401", "4403", "5101")


def attack(safe: SafeTable, counts: dict[Key, int]) -> dict[Key, tuple[int, int]]:
    """What an attacker finds of each withheld number, who even knows which were small."""
    true = with_totals(counts, safe.rows, safe.columns)
    small = {key for key, n in true.items() if n < safe.below}
    attacker = Attacker(safe.rows, safe.columns, safe.shown, safe.below, small)
    return {key: attacker.bounds(key) for key in true if key not in safe.shown}


def naive(counts: dict[Key, int], rows: tuple[str, ...], columns: tuple[str, ...], below: int) -> SafeTable:
    """Withholds small cells and nothing else."""
    true = with_totals(counts, rows, columns)
    return SafeTable(rows, columns, below, {key: rounded(n) for key, n in true.items() if n >= below})


def broken(found: dict[Key, tuple[int, int]], below: int) -> dict[Key, tuple[int, int]]:
    return {key: (low, high) for key, (low, high) in found.items() if high - low < width(below)}


LONE = {(row, column): 50 for row in ROWS for column in COLUMNS} | {("43", "4403"): 9}
EDGE: dict[Key, int] = {("35", "3501"): 9, ("35", "4401"): 12, ("36", "3501"): 12, ("36", "4401"): 12}


def test_the_attack_breaks_a_table_that_withholds_small_cells_only() -> None:
    """Two by two: 9 is withheld; 12 stands for 10 to 12 at least, and the totals say the rest."""
    safe = naive(EDGE, ("35", "36"), ("3501", "4401"), 10)
    found = attack(safe, EDGE)

    assert list(found) == [("35", "3501")]
    assert broken(found, 10) == found


def test_the_same_table_protected_withstands_the_attack() -> None:
    safe = protect(EDGE, ("35", "36"), ("3501", "4401"), 10)
    found = attack(safe, EDGE)

    assert ("35", "3501") in found
    assert broken(found, 10) == {}


def test_every_withheld_number_lies_in_the_range_that_the_attacker_finds() -> None:
    """The attacker is right: a wrong attacker would prove nothing."""
    true = with_totals(LONE, ROWS, COLUMNS)
    found = attack(protect(LONE, ROWS, COLUMNS, 10), LONE)

    assert found
    assert [key for key, (low, high) in found.items() if not low <= true[key] <= high] == []


def tables(rows: tuple[str, ...], columns: tuple[str, ...]) -> st.SearchStrategy[dict[Key, int]]:
    numbers = st.one_of(st.integers(0, 14), st.integers(0, 60), st.just(0))
    keys = [(row, column) for row in rows for column in columns]
    return st.lists(numbers, min_size=len(keys), max_size=len(keys)).map(
        lambda drawn: {key: n for key, n in zip(keys, drawn, strict=True) if n}
    )


@settings(max_examples=40, deadline=None)
@given(tables(ROWS[:2], COLUMNS[:3]), st.sampled_from([10, 20]))
def test_no_small_table_gives_a_withheld_number_away(counts: dict[Key, int], below: int) -> None:
    safe = protect(counts, ROWS[:2], COLUMNS[:3], below)

    assert broken(attack(safe, counts), below) == {}


@settings(max_examples=8, deadline=None)
@given(tables(ROWS[:3], COLUMNS[:3]))
def test_no_larger_table_gives_a_withheld_number_away(counts: dict[Key, int]) -> None:
    safe = protect(counts, ROWS[:3], COLUMNS[:3], 10)

    assert broken(attack(safe, counts), 10) == {}


@given(tables(ROWS, COLUMNS), st.sampled_from([10, 20]))
def test_nothing_small_is_shown_and_everything_shown_is_rounded(counts: dict[Key, int], below: int) -> None:
    safe = protect(counts, ROWS, COLUMNS, below)
    true = with_totals(counts, ROWS, COLUMNS)

    assert all(true[key] >= below for key in safe.shown)
    assert all(n % 5 == 0 and abs(n - true[key]) <= 2 for key, n in safe.shown.items())


@given(tables(ROWS, COLUMNS))
def test_the_same_counts_give_the_same_table(counts: dict[Key, int]) -> None:
    """An auditor who counts again finds the same cells withheld."""
    turned = dict(reversed(list(counts.items())))

    assert protect(counts, ROWS, COLUMNS, 10) == protect(turned, ROWS, COLUMNS, 10)


def test_a_table_of_zeros_shows_nothing() -> None:
    assert protect({}, ROWS, COLUMNS, 10).shown == {}


def test_a_table_without_small_cells_shows_everything() -> None:
    counts = {(row, column): 100 for row in ROWS for column in COLUMNS}

    assert len(protect(counts, ROWS, COLUMNS, 10).shown) == 25


@pytest.mark.parametrize(("n", "shown"), [(10, 10), (12, 10), (13, 15), (17, 15), (18, 20)])
def test_numbers_are_rounded_to_the_nearest_five(n: int, shown: int) -> None:
    assert rounded(n) == shown


def test_the_total_of_totals_is_a_cell_like_any_other() -> None:
    assert with_totals({("35", "3501"): 3}, ROWS[:1], COLUMNS[:1])[TOTAL, TOTAL] == 3
