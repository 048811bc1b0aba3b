"""Values that differ between regions: `Region`, `load_regions` (DOMAIN 12).

One file a region in `contracts/rules/regions/`; every value there names its source, its mark and the date on which it
was taken. What no file names is the same everywhere.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from contracts.ids import HUB_REGION, REGIONS, RegionCode


@dataclass(frozen=True, slots=True)
class Amount:
    """A time limit's own length in one region.

    Attributes:
        unit: `HOUR`, `CALENDAR_DAY`, `WORKING_DAY`, `MONTH` or `YEAR`.
        amount: How many.
        source: The text it comes from.
        mark: How well that text is known (DOMAIN, marks).
    """

    unit: str
    amount: int
    source: str
    mark: str


@dataclass(frozen=True, slots=True)
class Region:
    """The values of one region.

    Attributes:
        code: Two digits; `00` is the hub, which counts as the mainland does.
        calendar: Name of its calendar: `cn`, `hk` or `mo`.
        notice_languages: Languages of notices to the person concerned, BCP 47.
        receives_residence_notices: It takes residence notices with personal content.
        deadlines: Its own lengths, by the rule's override key.
    """

    code: RegionCode
    calendar: str
    notice_languages: tuple[str, ...]
    receives_residence_notices: bool
    deadlines: Mapping[str, Amount]


@cache
def load_regions() -> Mapping[RegionCode, Region]:
    """Read all packaged regions once, the hub's own among them."""
    regions = {code: _region(code) for code in REGIONS}
    hub = Region(HUB_REGION, "cn", ("zh-Hans",), False, MappingProxyType({}))
    return MappingProxyType({**regions, HUB_REGION: hub})


def _region(code: RegionCode) -> Region:
    text = files("contracts").joinpath(f"rules/regions/{code}.toml").read_text(encoding="utf-8")
    data: dict[str, Any] = tomllib.loads(text)
    if data["region"] != code:
        raise ValueError(f"regions/{code}.toml says that it is of region {data['region']!r}")
    deadlines = {
        rule: Amount(row["unit"], row["amount"], row["source"], row["mark"])
        for rule, row in data.get("deadlines", {}).items()
    }
    return Region(
        code=code,
        calendar=data["calendar"]["value"],
        notice_languages=tuple(data["notice_languages"]["value"]),
        receives_residence_notices=data["receives_residence_notices"]["value"],
        deadlines=MappingProxyType(deadlines),
    )
