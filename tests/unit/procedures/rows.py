"""One row of a table of the domain text, to be taken from the state before it: `Row`, `row`, `at`, `perform`.

Each procedure's table stands in a module of its own or in `test_procedure_tables`, which takes every row of every
table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tests.unit.procedures.scene import Scene, Step

Paths = Mapping[str | None, tuple[Step, ...]]
"""How each state is reached; None is the start. Names in lower case are variants of a state, with another past."""


class Row(NamedTuple):
    """Where a row starts, what happens, where it leads, what runs afterwards, who is told under which profile.

    Attributes:
        source: A key of the procedure's paths.
        step: What happens.
        target: State after it.
        running: Rules of the limits that run after it.
        told: `SIDE:OFFICE:PROFILE`, with `-` where only the status is told.
        names: The office that the event names as the other side, if it does.
    """

    source: str | None
    step: Step
    target: str
    running: frozenset[str]
    told: frozenset[str]
    names: str | None


def row(
    source: str | None, step: Step, target: str, running: str = "", told: str = "", names: str | None = None
) -> Row:
    """A row, with what runs and who is told as words."""
    return Row(source, step, target, frozenset(running.split()), frozenset(told.split()), names)


def at(procedure: str, path: tuple[Step, ...]) -> Scene:
    """A matter that took some steps."""
    scene = Scene.of(procedure)
    for step in path:
        scene.step(step)
    return scene


def perform(scene: Scene, taken: Row) -> None:
    """Let the step of a row happen."""
    changes = {} if taken.names is None else scene.names(taken.names)
    scene.step(taken.step, **changes)
