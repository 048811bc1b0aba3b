"""What a person is told has a Chinese word: profiles and their fields, purposes, regions, reasons of an opening."""

from __future__ import annotations

import pytest

from contracts.ids import HUB_REGION, REGIONS
from contracts.legal_basis import legal_texts
from contracts.opening import OPEN_REASONS
from contracts.procedure import load_procedures
from contracts.profile import load_profiles, own_fields
from contracts.rights import portable_procedures
from contracts.terms import load_terms
from hub.record_extract import COPIES_ERASED, ERASED, HELD, RESTRICTED

WORDS = [
    *(("profile", profile) for profile in load_profiles()),
    *(("field", name) for profile in load_profiles() for name in own_fields(profile)),
    *(
        ("purpose", row.purpose)
        for procedure in load_procedures().values()
        for row in procedure.transitions
        if procedure.kind != "hub"
    ),
    *(("region", region) for region in REGIONS if region != HUB_REGION),
    *(("reason", reason) for reason in OPEN_REASONS),
    *(("content", held) for held in (HELD, COPIES_ERASED, ERASED, RESTRICTED)),
]


@pytest.mark.parametrize(("kind", "name"), dict.fromkeys(WORDS))
def test_every_name_that_a_person_is_told_has_a_chinese_word(kind: str, name: str) -> None:
    """Add the missing row to contracts/terms.csv."""
    assert load_terms().say("zh", kind, name) != name


@pytest.mark.parametrize(
    ("name", "words"),
    [("OpinionAsked", "opinion asked"), ("RIGHTS_DESK", "rights desk"), ("due_date", "due date")],
)
def test_an_identifier_is_told_as_people_write_it(name: str, words: str) -> None:
    assert load_terms().say("en", "event", name) == words


def test_every_basis_of_a_procedure_has_its_law() -> None:
    bases = {basis for one in load_procedures().values() for row in one.transitions for basis in row.legal_bases}

    assert bases <= legal_texts().keys()


def test_only_procedures_that_exist_are_portable() -> None:
    assert portable_procedures() <= {procedure.id for procedure in load_procedures().values()}
