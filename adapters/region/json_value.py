"""Values of an Avro schema written as JSON, both ways: bytes are hex digits, everything else is itself.

Checks no more than it needs: whether a value fits its schema is said by `contracts.avro.Codec`. Messages name fields,
never values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from contracts.errors import ContractError

Turn = Callable[[Any, str], Any]
"""Turns a JSON value that stands at a place, which errors name, into the value that a codec encodes."""


def of_json(schema: Any) -> Turn:
    """How a JSON value becomes the value that a codec of a schema encodes.

    Args:
        schema: JSON of an Avro schema.

    Returns:
        Takes what `json.loads` gave and the empty place. Raises ContractError DRAFT_MALFORMED: a field that holds bytes
        is not written as hex digits.
    """
    return _turn_of(schema, {}) or _as_it_is


def to_json(value: Any) -> Any:
    """Turn a decoded value into one that `json.dumps` takes."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {name: to_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value


def _as_it_is(value: Any, _place: str) -> Any:
    return value


def _turn_of(schema: Any, named: dict[str, Turn | None]) -> Turn | None:
    """None where no bytes stand anywhere below."""
    if isinstance(schema, str) and schema in named:
        return named[schema]
    if isinstance(schema, list):
        return _of_branch(schema, named)
    kind = schema["type"] if isinstance(schema, dict) else schema
    if isinstance(kind, dict | list):
        return _turn_of(kind, named)
    match kind:
        case "bytes" | "fixed":
            turn: Turn | None = _bytes
        case "record":
            turn = _of_fields({row["name"]: _turn_of(row["type"], named) for row in schema["fields"]})
        case "array":
            turn = _of_items(_turn_of(schema["items"], named))
        case _:
            turn = None
    if isinstance(schema, dict) and "name" in schema:
        named[schema["name"]] = turn
    return turn


def _of_branch(branches: list[Any], named: dict[str, Turn | None]) -> Turn | None:
    """A union of null and one other: the only kind that bodies and profiles have."""
    (other,) = [branch for branch in branches if branch != "null"]
    turn = _turn_of(other, named)
    return None if turn is None else lambda value, place: None if value is None else turn(value, place)


def _of_fields(turns: Mapping[str, Turn | None]) -> Turn | None:
    found = {name: turn for name, turn in turns.items() if turn is not None}
    if not found:
        return None

    def of_fields(value: Any, place: str) -> Any:
        if not isinstance(value, Mapping):
            return value
        turned = {name: found[name](value[name], f"{place}.{name}".lstrip(".")) for name in found.keys() & value.keys()}
        return {**value, **turned}

    return of_fields


def _of_items(turn: Turn | None) -> Turn | None:
    if turn is None:
        return None

    def of_items(value: Any, place: str) -> Any:
        if not isinstance(value, list):
            return value
        return [turn(item, f"{place}.{number}") for number, item in enumerate(value)]

    return of_items


def _bytes(value: Any, place: str) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return bytes.fromhex(value)
    except (TypeError, ValueError) as error:
        raise ContractError("DRAFT_MALFORMED", f"{place}: is not written as hex digits", field=place) from error
