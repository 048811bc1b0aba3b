"""Areas of offices: which counties a list of division codes reaches, and how closely.

An office is found by county (`Directory.serving`), while it is registered with codes of any level: a county, some towns
of one, a prefecture, a region. Nothing is worked out from digits alone: every code is looked up.
"""

from collections.abc import Mapping, Sequence
from enum import IntEnum

from contracts.division import Division, Divisions
from contracts.errors import ContractError


class Closeness(IntEnum):
    """How closely an area fits a county; less is closer."""

    COUNTY = 0
    """The area is the county."""
    ABOVE = 1
    """The area is a prefecture or region that holds the county."""
    PART = 2
    """The area is a town of the county."""


def reached(areas: Sequence[str], region: str, divisions: Divisions) -> Mapping[str, Closeness]:
    """Say which counties an office reaches.

    Args:
        areas: Twelve-digit codes, at least one, each once.
        region: The office's region; every area lies in it.
        divisions: The list in force.

    Returns:
        Six-digit counties, each with the closest of the areas that reach it.

    Raises:
        ContractError: BODY_FIELD: no area, one twice, or one of another region.
        RuleError: DIVISION_UNKNOWN, DIVISION_NOT_A_PLACE.
    """
    if not areas or len(set(areas)) != len(areas):
        raise ContractError("BODY_FIELD", "at least one area, each once", field="areas")
    closest: dict[str, Closeness] = {}
    for code in areas:
        for county6, closeness in _of_one(code, region, divisions).items():
            closest[county6] = min(closeness, closest.get(county6, closeness))
    return closest


def seat(area: str, divisions: Divisions) -> str | None:
    """The county of an area; None for a prefecture or a region.

    Raises:
        RuleError: DIVISION_UNKNOWN, DIVISION_NOT_A_PLACE.
    """
    return area[:6] if _is_in_county(divisions.place(area)) else None


def _of_one(code: str, region: str, divisions: Divisions) -> dict[str, Closeness]:
    area = divisions.place(code)
    if code[:2] != region:
        raise ContractError("BODY_FIELD", f"{code} lies outside region {region}", field="areas")
    if _is_in_county(area):
        return {code[:6]: Closeness.COUNTY if divisions.county(code[:6]) == area else Closeness.PART}
    below = (county for county in divisions.counties(region) if area.level == 1 or county.parent == area.code)
    return {county.code[:6]: Closeness.ABOVE for county in below}


def _is_in_county(area: Division) -> bool:
    return area.level >= 3 or area.is_without_county or area.is_sar
