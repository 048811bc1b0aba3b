"""Residents' and villagers' committees, the fifth level of the division codes: `Communities`, `load_communities_list`.

183,195 rows are too many for an object each: the codes lie in one sorted array of numbers, the names in one run of
bytes with the place where each ends. A lookup is a bisection. The list is read when somebody first asks for a
committee; nothing that the hub does for a notification asks.
"""

import csv
import gzip
import hashlib
import io
from array import array
from bisect import bisect_left
from functools import cache
from importlib.resources import files
from typing import Final

COMMUNITIES_HASH: Final = bytes.fromhex("7979bb0b3b10922e2e17d8c269124bbb5b0fd9b050f95cf94d8af1c55f77ccae")
"""SHA-256 of the packaged file of the base edition, beside `divisions_hash` of the genesis entry."""


class Communities:
    """The committees of the nine provinces, read only.

    Args:
        codes: Twelve digits as numbers, ascending.
        names: All names in UTF-8, one after the other in the order of the codes.
        ends: Where each name ends in `names`.
    """

    __slots__ = ("_codes", "_ends", "_names")

    def __init__(self, codes: "array[int]", names: bytes, ends: "array[int]") -> None:
        self._codes = codes
        self._names = names
        self._ends = ends

    def __len__(self) -> int:
        return len(self._codes)

    def name(self, code: str) -> str | None:
        """The name of a committee, None if the list has no such code.

        Args:
            code: Twelve digits; anything else is not in the list.
        """
        if len(code) != 12 or not (code.isascii() and code.isdigit()):
            return None
        place = bisect_left(self._codes, int(code))
        if place == len(self._codes) or self._codes[place] != int(code):
            return None
        start = self._ends[place - 1] if place else 0
        return self._names[start : self._ends[place]].decode("utf-8")

    def codes_of_town(self, town: str) -> list[str]:
        """The codes of a town's committees, ascending.

        Args:
            town: Twelve digits of a town or street.
        """
        first = int(town)
        start, end = bisect_left(self._codes, first + 1), bisect_left(self._codes, first + 1000)
        return [f"{code:012}" for code in self._codes[start:end]]


@cache
def load_communities_list() -> Communities:
    """Read the packaged list once; later calls give the same value.

    Returns:
        183,194 committees: one row of the file repeats the code of its county, which has no coded towns, and is left
        out.

    Raises:
        ValueError: The packaged file is not that of the base edition: a defect of the release, not of data.
    """
    packed = files("contracts").joinpath("data/communities.csv.gz").read_bytes()
    if hashlib.sha256(packed).digest() != COMMUNITIES_HASH:
        raise ValueError("data/communities.csv.gz is not the file of the base edition")
    rows = csv.reader(io.StringIO(gzip.decompress(packed).decode("utf-8")))
    next(rows)
    codes, ends, names, end = array("Q"), array("I"), [], 0
    for code, name in rows:
        if code.endswith("000"):
            continue
        raw = name.encode("utf-8")
        end += len(raw)
        codes.append(int(code))
        ends.append(end)
        names.append(raw)
    return Communities(codes, b"".join(names), ends)
