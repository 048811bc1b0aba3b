"""Administrative divisions of the eleven regions: `Division`, `Divisions`, `load_divisions`.

Twelve digits, of which the packaged list holds the levels down to towns and streets (DOMAIN 3.2). A residents' or
villagers' committee (level 5) is not in the list; where a place is asked for, it stands for the town that its first
nine digits name.

Rules kept here: a city without county level stands for its own county; 4690 is no place; codes of the statistics
bureau only are refused where a legal document needs a place. Routing uses these codes and never an identity number.
"""

import csv
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

from contracts.errors import RuleError

_TOWN_DIGITS: Final = 9


class Division(NamedTuple):
    """One division.

    Attributes:
        code: Twelve digits.
        level: 1 region, 2 prefecture, 3 county, 4 town or street.
        name: Official name in Chinese.
        parent: Code of the division above; empty for a region.
        flags: Empty, or one of `sar`, `no_county`, `pseudo`, `stat_only`.
    """

    code: str
    level: int
    name: str
    parent: str
    flags: str

    @property
    def is_sar(self) -> bool:
        """It is a special administrative region: no lower level is coded."""
        return self.flags == "sar"

    @property
    def is_without_county(self) -> bool:
        """It is a city with no county level, so its own code is the county's."""
        return self.flags == "no_county"

    @property
    def is_pseudo(self) -> bool:
        """It is a holder of codes and not a place."""
        return self.flags == "pseudo"

    @property
    def is_stat_only(self) -> bool:
        """It is a code of the statistics bureau only, refused in legal documents."""
        return self.flags == "stat_only"


class Divisions:
    """The list of divisions, read only.

    Attributes:
        divisions_hash: SHA-256 of the packaged file, 32 bytes; part of a ledger's genesis entry.
    """

    __slots__ = ("_by_code", "_counties", "divisions_hash")

    def __init__(self, by_code: Mapping[str, Division], divisions_hash: bytes) -> None:
        self._by_code = by_code
        self.divisions_hash = divisions_hash
        self._counties = {code[:6]: row for code, row in by_code.items() if _is_county_seat(row)}

    def __len__(self) -> int:
        return len(self._by_code)

    def __iter__(self) -> Iterator[Division]:
        return iter(self._by_code.values())

    def get(self, code: str) -> Division | None:
        """The division with exactly this code, `None` if the list has none."""
        return self._by_code.get(code)

    def county(self, county6: str) -> Division | None:
        """The division that stands for six digits where a county is asked for.

        Args:
            county6: Six digits.

        Returns:
            A county, a city without county level or a special administrative region that legal documents may name;
            `None` for everything else.
        """
        return self._counties.get(county6)

    def counties(self, region: str) -> tuple[Division, ...]:
        """All divisions of a region that may stand for a county, by ascending code."""
        return tuple(row for county6, row in self._counties.items() if county6[:2] == region)

    def place(self, code: str) -> Division:
        """The division of a code that must be a place in a legal document.

        Args:
            code: Twelve digits; a committee's code gives its town.

        Raises:
            RuleError: DIVISION_UNKNOWN or DIVISION_NOT_A_PLACE.
        """
        row = self._by_code.get(code) or self._by_code.get(_town_of(code))
        if row is None:
            raise RuleError("DIVISION_UNKNOWN", f"no division has the code {code!r}")
        if row.is_pseudo or row.is_stat_only:
            raise RuleError("DIVISION_NOT_A_PLACE", f"{code} is {row.flags} and no place of a legal document")
        return row

    def county6(self, code: str) -> str:
        """The county of a place.

        Args:
            code: Twelve digits of a county, a town or a committee, of a city without county level, or of Hong Kong or
                Macao.

        Returns:
            Six digits: 441900 in Dongguan, 442000 in Zhongshan, 460400 in Danzhou, 810000 and 820000 for the two
            special administrative regions.

        Raises:
            RuleError: DIVISION_UNKNOWN; DIVISION_NOT_A_PLACE also for a region or a prefecture, which has no county.

        Source: DOMAIN 3.2.
        """
        row = self.place(code)
        if row.level < 3 and not (row.is_without_county or row.is_sar):
            raise RuleError("DIVISION_NOT_A_PLACE", f"{code} is of level {row.level}; a county or a town is needed")
        return code[:6]


def _town_of(code: str) -> str:
    """The code of a committee's town, or the code itself where it has not the form of a committee's."""
    is_committee = len(code) == 12 and code.isascii() and code.isdigit() and code[6:9] != "000"
    return code[:_TOWN_DIGITS] + "000" if is_committee else code


def _is_county_seat(row: Division) -> bool:
    if row.level == 3:
        return not row.is_stat_only
    return row.is_without_county or row.is_sar


@cache
def load_divisions() -> Divisions:
    """Read the packaged list once; later calls give the same value.

    Returns:
        15,420 divisions.
    """
    data = files("contracts").joinpath("data/divisions.csv").read_bytes()
    rows = csv.reader(data.decode("utf-8").splitlines())
    next(rows)
    by_code = {code: Division(code, int(level), name, parent, flags) for code, level, name, parent, flags in rows}
    return Divisions(by_code, hashlib.sha256(data).digest())
