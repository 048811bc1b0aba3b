"""The rows of DOMAIN 6.8, 6.9 and 6.10: resettlement, rehabilitation, return of minors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.unit.procedures.rows import Paths, Row, row
from tests.unit.procedures.scene import Step

_RESTRICT: Final[Step] = ("MatterRestricted", "PI_OFFICER")

# -- resettlement

_HOME: Final = "COUNTY_RESETTLEMENT@away"
_END: Final = {"ground": "END_OF_CORRECTION"}
_REFERRAL: Final = {"ground": "REFERRAL"}
_NOTIFIED: Final[tuple[Step, ...]] = (("ReleaseNotified", "PRISON"),)
_CONFIRMED: Final[tuple[Step, ...]] = (*_NOTIFIED, ("HomeConfirmed", _HOME))
_READY: Final[tuple[Step, ...]] = (*_CONFIRMED, ("ReturnAgreed", _HOME))
_RELEASED: Final[tuple[Step, ...]] = (*_READY, ("Released", "PRISON"))
_ARRIVED: Final[tuple[Step, ...]] = (*_RELEASED, ("Arrived", _HOME))
_STATUS: Final = "SENDING:BOUND:NP-RLS-STATUS"
_LOCAL: Final = "RECEIVING:COUNTY_RESETTLEMENT:NP-RLS-LOCAL RECEIVING:JUDICIAL_OFFICE:NP-RLS-LOCAL"
_ASSESSED: Final = (
    "RECEIVING:COUNTY_RESETTLEMENT:NP-RLS-ASSESS RECEIVING:JUDICIAL_OFFICE:NP-RLS-ASSESS-LOCAL "
    "RECEIVING:POLICE_STATION:NP-RLS-ASSESS-REG"
)

# -- rehabilitation

_TOWN: Final = "TOWN_OFFICE"
_NEW_TOWN: Final = "TOWN_OFFICE@away"
_CHANGED: Final[tuple[Step, ...]] = (("PlaceChanged", _TOWN),)
_SENT: Final[tuple[Step, ...]] = (*_CHANGED, ("MaterialsSent", _TOWN))
_HELD: Final[tuple[Step, ...]] = (*_SENT, ("MaterialsAcknowledged", _NEW_TOWN))
_NOT_REPORTED: Final[tuple[Step, ...]] = (*_HELD, ("NotReported", _NEW_TOWN, {}, "2026-03-20"))
_DRUG_BACK: Final = "SENDING:TOWN_OFFICE:NP-DRG"
_TOWN_BACK: Final = "SENDING:TOWN_OFFICE:-"

# -- minors

_CIVIL: Final = "COUNTY_CIVIL_AFFAIRS"
_HOME_CIVIL: Final = "COUNTY_CIVIL_AFFAIRS@away"
_UNSAFE: Final = {"result": "NOT_SAFE"}
_NO_HOME: Final = {"home_named": False}
_SECOND: Final = {"visited_on": "2026-05-30"}
_TRACE: Final = "RECEIVING:COUNTY_CIVIL_AFFAIRS:NP-MIN-TRACE"
_RETURN: Final = "RECEIVING:MINOR_PROTECTION:NP-MIN-RETURN RECEIVING:COUNTY_CIVIL_AFFAIRS:NP-MIN-RETURN"
_ADMITTED: Final[tuple[Step, ...]] = (("MinorAdmitted", "RESCUE_STATION"),)
_TRACED: Final[tuple[Step, ...]] = (*_ADMITTED, ("GuardianFound", "RESCUE_STATION"))
_UNTRACED: Final[tuple[Step, ...]] = (*_ADMITTED, ("GuardianNotFound", "RESCUE_STATION"))
_SAFE: Final[tuple[Step, ...]] = (*_TRACED, ("HomeAssessed", _HOME_CIVIL))
_NOT_SAFE: Final[tuple[Step, ...]] = (*_TRACED, ("HomeAssessed", _HOME_CIVIL, _UNSAFE))
_PLANNED: Final[tuple[Step, ...]] = (*_SAFE, ("ReturnPlanned", "MINOR_PROTECTION"))
_HANDED: Final[tuple[Step, ...]] = (*_PLANNED, ("HandedOver", "RESCUE_STATION"))
_IN_CARE: Final[tuple[Step, ...]] = (*_NOT_SAFE, ("CareArranged", _CIVIL))

CASE_PATHS: Final[Mapping[str, Paths]] = {
    "RESETTLEMENT_HANDOVER": {
        None: (),
        "NOTIFIED": _NOTIFIED,
        "CONFIRMED": _CONFIRMED,
        "READY": _READY,
        "RELEASED": _RELEASED,
        "ARRIVED": _ARRIVED,
        "ASSISTED": (*_ARRIVED, ("AssistanceOpened", _HOME)),
    },
    "REHAB_HANDOVER": {
        None: (),
        "CHANGED": _CHANGED,
        "SENT": _SENT,
        "HELD": _HELD,
        "REPORTED": (*_HELD, ("ReportedIn", _NEW_TOWN)),
        "reported_without_materials": (*_CHANGED, ("ReportedIn", _NEW_TOWN)),
        "reported_on_the_way": (*_SENT, ("ReportedIn", _NEW_TOWN)),
        "NOT_REPORTED": _NOT_REPORTED,
    },
    "MINOR_RETURN": {
        None: (),
        "ADMITTED": _ADMITTED,
        "TRACED": _TRACED,
        "UNTRACED": _UNTRACED,
        "SAFE": _SAFE,
        "NOT_SAFE": _NOT_SAFE,
        "PLANNED": _PLANNED,
        "IN_CARE": _IN_CARE,
        "untraced_without_home": (
            ("MinorAdmitted", "RESCUE_STATION", _NO_HOME),
            ("GuardianNotFound", "RESCUE_STATION"),
        ),
        "HANDED_OVER": _HANDED,
        "VISITED": (*_HANDED, ("FollowedUp", _HOME_CIVIL, {}, "2026-04-01")),
    },
}

CASE_ROWS: Final[Mapping[str, tuple[Row, ...]]] = {
    "RESETTLEMENT_HANDOVER": (
        row(
            None,
            ("ReleaseNotified", "PRISON"),
            "NOTIFIED",
            "R-RLS-2",
            "RECEIVING:COUNTY_RESETTLEMENT:NP-RLS-COUNTY RECEIVING:JUDICIAL_OFFICE:NP-RLS-LOCAL "
            "RECEIVING:POLICE_STATION:NP-RLS-REG RECEIVING:COUNTY_CIVIL_AFFAIRS:NP-RLS-MINOR",
        ),
        row(None, ("ReleaseNotified", "COUNTY_CORRECTION", _END), "NOTIFIED", "R-RLS-2", _LOCAL),
        row(None, ("ReleaseNotified", "COUNTY_RESETTLEMENT", _REFERRAL), "NOTIFIED", "R-RLS-2", _LOCAL),
        row("NOTIFIED", ("HomeConfirmed", _HOME), "CONFIRMED", told=_STATUS),
        row("NOTIFIED", ("HomeReferred", _HOME), "REFERRED", told=_STATUS),
        row("NOTIFIED", ("HomeNotKnown", _HOME), "UNKNOWN", told=_STATUS),
        row("NOTIFIED", ("AssessmentDelivered", "PRISON"), "NOTIFIED", "R-RLS-2", _ASSESSED),
        row("CONFIRMED", ("AssessmentDelivered", "PRISON"), "CONFIRMED", told=_ASSESSED),
        row("CONFIRMED", ("ReturnAgreed", _HOME), "READY", told=_STATUS),
        row(
            "READY",
            ("Released", "PRISON"),
            "RELEASED",
            "R-RLS-6 R-RLS-7",
            "RECEIVING:COUNTY_RESETTLEMENT:NP-RLS-STATUS RECEIVING:JUDICIAL_OFFICE:NP-RLS-STATUS "
            "RECEIVING:POLICE_STATION:NP-RLS-STATUS",
        ),
        row("RELEASED", ("Arrived", _HOME), "ARRIVED", "R-RLS-5 R-RLS-6", _STATUS),
        row("ARRIVED", ("AssistanceOpened", _HOME), "ASSISTED", "R-RLS-6"),
        row("ARRIVED", ("AssistanceDeclined", _HOME), "CLOSED"),
        row(
            "RELEASED",
            ("ArrivalNotKnown", "TIMER"),
            "CLOSED",
            told="RECEIVING:COUNTY_RESETTLEMENT:- SENDING:BOUND:-",
        ),
        row("ASSISTED", ("AssistanceEnded", _HOME), "CLOSED"),
        row("ASSISTED", ("AssistanceEnded", "TIMER"), "CLOSED", told="RECEIVING:COUNTY_RESETTLEMENT:-"),
        row("ASSISTED", ("AssistanceReferred", _HOME), "CLOSED"),
        *(row(source, _RESTRICT, "RESTRICTED") for source in ("NOTIFIED", "CONFIRMED", "READY", "RELEASED")),
        *(row(source, _RESTRICT, "RESTRICTED_AT_HOME") for source in ("ARRIVED", "ASSISTED")),
    ),
    "REHAB_HANDOVER": (
        row(None, ("PlaceChanged", _TOWN), "CHANGED", "R-DRG-1 R-DRG-3"),
        row("CHANGED", ("MaterialsSent", _TOWN), "SENT", "R-DRG-1 R-ACK-1", "RECEIVING:TOWN_OFFICE:NP-DRG"),
        row(
            "reported_without_materials",
            ("MaterialsSent", _TOWN),
            "REPORTED",
            "R-ACK-1",
            "RECEIVING:TOWN_OFFICE:NP-DRG",
        ),
        row("SENT", ("MaterialsAcknowledged", _NEW_TOWN), "HELD", "R-DRG-1", _TOWN_BACK),
        row("reported_on_the_way", ("MaterialsAcknowledged", _NEW_TOWN), "REPORTED", told=_TOWN_BACK),
        row("HELD", ("ReportedIn", _NEW_TOWN), "REPORTED", told=_DRUG_BACK),
        row("CHANGED", ("ReportedIn", _NEW_TOWN), "REPORTED", "R-DRG-3", _DRUG_BACK),
        row("SENT", ("ReportedIn", _NEW_TOWN), "REPORTED", "R-ACK-1", _DRUG_BACK),
        row("NOT_REPORTED", ("ReportedIn", _NEW_TOWN), "REPORTED", told=_DRUG_BACK),
        row("REPORTED", ("AgreementSigned", _NEW_TOWN), "RECEIVED", told=_TOWN_BACK),
        row("HELD", ("NotReported", _NEW_TOWN, {}, "2026-03-20"), "NOT_REPORTED", told=_DRUG_BACK),
        *(row(s, _RESTRICT, "RESTRICTED") for s in ("CHANGED", "SENT", "HELD", "REPORTED", "NOT_REPORTED")),
    ),
    "MINOR_RETURN": (
        row(None, ("MinorAdmitted", "RESCUE_STATION"), "ADMITTED", told=_TRACE, names=_HOME_CIVIL),
        row(None, ("MinorAdmitted", "MINOR_PROTECTION", _NO_HOME), "ADMITTED"),
        row("ADMITTED", ("GuardianFound", "RESCUE_STATION"), "TRACED", "R-MIN-2", _TRACE),
        row("UNTRACED", ("GuardianFound", "RESCUE_STATION"), "TRACED", "R-MIN-2", _TRACE),
        row("IN_CARE", ("GuardianFound", "RESCUE_STATION"), "IN_CARE", "R-MIN-2", _TRACE, _HOME_CIVIL),
        row(
            "ADMITTED", ("GuardianNotFound", "RESCUE_STATION"), "UNTRACED", "R-MIN-4", "SENDING:COUNTY_CIVIL_AFFAIRS:-"
        ),
        row("TRACED", ("HomeAssessed", _HOME_CIVIL), "SAFE", told="SENDING:BOUND:NP-MIN-HOME"),
        *(
            row(
                source,
                ("HomeAssessed", _HOME_CIVIL, {"result": result}),
                target,
                running,
                "SENDING:BOUND:NP-MIN-HOME SENDING:COUNTY_CIVIL_AFFAIRS:-",
            )
            for source, result, target, running in (
                ("TRACED", "NOT_SAFE", "NOT_SAFE", "R-MIN-4"),
                ("IN_CARE", "SAFE", "SAFE", ""),
                ("IN_CARE", "NOT_SAFE", "IN_CARE", ""),
            )
        ),
        row("SAFE", ("ReturnPlanned", "MINOR_PROTECTION"), "PLANNED", told=_RETURN),
        row("PLANNED", ("HandedOver", "RESCUE_STATION"), "HANDED_OVER", "R-MIN-3 R-MIN-3-SECOND", _RETURN),
        row(
            "HANDED_OVER", ("FollowedUp", _HOME_CIVIL, {}, "2026-04-01"), "VISITED", "R-MIN-3-SECOND", "SENDING:BOUND:-"
        ),
        row("VISITED", ("FollowedUp", _HOME_CIVIL, _SECOND, "2026-05-30"), "CLOSED"),
        row(
            "NOT_SAFE",
            ("CareArranged", _CIVIL),
            "IN_CARE",
            told="SENDING:BOUND:- RECEIVING:COUNTY_CIVIL_AFFAIRS:-",
        ),
        row("UNTRACED", ("CareArranged", _CIVIL), "IN_CARE", told="SENDING:BOUND:-"),
        *(
            row(source, _RESTRICT, "RESTRICTED")
            for source in ("ADMITTED", "TRACED", "UNTRACED", "SAFE", "NOT_SAFE", "PLANNED", "IN_CARE", "HANDED_OVER")
        ),
        row("VISITED", _RESTRICT, "RESTRICTED_AT_HOME"),
    ),
}
