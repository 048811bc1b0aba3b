"""One change of divisions as the ledger records it: `DivisionChange`, read from the body of a `DivisionChanged`.

Which shape each kind has: a merger ends several codes into one; a split ends one into several; a renaming keeps the
code; a succession gives one division another code, as when a town passes to another county; a creation has nothing
before, an abolition nothing after. In a merger or a split one of the new codes may be an old one that goes on.
Not here: whether the codes are divisions on that day (`hub.dated_divisions`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from contracts.division import Division
from contracts.errors import ContractError

_MANY: Final = 64
_SHAPES: Final[Mapping[str, tuple[range, range]]] = {
    "CREATED": (range(1), range(1, _MANY)),
    "ABOLISHED": (range(1, _MANY), range(1)),
    "MERGED": (range(2, _MANY), range(1, 2)),
    "SPLIT": (range(1, 2), range(2, _MANY)),
    "RENAMED": (range(1, 2), range(1, 2)),
    "SUCCEEDED": (range(1, 2), range(1, 2)),
}
"""For each kind how many codes stand before and after it."""
_DIGITS: Final[Mapping[int, int]] = {2: 4, 3: 6, 4: 9, 5: 12}
"""Digits of a code of a level; zeros follow."""


@dataclass(frozen=True, slots=True)
class DivisionChange:
    """A change of divisions.

    Attributes:
        kind: `CREATED`, `ABOLISHED`, `MERGED`, `SPLIT`, `RENAMED` or `SUCCEEDED`.
        valid_from: The day on which it takes effect.
        before: Codes that end, or go on as what `after` says.
        after: Divisions that begin.
    """

    kind: str
    valid_from: date
    before: tuple[str, ...]
    after: tuple[Division, ...]

    @property
    def last_day(self) -> date:
        """The last day of what was before."""
        return self.valid_from - timedelta(days=1)

    @property
    def replaced_by(self) -> tuple[str, ...]:
        """The codes that stand for those before."""
        return tuple(row.code for row in self.after)

    @property
    def ended(self) -> frozenset[str]:
        """Codes that are no division any more."""
        return frozenset(self.before) - frozenset(self.replaced_by)

    @classmethod
    def of_body(cls, body: Mapping[str, Any]) -> DivisionChange:
        """Read the body of a `DivisionChanged`.

        Raises:
            ContractError: BODY_FIELD: a date is none, a kind has not its number of codes, a code stands twice, has not
                the form of its level or lies in another region than the rest.
        """
        before, rows = tuple(body["before"]), body["after"]
        try:
            valid_from = date.fromisoformat(body["valid_from"])
        except ValueError as error:
            raise ContractError("BODY_FIELD", "valid_from is no date", field="valid_from") from error
        if valid_from == date.min:
            raise ContractError("BODY_FIELD", "valid_from has no day before it", field="valid_from")
        flags = {True: "no_county", False: ""}
        after = tuple(
            Division(row["code"], row["level"], row["name"], row["parent"], flags[row["is_without_county"]])
            for row in rows
        )
        change = cls(body["kind"], valid_from, before, after)
        change._check()
        return change

    def _check(self) -> None:
        codes = self.replaced_by
        for field, listed, wanted in zip(("before", "after"), (self.before, codes), _SHAPES[self.kind], strict=True):
            if len(listed) not in wanted or len(set(listed)) != len(listed):
                raise ContractError("BODY_FIELD", f"{self.kind} has another number of codes, each once", field=field)
        for row in self.after:
            end = _DIGITS.get(row.level)
            if end is None or row.code[end:].strip("0") or row.parent == row.code:
                raise ContractError("BODY_FIELD", f"{row.code} is no code of level {row.level}", field="after")
            if row.is_without_county and row.level != 2:
                raise ContractError("BODY_FIELD", f"{row.code} is no city that could lack a county", field="after")
        if len({code[:2] for code in (*self.before, *codes)}) != 1:
            raise ContractError("BODY_FIELD", "all codes of a change lie in one region", field="after")
        goes_on = set(self.before) & set(codes)
        if (self.kind == "RENAMED") != bool(goes_on) and self.kind in {"RENAMED", "SUCCEEDED"}:
            raise ContractError("BODY_FIELD", f"{self.kind}: a renamed division keeps its code", field="after")
