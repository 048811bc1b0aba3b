"""The table of DOMAIN 6.3: every row of HOUSEHOLD_MOVE, and how each state is reached."""

from __future__ import annotations

from typing import Final

from tests.unit.procedures.rows import Paths, Row, row
from tests.unit.procedures.scene import Step

HOME: Final = "POLICE_STATION"
COUNTY: Final = "COUNTY_PSB_HOUSEHOLD"
ORIGIN: Final = "POLICE_STATION@away"
TO_HOME: Final = "DESTINATION:POLICE_STATION:-"
TO_COUNTY: Final = "DESTINATION:COUNTY_PSB_HOUSEHOLD:-"
TO_ORIGIN: Final = "ORIGIN:POLICE_STATION:-"
ADMIT: Final = "ORIGIN:POLICE_STATION:NP-HM-ADMIT"
FROM_ORIGIN: Final = "DESTINATION:POLICE_STATION:NP-HM-ORIGIN"

_RESTRICT: Final[Step] = ("MatterRestricted", "PI_OFFICER")
_WITHDRAW: Final[Step] = ("HouseholdMoveWithdrawn", HOME)
_RESTORE: Final[Step] = ("OriginRecordRestored", "TIMER")
_APPLIED: Final[tuple[Step, ...]] = (("HouseholdMoveApplied", HOME),)
_ADMITTED: Final[tuple[Step, ...]] = (*_APPLIED, ("AdmissionCertificateIssued", COUNTY))
_OBJECTED: Final[tuple[Step, ...]] = (*_ADMITTED, ("OriginObjected", ORIGIN))
_VERIFIED: Final[tuple[Step, ...]] = (*_ADMITTED, ("OriginRecordVerified", ORIGIN))
_ISSUED: Final[tuple[Step, ...]] = (*_VERIFIED, ("MoveOutCertificateIssued", ORIGIN))
_SETTLED: Final[tuple[Step, ...]] = (*_ISSUED, ("HouseholdSettled", HOME))

PATHS: Final[Paths] = {
    None: (),
    "APPLIED": _APPLIED,
    "AWAITING_APPLICANT": (*_APPLIED, ("HouseholdMoveSupplementRequested", HOME)),
    "ADMITTED": _ADMITTED,
    "OBJECTED": _OBJECTED,
    "VERIFIED": _VERIFIED,
    "MOVE_OUT_ISSUED": _ISSUED,
    "MOVE_OUT_EXPIRED": (*_ISSUED, ("MoveOutExpired", "TIMER", {}, "2026-04-02")),
    "WITHDRAWN_MARKED": (*_ISSUED, _WITHDRAW),
    "RESTRICTED_MARKED": (*_ISSUED, _RESTRICT),
    "SETTLED": _SETTLED,
}
ROWS: Final[tuple[Row, ...]] = (
    row(None, _APPLIED[0], "APPLIED", "R-HUK-5", TO_COUNTY),
    row("AWAITING_APPLICANT", _APPLIED[0], "APPLIED", "R-HUK-5", TO_COUNTY),
    row(
        "APPLIED",
        ("HouseholdMoveSupplementRequested", COUNTY),
        "AWAITING_APPLICANT",
        told=f"{TO_HOME} {TO_COUNTY}",
    ),
    row("APPLIED", ("AdmissionCertificateIssued", COUNTY), "ADMITTED", "R-HUK-1 R-HUK-4", f"{ADMIT} {TO_HOME}"),
    row("APPLIED", ("HouseholdMoveRefused", COUNTY), "REFUSED", told=TO_HOME),
    row("AWAITING_APPLICANT", ("HouseholdMoveRefused", COUNTY), "REFUSED", told=TO_HOME),
    row("OBJECTED", ("HouseholdMoveRefused", COUNTY), "REFUSED", told=f"{TO_HOME} {TO_ORIGIN}"),
    row("ADMITTED", ("OriginRecordVerified", ORIGIN), "VERIFIED", "R-HUK-1", FROM_ORIGIN),
    row("ADMITTED", ("OriginObjected", ORIGIN), "OBJECTED", "R-HUK-1", f"{FROM_ORIGIN} {TO_COUNTY}"),
    row("OBJECTED", ("HouseholdMoveAmended", COUNTY), "ADMITTED", "R-HUK-1 R-HUK-4", f"{ADMIT} {TO_HOME}"),
    row("VERIFIED", ("MoveOutCertificateIssued", ORIGIN), "MOVE_OUT_ISSUED", "R-HUK-2", FROM_ORIGIN),
    row(
        "MOVE_OUT_ISSUED",
        ("HouseholdSettled", HOME),
        "SETTLED",
        "R-HUK-7",
        "ORIGIN:POLICE_STATION:NP-HM-SETTLED",
    ),
    row("SETTLED", ("OriginRecordCancelled", ORIGIN), "COMPLETED"),
    *(
        row(source, ("AdmissionExpired", "TIMER", {}, "2026-04-12"), "EXPIRED", told=f"{TO_HOME} {TO_ORIGIN}")
        for source in ("ADMITTED", "OBJECTED", "VERIFIED")
    ),
    row(
        "MOVE_OUT_ISSUED",
        ("MoveOutExpired", "TIMER", {}, "2026-04-02"),
        "MOVE_OUT_EXPIRED",
        "AT_ONCE",
        f"{TO_HOME} {TO_ORIGIN}",
    ),
    row("MOVE_OUT_EXPIRED", _RESTORE, "RESTORED", told=f"{TO_HOME} {TO_ORIGIN}"),
    row("WITHDRAWN_MARKED", _RESTORE, "WITHDRAWN", told=f"{TO_HOME} {TO_ORIGIN}"),
    row("RESTRICTED_MARKED", _RESTORE, "RESTRICTED", told=f"{TO_HOME} {TO_ORIGIN}"),
    *(row(source, _WITHDRAW, "WITHDRAWN", told=TO_COUNTY) for source in ("APPLIED", "AWAITING_APPLICANT")),
    *(
        row(source, _WITHDRAW, "WITHDRAWN", told=f"{ADMIT} {TO_COUNTY}")
        for source in ("ADMITTED", "OBJECTED", "VERIFIED")
    ),
    row("MOVE_OUT_ISSUED", _WITHDRAW, "WITHDRAWN_MARKED", "AT_ONCE", ADMIT),
    *(
        row(source, _RESTRICT, "RESTRICTED")
        for source in ("APPLIED", "AWAITING_APPLICANT", "ADMITTED", "OBJECTED", "VERIFIED")
    ),
    row("MOVE_OUT_ISSUED", _RESTRICT, "RESTRICTED_MARKED", "AT_ONCE"),
    row("SETTLED", _RESTRICT, "RESTRICTED_SETTLED"),
)
