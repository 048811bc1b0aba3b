"""The conformance scenarios are what the procedures say, cover every row, and the engine answers each of them right."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from contracts.codes import CODES
from contracts.errors import ExchangeError
from contracts.guard import load_guards
from contracts.opening import load_opening_rules
from contracts.procedure import Procedure, load_procedures
from docs.conformance import FOLDER, render
from hub.admission import Admitted
from hub.conformance_stage import Act, Stage
from hub.matter import Matter
from tests.support.conformance import Line, files, load

PROCEDURES = [procedure for procedure in load_procedures().values() if procedure.kind not in {"hub", "rights"}]
"""Those whose every row can be played alone. The hub makes its own events; an order or request about a record needs
that record and its holders beside it, which no scenario has: those files hold refusals only."""
CLEARANCES = [
    procedure
    for procedure in load_procedures().values()
    if procedure.id in {rule.procedure for rule in load_opening_rules().clearances.values() if not rule.offices}
]
ELSEWHERE_JUDGED = {"counterpart_receives", "content"}
"""Kinds of guard that no clear event can break: the region's own setting, and what only the sealing gateway reads."""
NAMES = [procedure.id for procedure in PROCEDURES]


def lines(procedure: Procedure) -> list[Line]:
    return load(f"{procedure.id.lower()}_{procedure.edition}.jsonl")


def kinds(procedure: Procedure) -> Mapping[str, list[list[str]]]:
    """Ids by kind, taken apart."""
    found: dict[str, list[list[str]]] = {}
    for line in lines(procedure):
        _, _, kind, *rest = line.id.split("/")
        found.setdefault(kind, []).append(rest)
    return found


def test_the_files_are_what_the_procedures_say() -> None:
    """Who changes a procedure says `make docs`."""
    found = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.jsonl")}

    stale = [name for name, text in render().items() if found.get(name) != text]
    assert stale == [], "run `make docs`"
    assert found.keys() == render().keys()


def test_there_are_many_scenarios_with_ids_of_their_own() -> None:
    ids = [line.id for name in files() for line in load(name)]

    assert len(ids) >= 300
    assert [name for name, times in Counter(ids).items() if times > 1] == []


@pytest.mark.parametrize("procedure", PROCEDURES, ids=NAMES)
def test_every_row_is_accepted_from_every_state_by_every_office(procedure: Procedure) -> None:
    taken = {(state, event, rest[0]) for state, event, *rest in kinds(procedure)["accept"]}
    rows = {
        (row.source or "START", row.event, office)
        for row in procedure.transitions
        for office in sorted(row.by.offices) or ["HUB"]
    }

    assert sorted(rows - taken) == []


@pytest.mark.parametrize("procedure", PROCEDURES, ids=NAMES)
def test_every_forbidden_event_is_refused_in_every_state(procedure: Procedure) -> None:
    refused = {(state, event) for state, event in kinds(procedure).get("event", [])}
    states = ["START", *procedure.states]
    wanted = {
        (state, event)
        for state in states
        for event in procedure.events
        if (event, None if state == "START" else state) not in procedure.rows
    }
    never_real = {state for state in procedure.states if state.startswith("RESTRICTED")}

    assert sorted((state, event) for state, event in wanted - refused if state not in never_real) == []


@pytest.mark.parametrize("procedure", PROCEDURES, ids=NAMES)
def test_every_guard_of_an_office_is_broken_once(procedure: Procedure) -> None:
    """What time makes is right by its construction: nobody can make it otherwise."""
    broken = {(row, guard) for *_, row, guard in kinds(procedure).get("guard", [])}
    wanted = {
        (f"row-{row.row}", guard)
        for row in procedure.transitions
        if row.by.side is not None
        for guard in row.guards
        if load_guards()[guard].kind not in ELSEWHERE_JUDGED
    }

    assert sorted(wanted - broken) == []


@pytest.mark.parametrize("procedure", PROCEDURES, ids=NAMES)
def test_every_kind_of_wrong_is_tried(procedure: Procedure) -> None:
    assert {"accept", "event", "actor", "side", "position", "purpose", "repeat"} <= kinds(procedure).keys()


@pytest.mark.parametrize("procedure", CLEARANCES, ids=[procedure.id for procedure in CLEARANCES])
def test_a_clearance_is_played_until_it_may_be_read(procedure: Procedure) -> None:
    """Asked by every office that may, approved by the two that are named, declined, expired; and every wrong before."""
    found = kinds(procedure)
    asking = {row.event: row.by.offices for row in procedure.transitions if row.source is None}
    asked = {office for state, event, office, *_ in found["accept"] if (state, event) == ("START", "OpeningAsked")}
    accepted = {(state, event) for state, event, *_ in found["accept"]}
    broken = {(event, guard) for _, event, _, guard in found["guard"]}

    assert asked == asking["OpeningAsked"]
    assert accepted >= {
        (state, event)
        for state in ("ASKED", "APPROVED_BY_ONE")
        for event in ("OpeningApproved", "OpeningDeclined", "OpeningExpired")
    }
    assert ("APPROVED", "OpeningExpired") in accepted
    assert broken >= {("OpeningAsked", "two_other_offices"), ("OpeningApproved", "named_official")}
    assert {"actor", "side", "position", "purpose", "sealed", "early", "hub", "repeat"} <= found.keys()


def answer(stage: Stage, act: Act, matter: Matter | None) -> Admitted | ExchangeError:
    try:
        return stage.admit(act, matter)
    except ExchangeError as error:
        return error


def said(stage: Stage, found: Admitted | ExchangeError) -> Mapping[str, Any]:
    """An answer in the words of a file."""
    if isinstance(found, ExchangeError):
        rows = (("refused", found.code), ("rule", found.rule), ("field", found.field))
        return {name: value for name, value in rows if value is not None}
    duties = sorted((duty.rule, duty.side, duty.office_type) for duty in found.matter.duties)
    told = [(stage.place(one.office), one.profile) for one in found.recipients]
    return {
        "state": found.matter.state,
        "duties": [{"rule": rule, "side": side, "office": office} for rule, side, office in duties],
        "told": [{"side": place.at, "office": place.office, "profile": profile} for place, profile in told],
    }


@pytest.mark.parametrize("name", files())
def test_the_engine_answers_every_scenario_right(name: str) -> None:
    matters: dict[str, Matter] = {}
    wrong = []
    for line in load(name):
        stage = Stage(line.procedure)
        matter = None if line.given is None else matters.get(line.given)
        if line.given is not None and matter is None:
            for act in line.before:
                matter = stage.admit(act, matter).matter
            assert matter is not None
            matters[line.given] = matter
        if line.act is None:
            # A repeat is known by its id before anything else is asked; the engine alone sees an old position.
            again = answer(stage, line.before[-1]._replace(position="stale"), matter)
            found = {"repeated": isinstance(again, ExchangeError) and again.code == "POSITION_CONFLICT"}
        else:
            found = dict(said(stage, answer(stage, line.act, matter)))
        if found != line.then:
            wrong.append((line.id, found))
    assert wrong == []


def test_every_refusal_has_a_code_of_ours() -> None:
    codes = {line.then["refused"] for name in files() for line in load(name) if "refused" in line.then}

    assert codes <= CODES.keys()
    assert len(codes) >= 8
