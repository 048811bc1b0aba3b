"""Whatever bytes come, a parser reads them or refuses them with a code: no other exception, and no second form."""

import pytest

from tests.support.fuzz import fuzz
from tests.support.fuzz_targets import NAMES, target

SEVERAL = 4_000
"""Inputs for each parser; `make fuzz` feeds a million."""


@pytest.mark.parametrize("name", NAMES)
def test_a_parser_survives_mutated_input(name: str) -> None:
    outcome = fuzz(target(name), count=SEVERAL, seed=20_260_101)

    assert outcome.inputs >= SEVERAL
    assert outcome.codes.total() > SEVERAL // 3, "the inputs are hardly mutated"
