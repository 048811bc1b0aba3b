"""Weights for demonstrations and load: where moves start and end.

Estimates, never statistics (`contracts/data/README.md`). Nothing here decides anything about a matter.
"""

import csv
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType


def _rows(name: str) -> Iterator[list[str]]:
    rows = csv.reader(files("contracts").joinpath(f"data/{name}").read_text(encoding="utf-8").splitlines())
    next(rows)
    yield from rows


@cache
def load_communities() -> Mapping[str, int]:
    """Number of residents' and villagers' committees by six-digit county, codes of the statistics bureau included."""
    return MappingProxyType({county6: int(count) for county6, count in _rows("communities_per_county.csv")})


@cache
def load_flows() -> Mapping[tuple[str, str], int]:
    """Estimated persons by (destination region, origin region) among the nine provinces, rounded to thousands."""
    return MappingProxyType(
        {
            (destination, origin): int(persons)
            for destination, origin, persons in _rows("od2020_estimate_pprd.csv")
            if origin != "XX"
        }
    )
