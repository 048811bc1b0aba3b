"""Divisions with their dates: the base edition, and every change that the ledger records since: `DatedDivisions`.

A code is valid for a date (DOMAIN 3.2): it keeps `valid_from`, `valid_to` and `replaced_by`. A change says which codes
end and which begin on one day; an old code stays valid for every day before it. What lies below a division that ended
has ended too, on the same day, unless a change of its own said what became of it; it is replaced by what replaced the
division above.

Changes of one code follow one another in the order of their days. Nothing here reads the digits of a code for more than
its form: what lies where is what the rows say. Not here: the form of a change (`hub.division_change`), which office
serves a place (`hub.serving`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from contracts.division import Division, Divisions, county_of, is_county_seat, legal_place
from contracts.errors import RuleError
from hub.division_change import DivisionChange

_MAX_LEVELS = 5


class Version(NamedTuple):
    """One division as it was from one day to another.

    Attributes:
        division: Code, level, name, what it lies in.
        valid_from: First day; None for a row of the base edition: it was so before anybody recorded days here.
        valid_to: Last day; None while it is in force.
        replaced_by: Codes that stand for it after its last day; the same code where only its name changed.
    """

    division: Division
    valid_from: date | None
    valid_to: date | None = None
    replaced_by: tuple[str, ...] = ()

    def is_valid_on(self, day: date) -> bool:
        """Whether the code is this division on a day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


class DatedDivisions:
    """The divisions of a ledger. Mutable; its directory's.

    Args:
        base: The edition of the ledger's genesis.

    Attributes:
        base: As given.
        is_changed: Whether anything was recorded since the base edition.
    """

    __slots__ = ("_changed", "base", "is_changed")

    def __init__(self, base: Divisions) -> None:
        self.base = base
        self.is_changed = False
        self._changed: dict[str, tuple[Version, ...]] = {}

    def history(self, code: str) -> tuple[Version, ...]:
        """Every version of a code, oldest first; empty for a code that was never a division."""
        changed = self._changed.get(code)
        if changed is not None:
            return changed
        row = self.base.get(code)
        return () if row is None else (Version(row, None),)

    def version(self, code: str, day: date) -> Version | None:
        """What a code is on a day by its own rows; see `get` for one below a division that has ended."""
        return next((version for version in self.history(code) if version.is_valid_on(day)), None)

    def get(self, code: str, day: date) -> Division | None:
        """The division with this code on a day, None if the code is none then."""
        if not self.is_changed:
            return self.base.get(code)
        version = self.version(code, day)
        if version is None:
            return None
        parent = version.division.parent
        return version.division if not parent or self.get(parent, day) is not None else None

    def last(self, code: str) -> Division | None:
        """The division that a code is, or was last."""
        changed = self._changed.get(code)
        return self.base.get(code) if changed is None else changed[-1].division

    def is_expected(self, code: str, day: date) -> bool:
        """Whether a code is a division on a day or will be one by what is recorded."""
        if self.get(code, day) is not None:
            return True
        return any(v.valid_from is not None and v.valid_from > day for v in self.history(code))

    def ancestors(self, code: str) -> Iterator[Division]:
        """A division and what it lies in, closest first; of a former one, what it lay in; neither ever changes."""
        step: str | None = code
        for _ in range(_MAX_LEVELS):
            row = self.last(step) if step else None
            if row is None:
                return
            yield row
            step = row.parent

    def successors(self, code: str, day: date) -> tuple[str, ...]:
        """The codes that stand for a code on a day.

        Args:
            code: A code of any time.
            day: The day.

        Returns:
            The code itself while it is in force; else the codes in force that replaced it, through every change up to
            the day, in the order of the changes; none if nothing replaced it or it is not yet in force.
        """
        found: dict[str, None] = {}
        self._follow(code, day, found, set())
        return tuple(found)

    def _follow(self, code: str, day: date, found: dict[str, None], seen: set[str]) -> None:
        if code in seen:
            return
        seen.add(code)
        if self.get(code, day) is not None:
            found[code] = None
            return
        for replaced in self._replaced_by(code, day):
            self._follow(replaced, day, found, seen)

    def _replaced_by(self, code: str, day: date) -> tuple[str, ...]:
        """What replaced a code that has ended: by its own change, else by that of the closest division above."""
        for step in [row.code for row in self.ancestors(code)]:
            ended = [v for v in self.history(step) if v.valid_to is not None and v.valid_to < day]
            if ended and self.version(step, day) is None:
                return ended[-1].replaced_by
        return ()

    def on(self, day: date) -> DayView:
        """The divisions as of a day."""
        return DayView(self, day)

    # -- changing

    def apply(self, change: DivisionChange) -> None:
        """Apply a change, whole or not at all.

        Raises:
            RuleError: DIVISION_UNKNOWN; DIVISION_NOT_IN_FORCE; DIVISION_CHANGE_INVALID.
        """
        for code in change.before:
            self._check_before(code, change)
        for row in change.after:
            self._check_after(row, change)
        self.is_changed = True
        after = {row.code: row for row in change.after}
        for code in change.before:
            *earlier, last = self.history(code)
            ended = last._replace(valid_to=change.last_day, replaced_by=change.replaced_by)
            self._changed[code] = (*earlier, ended)
        for code, row in after.items():
            self._changed[code] = (*self.history(code), Version(row, change.valid_from))

    def _check_before(self, code: str, change: DivisionChange) -> None:
        versions = self.history(code)
        if not versions:
            raise RuleError("DIVISION_UNKNOWN", f"no division has the code {code}", field="before")
        last = versions[-1]
        began_later = last.valid_from is not None and last.valid_from > change.last_day
        if last.valid_to is not None or began_later or self.get(code, change.last_day) is None:
            raise RuleError(
                "DIVISION_NOT_IN_FORCE",
                f"{code} is no division up to {change.last_day}, or a later change of it is recorded",
                field="before",
            )
        if last.division.level == 1:
            raise _invalid(f"{code} is a region: the eleven regions do not change", "before")

    def _check_after(self, row: Division, change: DivisionChange) -> None:
        versions = self.history(row.code)
        if row.code in change.before:
            old = versions[-1].division
            if (row.level, row.parent) != (old.level, old.parent):
                raise _invalid(f"{row.code} goes on with its level and under what it lies in", "after")
        elif versions:
            raise _invalid(f"{row.code} is or was a division: a code is never given again", "after")
        parent = next((new for new in change.after if new.code == row.parent), None)
        parent = parent or self.get(row.parent, change.valid_from)
        if parent is None or parent.level >= row.level or parent.code in change.ended:
            raise _invalid(f"{row.code} lies in no division of a higher level that is in force on that day", "after")


class DayView:
    """The divisions as of one day; answers what the base edition answers (`contracts.division.Places`)."""

    __slots__ = ("_day", "_divisions")

    def __init__(self, divisions: DatedDivisions, day: date) -> None:
        self._divisions = divisions
        self._day = day

    def get(self, code: str) -> Division | None:
        """The division with exactly this code on the day."""
        return self._divisions.get(code, self._day)

    def county(self, county6: str) -> Division | None:
        """The division that stands for six digits on the day."""
        row = self.get(county6 + "000000")
        return row if row is not None and is_county_seat(row) else None

    def place(self, code: str) -> Division:
        """The division of a code that must be a place on the day.

        Raises:
            RuleError: DIVISION_UNKNOWN; DIVISION_NOT_A_PLACE; DIVISION_NOT_IN_FORCE: it was or will be a division.
        """
        row = self.get(code)
        if row is None and self._divisions.history(code):
            now = " and ".join(self._divisions.successors(code, self._day))
            told = f"; {now} stands for it" if now else ""
            raise RuleError("DIVISION_NOT_IN_FORCE", f"{code} is no division on {self._day}{told}")
        return legal_place(code, row)

    def county6(self, code: str) -> str:
        """The county of a place on the day, six digits.

        Raises:
            RuleError: As `place`; DIVISION_NOT_A_PLACE also for a region or a prefecture.
        """
        return county_of(self.place(code))


def _invalid(message: str, field: str) -> RuleError:
    return RuleError("DIVISION_CHANGE_INVALID", message, field=field)
