"""Who serves a place: the closest area wins, through every change of divisions (DOMAIN 3.4)."""

from datetime import date
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.community import load_communities_list
from contracts.division import Division, load_divisions
from contracts.ids import LeafIndex, OfficeId
from contracts.instant import day_start_ms
from hub.dated_divisions import DatedDivisions
from hub.division_change import DivisionChange
from hub.serving import Serving

if TYPE_CHECKING:
    from tests.unit.directory.conftest import Builder

PROVINCE, CITY = "440000000000", "440100000000"
LIWAN, YUEXIU = "440103000000", "440104000000"
STREET = "440103001000"
FIRST = day_start_ms(date(2026, 3, 1))


def found(builder: "Builder", place: str, at_ms: int | None = None) -> str | None:
    office = builder.directory.serving("JUDICIAL_OFFICE", place, at_ms)
    return None if office is None else office.office


def test_the_closest_area_wins_from_committee_to_region(builder: "Builder") -> None:
    committee = load_communities_list().codes_of_town(STREET)[0]
    answers = []
    for number, area in enumerate((PROVINCE, CITY, LIWAN, STREET, committee)):
        builder.office(f"o0000000{number}", "JUDICIAL_OFFICE", "44-node", area)
        answers.append(found(builder, committee))

    assert answers == [f"o0000000{number}" for number in range(5)]
    assert [found(builder, place) for place in (STREET, LIWAN, CITY, PROVINCE, YUEXIU)] == [
        "o00000003",
        "o00000002",
        "o00000001",
        "o00000000",
        "o00000001",
    ]


def test_for_a_county_that_nobody_serves_as_a_whole_an_office_of_a_part_stands_in(builder: "Builder") -> None:
    builder.office("o00000001", "JUDICIAL_OFFICE", "44-node", STREET)

    assert found(builder, LIWAN) == found(builder, "440103") == "o00000001"
    assert found(builder, YUEXIU) is None


def test_an_office_that_serves_other_places_now_is_found_there_and_there_only(builder: "Builder") -> None:
    builder.office("o00000001", "JUDICIAL_OFFICE", "44-node", LIWAN)
    builder.change("o00000001", areas=[YUEXIU, STREET])
    office = builder.directory.office("o00000001")

    assert office is not None
    assert (office.county6, office.areas) == ("440104", (YUEXIU, STREET))
    assert [found(builder, place) for place in (YUEXIU, STREET, LIWAN)] == ["o00000001"] * 3
    builder.change("o00000001", areas=[YUEXIU])
    assert [found(builder, place) for place in (YUEXIU, STREET, LIWAN)] == ["o00000001", None, None]


def test_a_merged_county_is_served_by_the_office_of_what_it_merged_into_from_its_day_on(builder: "Builder") -> None:
    builder.office("o00000001", "JUDICIAL_OFFICE", "44-node", LIWAN)
    builder.office("o00000002", "JUDICIAL_OFFICE", "44-node", YUEXIU)
    after = ((YUEXIU, "越秀区", CITY),)
    builder.divisions("MERGED", "2026-03-01", (LIWAN, YUEXIU), tuple((c, 3, n, p) for c, n, p in after))

    assert [found(builder, LIWAN, at) for at in (FIRST - 1, FIRST)] == ["o00000001", "o00000002"]
    assert builder.directory.serves(OfficeId("o00000002"), "440103", FIRST)
    assert not builder.directory.serves(OfficeId("o00000002"), "440103", FIRST - 1)


def test_where_nobody_serves_the_new_county_yet_the_office_of_the_old_one_goes_on(builder: "Builder") -> None:
    builder.office("o00000001", "JUDICIAL_OFFICE", "44-node", LIWAN)
    builder.divisions("SUCCEEDED", "2026-03-01", (LIWAN,), (("440190000000", 3, "测试区", CITY),))

    assert found(builder, LIWAN, FIRST) == "o00000001"


_PLACES = [r.code for r in load_divisions() if r.code.startswith(("440103", "440104"))] + [CITY, PROVINCE]


@settings(max_examples=80, deadline=None)
@given(
    offices=st.lists(st.lists(st.sampled_from(_PLACES), min_size=1, max_size=3, unique=True), max_size=8),
    gone=st.sets(st.integers(0, 7)),
    is_merged=st.booleans(),
    place=st.sampled_from(_PLACES),
)
def test_lookups_agree_with_a_walk_over_all_offices(
    offices: list[list[str]], gone: set[int], is_merged: bool, place: str
) -> None:
    divisions = DatedDivisions(load_divisions())
    serving = Serving(divisions)
    for number, areas in enumerate(offices):
        serving.add(OfficeId(f"o{number:08d}"), "COURT", areas, LeafIndex(number))
    for number in gone & set(range(len(offices))):
        serving.remove(OfficeId(f"o{number:08d}"), "COURT", offices[number])
    if is_merged:
        (survivor,) = (r for r in divisions.base if r.code == YUEXIU)
        divisions.apply(DivisionChange("MERGED", date(2026, 3, 1), (LIWAN, YUEXIU), (survivor,)))
    left = [(number, areas) for number, areas in enumerate(offices) if number not in gone]

    def walk(code: str) -> int | None:
        chain = [code]
        while (parent := _row(chain[-1]).parent) != "":
            chain.append(parent)
        for step in chain:
            for number, areas in left:
                if step in areas:
                    return number
        inside = [number for number, areas in left for a in areas if _row(code).level == 3 and a[:6] == code[:6]]
        return min(inside, default=None)

    new = YUEXIU if is_merged and place.startswith("440103") else place
    wanted = walk(new) if walk(new) is not None else walk(place)
    found = serving.find("COURT", place, date(2026, 3, 1))

    assert found == (None if wanted is None else f"o{wanted:08d}")


def _row(code: str) -> Division:
    row = load_divisions().get(code)
    assert row is not None
    return row
