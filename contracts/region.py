"""Values that differ between regions: `Region`, `parse_region` (DOMAIN 12).

One file a region in `contracts/rules/regions/`; every value there names its source, its mark and the date on which it
was taken. What no file names is the same everywhere. A file is checked as a whole against the table of time limits:
unknown keys, amounts out of bounds and values without source are refused with file, line and reason.

    [deadlines.R-REG-1]                    a time limit's own length, where the rule allows one
    [retention.RESIDENCE]                  how long content and skeleton of a procedure are kept, within the floors

Cross-boundary bases are events of the directory and no parameters.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, Final, NamedTuple, NoReturn

from contracts.errors import ContractError
from contracts.ids import HUB_REGION, RegionCode
from contracts.rule import Rule, Unit, is_within

CALENDARS: Final = ("cn", "hk", "mo")
RESIDENCE_NOTICES: Final = "NP-RES"
"""The profile that a region may refuse to receive (DOMAIN 12)."""

_VALUES: Final = ("calendar", "notice_languages", "receives_residence_notices")
_SOURCED: Final = frozenset({"source", "mark", "date"})
_procedure = re.compile(r"[A-Z][A-Z0-9_]{0,62}", re.ASCII).fullmatch
_language = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-[A-Z]{2})?", re.ASCII).fullmatch
_mark = re.compile(r"[ABCP](?:;[ABCP])*", re.ASCII).fullmatch
_MOST_DAYS: Final = 3_650
_MOST_YEARS: Final = 100


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


class Kept(NamedTuple):
    """How long a region keeps what belongs to a procedure.

    Attributes:
        key_days: Days until the payload keys are destroyed.
        skeleton_years: Years the record of the acts is kept.
    """

    key_days: int
    skeleton_years: int


@dataclass(frozen=True, slots=True)
class Region:
    """The values of one region.

    Attributes:
        code: Two digits; `00` is the hub, which counts as the mainland does.
        calendar: Name of its calendar: `cn`, `hk` or `mo`.
        notice_languages: Languages of notices to the person concerned, BCP 47.
        receives_residence_notices: It takes residence notices with personal content.
        deadlines: Its own lengths, by the rule's override key.
        retention: Its own retention, by procedure.
    """

    code: RegionCode
    calendar: str
    notice_languages: tuple[str, ...]
    receives_residence_notices: bool
    deadlines: Mapping[str, Amount]
    retention: Mapping[str, Kept]

    def receives(self, profile: str) -> bool:
        """Whether the region takes content of a profile; residence notices are the only one that it may refuse."""
        return self.receives_residence_notices or profile != RESIDENCE_NOTICES


HUB: Final = Region(HUB_REGION, "cn", ("zh-Hans",), False, MappingProxyType({}), MappingProxyType({}))
"""The hub's own values."""


def parse_region(code: RegionCode, text: str, rules: Mapping[str, Rule]) -> Region:
    """Read the values of one region and check them as a whole.

    Args:
        code: Whose they are; the file says the same.
        text: TOML.
        rules: The time limits of the same edition.

    Raises:
        ContractError: REGION_INVALID, with file, line and reason.
    """
    return _Reader(code, text, rules).region()


class _Reader:
    """Turns the tables of one file into a value; each fault is told with its line."""

    def __init__(self, code: RegionCode, text: str, rules: Mapping[str, Rule]) -> None:
        self._code = code
        self._lines = text.splitlines()
        self._rules = {rule.regional_override: rule for rule in rules.values() if rule.regional_override}
        self._floor_years = max((r.amount for r in rules.values() if r.id == "R-PI-4"), default=0)
        try:
            self._tables: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ContractError("REGION_INVALID", f"rules/regions/{code}.toml: {error}") from error

    def region(self) -> Region:
        self._only(self._tables, {"region", *_VALUES, "deadlines", "retention"}, "")
        missing = sorted({"region", *_VALUES} - self._tables.keys())
        if missing:
            self._fail("", f"{', '.join(missing)} is missing")
        if self._tables["region"] != self._code:
            self._fail("region", "the file is of another region")
        calendar, languages, receives = (self._value(name) for name in _VALUES)
        if calendar not in CALENDARS:
            self._fail("[calendar]", f"value is none of {', '.join(CALENDARS)}")
        if not isinstance(languages, list) or not languages or not all(map(_is_language, languages)):
            self._fail("[notice_languages]", "value is no list of BCP 47 languages")
        if not isinstance(receives, bool):
            self._fail("[receives_residence_notices]", "value is neither true nor false")
        return Region(
            code=self._code,
            calendar=calendar,
            notice_languages=tuple(languages),
            receives_residence_notices=receives,
            deadlines=MappingProxyType({key: self._amount(key) for key in self._tables.get("deadlines", {})}),
            retention=MappingProxyType({key: self._kept(key) for key in self._tables.get("retention", {})}),
        )

    def _value(self, name: str) -> Any:
        return self._sourced(f"[{name}]", self._tables[name], {"value"})["value"]

    def _amount(self, key: str) -> Amount:
        place = f"[deadlines.{key}]"
        row = self._sourced(place, self._tables["deadlines"][key], {"unit", "amount"})
        rule = self._rules.get(key)
        if rule is None:
            self._fail(place, "no time limit lets a region have its own value under this key")
        if row["unit"] not in tuple(Unit) or not _is_number(row["amount"]):
            self._fail(place, "unit or amount is wrong")
        if not is_within(rule, row["amount"]):
            self._fail(place, f"amount {row['amount']}, the rule allows {rule.minimum} to {rule.maximum}")
        if (row["unit"] == Unit.HOUR) != (rule.unit is Unit.HOUR):
            self._fail(place, f"unit {row['unit']} does not fit a rule in {rule.unit}")
        return Amount(row["unit"], row["amount"], row["source"], row["mark"])

    def _kept(self, key: str) -> Kept:
        place = f"[retention.{key}]"
        row = self._sourced(place, self._tables["retention"][key], {"key_days", "skeleton_years"})
        if _procedure(key) is None:
            self._fail(place, "this is no name of a procedure")
        days, years = row["key_days"], row["skeleton_years"]
        if not _is_number(days) or days > _MOST_DAYS:
            self._fail(place, f"key_days is no number up to {_MOST_DAYS}")
        if not _is_number(years) or not self._floor_years <= years <= _MOST_YEARS:
            self._fail(place, f"skeleton_years is no number from {self._floor_years} (R-PI-4) to {_MOST_YEARS}")
        return Kept(days, years)

    def _sourced(self, place: str, table: Any, own: set[str]) -> Mapping[str, Any]:
        if not isinstance(table, dict):
            self._fail(place, "this is no table")
        self._only(table, own | _SOURCED, place)
        missing = sorted((own | _SOURCED) - table.keys())
        if missing:
            self._fail(place, f"{', '.join(missing)} is missing")
        if not isinstance(table["source"], str) or not table["source"].strip():
            self._fail(place, "source is empty")
        if not isinstance(table["mark"], str) or _mark(table["mark"]) is None:
            self._fail(place, "mark is none of A, B, C, P")
        if type(table["date"]) is not date:
            self._fail(place, "date is no date")
        return table

    def _only(self, table: Mapping[str, Any], allowed: set[str], place: str) -> None:
        unknown = sorted(table.keys() - allowed)
        if unknown:
            self._fail(place or unknown[0], f"unknown key {', '.join(unknown)}")

    def _fail(self, place: str, reason: str) -> NoReturn:
        starts = (place, f"[{place}", f"{place} ")
        line = next((n for n, text in enumerate(self._lines, 1) if place and text.strip().startswith(starts)), 1)
        what = f"{place}: " if place else ""
        raise ContractError("REGION_INVALID", f"rules/regions/{self._code}.toml: line {line}: {what}{reason}")


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_language(value: object) -> bool:
    return isinstance(value, str) and _language(value) is not None
