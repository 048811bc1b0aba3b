"""Which cells of a table may be shown so that no withheld one can be worked out: `protect`, `SafeTable` (DOMAIN 8.3).

A table has a cell for every row and column of a fixed list, zeros too, and totals over rows, columns and all. Cells and
totals below a limit are withheld; everything shown is rounded to 5. Rounding alone does not hide: the sums of the true
numbers still bind the withheld ones. So further cells are withheld until the strongest reader there may be still has a
range of at least `width(below)` for each withheld number. That reader knows all shown numbers, the sums, this code, and
even which cells were withheld for being small: those lie from 0 to `below - 1`, the others at or above `below`.

All sums of a two-way table say that a circulation is balanced: a cell is an arc from its row to its column, a row's
total an arc from the column of totals to the row, and so on. What the reader can find of a number is then exactly how
far it can move along cycles, which is a flow, in whole numbers; nothing is estimated.

No table is published twice and no sum over months is published, so there is nothing to subtract between tables.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

ROUNDED_TO: Final = 5
TOTAL: Final = "TOTAL"
"""Key of the row and the column that hold totals."""
_FAR: Final = 1 << 40

Key = tuple[str, str]
"""Row and column of a cell; `TOTAL` for a total."""


class SafeTable(NamedTuple):
    """What may be shown of a table.

    Attributes:
        rows: Keys of its rows, without the total.
        columns: Keys of its columns, without the total.
        below: Cells below this were withheld, and others to protect them.
        shown: Rounded numbers by cell; a cell or total that is not here is withheld.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    below: int
    shown: Mapping[Key, int]


def width(below: int) -> int:
    """The least range that stays for each withheld number: half the limit."""
    return below // 2


def rounded(n: int) -> int:
    """The nearest multiple of 5."""
    return (n + ROUNDED_TO // 2) // ROUNDED_TO * ROUNDED_TO


def with_totals(counts: Mapping[Key, int], rows: Iterable[str], columns: Iterable[str]) -> dict[Key, int]:
    """Every cell of a table, zeros too, and its totals.

    Args:
        counts: Cells that are not zero; each lies in `rows` and `columns`.
        rows: Keys of all rows.
        columns: Keys of all columns.
    """
    columns = tuple(columns)
    cells = {(row, column): counts.get((row, column), 0) for row in rows for column in columns}
    for (row, column), n in list(cells.items()):
        for key in ((row, TOTAL), (TOTAL, column), (TOTAL, TOTAL)):
            cells[key] = cells.get(key, 0) + n
    return cells


def protect(counts: Mapping[Key, int], rows: Sequence[str], columns: Sequence[str], below: int) -> SafeTable:
    """Withhold small cells and enough neighbours, round the rest.

    Args:
        counts: Cells that are not zero.
        rows: Keys of all rows, in order.
        columns: Keys of all columns, in order.
        below: Cells below this are withheld.
    """
    network = _Network(with_totals(counts, rows, columns), below)
    network.protect()
    shown = {arc.key: rounded(arc.n) for arc in network.arcs if not arc.is_withheld}
    return SafeTable(tuple(rows), tuple(columns), below, shown)


class _Arc:
    """One cell or total: where it leads, what it is, and how far a reader may believe it to be off."""

    __slots__ = ("head", "is_withheld", "key", "n", "room_down", "room_up", "tail")

    def __init__(self, key: Key, n: int, below: int) -> None:
        row, column = key
        self.key = key
        self.n = n
        # A cell leads from its row to its column; totals lead back, so that what flows into a node flows out of it.
        is_row_total, is_column_total = column == TOTAL, row == TOTAL
        if is_row_total and is_column_total:
            tail, head = "r:" + TOTAL, "c:" + TOTAL
        elif is_row_total:
            tail, head = "c:" + TOTAL, "r:" + row
        elif is_column_total:
            tail, head = "c:" + column, "r:" + TOTAL
        else:
            tail, head = "r:" + row, "c:" + column
        self.tail, self.head = tail, head
        self.is_withheld = n < below
        if self.is_withheld:
            self.room_up, self.room_down = below - 1 - n, n
        else:
            half = ROUNDED_TO // 2
            self.room_up = rounded(n) + half - n
            self.room_down = n - max(rounded(n) - half, below)

    def withhold(self, below: int) -> None:
        """Withhold a cell that is not small."""
        self.is_withheld = True
        self.room_up, self.room_down = _FAR, self.n - below


class _Network:
    """The table as a circulation."""

    def __init__(self, cells: Mapping[Key, int], below: int) -> None:
        self.arcs = [_Arc(key, n, below) for key, n in cells.items()]
        self._below = below
        self._from: dict[str, list[tuple[_Arc, bool]]] = {}
        for arc in self.arcs:
            self._from.setdefault(arc.tail, []).append((arc, True))
            self._from.setdefault(arc.head, []).append((arc, False))

    def protect(self) -> None:
        """Withhold until every withheld number has its range; what is withheld later only widens earlier ranges."""
        waiting = deque(sorted((arc for arc in self.arcs if arc.is_withheld), key=lambda arc: arc.key))
        while waiting:
            arc = waiting.popleft()
            while self.range_of(arc, width(self._below)) < width(self._below):
                more = self._way_around(arc)
                if not more:
                    break
                for other in more:
                    other.withhold(self._below)
                waiting.extend(more)

    def range_of(self, arc: _Arc, enough: int) -> int:
        """How many steps a number can be moved up and down, counted as far as is enough."""
        up = self._flow(arc, arc.head, arc.tail, min(enough, arc.room_up))
        if up >= enough:
            return up
        return up + self._flow(arc, arc.tail, arc.head, min(enough - up, arc.room_down))

    def _flow(self, without: _Arc, source: str, target: str, wanted: int) -> int:
        """How much can go from one node to another without one arc, at most what is wanted."""
        moved: dict[int, int] = {}
        total = 0
        while total < wanted:
            path = self._path(without, source, target, moved)
            if path is None:
                break
            step = min([wanted - total, *(self._room(arc, is_up, moved) for arc, is_up in path)])
            for arc, is_up in path:
                moved[id(arc)] = moved.get(id(arc), 0) + (step if is_up else -step)
            total += step
        return total

    @staticmethod
    def _room(arc: _Arc, is_up: bool, moved: Mapping[int, int]) -> int:
        already = moved.get(id(arc), 0)
        return arc.room_up - already if is_up else arc.room_down + already

    def _path(
        self, without: _Arc, source: str, target: str, moved: Mapping[int, int]
    ) -> list[tuple[_Arc, bool]] | None:
        came: dict[str, tuple[str, _Arc, bool] | None] = {source: None}
        waiting = deque([source])
        while waiting:
            node = waiting.popleft()
            for arc, is_up in self._from[node]:
                to = arc.head if is_up else arc.tail
                if to in came or arc is without or self._room(arc, is_up, moved) <= 0:
                    continue
                came[to] = (node, arc, is_up)
                if to == target:
                    return _walk_back(came, target)
                waiting.append(to)
        return None

    def _way_around(self, arc: _Arc) -> list[_Arc]:
        """The shown cells whose withholding, together the smallest loss, opens a cycle through a number."""
        for source, target in ((arc.head, arc.tail), (arc.tail, arc.head)):
            found = self._cheapest(arc, source, target)
            if found:
                return found
        shown = [other for other in self.arcs if not other.is_withheld]
        return [min(shown, key=lambda other: (other.n, other.key))] if shown else []

    def _cheapest(self, without: _Arc, source: str, target: str) -> list[_Arc]:
        enough = width(self._below)
        came: dict[str, tuple[str, _Arc, bool] | None] = {}
        queue: list[tuple[int, int, str, tuple[str, _Arc, bool] | None]] = [(0, 0, source, None)]
        number = 0
        while queue:
            cost, _, node, way = heapq.heappop(queue)
            if node in came:
                continue
            came[node] = way
            if node == target:
                return [other for other, _ in _walk_back(came, target) if not other.is_withheld]
            for arc, is_up in self._from[node]:
                to = arc.head if is_up else arc.tail
                if arc is without or to in came:
                    continue
                if arc.is_withheld:
                    room, price = (arc.room_up if is_up else arc.room_down), 0
                else:
                    room, price = (_FAR if is_up else arc.n - self._below), 1 + arc.n
                if room >= (1 if arc.is_withheld else enough):
                    number += 1
                    heapq.heappush(queue, (cost + price, number, to, (node, arc, is_up)))
        return []


def _walk_back(came: Mapping[str, tuple[str, _Arc, bool] | None], target: str) -> list[tuple[_Arc, bool]]:
    path, node = [], target
    while (way := came[node]) is not None:
        node, arc, is_up = way
        path.append((arc, is_up))
    return path
