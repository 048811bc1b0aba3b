"""How applications for settlement under a points scheme go: no points are carried, only progress and single facts."""

from functools import partial
from typing import Any, Final

from adapters.demo.story import Days, Step, Story

_OFFICE: Final = "POINTS_OFFICE"
_PSB: Final = "COUNTY_PSB_HOUSEHOLD"

_story = partial(Story, procedure="POINTS_SETTLEMENT", there="ASKED")


def _by(event: str, after: Days, **body: Any) -> Step:
    return Step(event, "DESTINATION", _OFFICE, after, body)


def _asked(fact: str, office: str) -> Step:
    body = {"fact": fact, "consent_on": "@day", "consent_form": "IN_WRITING"}
    return Step(
        "FactCheckRequested",
        "DESTINATION",
        _OFFICE,
        (1, 4),
        body,
        ("NP-FACT",),
        ("ASKED", office),
        {"question": {"fact": fact, "about": "演示期间"}},
    )


def _answered(fact: str, office: str, answer: str, figure: int | None = None) -> Step:
    says = {"question": {"fact": fact, "about": "演示期间"}, "answer": {"result": answer, "figure": figure}}
    return Step("FactCheckAnswered", "ASKED", office, (1, 4), {"fact": fact, "answer": answer}, ("NP-FACT",), says=says)


def _outcome(outcome: str, reason: str, after: Days = (2, 6)) -> Step:
    return _by("SettlementOutcomeRecorded", after, outcome=outcome, reasons=[reason], explanation_offered=True)


_APPLIED: Final = Step(
    "SettlementApplied",
    "DESTINATION",
    _OFFICE,
    body={"division": "@division", "notice_id": "@id", "permit_active": True},
)
_RECORD: Final = ("HOUSEHOLD_RECORD", _PSB)
_MONTHS: Final = ("SOCIAL_INSURANCE_MONTHS", _OFFICE)
_DIPLOMA: Final = ("QUALIFICATION_GENUINE", _OFFICE)
_STARTED: Final = _by("SettlementMoveStarted", (2, 6))

SETTLEMENTS: Final = (
    _story(
        name="eligible, the move begun",
        weight=40,
        began=(36, 60),
        steps=(
            _APPLIED,
            _asked(*_RECORD),
            _answered(*_RECORD, "CONFIRMED"),
            _asked(*_MONTHS),
            _answered(*_MONTHS, "CONFIRMED", 61),
            _outcome("ELIGIBLE", "CONDITIONS_MET"),
            _STARTED,
        ),
    ),
    _story(
        name="not eligible, a fact not confirmed",
        weight=16,
        began=(22, 60),
        steps=(
            _APPLIED,
            _asked(*_DIPLOMA),
            _answered(*_DIPLOMA, "NOT_CONFIRMED"),
            _outcome("NOT_ELIGIBLE", "FACT_NOT_CONFIRMED"),
        ),
    ),
    _story(
        name="waiting, then eligible",
        weight=14,
        began=(40, 60),
        steps=(
            _APPLIED,
            _outcome("WAITING", "NO_PLACE_YET"),
            _outcome("ELIGIBLE", "CONDITIONS_MET", (12, 20)),
            _STARTED,
        ),
    ),
    _story(name="waiting", weight=8, began=(12, 60), steps=(_APPLIED, _outcome("WAITING", "NO_PLACE_YET"))),
    _story(name="withdrawn", weight=6, began=(10, 60), steps=(_APPLIED, _by("SettlementWithdrawn", (2, 6), fact=None))),
    _story(
        name="withdrawn while a fact was checked",
        weight=4,
        began=(16, 60),
        steps=(_APPLIED, _asked(*_RECORD), _by("SettlementWithdrawn", (1, 3), fact="HOUSEHOLD_RECORD")),
    ),
    _story(
        name="no record found",
        weight=4,
        began=(16, 60),
        steps=(_APPLIED, _asked(*_RECORD), _answered(*_RECORD, "NO_RECORD")),
    ),
    _story(name="answer overdue", weight=4, began=(20, 60), steps=(_APPLIED, _asked(*_MONTHS))),
)
"""Applications for settlement."""
