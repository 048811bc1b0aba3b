"""Who stands in a payload: identity cores and codes of organisations, at any depth: `check_identities`.

The schema says where: a record with type and number of a document and a birth date is an identity core (DOMAIN 9.4),
whatever its name, and a string with `"form": "uscc"` is the code of an organisation. Only a gateway that still sees the
plaintext can make this check. Messages name fields, never values.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from contracts.errors import ContractError
from contracts.identity import IdDocType, validate_identity, validate_uscc

IDENTITY: Final = frozenset({"document_type", "document_number", "birth_date"})
"""Fields that make a record an identity core."""
ORGANISATION: Final = "uscc"
"""`form` of a string that holds a unified social credit code."""

_Found = tuple[bool, Any]
"""Whether it is an identity, and the value."""


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
    for is_identity, found in _find(schema, value, {}):
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
    return (found for is_identity, found in _find(schema, value, {}) if is_identity)


def _check_identity(identity: Mapping[str, Any], *, is_sandbox: bool) -> None:
    try:
        birth_date = date.fromisoformat(identity["birth_date"])
    except ValueError:
        raise ContractError("IDENTITY_FORM", "birth_date: no date", field="birth_date") from None
    validate_identity(IdDocType(identity["document_type"]), identity["document_number"], birth_date, sandbox=is_sandbox)


def _find(schema: Any, value: Any, named: dict[str, Any]) -> Iterator[_Found]:
    if isinstance(schema, str):
        schema = named.get(schema, schema)
    if isinstance(schema, list):
        if value is not None:
            yield from _find(next(branch for branch in schema if branch != "null"), value, named)
    elif isinstance(schema, dict):
        match schema["type"]:
            case "record":
                named[schema["name"]] = schema
                if {row["name"] for row in schema["fields"]} >= IDENTITY:
                    yield True, value
                for row in schema["fields"]:
                    yield from _find(row["type"], value[row["name"]], named)
            case "array":
                for item in value:
                    yield from _find(schema["items"], item, named)
            case "string" if schema.get("form") == ORGANISATION:
                yield False, value
