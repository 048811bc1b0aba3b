"""Two schemas fit as Avro's resolution rules say; the reference checker is the oracle."""

import copy
import json
from typing import Any

import avro.schema
import pytest
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts.compatibility import check_compatible
from contracts.errors import ContractError

PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]
DEFAULTS: dict[str, Any] = {
    "null": None,
    "boolean": True,
    "int": 1,
    "long": 1,
    "float": 1.5,
    "double": 1.5,
    "bytes": "a",
    "string": "a",
}


def record(*fields: dict[str, Any], name: str = "T", **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields), **more}


def field(name: str, kind: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, **more}


@st.composite
def kinds(draw: st.DrawFn, depth: int = 2) -> Any:
    """A type; named ones are told apart afterwards by `numbered`."""
    what = draw(
        st.sampled_from(["primitive"] * 3 + ["enum", "fixed"] + ["array", "map", "record", "union"] * (depth > 0))
    )
    match what:
        case "primitive":
            return draw(st.sampled_from(PRIMITIVES))
        case "enum":
            symbols = sorted(draw(st.sets(st.sampled_from("ABCD"), min_size=1)))
            default = {"default": draw(st.sampled_from(symbols))} if draw(st.booleans()) else {}
            return {"type": "enum", "name": draw(st.sampled_from(["E", "F"])), "symbols": symbols, **default}
        case "fixed":
            return {"type": "fixed", "name": draw(st.sampled_from(["X", "Y"])), "size": draw(st.integers(1, 2))}
        case "array":
            return {"type": "array", "items": draw(kinds(depth - 1))}
        case "map":
            return {"type": "map", "values": draw(kinds(depth - 1))}
        case "union":
            branches: list[Any] = draw(st.lists(st.sampled_from(PRIMITIVES), min_size=1, max_size=3, unique=True))
            extra = draw(st.sampled_from(["none", "array", "record"]))
            if extra == "array":
                branches.append({"type": "array", "items": draw(kinds(depth - 1))})
            if extra == "record":
                branches.append(draw(records(depth - 1)))
            return branches
        case _:
            return draw(records(depth - 1))


@st.composite
def records(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    fields = []
    for name in sorted(draw(st.sets(st.sampled_from("abc"), min_size=1))):
        kind = draw(kinds(depth))
        has_default = isinstance(kind, str) and draw(st.booleans())
        fields.append(field(name, kind, **({"default": DEFAULTS[kind]} if has_default else {})))
        if draw(st.integers(0, 5)) == 0:
            fields[-1]["aliases"] = [draw(st.sampled_from("abcd"))]
    return record(*fields, name=draw(st.sampled_from(["R", "S"])))


def numbered(schema: dict[str, Any]) -> dict[str, Any]:
    """Give each named type but the outermost a namespace of its own: one name may stand once, resolution skips it."""
    schema = copy.deepcopy(schema)
    count = 0

    def walk(kind: Any) -> None:
        nonlocal count
        if isinstance(kind, list):
            for branch in kind:
                walk(branch)
        elif isinstance(kind, dict):
            if "name" in kind:
                count += 1
                kind["namespace"] = f"n{count}"
            for row in kind.get("fields", ()):
                walk(row["type"])
            walk(kind.get("items"))
            walk(kind.get("values"))

    walk(schema)
    return schema


def reads(reader: dict[str, Any], writer: dict[str, Any]) -> bool:
    checker: Any = ReaderWriterCompatibilityChecker
    reader_type, writer_type = (avro.schema.parse(json.dumps(schema)) for schema in (reader, writer))
    result = checker().get_compatibility(reader_type, writer_type)
    return bool(result.compatibility is SchemaCompatibilityType.compatible)


def fits(old: dict[str, Any], new: dict[str, Any], *, backward_only: bool) -> bool:
    try:
        check_compatible(old, new, backward_only=backward_only)
    except ContractError as err:
        return err.code != "SCHEMA_BREAKING"
    return True


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two schemas, of which the second is often the first with one place changed."""
    old = draw(records())
    if draw(st.integers(0, 3)) == 0:
        return numbered(old), numbered(draw(records()))
    new = copy.deepcopy(old)
    row = draw(st.sampled_from(_rows(new)))
    row["type"] = draw(kinds(1))
    row.pop("default", None)
    return numbered(old), numbered(new)


def _rows(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, list):
        return [row for branch in schema for row in _rows(branch)]
    if not isinstance(schema, dict):
        return []
    own: list[dict[str, Any]] = schema.get("fields", [])
    inner = [row for one in own for row in _rows(one["type"])]
    return own + inner + _rows(schema.get("items")) + _rows(schema.get("values"))


@given(pairs())
@settings(max_examples=500, deadline=None)
@example((record(field("a", "int")), record(field("a", "long"))))
@example((record(field("a", ["null", "int"])), record(field("a", ["long", "null"]))))
def test_the_verdict_is_that_of_the_reference_in_both_directions(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    old, new = pair

    assert fits(old, new, backward_only=True) == reads(new, old)
    assert fits(old, new, backward_only=False) == (reads(new, old) and reads(old, new))


@given(records().map(numbered))
@settings(deadline=None)
def test_every_schema_fits_itself(schema: dict[str, Any]) -> None:
    check_compatible(schema, copy.deepcopy(schema))


ENUM = {"type": "enum", "name": "E", "symbols": ["A"]}
WIDER = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
FIXED = {"type": "fixed", "name": "X", "size": 2}


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (record(field("a", "int")), record(field("a", "int"), field("b", "int")), "b"),
        (record(field("a", "int"), field("b", "int")), record(field("a", "int")), "b"),
        (record(field("a", "int")), record(field("a", "long")), "a"),
        (record(field("a", "int")), record(field("b", "int", default=1)), "a"),
        (record(field("a", ENUM)), record(field("a", WIDER)), "a"),
        (record(field("a", FIXED)), record(field("a", FIXED | {"size": 3})), "a"),
        (record(field("a", FIXED)), record(field("a", FIXED | {"name": "Y"})), "a"),
        (record(field("a", "int")), record(field("a", ["null", "int"])), "a"),
        (
            record(field("a", {"type": "array", "items": record(field("b", "int"), name="R")})),
            record(field("a", {"type": "array", "items": record(field("b", "string"), name="R")})),
            "a[].b",
        ),
        (
            record(field("a", {"type": "map", "values": "int"})),
            record(field("a", {"type": "map", "values": "null"})),
            "a{}",
        ),
        (record(field("a", "int"), name="T"), record(field("a", "int"), name="U"), None),
    ],
)
def test_a_breaking_change_is_refused_by_its_path(old: dict[str, Any], new: dict[str, Any], path: str | None) -> None:
    with pytest.raises(ContractError) as caught:
        check_compatible(old, new)

    assert (caught.value.code, caught.value.field) == ("SCHEMA_BREAKING", path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (record(field("a", "int")), record(field("a", "int"), field("b", "int", default=1))),
        (record(field("a", "int"), field("b", "int", default=1)), record(field("a", "int"))),
        (record(field("a", "bytes")), record(field("a", "string"))),
        (record(field("a", ENUM | {"default": "A"})), record(field("a", WIDER))),
        (record(field("a", ["null", "int"])), record(field("a", ["int", "null"]))),
        (record(field("a", FIXED), field("b", "X")), record(field("b", FIXED), field("a", "X"))),
        (record(field("a", "int")), record(field("b", "int", aliases=["a"], default=1), field("a", "int", default=1))),
        (record(field("a", FIXED), namespace="n"), record(field("a", FIXED), namespace="m")),
    ],
)
def test_a_change_that_both_sides_can_read_is_allowed(old: dict[str, Any], new: dict[str, Any]) -> None:
    check_compatible(old, new)


def test_backward_only_asks_nothing_of_old_readers() -> None:
    old, new = record(field("a", "int")), record(field("a", "long"))

    check_compatible(old, new, backward_only=True)
    with pytest.raises(ContractError, match="old schema cannot read"):
        check_compatible(old, new)


def test_an_alias_with_its_namespace_is_the_same_type() -> None:
    old = record(field("a", FIXED), namespace="n")
    new = record(field("a", FIXED | {"name": "Z", "aliases": ["n.X"]}), namespace="n")

    check_compatible(old, new, backward_only=True)
    assert reads(new, old)
