"""Values of an Avro schema written as JSON, both ways: bytes are hex digits, everything else is itself.

Checks no more than it needs: whether a value fits its schema is said by `contracts.avro.Codec`. Messages name fields,
never values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts.errors import ContractError


def of_json(schema: Any, value: Any) -> Any:
    """Turn a JSON value into the value that a codec of this schema encodes.

    Args:
        schema: JSON of an Avro schema.
        value: What `json.loads` gave.

    Raises:
        ContractError: DRAFT_MALFORMED: a field that holds bytes is not written as hex digits.
    """
    return _turn(schema, value, "", {})


def to_json(value: Any) -> Any:
    """Turn a decoded value into one that `json.dumps` takes."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {name: to_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value


def _turn(schema: Any, value: Any, place: str, named: dict[str, Any]) -> Any:
    if isinstance(schema, str):
        schema = named.get(schema, schema)
    if isinstance(schema, list):
        return _branch(schema, value, place, named)
    kind = schema["type"] if isinstance(schema, dict) else schema
    if isinstance(kind, dict | list):
        return _turn(kind, value, place, named)
    if isinstance(schema, dict) and "name" in schema:
        named[schema["name"]] = schema
    match kind:
        case "bytes" | "fixed":
            return _bytes(value, place)
        case "record" if isinstance(value, Mapping):
            types = {row["name"]: row["type"] for row in schema["fields"]}
            return {
                name: _turn(types[name], item, f"{place}.{name}".lstrip("."), named) if name in types else item
                for name, item in value.items()
            }
        case "array" if isinstance(value, list):
            return [_turn(schema["items"], item, f"{place}.{number}", named) for number, item in enumerate(value)]
        case _:
            return value


def _branch(branches: list[Any], value: Any, place: str, named: dict[str, Any]) -> Any:
    """A union of null and one other: the only kind that bodies and profiles have."""
    if value is None:
        return None
    (other,) = [branch for branch in branches if branch != "null"]
    return _turn(other, value, place, named)


def _bytes(value: Any, place: str) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return bytes.fromhex(value)
    except (TypeError, ValueError) as error:
        raise ContractError("DRAFT_MALFORMED", f"{place}: is not written as hex digits", field=place) from error
