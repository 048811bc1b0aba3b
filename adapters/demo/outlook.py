"""What would be published of the statistics if the month closed now: how many cells are shown and how many withheld.

The demonstration is over before a month closes, so the hub publishes nothing; the counts are kept all the same. Not
here: the numbers themselves, which nobody sees before the month has closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from adapters.compose.parts import contracts_in_force
from adapters.compose.projecting import projections_file, reading
from contracts.statistic import load_statistics
from hub.projections.published import safe_table


@dataclass(frozen=True, slots=True)
class TableOutlook:
    """One table of one month.

    Attributes:
        name: Of the table.
        month: `YYYY-MM`.
        counted: What it counts, all cells together.
        cells: Cells that it has, totals among them.
        shown: Cells that may be shown; the others are withheld.
    """

    name: str
    month: str
    counted: int
    cells: int
    shown: int


def outlook_of(data: Path) -> list[TableOutlook]:
    """The tables of every month that was counted.

    Args:
        data: A data folder.

    Raises:
        UnavailableError: PROJECTIONS_MISSING, PROJECTIONS_OUTDATED.
    """
    found, rules = [], contracts_in_force(is_sandbox=True)
    with reading(projections_file(data)) as store:
        for month in store.months():
            for statistic in load_statistics():
                counts = store.statistics(statistic.name, month)
                table = safe_table(statistic, counts, rules)
                cells = (len(table.rows) + 1) * (len(table.columns) + 1)
                found.append(TableOutlook(statistic.name, month, sum(counts.values()), cells, len(table.shown)))
    return found
