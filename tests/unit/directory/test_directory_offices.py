"""Regions, points and offices: registered once, found by id and by county (DOMAIN 3.4, 9.1)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from contracts.errors import ExchangeError
from contracts.ids import LeafIndex
from contracts.signing import key_id

if TYPE_CHECKING:
    from tests.unit.directory.conftest import Builder

DAY = 1_772_000_000_000
SMALL_ORDER = bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")
TIANHE = "440106000000"


def refusal(error: pytest.ExceptionInfo[ExchangeError]) -> tuple[str, str | None]:
    return error.value.code, error.value.field


def test_an_office_is_found_by_its_id_with_all_that_was_registered(builder: "Builder") -> None:
    index = builder.office("o00000001", "COUNTY_CORRECTION", "44-440106", TIANHE)

    office = builder.directory.office("o00000001")

    assert office is not None
    assert (office.region, office.office_type, office.point) == ("44", "COUNTY_CORRECTION", "44-440106")
    assert (office.county6, office.areas) == ("440106", (TIANHE,))
    assert office.key.key_id == key_id("office", office.key.public_key)
    assert (office.registered_at, office.closed_at, office.is_closed) == (index, None, False)
    assert builder.directory.office("o00000002") is None


def test_regions_and_points_are_found(builder: "Builder") -> None:
    directory = builder.directory
    county, node = directory.point("44-440106"), directory.point("44-node")

    assert directory.regions == ("44", "43", "46", "81")
    assert [point.point for point in directory.points_of_region("44")] == ["44-node", "44-440106", "44-441900"]
    assert len(list(directory.points())) == 7
    assert county is not None
    assert node is not None
    assert (county.is_county, node.is_county) == (True, False)
    assert county.key.key_id == key_id("point", county.key.public_key)


@pytest.mark.parametrize(
    ("point", "area", "county6"),
    [
        pytest.param("44-440106", TIANHE, "440106", id="the county itself"),
        pytest.param("44-440106", "440106001000", "440106", id="a street"),
        pytest.param("44-441900", "441900000000", "441900", id="Dongguan"),
        pytest.param("44-441900", "441900003000", "441900", id="a street of Dongguan"),
        pytest.param("46-node", "469001000000", "469001", id="a county directly under Hainan"),
        pytest.param("81-node", "810000000000", "810000", id="Hong Kong"),
    ],
)
def test_an_office_serves_the_county_of_its_area(builder: "Builder", point: str, area: str, county6: str) -> None:
    builder.office("o00000001", "POLICE_STATION", point, area)
    found = builder.directory.serving("POLICE_STATION", county6)

    assert found is not None
    assert (found.office, found.county6) == ("o00000001", county6)


def test_an_office_of_a_prefecture_serves_all_its_counties_and_sits_in_none(builder: "Builder") -> None:
    builder.office("o00000001", "SUPERIOR_CORRECTION", "44-440106", "440100000000")
    office = builder.directory.office("o00000001")

    assert office is not None
    assert office.county6 is None
    counties = [row.code[:6] for row in builder.directory.divisions.base.counties("44")]
    assert sum(builder.directory.serves(office.office, county6, DAY) for county6 in counties) == 11
    assert builder.directory.serving("SUPERIOR_CORRECTION", "440106") == office
    assert builder.directory.serving("SUPERIOR_CORRECTION", "441900") is None
    assert builder.directory.serving("COUNTY_CORRECTION", "440106") is None


def test_an_office_of_a_province_serves_all_its_counties(builder: "Builder") -> None:
    builder.office("o00000001", "REGION_NODE", "46-node", "460000000000")

    for county6 in ("460105", "460400", "469001"):
        assert builder.directory.serving("REGION_NODE", county6) is not None


def test_the_closest_office_comes_first_and_among_equals_the_one_registered_first(builder: "Builder") -> None:
    builder.office("o00000001", "COURT", "44-440106", "440106001000")
    builder.office("o00000002", "COURT", "44-440106", "440100000000")
    first = builder.directory.serving("COURT", "440106")
    builder.office("o00000003", "COURT", "44-440106", TIANHE)
    builder.office("o00000004", "COURT", "44-440106", TIANHE)
    second = builder.directory.serving("COURT", "440106")

    assert first is not None
    assert first.office == "o00000002"
    assert second is not None
    assert second.office == "o00000003"


def test_a_closed_office_stays_known_and_serves_no_longer(builder: "Builder") -> None:
    builder.office("o00000001", "COURT", "44-440106", TIANHE)
    builder.office("o00000002", "COURT", "44-440106", TIANHE)
    index = builder.close("o00000001")
    closed, serving = builder.directory.office("o00000001"), builder.directory.serving("COURT", "440106")

    assert closed is not None
    assert (closed.is_closed, closed.closed_at) == (True, index)
    assert serving is not None
    assert serving.office == "o00000002"
    assert [office.office for office in builder.directory.offices()] == ["o00000001", "o00000002"]

    builder.close("o00000002")

    assert builder.directory.serving("COURT", "440106") is None


OFFICE = {"office": "o00000001", "office_type": "COURT", "point": "44-440106", "areas": [TIANHE]}


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        pytest.param(
            {"areas": ["469000000000"], "region": "46", "point": "46-node"}, "DIVISION_NOT_A_PLACE", None, id="4690"
        ),
        pytest.param(
            {"areas": ["430371000000"], "region": "43", "point": "43-430102"}, "DIVISION_NOT_A_PLACE", None, id="stat"
        ),
        pytest.param({"areas": ["449999000000"]}, "DIVISION_UNKNOWN", None, id="unknown area"),
        pytest.param({"areas": ["430102000000"]}, "BODY_FIELD", "areas", id="area of another region"),
        pytest.param({"areas": [TIANHE, TIANHE]}, "BODY_FIELD", "areas", id="area twice"),
        pytest.param({"areas": []}, "BODY_FIELD", "areas", id="no area"),
        pytest.param({"point": "44-440103"}, "POINT_UNKNOWN", "point", id="unknown point"),
        pytest.param({"point": "43-430102"}, "POINT_UNKNOWN", "point", id="point of another region"),
        pytest.param({"region": "45"}, "REGION_UNKNOWN", "region", id="region that does not take part"),
        pytest.param({"key_id": bytes(8)}, "BODY_FIELD", "key_id", id="id of another key"),
        pytest.param({"public_key": SMALL_ORDER}, "KEY_UNSAFE", None, id="small order"),
        pytest.param({"public_key": bytes([255] * 32)}, "KEY_UNSAFE", None, id="not canonical"),
        pytest.param({"public_key": bytes(32)}, "KEY_UNSAFE", None, id="zero"),
    ],
)
def test_a_wrong_office_is_refused_and_leaves_no_trace(
    builder: "Builder", changes: dict[str, Any], code: str, field: str | None
) -> None:
    areas = changes.get("areas", [TIANHE])
    others = {name: value for name, value in changes.items() if name not in ("areas", "point")}
    if "point" in changes and "region" not in changes:
        others["region"] = "44"

    with pytest.raises(ExchangeError) as error:
        builder.office("o00000001", "COURT", changes.get("point", "44-440106"), *areas, **others)

    assert refusal(error) == (code, field)
    assert builder.directory.office("o00000001") is None
    assert builder.directory.serving("COURT", "440106") is None
    builder.office("o00000001", "COURT", "44-440106", TIANHE)


def test_nothing_is_registered_twice(builder: "Builder") -> None:
    builder.office("o00000001", "COURT", "44-440106", TIANHE)

    attempts: list[Callable[[], LeafIndex]] = [
        lambda: builder.region("44"),
        lambda: builder.point("44-node"),
        lambda: builder.office("o00000001", "COURT", "44-440106", TIANHE),
    ]
    for again in attempts:
        with pytest.raises(ExchangeError) as error:
            again()
        assert error.value.code == "DIRECTORY_TAKEN"


def test_an_id_is_never_given_again_after_closing(builder: "Builder") -> None:
    builder.office("o00000001", "COURT", "44-440106", TIANHE)
    builder.close("o00000001")

    with pytest.raises(ExchangeError) as error:
        builder.office("o00000001", "COURT", "44-440106", TIANHE)

    assert error.value.code == "DIRECTORY_TAKEN"


def test_two_offices_cannot_share_a_key(builder: "Builder") -> None:
    builder.office("o00000001", "COURT", "44-440106", TIANHE)
    office = builder.directory.office("o00000001")
    assert office is not None

    with pytest.raises(ExchangeError) as error:
        builder.office(
            "o00000002", "COURT", "44-440106", TIANHE, key_id=office.key.key_id, public_key=office.key.public_key
        )

    assert error.value.code == "DIRECTORY_TAKEN"


def test_an_office_is_closed_once_and_in_its_own_stream(builder: "Builder") -> None:
    builder.office("o00000001", "COURT", "44-440106", TIANHE)
    codes = []
    for office, stream in (("o00000002", "o00000002"), ("o00000001", "o00000002")):
        with pytest.raises(ExchangeError) as error:
            builder.close(office, stream)
        codes.append(error.value.code)
    builder.close("o00000001")
    with pytest.raises(ExchangeError) as error:
        builder.close("o00000001")

    assert [*codes, error.value.code] == ["OFFICE_UNKNOWN", "DIRECTORY_STREAM", "OFFICE_CLOSED"]


@pytest.mark.parametrize(
    ("point", "changes", "code"),
    [
        pytest.param("44-430102", {}, "BODY_FIELD", id="county of another region"),
        pytest.param("44-440199", {}, "DIVISION_NOT_A_PLACE", id="no county"),
        pytest.param("46-469000", {}, "DIVISION_NOT_A_PLACE", id="4690"),
        pytest.param("45-node", {}, "REGION_UNKNOWN", id="region that does not take part"),
        pytest.param("44-440103", {"region": "43"}, "BODY_FIELD", id="another region's point"),
        pytest.param("44-440103", {"public_key": bytes(32)}, "KEY_UNSAFE", id="zero key"),
        pytest.param("44-440103", {"key_id": bytes(8)}, "BODY_FIELD", id="id of another key"),
    ],
)
def test_a_wrong_point_is_refused_and_leaves_no_trace(
    builder: "Builder", point: str, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(ExchangeError) as error:
        builder.point(point, **changes)

    assert error.value.code == code
    assert builder.directory.point(point) is None


def test_an_event_that_is_none_of_the_directory_is_refused(builder: "Builder") -> None:
    with pytest.raises(ExchangeError) as error:
        builder.directory.apply(builder.region("36"), builder.header("OpinionAsked", "stream"), {})

    assert error.value.code == "EVENT_NOT_OF_PROCEDURE"
