"""Administrative divisions of the eleven regions: `Division`, `Divisions`, `load_divisions`.

Twelve digits, five levels (DOMAIN 3.2). This is the base edition, the list with which a ledger begins and whose hash
its genesis entry holds; what changed since then is in the ledger (`hub.dated_divisions`). `Places` is what both can
answer.

Rules kept here: a city without county level stands for its own county; 4690 is no place; codes of the statistics
bureau only are refused where a legal document needs a place. Routing uses these codes and never an identity number.
"""

import csv
import hashlib
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple, Protocol

from contracts.community import load_communities_list
from contracts.errors import RuleError

EDITION: Final = date(2023, 6, 30)
"""Cut-off of the packaged list: what its rows say was so on this day."""


class Division(NamedTuple):
    """One division.

    Attributes:
        code: Twelve digits.
        level: 1 region, 2 prefecture, 3 county, 4 town or street, 5 residents' or villagers' committee.
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


class Places(Protocol):
    """Which codes are places: of the base edition, or as of a day."""

    def get(self, code: str) -> Division | None:
        """The division with exactly this code, `None` if there is none."""

    def county(self, county6: str) -> Division | None:
        """The division that stands for six digits where a county is asked for, `None` if none may."""

    def place(self, code: str) -> Division:
        """The division of a code that must be a place in a legal document.

        Raises:
            RuleError: DIVISION_UNKNOWN, DIVISION_NOT_A_PLACE, DIVISION_NOT_IN_FORCE.
        """

    def county6(self, code: str) -> str:
        """The county of a place, six digits.

        Raises:
            RuleError: As `place`; DIVISION_NOT_A_PLACE also for what lies in no county.
        """


class Divisions:
    """The list of the base edition, read only; iteration and length are those of the levels down to the town.

    Attributes:
        divisions_hash: SHA-256 of the packaged file, 32 bytes; part of a ledger's genesis entry.
    """

    __slots__ = ("_by_code", "_counties", "divisions_hash")

    def __init__(self, by_code: Mapping[str, Division], divisions_hash: bytes) -> None:
        self._by_code = by_code
        self.divisions_hash = divisions_hash
        self._counties = {code[:6]: row for code, row in by_code.items() if is_county_seat(row)}

    def __len__(self) -> int:
        return len(self._by_code)

    def __iter__(self) -> Iterator[Division]:
        return iter(self._by_code.values())

    def get(self, code: str) -> Division | None:
        """The division with exactly this code, `None` if the list has none."""
        return self._by_code.get(code) or self._committee(code)

    def _committee(self, code: str) -> Division | None:
        town = None if code.endswith("000") else self._by_code.get(code[:9] + "000")
        name = None if town is None or town.level != 4 else load_communities_list().name(code)
        return None if town is None or name is None else Division(code, 5, name, town.code, town.flags)

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
            code: Twelve digits.

        Raises:
            RuleError: DIVISION_UNKNOWN or DIVISION_NOT_A_PLACE.
        """
        return legal_place(code, self.get(code))

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
        return county_of(self.place(code))


def legal_place(code: str, row: Division | None) -> Division:
    """Refuse what no legal document may name.

    Raises:
        RuleError: DIVISION_UNKNOWN or DIVISION_NOT_A_PLACE.
    """
    if row is None:
        raise RuleError("DIVISION_UNKNOWN", f"no division has the code {code!r}")
    if row.is_pseudo or row.is_stat_only:
        raise RuleError("DIVISION_NOT_A_PLACE", f"{code} is {row.flags} and no place of a legal document")
    return row


def county_of(row: Division) -> str:
    """Six digits of the county in which a division lies; one that stands for its own county gives its own.

    Raises:
        RuleError: DIVISION_NOT_A_PLACE: a region or a prefecture has no county.
    """
    if row.level < 3 and not (row.is_without_county or row.is_sar):
        raise RuleError("DIVISION_NOT_A_PLACE", f"{row.code} is of level {row.level}; a county or a town is needed")
    return row.code[:6]


def is_county_seat(row: Division) -> bool:
    """Whether it stands where a county is asked for: a county, a city without county level, Hong Kong, Macao."""
    if row.level == 3:
        return not row.is_stat_only
    return row.is_without_county or row.is_sar


@cache
def load_divisions() -> Divisions:
    """Read the packaged list once; later calls give the same value.

    Returns:
        15,420 divisions down to the town, and the committees below them.
    """
    data = files("contracts").joinpath("data/divisions.csv").read_bytes()
    rows = csv.reader(data.decode("utf-8").splitlines())
    next(rows)
    by_code = {code: Division(code, int(level), name, parent, flags) for code, level, name, parent, flags in rows}
    return Divisions(by_code, hashlib.sha256(data).digest())
