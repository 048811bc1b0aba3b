"""What each guard of resettlement, rehabilitation and minors refuses; those of sealed content with the content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.unit.procedures.case_rows import CASE_PATHS
from tests.unit.procedures.scene import Step

Bad = tuple[str, str, tuple[Step, ...], str, str, dict[str, Any], dict[str, Any]]

_RLS: Final = CASE_PATHS["RESETTLEMENT_HANDOVER"]
_DRG: Final = CASE_PATHS["REHAB_HANDOVER"]
_MIN: Final = CASE_PATHS["MINOR_RETURN"]
_HOME: Final = "COUNTY_RESETTLEMENT@away"
_TOWN: Final = "TOWN_OFFICE"
_NEW_TOWN: Final = "TOWN_OFFICE@away"
_CIVIL: Final = "COUNTY_CIVIL_AFFAIRS"
_RESCUE: Final = "RESCUE_STATION"
_NO: Final = bytes(32)


def _resettlement(guard: str, state: str | None, event: str, actor: str, **body: Any) -> Bad:
    return guard, "RESETTLEMENT_HANDOVER", _RLS[state], event, actor, body, {}


def _rehab(guard: str, state: str | None, event: str, actor: str, **body: Any) -> Bad:
    return guard, "REHAB_HANDOVER", _DRG[state], event, actor, body, {}


def _minor(guard: str, state: str | None, event: str, actor: str, **body: Any) -> Bad:
    return guard, "MINOR_RETURN", _MIN[state], event, actor, body, {}


CASE_BAD: Final[tuple[Bad, ...]] = (
    _resettlement("home_from_record", None, "ReleaseNotified", "PRISON", home_from_record=False),
    _resettlement("checked_together", "NOTIFIED", "HomeConfirmed", _HOME, checked_together=False),
    _resettlement("shown_to_person", "NOTIFIED", "AssessmentDelivered", "PRISON", shown_to_person=False),
    _resettlement("ground_stays", "NOTIFIED", "AssessmentDelivered", "PRISON", ground="END_OF_CORRECTION"),
    _resettlement("all_agree_on_return", "CONFIRMED", "ReturnAgreed", _HOME, person_agrees=False),
    _resettlement("all_agree_on_return", "CONFIRMED", "ReturnAgreed", _HOME, sending_agrees=False),
    _resettlement("released_not_later", "READY", "Released", "PRISON", released_on="2026-03-03"),
    _resettlement("arrived_not_later", "RELEASED", "Arrived", _HOME, arrived_on="2026-03-03"),
    _resettlement("person_agrees", "ARRIVED", "AssistanceOpened", _HOME, person_agrees=False),
    _resettlement("person_asks", "ASSISTED", "AssistanceReferred", _HOME, person_asks=False),
    _rehab("changed_not_later", None, "PlaceChanged", _TOWN, changed_on="2026-03-03"),
    _rehab("may_be_handed_over", None, "PlaceChanged", _TOWN, may_be_handed_over=False),
    _rehab("materials_not_sent", "reported_on_the_way", "MaterialsSent", _TOWN),
    _rehab("materials_not_held", "REPORTED", "MaterialsAcknowledged", _NEW_TOWN),
    _rehab("materials_agree", "SENT", "MaterialsAcknowledged", _NEW_TOWN, materials=_NO),
    _rehab("person_signed", "REPORTED", "AgreementSigned", _NEW_TOWN, person_signed=False),
    _rehab("rehab_time_passed", "HELD", "NotReported", _NEW_TOWN),
    _minor("counterpart_known", "untraced_without_home", "GuardianFound", _RESCUE),
    _minor("told_sparingly", "ADMITTED", "GuardianFound", _RESCUE, told_sparingly=False),
    *(
        _minor("home_assessed_well", "TRACED", "HomeAssessed", f"{_CIVIL}@away", **{field: False})
        for field in ("visited", "child_heard", "harm_checked")
    ),
    _minor("relation_checked", "PLANNED", "HandedOver", _RESCUE, relation_checked=False),
    _minor("both_signed", "PLANNED", "HandedOver", _RESCUE, receiving_signature=_NO),
    _minor("both_signed", "PLANNED", "HandedOver", _RESCUE, official=bytes(16)),
    _minor("visited_not_later", "HANDED_OVER", "FollowedUp", f"{_CIVIL}@away", visited_on="2026-03-03"),
    _minor("visits_apart", "VISITED", "FollowedUp", f"{_CIVIL}@away", visited_on="2026-03-02"),
)

CONTENT_BAD: Final[tuple[tuple[str, str, Mapping[str, Any]], ...]] = (
    ("return_is_agreed", "NP-RLS-STATUS", {"minor": False, "way_of_return": "NOT_AGREED"}),
    ("minor_not_alone", "NP-RLS-STATUS", {"minor": True, "way_of_return": "SELF"}),
    ("minor_is_sealed", "NP-RLS-COUNTY", {"minor": True, "seal_state": "NONE"}),
    ("child_is_minor", "NP-MIN-TRACE", {"minor": False}),
    ("home_said_safe", "NP-MIN-HOME", {"minor": True, "result": "NOT_SAFE"}),
    ("home_said_not_safe", "NP-MIN-HOME", {"minor": True, "result": "SAFE"}),
)
"""Guard, profile and the part of its content that the guard refuses."""

CONTENT_GOOD: Final[tuple[tuple[str, str, Mapping[str, Any]], ...]] = (
    ("return_is_agreed", "NP-RLS-STATUS", {"minor": False, "way_of_return": "SELF"}),
    ("minor_not_alone", "NP-RLS-STATUS", {"minor": True, "way_of_return": "SELF_GUARDIAN_AGREES"}),
    ("minor_not_alone", "NP-RLS-STATUS", {"minor": False, "way_of_return": "SELF"}),
    ("minor_not_alone", "NP-RLS-REG", {"minor": True}),
    ("minor_is_sealed", "NP-RLS-REG", {"minor": True, "seal_state": "SEALED"}),
    ("minor_is_sealed", "NP-RLS-REG", {"minor": False, "seal_state": "NONE"}),
    ("child_is_minor", "NP-MIN-RETURN", {"minor": True}),
    ("home_said_safe", "NP-MIN-HOME", {"minor": True, "result": "SAFE"}),
    ("home_said_not_safe", "NP-MIN-HOME", {"minor": True, "result": "NOT_SAFE"}),
)
