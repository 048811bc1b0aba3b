"""The stable codes of all refusals: `CODES`, one row a code, from `contracts/codes.csv`.

Each code belongs to one family of `contracts.errors`, has a sentence that says what went wrong and an advice that says
what to do. A released code is never renamed and never changes its family; a new one is a new row, in sorted order.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import cast, get_args

from contracts.errors import Family

_FAMILIES = get_args(Family)


@dataclass(frozen=True, slots=True)
class Code:
    """One stable code.

    Attributes:
        code: Upper case with underscores.
        family: The family of errors that carries it.
        sentence: What went wrong, a whole sentence.
        advice: What the receiver of the refusal should do, a whole sentence.
    """

    code: str
    family: Family
    sentence: str
    advice: str


def _load() -> Mapping[str, Code]:
    text = files("contracts").joinpath("codes.csv").read_text(encoding="utf-8")
    codes: dict[str, Code] = {}
    for row in csv.DictReader(text.splitlines()):
        name, family = row["code"], row["family"]
        if family not in _FAMILIES or name in codes:
            raise ValueError(f"codes.csv: row {name!r} has family {family!r} or stands twice")
        codes[name] = Code(name, cast(Family, family), row["sentence"], row["advice"])
    return MappingProxyType(codes)


CODES: Mapping[str, Code] = _load()
"""Every code by its name; read only."""
