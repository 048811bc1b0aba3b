"""Rules about rights of the person concerned: `portable_procedures` (DOMAIN 7.1, `contracts/rules/rights.toml`)."""

import tomllib
from functools import cache
from importlib.resources import files


@cache
def portable_procedures() -> frozenset[str]:
    """Ids of the procedures whose history a person may carry elsewhere."""
    text = files("contracts").joinpath("rules/rights.toml").read_text(encoding="utf-8")
    return frozenset(tomllib.loads(text)["portable"])
