"""What a protection hold keeps back (DOMAIN 7.5)."""

from __future__ import annotations

import pytest

from contracts.errors import RuleError
from contracts.profile import load_profiles, own_fields
from contracts.safety_hold import load_hold_rules, person_bytes, protect

IDENTITY = {"name": "测试甲一", "document_type": "PASSPORT", "document_number": "l12345678", "birth_date": "2090-01-01"}


@pytest.mark.parametrize("profile", sorted(load_hold_rules().withheld))
def test_some_contents_are_not_sent_at_all(profile: str) -> None:
    with pytest.raises(RuleError) as refused:
        protect(profile, {"county": "440106"})

    assert refused.value.code == "SAFETY_HOLD"
    assert "440106" not in str(refused.value)


@pytest.mark.parametrize(
    ("profile", "before", "after"),
    [
        ("NP-COR-ASK", {"proposed_address": "样例路1号", "household_or_employer": "样例工厂", "measure": "PAROLE"},
         {"proposed_address": "", "household_or_employer": "", "measure": "PAROLE", "safety_hold": True}),
        ("NP-HM-SETTLED", {"county": "440106"}, {"county": "440000", "safety_hold": True}),
        ("NP-COR-STATUS", {"state": "RECEIVED"}, {"state": "RECEIVED", "safety_hold": True}),
    ],
)  # fmt: skip
def test_the_new_address_leaves_every_other_content(profile: str, before: dict[str, str], after: object) -> None:
    assert protect(profile, before) == after


def test_the_rules_name_profiles_and_fields_that_exist() -> None:
    rules = load_hold_rules()

    assert rules.withheld | rules.removed.keys() <= load_profiles().keys()
    assert all(fields.keys() <= set(own_fields(profile)) for profile, fields in rules.removed.items())


def test_a_person_is_named_by_the_document_or_by_name_and_day_where_there_is_none() -> None:
    assert person_bytes(IDENTITY) == person_bytes(IDENTITY | {"name": "另写", "document_number": "L12345678"})
    assert person_bytes(IDENTITY) != person_bytes(IDENTITY | {"document_number": "L12345679"})
    nothing = IDENTITY | {"document_type": "NONE", "document_number": ""}
    assert person_bytes(nothing) != person_bytes(nothing | {"birth_date": "2090-01-02"})
