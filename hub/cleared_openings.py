"""Openings without an open task, compared a second time: by who approved what, not by the state of the clearance.

Part of the audit of need-to-know (`hub.disclosure`): it reads the events that ask and approve, those of requests of
persons, and the orders that seal, and calls neither `hub.clearance` nor the rows of the procedures. What it keeps grows
with what was asked and not read, and with requests that are not closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from contracts.event import Header
from contracts.ids import OfficeId
from contracts.opening import load_opening_rules
from hub.content import ContentEffect
from hub.sealed import SealedStreams

_APPROVERS: Final = 2
"""DOMAIN 7.2, 8.1."""
_RIGHTS: Final = "RIGHTS_REQUEST"
_GIVEN: Final = frozenset({"COPY", "TRANSFER"})
"""DOMAIN 7.1: what an office has to read in order to give it."""


class _Asked(NamedTuple):
    named: tuple[str, bytes, bytes]
    approved: set[OfficeId]


@dataclass(slots=True)
class _Request:
    """A person's request: about which record, which offices have still to answer, and whether a copy was granted."""

    target: bytes
    asked: set[OfficeId]
    is_granted: bool = False


def needs_clearance(body: Mapping[str, Any]) -> bool:
    """Whether an opening was made without an open task, by the reason that its record tells."""
    return body["reason"] in load_opening_rules().clearances


class ClearedOpenings:
    """What was asked, approved and sealed so far. Mutable; fed with every event in ledger order."""

    def __init__(self) -> None:
        self._asked: dict[bytes, _Asked] = {}
        self._requests: dict[bytes, _Request] = {}
        self._sealed = SealedStreams()

    def follow(self, header: Header, body: Mapping[str, Any], effect: ContentEffect | None) -> None:
        """Take the next event.

        Args:
            header: The event.
            body: Its decoded body.
            effect: What it does to content.
        """
        if effect is not None:
            self._sealed = self._sealed.after(effect)
        match header.event_type:
            case "OpeningAsked":
                named = (header.producer_office, body["opened_event"], body["ciphertext_hash"])
                self._asked[header.stream_id] = _Asked(named, set())
            case "OpeningApproved":
                self._asked[header.stream_id].approved.add(header.producer_office)
            case "OpeningDeclined" | "OpeningExpired":
                self._asked.pop(header.stream_id, None)
            case "RightsRequestRouted":
                self._requests[header.stream_id] = _Request(body["target"], set(body["holders"]))
            case "RightsDecided" if header.stream_id in self._requests:
                self._requests[header.stream_id].is_granted = body["effect"] in _GIVEN
            case "RightsExecuted":
                self._requests[header.stream_id].asked.discard(header.producer_office)
            case "RightsRequestClosed" | "RightsRequestWithdrawn":
                self._requests.pop(header.stream_id, None)

    def why_not(self, header: Header, body: Mapping[str, Any], stream_id: bytes) -> str | None:
        """Why an opening should not have been given, as far as clearances and seals say; None if it should.

        Args:
            header: Of the `AccessRecorded`.
            body: Its decoded body.
            stream_id: The stream of the event whose payload was opened.
        """
        rule = load_opening_rules().clearances.get(body["reason"])
        if self._sealed.hides(stream_id) and (rule is None or not rule.is_sealed):
            return "opened a sealed record without a query"
        if rule is None:
            return None
        if body["reason"] == _RIGHTS:
            request = self._requests.get(header.stream_id)
            if request is None or not request.is_granted or body["office"] not in request.asked:
                return "opened for a request that does not ask it for a copy"
            return None if request.target == stream_id else "opened for a request about another record"
        asked = self._asked.pop(header.stream_id, None)
        if asked is None or asked.named != (body["office"], body["opened_event"], body["ciphertext_hash"]):
            return "opened without a task what it had not asked for"
        if len(asked.approved - {body["office"]}) < _APPROVERS:
            return "opened without a task what two other offices had not approved"
        return None if self._sealed.hides(stream_id) == rule.is_sealed else "queried a record that is not sealed"
