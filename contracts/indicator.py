"""Office indicators as data: `Indicator`, `load_indicators`, from `contracts/rules/indicators.toml` (DOMAIN 8.2).

What may be counted of an office is a closed list, and what must never be counted of anybody is refused when the table
is read: persons controlled, found, removed or returned, permits refused, ranks. A new procedure counts without code
where its duties and events carry these rules and names.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from contracts.errors import ContractError
from contracts.event_match import EventMatch
from contracts.forbidden import load_forbidden_names, words_of

ALLOWED: Final = frozenset(
    {
        "receipts_in_time",
        "duties_met",
        "duties_missed",
        "notices_disputed",
        "corrections_made",
        "openings_without_task",
        "rights_requests_in_time",
        "erasures_confirmed",
    }
)
"""All that is counted of an office (DOMAIN 8.2)."""
NEVER: Final = frozenset(
    {
        *("admitted", "cancelled", "controlled", "ended", "expelled", "found", "refused", "rejected", "removed"),
        *("reported", "returned", "revoked", "suspended", "withdrawn", "points", "rank", "ranks", "score"),
    }
)
"""Words of event types that tell what became of a person or an application: such an event is no indicator."""
PRODUCER: Final = "PRODUCER"
OPENER: Final = "OPENER"
_COUNTS: Final = frozenset({"duty_met", "duty_missed", "event"})


@dataclass(frozen=True, slots=True)
class Indicator:
    """One number that is counted per office and month.

    Attributes:
        name: One of `ALLOWED`.
        counts: `duty_met`, `duty_missed` or `event`.
        rules: Rules whose duties count; None for all.
        events: Which events count; None unless `counts` is `event`.
        field: Body field that decides; empty for none.
        none_of: Values of that field that do not count.
        office: `PRODUCER`, `OPENER` or the body field that names the office; empty for duties, whose office is theirs.
    """

    name: str
    counts: str
    rules: frozenset[str] | None
    events: EventMatch | None
    field: str
    none_of: frozenset[str]
    office: str

    def meets_rule(self, rule: str) -> bool:
        """Whether a duty under a rule counts."""
        return self.rules is None or rule in self.rules

    def meets_event(self, event_type: str, body: Mapping[str, Any]) -> bool:
        """Whether an event counts."""
        if self.events is None or not self.events.meets(event_type):
            return False
        return not self.field or body.get(self.field) not in self.none_of


@cache
def load_indicators() -> tuple[Indicator, ...]:
    """The packaged table.

    Raises:
        ContractError: TABLE_INVALID.
    """
    return parse_indicators(files("contracts").joinpath("rules/indicators.toml").read_text(encoding="utf-8"))


def parse_indicators(text: str) -> tuple[Indicator, ...]:
    """Read and check a table.

    Raises:
        ContractError: TABLE_INVALID: names the indicator and what is wrong with it.
    """
    try:
        rows = tomllib.loads(text)["indicator"]
        indicators = tuple(_indicator(row) for row in rows)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ContractError("TABLE_INVALID", f"indicators.toml: {error}") from error
    for indicator in indicators:
        _check(indicator)
    if len({one.name for one in indicators}) != len(indicators):
        raise ContractError("TABLE_INVALID", "indicators.toml: a name stands twice")
    return indicators


def _indicator(row: Mapping[str, Any]) -> Indicator:
    unknown = row.keys() - {"name", "counts", "rules", "events", "where", "office"}
    if unknown:
        raise ContractError("TABLE_INVALID", f"indicators.toml: unknown key {', '.join(sorted(unknown))}")
    where = row.get("where", {})
    return Indicator(
        name=row["name"],
        counts=row["counts"],
        rules=frozenset(row["rules"]) if "rules" in row else None,
        events=EventMatch.of(row["events"]) if "events" in row else None,
        field=where.get("field", ""),
        none_of=frozenset(where.get("none_of", ())),
        office=row.get("office", ""),
    )


def _check(one: Indicator) -> None:
    if one.name not in ALLOWED:
        raise ContractError("TABLE_INVALID", f"indicators.toml: {one.name} is never counted", rule="DOMAIN 8.2")
    if one.counts not in _COUNTS or (one.counts == "event") is not (one.events is not None and bool(one.office)):
        raise ContractError("TABLE_INVALID", f"indicators.toml: {one.name} does not say whole what it counts")
    for text in () if one.events is None else one.events.texts:
        words = set(words_of(text))
        if words & NEVER or load_forbidden_names().find(text) is not None:
            raise ContractError("TABLE_INVALID", f"indicators.toml: {text} is never counted", rule="DOMAIN 8.2")
        if not words:
            raise ContractError("TABLE_INVALID", f"indicators.toml: {one.name} counts every event")
