"""What a protection hold does to content: `protect`, `person_bytes`, `load_hold_rules` (DOMAIN 7.5, 9.5.1).

A hold suppresses residence notices, takes the new address out of every content and blocks history that is carried
elsewhere. Who stands under one is known to the register of a gateway only (`adapters.region.holds`).
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from contracts.errors import RuleError
from contracts.identity import IdDocType

_BLANK: Final = "blank"
_REGION_DIGITS: Final = 2
_COUNTY_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class HoldRules:
    """The rules.

    Attributes:
        set_by: Types of the offices that set, review and lift a hold.
        review_years: After so many years it is to be reviewed.
        withheld: Profiles that are not sent.
        removed: By profile, fields with the new address and what stands in their place.
    """

    set_by: frozenset[str]
    review_years: int
    withheld: frozenset[str]
    removed: Mapping[str, Mapping[str, str]]


@cache
def load_hold_rules() -> HoldRules:
    """Read the packaged rules once."""
    table = tomllib.loads(files("contracts").joinpath("rules/safety_hold.toml").read_text(encoding="utf-8"))
    return HoldRules(frozenset(table["set_by"]), table["review"], frozenset(table["withheld"]), table["removed"])


def person_bytes(identity: Mapping[str, Any]) -> bytes:
    """What names a person to a register of holds: the document, or name and birth date where there is none.

    Args:
        identity: An identity core (DOMAIN 9.4).
    """
    kind = identity["document_type"]
    names = ("name", "birth_date") if kind == IdDocType.NONE else ("document_number",)
    return "\0".join((kind, *(identity[name].upper() for name in names))).encode()


def protect(profile_id: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """The content as it may leave while a hold is set.

    Args:
        profile_id: Its profile.
        content: All its fields.

    Raises:
        RuleError: SAFETY_HOLD: it may not leave at all.
    """
    rules = load_hold_rules()
    if profile_id in rules.withheld:
        raise RuleError("SAFETY_HOLD", f"no {profile_id} is sent of this person", field="payloads")
    removed = {name: _instead(how, content[name]) for name, how in rules.removed.get(profile_id, {}).items()}
    return {**content, **removed, "safety_hold": True}


def _instead(how: str, value: str) -> str:
    return "" if how == _BLANK else value[:_REGION_DIGITS].ljust(_COUNTY_DIGITS, "0")
