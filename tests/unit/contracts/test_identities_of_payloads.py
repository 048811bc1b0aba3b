"""Every identity and every organisation's code in a payload passes the gate, wherever it stands (DOMAIN 3.6)."""

from typing import Any

import pytest

from contracts.errors import ExchangeError
from contracts.profile import load_profile
from contracts.profile_identities import check_identities

CORE: dict[str, Any] = next(
    field["type"] for field in load_profile("NP-RES").codec.schema["fields"] if field["name"] == "identity"
)
# A second record of the same fields: named types stand once in a schema.
_FIELDS = [{**row, "type": "IdDocType"} if row["name"] == "document_type" else row for row in CORE["fields"]]
SCHEMA = {
    "type": "record",
    "name": "R",
    "fields": [
        {"name": "people", "type": {"type": "array", "items": CORE}},
        {"name": "receiver", "type": ["null", "IdentityCore"]},
        {"name": "guardian", "type": {**CORE, "name": "Guardian", "fields": _FIELDS}},
        {"name": "employer", "type": {"type": "string", "form": "uscc"}},
    ],
}
SOMEBODY = {
    "name": "测试甲一",
    "document_type": "CN_RESIDENT_ID",
    "document_number": "44010618020301002X",
    "birth_date": "1950-03-01",
}
RIGHT = {"people": [SOMEBODY, SOMEBODY], "receiver": None, "guardian": SOMEBODY, "employer": "91440300PPRD00033U"}


def test_what_nobody_can_hold_passes_in_a_sandbox() -> None:
    check_identities(SCHEMA, RIGHT, is_sandbox=True)
    check_identities(SCHEMA, RIGHT | {"receiver": SOMEBODY}, is_sandbox=True)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"people": [SOMEBODY, SOMEBODY | {"document_number": "440106180203010029"}]}, "IDENTITY_FORM"),
        ({"people": [SOMEBODY | {"birth_date": "1950-02-30"}]}, "IDENTITY_FORM"),
        ({"guardian": SOMEBODY | {"birth_date": "1950-03-02"}}, "IDENTITY_FORM"),
        ({"receiver": SOMEBODY | {"birth_date": "1950-03-02"}}, "IDENTITY_FORM"),
        ({"receiver": SOMEBODY | {"document_type": "PASSPORT", "document_number": "CHN-E1"}}, "REAL_IDENTITY_REFUSED"),
        ({"employer": "91440300PPRD00033X"}, "IDENTITY_FORM"),
        ({"employer": ""}, "IDENTITY_FORM"),
    ],
)
def test_a_wrong_one_is_refused_at_any_depth(change: dict[str, Any], code: str) -> None:
    with pytest.raises(ExchangeError) as caught:
        check_identities(SCHEMA, RIGHT | change, is_sandbox=True)

    assert caught.value.code == code


def test_what_nobody_can_hold_is_refused_where_people_are_real() -> None:
    with pytest.raises(ExchangeError, match="SYNTHETIC_IDENTITY_REFUSED"):
        check_identities(SCHEMA, RIGHT, is_sandbox=False)
