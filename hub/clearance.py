"""Openings without an open task: whether a matter clears one request (DOMAIN 7.2, 7.5, 8.1; ADR 0054).

A clearance is a matter in which an office asked for one reading of one payload and two other offices approved it: an
emergency, or a query of a sealed record. It clears one opening, by the office that asked, of the payload that it named,
while its time runs. A person's request that was granted clears too: for each office that has to give a copy, what it
holds of the one record, until it has confirmed (ADR 0066). Which procedure stands for which reason is data
(`contracts/rules/openings.toml`); what clears is a state from which the procedure lets `AccessRecorded` follow. Asked
by gateway, hub and auditor, answered alike.

Nothing here looks at what is opened: each refusal says only what the office's own matter says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from contracts.errors import AccessError
from contracts.ids import StreamId
from contracts.opening import ClearanceRule
from contracts.procedure_types import Procedure
from hub.awaited import awaited, listed
from hub.duty import due_in
from hub.matter import Matter

if TYPE_CHECKING:
    from hub.openings import OpenRequest

ACCESS_RECORDED: Final = "AccessRecorded"
"""The event that records an opening; of one with a clearance it is an event of that matter."""


def check_clearance(
    request: OpenRequest, rule: ClearanceRule, clearance: Matter | None, procedures: Mapping[tuple[str, int], Procedure]
) -> None:
    """Check that a matter clears a request.

    Args:
        request: Its form, signature and office were checked.
        rule: What its reason asks for.
        clearance: The matter that it names, as it stands before the opening; None if there is none.
        procedures: By (id, edition).

    Raises:
        AccessError: CLEARANCE_UNKNOWN: no such matter of this office names this payload; CLEARANCE_NOT_APPROVED;
            CLEARANCE_OVER: it was read, declined or has expired; OPEN_FORBIDDEN: another purpose.
    """
    if clearance is None or clearance.procedure != rule.procedure or not _is_for(request, rule, clearance):
        raise AccessError("CLEARANCE_UNKNOWN", "this office has no such clearance for this payload", field="clearance")
    procedure = procedures[clearance.procedure, clearance.edition]
    if request.purpose != procedure.purpose:
        raise AccessError("OPEN_FORBIDDEN", f"this opening is for {procedure.purpose}", field="purpose")
    if procedure.states[clearance.state].is_final or _has_ended(procedure, clearance, request.created_ms):
        raise AccessError(
            "CLEARANCE_OVER", f"the clearance is {clearance.state} or its time is over", field="clearance"
        )
    if (ACCESS_RECORDED, clearance.state) not in procedure.rows:
        if rule.offices:
            raise AccessError("CLEARANCE_NOT_APPROVED", "the request is not granted", field="clearance")
        offices = ", ".join(awaited(clearance, procedure))
        if not offices:
            raise AccessError("CLEARANCE_OVER", "the one reading was made", field="clearance")
        raise AccessError("CLEARANCE_NOT_APPROVED", f"it waits for the approval of {offices}", field="clearance")
    if rule.only is not None and dict(clearance.facts).get(rule.only[0]) not in rule.only[1]:
        raise AccessError("CLEARANCE_NOT_APPROVED", "nothing that has to be read was granted", field="clearance")


def check_record(rule: ClearanceRule, clearance: Matter | None, stream_id: StreamId) -> None:
    """Check that a clearance of a whole record is of this one; asked of who may know the event only.

    Raises:
        AccessError: CLEARANCE_UNKNOWN.
    """
    if rule.record and (clearance is None or dict(clearance.facts).get(rule.record) != stream_id):
        raise AccessError("CLEARANCE_UNKNOWN", "this clearance is of another record", field="clearance")


def _is_for(request: OpenRequest, rule: ClearanceRule, clearance: Matter) -> bool:
    """Whether the office is one that it clears; the one that started a matter is its first party."""
    facts = dict(clearance.facts)
    if rule.offices:
        return request.office in listed(facts, rule.offices)
    named = (facts.get("opened_event"), facts.get("ciphertext_hash"))
    return clearance.parties[0].office == request.office and named == (request.event_id, request.ciphertext_hash)


def _has_ended(procedure: Procedure, clearance: Matter, at_ms: int) -> bool:
    """Whether time has taken the matter on, also where the hub has not recorded it yet."""
    awaited_rules = procedure.awaited(clearance.state)
    return any(
        duty.rule in awaited_rules and due_in(procedure, clearance, duty).due_ms <= at_ms for duty in clearance.duties
    )
