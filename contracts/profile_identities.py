"""Who stands in a payload: identity cores and codes of organisations, at any depth: `check_identities`.

The schema says where: a record with type and number of a document and a birth date is an identity core (DOMAIN 9.4),
whatever its name, and a string with `"form": "uscc"` is the code of an organisation. Only a gateway that still sees the
plaintext can make this check. Messages name fields, never values.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from contracts.errors import ContractError
from contracts.identity import IdDocType, validate_identity, validate_uscc

IDENTITY: Final = frozenset({"document_type", "document_number", "birth_date"})
"""Fields that make a record an identity core."""
ORGANISATION: Final = "uscc"
"""`form` of a string that holds a unified social credit code."""

_Found = list[tuple[bool, Any]]
"""Whether it is an identity, and the value."""
_Find = Callable[[Any, _Found], None]
"""Adds what stands in a value of a schema."""
_made: Final[dict[int, tuple[Any, _Find | None]]] = {}
"""By identity of the schema, which stays alive with it: a schema is walked once, not with every value."""


def check_identities(schema: Any, value: Any, *, is_sandbox: bool) -> None:
    """Check every identity and every code of an organisation in a payload (DOMAIN 3.6).

    Args:
        schema: JSON of the profile's schema.
        value: A value that fits it.
        is_sandbox: Whether this system holds synthetic identities only.

    Raises:
        ContractError: IDENTITY_FORM.
        RuleError: SYNTHETIC_IDENTITY_REFUSED or REAL_IDENTITY_REFUSED.
    """
    for is_identity, found in _found_in(schema, value):
        if is_identity:
            _check_identity(found, is_sandbox=is_sandbox)
        else:
            validate_uscc(found, sandbox=is_sandbox)


def identities(schema: Any, value: Any) -> Iterator[Mapping[str, Any]]:
    """Every identity core in a payload.

    Args:
        schema: JSON of the profile's schema.
        value: A value that fits it.
    """
    return (found for is_identity, found in _found_in(schema, value) if is_identity)


def _check_identity(identity: Mapping[str, Any], *, is_sandbox: bool) -> None:
    try:
        birth_date = date.fromisoformat(identity["birth_date"])
    except ValueError:
        raise ContractError("IDENTITY_FORM", "birth_date: no date", field="birth_date") from None
    validate_identity(IdDocType(identity["document_type"]), identity["document_number"], birth_date, sandbox=is_sandbox)


def _found_in(schema: Any, value: Any) -> _Found:
    made = _made.get(id(schema))
    if made is None:
        made = _made[id(schema)] = (schema, _compile(schema, {}))
    found: _Found = []
    if (find := made[1]) is not None:
        find(value, found)
    return found


def _compile(schema: Any, named: dict[str, _Find | None]) -> _Find | None:
    """None where nobody stands below."""
    if isinstance(schema, str):
        return named.get(schema)
    if isinstance(schema, list):
        inner = _compile(next(branch for branch in schema if branch != "null"), named)
        return None if inner is None else lambda value, found: None if value is None else inner(value, found)
    match schema["type"]:
        case "record":
            finds = [(row["name"], _compile(row["type"], named)) for row in schema["fields"]]
            is_identity = {name for name, _ in finds} >= IDENTITY
            found = [(name, find) for name, find in finds if find is not None]
            named[schema["name"]] = record = _of_record(found, is_identity=is_identity)
            return record
        case "array":
            return _of_items(_compile(schema["items"], named))
        case "string" if schema.get("form") == ORGANISATION:
            return lambda value, found: found.append((False, value))
        case _:
            return None


def _of_record(fields: Sequence[tuple[str, _Find]], *, is_identity: bool) -> _Find | None:
    if not fields and not is_identity:
        return None

    def of_record(value: Any, found: _Found) -> None:
        if is_identity:
            found.append((True, value))
        for name, find in fields:
            find(value[name], found)

    return of_record


def _of_items(find: _Find | None) -> _Find | None:
    if find is None:
        return None

    def of_items(value: Any, found: _Found) -> None:
        for item in value:
            find(item, found)

    return of_items
