"""The texts that a legal basis stands for: `legal_texts`, from `contracts/rules/legal_bases.csv` (DOMAIN 5.4)."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@cache
def legal_texts() -> Mapping[str, str]:
    """The law behind each code, as `LB-RES-07` to `居住证暂行条例 7`."""
    text = files("contracts").joinpath("rules/legal_bases.csv").read_text(encoding="utf-8")
    return MappingProxyType({row["legal_basis"]: row["text"] for row in csv.DictReader(text.splitlines())})
