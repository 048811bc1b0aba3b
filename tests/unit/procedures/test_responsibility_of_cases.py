"""In every case one side answers for the person at every step: never none, never two, never back (DOMAIN 6.7-6.10)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ExchangeError
from contracts.procedure import Procedure, load_procedures
from contracts.procedure_types import body_schema
from contracts.schema import load_registry
from tests.unit.procedures.scene import Scene
from tests.unit.procedures.test_procedure_tables import ALL_PATHS, ROWS

CASES = {procedure.id: procedure for procedure in load_procedures().values() if procedure.kind == "case"}
HANDS_OVER = {
    "CORRECTION_TRANSFER": {"CaseReceived"},
    "RESETTLEMENT_HANDOVER": {"Arrived", "ArrivalNotKnown"},
    "REHAB_HANDOVER": {"AgreementSigned"},
    "MINOR_RETURN": {"FollowedUp"},
}
"""The step of each case with which the receiving side answers: its own; for a release also time, when nobody came."""


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_every_state_of_a_case_names_exactly_one_side(case: Procedure) -> None:
    assert {state.responsible for state in case.states.values()} == {"SENDING", "RECEIVING"}
    assert {case.states[row.target].responsible for row in case.transitions if row.source is None} == {"SENDING"}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_only_one_step_hands_responsibility_over_and_none_gives_it_back(
    case: Procedure,
) -> None:
    moved = {
        (row.event, case.states[row.source].responsible)
        for row in case.transitions
        if row.source is not None and case.states[row.source].responsible != case.states[row.target].responsible
    }

    assert moved == {(event, "SENDING") for event in HANDS_OVER[case.id]}


@pytest.mark.parametrize("case", list(CASES))
@given(data=st.data())
def test_on_every_walk_one_side_answers_and_it_changes_once(case: str, data: st.DataObject) -> None:
    """Steps in any order: what the procedure refuses changes nothing, what it takes leaves one side responsible."""
    steps = [row.step for row in ROWS[case]] + [step for path in ALL_PATHS[case].values() for step in path]
    scene, sides = Scene.of(case), []
    for _ in range(data.draw(st.integers(1, 14))):
        before = scene.matter
        state = None if before is None else before.state
        possible = [step for step in steps if (step[0], state) in CASES[case].rows]
        if not possible:
            break
        try:
            matter = scene.step(data.draw(st.sampled_from(possible)))
        except ExchangeError:
            assert scene.matter is before
        else:
            sides.append(CASES[case].states[matter.state].responsible)

    assert None not in sides
    assert sides == sorted(sides, key=("SENDING", "RECEIVING").index)


@pytest.mark.parametrize("source", ["NOT_SAFE", "UNTRACED", "IN_CARE", "TRACED", "ADMITTED"])
def test_no_child_is_sent_home_except_through_an_assessment_that_says_safe(source: str) -> None:
    """From NOT_SAFE every path to PLANNED takes HomeAssessed with SAFE (DOMAIN 6.10)."""
    minor = CASES["MINOR_RETURN"]
    reached, waiting = set(), [source]
    while waiting:
        state = waiting.pop()
        reached.add(state)
        waiting += [
            row.target
            for row in minor.transitions
            if row.source == state
            and row.target not in reached
            and not (row.event == "HomeAssessed" and row.when is not None and row.when.values == {"SAFE"})
        ]

    assert reached.isdisjoint({"SAFE", "PLANNED", "HANDED_OVER", "CLOSED"})


def test_a_minor_is_never_told_in_the_clear() -> None:
    """No clear field of a case says that the person is a minor, how old, or who the guardians are."""
    words = {"minor", "child", "age", "guardian", "guardians", "birth", "juvenile"}
    events = {event for case in CASES.values() if case.id != "MINOR_RETURN" for event in case.events}
    fields = {
        word
        for event in events
        for field in load_registry().by_name(body_schema(event)).schema["fields"]
        for word in field["name"].split("_")
    }

    assert fields & words == set()
