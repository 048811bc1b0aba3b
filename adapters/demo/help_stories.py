"""How rehabilitations are handed over and how children are brought home: help that goes on, and a home that is safe."""

from functools import partial
from typing import Any, Final

from adapters.demo.story import Days, Step, Story

_TOWN: Final = "TOWN_OFFICE"
_rehab = partial(Story, procedure="REHAB_HANDOVER", here="SENDING", there="RECEIVING", is_both_ways=True)


def _town(event: str, side: str, after: Days, *payloads: str, **body: Any) -> Step:
    return Step(event, side, _TOWN, after, body, payloads)


_PLACE_CHANGED: Final = Step(
    "PlaceChanged",
    "SENDING",
    _TOWN,
    body={"notice_id": "@id", "changed_on": "@day", "may_be_handed_over": True},
    names=("RECEIVING", _TOWN),
)
_SENT: Final = _town("MaterialsSent", "SENDING", (1, 4), "NP-DRG", materials="@hash_list")
_HELD: Final = _town("MaterialsAcknowledged", "RECEIVING", (1, 2), materials="@fact.materials")
_SIGNED: Final = _town("AgreementSigned", "RECEIVING", (1, 4), person_signed=True)
_NOT_REPORTED: Final = _town("NotReported", "RECEIVING", (20, 24), "NP-DRG")


def _reported(after: Days) -> Step:
    return _town("ReportedIn", "RECEIVING", after, "NP-DRG", identity_checked=True)


REHABILITATIONS: Final = (
    _rehab(name="received", weight=5, began=(20, 60), steps=(_PLACE_CHANGED, _SENT, _HELD, _reported((1, 4)), _SIGNED)),
    _rehab(
        name="came late",
        weight=1,
        began=(44, 60),
        steps=(_PLACE_CHANGED, _SENT, _HELD, _NOT_REPORTED, _reported((2, 5)), _SIGNED),
    ),
    _rehab(name="did not report", weight=1, began=(34, 60), steps=(_PLACE_CHANGED, _SENT, _HELD, _NOT_REPORTED)),
    _rehab(name="materials overdue", weight=1, began=(16, 60), steps=(_PLACE_CHANGED,)),
    _rehab(name="receipt overdue", weight=1, began=(14, 60), steps=(_PLACE_CHANGED, _SENT)),
)
"""Handovers of community rehabilitation."""

_RESCUE: Final = "RESCUE_STATION"
_CIVIL: Final = "COUNTY_CIVIL_AFFAIRS"
_HOME: Final = ("RECEIVING", _CIVIL)
_child = partial(Story, procedure="MINOR_RETURN", here="SENDING", there="RECEIVING", person="CHILD")


def _rescue(event: str, after: Days, *payloads: str, names: tuple[str, str] | None = None, **body: Any) -> Step:
    return Step(event, "SENDING", _RESCUE, after, body, payloads, names)


def _assessed(result: str, after: Days) -> Step:
    body = {"result": result, "visited": True, "child_heard": True, "harm_checked": True}
    return Step("HomeAssessed", "RECEIVING", _CIVIL, after, body, ("NP-MIN-HOME",), says={"result": result})


_ADMITTED: Final = _rescue("MinorAdmitted", (0, 0.2), "NP-MIN-TRACE", names=_HOME, home_named=True)
_ADMITTED_SILENT: Final = _rescue("MinorAdmitted", (0, 0.2), home_named=False)
_FOUND: Final = _rescue("GuardianFound", (1, 2), "NP-MIN-TRACE", told_sparingly=True)
_FOUND_LATER: Final = _rescue("GuardianFound", (4, 8), "NP-MIN-TRACE", names=_HOME, told_sparingly=True)
_NOT_FOUND: Final = _rescue("GuardianNotFound", (2, 4), told_sparingly=True)
_PLANNED: Final = _rescue("ReturnPlanned", (1, 2), "NP-MIN-RETURN", way="GUARDIAN_FETCHES")
_HANDED_OVER: Final = _rescue(
    "HandedOver",
    (1, 3),
    "NP-MIN-RETURN",
    identity_checked=True,
    relation_checked=True,
    official="@official",
    receiving_signature="@hash_list",
)
_IN_CARE: Final = Step("CareArranged", "SENDING", _CIVIL, (1, 2), {"official": "@official"})


def _visited(after: Days) -> Step:
    return Step("FollowedUp", "RECEIVING", _CIVIL, after, {"visited_on": "@day"})


_RETURN: Final = (_PLANNED, _HANDED_OVER)
_AT_HOME: Final = (_ADMITTED, _FOUND, _assessed("SAFE", (2, 4)), *_RETURN)

CHILDREN: Final = (
    _child(
        name="home again, visited twice",
        weight=3,
        began=(112, 125),
        steps=(*_AT_HOME, _visited((24, 29)), _visited((56, 60))),
    ),
    _child(name="home again", weight=2, began=(50, 70), steps=(*_AT_HOME, _visited((24, 29)))),
    _child(
        name="home not safe, in care",
        weight=2,
        began=(20, 60),
        steps=(_ADMITTED, _FOUND, _assessed("NOT_SAFE", (2, 4)), _IN_CARE),
    ),
    _child(
        name="home safe after a new assessment",
        weight=1,
        began=(60, 80),
        steps=(
            _ADMITTED,
            _FOUND,
            _assessed("NOT_SAFE", (2, 4)),
            _IN_CARE,
            _assessed("SAFE", (20, 30)),
            *_RETURN,
        ),
    ),
    _child(name="no guardian found, in care", weight=1, began=(16, 60), steps=(_ADMITTED_SILENT, _NOT_FOUND, _IN_CARE)),
    _child(
        name="guardian found later",
        weight=1,
        began=(34, 60),
        steps=(_ADMITTED_SILENT, _NOT_FOUND, _FOUND_LATER, _assessed("SAFE", (2, 4)), *_RETURN),
    ),
    _child(name="assessment overdue", weight=1, began=(16, 60), steps=(_ADMITTED, _FOUND)),
)
"""Children who are brought home, or cared for where home is not safe."""
