"""Every row of the tables of DOMAIN 6, taken from the state before it, by the office that may."""

from collections.abc import Mapping
from typing import Any

import pytest

from contracts.procedure import load_procedures
from tests.unit.procedures import rows_of_household_moves, rows_of_regional_matters, rows_of_work_permits
from tests.unit.procedures.case_rows import CASE_PATHS, CASE_ROWS
from tests.unit.procedures.clearance_rows import CLEARANCE_PATHS, CLEARANCE_ROWS
from tests.unit.procedures.order_rows import ORDER_PATHS, ORDER_ROWS
from tests.unit.procedures.rows import Paths, Row, at, perform
from tests.unit.procedures.rows import row as _row
from tests.unit.procedures.scene import LIST, Scene, Step

_POLICE = "POLICE_STATION"
_COUNTY = "COUNTY_PSB_HOUSEHOLD"
_ORIGIN = "COUNTY_PSB_HOUSEHOLD@away"
_SENDING = "COUNTY_CORRECTION"
_RECEIVING = "COUNTY_CORRECTION@away"
_DISAGREE = {"opinion": "DISAGREE"}
_STAY = {"decision": "STAY", "told_on": "2026-03-02"}
_MORE = {"supplement": True}
_FRAUD = {"reason": "OBTAINED_BY_FRAUD", "official": LIST[:16], "appeal_told": True}


PATHS: Mapping[str, Paths] = {
    "RESIDENCE": {
        None: (),
        "DECLARED": (("RegistrationDeclared", _POLICE),),
        "REGISTERED": (("RegistrationDeclared", _POLICE), ("RegistrationRecorded", _POLICE)),
    },
    "RESIDENCE_NOTIFICATION": {
        None: (),
        "PREPARED": (("ResidenceNoticePrepared", _COUNTY),),
        "SENT": (("ResidenceNoticePrepared", _COUNTY), ("ResidenceNoticeSent", _COUNTY)),
        "DELIVERED": (
            ("ResidenceNoticePrepared", _COUNTY),
            ("ResidenceNoticeSent", _COUNTY),
            ("ResidenceNoticeDelivered", _ORIGIN),
        ),
        "ACKNOWLEDGED": (
            ("ResidenceNoticePrepared", _COUNTY),
            ("ResidenceNoticeSent", _COUNTY),
            ("ResidenceNoticeDelivered", _ORIGIN),
            ("ResidenceNoticeAcknowledged", _ORIGIN),
        ),
        "DISPUTED": (
            ("ResidenceNoticePrepared", _COUNTY),
            ("ResidenceNoticeSent", _COUNTY),
            ("ResidenceNoticeDelivered", _ORIGIN),
            ("ResidenceNoticeDisputed", _ORIGIN),
        ),
    },
    "RESIDENCE_PERMIT": {
        None: (),
        "AWAITING_APPLICANT": (("ResidencePermitSupplementRequested", _POLICE),),
        "ACCEPTED": (("ResidencePermitAccepted", _POLICE),),
        "SIGNED": (("ResidencePermitAccepted", _POLICE), ("ResidencePermitSigned", _COUNTY)),
        "ACTIVE": (
            ("ResidencePermitAccepted", _POLICE),
            ("ResidencePermitSigned", _COUNTY),
            ("ResidencePermitIssued", _POLICE),
        ),
        "SUSPENDED": (
            ("ResidencePermitAccepted", _POLICE),
            ("ResidencePermitSigned", _COUNTY),
            ("ResidencePermitIssued", _POLICE),
            ("ResidencePermitSuspended", "TIMER", {}, "2027-03-03"),
        ),
    },
}
_ASKED: tuple[Step, ...] = (("TransferRequested", "JUDICIAL_OFFICE"), ("OpinionAsked", _SENDING))
_GIVEN: tuple[Step, ...] = (*_ASKED, ("OpinionGiven", _RECEIVING, _DISAGREE))
_DECIDED: tuple[Step, ...] = (*_GIVEN, ("TransferDecided", _SENDING))
_FILE_SENT: tuple[Step, ...] = (*_DECIDED, ("DecisionServed", _SENDING), ("FileSent", _SENDING))
_FILE_HELD: tuple[Step, ...] = (*_FILE_SENT, ("FileAcknowledged", _RECEIVING))
CORRECTION: Paths = {
    None: (),
    "REQUESTED": _ASKED[:1],
    "OPINION_ASKED": _ASKED,
    "OPINION_GIVEN": _GIVEN,
    "COORDINATING": (*_GIVEN, ("CoordinationRequested", _SENDING)),
    "DECIDED": _DECIDED,
    "FILE_SENT": _FILE_SENT,
    "file_sent_unserved": (*_DECIDED, ("FileSent", _SENDING)),
    "FILE_HELD": _FILE_HELD,
    "file_held_unserved": (*_DECIDED, ("FileSent", _SENDING), ("FileAcknowledged", _RECEIVING)),
    "REPORTED": (*_FILE_HELD, ("ReportedIn", _RECEIVING)),
    "reported_without_file": (*_DECIDED, ("ReportedIn", _RECEIVING)),
    "reported_on_the_way": (*_FILE_SENT, ("ReportedIn", _RECEIVING)),
    "reported_supplemented": (*_FILE_HELD, ("ReportedIn", _RECEIVING), ("FileSent", _SENDING, _MORE)),
    "file_held_supplemented": (*_FILE_HELD, ("FileSent", _SENDING, _MORE)),
    "NOT_REPORTED": (*_FILE_HELD, ("NotReported", _RECEIVING, {}, "2026-03-20")),
}

_RESTRICT: Step = ("MatterRestricted", "PI_OFFICER")
ROWS: Mapping[str, tuple[Row, ...]] = {
    "RESIDENCE": (
        _row(None, ("RegistrationDeclared", _POLICE), "DECLARED"),
        _row("DECLARED", ("RegistrationRecorded", _POLICE), "REGISTERED"),
        _row("DECLARED", ("RegistrationRejected", _POLICE), "REJECTED"),
        _row("REGISTERED", ("RegistrationAddressChanged", f"{_POLICE}@440305"), "REGISTERED"),
        _row(
            "REGISTERED",
            ("RegistrationCorrected", _POLICE),
            "REGISTERED",
            told="HOLDERS::NP-CORRECTION ORIGIN:COUNTY_PSB_HOUSEHOLD:NP-CORRECTION",
        ),
        _row("REGISTERED", ("RegistrationEnded", _POLICE), "ENDED"),
        _row(
            "REGISTERED",
            ("RegistrationEnded", _POLICE, {"reason": "DECEASED"}),
            "ENDED",
            told="ORIGIN:POLICE_STATION:NP-DEATH",
            names="POLICE_STATION@away",
        ),
        _row("DECLARED", _RESTRICT, "RESTRICTED"),
        _row("REGISTERED", _RESTRICT, "RESTRICTED"),
    ),
    "RESIDENCE_NOTIFICATION": (
        _row(None, ("ResidenceNoticePrepared", _COUNTY), "PREPARED"),
        _row(None, ("ResidenceNoticeSuppressed", _COUNTY), "SUPPRESSED"),
        _row("PREPARED", ("ResidenceNoticeSent", "REGION_NODE"), "SENT", told="ORIGIN:COUNTY_PSB_HOUSEHOLD:NP-RES"),
        _row("SENT", ("ResidenceNoticeDelivered", "REGION_NODE@away"), "DELIVERED", "R-ACK-1"),
        _row(
            "DELIVERED",
            ("ResidenceNoticeAcknowledged", _ORIGIN),
            "ACKNOWLEDGED",
            "RETENTION",
            "DESTINATION:COUNTY_PSB_HOUSEHOLD:-",
        ),
        _row(
            "DELIVERED",
            ("ResidenceNoticeDisputed", _ORIGIN),
            "DISPUTED",
            "R-PI-2",
            "DESTINATION:COUNTY_PSB_HOUSEHOLD:-",
        ),
        _row("DISPUTED", ("ResidenceNoticeWithdrawn", _COUNTY), "WITHDRAWN", told="ORIGIN:COUNTY_PSB_HOUSEHOLD:-"),
        _row("DISPUTED", ("ResidenceNoticeReissued", _COUNTY), "SENT", told="ORIGIN:COUNTY_PSB_HOUSEHOLD:NP-RES"),
        _row("ACKNOWLEDGED", ("ResidenceNoticeClosed", "TIMER"), "CLOSED"),
        *(_row(s, _RESTRICT, "RESTRICTED") for s in ("PREPARED", "SENT", "DELIVERED", "ACKNOWLEDGED", "DISPUTED")),
    ),
    "RESIDENCE_PERMIT": (
        _row(None, ("ResidencePermitAccepted", _POLICE), "ACCEPTED", "R-RES-2"),
        _row(None, ("ResidencePermitSupplementRequested", "COMMUNITY_AGENCY"), "AWAITING_APPLICANT"),
        _row("AWAITING_APPLICANT", ("ResidencePermitAccepted", _POLICE), "ACCEPTED", "R-RES-2"),
        _row("AWAITING_APPLICANT", ("ResidencePermitRefused", _COUNTY), "REFUSED"),
        _row("ACCEPTED", ("ResidencePermitSigned", _COUNTY), "SIGNED", "R-RES-2"),
        _row("ACCEPTED", ("ResidencePermitRefused", _COUNTY), "REFUSED"),
        _row("SIGNED", ("ResidencePermitIssued", "COMMUNITY_AGENCY"), "ACTIVE", "R-RES-4 R-RES-5"),
        _row("ACTIVE", ("ResidencePermitEndorsed", _POLICE, {}, "2027-02-10"), "ACTIVE", "R-RES-4 R-RES-5"),
        _row(
            "ACTIVE",
            ("ResidencePermitSuspended", "TIMER", {}, "2027-03-03"),
            "SUSPENDED",
            told="DESTINATION:POLICE_STATION:-",
        ),
        _row("SUSPENDED", ("ResidencePermitReinstated", _POLICE, {}, "2027-06-01"), "ACTIVE", "R-RES-4 R-RES-5"),
        _row("ACTIVE", ("ResidencePermitAddressChanged", f"{_POLICE}@440103"), "ACTIVE", "R-RES-4 R-RES-5"),
        _row("ACTIVE", ("ResidencePermitReplaced", _POLICE), "ACTIVE", "R-RES-4 R-RES-5"),
        _row("SUSPENDED", ("ResidencePermitReplaced", _POLICE), "SUSPENDED"),
        _row("ACTIVE", ("ResidencePermitCancelled", _POLICE), "CANCELLED"),
        _row("SUSPENDED", ("ResidencePermitCancelled", _POLICE), "CANCELLED"),
        _row("ACTIVE", ("ResidencePermitCancelled", _COUNTY, _FRAUD), "CANCELLED"),
        _row("SUSPENDED", ("ResidencePermitCancelled", _COUNTY, _FRAUD), "CANCELLED"),
        _row(
            "ACTIVE",
            ("ResidencePermitHistoryReleased", _COUNTY),
            "ACTIVE",
            "R-RES-4 R-RES-5",
            "NEW_CITY:COUNTY_PSB_HOUSEHOLD:NP-RP-HISTORY",
            "COUNTY_PSB_HOUSEHOLD@430102",
        ),
        _row(
            "SUSPENDED",
            ("ResidencePermitHistoryReleased", _COUNTY),
            "SUSPENDED",
            told="NEW_CITY:COUNTY_PSB_HOUSEHOLD:NP-RP-HISTORY",
            names="COUNTY_PSB_HOUSEHOLD@430102",
        ),
        *(
            _row(s, _RESTRICT, "RESTRICTED")
            for s in ("AWAITING_APPLICANT", "ACCEPTED", "SIGNED", "ACTIVE", "SUSPENDED")
        ),
    ),
    "CORRECTION_TRANSFER": (
        _row(None, ("TransferRequested", "JUDICIAL_OFFICE"), "REQUESTED", "R-COR-2", "SENDING:COUNTY_CORRECTION:-"),
        _row(
            "REQUESTED",
            ("OpinionAsked", _SENDING),
            "OPINION_ASKED",
            "R-COR-3",
            "RECEIVING:COUNTY_CORRECTION:NP-COR-ASK",
        ),
        *(
            _row(
                "OPINION_ASKED",
                ("OpinionGiven", _RECEIVING, {"opinion": opinion}),
                "OPINION_GIVEN",
                told="SENDING:COUNTY_CORRECTION:NP-COR-OPINION",
            )
            for opinion in ("AGREE", "DISAGREE")
        ),
        _row(
            "OPINION_GIVEN",
            ("CoordinationRequested", _SENDING),
            "COORDINATING",
            told="SENDING:SUPERIOR_CORRECTION:NP-COR-OPINION",
        ),
        _row(
            "COORDINATING",
            ("CoordinationResult", "SUPERIOR_CORRECTION"),
            "OPINION_GIVEN",
            told="SENDING:COUNTY_CORRECTION:- RECEIVING:COUNTY_CORRECTION:-",
        ),
        _row(
            "OPINION_GIVEN",
            ("TransferDecided", _SENDING),
            "DECIDED",
            "R-COR-5",
            "SENDING:COURT:NP-COR-COPY SENDING:PRISON:NP-COR-COPY SENDING:PROCURATORATE:NP-COR-COPY "
            "SENDING:COUNTY_PSB:NP-COR-COPY RECEIVING:COUNTY_CORRECTION:-",
        ),
        _row(
            "OPINION_GIVEN",
            ("TransferDecided", _SENDING, _STAY),
            "STAYED",
            told="SENDING:JUDICIAL_OFFICE:NP-COR-OPINION RECEIVING:COUNTY_CORRECTION:-",
        ),
        *(
            _row(
                source,
                ("DecisionServed", _SENDING),
                source.removesuffix("_unserved").upper(),
                running,
                "RECEIVING:COUNTY_CORRECTION:-",
            )
            for source, running in (
                ("DECIDED", "R-COR-5 R-COR-7"),
                ("file_sent_unserved", "R-COR-6 R-COR-7"),
                ("file_held_unserved", "R-COR-7"),
            )
        ),
        _row("DECIDED", ("FileSent", _SENDING), "FILE_SENT", "R-COR-6", "RECEIVING:COUNTY_CORRECTION:NP-COR-FILE"),
        _row(
            "reported_without_file",
            ("FileSent", _SENDING),
            "REPORTED",
            "R-COR-6",
            "RECEIVING:COUNTY_CORRECTION:NP-COR-FILE",
        ),
        _row(
            "FILE_HELD",
            ("FileSent", _SENDING, _MORE),
            "FILE_HELD",
            "R-COR-6 R-COR-7",
            "RECEIVING:COUNTY_CORRECTION:NP-COR-FILE",
        ),
        _row(
            "REPORTED",
            ("FileSent", _SENDING, _MORE),
            "REPORTED",
            "R-COR-6",
            "RECEIVING:COUNTY_CORRECTION:NP-COR-FILE",
        ),
        *(
            _row(
                source,
                ("FileAcknowledged", _RECEIVING),
                target,
                running,
                "SENDING:COUNTY_CORRECTION:- RECEIVING:PROCURATORATE:NP-COR-COPY RECEIVING:COUNTY_PSB:NP-COR-COPY",
            )
            for source, target, running in (
                ("FILE_SENT", "FILE_HELD", "R-COR-7"),
                ("reported_on_the_way", "REPORTED", ""),
            )
        ),
        _row(
            "file_held_supplemented",
            ("FileAcknowledged", _RECEIVING, _MORE),
            "FILE_HELD",
            "R-COR-7",
            "SENDING:COUNTY_CORRECTION:-",
        ),
        _row(
            "reported_supplemented",
            ("FileAcknowledged", _RECEIVING, _MORE),
            "REPORTED",
            told="SENDING:COUNTY_CORRECTION:-",
        ),
        *(
            _row(
                source,
                ("ReportedIn", _RECEIVING),
                "REPORTED",
                running,
                "SENDING:COUNTY_CORRECTION:NP-COR-STATUS",
            )
            for source, running in (
                ("DECIDED", "R-COR-5"),
                ("FILE_SENT", "R-COR-6"),
                ("FILE_HELD", ""),
                ("NOT_REPORTED", ""),
            )
        ),
        _row("REPORTED", ("CaseReceived", _RECEIVING), "RECEIVED", told="SENDING:COUNTY_CORRECTION:NP-COR-STATUS"),
        _row(
            "FILE_HELD",
            ("NotReported", _RECEIVING, {}, "2026-03-20"),
            "NOT_REPORTED",
            told="SENDING:COUNTY_CORRECTION:NP-COR-STATUS",
        ),
        _row("NOT_REPORTED", ("CaseReturned", _SENDING), "RETURNED", told="RECEIVING:COUNTY_CORRECTION:-"),
        _row("REQUESTED", ("TransferWithdrawn", "JUDICIAL_OFFICE"), "WITHDRAWN", told="SENDING:COUNTY_CORRECTION:-"),
        *(
            _row(
                source,
                ("TransferWithdrawn", "JUDICIAL_OFFICE"),
                "WITHDRAWN",
                told="SENDING:COUNTY_CORRECTION:- RECEIVING:COUNTY_CORRECTION:-",
            )
            for source in ("OPINION_ASKED", "OPINION_GIVEN", "COORDINATING", "DECIDED")
        ),
        *(_row(source, _RESTRICT, "RESTRICTED") for source in CORRECTION if source is not None and source.isupper()),
    ),
    **CASE_ROWS,
    **ORDER_ROWS,
    **CLEARANCE_ROWS,
    "HOUSEHOLD_MOVE": rows_of_household_moves.ROWS,
    "WORK_PERMIT": rows_of_work_permits.ROWS,
    **rows_of_regional_matters.ROWS,
}
ALL_PATHS: Mapping[str, Paths] = {
    **PATHS,
    "CORRECTION_TRANSFER": CORRECTION,
    **CASE_PATHS,
    **ORDER_PATHS,
    **CLEARANCE_PATHS,
    "HOUSEHOLD_MOVE": rows_of_household_moves.PATHS,
    "WORK_PERMIT": rows_of_work_permits.PATHS,
    **rows_of_regional_matters.PATHS,
}


ROW_PROCEDURES = tuple(ROWS)


def _at(procedure: str, source: str | None) -> Scene:
    return at(procedure, ALL_PATHS[procedure][source])


CASES = [(procedure, row) for procedure in ROW_PROCEDURES for row in ROWS[procedure]]


@pytest.mark.parametrize(
    ("procedure", "row"), CASES, ids=[f"{p}-{r.source}-{r.step[0]}-{r.target}-{n}" for n, (p, r) in enumerate(CASES)]
)
def test_a_row_leads_where_the_table_says_and_tells_whom_the_table_says(procedure: str, row: Row) -> None:
    scene = _at(procedure, row.source)

    perform(scene, row)

    assert scene.matter is not None
    assert scene.last is not None
    assert scene.matter.state == row.target
    assert {duty.rule for duty in scene.matter.duties} == row.running
    assert {f"{n.side}:{n.office}:{n.profile or '-'}" for n in scene.last.notify} == row.told


def test_every_procedure_that_offices_carry_out_has_a_table() -> None:
    assert {p.id for p in load_procedures().values() if p.kind != "hub"} == set(ROW_PROCEDURES)


@pytest.mark.parametrize("procedure", ROW_PROCEDURES)
def test_no_row_of_a_procedure_is_missing_from_the_tables(procedure: str) -> None:
    taken = set()
    for row in ROWS[procedure]:
        scene = _at(procedure, row.source)
        perform(scene, row)
        assert scene.last is not None
        taken.add((scene.last.row, scene.last.source))

    assert taken == {(row.row, row.source) for row in load_procedures()[procedure, 1].transitions}


FINAL_STEPS: Mapping[str, tuple[Any, ...]] = {
    procedure: tuple(row for row in ROWS[procedure] if load_procedures()[procedure, 1].states[row.target].is_final)
    for procedure in ROW_PROCEDURES
}


@pytest.mark.parametrize("procedure", ROW_PROCEDURES)
def test_a_final_state_has_no_open_duty(procedure: str) -> None:
    for row in FINAL_STEPS[procedure]:
        scene = _at(procedure, row.source)
        perform(scene, row)

        assert scene.matter is not None
        assert scene.matter.duties == (), row
