"""What clears an opening without a task: a matter of this office, for this payload, approved by two, in its time."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import AccessError, RuleError
from contracts.event import Header
from contracts.guard import load_guards
from contracts.guard_check import Case, check
from contracts.instant import HOUR_MS
from contracts.opening import load_opening_rules
from contracts.procedure import load_procedures
from hub.awaited import listed
from hub.clearance import check_clearance
from hub.matter import Matter
from hub.openings import OpenRequest
from tests.unit.procedures.clearance_rows import CLEARANCE_PATHS, EMERGENCY, QUERY
from tests.unit.procedures.order_rows import ORDER_PATHS
from tests.unit.procedures.rows import at
from tests.unit.procedures.scene import ID, LIST, Step, noon

REASONS = {rule.procedure: reason for reason, rule in load_opening_rules().clearances.items()}
STATES = [(procedure, state) for procedure in (EMERGENCY, QUERY) for state in CLEARANCE_PATHS[procedure] if state]
DAY = "2026-03-02"


def clearance(procedure: str, path: tuple[Step, ...]) -> Matter:
    matter = at(procedure, path).matter
    assert matter is not None
    return matter


def request(procedure: str, matter: Matter, **changes: Any) -> OpenRequest:
    right = OpenRequest(
        request_id=ID,
        event_id=ID,
        ciphertext_hash=LIST,
        office=matter.parties[0].office,
        officer=ID,
        role="REGISTRAR",
        purpose=load_procedures()[procedure, 1].purpose,
        reason=REASONS[procedure],
        reason_commitment=LIST,
        approval=LIST,
        created_ms=noon(DAY) + HOUR_MS,
        producer="44-node",
        key_id=bytes(8),
        signature=bytes(64),
        clearance=matter.stream_id,
    )
    return replace(right, **changes)


def judged(asked: OpenRequest, matter: Matter | None) -> str:
    """The code with which a request is refused; empty if it is cleared."""
    rule = asked.rule
    assert rule is not None
    try:
        check_clearance(asked, rule, matter, load_procedures())
    except AccessError as error:
        return error.code
    return ""


@pytest.mark.parametrize(("procedure", "state"), STATES)
def test_only_what_two_have_approved_and_nobody_has_read_clears(procedure: str, state: str) -> None:
    matter = clearance(procedure, CLEARANCE_PATHS[procedure][state])
    waiting = {"ASKED": "CLEARANCE_NOT_APPROVED", "APPROVED_BY_ONE": "CLEARANCE_NOT_APPROVED", "APPROVED": ""}

    assert judged(request(procedure, matter), matter) == waiting.get(state, "CLEARANCE_OVER")


@pytest.mark.parametrize(("procedure", "hours"), [(EMERGENCY, 24), (QUERY, 7 * 24 + 12)])
def test_it_clears_until_its_time_is_over_and_not_an_instant_longer(procedure: str, hours: int) -> None:
    matter = clearance(procedure, CLEARANCE_PATHS[procedure]["APPROVED"])
    end_ms = noon(DAY) + hours * HOUR_MS

    assert judged(request(procedure, matter, created_ms=end_ms - 1), matter) == ""
    assert judged(request(procedure, matter, created_ms=end_ms), matter) == "CLEARANCE_OVER"


@given(
    st.sampled_from(["office", "event_id", "ciphertext_hash", "reason"]),
    st.sampled_from([EMERGENCY, QUERY]),
    st.binary(min_size=1, max_size=8),
)
def test_what_differs_from_what_was_asked_is_not_cleared(name: str, procedure: str, noise: bytes) -> None:
    matter = clearance(procedure, CLEARANCE_PATHS[procedure]["APPROVED"])
    right = request(procedure, matter)
    old = getattr(right, name)
    other = old + (noise if isinstance(old, bytes) else noise.hex())
    if name == "reason":
        other = next(reason for reason in REASONS.values() if reason != old)

    assert judged(right, matter) == ""
    assert judged(replace(right, **{name: other}), matter) == "CLEARANCE_UNKNOWN"
    assert judged(replace(right, **{name: other}), None) == "CLEARANCE_UNKNOWN"
    assert {field.name for field in fields(right)} >= {name}


def test_it_is_for_its_own_purpose() -> None:
    matter = clearance(EMERGENCY, CLEARANCE_PATHS[EMERGENCY]["APPROVED"])

    assert judged(request(EMERGENCY, matter, purpose="RESIDENCE_NOTICE"), matter) == "OPEN_FORBIDDEN"


def test_who_took_over_from_an_office_that_was_asked_does_not_approve_for_it() -> None:
    """Two offices that became one would be one approver."""
    scene = at(EMERGENCY, CLEARANCE_PATHS[EMERGENCY]["ASKED"])
    assert scene.matter is not None
    facts, guard = dict(scene.matter.facts), load_guards()["approver_itself"]
    listed = str(facts["approvers"]).split(",")

    def case(actor: str) -> Case:
        header: Header = scene.header("OpeningApproved", actor)
        empty: Any = None
        return Case(header, {"official": ID}, facts, {}, has_counterpart=False, divisions=empty, limits=empty)

    check(guard, case("COUNTY_PSB@away"))
    assert case("COUNTY_PSB@away").header.producer_office in listed
    with pytest.raises(RuleError) as refused:
        check(guard, case("TOWN_OFFICE@away"))
    assert (refused.value.rule, refused.value.field) == ("approver_itself", "producer_office")


def request_of_rights(path: str, **changes: Any) -> str:
    """The code for a holder that opens under a person's request in some place; empty if it is cleared."""
    matter = clearance("RIGHTS_REQUEST", ORDER_PATHS["RIGHTS_REQUEST"][path])
    asked = {"office": next(iter(listed(dict(matter.facts), "awaiting")), "o00000001")} | changes
    return judged(request("RIGHTS_REQUEST", matter, **asked), matter)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("SUBMITTED", "CLEARANCE_UNKNOWN"),
        ("ROUTED", "CLEARANCE_NOT_APPROVED"),
        ("refused", "CLEARANCE_NOT_APPROVED"),
        ("decided_to_correct", "CLEARANCE_NOT_APPROVED"),
        ("DECIDED", ""),
        ("EXECUTED", "CLEARANCE_UNKNOWN"),
    ],
)
def test_a_request_clears_the_holders_that_it_asks_for_a_copy(path: str, code: str) -> None:
    assert request_of_rights(path) == code


def test_a_request_clears_nobody_else_and_for_nothing_else() -> None:
    assert request_of_rights("DECIDED", office="o00000099") == "CLEARANCE_UNKNOWN"
    assert request_of_rights("DECIDED", purpose="RESIDENCE_NOTICE") == "OPEN_FORBIDDEN"
