"""Division codes: what is a place, and which county it lies in (DOMAIN 3.2)."""

import csv
import gzip
import hashlib
import io
from importlib.resources import files

import pytest

from contracts.community import load_communities_list
from contracts.division import Division, load_divisions
from contracts.errors import RuleError
from contracts.ids import REGIONS
from contracts.weights import load_communities, load_flows

DIVISIONS = load_divisions()


def test_the_list_holds_every_row_of_the_packaged_edition() -> None:
    levels = [sum(row.level == level for row in DIVISIONS) for level in (1, 2, 3, 4)]

    assert len(DIVISIONS) == 15_420
    assert levels == [11, 120, 979, 14_310]


def test_every_parent_is_in_the_list_one_level_up() -> None:
    for row in DIVISIONS:
        parent = DIVISIONS.get(row.parent)

        assert (parent is None) == (row.level == 1)
        assert parent is None or parent.level < row.level


def test_the_regions_are_those_of_the_contracts() -> None:
    assert sorted(row.code[:2] for row in DIVISIONS if row.level == 1) == list(REGIONS)


def test_the_hash_is_that_of_the_packaged_bytes() -> None:
    data = files("contracts").joinpath("data/divisions.csv").read_bytes()

    assert DIVISIONS.divisions_hash == hashlib.sha256(data).digest()
    assert DIVISIONS.divisions_hash.hex().startswith("430516e6ffc5b224")


def test_a_known_code_gives_its_row_and_an_unknown_one_nothing() -> None:
    tianhe = DIVISIONS.get("440106000000")

    assert tianhe is not None
    assert (tianhe.level, tianhe.name, tianhe.parent) == (3, "天河区", "440100000000")
    assert DIVISIONS.get("999999000000") is None


@pytest.mark.parametrize(
    ("code", "county6"),
    [
        pytest.param("440106000000", "440106", id="a county"),
        pytest.param("350102001000", "350102", id="a street"),
        pytest.param("350102001001", "350102", id="a committee"),
        pytest.param("441900000000", "441900", id="Dongguan has no county level"),
        pytest.param("441900003000", "441900", id="a street of Dongguan"),
        pytest.param("442000000000", "442000", id="Zhongshan has no county level"),
        pytest.param("460400000000", "460400", id="Danzhou has no county level"),
        pytest.param("469001000000", "469001", id="a county directly under Hainan"),
        pytest.param("460302000000", "460302", id="a district of Sansha"),
        pytest.param("810000000000", "810000", id="Hong Kong"),
        pytest.param("820000000000", "820000", id="Macao"),
    ],
)
def test_a_place_lies_in_one_county(code: str, county6: str) -> None:
    assert DIVISIONS.county6(code) == county6


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        pytest.param("469000000000", "DIVISION_NOT_A_PLACE", id="the holder of Hainan's counties"),
        pytest.param("430371000000", "DIVISION_NOT_A_PLACE", id="a zone of the statistics bureau"),
        pytest.param("430371001000", "DIVISION_NOT_A_PLACE", id="a street of such a zone"),
        pytest.param("430371001001", "DIVISION_NOT_A_PLACE", id="a committee of such a zone"),
        pytest.param("440000000000", "DIVISION_NOT_A_PLACE", id="a province has no county"),
        pytest.param("440100000000", "DIVISION_NOT_A_PLACE", id="a prefecture has no county"),
        pytest.param("110101000000", "DIVISION_UNKNOWN", id="a county of another province"),
        pytest.param("440106", "DIVISION_UNKNOWN", id="six digits"),
        pytest.param("", "DIVISION_UNKNOWN", id="nothing"),
        pytest.param("44010600000x", "DIVISION_UNKNOWN", id="a letter"),
        pytest.param("４４０１０６００１００１", "DIVISION_UNKNOWN", id="wide digits"),
    ],
)
def test_what_is_no_place_is_refused_with_a_code(code: str, refusal: str) -> None:
    with pytest.raises(RuleError) as error:
        DIVISIONS.county6(code)

    assert error.value.code == refusal


def test_a_prefecture_is_a_place_although_it_has_no_county() -> None:
    assert DIVISIONS.place("440100000000").name == "广州市"


def test_the_legal_counties_are_those_of_the_civil_affairs_list_and_the_cities_and_regions_without() -> None:
    counties = [row for region in REGIONS for row in DIVISIONS.counties(region)]

    assert len(counties) == 964 + 3 + 2
    assert DIVISIONS.county("430371") is None
    assert DIVISIONS.county("469000") is None
    assert DIVISIONS.county("440100") is None


def test_flags_read_as_statements() -> None:
    flags = {row.code[:6]: row for row in DIVISIONS if row.flags}

    assert flags["810000"].is_sar
    assert flags["441900"].is_without_county
    assert flags["469000"].is_pseudo
    assert flags["430371"].is_stat_only


def test_weights_speak_of_known_places_only() -> None:
    communities, flows = load_communities(), load_flows()
    unknown = [county for county in communities if DIVISIONS.get(county + "000000") is None]

    assert unknown == []
    assert sum(communities.values()) == 183_195
    assert sum(flows.values()) == 28_174_000
    assert all(destination != origin for destination, origin in flows)
    assert flows["44", "45"] == 6_562_000


def test_the_list_of_committees_is_whole_and_each_lies_in_a_town_of_the_list() -> None:
    communities = load_communities_list()
    towns = [row for row in DIVISIONS if row.level == 4]
    codes = [code for town in towns for code in communities.codes_of_town(town.code)]

    assert len(communities) == len(codes) == len(set(codes)) == 183_194
    packed = files("contracts").joinpath("data/communities.csv.gz").read_bytes()
    with gzip.open(io.BytesIO(packed), "rt", encoding="utf-8") as file:
        names = dict(list(csv.reader(file))[1:])
    assert all(communities.name(code) == names[code] for code in codes[::97])
    assert set(names) - set(codes) == {"350527000000"}


def test_a_committee_is_a_division_of_the_fifth_level_and_an_unknown_one_is_none() -> None:
    committee = DIVISIONS.get("350102001001")

    assert committee == Division("350102001001", 5, "中山社区", "350102001000", "")
    assert DIVISIONS.get("350102001003") is None
    with pytest.raises(RuleError) as error:
        DIVISIONS.place("350102001003")
    assert error.value.code == "DIVISION_UNKNOWN"
