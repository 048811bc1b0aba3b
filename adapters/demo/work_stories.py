"""How work permits of foreigners go."""

from functools import partial
from typing import Any, Final

from adapters.demo.story import Days, Step, Story, timer

_AUTHORITY: Final = "WORK_PERMIT_AUTHORITY"
_WINDOW: Final = "SERVICE_WINDOW"

_story = partial(Story, procedure="WORK_PERMIT", there="NEW_REGION", person="FOREIGNER")


def _by(event: str, office: str, after: Days, **body: Any) -> Step:
    return Step(event, "DESTINATION", office, after, body)


def _submitted(office: str, category: str = "B") -> Step:
    body = {"division": "@division", "notice_id": "@id", "category": category, "employer_code_valid": True}
    return Step("WorkPermitSubmitted", "DESTINATION", office, body=body)


def _issued(after: Days, expires_on: str, *, is_here: bool = True) -> Step:
    return _by("WorkPermitIssued", _AUTHORITY, after, expires_on=expires_on, lawfully_here=is_here or None)


_PRECHECKED: Final = _by("WorkPermitPrechecked", _AUTHORITY, (0.5, 3))
_ACCEPTED: Final = _by("WorkPermitAccepted", _AUTHORITY, (0.5, 2), stay="ABOVE_90_DAYS")
_SHORT: Final = _by("WorkPermitAccepted", _AUTHORITY, (0.5, 2), stay="UP_TO_90_DAYS")
_NOTICE: Final = _by("WorkPermitNoticeIssued", _AUTHORITY, (2, 4), applicant_abroad=True)
_ENTERED: Final = _by("WorkPermitEntryReported", _WINDOW, (6, 12), entered_on="@day-2", work_visa=True)
_START: Final = (_submitted(_WINDOW), _PRECHECKED, _ACCEPTED)
_ACTIVE: Final = (*_START, _issued((3, 12), "@day+360"))
_EXTENSION_APPLIED: Final = _by("WorkPermitExtensionApplied", _WINDOW, (5, 12))
_CANCEL_REQUESTED: Final = _by("WorkPermitCancelRequested", _WINDOW, (8, 15), contract_ended_on="@day-3")


def _refused(event: str, reason: str) -> Step:
    return _by(event, _AUTHORITY, (4, 10), reason=reason, official="@official", review_told=True)


WORK_PERMITS: Final = (
    _story(name="issued to somebody here", weight=30, began=(28, 60), steps=_ACTIVE),
    _story(
        name="issued after the entry",
        weight=24,
        began=(42, 70),
        steps=(*_START, _NOTICE, _ENTERED, _issued((3, 10), "@day+700", is_here=False)),
    ),
    _story(
        name="short work",
        weight=8,
        began=(30, 60),
        steps=(_submitted(_AUTHORITY, "C"), _PRECHECKED, _SHORT, _NOTICE, _ENTERED),
    ),
    _story(
        name="returned, papers missing",
        weight=6,
        began=(8, 60),
        steps=(
            _submitted(_WINDOW, "C"),
            _by("WorkPermitReturned", _AUTHORITY, (1, 4), missing=["QUALIFICATION", "CONTRACT"]),
        ),
    ),
    _story(
        name="refused", weight=5, began=(22, 60), steps=(*_START, _refused("WorkPermitRefused", "CONDITION_NOT_MET"))
    ),
    _story(
        name="extended",
        weight=5,
        began=(60, 80),
        steps=(
            *_START,
            _issued((3, 10), "@day+90"),
            _EXTENSION_APPLIED,
            _by("WorkPermitExtended", _AUTHORITY, (3, 12), expires_on="@fact.expires_on+1y"),
        ),
    ),
    _story(
        name="extension refused",
        weight=3,
        began=(60, 80),
        steps=(
            *_START,
            _issued((3, 10), "@day+90"),
            _EXTENSION_APPLIED,
            _refused("WorkPermitExtensionRefused", "EMPLOYER_NOT_ENTITLED"),
        ),
    ),
    _story(
        name="details changed",
        weight=4,
        began=(40, 60),
        steps=(*_ACTIVE, _by("WorkPermitChanged", _WINDOW, (5, 12), detail="POST", changed_on="@day-4")),
    ),
    _story(
        name="works in another region now",
        weight=6,
        began=(40, 60),
        steps=(
            *_ACTIVE,
            Step(
                "WorkPermitRegionChanged",
                "DESTINATION",
                _AUTHORITY,
                (5, 12),
                {"change": "NEW_EMPLOYER"},
                ("NP-WP-REGION",),
                ("NEW_REGION", _AUTHORITY),
            ),
        ),
    ),
    _story(
        name="cancelled at the end of the contract",
        weight=4,
        began=(46, 60),
        steps=(*_ACTIVE, _CANCEL_REQUESTED, _by("WorkPermitCancelled", _AUTHORITY, (1, 3))),
    ),
    _story(
        name="revoked after a hearing",
        weight=2,
        began=(50, 60),
        steps=(
            *_ACTIVE,
            _by(
                "WorkPermitRevoked",
                _AUTHORITY,
                (8, 15),
                reason="OBTAINED_BY_FRAUD",
                official="@official",
                hearing_told=True,
            ),
        ),
    ),
    _story(
        name="ended with its last day",
        weight=3,
        began=(50, 70),
        steps=(*_START, _issued((3, 8), "@day+30"), timer("WorkPermitExpired")),
    ),
    _story(name="not decided in time", weight=2, began=(42, 60), steps=_START),
)
"""Work permits; only a change of region leaves the region."""
