"""What an event body may hold, and the forms of its strings.

Bodies are clear text: everyone who relays an event can read them. So a body schema may only hold enums, fixed, int,
long and boolean, strings whose `pattern` bounds them to a code (at most 64 characters), lists and records of these, and
nothing or one of these (DOMAIN 5.2). Where a type could carry free text, the schema is refused.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from contracts.errors import ContractError

Forms = Callable[[Any, str], None]
"""Checks the forms of all strings in a value; the text is its path."""

_PLAIN: Final = frozenset({"int", "long", "boolean"})
MAX_STRING: Final = 64
"""Longest string of a body, in characters."""

# An unescaped dot, a class that takes any letter, or one that says only what it does not take.
_FREE: Final = re.compile(r"(?<!\\)\.|\\[wWDS]|\[\^", re.ASCII)


def check_body_schema(schema: Mapping[str, Any]) -> None:
    """Refuse a body schema that could carry free text or an identity.

    Args:
        schema: JSON of one record schema.

    Raises:
        ContractError: SCHEMA_UNSAFE naming the field.
    """
    if schema.get("type") != "record":
        _refuse("", "a body is a record")
    _allow(schema, "", set())


def _refuse(path: str, reason: str) -> NoReturn:
    raise ContractError("SCHEMA_UNSAFE", f"{path or 'body'}: {reason}", field=path or None)


def _allow(schema: Any, path: str, names: set[str]) -> None:
    # `names` are the named types met so far: what stands there was allowed already.
    if isinstance(schema, str):
        if schema not in _PLAIN and schema not in names:
            _refuse(path, f"{schema} is not allowed in a body")
    elif isinstance(schema, list):
        if len(schema) != 2 or schema.count("null") != 1:
            _refuse(path, "a union in a body is nothing or one type")
        _allow(next(branch for branch in schema if branch != "null"), path, names)
    else:
        _allow_complex(schema, path, names)


def _allow_complex(schema: Mapping[str, Any], path: str, names: set[str]) -> None:
    match schema.get("type"):
        case "enum" | "fixed":
            names.add(schema["name"])
        case "string":
            _check_pattern(schema.get("pattern"), path)
        case "array":
            _allow(schema["items"], f"{path}[]", names)
        case "record":
            for field in schema["fields"]:
                _allow(field["type"], f"{path}.{field['name']}" if path else field["name"], names)
            names.add(schema["name"])
        case str(plain) if plain in _PLAIN:
            pass
        case other:
            _refuse(path, f"{other} is not allowed in a body")


def _check_pattern(pattern: object, path: str) -> None:
    if not isinstance(pattern, str):
        _refuse(path, "a string in a body has a pattern")
    if not (pattern.startswith("^") and pattern.endswith("$")) or _FREE.search(pattern) is not None:
        _refuse(path, f"{pattern} does not bound the whole string to a code")
    try:
        re.compile(pattern, re.ASCII)
    except re.error:
        _refuse(path, f"{pattern} is no pattern")


def forms_of(schema: Any) -> Forms | None:
    """Compile the check of the patterns of a schema.

    Args:
        schema: JSON of a schema that passed `check_body_schema`.

    Returns:
        A function that raises BODY_FIELD naming the field, or None if the schema has no pattern.
    """
    return _compile(schema, {})


def _compile(schema: Any, named: dict[str, Forms | None]) -> Forms | None:
    if isinstance(schema, str):
        return named.get(schema)
    if isinstance(schema, list):
        inner = _compile(next(branch for branch in schema if branch != "null"), named)
        return None if inner is None else _of_nullable(inner)
    match schema["type"]:
        case "string":
            return _of_pattern(schema["pattern"])
        case "array":
            inner = _compile(schema["items"], named)
            return None if inner is None else _of_items(inner)
        case "record":
            fields = {field["name"]: _compile(field["type"], named) for field in schema["fields"]}
            checked = tuple((name, check) for name, check in fields.items() if check is not None)
            named[schema["name"]] = forms = _of_fields(checked) if checked else None
            return forms
        case _:
            return None


def _of_pattern(pattern: str) -> Forms:
    match = re.compile(pattern, re.ASCII).fullmatch

    def check(value: Any, path: str) -> None:
        if len(value) > MAX_STRING or match(value) is None:
            # The value is left out: what does not belong into a body may be a person's.
            raise ContractError(
                "BODY_FIELD", f"{path}: not of the form {pattern} or above {MAX_STRING} characters", field=path
            )

    return check


def _of_nullable(inner: Forms) -> Forms:
    def check(value: Any, path: str) -> None:
        if value is not None:
            inner(value, path)

    return check


def _of_items(inner: Forms) -> Forms:
    def check(value: Any, path: str) -> None:
        for item in value:
            inner(item, f"{path}[]")

    return check


def _of_fields(fields: tuple[tuple[str, Forms], ...]) -> Forms:
    def check(value: Any, path: str) -> None:
        prefix = f"{path}." if path else ""
        for name, inner in fields:
            inner(value[name], prefix + name)

    return check
