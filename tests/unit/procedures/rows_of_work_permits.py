"""The table of DOMAIN 6.5: every row of WORK_PERMIT, and how each state is reached."""

from __future__ import annotations

from typing import Final

from tests.unit.procedures.rows import Paths, Row, row
from tests.unit.procedures.scene import Step

AUTHORITY: Final = "WORK_PERMIT_AUTHORITY"
WINDOW: Final = "SERVICE_WINDOW"
TOLD: Final = "DESTINATION:WORK_PERMIT_AUTHORITY:-"

_RESTRICT: Final[Step] = ("MatterRestricted", "RIGHTS_DESK")
_SHORT: Final = {"stay": "UP_TO_90_DAYS"}
_SUBMITTED: Final[tuple[Step, ...]] = (("WorkPermitSubmitted", AUTHORITY),)
_PRECHECKED: Final[tuple[Step, ...]] = (*_SUBMITTED, ("WorkPermitPrechecked", AUTHORITY))
_ACCEPTED: Final[tuple[Step, ...]] = (*_PRECHECKED, ("WorkPermitAccepted", AUTHORITY))
_ACCEPTED_SHORT: Final[tuple[Step, ...]] = (*_PRECHECKED, ("WorkPermitAccepted", AUTHORITY, _SHORT))
_NOTICED: Final[tuple[Step, ...]] = (*_ACCEPTED, ("WorkPermitNoticeIssued", AUTHORITY))
_ENTERED: Final[tuple[Step, ...]] = (*_NOTICED, ("WorkPermitEntryReported", AUTHORITY))
_ACTIVE: Final[tuple[Step, ...]] = (*_ACCEPTED, ("WorkPermitIssued", AUTHORITY))
_EXTENDING: Final[tuple[Step, ...]] = (*_ACTIVE, ("WorkPermitExtensionApplied", AUTHORITY))
_CANCELLING: Final[tuple[Step, ...]] = (*_ACTIVE, ("WorkPermitCancelRequested", AUTHORITY))

PATHS: Final[Paths] = {
    None: (),
    "SUBMITTED": _SUBMITTED,
    "PRECHECKED": _PRECHECKED,
    "ACCEPTED": _ACCEPTED,
    "accepted_short": _ACCEPTED_SHORT,
    "NOTICE_ISSUED": _NOTICED,
    "ENTERED": _ENTERED,
    "ACTIVE": _ACTIVE,
    "EXTENDING": _EXTENDING,
    "CANCELLING": _CANCELLING,
}
ROWS: Final[tuple[Row, ...]] = (
    row(None, ("WorkPermitSubmitted", WINDOW), "SUBMITTED", "R-WRK-1", TOLD),
    row("SUBMITTED", ("WorkPermitPrechecked", AUTHORITY), "PRECHECKED"),
    row("SUBMITTED", ("WorkPermitReturned", AUTHORITY), "RETURNED"),
    row("PRECHECKED", ("WorkPermitAccepted", AUTHORITY), "ACCEPTED", "R-WRK-2"),
    row("PRECHECKED", ("WorkPermitAccepted", AUTHORITY, _SHORT), "ACCEPTED", "R-WRK-3"),
    row("ACCEPTED", ("WorkPermitNoticeIssued", AUTHORITY), "NOTICE_ISSUED"),
    row("accepted_short", ("WorkPermitNoticeIssued", AUTHORITY), "NOTICE_ISSUED"),
    row("ACCEPTED", ("WorkPermitIssued", AUTHORITY), "ACTIVE", "R-WRK-10"),
    row("ACCEPTED", ("WorkPermitRefused", AUTHORITY), "REFUSED"),
    row("NOTICE_ISSUED", ("WorkPermitEntryReported", WINDOW), "ENTERED", "R-WRK-2", TOLD),
    row("ENTERED", ("WorkPermitIssued", AUTHORITY, {"lawfully_here": None}), "ACTIVE", "R-WRK-10"),
    row("ACTIVE", ("WorkPermitExtensionApplied", WINDOW), "EXTENDING", "R-WRK-10 R-WRK-2", TOLD),
    row("EXTENDING", ("WorkPermitExtended", AUTHORITY), "ACTIVE", "R-WRK-10"),
    row("EXTENDING", ("WorkPermitExtensionRefused", AUTHORITY), "ACTIVE", "R-WRK-10"),
    row("ACTIVE", ("WorkPermitChanged", WINDOW), "ACTIVE", "R-WRK-10", TOLD),
    row(
        "ACTIVE",
        ("WorkPermitRegionChanged", AUTHORITY),
        "CANCELLED",
        told="NEW_REGION:WORK_PERMIT_AUTHORITY:NP-WP-REGION NEW_REGION:EXIT_ENTRY:NP-WP-REGION",
        names=f"{AUTHORITY}@away",
    ),
    row("ACTIVE", ("WorkPermitCancelRequested", WINDOW), "CANCELLING", told=TOLD),
    row("EXTENDING", ("WorkPermitCancelRequested", WINDOW), "CANCELLING", told=TOLD),
    row("CANCELLING", ("WorkPermitCancelled", AUTHORITY), "CANCELLED"),
    row("ACTIVE", ("WorkPermitExpired", "TIMER", {}, "2027-03-02"), "EXPIRED", told=TOLD),
    row("ACTIVE", ("WorkPermitRevoked", AUTHORITY), "REVOKED"),
    *(row(source, _RESTRICT, "RESTRICTED") for source in PATHS if source is not None and source.isupper()),
)
