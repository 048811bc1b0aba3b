"""`advance` applies what follows in a stream, from the offices that may, and binds its sides once (DOMAIN 6)."""

import pickle

import pytest

from contracts.errors import AccessError, ConflictError, ExchangeError, RuleError
from contracts.event import SealedRef
from contracts.ids import Hash, OfficeId, RegionCode
from contracts.procedure import load_procedures
from hub.duty import duty_due
from hub.matter import Party, TransitionError, advance, match_row
from tests.unit.procedures.scene import BODIES, ID, ZERO, Scene, noon

COUNTY = "COUNTY_PSB_HOUSEHOLD"


def prepared() -> Scene:
    scene = Scene.of("RESIDENCE_NOTIFICATION")
    scene.happen("ResidenceNoticePrepared", COUNTY)
    return scene


def requested() -> Scene:
    scene = Scene.of("CORRECTION_TRANSFER")
    scene.happen("TransferRequested", "JUDICIAL_OFFICE")
    return scene


def registered() -> Scene:
    scene = Scene.of("RESIDENCE")
    scene.happen("RegistrationDeclared", "POLICE_STATION")
    scene.happen("RegistrationRecorded", "POLICE_STATION")
    return scene


def refused(scene: Scene, event: str, actor: str, **changes: object) -> ExchangeError:
    before = scene.matter
    with pytest.raises(ExchangeError) as caught:
        scene.happen(event, actor, None, **changes)
    assert scene.matter is before
    return caught.value


def test_the_first_event_binds_both_sides() -> None:
    scene = prepared()

    matter = scene.matter
    assert matter is not None
    assert matter.stream_id == ID
    assert (matter.next_seq, matter.head, matter.opened_at) == (1, bytes((1,)) * 32, noon("2026-03-02"))
    assert matter.regions == (("DESTINATION", "44"), ("ORIGIN", "45"))
    assert matter.counties == (("DESTINATION", "440106"), ("ORIGIN", "450103"))
    assert matter.parties == (
        Party("DESTINATION", COUNTY, matter.opened_region, scene.office(COUNTY)),
        Party("ORIGIN", COUNTY, matter.regions[1][1], scene.office(f"{COUNTY}@away")),
    )
    assert matter.region_of("ORIGIN") == "45"
    assert matter.region_of("NOBODY") is None
    assert matter.office_of("ORIGIN", COUNTY) == scene.office(f"{COUNTY}@away")
    assert matter.office_of("ORIGIN", "COURT") is None


@pytest.mark.parametrize("changes", [{"stream_seq": 1}, {"prev_hash": Hash(b"x" * 32)}])
def test_a_first_event_stands_at_zero_after_zeros(changes: dict[str, object]) -> None:
    error = refused(Scene.of("RESIDENCE"), "RegistrationDeclared", "POLICE_STATION", **changes)

    assert isinstance(error, ConflictError)
    assert error.code == "POSITION_CONFLICT"


@pytest.mark.parametrize("changes", [{"stream_seq": 0}, {"stream_seq": 2}, {"prev_hash": ZERO}])
def test_a_later_event_follows_the_last_one(changes: dict[str, object]) -> None:
    assert refused(prepared(), "ResidenceNoticeSent", COUNTY, **changes).code == "POSITION_CONFLICT"


def test_an_event_that_the_procedure_does_not_know_is_refused() -> None:
    assert refused(prepared(), "RegistrationRecorded", COUNTY).code == "EVENT_NOT_OF_PROCEDURE"


def test_a_stream_stays_with_its_procedure() -> None:
    scene = prepared()
    scene.procedure = load_procedures()["RESIDENCE", 1]
    header = scene.header("MatterRestricted", "PI_OFFICER")

    with pytest.raises(RuleError) as caught:
        advance(scene.procedure, scene.matter, header, BODIES["MatterRestricted"], scene.directory, ZERO)

    assert caught.value.code == "EVENT_NOT_OF_PROCEDURE"


def test_a_refused_transition_names_the_state_and_the_states_that_would_allow_it() -> None:
    error = refused(prepared(), "ResidenceNoticeAcknowledged", f"{COUNTY}@away")

    assert isinstance(error, TransitionError)
    assert (error.code, error.state, error.event_type) == (
        "TRANSITION_FORBIDDEN",
        "PREPARED",
        "ResidenceNoticeAcknowledged",
    )
    assert [row.source for row in error.nearest] == ["DELIVERED"]
    assert "from PREPARED; it is from DELIVERED" in error.message
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.state, copy.event_type) == (error.state, error.event_type)


def test_a_matter_that_has_not_begun_begins_with_a_row_that_starts_one() -> None:
    error = refused(Scene.of("RESIDENCE_NOTIFICATION"), "ResidenceNoticeSent", COUNTY)

    assert isinstance(error, TransitionError)
    assert error.state is None


def test_a_body_that_no_row_expects_is_refused() -> None:
    scene = requested()
    scene.happen("OpinionAsked", "COUNTY_CORRECTION")
    header = scene.header("OpinionGiven", "COUNTY_CORRECTION@away")

    with pytest.raises(TransitionError) as caught:
        match_row(scene.procedure, scene.matter, header, {"opinion": "MAYBE"}, scene.directory)

    assert "with opinion MAYBE" in caught.value.message


@pytest.mark.parametrize(
    ("event", "actor"),
    [
        ("OpinionAsked", "COUNTY_CORRECTION@away"),  # the other side
        ("OpinionAsked", "COUNTY_CORRECTION@430102"),  # a region that has no part
        ("OpinionAsked", "COUNTY_CORRECTION@440305"),  # the right region, another county
        ("OpinionAsked", "JUDICIAL_OFFICE"),  # the right county, another type
        ("OpinionAsked", "TIMER"),
        ("TransferWithdrawn", "JUDICIAL_OFFICE@440305"),
        ("MatterRestricted", "PI_OFFICER@430102"),
        ("MatterRestricted", "COUNTY_CORRECTION"),
    ],
)
def test_who_has_no_part_may_not_act(event: str, actor: str) -> None:
    error = refused(requested(), event, actor)

    assert error.code in ("ACTOR_FORBIDDEN", "OFFICE_UNKNOWN")
    assert isinstance(error, AccessError | RuleError)


@pytest.mark.parametrize("actor", ["PI_OFFICER", "RIGHTS_DESK", "PI_OFFICER@away", "RIGHTS_DESK@440305"])
def test_either_side_may_restrict_and_is_not_bound_by_it(actor: str) -> None:
    scene = requested()
    assert scene.matter is not None
    parties = scene.matter.parties

    matter = scene.happen("MatterRestricted", actor)

    assert matter.state == "RESTRICTED"
    assert matter.parties == parties


def test_an_office_that_does_not_exist_or_lies_about_its_region_is_refused() -> None:
    assert (
        refused(requested(), "OpinionAsked", "COUNTY_CORRECTION", producer_office="ozzzzzzzz").code == "OFFICE_UNKNOWN"
    )
    assert refused(requested(), "OpinionAsked", "COUNTY_CORRECTION", producer_region="45").code == "OFFICE_UNKNOWN"


def test_a_second_office_of_a_bound_type_may_not_act() -> None:
    scene = requested()
    scene.happen("OpinionAsked", "COUNTY_CORRECTION")
    second = scene.directory.add("JUDICIAL_OFFICE", scene.home, name="SECOND")

    error = refused(scene, "TransferWithdrawn", "SECOND")

    assert error.code == "ACTOR_FORBIDDEN"
    assert second != scene.office("JUDICIAL_OFFICE")


def test_an_office_that_closed_may_be_followed_by_another_of_its_type_in_the_county() -> None:
    scene = requested()
    scene.directory.close(scene.office("JUDICIAL_OFFICE"))
    second = scene.directory.add("JUDICIAL_OFFICE", scene.home, name="SECOND")

    matter = scene.happen("TransferWithdrawn", "SECOND")

    assert matter.office_of("SENDING", "JUDICIAL_OFFICE") == second
    assert len([party for party in matter.parties if party.office_type == "JUDICIAL_OFFICE"]) == 1


def test_a_transfer_inside_one_region_keeps_its_two_counties_apart() -> None:
    scene = Scene.of("CORRECTION_TRANSFER")
    scene.away = "440305"
    scene.happen("TransferRequested", "JUDICIAL_OFFICE")
    scene.happen("OpinionAsked", "COUNTY_CORRECTION")

    assert refused(scene, "OpinionGiven", "COUNTY_CORRECTION").code == "ACTOR_FORBIDDEN"
    assert scene.happen("OpinionGiven", "COUNTY_CORRECTION@away").state == "OPINION_GIVEN"


def test_a_superior_office_of_another_county_may_coordinate() -> None:
    scene = requested()
    scene.happen("OpinionAsked", "COUNTY_CORRECTION")
    scene.happen("OpinionGiven", "COUNTY_CORRECTION@away", {"opinion": "DISAGREE"})
    scene.happen("CoordinationRequested", "COUNTY_CORRECTION")

    assert scene.happen("CoordinationResult", "SUPERIOR_CORRECTION@440103").state == "OPINION_GIVEN"


def test_only_the_hub_does_what_time_does() -> None:
    scene = prepared()
    for step in (("ResidenceNoticeSent", COUNTY), ("ResidenceNoticeDelivered", f"{COUNTY}@away")):
        scene.step(step)
    scene.happen("ResidenceNoticeAcknowledged", f"{COUNTY}@away")

    assert refused(scene, "ResidenceNoticeClosed", COUNTY).code == "ACTOR_FORBIDDEN"
    assert scene.happen("ResidenceNoticeClosed", "TIMER").state == "CLOSED"


def test_a_two_sided_matter_needs_the_other_side_from_the_start() -> None:
    scene = Scene.of("RESIDENCE_NOTIFICATION")
    header = scene.header("ResidenceNoticePrepared", COUNTY)
    region_only = header._replace(counterpart_region=RegionCode("45"))

    for incomplete in (header, region_only):
        with pytest.raises(RuleError) as caught:
            advance(scene.procedure, None, incomplete, BODIES["ResidenceNoticePrepared"], scene.directory, ZERO)
        assert caught.value.code == "COUNTERPART_MISSING"


def test_a_suppressed_notice_names_no_other_side() -> None:
    scene = Scene.of("RESIDENCE_NOTIFICATION")

    error = refused(scene, "ResidenceNoticeSuppressed", COUNTY, **scene.names(f"{COUNTY}@away"))
    matter = scene.happen("ResidenceNoticeSuppressed", COUNTY)

    assert error.code == "COUNTERPART_MISMATCH"
    assert matter.regions == (("DESTINATION", "44"),)


def test_the_other_side_is_an_office_of_the_named_type() -> None:
    scene = Scene.of("CORRECTION_TRANSFER")

    error = refused(scene, "TransferRequested", "JUDICIAL_OFFICE", **scene.names("COURT@away"))

    assert error.code == "COUNTERPART_MISMATCH"


def test_a_required_other_side_never_changes() -> None:
    scene = requested()
    elsewhere = scene.names("COUNTY_CORRECTION@430102")
    neighbour = scene.names("COUNTY_CORRECTION@450102")

    assert refused(scene, "OpinionAsked", "COUNTY_CORRECTION", **elsewhere).code == "COUNTERPART_MISMATCH"
    assert refused(scene, "OpinionAsked", "COUNTY_CORRECTION", **neighbour).code == "COUNTERPART_MISMATCH"
    same = scene.happen("OpinionAsked", "COUNTY_CORRECTION", None, **scene.names("COUNTY_CORRECTION@away"))
    assert same.state == "OPINION_ASKED"


def test_the_receiving_side_may_name_the_sending_one_and_nobody_else() -> None:
    scene = requested()
    scene.happen("OpinionAsked", "COUNTY_CORRECTION")

    wrong = refused(scene, "OpinionGiven", "COUNTY_CORRECTION@away", **scene.names("COUNTY_CORRECTION@430102"))
    other = refused(scene, "OpinionGiven", "COUNTY_CORRECTION@away", **scene.names("COURT"))
    matter = scene.happen("OpinionGiven", "COUNTY_CORRECTION@away", None, **scene.names("COUNTY_CORRECTION"))

    assert (wrong.code, other.code) == ("COUNTERPART_MISMATCH", "COUNTERPART_MISMATCH")
    assert matter.state == "OPINION_GIVEN"


def test_an_optional_other_side_is_the_one_named_last() -> None:
    scene = registered()

    matter = scene.happen(
        "RegistrationEnded", "POLICE_STATION", {"reason": "DECEASED"}, **scene.names("POLICE_STATION@430102")
    )

    assert matter.region_of("ORIGIN") == "43"
    assert matter.county_of("ORIGIN") == "430102"
    assert matter.office_of("ORIGIN", COUNTY) is None
    assert matter.office_of("ORIGIN", "POLICE_STATION") == scene.office("POLICE_STATION@430102")


def test_a_second_office_of_the_same_origin_is_bound_beside_the_first() -> None:
    scene = registered()

    matter = scene.happen(
        "RegistrationEnded", "POLICE_STATION", {"reason": "DECEASED"}, **scene.names("POLICE_STATION@away")
    )

    assert matter.office_of("ORIGIN", COUNTY) == scene.office(f"{COUNTY}@away")
    assert matter.office_of("ORIGIN", "POLICE_STATION") == scene.office("POLICE_STATION@away")


def test_a_closed_office_cannot_be_named() -> None:
    scene = registered()
    office = scene.names("POLICE_STATION@away")
    scene.directory.close(office["counterpart_office"])

    error = refused(scene, "RegistrationEnded", "POLICE_STATION", **office)

    assert error.code == "OFFICE_CLOSED"


def test_a_change_of_address_hands_the_matter_to_the_office_of_the_new_place() -> None:
    scene = registered()
    old = scene.office("POLICE_STATION")

    matter = scene.happen("RegistrationAddressChanged", "POLICE_STATION@440305")

    assert matter.county_of("DESTINATION") == "440305"
    assert matter.office_of("DESTINATION", "POLICE_STATION") == scene.office("POLICE_STATION@440305")
    assert old not in [party.office for party in matter.parties]
    assert refused(scene, "RegistrationEnded", "POLICE_STATION").code == "ACTOR_FORBIDDEN"
    assert scene.happen("RegistrationEnded", "POLICE_STATION@440305").state == "ENDED"


def test_whoever_got_content_is_a_holder_once() -> None:
    scene = prepared()
    one, two = OfficeId("o00000091"), OfficeId("o00000092")
    refs = tuple(SealedRef("NP-RES", bytes(32), bytes(32), 1, offices) for offices in ((one,), (one, two)))

    matter = scene.happen("ResidenceNoticeSent", COUNTY, None, sealed=refs)

    assert matter.holders == (one, two)


def test_a_limit_counts_from_the_event_or_from_the_day_its_body_names() -> None:
    scene = requested()
    assert scene.matter is not None
    (asked,) = scene.matter.duties
    assert (asked.rule, asked.side, asked.office_type) == ("R-COR-2", "SENDING", "COUNTY_CORRECTION")
    assert asked.started_ms == noon("2026-03-02")
    scene.happen("OpinionAsked", "COUNTY_CORRECTION")
    scene.happen("OpinionGiven", "COUNTY_CORRECTION@away")
    scene.happen("TransferDecided", "COUNTY_CORRECTION")

    matter = scene.happen("DecisionServed", "COUNTY_CORRECTION", {"served_on": "2026-02-27", "travel_days": 3})

    file, report = matter.duties
    assert (file.rule, report.rule) == ("R-COR-5", "R-COR-7")
    assert report.started_ms == noon("2026-03-02") - 43_200_000
    assert report.started_by == scene.header("x", "COUNTY_CORRECTION").event_id[:15] + b"\x04"


def test_an_open_limit_cannot_be_put_off_by_starting_it_again() -> None:
    scene = Scene.of("RESIDENCE_PERMIT")
    scene.happen("ResidencePermitSupplementRequested", "POLICE_STATION")
    first = scene.happen("ResidencePermitAccepted", "POLICE_STATION")
    row = scene.last
    assert row is not None
    again = first._replace(state="AWAITING_APPLICANT")
    scene.matter, scene.day = again, "2026-03-09"

    matter = scene.happen("ResidencePermitAccepted", "POLICE_STATION")

    assert matter.duties == first.duties


def test_retention_is_the_procedures_own_limit() -> None:
    scene = prepared()
    scene.happen("ResidenceNoticeSent", COUNTY)
    scene.happen("ResidenceNoticeDelivered", f"{COUNTY}@away")
    (acknowledge,) = scene.matter.duties if scene.matter else ()
    (retention,) = scene.happen("ResidenceNoticeAcknowledged", f"{COUNTY}@away").duties
    region = scene.directory.by_id[scene.office(COUNTY)].region

    due = duty_due(scene.procedure, retention, region)

    assert due.kind == "RETENTION"
    assert due.due_ms == noon("2026-03-02") + 90 * 86_400_000 + 43_200_000
    assert duty_due(scene.procedure, acknowledge, region).kind == "DUTY"
    assert [row.event for row in scene.procedure.timer_rows("ACKNOWLEDGED")] == ["ResidenceNoticeClosed"]
    assert scene.procedure.timer_rows("SENT") == ()


def test_hub_procedures_are_the_hubs_own() -> None:
    scene = Scene.of("DUTY")

    matter = scene.happen("DeadlineMissed", "TIMER")

    assert (matter.state, matter.parties, matter.opened_region) == ("MISSED", (), "00")
    assert refused(Scene.of("DUTY"), "DeadlineMissed", COUNTY).code == "ACTOR_FORBIDDEN"


def test_a_permit_names_another_city_only_where_its_history_goes_there() -> None:
    scene = Scene.of("RESIDENCE_PERMIT")

    error = refused(scene, "ResidencePermitAccepted", "POLICE_STATION", **scene.names(f"{COUNTY}@away"))

    assert error.code == "COUNTERPART_MISMATCH"


def test_history_goes_to_the_city_that_each_release_names() -> None:
    scene = Scene.of("RESIDENCE_PERMIT")
    scene.happen("ResidencePermitAccepted", "POLICE_STATION")
    scene.happen("ResidencePermitSigned", COUNTY)
    scene.happen("ResidencePermitIssued", "POLICE_STATION")
    scene.happen("ResidencePermitHistoryReleased", COUNTY, None, **scene.names(f"{COUNTY}@away"))

    forgotten = refused(scene, "ResidencePermitHistoryReleased", COUNTY)
    matter = scene.happen("ResidencePermitHistoryReleased", COUNTY, None, **scene.names(f"{COUNTY}@440305"))

    assert forgotten.rule == "counterpart_named"
    assert matter.office_of("NEW_CITY", COUNTY) == scene.office(f"{COUNTY}@440305")
    assert [party.side for party in matter.parties].count("NEW_CITY") == 1
