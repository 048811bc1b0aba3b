"""A scenario of conformance, and the notebook in which those of one procedure are written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from contracts.procedure_types import Procedure
from hub.conformance_stage import Act, Place


class Told(NamedTuple):
    """One office that is told of an event, and the profile that it may open; None for the status only."""

    place: Place
    profile: str | None


class Outcome(NamedTuple):
    """What the hub has to answer.

    Attributes:
        state: After an accepted event; None if it is refused or repeated.
        duties: Limits that run then: rule, side, office type.
        told: Who is told.
        refused: The code; None if it is accepted or a repeat.
        rule: Of the refusal.
        field: Of the refusal.
        is_repeat: The same event again: the original receipt.
    """

    state: str | None = None
    duties: tuple[tuple[str, str, str], ...] = ()
    told: tuple[Told, ...] = ()
    refused: str | None = None
    rule: str | None = None
    field: str | None = None
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """One question to a hub and the right answer.

    Attributes:
        id: Stable: it says what is tried, not in which order.
        purpose: A sentence.
        given: Id of the beginning from which it goes on; None for a matter's first event.
        act: What is submitted; None submits the last event of the beginning once more.
        outcome: The answer.
    """

    id: str
    purpose: str
    given: str | None
    act: Act | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Beginning:
    """Events that bring a matter to a place.

    Attributes:
        id: Stable.
        acts: All accepted, in order.
        state: Where the matter stands then.
    """

    id: str
    acts: tuple[Act, ...]
    state: str


class Scenarios(NamedTuple):
    """All scenarios of one procedure."""

    procedure: Procedure
    beginnings: tuple[Beginning, ...]
    scenarios: tuple[Scenario, ...]


class Notebook:
    """Scenarios of one procedure while they are found; of two with one name the first stays.

    Args:
        procedure: Whose.
    """

    def __init__(self, procedure: Procedure) -> None:
        self._procedure = procedure
        self._prefix = f"{procedure.id}/{procedure.edition}"
        self._scenarios: dict[str, Scenario] = {}
        self._used: dict[str, Beginning] = {}

    def beginning(self, name: str, acts: tuple[Act, ...], state: str) -> Beginning:
        """Name the way to a place."""
        return Beginning(f"{self._prefix}/at/{name}", acts, state)

    def add(self, name: str, purpose: str, given: Beginning | None, act: Act | None, outcome: Outcome) -> None:
        """Write down what has to be answered after a beginning."""
        full = f"{self._prefix}/{name}"
        if full in self._scenarios:
            return
        if given is not None:
            self._used[given.id] = given
        self._scenarios[full] = Scenario(full, purpose, None if given is None else given.id, act, outcome)

    def scenarios(self) -> Scenarios:
        """All of them, by name."""
        beginnings = tuple(self._used[name] for name in sorted(self._used))
        return Scenarios(self._procedure, beginnings, tuple(self._scenarios[n] for n in sorted(self._scenarios)))
