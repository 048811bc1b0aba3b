"""What the conductor tells a worker: one line of JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Self

from contracts.errors import FatalError


@dataclass(frozen=True, slots=True)
class Orders:
    """What a worker is told.

    Attributes:
        data: The data folder.
        seed: Of the plan.
        matters: Of the plan.
        now_ms: When the demonstration is played.
        rounds: Rounds of mistakes to make; none if the region has made them already.
    """

    data: str
    seed: int
    matters: int
    now_ms: int
    rounds: int

    @classmethod
    def of_line(cls, line: str) -> Self:
        """Read the conductor's first line.

        Raises:
            FatalError: DEMO_FAILED: it is none.
        """
        try:
            return cls(**json.loads(line)["go"])
        except (ValueError, KeyError, TypeError) as error:
            raise FatalError("DEMO_FAILED", "the worker was told nothing that it understands") from error

    def line(self) -> str:
        """Write it."""
        return json.dumps({"go": asdict(self)})
