"""How matters go: each story is a line of steps, as data. The player that follows them knows no procedure by name.

A step says which office of which side makes which event, how many days after the one before, and with which body and
contents. Values that begin with `@` are filled in by `adapters.demo.script`. A story that ends early leaves its matter
open, and its duties may run out: that is how duties come to be missed here. A step of `TIMER` is made by the hub when
everything else has been played; what follows it happens when the region is told. A step that reads (`READING`) is the
hub's, too: made when the office opens what an earlier step of the story named.

Weights say how often a story is played among its kind; they are chosen for coverage and are no statistic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from contracts.rights import Offence

Days = tuple[float, float]
"""From and to, drawn evenly."""
TIMER: Final = "TIMER"
"""The side of a step that time makes."""
_SHORT_MONTHS: Final = 24
_LONG_MONTHS: Final = 72
READING: Final = "AccessRecorded"
"""The event of a step in which an office opens a payload without an open task."""


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a story.

    Attributes:
        event: Its type.
        side: Whose step it is; `TIMER` if time makes it.
        office: Type of the office that makes it.
        after: Days since the step before; for the first one, since the matter's start.
        body: Fields of the body.
        payloads: Profiles that it seals, in this order; one that stands twice travels as two payloads.
        names: Side whose office the header names as counterpart, None if it names nobody.
        says: Fields of its contents that are other than `adapters.demo.contents` has them.
        is_automatic: The office's gateway makes it by itself, once it has carried out an order; no staff does.
    """

    event: str
    side: str
    office: str
    after: Days = (0.0, 0.2)
    body: Mapping[str, Any] = field(default_factory=dict)
    payloads: Sequence[str] = ()
    names: tuple[str, str] | None = None
    says: Mapping[str, Any] = field(default_factory=dict)
    is_automatic: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Story:
    """One way for a matter to go.

    Attributes:
        name: Unique within its procedure.
        procedure: Its procedure.
        weight: How often, among the stories of its kind.
        began: How many days ago it began.
        steps: Its events.
        here: The side that stands where people of a flow live now.
        there: The side that stands where they are registered.
        is_both_ways: People go home as well as away: the sides may be exchanged.
        person: Whom it is about: `ADULT`, `YOUTH` (15 to 17), `CHILD` (6 to 13) or `FOREIGNER`.
        is_sealed: What travels says that the record is sealed.
        about: How the matter goes that it is about, which is played first and began so many days ago; None if it is
            about none. That one may itself be about another one: then both are about that.
        recent: How many days ago it began itself, where that is not right after the matter that it is about.
        reads: The profile that it opens of the matter that it is about; empty for most.
    """

    name: str
    procedure: str
    weight: float
    began: Days
    steps: tuple[Step, ...]
    here: str = "DESTINATION"
    there: str = "ORIGIN"
    is_both_ways: bool = False
    person: str = "ADULT"
    is_sealed: bool = False
    about: Story | None = None
    recent: Days | None = None
    reads: str = ""

    @property
    def matters(self) -> int:
        """Matters that it makes: itself, and those that it is about."""
        return 1 if self.about is None else 1 + self.about.matters

    @property
    def is_about_minor(self) -> bool:
        """What travels says that it is about a minor."""
        return self.person in ("YOUTH", "CHILD")

    @property
    def offence(self) -> Offence:
        """What the sending office states: a minor's record that is not sealed has a sentence above five years."""
        return Offence(self.is_sealed or self.is_about_minor, _SHORT_MONTHS if self.is_sealed else _LONG_MONTHS)


def reading(side: str, office: str, after: Days) -> Step:
    """A step in which an office opens what the story names."""
    return Step(READING, side, office, after)


def timer(event: str) -> Step:
    """A step that time makes."""
    return Step(event, TIMER, "")
