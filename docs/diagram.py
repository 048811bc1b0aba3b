"""Draws the states of a procedure as SVG: layers from top to bottom, the same bytes for the same procedure.

States stand below those from which they are reached; an arrow back up is dashed. An arrow carries the numbers of its
rows, which the page's table explains. Restrictions are left out: they lead from everywhere to one place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Final, NamedTuple

from contracts.procedure_types import Procedure
from contracts.terms import Terms

START: Final = "START"
_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 210, 52, 56, 74, 30
_BEND: Final = 26
"""Width that an arrow takes where it passes a layer."""
_STYLE: Final = (
    "text{font-family:'Noto Sans CJK SC','Microsoft YaHei','PingFang SC',sans-serif;text-anchor:middle;fill:#1a1a1a}"
    ".id{font-size:12px;font-weight:600}.zh{font-size:13px}.row{font-size:11px;font-weight:600;fill:#1d4ed8}"
    ".s{fill:#eef4ff;stroke:#1d4ed8;stroke-width:1.4}.f{fill:#ecfdf3;stroke:#15803d;stroke-width:2.6}"
    ".e{fill:none;stroke:#475569;stroke-width:1.4}.b{fill:none;stroke:#b45309;stroke-width:1.4;stroke-dasharray:6 4}"
    ".l{fill:#fff;stroke:#cbd5e1;stroke-width:.8}.o{fill:#1a1a1a}"
)


class Edge(NamedTuple):
    """One arrow.

    Attributes:
        source: State from which it leads.
        target: State to which it leads.
        rows: Numbers of its rows.
    """

    source: str
    target: str
    rows: tuple[int, ...]


def draw(procedure: Procedure, terms: Terms) -> str:
    """The picture of a procedure."""
    return _Drawing(procedure, terms).svg()


def edges_of(procedure: Procedure) -> list[Edge]:
    """The arrows, in the order of the file."""
    rows: dict[tuple[str, str], list[int]] = {}
    for row in procedure.transitions:
        for target in row.targets:
            if not _is_restriction(procedure, target, row.event):
                rows.setdefault((row.source or START, target), []).append(row.row)
    return [Edge(source, target, tuple(dict.fromkeys(found))) for (source, target), found in rows.items()]


def _is_restriction(procedure: Procedure, target: str, event: str) -> bool:
    return event == "MatterRestricted" and procedure.states[target].is_final


class _Drawing:
    def __init__(self, procedure: Procedure, terms: Terms) -> None:
        self._procedure = procedure
        self._terms = terms
        edges = edges_of(procedure)
        self._loops = [edge for edge in edges if edge.source == edge.target]
        self._edges = [edge for edge in edges if edge.source != edge.target]
        self._back = _back_edges(self._edges)
        self._layer = self._layers()
        self._chains = [self._chain(number, edge) for number, edge in enumerate(self._edges)]
        self._order = self._ordered()
        self._x = self._places()

    def _down(self, edge: Edge) -> tuple[str, str]:
        return (edge.target, edge.source) if edge in self._back else (edge.source, edge.target)

    def _layers(self) -> Mapping[str, int]:
        """The longest way from the start."""
        layer = {START: 0}
        for _ in range(len(self._procedure.states) + 1):
            for edge in self._edges:
                above, below = self._down(edge)
                if above in layer:
                    layer[below] = max(layer.get(below, 0), layer[above] + 1)
        return layer

    def _chain(self, number: int, edge: Edge) -> list[str]:
        """An arrow's places from above to below; a bend in every layer that it passes."""
        above, below = self._down(edge)
        bends = [f"~{number}~{layer}" for layer in range(self._layer[above] + 1, self._layer[below])]
        return [above, *bends, below]

    def _ordered(self) -> list[list[str]]:
        """Who stands beside whom: everybody near the middle of those to whom he is joined."""
        depth = max(self._layer.values()) + 1
        rows: list[list[str]] = [[] for _ in range(depth)]
        for name, layer in self._layer.items():
            rows[layer].append(name)
        near: dict[str, list[tuple[str, int]]] = {}
        for chain in self._chains:
            first = self._layer[chain[0]]
            for place, name in enumerate(chain):
                if name.startswith("~"):
                    rows[first + place].append(name)
            for place, (a, b) in enumerate(pairwise(chain)):
                near.setdefault(a, []).append((b, first + place + 1))
                near.setdefault(b, []).append((a, first + place))
        best, crossings = rows, _crossings(rows, self._chains, self._layer)
        for sweep in range(24):
            rows = [list(row) for row in rows]
            down = sweep % 2 == 0
            for layer in range(1, depth) if down else range(depth - 2, -1, -1):
                other = layer - 1 if down else layer + 1
                at = {name: place for place, name in enumerate(rows[other])}
                old = {name: place for place, name in enumerate(rows[layer])}
                rows[layer].sort(key=lambda name: (_middle(near.get(name, []), other, at, old[name]), old[name]))
            found = _crossings(rows, self._chains, self._layer)
            if found < crossings:
                best, crossings = rows, found
        return best

    def _places(self) -> Mapping[str, float]:
        """Where everybody stands: first side by side, then nearer to those above and below, without overlap."""
        x: dict[str, float] = {}
        for row in self._order:
            right = 0.0
            for name in row:
                x[name] = right + self._wide(name) / 2
                right += self._wide(name) + _GAP_X
            for name in row:
                x[name] -= (right - _GAP_X) / 2
        near: dict[str, list[str]] = {}
        for chain in self._chains:
            for a, b in pairwise(chain):
                near.setdefault(a, []).append(b)
                near.setdefault(b, []).append(a)
        for _ in range(40):
            for row in self._order:
                wish = [sum(x[n] for n in near[name]) / len(near[name]) if name in near else x[name] for name in row]
                self._settle(row, wish, x)
        left = min(x[name] - self._wide(name) / 2 for row in self._order for name in row)
        return {name: place - left + _MARGIN for name, place in x.items()}

    def _settle(self, row: Sequence[str], wish: Sequence[float], x: dict[str, float]) -> None:
        """Move a row towards its wishes, keep its order and its gaps, and share what has to be pushed to both sides."""
        left: list[float] = []
        for name, want in zip(row, wish, strict=True):
            gap = left[-1] + (self._wide(row[len(left) - 1]) + self._wide(name)) / 2 + _GAP_X / 2 if left else want
            left.append(max(want, gap))
        right: list[float] = []
        for number in range(len(row) - 1, -1, -1):
            want = wish[number]
            gap = (
                right[-1] - (self._wide(row[number + 1]) + self._wide(row[number])) / 2 - _GAP_X / 2 if right else want
            )
            right.append(min(want, gap))
        for name, a, b in zip(row, left, reversed(right), strict=True):
            x[name] = (a + b) / 2

    def _wide(self, name: str) -> float:
        """The room that somebody takes; beside a state with a loop stand the loop's numbers, on both sides alike."""
        if name.startswith("~"):
            return _BEND
        if name == START:
            return 24
        loop = next((edge for edge in self._loops if edge.source == name), None)
        return _WIDTH + (0 if loop is None else 2 * (28 + _label_width(loop.rows)))

    def svg(self) -> str:
        width = max(self._x[n] + self._wide(n) / 2 for row in self._order for n in row) + _MARGIN
        height = len(self._order) * (_HEIGHT + _GAP_Y) - _GAP_Y + 2 * _MARGIN
        title = f"{self._procedure.id} {self._terms.zh('procedure', self._procedure.id)}"
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}"'
            f' viewBox="0 0 {width:.0f} {height}" role="img">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style>",
            '<defs><marker id="a" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8"'
            ' orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="#475569"/></marker></defs>',
            f'<rect width="{width:.0f}" height="{height}" fill="#fff"/>',
        ]
        labels: list[str] = []
        for edge, chain in zip(self._edges, self._chains, strict=True):
            lines.append(self._arrow(edge, chain))
            labels.append(self._label(edge, chain))
        for loop in self._loops:
            arrow, label = self._loop(loop)
            lines.append(arrow)
            labels.append(label)
        lines += [self._node(name) for name in self._layer]
        return "\n".join((*lines, *labels, "</svg>", ""))

    def _point(self, name: str, layer: int) -> tuple[float, float]:
        return self._x[name], _MARGIN + layer * (_HEIGHT + _GAP_Y) + _HEIGHT / 2

    def _ends(self, chain: Sequence[str]) -> list[tuple[float, float]]:
        """The points of an arrow: out of the lower edge of the upper state, into the upper edge of the lower one."""
        first = self._layer[chain[0]]
        points = [self._point(name, first + place) for place, name in enumerate(chain)]
        top, bottom = points[0], points[-1]
        points[0] = (top[0] + self._spread(chain, 0), top[1] + (_HEIGHT / 2 if chain[0] != START else 9))
        points[-1] = (bottom[0] + self._spread(chain, -1), bottom[1] - _HEIGHT / 2)
        return points

    def _spread(self, chain: Sequence[str], end: int) -> float:
        """Arrows at one side of a state stand apart, in the order of where they come from."""
        if chain[end] == START:
            return 0.0
        neighbour = 1 if end == 0 else -2
        beside = [(self._x[c[neighbour]], n) for n, c in enumerate(self._chains) if c[end] == chain[end]]
        mine = next(n for n, c in enumerate(self._chains) if c is chain)
        place = sorted(beside).index((self._x[chain[neighbour]], mine))
        step = min(34.0, (_WIDTH - 40) / max(len(beside), 1))
        return (place - (len(beside) - 1) / 2) * step

    def _arrow(self, edge: Edge, chain: Sequence[str]) -> str:
        is_back = edge in self._back
        points = self._ends(chain)[:: -1 if is_back else 1]
        half = -_HEIGHT / 2 if is_back else _HEIGHT / 2
        ax, ay = points[0]
        path = f"M{ax:.1f} {ay:.1f}"
        for place, (bx, by) in enumerate(points[1:], start=1):
            # A bend goes straight past the states of its layer.
            is_bend = place < len(points) - 1
            end = by - half if is_bend else by
            middle = (ay + end) / 2
            path += f"C{ax:.1f} {middle:.1f} {bx:.1f} {middle:.1f} {bx:.1f} {end:.1f}"
            path += f"V{by + half:.1f}" if is_bend else ""
            ax, ay = bx, by + half
        return f'<path class="{"b" if is_back else "e"}" d="{path}" marker-end="url(#a)"/>'

    def _label(self, edge: Edge, chain: Sequence[str]) -> str:
        """The numbers stand at the state that the arrow leaves: there one asks what can happen."""
        points = self._ends(chain)
        if edge in self._back:
            points = points[::-1]
        (ax, ay), (bx, by) = points[0], points[1]
        if len(points) > 2:
            by += _HEIGHT / 2 if edge in self._back else -_HEIGHT / 2
        part = 0.3
        x = ax + (bx - ax) * (3 * part**2 - 2 * part**3)
        return _numbers(edge.rows, x, ay + (by - ay) * part)

    def _loop(self, edge: Edge) -> tuple[str, str]:
        x, y = self._point(edge.source, self._layer[edge.source])
        right = x + _WIDTH / 2
        path = f"M{right:.1f} {y - 12:.1f}c34 -8 34 32 0 24"
        label = _numbers(edge.rows, right + 28 + _label_width(edge.rows) / 2, y)
        return f'<path class="e" d="{path}" marker-end="url(#a)"/>', label

    def _node(self, name: str) -> str:
        x, y = self._point(name, self._layer[name])
        if name == START:
            return f'<circle class="o" cx="{x:.1f}" cy="{y:.1f}" r="9"/>'
        kind = "f" if self._procedure.states[name].is_final else "s"
        chinese = self._terms.zh("state", name, self._procedure.id)
        return (
            f'<rect class="{kind}" x="{x - _WIDTH / 2:.1f}" y="{y - _HEIGHT / 2:.1f}" width="{_WIDTH}"'
            f' height="{_HEIGHT}" rx="9"/><text class="id" x="{x:.1f}" y="{y - 5:.1f}">{name}</text>'
            f'<text class="zh" x="{x:.1f}" y="{y + 15:.1f}">{escape(chinese)}</text>'
        )


def _numbers(rows: Sequence[int], x: float, y: float) -> str:
    text, width = " ".join(map(str, rows)), _label_width(rows)
    return (
        f'<rect class="l" x="{x - width / 2:.1f}" y="{y - 8:.1f}" width="{width:.1f}" height="16" rx="8"/>'
        f'<text class="row" x="{x:.1f}" y="{y + 4:.1f}">{text}</text>'
    )


def _label_width(rows: Sequence[int]) -> float:
    return 8 + 6.6 * len(" ".join(map(str, rows)))


def _back_edges(edges: Sequence[Edge]) -> set[Edge]:
    """Arrows that lead back to where one came from, found by walking from the start."""
    following: dict[str, list[Edge]] = {}
    for edge in edges:
        following.setdefault(edge.source, []).append(edge)
    back: set[Edge] = set()
    done: set[str] = set()

    def walk(state: str, path: tuple[str, ...]) -> None:
        for edge in following.get(state, ()):
            if edge.target in path:
                back.add(edge)
            elif edge.target not in done:
                walk(edge.target, (*path, edge.target))
        done.add(state)

    walk(START, (START,))
    return back


def _middle(near: Sequence[tuple[str, int]], layer: int, at: Mapping[str, int], own: int) -> float:
    places = [at[name] for name, where in near if where == layer and name in at]
    return sum(places) / len(places) if places else own


def _crossings(rows: Sequence[Sequence[str]], chains: Sequence[Sequence[str]], layers: Mapping[str, int]) -> int:
    place = {name: number for row in rows for number, name in enumerate(row)}
    between: dict[int, list[tuple[int, int]]] = {}
    for chain in chains:
        for step, (a, b) in enumerate(pairwise(chain)):
            between.setdefault(layers[chain[0]] + step, []).append((place[a], place[b]))
    return sum(
        (a[0] - b[0]) * (a[1] - b[1]) < 0 for pairs in between.values() for n, a in enumerate(pairs) for b in pairs[:n]
    )
