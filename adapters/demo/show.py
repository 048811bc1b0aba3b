"""How the demonstration is shown: live while it plays, as tables when it is over. A pipe gets a line now and then."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from adapters.demo.conductor import Scene
from adapters.demo.outlook import TableOutlook
from adapters.demo.tally import Tally
from contracts.ids import REGIONS

NAMES: Final = {
    "35": "Fujian",
    "36": "Jiangxi",
    "43": "Hunan",
    "44": "Guangdong",
    "45": "Guangxi",
    "46": "Hainan",
    "51": "Sichuan",
    "52": "Guizhou",
    "53": "Yunnan",
    "81": "Hong Kong",
    "82": "Macao",
}
"""The regions as the tables name them."""
_SHORT: Final = dict(zip(REGIONS, ("FJ", "JX", "HN", "GD", "GX", "HI", "SC", "GZ", "YN", "HK", "MO"), strict=True))
_LINE_SECONDS: Final = 5.0


class Show:
    """Shows a scene as it goes on; a context manager.

    Args:
        console: Where to.
        is_quiet: Show nothing, because a machine reads.
    """

    def __init__(self, console: Console, *, is_quiet: bool = False) -> None:
        self._console = console
        self._is_quiet = is_quiet
        is_live = console.is_terminal and not is_quiet
        self._live = Live(console=console, refresh_per_second=8, transient=True) if is_live else None
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
        )
        self._task = self._progress.add_task("setting the stage", total=None)
        self._last_stage = ""
        self._last_line = 0.0

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self, scene: Scene) -> None:
        """See `adapters.demo.conductor.Display`."""
        if self._live is None:
            if not self._is_quiet:
                self._line(scene)
            return
        total = max(scene.expected, scene.recorded) or None
        self._progress.update(self._task, description=scene.stage, completed=scene.recorded, total=total)
        self._live.update(Group(self._progress, _regions(scene)))

    def _line(self, scene: Scene) -> None:
        now = time.monotonic()
        if scene.stage == self._last_stage and now - self._last_line < _LINE_SECONDS:
            return
        self._last_stage, self._last_line = scene.stage, now
        down = f", down: {', '.join(NAMES[region] for region in sorted(scene.down))}" if scene.down else ""
        counts = f": {scene.recorded} recorded, {scene.delivered} delivered{down}" if scene.recorded else ""
        self._console.print(f"{now - scene.began:5.1f} s  {scene.stage}{counts}", markup=False)


def _regions(scene: Scene) -> Table:
    table = Table("region", title_justify="left")
    for column in ("matters begun", "events recorded", "told", "opened", "refused", "waiting"):
        table.add_column(column, justify="right")
    table.add_column("")
    for region in REGIONS:
        status = scene.regions.get(region)
        doings = {} if status is None else status["doings"]
        cells = ["-"] * 6
        if status is not None:
            sent = doings["sent"]
            cells = [
                str(doings["begun"]),
                str(sent.get("ACCEPTED", 0)),
                str(sum(status["standings"].values())),
                str(doings["opened"]),
                str(sum(doings["refused_there"].values())),
                str(status["waiting"]),
            ]
        state = (
            "[bold red]down" if region in scene.down else "" if status is None or status["idle"] else "[green]at work"
        )
        table.add_row(f"{region} {NAMES[region]}", *cells, state)
    return table


def print_tables(console: Console, tally: Tally, outlook: Sequence[TableOutlook]) -> None:
    """Print what happened."""
    console.print(_flows(tally))
    console.print(_outcomes(tally))
    console.print(_per_region(tally))
    console.print(_rows("What officials and persons said no to, or set right", ("what", "how often"), tally.officials))
    console.print(_rows("What time itself did", ("event", "how often"), tally.time))
    console.print(_rows("Refused by the hub (repeats got their first receipt)", ("code", "events"), tally.refused))
    console.print(_overdue(tally))
    console.print(_statistics(outlook))
    console.print(
        f"Payloads: {tally.sealed} sealed, {tally.held} held, {tally.sealed - tally.held} erased; "
        f"{tally.opened.total()} openings recorded.",
        markup=False,
    )


def _flows(tally: Tally) -> Table:
    shown = [region for region in REGIONS if any(region in flow for flow in tally.flows)]
    table = Table(title="Residence notices, origin by destination (synthetic, drawn from an estimate)")
    table.add_column("origin")
    for destination in shown:
        table.add_column(_SHORT[destination], justify="right")
    table.add_column("all", justify="right", style="bold")
    for origin in shown:
        counts = [tally.flows[origin, destination] for destination in shown]
        table.add_row(
            f"{_SHORT[origin]} {NAMES[origin]}", *(str(count) if count else "·" for count in counts), str(sum(counts))
        )
    totals = [sum(tally.flows[origin, destination] for origin in shown) for destination in shown]
    table.add_section()
    table.add_row("all", *map(str, totals), str(sum(totals)), style="bold")
    return table


def _per_region(tally: Tally) -> Table:
    table = Table("region", title="Deliveries and openings")
    table.add_column("notifications delivered", justify="right")
    table.add_column("payloads opened", justify="right")
    for region in REGIONS:
        table.add_row(f"{region} {NAMES[region]}", str(tally.delivered[region]), str(tally.opened[region]))
    table.add_section()
    table.add_row("all", str(tally.delivered.total()), str(tally.opened.total()), style="bold")
    return table


def _outcomes(tally: Tally) -> Table:
    """How matters ended, and where the others stand."""
    table = Table("procedure", title="Matters and how they stand")
    table.add_column("matters", justify="right")
    table.add_column("ended")
    table.add_column("open")
    for procedure, count in _by_count(tally.matters.items()):
        table.add_row(procedure, str(count), _states(tally.ended, procedure), _states(tally.open, procedure))
    table.add_section()
    table.add_row("all", str(tally.matters.total()), str(tally.ended.total()), str(tally.open.total()), style="bold")
    return table


def _states(counts: Mapping[tuple[str, str], int], procedure: str) -> str:
    found = _by_count((state, count) for (whose, state), count in counts.items() if whose == procedure)
    return ", ".join(f"{state} {count}" for state, count in found)


def _overdue(tally: Tally) -> Table:
    """Open duties past their time, by rule and region; beside them, how many the hub has recorded as missed."""
    shown = [region for region in REGIONS if any(region == where for where, _ in tally.overdue)]
    table = Table("rule", title="Overdue duties, derived from the matters")
    for region in shown:
        table.add_column(_SHORT[region], justify="right")
    table.add_column("recorded as missed", justify="right", style="bold")
    for rule in sorted({rule for _, rule in tally.overdue} | set(tally.missed)):
        counts = [tally.overdue[region, rule] for region in shown]
        table.add_row(rule, *(str(count) if count else "·" for count in counts), str(tally.missed[rule]))
    return table


def _statistics(outlook: Sequence[TableOutlook]) -> Table:
    """The tables that are published when their month has closed."""
    table = Table(
        "table", "month", title="Statistics if the month closed now; small cells and their neighbours withheld"
    )
    for column in ("counted", "cells", "shown", "withheld"):
        table.add_column(column, justify="right")
    for one in outlook:
        numbers = (one.counted, one.cells, one.shown, one.cells - one.shown)
        table.add_row(one.name, one.month, *map(str, numbers))
    return table


def _rows(title: str, columns: tuple[str, str], counts: dict[str, int]) -> Table:
    table = Table(columns[0], title=title)
    table.add_column(columns[1], justify="right")
    for name, count in _by_count(counts.items()):
        table.add_row(name, str(count))
    return table


def _by_count(counts: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(counts, key=lambda item: (-item[1], item[0]))
