"""Profiles: exactly the fields of DOMAIN 9.4 and the common ones of 5.3, nothing else."""

from typing import Any

import pytest

from contracts.errors import ContractError
from contracts.forbidden import check_schema_names
from contracts.profile import decode_payload, encode_payload, load_profile, load_profiles

COMMON = [
    "profile",
    "purpose",
    "legal_basis",
    "retention_rule",
    "expires_on",
    "minor",
    "seal_state",
    "safety_hold",
]

FIELDS = {
    "NP-RES": ["identity", "county", "date", "change"],
    "NP-DEATH": ["identity", "date", "certificate_number"],
    "NP-CORRECTION": ["stream_id", "correction_code", "old_value", "new_value"],
    "NP-RP-HISTORY": ["identity", "permit_number", "issued_on", "endorsed_on", "suspended_on"],
    "NP-COR-ASK": [
        "identity",
        "proposed_address",
        "ground",
        "household_or_employer",
        "measure",
        "end_date",
        "bans",
    ],
    "NP-COR-OPINION": ["stream_id", "opinion", "reasons"],
    "NP-COR-COPY": ["identity", "documents"],
    "NP-COR-FILE": ["part", "parts", "hash_list", "documents"],
    "NP-COR-STATUS": ["stream_id", "state", "date"],
    "NP-RLS-COUNTY": ["identity", "release_date", "place_of_release", "family_contact", "needs", "way_of_return"],
    "NP-RLS-LOCAL": ["identity", "release_date", "way_of_return", "needs"],
    "NP-RLS-REG": ["identity", "release_date", "certificate_number", "former_address"],
    "NP-RLS-ASSESS": ["stream_id", "skills", "schooling", "needs", "recommendations", "health"],
    "NP-RLS-ASSESS-LOCAL": ["stream_id", "needs", "recommendations"],
    "NP-RLS-ASSESS-REG": ["stream_id", "assessment_delivered", "delivered_to", "date"],
    "NP-RLS-STATUS": ["stream_id", "state", "date", "way_of_return"],
    "NP-RLS-MINOR": ["identity", "release_date", "guardians", "who_fetches"],
    "NP-DRG": ["identity", "start_date", "end_date", "agreement", "services"],
    "NP-ORDER": ["stream_id", "order", "due_date"],
    "NP-MIN-TRACE": ["name_as_given", "apparent_age", "home_facts"],
    "NP-MIN-HOME": ["stream_id", "result", "conditions"],
    "NP-MIN-RETURN": ["identity", "receiver", "relation", "date", "needs"],
    "NP-HM-ADMIT": [
        "members",
        "origin_address",
        "household_number",
        "ground",
        "certificate_number",
        "certificate_expires_on",
    ],
    "NP-HM-ORIGIN": ["stream_id", "result", "certificate_number", "certificate_expires_on", "reason"],
    "NP-HM-SETTLED": ["stream_id", "date", "county"],
    "NP-FACT": ["identity", "question", "answer"],
    "NP-WP-REGION": [
        "identity",
        "country",
        "permit_number",
        "permit_expires_on",
        "category",
        "employer_code",
        "start_date",
    ],
}


def identity() -> dict[str, Any]:
    return {
        "name": "测试甲一",
        "document_type": "CN_RESIDENT_ID",
        "document_number": "44010618020301002X",
        "birth_date": "1950-03-01",
    }


def residence(**changes: Any) -> dict[str, Any]:
    value = {
        "profile": "NP-RES",
        "purpose": "RESIDENCE_NOTICE",
        "legal_basis": "LB-RES-07",
        "retention_rule": "RESIDENCE_NOTIFICATION",
        "expires_on": "2026-12-01",
        "minor": False,
        "seal_state": "NONE",
        "safety_hold": False,
        "identity": identity(),
        "county": "440106",
        "date": "2026-03-01",
        "change": "STARTED",
    }
    return value | changes


def test_each_profile_holds_its_own_fields_and_the_common_ones_only() -> None:
    found = {
        name: [field["name"] for field in profile.codec.schema["fields"]] for name, profile in load_profiles().items()
    }

    assert found == {name: COMMON + fields for name, fields in FIELDS.items()}


def test_each_profile_is_named_after_its_file() -> None:
    assert load_profile("NP-COR-ASK").codec.name == "pprd.v1.profile.NpCorAsk"
    assert load_profile("NP-RES").codec.name == "pprd.v1.profile.NpRes"


@pytest.mark.parametrize("name", list(FIELDS))
def test_no_profile_has_a_field_that_is_out_of_scope(name: str) -> None:
    check_schema_names(load_profile(name).codec.schema)


@pytest.mark.parametrize("name", list(FIELDS))
def test_the_profile_field_takes_no_other_profile_than_its_own(name: str) -> None:
    field = load_profile(name).codec.schema["fields"][0]

    assert field["type"]["pattern"] == f"^{name}$"


def test_a_payload_comes_back_as_it_was() -> None:
    data = encode_payload("NP-RES", residence())

    assert decode_payload("NP-RES", data) == residence()


def test_a_decoded_payload_cannot_be_changed() -> None:
    payload = decode_payload("NP-RES", encode_payload("NP-RES", residence()))

    with pytest.raises(TypeError):
        payload["county"] = "440103"  # type: ignore[index]


@pytest.mark.parametrize("field", [*COMMON, *FIELDS["NP-RES"]])
def test_a_missing_field_is_refused(field: str) -> None:
    value = residence()
    del value[field]

    with pytest.raises(ContractError) as error:
        encode_payload("NP-RES", value)

    assert error.value.code == "AVRO_VALUE"


@pytest.mark.parametrize("field", ["telephone", "street", "employer"])
def test_an_extra_field_is_refused(field: str) -> None:
    with pytest.raises(ContractError) as error:
        encode_payload("NP-RES", residence(**{field: "测试"}))

    assert error.value.code == "AVRO_VALUE"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("county", "440106001"),
        ("county", "４４０１０６"),
        ("date", "2026-3-1"),
        ("expires_on", "tomorrow"),
        ("purpose", "residence"),
        ("legal_basis", "RES-07"),
        ("profile", "NP-DEATH"),
        ("identity.birth_date", "1950"),
    ],
)
def test_a_string_of_a_wrong_form_is_refused_and_not_repeated_in_the_message(place: str, value: str) -> None:
    payload = residence()
    *above, last = place.split(".")
    inner = payload[above[0]] if above else payload
    inner[last] = value

    with pytest.raises(ContractError) as error:
        encode_payload("NP-RES", payload)

    assert (error.value.code, error.value.field) == ("PROFILE_FIELD", place)
    assert value not in error.value.message


def test_decoding_checks_the_forms_too() -> None:
    codec = load_profile("NP-RES").codec
    data = codec.encode(residence(county="here"))

    with pytest.raises(ContractError) as error:
        decode_payload("NP-RES", data)

    assert error.value.field == "county"


def test_items_of_lists_are_checked_one_by_one() -> None:
    value = {name: residence()[name] for name in [*COMMON, "identity"]} | {
        "profile": "NP-RP-HISTORY",
        "permit_number": "L44000000001",
        "issued_on": ["2024-03-01"],
        "endorsed_on": ["2025-02-20", "2026/02/20"],
        "suspended_on": [],
    }

    with pytest.raises(ContractError) as error:
        encode_payload("NP-RP-HISTORY", value)

    assert error.value.field == "endorsed_on.1"


def test_the_bytes_of_another_profile_are_refused() -> None:
    with pytest.raises(ContractError):
        decode_payload("NP-COR-STATUS", encode_payload("NP-RES", residence()))


def test_an_unknown_profile_is_refused_with_a_code() -> None:
    with pytest.raises(ContractError) as error:
        load_profile("NP-EVERYTHING")

    assert error.value.code == "PROFILE_UNKNOWN"
