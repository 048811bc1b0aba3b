"""What each guard of tenancies, household moves, work permits and settlements refuses; taken by `test_guard_kinds`."""

from __future__ import annotations

from typing import Any, Final

from tests.unit.procedures.rows_of_household_moves import COUNTY, HOME, ORIGIN
from tests.unit.procedures.rows_of_household_moves import PATHS as MOVE
from tests.unit.procedures.rows_of_regional_matters import HOUSING, POINTS, POLICE_ASKED
from tests.unit.procedures.rows_of_regional_matters import PATHS as REGIONAL
from tests.unit.procedures.rows_of_work_permits import AUTHORITY
from tests.unit.procedures.rows_of_work_permits import PATHS as PERMIT
from tests.unit.procedures.scene import Step

_Bad = tuple[str, str, tuple[Step, ...], str, str, dict[str, Any], dict[str, Any]]
_TOMORROW: Final = "2026-03-03"


def _move(
    guard: str, state: str | None, event: str, actor: str, body: dict[str, Any] | None = None, **changes: Any
) -> _Bad:
    return guard, "HOUSEHOLD_MOVE", MOVE[state], event, actor, body or {}, changes


def _permit(guard: str, state: str | None, event: str, body: dict[str, Any] | None = None, **changes: Any) -> _Bad:
    return guard, "WORK_PERMIT", PERMIT[state], event, AUTHORITY, body or {}, changes


def _points(
    guard: str, state: str | None, event: str, actor: str, body: dict[str, Any] | None = None, **changes: Any
) -> _Bad:
    return guard, "POINTS_SETTLEMENT", REGIONAL["POINTS_SETTLEMENT"][state], event, actor, body or {}, changes


def _tenancy(guard: str, state: str | None, event: str, body: dict[str, Any]) -> _Bad:
    return guard, "TENANCY_FILING", REGIONAL["TENANCY_FILING"][state], event, HOUSING, body, {}


_AFTER_SUPPLEMENT: Final = (*MOVE["AWAITING_APPLICANT"], ("HouseholdMoveApplied", HOME))

BAD: Final[tuple[_Bad, ...]] = (
    _tenancy("signed_not_later", None, "TenancyFiled", {"signed_on": _TOMORROW}),
    _tenancy("changed_not_later", "FILED", "TenancyChanged", {"changed_on": _TOMORROW}),
    _tenancy("ended_not_later", "FILED", "TenancyEnded", {"ended_on": _TOMORROW}),
    ("notice_shown", "FOREIGN_LODGING", (), "LodgingRecorded", "POLICE_STATION", {"notice_id": bytes(16)}, {}),
    _move("origin_elsewhere", None, "HouseholdMoveApplied", HOME, away="440305"),
    _move("members_listed", None, "HouseholdMoveApplied", HOME, {"members_listed": False}),
    _move("missing_given", "APPLIED", "HouseholdMoveSupplementRequested", HOME, {"missing": []}),
    _move("told_not_later", "APPLIED", "HouseholdMoveSupplementRequested", HOME, {"told_on": _TOMORROW}),
    (
        "no_supplement_before",
        "HOUSEHOLD_MOVE",
        _AFTER_SUPPLEMENT,
        "HouseholdMoveSupplementRequested",
        COUNTY,
        {},
        {},
    ),
    _move("named_official", "APPLIED", "AdmissionCertificateIssued", COUNTY, {"official": bytes(16)}),
    _move("review_told", "OBJECTED", "HouseholdMoveRefused", COUNTY, {"review_told": False}),
    _move("record_found", "ADMITTED", "OriginRecordVerified", ORIGIN, {"record_found": False}),
    _move("no_other_admission", "ADMITTED", "OriginRecordVerified", ORIGIN, {"other_admission_open": True}),
    _move("record_marked", "VERIFIED", "MoveOutCertificateIssued", ORIGIN, {"record_marked": False}),
    _move("record_not_cancelled", "VERIFIED", "MoveOutCertificateIssued", ORIGIN, {"record_cancelled": True}),
    _move("admission_valid", "VERIFIED", "MoveOutCertificateIssued", ORIGIN, day="2026-04-12"),
    _move("move_out_valid", "MOVE_OUT_ISSUED", "HouseholdSettled", HOME, day="2026-04-02"),
    _move("only_registration", "MOVE_OUT_ISSUED", "HouseholdSettled", HOME, {"only_registration": False}),
    _permit("employer_code_valid", None, "WorkPermitSubmitted", {"employer_code_valid": False}),
    _permit("missing_given", "SUBMITTED", "WorkPermitReturned", {"missing": []}),
    _permit("applicant_abroad", "ACCEPTED", "WorkPermitNoticeIssued", {"applicant_abroad": False}),
    _permit("lawfully_here", "ACCEPTED", "WorkPermitIssued", {"lawfully_here": None}),
    _permit("lawfully_here", "ACCEPTED", "WorkPermitIssued", {"lawfully_here": False}),
    _permit("expires_not_before_today", "ACCEPTED", "WorkPermitIssued", {"expires_on": "2026-03-01"}),
    _permit("expires_not_before_today", "ENTERED", "WorkPermitIssued", {"expires_on": "2026-02-30"}),
    _permit("review_told", "ACCEPTED", "WorkPermitRefused", {"review_told": False}),
    _permit("entered_not_later", "NOTICE_ISSUED", "WorkPermitEntryReported", {"entered_on": _TOMORROW}),
    _permit("work_visa", "NOTICE_ISSUED", "WorkPermitEntryReported", {"work_visa": False}),
    _permit("month_before_expiry", "ACTIVE", "WorkPermitExtensionApplied", day="2027-01-31"),
    _permit("extended_beyond", "EXTENDING", "WorkPermitExtended", {"expires_on": "2027-03-01"}),
    _permit("changed_not_later", "ACTIVE", "WorkPermitChanged", {"changed_on": _TOMORROW}),
    _permit("counterpart_named", "ACTIVE", "WorkPermitRegionChanged"),
    _permit("other_region_named", "ACTIVE", "WorkPermitRegionChanged", names=f"{AUTHORITY}@440305"),
    _permit("contract_ended_not_later", "ACTIVE", "WorkPermitCancelRequested", {"contract_ended_on": _TOMORROW}),
    _permit("hearing_told", "ACTIVE", "WorkPermitRevoked", {"hearing_told": False}),
    (
        "same_last_day",
        "WORK_PERMIT",
        PERMIT["ACTIVE"],
        "WorkPermitExpired",
        "TIMER",
        {"expires_on": "2027-02-28"},
        {"day": "2027-03-02"},
    ),
    _points("permit_active", None, "SettlementApplied", POINTS, {"permit_active": False}),
    _points("counterpart_named", "APPLIED", "FactCheckRequested", POINTS),
    _points("other_region_named", "APPLIED", "FactCheckRequested", POINTS, names="COUNTY_PSB_HOUSEHOLD@440305"),
    _points(
        "consent_not_later", "APPLIED", "FactCheckRequested", POINTS, {"consent_on": _TOMORROW}, names=POLICE_ASKED
    ),
    _points(
        "fact_asked", "checking_social", "FactCheckAnswered", "POINTS_OFFICE@away", {"fact": "QUALIFICATION_GENUINE"}
    ),
    _points("fact_asked", "CHECKING", "SettlementWithdrawn", POINTS, {"fact": None}),
    _points("outcome_reasons_given", "APPLIED", "SettlementOutcomeRecorded", POINTS, {"reasons": []}),
    _points("explanation_offered", "WAITING", "SettlementOutcomeRecorded", POINTS, {"explanation_offered": False}),
)
"""Guard, procedure, steps before, event, actor, changed body fields, and what else is changed."""
