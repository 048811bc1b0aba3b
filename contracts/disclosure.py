"""Who may get which content of which event: the table of DOMAIN 9.3, written a second time: `load_disclosure`.

The procedures say it too, row by row, and the hub routes by them. This table is for whoever checks that
(`hub.disclosure`): it says the same in other words, so that a row that was changed in one place shows. Its columns:

    condition     body fields and values, `reason=DECEASED effect=A|B`; `state` is the matter's before the event
    side          side of the matter; HOLDERS: who got content of it before; LISTED: whom the event itself lists
    office_types  joined by `|`; `*` for HOLDERS and LISTED
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from contracts.errors import ContractError

HOLDERS: Final = "HOLDERS"
"""In `Disclosure.side`: every office that got content of the matter before."""
LISTED: Final = "LISTED"
"""In `Disclosure.side`: every office that the event's body lists as holder of another record."""
STATE: Final = "state"
"""In a condition: the state before the event."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One row: these offices get this content of this event.

    Attributes:
        procedure: Id of the procedure.
        event: Type of the event.
        conditions: Values that each named field may have, as text.
        side: Whose offices; or `HOLDERS`, `LISTED`.
        office_types: Their types; empty for any.
        profile: The content.
        source: Where the rule comes from.
    """

    procedure: str
    event: str
    conditions: tuple[tuple[str, frozenset[str]], ...]
    side: str
    office_types: frozenset[str]
    profile: str
    source: str

    def applies(self, body: Mapping[str, Any], state: str | None) -> bool:
        """Whether the event is one of those that the row means."""
        return all(str(state if name == STATE else body.get(name)) in values for name, values in self.conditions)


@cache
def load_disclosure() -> Mapping[tuple[str, str], tuple[Disclosure, ...]]:
    """Read the packaged table once, by procedure and event.

    Raises:
        ContractError: RULES_INVALID: the packaged file is wrong.
    """
    return parse_disclosure(files("contracts").joinpath("rules/disclosure.csv").read_text(encoding="utf-8"))


def parse_disclosure(text: str) -> Mapping[tuple[str, str], tuple[Disclosure, ...]]:
    """Read rows from CSV.

    Raises:
        ContractError: RULES_INVALID, with the line.
    """
    rows: dict[tuple[str, str], tuple[Disclosure, ...]] = {}
    for number, row in enumerate(csv.DictReader(text.splitlines()), start=2):
        try:
            made = Disclosure(
                row["procedure"],
                row["event"],
                tuple(_condition(word) for word in row["condition"].split()),
                row["side"],
                frozenset() if row["office_types"] == "*" else frozenset(row["office_types"].split("|")),
                row["profile"],
                row["source"],
            )
        except (KeyError, AttributeError, ValueError) as error:
            raise ContractError("RULES_INVALID", f"disclosure.csv, line {number}: not a row of this table") from error
        place = (made.procedure, made.event)
        rows[place] = (*rows.get(place, ()), made)
    return MappingProxyType(rows)


def _condition(word: str) -> tuple[str, frozenset[str]]:
    name, values = word.split("=")
    return name, frozenset(values.split("|"))
