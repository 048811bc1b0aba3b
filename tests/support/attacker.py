"""Who wants to know a withheld number: solves every sum of a published table for its least and greatest value.

An attacker of another kind than the protection: a linear programme, solved by the simplex method in exact fractions. It
knows the shown numbers, that each is rounded to 5, every sum, the limit, and which numbers were withheld for being
small. Sums of a two-way table have whole solutions wherever they have any, so its bounds are exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

Key = tuple[str, str]
TOTAL = "TOTAL"


class Attacker:
    """Knows one published table.

    Args:
        rows: Keys of rows.
        columns: Keys of columns.
        shown: The rounded numbers.
        below: The limit.
        small: Which withheld numbers are below the limit; the others are not.
    """

    def __init__(
        self, rows: Sequence[str], columns: Sequence[str], shown: Mapping[Key, int], below: int, small: set[Key]
    ) -> None:
        self.keys = [(row, column) for row in (*rows, TOTAL) for column in (*columns, TOTAL)]
        self._at = {key: number for number, key in enumerate(self.keys)}
        ceiling = sum(shown.values()) + 1000 * len(self.keys)
        self.low: dict[Key, int] = {}
        self.high: dict[Key, int] = {}
        for key in self.keys:
            if key in shown:
                self.low[key], self.high[key] = max(shown[key] - 2, below), shown[key] + 2
            elif key in small:
                self.low[key], self.high[key] = 0, below - 1
            else:
                self.low[key], self.high[key] = below, ceiling
        self._sums = [[*[(row, column) for column in columns], (row, TOTAL)] for row in (*rows, TOTAL)]
        self._sums += [[*[(row, column) for row in rows], (TOTAL, column)] for column in (*columns, TOTAL)]

    def bounds(self, key: Key) -> tuple[int, int]:
        """The least and the greatest value that a number may have."""
        least = -self._most(key, -1)
        return least, self._most(key, 1)

    def _most(self, key: Key, sign: int) -> int:
        """Greatest value of `sign` times a number under all sums."""
        size = len(self.keys)
        lines: list[list[Fraction]] = []
        # Shifted by the lower bounds: 0 <= x <= high - low. Upper bounds get a slack each, sums an artificial each.
        for keys in self._sums:
            line = [Fraction(0)] * (size + 1)
            right = 0
            for one in keys[:-1]:
                line[self._at[one]] += 1
                right -= self.low[one]
            line[self._at[keys[-1]]] -= 1
            right += self.low[keys[-1]]
            line[size] = Fraction(right)
            lines.append(line if right >= 0 else [-value for value in line])
        best = _simplex(lines, [Fraction(self.high[k] - self.low[k]) for k in self.keys], self._at[key], sign)
        return int(best) + sign * self.low[key]


def _simplex(sums: list[list[Fraction]], upper: list[Fraction], target: int, sign: int) -> Fraction:
    """Greatest `sign * x[target]` with `sums`, `0 <= x <= upper`; two phases, Bland's rule."""
    size, equal = len(upper), len(sums)
    width = size + size + equal + 1
    table: list[list[Fraction]] = []
    for number, line in enumerate(sums):
        row = [*line[:size], *[Fraction(0)] * (size + equal), line[size]]
        row[2 * size + number] = Fraction(1)
        table.append(row)
    for number, bound in enumerate(upper):
        row = [Fraction(0)] * width
        row[number] = row[size + number] = Fraction(1)
        row[-1] = bound
        table.append(row)
    basis = [2 * size + number for number in range(equal)] + [size + number for number in range(size)]
    first = [Fraction(0)] * width
    for row in table[:equal]:
        first = [value - part for value, part in zip(first, row, strict=True)]
    for number in range(equal):
        first[2 * size + number] = Fraction(0)
    _pivot_all(table, basis, first, 2 * size)
    if first[-1] != 0:
        raise AssertionError("no table at all fits what was published")
    second = [Fraction(0)] * width
    second[target] = Fraction(-sign)
    for row, base in zip(table, basis, strict=True):
        if second[base] != 0:
            factor = second[base]
            second = [value - factor * part for value, part in zip(second, row, strict=True)]
    _pivot_all(table, basis, second, 2 * size)
    return second[-1]


def _pivot_all(table: list[list[Fraction]], basis: list[int], goal: list[Fraction], allowed: int) -> None:
    while True:
        enter = next((column for column in range(allowed) if goal[column] < 0), None)
        if enter is None:
            return
        ratios = [(row[-1] / row[enter], basis[at], at) for at, row in enumerate(table) if row[enter] > 0]
        if not ratios:
            raise AssertionError("a number without a bound")
        _, _, at = min(ratios)
        pivot = table[at][enter]
        table[at] = [value / pivot if value else value for value in table[at]]
        for other, row in enumerate(table):
            if other != at and row[enter]:
                factor = row[enter]
                table[other] = [v - factor * p if p else v for v, p in zip(row, table[at], strict=True)]
        if goal[enter]:
            factor = goal[enter]
            goal[:] = [v - factor * p if p else v for v, p in zip(goal, table[at], strict=True)]
        basis[at] = enter
