"""Who is told of an event, and that it is sealed to nobody else (DOMAIN 9.3, 9.5, 9.6)."""

from typing import TYPE_CHECKING, Any

import pytest

from contracts.errors import AccessError, ExchangeError, RuleError
from contracts.event import Header, SealedRef
from contracts.ids import Hash, OfficeId, PointId, RegionCode, StreamId
from contracts.procedure_types import HOLDERS, Actor, NotifyRow, Transition, When
from hub.matter_types import Matter, Party
from hub.routing import Recipient, addressed, check_sealed, points_of, route

if TYPE_CHECKING:
    from tests.unit.directory.conftest import Builder

ASK, COPY, FILE = "NP-COR-ASK", "NP-COR-COPY", "NP-COR-FILE"
EVENTS = ("OpinionAsked", "TransferDecided")
OLD, NEW, COURT, POLICE = (OfficeId(f"o0000000{n}") for n in range(1, 5))


def told(side: str, office: str, profile: str | None = None, when: When | None = None, many: bool = False) -> NotifyRow:
    return NotifyRow(side, office, profile, many, when)


def row(*notify: NotifyRow) -> Transition:
    return Transition(
        row=1,
        source="REQUESTED",
        command="AskOpinion",
        event="OpinionAsked",
        by=Actor("SENDING", frozenset({"COUNTY_CORRECTION"}), (), False, False),
        target="OPINION_ASKED",
        when=None,
        guards=(),
        meets=(),
        starts=(),
        notify=notify,
        remember=(),
        after=None,
        names_counterpart=True,
        purpose="CORRECTION_TRANSFER",
        legal_bases=("LB-COR-27",),
    )


def matter(*parties: Party, receiving: str = "430102", holders: tuple[OfficeId, ...] = ()) -> Matter:
    return Matter(
        stream_id=StreamId(bytes(16)),
        procedure="CORRECTION_TRANSFER",
        edition=1,
        state="OPINION_ASKED",
        next_seq=2,
        head=Hash(bytes(32)),
        opened_at=0,
        parties=parties,
        regions=(("SENDING", RegionCode("44")), ("RECEIVING", RegionCode(receiving[:2]))),
        counties=(("SENDING", "440106"), ("RECEIVING", receiving)),
        holders=holders,
        duties=(),
        facts=(),
    )


def header(builder: "Builder", producer: OfficeId = OLD, **changes: Any) -> Header:
    made = builder.header("OpinionAsked", "stream")
    return made._replace(
        event_class="cas", procedure="CORRECTION_TRANSFER", producer_region=RegionCode("44"), producer_office=producer
    )._replace(**changes)


@pytest.fixture
def case(builder: "Builder") -> "Builder":
    """A sending county in Guangzhou, a receiving county in Changsha, and mandates for both."""
    builder.office(OLD, "COUNTY_CORRECTION", "44-440106", "440106000000")
    builder.office(NEW, "COUNTY_CORRECTION", "43-430102", "430102000000")
    builder.office(COURT, "COURT", "44-440106", "440106000000")
    builder.office(POLICE, "COUNTY_PSB", "44-node", "440106000000")
    for region in ("44", "43", "81"):
        for office_type in ("COUNTY_CORRECTION", "COURT", "COUNTY_PSB"):
            builder.mandate(f"{region}{office_type}", region, office_type, *EVENTS)
    return builder


def ref(profile: str, *offices: OfficeId) -> SealedRef:
    return SealedRef(profile, bytes(32), bytes(32), 1, tuple(sorted(offices)))


def recipients(case: "Builder", *notify: NotifyRow, **given: Any) -> tuple[Recipient, ...]:
    found: Matter = given.get("matter", matter())
    made: Header = given.get("header", header(case))
    body: dict[str, Any] = given.get("body", {})
    earlier: Matter | None = given.get("earlier", found)
    return route(row(*notify), found, made, body, case.directory, earlier=earlier)


def test_an_event_that_tells_nobody_has_no_recipient(case: "Builder") -> None:
    assert recipients(case) == ()


def test_the_office_that_serves_the_county_of_the_side_is_told(case: "Builder") -> None:
    assert recipients(case, told("RECEIVING", "COUNTY_CORRECTION", ASK)) == (
        Recipient(NEW, PointId("43-430102"), ASK, False),
    )


def test_the_office_that_the_matter_bound_comes_before_the_one_that_serves_the_county(case: "Builder") -> None:
    other = OfficeId("o00000009")
    case.office(other, "COUNTY_CORRECTION", "43-430102", "430103000000")
    bound = matter(Party("RECEIVING", "COUNTY_CORRECTION", RegionCode("43"), other))

    found = recipients(case, told("RECEIVING", "COUNTY_CORRECTION"), matter=bound)

    assert [recipient.office for recipient in found] == [other]


def test_a_bound_office_that_closed_is_replaced_by_the_one_that_serves_its_county(case: "Builder") -> None:
    bound = matter(Party("SENDING", "COURT", RegionCode("44"), COURT))
    successor = OfficeId("o00000009")
    case.office(successor, "COURT", "44-440106", "440106000000")
    case.close(COURT)

    found = recipients(case, told("SENDING", "COURT"), matter=bound)

    assert [recipient.office for recipient in found] == [successor]


def test_a_side_that_nobody_serves_is_refused_naming_side_and_type(case: "Builder") -> None:
    with pytest.raises(RuleError) as error:
        recipients(case, told("RECEIVING", "PROCURATORATE", COPY))

    assert error.value.code == "OFFICE_UNKNOWN"
    assert "PROCURATORATE" in error.value.message
    assert "RECEIVING" in error.value.message


def test_a_side_without_county_is_refused(case: "Builder") -> None:
    nowhere = matter()._replace(counties=())

    with pytest.raises(RuleError) as error:
        recipients(case, told("RECEIVING", "COUNTY_CORRECTION"), matter=nowhere)

    assert error.value.code == "OFFICE_UNKNOWN"


@pytest.mark.parametrize(("counties", "is_told"), [(["430100000000"], True), (["430102000000"], False)])
def test_a_side_that_serves_a_whole_city_is_served_by_the_one_office_that_does_too(
    case: "Builder", counties: list[str], is_told: bool
) -> None:
    """Where only some of its counties are served, nobody knows whom to tell, and none is told."""
    city, wanted = OfficeId("o00000008"), OfficeId("o00000009")
    case.office(city, "SUPERIOR_CORRECTION", "43-430102", "430100000000")
    case.office(wanted, "COURT", "43-430102", *counties)
    bound = matter(Party("RECEIVING", "SUPERIOR_CORRECTION", RegionCode("43"), city))._replace(counties=())

    if is_told:
        assert [one.office for one in recipients(case, told("RECEIVING", "COURT"), matter=bound)] == [wanted]
    else:
        with pytest.raises(RuleError, match="OFFICE_UNKNOWN"):
            recipients(case, told("RECEIVING", "COURT"), matter=bound)


@pytest.mark.parametrize(
    ("body", "expected"), [({"decision": "TRANSFER"}, [COURT]), ({"decision": "STAY"}, []), ({}, [])]
)
def test_a_condition_on_the_body_chooses_who_is_told(
    case: "Builder", body: dict[str, Any], expected: list[str]
) -> None:
    when = When("decision", frozenset({"TRANSFER"}))

    found = recipients(case, told("SENDING", "COURT", COPY, when), body=body)

    assert [recipient.office for recipient in found] == expected


def test_the_producing_office_is_no_recipient_of_its_own_event(case: "Builder") -> None:
    found = recipients(case, told("SENDING", "COUNTY_CORRECTION"), told("RECEIVING", "COUNTY_CORRECTION"))

    assert [recipient.office for recipient in found] == [NEW]


def test_an_office_and_profile_that_two_rows_name_stands_once(case: "Builder") -> None:
    twice = told("SENDING", "COURT", COPY)

    assert recipients(case, twice, twice, told("SENDING", "COURT")) == (
        Recipient(COURT, PointId("44-440106"), COPY, False),
        Recipient(COURT, PointId("44-440106"), None, False),
    )


def test_holders_are_those_of_the_matter_before_the_event(case: "Builder") -> None:
    before = matter(holders=(NEW, OLD))
    after = matter(holders=(NEW, OLD, COURT))

    found = recipients(case, told(HOLDERS, "", COPY), matter=after, earlier=before)

    assert [recipient.office for recipient in found] == [NEW]
    assert recipients(case, told(HOLDERS, "", COPY), matter=after, earlier=None) == ()


def test_a_producer_cannot_make_an_office_a_holder_by_sealing_to_it(case: "Builder") -> None:
    after = matter(holders=(NEW, COURT))
    sealed = header(case, sealed=(ref(COPY, NEW, COURT),))

    found = recipients(case, told(HOLDERS, "", COPY), matter=after, earlier=matter(holders=(NEW,)), header=sealed)

    with pytest.raises(RuleError) as error:
        check_sealed(sealed, addressed(found))
    assert error.value.code == "RECIPIENTS_MISMATCH"


def test_a_holder_that_closed_is_replaced_or_the_event_is_refused(case: "Builder") -> None:
    before = matter(holders=(COURT,))
    case.close(COURT)

    with pytest.raises(RuleError) as error:
        recipients(case, told(HOLDERS, "", COPY), earlier=before)
    case.office("o00000009", "COURT", "44-440106", "440106000000")
    found = recipients(case, told(HOLDERS, "", COPY), earlier=before)

    assert error.value.code == "OFFICE_WITHOUT_SUCCESSOR"
    assert [recipient.office for recipient in found] == ["o00000009"]


def test_a_recipient_needs_a_mandate_to_receive_the_event_in_this_procedure(case: "Builder") -> None:
    asked = told("RECEIVING", "COUNTY_CORRECTION", ASK)

    for wrong in (
        header(case, event_type="FileSent"),
        header(case, procedure="RESIDENCE"),
        header(case, occurred_at=0),
    ):
        with pytest.raises(AccessError) as error:
            recipients(case, asked, header=wrong)
        assert error.value.code == "MANDATE_MISSING"


def test_a_mandate_to_send_is_none_to_receive(case: "Builder") -> None:
    case.mandate("s", "43", "COUNTY_CORRECTION", "FileSent", direction="SEND")

    with pytest.raises(AccessError) as error:
        recipients(case, told("RECEIVING", "COUNTY_CORRECTION", ASK), header=header(case, event_type="FileSent"))

    assert error.value.code == "MANDATE_MISSING"


def test_a_mandate_that_was_revoked_or_ran_out_is_told_as_lapsed_and_since_when(case: "Builder") -> None:
    asked = told("RECEIVING", "COUNTY_CORRECTION", ASK)
    index = case.end_mandate("43COUNTY_CORRECTION")
    with pytest.raises(AccessError) as revoked:
        recipients(case, asked)
    case.mandate("short", "43", "COUNTY_CORRECTION", *EVENTS, valid_to="2026-01-31")
    with pytest.raises(AccessError) as ran_out:
        recipients(case, asked)

    assert (revoked.value.code, ran_out.value.code) == ("MANDATE_LAPSED", "MANDATE_LAPSED")
    assert f"revoked at entry {index}" in revoked.value.message
    assert "lapsed after 2026-01-31" in ran_out.value.message


def test_a_case_goes_to_county_points_only(case: "Builder") -> None:
    police = told("SENDING", "COUNTY_PSB", COPY)

    with pytest.raises(RuleError) as error:
        recipients(case, police)
    found = recipients(case, police, header=header(case, event_class="std"))

    assert error.value.code == "POINT_NOT_COUNTY"
    assert [recipient.point for recipient in found] == ["44-node"]


def test_content_does_not_go_to_hong_kong_and_a_status_does(case: "Builder") -> None:
    case.office("o00000008", "COURT", "81-810000", "810000000000")
    there = matter(receiving="810000")

    with pytest.raises(AccessError) as error:
        recipients(case, told("RECEIVING", "COURT", COPY), matter=there)
    status = recipients(case, told("RECEIVING", "COURT"), matter=there)

    assert error.value.code == "CROSS_BOUNDARY_BASIS_MISSING"
    assert [recipient.office for recipient in status] == ["o00000008"]


def test_delivery_points_stand_once_in_the_order_of_recipients(case: "Builder") -> None:
    found = recipients(
        case,
        told("SENDING", "COURT", COPY),
        told("RECEIVING", "COUNTY_CORRECTION"),
        told("SENDING", "COURT"),
    )

    assert points_of(found) == ("44-440106", "43-430102")


def test_an_event_sealed_to_exactly_its_recipients_is_accepted(case: "Builder") -> None:
    found = recipients(
        case,
        told("SENDING", "COURT", COPY),
        told("RECEIVING", "COUNTY_CORRECTION", COPY),
        told("RECEIVING", "COUNTY_CORRECTION", ASK),
        told("SENDING", "COURT"),
    )

    check_sealed(header(case, sealed=(ref(ASK, NEW), ref(COPY, NEW, COURT))), addressed(found))
    check_sealed(header(case), addressed(recipients(case, told("RECEIVING", "COUNTY_CORRECTION"))))
    check_sealed(header(case), {})


@pytest.mark.parametrize(
    ("sealed", "place"),
    [
        pytest.param((), "sealed", id="not sealed at all"),
        pytest.param((ref(COPY, COURT),), "sealed.0.recipients", id="one left out"),
        pytest.param((ref(COPY, NEW, COURT, POLICE),), "sealed.0.recipients", id="one too many"),
        pytest.param((ref(COPY, NEW, POLICE),), "sealed.0.recipients", id="another one"),
        pytest.param((ref(ASK, NEW, COURT),), "sealed.0.recipients", id="another profile"),
        pytest.param((ref(COPY, NEW, COURT), ref(ASK, NEW)), "sealed.1.recipients", id="a profile more"),
        pytest.param((ref(COPY, NEW, COURT), ref(COPY, NEW, COURT)), "sealed.1.profile", id="the profile twice"),
        pytest.param((ref(COPY, NEW), ref(COPY, COURT)), "sealed.0.recipients", id="one payload each"),
    ],
)
def test_an_event_sealed_to_more_or_fewer_is_refused_naming_the_profile(
    case: "Builder", sealed: tuple[SealedRef, ...], place: str
) -> None:
    found = recipients(case, told("SENDING", "COURT", COPY), told("RECEIVING", "COUNTY_CORRECTION", COPY))

    with pytest.raises(ExchangeError) as error:
        check_sealed(header(case, sealed=sealed), addressed(found))

    assert (error.value.code, error.value.field) == ("RECIPIENTS_MISMATCH", place)
    assert any(profile in error.value.message for profile in (ASK, COPY))


def test_a_file_may_travel_as_several_payloads_of_its_profile(case: "Builder") -> None:
    found = recipients(case, told("RECEIVING", "COUNTY_CORRECTION", FILE, many=True))

    check_sealed(header(case, sealed=(ref(FILE, NEW), ref(FILE, NEW))), addressed(found))
    with pytest.raises(RuleError):
        check_sealed(header(case, sealed=(ref(FILE, NEW), ref(FILE, NEW, COURT))), addressed(found))
