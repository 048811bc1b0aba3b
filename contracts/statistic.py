"""Statistics as data: `Statistic`, `load_statistics`, from `contracts/rules/statistics.toml` (DOMAIN 8.3).

Rules kept here: no cell may be shown below ten, of cases none below twenty; cases are told by region only, never by
kind, event, rule or any finer place. What a withheld cell needs around it stands in `hub.projections.disclosure`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from contracts.errors import ContractError
from contracts.event_match import EventMatch

LEAST_BELOW: Final = 10
LEAST_CASES_BELOW: Final = 20
REGION_AXES: Final = frozenset({"OPENER_REGION", "OTHER_REGION"})
AXES: Final = REGION_AXES | {"OPENER_PREFECTURE", "OTHER_PREFECTURE", "EVENT", "RULE", "OUTCOME"}
OUTCOMES: Final = ("MET", "MISSED")
_COUNTS: Final = frozenset({"event", "duty", "paired"})
_KINDS: Final = ("registration", "move", "permit")


@dataclass(frozen=True, slots=True)
class Statistic:
    """One table.

    Attributes:
        name: For example `OD_MONTH`.
        counts: `event`, `duty` or `paired`.
        events: Which events count; None unless `counts` is `event`.
        kinds: Kinds of procedures that count.
        row: What its rows are, one of `AXES`.
        column: What its columns are.
        below: Smaller cells are withheld.
    """

    name: str
    counts: str
    events: EventMatch | None
    kinds: frozenset[str]
    row: str
    column: str
    below: int


@cache
def load_statistics() -> tuple[Statistic, ...]:
    """The packaged tables.

    Raises:
        ContractError: TABLE_INVALID.
    """
    return parse_statistics(files("contracts").joinpath("rules/statistics.toml").read_text(encoding="utf-8"))


def parse_statistics(text: str) -> tuple[Statistic, ...]:
    """Read and check tables.

    Raises:
        ContractError: TABLE_INVALID: names the table and what is wrong with it.
    """
    try:
        tables = tuple(_statistic(row) for row in tomllib.loads(text)["table"])
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ContractError("TABLE_INVALID", f"statistics.toml: {error}") from error
    for table in tables:
        _check(table)
    if len({table.name for table in tables}) != len(tables):
        raise ContractError("TABLE_INVALID", "statistics.toml: a name stands twice")
    return tables


def _statistic(row: Mapping[str, Any]) -> Statistic:
    unknown = row.keys() - {"name", "counts", "events", "kinds", "row", "column", "below"}
    if unknown:
        raise ContractError("TABLE_INVALID", f"statistics.toml: unknown key {', '.join(sorted(unknown))}")
    return Statistic(
        name=row["name"],
        counts=row["counts"],
        events=EventMatch.of(row["events"]) if "events" in row else None,
        kinds=frozenset(row.get("kinds", _KINDS)),
        row=row["row"],
        column=row["column"],
        below=row["below"],
    )


def _check(table: Statistic) -> None:
    if table.counts not in _COUNTS or not {table.row, table.column} <= AXES:
        raise ContractError("TABLE_INVALID", f"statistics.toml: {table.name} has an unknown axis or counts nothing")
    if (table.counts == "event") is not (table.events is not None):
        raise ContractError("TABLE_INVALID", f"statistics.toml: {table.name} does not say whole what it counts")
    if table.row == table.column or (("OUTCOME" in (table.row, table.column)) and table.counts != "duty"):
        raise ContractError("TABLE_INVALID", f"statistics.toml: {table.name} has axes that do not fit")
    if "hub" in table.kinds or table.below < LEAST_BELOW:
        raise ContractError("TABLE_INVALID", f"statistics.toml: {table.name} shows too much", rule="DOMAIN 8.3")
    if "case" in table.kinds:
        is_coarse = {table.row, table.column} <= REGION_AXES and table.kinds == {"case"} and table.counts == "paired"
        if not is_coarse or table.below < LEAST_CASES_BELOW:
            raise ContractError(
                "TABLE_INVALID", f"statistics.toml: {table.name} tells more of cases than regions", rule="DOMAIN 8.3"
            )
