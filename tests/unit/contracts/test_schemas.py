"""The registry knows every packaged schema, and bodies hold codes only (DOMAIN 5.2)."""

from typing import Any

import pytest

from contracts.body import MAX_STRING, check_body_schema
from contracts.errors import ContractError
from contracts.event import HEADER_FINGERPRINT
from contracts.schema import CACHED_BODY_BYTES, SchemaRegistry, load_registry, load_schemas

PATHS = list(load_schemas())
COUNTY = {"type": "string", "pattern": "^[0-9]{6}$"}


def record(*fields: tuple[str, Any], name: str = "ThingDoneBody") -> dict[str, Any]:
    rows = [{"name": field, "type": kind} for field, kind in fields]
    return {"type": "record", "name": name, "namespace": "pprd.v1", "fields": rows}


THING = record(
    ("county", COUNTY),
    ("former", ["null", COUNTY]),
    ("kinds", {"type": "array", "items": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}}),
    (
        "rows",
        {
            "type": "array",
            "items": record(("place", COUNTY), ("id", {"type": "fixed", "name": "I", "size": 2}), name="Row"),
        },
    ),
    ("last", ["null", "Row"]),
    ("count", "long"),
)
VALUE = {
    "county": "440106",
    "former": None,
    "kinds": ["A", "B"],
    "rows": [{"place": "450103", "id": b"ab"}],
    "last": {"place": "450103", "id": b"ab"},
    "count": 7,
}
NAME = "pprd.v1.ThingDoneBody"


def registry() -> SchemaRegistry:
    return SchemaRegistry.of({"body/thing_done.avsc": THING, "other.avsc": record(("text", "string"), name="Other")})


def refusal_of(schema: dict[str, Any]) -> ContractError:
    with pytest.raises(ContractError) as caught:
        SchemaRegistry.of({"body/x.avsc": schema})
    assert caught.value.code == "SCHEMA_UNSAFE"
    return caught.value


def test_every_packaged_schema_is_found_by_name_and_by_fingerprint() -> None:
    found = load_registry()

    assert len(found.codecs) == len(PATHS)
    for name, codec in found.codecs.items():
        assert found.by_name(name) is codec
        assert found.by_fingerprint(codec.fingerprint) is codec
    assert found.by_fingerprint(HEADER_FINGERPRINT).name == "pprd.v1.EventHeader"


@pytest.mark.parametrize("path", [path for path in PATHS if path.startswith("body/")])
def test_every_packaged_body_holds_codes_only_and_is_named_after_its_file(path: str) -> None:
    schema = load_schemas()[path]

    check_body_schema(schema)
    words = path.removeprefix("body/").removesuffix(".avsc").split("_")
    assert schema["name"] == "".join(word.capitalize() for word in words) + "Body"


def test_an_unknown_name_or_fingerprint_is_refused() -> None:
    with pytest.raises(ContractError, match="SCHEMA_UNKNOWN"):
        registry().by_name("pprd.v1.Nothing")
    with pytest.raises(ContractError, match="SCHEMA_UNKNOWN"):
        registry().by_fingerprint(bytes(8))


def test_a_body_comes_back_with_its_name() -> None:
    found = registry()

    assert found.decode_body(found.encode_body(NAME, VALUE)) == (NAME, VALUE)


def test_a_decoded_body_cannot_be_changed() -> None:
    found = registry()
    _, body = found.decode_body(found.encode_body(NAME, VALUE))

    with pytest.raises(TypeError):
        body["count"] = 8  # type: ignore[index]


def test_a_decoded_body_can_be_encoded_again() -> None:
    found = registry()
    data = found.encode_body(NAME, VALUE)

    assert found.encode_body(*found.decode_body(data)) == data


def test_a_short_body_is_decoded_once_and_a_long_one_is_not_kept() -> None:
    found = registry()
    short = found.encode_body(NAME, VALUE)
    long = found.encode_body(NAME, VALUE | {"kinds": ["A"] * CACHED_BODY_BYTES})

    assert found.decode_body(bytes(bytearray(short))) is found.decode_body(bytes(bytearray(short)))
    assert found.decode_body(long) is not found.decode_body(long)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"county": "4401"}, "county"),
        ({"county": "440106\n"}, "county"),
        ({"county": "４４０１０６"}, "county"),
        ({"county": "张三"}, "county"),
        ({"former": "x"}, "former"),
        ({"rows": [{"place": "here", "id": b"ab"}]}, "rows[].place"),
        ({"last": {"place": "", "id": b"ab"}}, "last.place"),
    ],
)
def test_a_string_of_a_wrong_form_is_refused_by_its_path_and_not_quoted(change: dict[str, Any], field: str) -> None:
    found = registry()
    data = found.by_name(NAME).encode_single(VALUE | change)

    for attempt in (lambda: found.decode_body(data), lambda: found.encode_body(NAME, VALUE | change)):
        with pytest.raises(ContractError) as caught:
            attempt()
        assert (caught.value.code, caught.value.field) == ("BODY_FIELD", field)
        assert "张三" not in str(caught.value)


def test_a_pattern_without_an_end_still_ends_at_the_longest_string() -> None:
    found = SchemaRegistry.of({"body/a.avsc": record(("code", {"type": "string", "pattern": "^[A-Z]+$"}))})

    assert found.encode_body(NAME, {"code": "A" * MAX_STRING})
    with pytest.raises(ContractError, match="BODY_FIELD"):
        found.encode_body(NAME, {"code": "A" * (MAX_STRING + 1)})


def test_bytes_that_are_no_body_are_refused() -> None:
    found = registry()
    data = found.encode_body(NAME, VALUE)
    other = found.by_name("pprd.v1.Other").encode_single({"text": "free"})

    for bad, code in [
        (b"", "AVRO_MALFORMED"),
        (data + b"\0", "AVRO_MALFORMED"),
        (data[:-1], "AVRO_MALFORMED"),
        (other, "SCHEMA_UNKNOWN"),
        (data[:2] + bytes(8) + data[10:], "SCHEMA_UNKNOWN"),
    ]:
        with pytest.raises(ContractError) as caught:
            found.decode_body(bad)
        assert caught.value.code == code


def test_a_value_that_does_not_fit_or_is_for_no_body_is_not_encoded() -> None:
    with pytest.raises(ContractError, match="AVRO_VALUE"):
        registry().encode_body(NAME, VALUE | {"count": 1.0})
    with pytest.raises(ContractError, match="SCHEMA_UNKNOWN"):
        registry().encode_body("pprd.v1.Other", {"text": "free"})


@pytest.mark.parametrize(
    "kind",
    [
        "string",
        "bytes",
        "double",
        "null",
        ["null", "string"],
        ["null", "int", "boolean"],
        ["int", "boolean"],
        {"type": "string"},
        {"type": "bytes", "pattern": "^a$"},
        {"type": "map", "values": "int"},
        {"type": "array", "items": "string"},
        record(("note", "string"), name="Inner"),
        {"type": "string", "pattern": "[0-9]{6}"},
        {"type": "string", "pattern": "^.{6}$"},
        {"type": "string", "pattern": "^\\w{6}$"},
        {"type": "string", "pattern": "^[^0-9]{6}$"},
        {"type": "string", "pattern": "^(a$"},
        {"type": "string", "pattern": 6},
    ],
)
def test_a_body_that_could_hold_free_text_is_refused_by_the_name_of_the_field(kind: Any) -> None:
    error = refusal_of(record(("thing", kind)))

    assert error.field is not None
    assert error.field.startswith("thing")


def test_a_planted_forbidden_field_is_refused_at_any_depth() -> None:
    inner = record(("riskLevel", "int"), name="Inner")

    assert refusal_of(record(("rows", {"type": "array", "items": inner}))).field == "riskLevel"


def test_a_name_that_stands_twice_is_refused() -> None:
    with pytest.raises(ContractError, match="twice"):
        SchemaRegistry.of({"a.avsc": THING, "b.avsc": THING})
