"""What must never happen in a procedure, as data: `Invariants`, `load_invariants`, read from `rules/invariants.toml`.

A procedure says what may happen; these rules say what must not, whatever rows are added later. `never` forbids a way
from one state to another without an event between; `unshown` names where a side may wait with nothing that shows it,
and why. Who may get a profile stands in `rules/recipients.csv`. `hub.procedure_properties` checks all of it.
"""

import csv
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from contracts.errors import ContractError


@dataclass(frozen=True, slots=True)
class Never:
    """No way leads from one state to another without an event between them.

    Attributes:
        procedure: Whose rule it is.
        source: Where the forbidden way begins.
        target: Where it ends.
        without: The event that has to lie on every way.
        basis: Where the rule comes from.
    """

    procedure: str
    source: str
    target: str
    without: str
    basis: str


@dataclass(frozen=True, slots=True)
class Unshown:
    """In this state a side may wait although no limit runs.

    Attributes:
        procedure: Whose state it is.
        state: The state.
        reason: Why nothing has to show it.
    """

    procedure: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Invariants:
    """The rules above all procedures.

    Attributes:
        never: Forbidden ways.
        unshown: States in which waiting needs no limit.
        recipients: Office types that may get a profile, by profile.
    """

    never: tuple[Never, ...]
    unshown: tuple[Unshown, ...]
    recipients: Mapping[str, frozenset[str]]


@cache
def load_invariants() -> Invariants:
    """Read the packaged rules once.

    Raises:
        ContractError: PROCEDURE_INVALID: a packaged file is wrong.
    """
    rules = files("contracts").joinpath("rules")
    return parse_invariants(
        rules.joinpath("invariants.toml").read_text(encoding="utf-8"),
        rules.joinpath("recipients.csv").read_text(encoding="utf-8"),
    )


def parse_invariants(text: str, recipients: str) -> Invariants:
    """Read rules.

    Args:
        text: TOML with `never` and `unshown` tables.
        recipients: CSV with `profile` and `office_types`, types separated by semicolons.

    Raises:
        ContractError: PROCEDURE_INVALID, with the reason.
    """
    try:
        tables: dict[str, list[dict[str, Any]]] = tomllib.loads(text)
        never = tuple(
            Never(row["procedure"], row["from"], row["to"], row["without"], row["basis"])
            for row in tables.get("never", [])
        )
        unshown = tuple(Unshown(row["procedure"], row["state"], row["reason"]) for row in tables.get("unshown", []))
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ContractError("PROCEDURE_INVALID", f"invariants.toml: {error}") from error
    offices = {
        row["profile"]: frozenset(row["office_types"].split(";")) for row in csv.DictReader(recipients.splitlines())
    }
    return Invariants(never, unshown, MappingProxyType(offices))
