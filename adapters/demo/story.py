"""How matters go: each story is a line of steps, as data. The player that follows them knows no procedure by name.

A step says which office of which side makes which event, how many days after the one before, and with which body and
contents. Values that begin with `@` are filled in by `adapters.demo.script`. A story that ends early leaves its matter
open, and its duties may run out: that is how duties come to be missed here.

Weights say how often a story is played among its kind; they are chosen for coverage and are no statistic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Days = tuple[float, float]
"""From and to, drawn evenly."""


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a story.

    Attributes:
        event: Its type.
        side: Whose step it is.
        office: Type of the office that makes it.
        after: Days since the step before; for the first one, since the matter's start.
        body: Fields of the body.
        payloads: Profiles that it seals, in this order; one that stands twice travels as two payloads.
        names: Side whose office the header names as counterpart, None if it names nobody.
    """

    event: str
    side: str
    office: str
    after: Days = (0.0, 0.2)
    body: Mapping[str, Any] = field(default_factory=dict)
    payloads: Sequence[str] = ()
    names: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """One way for a matter to go.

    Attributes:
        name: Unique.
        procedure: Its procedure.
        weight: How often, among the stories of its kind.
        began: How many days ago it began.
        steps: Its events.
    """

    name: str
    procedure: str
    weight: float
    began: Days
    steps: tuple[Step, ...]
