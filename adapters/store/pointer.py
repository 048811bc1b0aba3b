"""The pointer file of a ledger on PostgreSQL: in which database and schema it is; never a password.

    conninfo = "service=pprd"
    schema = "pprd"

The password, if there is one, stands in libpq's own files (service file, password file); peer authentication needs
none.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from contracts.errors import ContractError, UnavailableError

SCHEMA: Final = "pprd"
"""The schema of a ledger whose pointer names none."""
_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,47}")
_PASSWORD: Final = re.compile(r"password\s*=|://[^/@]*:[^/@]*@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where a ledger is.

    Attributes:
        conninfo: As libpq reads it, without a password.
        schema: Of this ledger alone; lower case letters, digits and `_`.

    Raises:
        ContractError: SETTINGS_INVALID.
    """

    conninfo: str
    schema: str = SCHEMA

    def __post_init__(self) -> None:
        if _PASSWORD.search(unquote(self.conninfo)):
            told = "a password stands in libpq's service file or password file (PGPASSFILE), never here"
            raise ContractError("SETTINGS_INVALID", told, field="conninfo")
        if not _NAME.fullmatch(self.schema) or self.schema.startswith("pg_"):
            raise ContractError("SETTINGS_INVALID", "a schema is a name of a-z, 0-9 and _", field="schema")


def read_pointer(path: Path) -> Pointer:
    """What a pointer file says.

    Raises:
        ContractError: SETTINGS_INVALID.
        UnavailableError: STORE_MISSING: there is no such file.
    """
    try:
        said = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        told = f"there is no ledger at {path.name}; make one with `pprd init`"
        raise UnavailableError("STORE_MISSING", told) from error
    except ValueError as error:
        raise ContractError("SETTINGS_INVALID", f"{path.name} is not TOML: {error}", field=path.name) from error
    conninfo, schema = said.pop("conninfo", None), said.pop("schema", SCHEMA)
    if not isinstance(conninfo, str) or not isinstance(schema, str) or said:
        raise ContractError("SETTINGS_INVALID", f"{path.name} says conninfo and schema and no more", field=path.name)
    return Pointer(conninfo, schema)


def write_pointer(path: Path, pointer: Pointer) -> None:
    """Write a pointer file; only its owner reads it."""
    text = f"conninfo = {json.dumps(pointer.conninfo)}\nschema = {json.dumps(pointer.schema)}\n"
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")
