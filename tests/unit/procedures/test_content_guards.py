"""What is a person's is checked in the sealed part, where it is readable, and nowhere else (DOMAIN 6.8, 6.10, 7.2)."""

from collections.abc import Mapping
from typing import Any

import pytest

from contracts.deadline import founding_limits
from contracts.division import load_divisions
from contracts.errors import RuleError
from contracts.guard import load_guards
from contracts.guard_check import Case, check, check_content
from contracts.profile import load_profile
from tests.unit.procedures.case_guards import CONTENT_BAD, CONTENT_GOOD
from tests.unit.procedures.scene import Scene


@pytest.mark.parametrize(("name", "profile", "content"), CONTENT_BAD)
def test_a_content_that_a_guard_forbids_is_refused_and_not_told(
    name: str, profile: str, content: Mapping[str, Any]
) -> None:
    guard = load_guards()[name]

    with pytest.raises(RuleError) as caught:
        check_content(guard, profile, content)

    assert (caught.value.code, caught.value.rule) == ("GUARD_FAILED", name)
    assert caught.value.field in guard.fields


@pytest.mark.parametrize(("name", "profile", "content"), CONTENT_GOOD)
def test_other_content_passes(name: str, profile: str, content: Mapping[str, Any]) -> None:
    check_content(load_guards()[name], profile, content)


def test_the_hub_cannot_judge_what_is_sealed_and_does_not_try() -> None:
    header = Scene.of("MINOR_RETURN").header("MinorAdmitted", "RESCUE_STATION")
    guard = load_guards()["child_is_minor"]

    check(
        guard,
        Case(header, {}, {}, {}, has_counterpart=False, divisions=load_divisions(), limits=founding_limits()),
    )


def test_a_guard_of_content_reads_fields_that_its_profile_has() -> None:
    for guard in load_guards().values():
        if guard.reads_content() and guard.profile:
            names = {field["name"] for field in load_profile(guard.profile).codec.schema["fields"]}
            assert {*guard.fields, *((guard.when.field,) if guard.when else ())} <= names, guard.name
