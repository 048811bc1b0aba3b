"""A codec reads only what it would write, and writes only what fits (LIMITS, traps 4 and 5)."""

import io
import json
from typing import Any

import avro.io
import avro.schema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.avro import MAX_DATA_BYTES, Codec, fingerprint_of
from contracts.avro_shape import MAX_DEPTH
from contracts.errors import ContractError


def record(*fields: tuple[str, Any], name: str = "T") -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": field, "type": kind} for field, kind in fields]}


ALL_KINDS = record(
    ("flag", "boolean"),
    ("small", "int"),
    ("large", "long"),
    ("raw", "bytes"),
    ("text", "string"),
    ("ratio", "double"),
    ("tag", {"type": "fixed", "name": "Tag", "size": 3}),
    ("kind", {"type": "enum", "name": "Kind", "symbols": ["A", "B", "C"]}),
    ("maybe", ["null", "string"]),
    ("either", ["long", "Tag", {"type": "array", "items": "int"}]),
    ("rows", {"type": "array", "items": record(("n", "int"), ("ids", {"type": "array", "items": "string"}), name="R")}),
    ("more", {"type": "map", "values": "boolean"}),
)
INT, LONG = st.integers(-(1 << 31), (1 << 31) - 1), st.integers(-(1 << 63), (1 << 63) - 1)
TAG = st.binary(min_size=3, max_size=3)
TEXT = st.text(max_size=70)
VALUES = st.fixed_dictionaries(
    {
        "flag": st.booleans(),
        "small": INT,
        "large": LONG,
        "raw": st.binary(max_size=70),
        "text": TEXT,
        "ratio": st.floats(allow_nan=False),
        "tag": TAG,
        "kind": st.sampled_from("ABC"),
        "maybe": st.none() | TEXT,
        "either": LONG | TAG | st.lists(INT, max_size=3),
        "rows": st.lists(st.fixed_dictionaries({"n": INT, "ids": st.lists(TEXT, max_size=3)}), max_size=3),
        "more": st.dictionaries(TEXT, st.booleans(), max_size=3),
    }
)
CODEC = Codec.of(ALL_KINDS)
ORACLE = avro.schema.parse(json.dumps(ALL_KINDS))
EDITS = st.lists(st.tuples(st.sampled_from(["set", "insert", "delete"]), st.integers(0, 400), st.integers(0, 255)))


def mutated(data: bytes, edits: list[tuple[str, int, int]]) -> bytes:
    out = bytearray(data)
    for what, place, byte in edits:
        at = place % (len(out) + 1)
        if what == "insert":
            out.insert(at, byte)
        elif at < len(out):
            out[at : at + 1] = b"" if what == "delete" else bytes((byte,))
    return bytes(out)


def value_or_code(data: bytes) -> Any:
    try:
        return CODEC.decode(data)
    except ContractError as err:
        return err.code


def refusal(codec: Codec, data: bytes) -> ContractError:
    with pytest.raises(ContractError) as caught:
        codec.decode(data)
    assert caught.value.code == "AVRO_MALFORMED"
    return caught.value


@given(VALUES)
@settings(deadline=None)
def test_a_value_comes_back_and_its_bytes_are_those_of_the_reference_library(value: dict[str, Any]) -> None:
    out = io.BytesIO()
    avro.io.DatumWriter(ORACLE).write(value, avro.io.BinaryEncoder(out))

    assert CODEC.encode(value) == out.getvalue()
    assert CODEC.decode(out.getvalue()) == value


@pytest.mark.parametrize("count", [63, 64, 200, 10_000])
def test_what_is_long_has_the_bytes_of_the_reference_library_too(count: int) -> None:
    value = {
        "maybe": None,
        "flag": True,
        "small": -count,
        "large": count << 40,
        "raw": bytes(count),
        "text": "户" * count,
        "ratio": -0.0,
        "tag": b"tag",
        "kind": "C",
        "either": list(range(count)),
        "rows": [{"n": -1, "ids": ["a"] * count}],
        "more": {str(number): True for number in range(count)},
    }
    out = io.BytesIO()
    avro.io.DatumWriter(ORACLE).write(value, avro.io.BinaryEncoder(out))

    assert CODEC.encode(value) == out.getvalue()


@given(VALUES, EDITS)
@settings(max_examples=500, deadline=None)
def test_changed_bytes_are_refused_or_are_exactly_what_their_value_encodes_to(value: Any, edits: Any) -> None:
    data = mutated(CODEC.encode(value), edits)

    found = value_or_code(data)

    assert found == "AVRO_MALFORMED" or CODEC.encode(found) == data


@given(st.binary(max_size=300))
@settings(max_examples=500, deadline=None)
def test_any_bytes_give_a_value_or_a_refusal(data: bytes) -> None:
    found = value_or_code(data)

    assert found == "AVRO_MALFORMED" or CODEC.encode(found) == data


ONE = {
    "long": Codec.of(record(("f", "long"))),
    "int": Codec.of(record(("f", "int"))),
    "boolean": Codec.of(record(("f", "boolean"))),
    "string": Codec.of(record(("f", "string"))),
    "bytes": Codec.of(record(("f", "bytes"))),
    "float": Codec.of(record(("f", "float"))),
    "enum": Codec.of(record(("f", {"type": "enum", "name": "E", "symbols": ["A", "B"]}))),
    "union": Codec.of(record(("f", ["null", "string"]))),
    "fixed": Codec.of(record(("f", {"type": "fixed", "name": "F", "size": 2}))),
    "longs": Codec.of(record(("f", {"type": "array", "items": "long"}))),
    "bytes_map": Codec.of(record(("f", {"type": "map", "values": "int"}))),
}


@pytest.mark.parametrize(
    ("kind", "data", "defect"),
    [
        ("long", "8000", "varint longer than needed"),
        ("long", "80808080808080808000", "varint of ten bytes for nothing"),
        ("long", "80808080808080808003", "varint above 64 bits, truncated to the same length"),
        ("long", "80808080808080808080808001", "varint of thirteen bytes"),
        ("long", "ff" * 40, "varint without an end"),
        ("long", "", "no byte"),
        ("long", "0200", "trailing byte"),
        ("int", "8080808010", "long in an int"),
        ("boolean", "02", "boolean byte above 1"),
        ("string", "01", "negative length"),
        ("string", "02ff", "no UTF-8"),
        ("string", "06eda080", "surrogate in UTF-8"),
        ("string", "04c080", "over-long UTF-8"),
        ("string", "0861", "shorter than its length"),
        ("string", "feffffffffffffffff01", "length of eight exabytes"),
        ("bytes", "ffffffffffffffffff01", "most negative length"),
        ("enum", "04", "symbol beyond the last"),
        ("enum", "01", "negative symbol"),
        ("union", "04", "branch beyond the last"),
        ("union", "010261", "negative branch, which counts from the end"),
        ("fixed", "61", "shorter than its size"),
        ("longs", "02020202" + "00", "two blocks"),
        ("longs", "01020200", "block with a negative count"),
        ("longs", "7f80" + "00" * 64 + "00", "negative count whose size byte hides in the length"),
        ("longs", "feffffffffffffffff01", "array of eight exabytes"),
        ("longs", "ffffffffffffffffff01", "array of the most negative count"),
        ("bytes_map", "04026102026102" + "00", "a key twice"),
    ],
)
def test_each_known_trap_is_refused(kind: str, data: str, defect: str) -> None:
    refusal(ONE[kind], bytes.fromhex(data))


def test_a_negative_count_of_64_is_refused_although_it_is_as_long_as_the_canonical_one() -> None:
    """A block of -64 with size 0 takes as many bytes as a block of 64: comparing lengths would not find it."""
    canonical = ONE["longs"].encode({"f": [0] * 64})
    hidden = b"\x7f\x00" + bytes(64) + b"\x00"

    assert len(hidden) == len(canonical)
    refusal(ONE["longs"], hidden)


def test_more_bytes_than_anything_of_ours_has_are_refused_unread() -> None:
    assert "more than" in refusal(ONE["bytes"], bytes(MAX_DATA_BYTES + 1)).message


def test_a_refusal_holds_neither_the_bytes_nor_a_cause_that_does() -> None:
    caught = refusal(ONE["string"], b"\x3044010618020301002\xff")

    assert "4401" not in str(caught)
    assert caught.__cause__ is None
    assert caught.__suppress_context__


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("long", 1.9),
        ("long", True),
        ("long", 1 << 63),
        ("long", -(1 << 63) - 1),
        ("int", 1 << 31),
        ("int", "1"),
        ("boolean", 1),
        ("string", b"a"),
        ("string", None),
        ("string", "\ud800"),
        ("bytes", "a"),
        ("float", 1),
        ("float", 0.1),
        ("float", 1e300),
        ("enum", "C"),
        ("enum", 0),
        ("union", 1),
        ("fixed", b"abc"),
        ("fixed", bytearray(b"ab")),
        ("longs", {1}),
        ("longs", [1, "2"]),
        ("bytes_map", {1: 1}),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_the_name_of_its_field(kind: str, value: object) -> None:
    with pytest.raises(ContractError) as caught:
        ONE[kind].encode({"f": value})

    assert caught.value.code == "AVRO_VALUE"
    assert caught.value.field is not None
    assert caught.value.field.startswith("f")


@pytest.mark.parametrize(("value", "field"), [({}, "f"), ({"f": 1, "g": 2}, None), ([], None), (None, None)])
def test_missing_and_extra_fields_are_refused(value: object, field: str | None) -> None:
    with pytest.raises(ContractError) as caught:
        ONE["long"].encode(value)

    assert (caught.value.code, caught.value.field) == ("AVRO_VALUE", field)


def test_a_nested_field_is_named_by_its_path() -> None:
    value = {"rows": [{"n": 1, "ids": ["a", 2]}]}

    with pytest.raises(ContractError) as caught:
        Codec.of(ROWS).encode(value)

    assert caught.value.field == "rows[].ids[]"
    assert caught.value.message == "rows[].ids[]: int given, string wanted"


def test_a_refusal_tells_types_and_places_and_no_value() -> None:
    nested = record(("more", {"type": "map", "values": record(("n", "int"), name="R")}))

    with pytest.raises(ContractError) as caught:
        Codec.of(nested).encode({"more": {"张三": {"n": "李四"}}})

    assert str(caught.value) == "AVRO_VALUE: more{}.n: str given, int of 32 bits wanted (field=more{}.n)"


ROWS = record(
    ("rows", {"type": "array", "items": record(("n", "int"), ("ids", {"type": "array", "items": "string"}), name="R")})
)


def nested(levels: int) -> dict[str, Any]:
    schema: Any = "int"
    for _ in range(levels - 2):
        schema = {"type": "array", "items": schema}
    return record(("f", schema))


@pytest.mark.parametrize(
    ("schema", "defect"),
    [
        (record(("f", ["null", "T"])), "recursive"),
        (record(("f", {"type": "array", "items": record(("g", {"type": "map", "values": "T"}), name="U")})), "deep"),
        (record(("f", {"type": "array", "items": "null"})), "items without bytes"),
        (record(("f", {"type": "array", "items": record(name="Empty")})), "items without bytes"),
        (record(("f", {"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}})), "items without bytes"),
        (record(("f", {"type": "map", "values": record(("g", "null"), name="U")})), "values without bytes"),
        (nested(MAX_DEPTH + 1), "too deep"),
        (record(("f", {"type": "long", "logicalType": "timestamp-millis"})), "logical type"),
        (record(("f", ["int", "long"])), "branches that a value does not tell apart"),
        (record(("f", ["string", {"type": "enum", "name": "E", "symbols": ["A"]}])), "the same"),
        (record(("f", [])), "empty union"),
        (record(("f", "Unknown")), "unknown type"),
        (record(("f", {"type": "enum", "name": "E", "symbols": ["not a symbol"]})), "bad symbol"),
        (record(("f", "int"), ("f", "int")), "field twice"),
        ({"type": "string"}, "no record"),
        ({"type": "record", "name": "T"}, "no fields"),
        ({"type": ["record"]}, "no type"),
        ({}, "nothing"),
    ],
)
def test_an_unsafe_or_malformed_schema_is_refused(schema: dict[str, Any], defect: str) -> None:
    with pytest.raises(ContractError) as caught:
        Codec.of(schema)

    assert caught.value.code == "SCHEMA_UNSAFE", defect


def test_a_schema_as_deep_as_allowed_is_taken() -> None:
    value: Any = 1
    for _ in range(MAX_DEPTH - 2):
        value = [value]
    codec = Codec.of(nested(MAX_DEPTH))

    assert codec.decode(codec.encode({"f": value})) == {"f": value}


def test_a_schema_of_ten_thousand_levels_is_refused_without_ending_the_process() -> None:
    with pytest.raises(ContractError, match="deeper"):
        Codec.of(nested(10_000))


def test_the_fingerprint_is_that_of_the_reference_library() -> None:
    """Avro specification, Schema Fingerprints; the reference writes a reused type out again, so without one."""
    schema = {**ALL_KINDS, "fields": [row for row in ALL_KINDS["fields"] if row["name"] != "either"]}

    assert Codec.of(schema).fingerprint == avro.schema.parse(json.dumps(schema)).fingerprint("CRC-64-AVRO")


def test_a_single_object_names_its_schema() -> None:
    codec = ONE["long"]
    data = codec.encode_single({"f": 7})

    assert data == b"\xc3\x01" + codec.fingerprint + b"\x0e"
    assert fingerprint_of(data) == codec.fingerprint
    assert codec.decode_single(data) == {"f": 7}


def test_a_single_object_of_another_schema_or_without_marker_is_refused() -> None:
    data = ONE["long"].encode_single({"f": 7})

    with pytest.raises(ContractError, match="SCHEMA_MISMATCH"):
        ONE["int"].decode_single(data)
    for bad in (b"", data[:9], b"\xc3\x02" + data[2:]):
        with pytest.raises(ContractError, match="AVRO_MALFORMED"):
            ONE["long"].decode_single(bad)
