"""Areas of offices: which codes an office may name, and how they lie to a county.

An office names codes of any level: a committee, a town, a county, a prefecture, a region. Nothing is worked out from
digits alone: every code is looked up. Not here: which office serves a place (`hub.serving`).
"""

from collections.abc import Sequence
from datetime import date

from contracts.division import Division, is_county_seat, legal_place
from contracts.errors import ContractError, RuleError
from hub.dated_divisions import DatedDivisions


def check_areas(areas: Sequence[str], region: str, divisions: DatedDivisions, day: date) -> None:
    """Check the areas of an office.

    Args:
        areas: Twelve-digit codes, at least one, each once.
        region: The office's region; every area lies in it.
        divisions: With every change that is recorded.
        day: Each code is a division on this day, or will be one by what is recorded: an office may stand ready.

    Raises:
        ContractError: BODY_FIELD: no area, one twice, or one of another region.
        RuleError: DIVISION_UNKNOWN, DIVISION_NOT_A_PLACE, DIVISION_NOT_IN_FORCE.
    """
    if not areas or len(set(areas)) != len(areas):
        raise ContractError("BODY_FIELD", "at least one area, each once", field="areas")
    for code in areas:
        legal_place(code, divisions.last(code))
        if not divisions.is_expected(code, day):
            raise RuleError("DIVISION_NOT_IN_FORCE", f"{code} is no division any more on {day}", field="areas")
        if code[:2] != region:
            raise ContractError("BODY_FIELD", f"{code} lies outside region {region}", field="areas")


def seat(area: str, divisions: DatedDivisions) -> str | None:
    """The county of an area, six digits; None for a prefecture or a region."""
    return next((row.code[:6] for row in divisions.ancestors(area) if is_county_seat(row)), None)


def is_below_county(row: Division) -> bool:
    """Whether a division lies inside a county: a town or a committee."""
    return row.level > 3
