"""The tables of TENANCY_FILING and FOREIGN_LODGING (DOMAIN 6.1, end) and of POINTS_SETTLEMENT (6.6)."""

from __future__ import annotations

from typing import Final

from tests.unit.procedures.rows import Paths, Row, row
from tests.unit.procedures.scene import Step

HOUSING: Final = "HOUSING_AUTHORITY"
POINTS: Final = "POINTS_OFFICE"
POLICE_ASKED: Final = "COUNTY_PSB_HOUSEHOLD@away"
POINTS_ASKED: Final = "POINTS_OFFICE@away"

_RESTRICT: Final[Step] = ("MatterRestricted", "PI_OFFICER")
_SOCIAL: Final = {"fact": "SOCIAL_INSURANCE_MONTHS"}
_RECORD: Final = {"fact": "HOUSEHOLD_RECORD"}
_WAITING: Final = {"outcome": "WAITING", "reasons": ["NO_PLACE_YET"]}
_NOT: Final = {"outcome": "NOT_ELIGIBLE", "reasons": ["CONDITION_NOT_MET", "FACT_NOT_CONFIRMED"]}
_APPLIED: Final[tuple[Step, ...]] = (("SettlementApplied", POINTS),)
_ASK_RECORD: Final[Step] = ("FactCheckRequested", POINTS)
_ASK_SOCIAL: Final[Step] = ("FactCheckRequested", POINTS, _SOCIAL)

PATHS: Final[dict[str, Paths]] = {
    "TENANCY_FILING": {
        None: (),
        "FILED": (("TenancyFiled", HOUSING),),
        "CHANGED": (("TenancyFiled", HOUSING), ("TenancyChanged", HOUSING)),
    },
    "FOREIGN_LODGING": {None: (), "RECORDED": (("LodgingRecorded", "POLICE_STATION"),)},
    "POINTS_SETTLEMENT": {
        None: (),
        "APPLIED": _APPLIED,
        "CHECKING": (*_APPLIED, (*_ASK_RECORD, {}, "", POLICE_ASKED)),
        "checking_social": (*_APPLIED, (*_ASK_SOCIAL, "", POINTS_ASKED)),
        "ELIGIBLE": (*_APPLIED, ("SettlementOutcomeRecorded", POINTS)),
        "WAITING": (*_APPLIED, ("SettlementOutcomeRecorded", POINTS, _WAITING)),
    },
}
ROWS: Final[dict[str, tuple[Row, ...]]] = {
    "TENANCY_FILING": (
        row(None, ("TenancyFiled", HOUSING), "FILED"),
        row("FILED", ("TenancyChanged", HOUSING), "CHANGED"),
        row("CHANGED", ("TenancyChanged", HOUSING), "CHANGED"),
        row("FILED", ("TenancyEnded", HOUSING), "ENDED"),
        row("CHANGED", ("TenancyEnded", HOUSING), "ENDED"),
        row("FILED", _RESTRICT, "RESTRICTED"),
        row("CHANGED", _RESTRICT, "RESTRICTED"),
    ),
    "FOREIGN_LODGING": (
        row(None, ("LodgingRecorded", "POLICE_STATION"), "RECORDED"),
        row("RECORDED", ("LodgingEnded", "POLICE_STATION"), "ENDED"),
        row("RECORDED", _RESTRICT, "RESTRICTED"),
    ),
    "POINTS_SETTLEMENT": (
        row(None, ("SettlementApplied", POINTS), "APPLIED"),
        row("APPLIED", _ASK_RECORD, "CHECKING", "R-PTS-1", "ASKED:COUNTY_PSB_HOUSEHOLD:NP-FACT", POLICE_ASKED),
        row("APPLIED", _ASK_SOCIAL, "CHECKING", "R-PTS-1", "ASKED:POINTS_OFFICE:NP-FACT", POINTS_ASKED),
        row("CHECKING", ("FactCheckAnswered", POLICE_ASKED), "APPLIED", told="DESTINATION:POINTS_OFFICE:NP-FACT"),
        row(
            "checking_social",
            ("FactCheckAnswered", POINTS_ASKED, {**_SOCIAL, "answer": "NO_RECORD"}),
            "APPLIED",
            told="DESTINATION:POINTS_OFFICE:NP-FACT",
        ),
        *(
            line
            for source in ("APPLIED", "WAITING")
            for line in (
                row(source, ("SettlementOutcomeRecorded", POINTS), "ELIGIBLE"),
                row(source, ("SettlementOutcomeRecorded", POINTS, _WAITING), "WAITING"),
                row(source, ("SettlementOutcomeRecorded", POINTS, _NOT), "NOT_ELIGIBLE"),
            )
        ),
        row("ELIGIBLE", ("SettlementMoveStarted", POINTS), "COMPLETED"),
        *(row(source, ("SettlementWithdrawn", POINTS), "WITHDRAWN") for source in ("APPLIED", "ELIGIBLE", "WAITING")),
        row(
            "CHECKING",
            ("SettlementWithdrawn", POINTS, _RECORD),
            "WITHDRAWN",
            told="ASKED:COUNTY_PSB_HOUSEHOLD:- ASKED:POINTS_OFFICE:-",
        ),
        *(row(source, _RESTRICT, "RESTRICTED") for source in ("APPLIED", "CHECKING", "ELIGIBLE", "WAITING")),
    ),
}
