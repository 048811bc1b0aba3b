"""One valid body for each event of tenancies, lodgings, household moves, work permits and settlements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_ID: Final = bytes(range(1, 17))
_NOTICE: Final = {"notice_id": _ID}
_PLACE: Final = {"division": "440106000000"}
_REFUSED: Final = {"official": _ID, "review_told": True}

BODIES: Final[Mapping[str, Mapping[str, Any]]] = {
    "TenancyFiled": {**_PLACE, **_NOTICE, "filed_by": "LODGING_PROVIDER", "signed_on": "2026-02-20"},
    "TenancyChanged": {"change": "RENT", "changed_on": "2026-03-01"},
    "TenancyEnded": {"reason": "TERM_ENDED", "ended_on": "2026-03-02"},
    "LodgingRecorded": {**_PLACE, **_NOTICE, "declared_by": "APPLICANT"},
    "LodgingEnded": {"reason": "DEPARTED"},
    "HouseholdMoveApplied": {**_PLACE, **_NOTICE, "ground": "FAMILY_JOIN", "members_listed": True},
    "HouseholdMoveSupplementRequested": {"missing": ["PROOF_OF_GROUND", "HOUSEHOLD_BOOK"], "told_on": "2026-03-02"},
    "AdmissionCertificateIssued": {"official": _ID},
    "HouseholdMoveRefused": {"reason": "GROUND_NOT_MET", **_REFUSED},
    "OriginRecordVerified": {"record_found": True, "other_admission_open": False},
    "OriginObjected": {"reason": "RECORD_NOT_FOUND"},
    "HouseholdMoveAmended": {"official": _ID},
    "MoveOutCertificateIssued": {"record_marked": True, "record_cancelled": False},
    "HouseholdSettled": {"only_registration": True},
    "OriginRecordCancelled": {},
    "AdmissionExpired": {},
    "MoveOutExpired": {},
    "OriginRecordRestored": {},
    "HouseholdMoveWithdrawn": {},
    "WorkPermitSubmitted": {**_PLACE, **_NOTICE, "category": "B", "employer_code_valid": True},
    "WorkPermitPrechecked": {},
    "WorkPermitReturned": {"missing": ["CONTRACT", "QUALIFICATION"]},
    "WorkPermitAccepted": {"stay": "ABOVE_90_DAYS"},
    "WorkPermitNoticeIssued": {"applicant_abroad": True},
    "WorkPermitIssued": {"expires_on": "2027-03-01", "lawfully_here": True},
    "WorkPermitRefused": {"reason": "CONDITION_NOT_MET", **_REFUSED},
    "WorkPermitEntryReported": {"entered_on": "2026-03-01", "work_visa": True},
    "WorkPermitExtensionApplied": {},
    "WorkPermitExtended": {"expires_on": "2028-03-01"},
    "WorkPermitExtensionRefused": {"reason": "CONDITION_NOT_MET", **_REFUSED},
    "WorkPermitChanged": {"detail": "POST", "changed_on": "2026-03-01"},
    "WorkPermitRegionChanged": {"change": "NEW_EMPLOYER"},
    "WorkPermitCancelRequested": {"contract_ended_on": "2026-03-01"},
    "WorkPermitCancelled": {},
    "WorkPermitExpired": {"expires_on": "2027-03-01"},
    "WorkPermitRevoked": {"reason": "CONDITION_LOST", "official": _ID, "hearing_told": True},
    "SettlementApplied": {**_PLACE, **_NOTICE, "permit_active": True},
    "FactCheckRequested": {"fact": "HOUSEHOLD_RECORD", "consent_on": "2026-03-02", "consent_form": "IN_WRITING"},
    "FactCheckAnswered": {"fact": "HOUSEHOLD_RECORD", "answer": "CONFIRMED"},
    "SettlementOutcomeRecorded": {
        "outcome": "ELIGIBLE",
        "reasons": ["CONDITIONS_MET"],
        "explanation_offered": True,
    },
    "SettlementMoveStarted": {},
    "SettlementWithdrawn": {"fact": None},
}
