"""Each guard lets its good case enter and refuses its bad one under its own name (DOMAIN 6, column guard)."""

from collections.abc import Mapping
from typing import Any

import pytest

from contracts.errors import ExchangeError, RuleError
from contracts.guard import KINDS, load_guards
from tests.unit.procedures import guards_of_moves_and_permits
from tests.unit.procedures import scene as stage
from tests.unit.procedures.case_guards import CASE_BAD, CONTENT_BAD
from tests.unit.procedures.clearance_rows import CLEARANCE_BAD
from tests.unit.procedures.order_rows import ORDER_BAD
from tests.unit.procedures.scene import LIST, Scene, Step

PERMIT: tuple[Step, ...] = (
    ("ResidencePermitAccepted", "POLICE_STATION"),
    ("ResidencePermitSigned", "COUNTY_PSB_HOUSEHOLD"),
    ("ResidencePermitIssued", "POLICE_STATION"),
)
SUSPENDED: tuple[Step, ...] = (*PERMIT, ("ResidencePermitSuspended", "TIMER", {}, "2027-03-03"))
ASKED: tuple[Step, ...] = (("TransferRequested", "JUDICIAL_OFFICE"), ("OpinionAsked", "COUNTY_CORRECTION"))
GIVEN: tuple[Step, ...] = (*ASKED, ("OpinionGiven", "COUNTY_CORRECTION@away"))
DECIDED: tuple[Step, ...] = (*GIVEN, ("TransferDecided", "COUNTY_CORRECTION"))
SERVED: tuple[Step, ...] = (*DECIDED, ("DecisionServed", "COUNTY_CORRECTION"))
SENT: tuple[Step, ...] = (*SERVED, ("FileSent", "COUNTY_CORRECTION"))
HELD: tuple[Step, ...] = (*SENT, ("FileAcknowledged", "COUNTY_CORRECTION@away"))
REGISTERED: tuple[Step, ...] = (("RegistrationDeclared", "POLICE_STATION"), ("RegistrationRecorded", "POLICE_STATION"))
CODES = {
    "reasons_given": "REASONS_MISSING",
    "origin_receives_notices": "PROFILE_REFUSED",
    "competent_office": "OFFICE_NOT_COMPETENT",
}
DELIVERABLE: tuple[Step, ...] = (
    ("ResidenceNoticePrepared", "COUNTY_PSB_HOUSEHOLD"),
    ("ResidenceNoticeSent", "COUNTY_PSB_HOUSEHOLD"),
)


def refusal(
    procedure: str, before: tuple[Step, ...], event: str, actor: str, body: Mapping[str, Any], **changes: Any
) -> ExchangeError:
    """The error when an event is to follow some steps."""
    scene = Scene.of(procedure)
    for step in before:
        scene.step(step)
    scene.day = changes.pop("day", scene.day)
    scene.away = changes.pop("away", scene.away)
    if "names" in changes:
        changes |= scene.names(changes.pop("names"))
    with pytest.raises(RuleError) as caught:
        scene.happen(event, actor, body, **changes)
    return caught.value


BAD: tuple[tuple[str, str, tuple[Step, ...], str, str, dict[str, Any], dict[str, Any]], ...] = (
    (
        "origin_receives_notices",
        "RESIDENCE_NOTIFICATION",
        (),
        "ResidenceNoticePrepared",
        "COUNTY_PSB_HOUSEHOLD",
        {},
        {"away": "820000"},
    ),
    ("notice_shown", "RESIDENCE", (), "RegistrationDeclared", "POLICE_STATION", {"notice_id": bytes(16)}, {}),
    (
        "identity_form_valid",
        "RESIDENCE",
        REGISTERED[:1],
        "RegistrationRecorded",
        "POLICE_STATION",
        {"identity_form_valid": False},
        {},
    ),
    (
        "registered_not_later",
        "RESIDENCE",
        REGISTERED[:1],
        "RegistrationRecorded",
        "POLICE_STATION",
        {"registered_on": "2026-03-03"},
        {},
    ),
    (
        "registered_not_later",
        "RESIDENCE",
        REGISTERED[:1],
        "RegistrationRecorded",
        "POLICE_STATION",
        {"registered_on": "2026-02-30"},
        {},
    ),
    (
        "registered_not_later",
        "RESIDENCE",
        REGISTERED[:1],
        "RegistrationRecorded",
        "POLICE_STATION",
        {"registered_on": "9999-12-31"},
        {},
    ),
    ("missing_listed", "RESIDENCE", REGISTERED[:1], "RegistrationRejected", "POLICE_STATION", {"missing": []}, {}),
    (
        "evidence_checked",
        "RESIDENCE",
        REGISTERED,
        "RegistrationCorrected",
        "POLICE_STATION",
        {"evidence_checked": False},
        {},
    ),
    ("named_official", "RESIDENCE", REGISTERED, "MatterRestricted", "PI_OFFICER", {"official": bytes(16)}, {}),
    (
        "delivery_verified",
        "RESIDENCE_NOTIFICATION",
        DELIVERABLE,
        "ResidenceNoticeDelivered",
        "COUNTY_PSB_HOUSEHOLD@away",
        {"verified": False},
        {},
    ),
    (
        "origin_elsewhere",
        "RESIDENCE_NOTIFICATION",
        (),
        "ResidenceNoticePrepared",
        "COUNTY_PSB_HOUSEHOLD",
        {},
        {"away": "440305"},
    ),
    (
        "half_year_registered",
        "RESIDENCE_PERMIT",
        (),
        "ResidencePermitAccepted",
        "POLICE_STATION",
        {"registered_on": "2025-09-03"},
        {},
    ),
    (
        "missing_given",
        "RESIDENCE_PERMIT",
        (),
        "ResidencePermitSupplementRequested",
        "POLICE_STATION",
        {"missing": []},
        {},
    ),
    (
        "review_told",
        "RESIDENCE_PERMIT",
        PERMIT[:1],
        "ResidencePermitRefused",
        "COUNTY_PSB_HOUSEHOLD",
        {"review_told": False},
        {},
    ),
    (
        "year_from_not_later",
        "RESIDENCE_PERMIT",
        PERMIT[:2],
        "ResidencePermitIssued",
        "POLICE_STATION",
        {"year_from": "2026-03-03"},
        {},
    ),
    (
        "month_before_full_year",
        "RESIDENCE_PERMIT",
        PERMIT,
        "ResidencePermitEndorsed",
        "POLICE_STATION",
        {},
        {"day": "2027-02-01"},
    ),
    (
        "month_before_full_year",
        "RESIDENCE_PERMIT",
        PERMIT,
        "ResidencePermitEndorsed",
        "POLICE_STATION",
        {},
        {"day": "2027-03-03"},
    ),
    (
        "next_year_follows",
        "RESIDENCE_PERMIT",
        PERMIT,
        "ResidencePermitEndorsed",
        "POLICE_STATION",
        {"year_from": "2027-02-20"},
        {"day": "2027-02-20"},
    ),
    (
        "full_year_is_right",
        "RESIDENCE_PERMIT",
        PERMIT,
        "ResidencePermitSuspended",
        "TIMER",
        {"full_year_on": "2027-03-01"},
        {"day": "2027-03-03"},
    ),
    ("full_year_passed", "RESIDENCE_PERMIT", PERMIT, "ResidencePermitSuspended", "TIMER", {}, {"day": "2027-03-02"}),
    (
        "first_reminder_sent",
        "RESIDENCE_PERMIT",
        PERMIT,
        "ResidencePermitSuspended",
        "TIMER",
        {"first_reminder_on": "2027-02-01"},
        {"day": "2027-03-03"},
    ),
    (
        "second_reminder_sent",
        "RESIDENCE_PERMIT",
        PERMIT,
        "ResidencePermitSuspended",
        "TIMER",
        {"second_reminder_on": "2027-02-24"},
        {"day": "2027-03-03"},
    ),
    (
        "counted_from_today",
        "RESIDENCE_PERMIT",
        SUSPENDED,
        "ResidencePermitReinstated",
        "POLICE_STATION",
        {"residence_counted_from": "2027-05-31"},
        {"day": "2027-06-01"},
    ),
    (
        "same_city",
        "RESIDENCE_PERMIT",
        PERMIT,
        "ResidencePermitAddressChanged",
        "POLICE_STATION@440305",
        {"division": "440305000000"},
        {},
    ),
    (
        "appeal_told",
        "RESIDENCE_PERMIT",
        PERMIT,
        "ResidencePermitCancelled",
        "COUNTY_PSB_HOUSEHOLD",
        {"reason": "OBTAINED_BY_FRAUD", "official": LIST[1:17], "appeal_told": None},
        {},
    ),
    ("counterpart_named", "RESIDENCE_PERMIT", PERMIT, "ResidencePermitHistoryReleased", "COUNTY_PSB_HOUSEHOLD", {}, {}),
    ("papers_given", "CORRECTION_TRANSFER", (), "TransferRequested", "JUDICIAL_OFFICE", {"papers": []}, {}),
    (
        "reasons_given",
        "CORRECTION_TRANSFER",
        ASKED,
        "OpinionGiven",
        "COUNTY_CORRECTION@away",
        {"opinion": "DISAGREE"},
        {"sealed": ()},
    ),
    (
        "reasons_given",
        "CORRECTION_TRANSFER",
        GIVEN,
        "TransferDecided",
        "COUNTY_CORRECTION",
        {"decision": "STAY", "told_on": "2026-03-02"},
        {"sealed": ()},
    ),
    ("disagreement_stands", "CORRECTION_TRANSFER", GIVEN, "CoordinationRequested", "COUNTY_CORRECTION", {}, {}),
    (
        "complaint_way_told",
        "CORRECTION_TRANSFER",
        GIVEN,
        "TransferDecided",
        "COUNTY_CORRECTION",
        {"complaint_way_told": False},
        {},
    ),
    ("refusal_told", "CORRECTION_TRANSFER", GIVEN, "TransferDecided", "COUNTY_CORRECTION", {"decision": "STAY"}, {}),
    ("not_served_before", "CORRECTION_TRANSFER", SERVED, "DecisionServed", "COUNTY_CORRECTION", {}, {}),
    (
        "consequences_told",
        "CORRECTION_TRANSFER",
        DECIDED,
        "DecisionServed",
        "COUNTY_CORRECTION",
        {"consequences_told": False},
        {},
    ),
    (
        "served_not_later",
        "CORRECTION_TRANSFER",
        DECIDED,
        "DecisionServed",
        "COUNTY_CORRECTION",
        {"served_on": "2026-03-03"},
        {},
    ),
    ("travel_is_short", "CORRECTION_TRANSFER", DECIDED, "DecisionServed", "COUNTY_CORRECTION", {"travel_days": 32}, {}),
    ("travel_is_short", "CORRECTION_TRANSFER", DECIDED, "DecisionServed", "COUNTY_CORRECTION", {"travel_days": -1}, {}),
    (
        "documents_complete",
        "CORRECTION_TRANSFER",
        DECIDED,
        "FileSent",
        "COUNTY_CORRECTION",
        {"documents_complete": False},
        {},
    ),
    (
        "hash_list_agrees",
        "CORRECTION_TRANSFER",
        SENT,
        "FileAcknowledged",
        "COUNTY_CORRECTION@away",
        {"hash_list": bytes(32)},
        {},
    ),
    (
        "identity_checked",
        "CORRECTION_TRANSFER",
        SENT,
        "ReportedIn",
        "COUNTY_CORRECTION@away",
        {"identity_checked": False},
        {},
    ),
    (
        "file_held",
        "CORRECTION_TRANSFER",
        (*SERVED, ("ReportedIn", "COUNTY_CORRECTION@away")),
        "CaseReceived",
        "COUNTY_CORRECTION@away",
        {},
        {},
    ),
    (
        "file_not_held",
        "CORRECTION_TRANSFER",
        (*HELD, ("ReportedIn", "COUNTY_CORRECTION@away")),
        "FileSent",
        "COUNTY_CORRECTION",
        {},
        {},
    ),
    (
        "reporting_time_passed",
        "CORRECTION_TRANSFER",
        HELD,
        "NotReported",
        "COUNTY_CORRECTION@away",
        {},
        {"day": "2026-03-11"},
    ),
    (
        "reporting_time_passed",
        "CORRECTION_TRANSFER",
        (*DECIDED, ("FileSent", "COUNTY_CORRECTION"), ("FileAcknowledged", "COUNTY_CORRECTION@away")),
        "NotReported",
        "COUNTY_CORRECTION@away",
        {},
        {"day": "2026-12-31"},
    ),
    *CASE_BAD,
    *ORDER_BAD,
    *CLEARANCE_BAD,
    *guards_of_moves_and_permits.BAD,
)


@pytest.mark.parametrize(
    ("guard", "procedure", "before", "event", "actor", "body", "changes"),
    BAD,
    ids=[f"{row[0]}-{n}" for n, row in enumerate(BAD)],
)
def test_a_guard_refuses_under_its_name(
    guard: str,
    procedure: str,
    before: tuple[Step, ...],
    event: str,
    actor: str,
    body: dict[str, Any],
    changes: dict[str, Any],
) -> None:
    error = refusal(procedure, before, event, actor, body, **changes)

    assert error.rule == guard
    assert error.code == CODES.get(guard, "GUARD_FAILED")


def test_every_guard_but_those_of_the_directory_has_a_refusing_case() -> None:
    tried = {row[0] for row in (*BAD, *CONTENT_BAD)}
    elsewhere = {
        "division_here",
        "counterpart_known_if_notified",
        "county_is_real",
        "holders_are_all",
        "holders_are_asked",
        "same_office",
        "same_key",
        "same_mandate",
        "same_edition",
        "effective_not_earlier",
        "retired_not_earlier",
        "same_basis",
        "approver_itself",
    }

    assert set(load_guards()) - tried == elsewhere
    assert {guard.kind for guard in load_guards().values()} == set(KINDS)


@pytest.mark.parametrize(
    ("division", "code"),
    [
        ("430102001000", "DIVISION_TOO_FINE"),
        ("430199000000", "DIVISION_UNKNOWN"),
        ("430000000000", "DIVISION_NOT_A_PLACE"),
    ],
)
def test_a_county_that_is_named_elsewhere_is_a_real_one(division: str, code: str) -> None:
    notified = (("ReleaseNotified", "PRISON"),)
    error = refusal(
        "RESETTLEMENT_HANDOVER", notified, "HomeReferred", "COUNTY_RESETTLEMENT@away", {"division": division}
    )

    assert (error.code, error.rule, error.field) == (code, "county_is_real", "division")


@pytest.mark.parametrize(
    ("division", "code"),
    [
        ("440106018000", "DIVISION_TOO_FINE"),
        ("440199000000", "DIVISION_UNKNOWN"),
        ("440100000000", "DIVISION_NOT_A_PLACE"),
        ("440000000000", "DIVISION_NOT_A_PLACE"),
        ("469000000000", "DIVISION_NOT_A_PLACE"),
        ("450103000000", "GUARD_FAILED"),
    ],
)
def test_a_division_is_a_county_of_the_region_and_no_finer(division: str, code: str) -> None:
    error = refusal("RESIDENCE", (), "RegistrationDeclared", "POLICE_STATION", {"division": division})

    assert (error.code, error.rule, error.field) == (code, "division_here", "division")


def test_a_city_without_counties_stands_for_its_county() -> None:
    scene = Scene.of("RESIDENCE")

    assert scene.happen("RegistrationDeclared", "POLICE_STATION", {"division": "441900000000"}).state == "DECLARED"


def test_counties_directly_under_a_province_are_cities_of_their_own() -> None:
    scene = Scene.of("RESIDENCE_PERMIT")
    scene.home = "469005"
    for event, actor in (step[:2] for step in PERMIT):
        scene.happen(event, actor, {"division": "469005000000"} if "Accepted" in event else None)

    with pytest.raises(RuleError) as caught:
        scene.happen("ResidencePermitAddressChanged", "POLICE_STATION@469006", {"division": "469006000000"})
    matter = scene.happen("ResidencePermitAddressChanged", "POLICE_STATION", {"division": "469005000000"})

    assert caught.value.rule == "same_city"
    assert matter.state == "ACTIVE"


def test_consent_is_not_given_in_the_future() -> None:
    scene = Scene.of("RESIDENCE_PERMIT")
    for step in PERMIT:
        scene.step(step)

    with pytest.raises(RuleError) as caught:
        scene.happen(
            "ResidencePermitHistoryReleased",
            "COUNTY_PSB_HOUSEHOLD",
            {"consent_on": "2026-03-03"},
            **scene.names("COUNTY_PSB_HOUSEHOLD@430102"),
        )

    assert caught.value.rule == "consent_not_later"


@pytest.mark.parametrize("was_sent", [True, False])
def test_a_correction_for_the_origin_needs_to_know_the_origin(was_sent: bool) -> None:
    scene = Scene.of("RESIDENCE")
    scene.happen("RegistrationDeclared", "POLICE_STATION", None, counterpart_region="45", sealed=())
    scene.happen("RegistrationRecorded", "POLICE_STATION")

    if was_sent:
        with pytest.raises(RuleError) as caught:
            scene.happen("RegistrationCorrected", "POLICE_STATION", {"notice_was_sent": True})
        assert caught.value.rule == "counterpart_known_if_notified"
    else:
        corrected = scene.happen("RegistrationCorrected", "POLICE_STATION", {"notice_was_sent": False})
        assert corrected.state == "REGISTERED"


def test_the_last_day_of_a_limit_still_counts() -> None:
    """Served on 2 March, two days of travel, seven days: 11 March is in time, 12 March is late."""
    scene = Scene.of("CORRECTION_TRANSFER")
    for step in HELD:
        scene.step(step)
    scene.day = "2026-03-12"

    assert scene.happen("NotReported", "COUNTY_CORRECTION@away").state == "NOT_REPORTED"


@pytest.mark.parametrize(
    ("opens", "closes", "field", "guard"),
    [
        ("OfficeRegistered", "OfficeClosed", "office", "same_office"),
        ("KeyRegistered", "KeyRevoked", "key_id", "same_key"),
        ("MandateGranted", "MandateRevoked", "mandate", "same_mandate"),
        ("CrossBorderBasisRegistered", "CrossBorderBasisRevoked", "basis", "same_basis"),
    ],
)
def test_an_object_of_the_directory_ends_in_its_own_stream(opens: str, closes: str, field: str, guard: str) -> None:
    bodies = {opens: {field: b"12345678"}, closes: {field: b"12345678"}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "BODIES", bodies)
        scene = Scene.of("DIRECTORY")
        scene.happen(opens, "TIMER")
        with pytest.raises(RuleError) as caught:
            scene.happen(closes, "TIMER", {field: b"87654321"})
        matter = scene.happen(closes, "TIMER")

    assert caught.value.rule == guard
    assert scene.procedure.states[matter.state].is_final
