"""A procedure with everybody in it: the matter, what each participant knows of it, and the messages on their way.

`explore` finds every situation that can come about. The hub takes one event at a time. Whoever is notified gets one
message for it, in the order of his counter, at any later moment. A participant acts on what he knows: if somebody else
was first, the hub answers POSITION_CONFLICT and he loads the matter again. Anybody may stay silent for ever; a timer
may act at any moment while its limit runs; the person concerned may come to the counter at any moment.

Loss, repetition and delay are what a channel does to a message: a lost one leaves a gap in the counter and is asked for
again, so it arrives later; a repeated one has a counter that was seen and changes nothing (LEDGER 10). `deliver` says
this in one place, and the properties try it on every message of every situation. At most `IN_FLIGHT` messages wait for
one participant; one more pushes the oldest in.

Who knows: in a case each office knows what it was told itself, for its gateway learns nothing (DOMAIN 9.2). In every
other matter the offices of one side share their region's system, and so what one of them made or was told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Final, NamedTuple

from contracts.procedure_types import ANY_SIDE, BOUND, HOLDERS, NotifyRow, Procedure, Transition
from hub.abstract_matter import OTHER, Config, Machine, Move, is_restriction

IN_FLIGHT: Final = 3
"""Messages that may wait for one participant."""
GATEWAYS: Final = frozenset({"COUNTY_GATEWAY", "REGION_NODE"})
"""Office types that carry for others; they know what anybody on their side knows."""
_CASES: Final = "cas"

Participant = tuple[str, str]
"""Side, and office type; the type is empty where the whole side knows the same."""


class Message(NamedTuple):
    """A notification on its way.

    Attributes:
        state: State after the event that it tells of.
        is_latest: No later event has been recorded.
    """

    state: str
    is_latest: bool


class View(NamedTuple):
    """What one participant knows.

    Attributes:
        state: Where he thinks the matter stands; None if he was never told of it.
        is_current: Nothing has happened since.
        waiting: Messages on their way to him, oldest first.
    """

    state: str | None
    is_current: bool
    waiting: tuple[Message, ...]


class Situation(NamedTuple):
    """Everything at one moment: the matter as the hub has it, and what each participant knows."""

    config: Config
    views: tuple[View, ...]


class Step(NamedTuple):
    """What led from one situation to another.

    Attributes:
        kind: `acts`, `comes` (the person comes to the office), `timer`, `loads` (after a POSITION_CONFLICT), `told`.
        who: The participant; None for a timer.
        row: The row of the event, if there was one.
    """

    kind: str
    who: Participant | None
    row: Transition | None


Way = tuple[Step, Situation]
_NOTHING: Final = View(None, False, ())


class Exploration(NamedTuple):
    """What was found.

    Attributes:
        participants: In the order of `Situation.views`.
        ways: For each situation, the steps out of it.
        first: For each situation, the step and the situation that led to it first; None at the start.
    """

    participants: tuple[Participant, ...]
    ways: Mapping[Situation, tuple[Way, ...]]
    first: Mapping[Situation, tuple[Situation | None, Step]]

    def trace(self, situation: Situation) -> tuple[Way, ...]:
        """A shortest way from the start of a matter to a situation."""
        steps: list[Way] = []
        place: Situation | None = situation
        while place is not None:
            before, step = self.first[place]
            steps.append((step, place))
            place = before
        return tuple(reversed(steps))


def deliver(view: View, *, is_repeat: bool = False) -> View:
    """The next message reaches a participant; a repeated one is known by its counter."""
    if is_repeat or not view.waiting:
        return view
    message, *rest = view.waiting
    return View(message.state, message.is_latest, tuple(rest))


def participants(procedure: Procedure) -> tuple[Participant, ...]:
    """Everybody whose knowledge decides what can happen."""
    found: dict[Participant, None] = {}
    for row in procedure.transitions:
        if row.by.side not in (None, ANY_SIDE):
            found.update(dict.fromkeys(_actors(procedure, row)))
    return tuple(found)


def explore(machine: Machine) -> Exploration:
    """Find every situation that can come about."""
    return _Explorer(machine).run()


def _actors(procedure: Procedure, row: Transition) -> list[Participant]:
    """Who may make a row's event."""
    side = row.by.side or ""
    if procedure.event_class != _CASES:
        return [(side, "")]
    return [(side, office) for office in sorted(row.by.offices - GATEWAYS)]


class _Explorer:
    """The walk, with what does not change during it."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._procedure = machine.procedure
        self._all = participants(self._procedure)
        self._place = {who: number for number, who in enumerate(self._all)}
        self._acting: dict[int, tuple[int, ...]] = {}
        self._own: dict[tuple[int, str], bool] = {}
        for row in self._procedure.transitions:
            if is_restriction(self._procedure, row):
                continue
            places = self._places(row)
            self._acting[id(row)] = places
            for place in places:
                if row.source is not None:
                    self._own[place, row.source] = True

    def _places(self, row: Transition) -> tuple[int, ...]:
        if row.by.side is None:
            return ()
        if row.by.side == ANY_SIDE:
            wanted = range(len(self._all))
            return tuple(n for n in wanted if self._all[n][1] in ("", *row.by.offices))
        side = [n for n, (name, _) in enumerate(self._all) if name == row.by.side]
        named = tuple(self._place[who] for who in _actors(self._procedure, row))
        return named or tuple(side)

    def run(self) -> Exploration:
        ways: dict[Situation, tuple[Way, ...]] = {}
        first: dict[Situation, tuple[Situation | None, Step]] = {}
        waiting: deque[Situation] = deque()
        for step, situation in self._starts():
            if situation not in first:
                first[situation] = (None, step)
                waiting.append(situation)
        while waiting:
            situation = waiting.popleft()
            ways[situation] = tuple(self._ways(situation))
            for step, after in ways[situation]:
                if after not in first:
                    first[after] = (situation, step)
                    waiting.append(after)
        return Exploration(self._all, ways, first)

    def _starts(self) -> Iterator[Way]:
        nobody = tuple(_NOTHING for _ in self._all)
        for move in self._machine.starts:
            for place in self._acting[id(move.row)] or (None,):
                yield from self._recorded(move, place, nobody, "acts")

    def _ways(self, situation: Situation) -> Iterator[Way]:
        config, views = situation
        for place, view in enumerate(views):
            if view.waiting:
                yield Step("told", self._all[place], None), Situation(config, _with(views, place, deliver(view)))
            if not view.is_current and view.state is not None and (place, view.state) in self._own:
                loaded = View(config.state, True, ())
                yield Step("loads", self._all[place], None), Situation(config, _with(views, place, loaded))
        for move in self._machine.moves[config]:
            if move.row.by.side is None:
                yield from self._recorded(move, None, views, "timer")
                continue
            for place in self._acting[id(move.row)]:
                if views[place].is_current:
                    yield from self._recorded(move, place, views, "acts")
                elif move.row.by.on_behalf:
                    yield from self._recorded(move, place, views, "comes")

    def _recorded(self, move: Move, actor: int | None, views: tuple[View, ...], kind: str) -> Iterator[Way]:
        """An event is recorded: its maker knows, and whoever is notified has a message on its way."""
        step = Step(kind, None if actor is None else self._all[actor], move.row)
        for told in self._told(move.row, actor, views):
            after = [
                View(move.target.state, True, ())
                if place == actor
                else _later(view, move.target.state if place in told else None)
                for place, view in enumerate(views)
            ]
            yield step, Situation(move.target, tuple(after))

    def _told(self, row: Transition, actor: int | None, views: tuple[View, ...]) -> Iterator[frozenset[int]]:
        """Who is told of an event, for each body that makes a difference."""
        fields: dict[str, set[object]] = {}
        for notify in row.notify:
            if notify.when is not None:
                fields.setdefault(notify.when.field, {OTHER}).update(notify.when.values)
        if row.when is not None and row.when.field in fields:
            fields[row.when.field] = set(row.when.values)
        seen: set[frozenset[int]] = set()
        for chosen in product(*(sorted(values, key=str) for values in fields.values())):
            body = dict(zip(fields, chosen, strict=True))
            told: set[int] = set()
            for notify in row.notify:
                if notify.when is None or body[notify.when.field] in notify.when.values:
                    told.update(self._recipients(notify, views))
            told.discard(-1 if actor is None else actor)
            if frozenset(told) not in seen:
                seen.add(frozenset(told))
                yield frozenset(told)

    def _recipients(self, notify: NotifyRow, views: tuple[View, ...]) -> Iterator[int]:
        if notify.of is not None:
            yield from (place for place, (side, _) in enumerate(self._all) if side == HOLDERS)
            return
        if notify.side == HOLDERS:
            yield from (place for place, view in enumerate(views) if view.state is not None or view.waiting)
            return
        if notify.office == BOUND and self._procedure.event_class == _CASES:
            # Which of them started is not kept: whoever of them acted or was told may be the one.
            starters = {(notify.side, office) for office in self._procedure.starters(notify.side)}
            yield from (n for n, who in enumerate(self._all) if who in starters and views[n] != _NOTHING)
            return
        office = notify.office if self._procedure.event_class == _CASES else ""
        place = self._place.get((notify.side, office))
        if place is not None:
            yield place


def _later(view: View, told: str | None) -> View:
    """What a participant knows after somebody else's event, with or without a message about it."""
    waiting = view.waiting
    if waiting and waiting[-1].is_latest:
        waiting = (*waiting[:-1], Message(waiting[-1].state, False))
    if told is not None:
        waiting = (*waiting, Message(told, True))
    state = view.state
    if len(waiting) > IN_FLIGHT:
        state, waiting = waiting[0].state, waiting[1:]
    if state == view.state and not view.is_current and waiting == view.waiting:
        return view
    return View(state, False, waiting)


def _with(views: tuple[View, ...], place: int, view: View) -> tuple[View, ...]:
    return (*views[:place], view, *views[place + 1 :])
