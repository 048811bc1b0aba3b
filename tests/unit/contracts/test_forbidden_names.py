"""What the exchange must never carry has no field to be carried in (DOMAIN 11)."""

import pytest

from contracts.errors import ContractError
from contracts.forbidden import ForbiddenNames, check_names, check_schema_names, load_forbidden_names, words_of
from contracts.schema import load_schemas


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("risk_level", ["risk", "level"]),
        ("riskLevel", ["risk", "level"]),
        ("RiskLevel2", ["risk", "level"]),
        ("GPSPoint", ["gps", "point"]),
        ("lastGPS", ["last", "gps"]),
        ("FACE_ID", ["face", "id"]),
        ("surface", ["surface"]),
        ("", []),
    ],
)
def test_names_are_split_at_underscores_digits_and_changes_of_case(name: str, words: list[str]) -> None:
    assert words_of(name) == words


@pytest.mark.parametrize(
    "name",
    [
        "ethnic",
        "religion",
        "photo",
        "portrait",
        "face",
        "fingerprint",
        "gps",
        "lat",
        "lon",
        "trajectory",
        "score",
        "rank",
        "risk",
        "points",
        "pregnancy",
        "contraception",
        "diagnosis",
        "urine",
        "watchlist",
        "person_risk",
        "creditScore",
        "民族",
        "申请人照片",
        "重点人员_flag",
        "agricultural_household",
        "isNonagricultural",
        "农业户口",
    ],
)
def test_the_words_of_the_domain_are_refused(name: str) -> None:
    with pytest.raises(ContractError) as caught:
        check_names(["stream_id", name])

    assert (caught.value.code, caught.value.field) == ("SCHEMA_UNSAFE", name)


@pytest.mark.parametrize("name", ["point", "surface", "latest", "salon", "frankly", "居住地"])
def test_words_that_only_contain_a_forbidden_one_may_stand(name: str) -> None:
    check_names([name])


@pytest.mark.parametrize("path", list(load_schemas()))
def test_every_packaged_schema_has_lawful_names(path: str) -> None:
    check_schema_names(load_schemas()[path])


def test_symbols_of_enums_are_exempt() -> None:
    kind = {"type": "enum", "name": "Kind", "symbols": ["POINTS_SETTLEMENT"]}

    check_schema_names({"type": "record", "name": "T", "fields": [{"name": "kind", "type": kind}]})


@pytest.mark.parametrize(
    "field",
    [
        {"name": "photo", "type": "bytes"},
        {"name": "picture", "aliases": ["photo"], "type": "bytes"},
        {"name": "a", "type": {"type": "record", "name": "R", "fields": [{"name": "photo", "type": "bytes"}]}},
        {"name": "a", "type": ["null", {"type": "record", "name": "R", "fields": [{"name": "photo", "type": "int"}]}]},
        {
            "name": "a",
            "type": {
                "type": "map",
                "values": {"type": "record", "name": "R", "fields": [{"name": "photo", "type": "int"}]},
            },
        },
    ],
)
def test_a_planted_field_is_found_wherever_it_is(field: dict[str, object]) -> None:
    with pytest.raises(ContractError, match="photo"):
        check_schema_names({"type": "record", "name": "T", "fields": [field]})


def test_comments_and_empty_lines_of_the_list_are_no_words() -> None:
    found = ForbiddenNames.of(["# face", "", "gps # here", "urin*", "民族"])

    assert (found.words, found.beginnings, found.parts) == (frozenset({"gps"}), ("urin",), ("民族",))
    assert found.find("face") is None
    assert found.find("urine_test") == "urine"


def test_the_packaged_list_has_words_of_both_scripts() -> None:
    found = load_forbidden_names()

    assert len(found.words) + len(found.beginnings) > 60
    assert len(found.parts) > 30
