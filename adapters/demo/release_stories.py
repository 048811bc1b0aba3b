"""How handovers to resettlement assistance go: assistance, not supervision; nobody is searched for."""

from functools import partial
from typing import Any, Final

from adapters.demo.story import Days, Step, Story, timer

_COUNTY: Final = "COUNTY_RESETTLEMENT"
_STATUS: Final = ("NP-RLS-STATUS",)
_THREE: Final = ("NP-RLS-COUNTY", "NP-RLS-LOCAL", "NP-RLS-REG")
_ASSESSED: Final = ("NP-RLS-ASSESS", "NP-RLS-ASSESS-LOCAL")

# The prison stands where people live now, the home county where they are registered.
_story = partial(Story, procedure="RESETTLEMENT_HANDOVER", here="SENDING", there="RECEIVING")


def _notified(by: str, ground: str, payloads: tuple[str, ...], also_told: str = "NOBODY") -> Step:
    body = {"notice_id": "@id", "ground": ground, "home_from_record": True, "also_told": also_told}
    return Step("ReleaseNotified", "SENDING", by, body=body, payloads=payloads, names=("RECEIVING", _COUNTY))


def _assessed(by: str, ground: str = "RELEASE") -> Step:
    payloads = (*_ASSESSED, "NP-RLS-ASSESS-REG") if ground == "RELEASE" else _ASSESSED
    return Step("AssessmentDelivered", "SENDING", by, (1, 4), {"ground": ground, "shown_to_person": True}, payloads)


def _released(by: str, after: Days, way: str, ground: str = "RELEASE") -> Step:
    says = {"state": "RELEASED", "way_of_return": way}
    return Step("Released", "SENDING", by, after, {"ground": ground, "released_on": "@day"}, _STATUS, says=says)


def _home(event: str, after: Days, state: str = "", way: str = "NOT_AGREED", **body: Any) -> Step:
    says = {"state": state, "way_of_return": way}
    return Step(event, "RECEIVING", _COUNTY, after, body, _STATUS if state else (), says=says)


_CONFIRMED: Final = _home("HomeConfirmed", (3, 10), "CONFIRMED", checked_together=True)


def _agreed(way: str) -> Step:
    return _home("ReturnAgreed", (2, 6), "READY", way, sending_agrees=True, person_agrees=True)


def _arrived(way: str) -> Step:
    return _home("Arrived", (1, 3), "ARRIVED", way, arrived_on="@day")


def _until_released(by: str, way: str, *, also_told: str = "NOBODY", more: tuple[str, ...] = ()) -> tuple[Step, ...]:
    return (
        _notified(by, "RELEASE", (*_THREE, *more), also_told),
        _CONFIRMED,
        _assessed(by),
        _agreed(way),
        _released(by, (8, 14), way),
    )


_OPENED: Final = _home("AssistanceOpened", (1, 4), person_agrees=True)
_FETCHED: Final = (*_until_released("PRISON", "FAMILY_FETCHES"), _arrived("FAMILY_FETCHES"))
_YOUTH: Final = (
    *_until_released("JUVENILE_PRISON", "OFFICE_FETCHES", also_told="CIVIL_AFFAIRS", more=("NP-RLS-MINOR",)),
    _arrived("OFFICE_FETCHES"),
    _OPENED,
)
_AFTER_CORRECTION: Final = (
    _notified("COUNTY_CORRECTION", "END_OF_CORRECTION", ("NP-RLS-LOCAL",)),
    _CONFIRMED,
    _assessed("COUNTY_CORRECTION", "END_OF_CORRECTION"),
    _agreed("SELF"),
    _released("COUNTY_CORRECTION", (8, 14), "SELF", "END_OF_CORRECTION"),
    _arrived("SELF"),
    _OPENED,
)
_REFERRED_ON: Final = (
    _notified(_COUNTY, "REFERRAL", ("NP-RLS-LOCAL",)),
    _CONFIRMED,
    _agreed("SELF"),
    _released(_COUNTY, (4, 8), "SELF", "REFERRAL"),
    _arrived("SELF"),
    _OPENED,
)

RELEASES: Final = (
    _story(name="assisted", weight=34, began=(46, 60), steps=(*_FETCHED, _OPENED)),
    _story(
        name="assistance ended",
        weight=8,
        began=(70, 85),
        steps=(*_FETCHED, _OPENED, _home("AssistanceEnded", (14, 20))),
    ),
    _story(
        name="assistance referred",
        weight=6,
        began=(70, 85),
        steps=(*_FETCHED, _OPENED, _home("AssistanceReferred", (14, 20), person_asks=True)),
    ),
    _story(name="helped on after a referral", weight=6, began=(40, 60), steps=_REFERRED_ON),
    _story(
        name="assistance declined", weight=8, began=(46, 60), steps=(*_FETCHED, _home("AssistanceDeclined", (1, 4)))
    ),
    _story(name="after community correction", weight=12, began=(46, 60), steps=_AFTER_CORRECTION),
    _story(
        name="a minor, fetched, the record sealed",
        weight=6,
        began=(46, 60),
        steps=_YOUTH,
        person="YOUTH",
        is_sealed=True,
    ),
    _story(
        name="lives elsewhere",
        weight=6,
        began=(14, 60),
        steps=(
            _notified("PRISON", "RELEASE", _THREE),
            _home("HomeReferred", (3, 10), "REFERRED", checked_together=True, division="@division_elsewhere"),
        ),
    ),
    _story(
        name="not known at home",
        weight=4,
        began=(14, 60),
        steps=(
            _notified("DETENTION_CENTRE", "RELEASE", _THREE),
            _home("HomeNotKnown", (3, 10), "UNKNOWN", checked_together=True),
        ),
    ),
    _story(
        name="no contact after the release",
        weight=4,
        began=(74, 90),
        steps=(*_until_released("PRISON", "SELF"), timer("ArrivalNotKnown")),
    ),
    _story(name="confirmation overdue", weight=4, began=(20, 60), steps=(_notified("PRISON", "RELEASE", _THREE),)),
)
"""Releases and ends of correction, handed to the home county."""
