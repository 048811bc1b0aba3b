"""Notification profiles: what an office receives, and nothing else (DOMAIN 5.3, 9.4).

One Avro schema a profile in `contracts/avro/profiles/`, file `np_res.avsc` for `NP-RES`. Each has the common fields of
every payload (`profile`, `purpose`, `legal_basis`, `retention_rule`, `expires_on`, `minor`, `seal_state`,
`safety_hold`) and the fields of its own row in DOMAIN 9.4. There is no schema for a full record.

What is encoded here is the plaintext of `contracts.sealing`. Messages name fields, never values: a value is a person's.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from contracts.avro import Codec
from contracts.errors import ContractError

_Forms: TypeAlias = Callable[[Any, str], None]
"""Checks the forms of the strings in a value; the second argument is its place."""


COMMON_FIELDS: Final = frozenset(
    {"profile", "purpose", "legal_basis", "retention_rule", "expires_on", "minor", "seal_state", "safety_hold"}
)
"""Fields that every payload has (DOMAIN 5.3)."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile.

    Attributes:
        id: For example `NP-COR-ASK`.
        codec: Encodes and decodes its payloads.
    """

    id: str
    codec: Codec
    _forms: _Forms | None

    def encode(self, value: Mapping[str, Any]) -> bytes:
        """Encode a payload; see `encode_payload`."""
        plaintext = self.codec.encode(value)
        self._check(value)
        return plaintext

    def decode(self, data: bytes) -> Mapping[str, Any]:
        """Decode a payload; see `decode_payload`."""
        value: dict[str, Any] = self.codec.decode(data)
        self._check(value)
        return MappingProxyType(value)

    def _check(self, value: Mapping[str, Any]) -> None:
        if self._forms is not None:
            self._forms(value, "")


@cache
def load_profiles() -> Mapping[str, Profile]:
    """Read all packaged profiles once, by id."""
    folder = files("contracts").joinpath("avro/profiles")
    profiles = {}
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        stem, _, suffix = file.name.partition(".")
        if suffix == "avsc":
            schema = json.loads(file.read_text(encoding="utf-8"))
            profile_id = stem.replace("_", "-").upper()
            profiles[profile_id] = Profile(profile_id, Codec.of(schema), _forms_of(schema))
    return MappingProxyType(profiles)


def load_profile(profile_id: str) -> Profile:
    """The profile with this id.

    Raises:
        ContractError: PROFILE_UNKNOWN.
    """
    profile = load_profiles().get(profile_id)
    if profile is None:
        raise ContractError("PROFILE_UNKNOWN", f"no profile has the id {profile_id!r}", field="profile")
    return profile


def own_fields(profile_id: str) -> tuple[str, ...]:
    """Names of the fields of DOMAIN 9.4 that a profile has besides those of every payload.

    Raises:
        ContractError: PROFILE_UNKNOWN.
    """
    schema = load_profile(profile_id).codec.schema
    return tuple(field["name"] for field in schema["fields"] if field["name"] not in COMMON_FIELDS)


def encode_payload(profile_id: str, value: Mapping[str, Any]) -> bytes:
    """Encode the plaintext of a payload.

    Args:
        profile_id: Id of a profile; the value's own `profile` must be the same.
        value: Exactly the fields of the profile.

    Raises:
        ContractError: PROFILE_UNKNOWN; AVRO_VALUE for a missing, extra or unfit field; PROFILE_FIELD for a string of a
            wrong form.
    """
    return load_profile(profile_id).encode(value)


def decode_payload(profile_id: str, data: bytes) -> Mapping[str, Any]:
    """Decode the plaintext of a payload.

    Args:
        profile_id: The profile that the event names for it.
        data: What `open_sealed` gave.

    Returns:
        A read-only mapping with exactly the fields of the profile.

    Raises:
        ContractError: PROFILE_UNKNOWN; AVRO_MALFORMED; PROFILE_FIELD for a string of a wrong form.
    """
    return load_profile(profile_id).decode(data)


def _forms_of(schema: Any) -> _Forms | None:
    """The check of the patterns in a schema, None if it has none."""
    return _compile(schema, {})


def _compile(schema: Any, named: dict[str, _Forms | None]) -> _Forms | None:
    if isinstance(schema, str):
        return named.get(schema)
    if isinstance(schema, list):
        return _of_nullable(_compile(next(branch for branch in schema if branch != "null"), named))
    match schema["type"]:
        case "string" if "pattern" in schema:
            return _of_pattern(schema["pattern"])
        case "array":
            return _of_items(_compile(schema["items"], named))
        case "record":
            checks = {field["name"]: _compile(field["type"], named) for field in schema["fields"]}
            found = {name: check for name, check in checks.items() if check is not None}
            named[schema["name"]] = forms = _of_fields(found) if found else None
            return forms
        case _:
            return None


def _of_pattern(pattern: str) -> _Forms:
    match_whole = re.compile(pattern, re.ASCII).fullmatch

    def check(value: Any, place: str) -> None:
        if match_whole(value) is None:
            raise ContractError("PROFILE_FIELD", f"the value does not match {pattern}", field=place)

    return check


def _of_nullable(inner: _Forms | None) -> _Forms | None:
    if inner is None:
        return None

    def check(value: Any, place: str) -> None:
        if value is not None:
            inner(value, place)

    return check


def _of_items(item: _Forms | None) -> _Forms | None:
    if item is None:
        return None

    def check(value: Any, place: str) -> None:
        for number, element in enumerate(value):
            item(element, f"{place}.{number}")

    return check


def _of_fields(fields: Mapping[str, _Forms]) -> _Forms:
    def check(value: Any, place: str) -> None:
        for name, check_field in fields.items():
            check_field(value[name], f"{place}.{name}" if place else name)

    return check
