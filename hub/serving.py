"""Which office serves a place: `Serving`, the index of offices by type and area.

The closest area wins: committee, then town, county, prefecture, region; among offices with the same area the one that
was registered first. For a county that no office serves as a whole, an office of a part of it stands in. A place whose
code has ended is looked for under the codes that replaced it, and only then under its own.

One entry an area: an office of a prefecture is one entry, not one for each of its counties. Every question is a handful
of dictionary hits, however many offices there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from contracts.ids import LeafIndex, OfficeId
from hub.area import is_below_county
from hub.dated_divisions import DatedDivisions

_Row = tuple[LeafIndex, OfficeId]


class Serving:
    """Finds open offices by type and place. Mutable; its directory's.

    Args:
        divisions: With every change that is recorded.
    """

    __slots__ = ("_by_area", "_divisions", "_parts")

    def __init__(self, divisions: DatedDivisions) -> None:
        self._divisions = divisions
        self._by_area: dict[str, dict[str, tuple[_Row, ...]]] = {}
        self._parts: dict[str, dict[str, tuple[_Row, ...]]] = {}

    def add(self, office: OfficeId, office_type: str, areas: Iterable[str], since: LeafIndex) -> None:
        """Enter an open office under its areas; `since` is the index that registered it."""
        for table, code in self._places(office_type, areas):
            table[code] = tuple(sorted((*table.get(code, ()), (since, office))))

    def remove(self, office: OfficeId, office_type: str, areas: Iterable[str]) -> None:
        """Take an office out of its areas."""
        for table, code in self._places(office_type, areas):
            left = tuple(row for row in table.get(code, ()) if row[1] != office)
            if left:
                table[code] = left
            else:
                table.pop(code, None)

    def _places(self, office_type: str, areas: Iterable[str]) -> Iterator[tuple[dict[str, tuple[_Row, ...]], str]]:
        whole = self._by_area.setdefault(office_type, {})
        parts = self._parts.setdefault(office_type, {})
        counties: dict[str, None] = {}
        for area in areas:
            yield whole, area
            row, *above = self._divisions.ancestors(area)
            if is_below_county(row):
                counties.update({up.code: None for up in above if up.level >= 3 or up.is_without_county})
        for county in counties:
            yield parts, county

    def find(self, office_type: str, code: str, day: date | None = None) -> OfficeId | None:
        """The open office of a type that serves a place.

        Args:
            office_type: Its type.
            code: Twelve digits of any level, of any time.
            day: The day that says which codes are in force; None where no code has ended or it does not matter.
        """
        if day is not None and self._divisions.is_changed:
            codes = self._divisions.successors(code, day)
            if codes and codes != (code,):
                best = min((found for new in codes if (found := self._closest(office_type, new))), default=None)
                if best is not None:
                    return best[2]
        found = self._closest(office_type, code)
        return None if found is None else found[2]

    def _closest(self, office_type: str, code: str) -> tuple[int, LeafIndex, OfficeId] | None:
        """How many levels above a code the closest area lies, and the office with it."""
        whole = self._by_area.get(office_type)
        if whole is None:
            return None
        for distance, step in enumerate(self._divisions.ancestors(code)):
            rows = whole.get(step.code)
            if rows:
                return distance, *rows[0]
        rows = self._parts[office_type].get(code)
        return (len(code), *rows[0]) if rows else None

    def serves(self, areas: Iterable[str], code: str, day: date) -> bool:
        """Whether an office with these areas serves a place or a part of it, or of what replaced it.

        Args:
            areas: Of the office.
            code: Twelve digits of any level, of any time.
            day: The day that says which codes are in force.
        """
        codes = (code, *self._divisions.successors(code, day)) if self._divisions.is_changed else (code,)
        above = {step.code for one in codes for step in self._divisions.ancestors(one)}
        return any(area in above or any(row.code in codes for row in self._divisions.ancestors(area)) for area in areas)
