"""Everybody in the demonstration is synthetic, and as old as the story says."""

from __future__ import annotations

from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.demo.people import draw_person
from contracts.identity import IdDocType, validate_identity

_YEAR = 2026


@pytest.mark.parametrize(
    ("kind", "youngest", "oldest"), [("ADULT", 19, 78), ("YOUTH", 14, 16), ("CHILD", 5, 13), ("FOREIGNER", 19, 78)]
)
@given(seed=st.integers(0, 1 << 40), day=st.integers(1, 365))
def test_everybody_is_of_the_synthetic_ranges_and_of_the_age(
    kind: str, youngest: int, oldest: int, seed: int, day: int
) -> None:
    """DOMAIN 3.6: the gate of the sandbox lets the person pass, and a child is a child."""
    person = draw_person(Random(seed), "440106", _YEAR, kind)
    identity = person.identity()

    validate_identity(
        IdDocType(identity["document_type"]),
        identity["document_number"],
        date.fromisoformat(identity["birth_date"]),
        sandbox=True,
    )
    assert _YEAR - oldest <= int(person.birth_date[:4]) <= _YEAR - youngest
    assert (identity["document_type"] == "PASSPORT") is (kind == "FOREIGNER")
