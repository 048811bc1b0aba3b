"""What must hold in every situation that a procedure allows: `check_properties`, which gives the faults with their way.

Each property has a name; a fault has the steps that lead to it, shortest first, so that a clerk can follow them. They
are checked over `hub.abstract_matter` (the matter alone) and `hub.exploration` (with what everybody knows). What one
file shows without walking (ids, types, competing rows) is checked when it is loaded, by `contracts.procedure_check`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

from contracts.invariants import Invariants, Never
from contracts.procedure_check import Known, closure
from contracts.procedure_types import BOUND, HOLDERS, Procedure, Transition
from hub.abstract_matter import AbstractDuty, Config, Machine, Move, stops
from hub.exploration import GATEWAYS, Exploration, Participant, Situation, Step, deliver, explore

PROPERTIES: Final = (
    "every-matter-can-end",
    "no-deadlock",
    "no-unseen-wait",
    "duties-end",
    "one-is-responsible",
    "one-place-of-registration",
    "never-without",
    "told-only-listed",
    "repeats-change-nothing",
)
"""Names of all properties, in the order in which they are checked."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a procedure breaks a property.

    Attributes:
        rule: Name of the property.
        reason: What is wrong, a whole sentence.
        steps: What leads there, one sentence a step.
    """

    rule: str
    reason: str
    steps: tuple[str, ...]


class Checked(NamedTuple):
    """What a check looked at and found.

    Attributes:
        configs: Places where a matter can stand.
        situations: Those with what everybody knows.
        faults: At most one for each property and place of the file.
    """

    configs: int
    situations: int
    faults: tuple[Fault, ...]


def check_properties(procedure: Procedure, known: Known, invariants: Invariants) -> Checked:
    """Explore a procedure and check every property.

    Args:
        procedure: One that its loading has checked.
        known: What it may refer to.
        invariants: Rules above the rows.
    """
    check = _Check(procedure, known, invariants)
    return Checked(len(check.machine.moves), len(check.found.ways), tuple(check.faults()))


class _Check:
    """The properties of one procedure."""

    def __init__(self, procedure: Procedure, known: Known, invariants: Invariants) -> None:
        self.procedure = procedure
        self.machine = Machine(procedure, known)
        self.found: Exploration = explore(self.machine)
        self._invariants = invariants
        self._first = _first_moves(self.machine)

    def faults(self) -> Iterator[Fault]:
        can_end = tuple(self._can_end())
        yield from can_end
        if not can_end:
            yield from self._deadlock()
        yield from self._unseen_waits()
        yield from self._duties()
        yield from self._one_side("responsible", "one-is-responsible", "answers for the person")
        yield from self._one_side("registered", "one-place-of-registration", "registers the person")
        for rule in self._invariants.never:
            if rule.procedure == self.procedure.id:
                yield from self._never(rule)
        yield from self._told()
        yield from self._repeats()

    def _can_end(self) -> Iterator[Fault]:
        ending = self.machine.ending()
        stuck = next((config for config in self._first if config not in ending), None)
        if stuck is not None:
            reason = f"From {stuck.state} no end can be reached{_known_there(stuck)}."
            yield Fault("every-matter-can-end", reason, self._way_to(stuck))

    def _deadlock(self) -> Iterator[Fault]:
        """From every situation those who know of it can bring an end about, whether or not the person gives up."""
        by_offices = self.machine.ending(without_persons=True)
        before: dict[Situation, list[Situation]] = {}
        ends: list[Situation] = []
        for situation, ways in self.found.ways.items():
            if self.machine.is_final(situation.config):
                ends.append(situation)
            for step, after in ways:
                gives_up = step.row is not None and self.machine.is_persons_end(step.row)
                if not stops(situation.config, after.config) and not (gives_up and situation.config in by_offices):
                    before.setdefault(after, []).append(situation)
        ending = closure(ends, lambda situation: before.get(situation, ()))
        hopeless = [situation for situation in self.found.first if situation not in ending]
        if hopeless:
            # The last moment tells more than the first: nothing is on its way and nobody acts any more.
            stuck = next((situation for situation in hopeless if not self.found.ways[situation]), hopeless[0])
            turn = " or ".join(sorted({_named(who) for who, _ in self._turn(stuck.config)})) or "nobody"
            reason = f"In {stuck.config.state} the matter waits for {turn}, who was never told that it is his turn."
            yield Fault("no-deadlock", reason, self._trace(stuck))

    def _turn(self, config: Config) -> Iterator[tuple[Participant, Move]]:
        """Whose act changes something here: offices, not the person and not time."""
        for move in self.machine.moves[config]:
            if move.row.by.side is not None and not move.row.by.on_behalf and move.target != config:
                for who in self.found.participants:
                    if who[0] == move.row.by.side and who[1] in ("", *move.row.by.offices):
                        yield who, move

    def _unseen_waits(self) -> Iterator[Fault]:
        """Who has a task later and waits for another's act sees a limit run, or time itself goes on.

        The side that answers for the person holds the matter while it is its turn, and the other side loses nothing by
        waiting. What a gateway has to carry is shown by delivery itself (DOMAIN 9.5).
        """
        told: set[str] = {rule.state for rule in self._invariants.unshown if rule.procedure == self.procedure.id}
        for situation in self.found.first:
            config = situation.config
            if config.state in told or self._is_shown(config):
                continue
            turn = list(self._turn(config))
            acting = {who for who, _ in turn}
            responsible = self.procedure.states[config.state].responsible
            for who, view in zip(self.found.participants, situation.views, strict=True):
                holds = responsible in {side for side, _ in acting} and who[0] != responsible
                if acting and view.state and who not in acting and not holds and self._acts_later(who, config):
                    told.add(config.state)
                    others = " or ".join(sorted(_named(other) for other in acting))
                    reason = f"In {config.state} {_named(who)} waits for {others}, and no limit or timer shows it."
                    yield Fault("no-unseen-wait", reason, self._trace(situation))
                    break

    def _is_shown(self, config: Config) -> bool:
        moves = self.machine.moves[config]
        if self.machine.is_final(config) or any(move.row.by.offices & GATEWAYS or move.row.after for move in moves):
            return True
        sides = {who[0] for who, _ in self._turn(config)}
        return any(side in sides for _, side, _ in config.duties)

    def _acts_later(self, who: Participant, config: Config) -> bool:
        after = closure([config], lambda place: [move.target for move in self.machine.moves[place]])
        return any(who == other for place in after for other, _ in self._turn(place))

    def _duties(self) -> Iterator[Fault]:
        """A limit that starts can be met, and from wherever it runs a place is reached where it does not."""
        rules = {duty for config in self._first for duty in config.duties}
        for duty in sorted(rules):
            running = [config for config in self._first if duty in config.duties]
            met = any(duty[0] in move.row.meets for config in running for move in self.machine.moves[config])
            ended = self._leading_to(running, partial(_is_over, duty))
            stuck = next((config for config in running if config not in ended), None)
            if not met:
                reason = f"{duty[0]} of {duty[1]} {duty[2]} starts, and no event that can follow meets it."
                yield Fault("duties-end", reason, self._way_to(running[0]))
            elif stuck is not None:
                reason = f"{duty[0]} of {duty[1]} {duty[2]} runs in {stuck.state} and never ends."
                yield Fault("duties-end", reason, self._way_to(stuck))

    def _leading_to(self, places: Iterable[Config], is_wanted: Callable[[Config], bool]) -> set[Config]:
        """Places from which a wanted one is reached through no other places than these."""
        before: dict[Config, list[Config]] = {}
        for config in places:
            for move in self.machine.moves[config]:
                before.setdefault(move.target, []).append(config)
        return closure(filter(is_wanted, before), lambda place: before.get(place, ()))

    def _one_side(self, attribute: str, rule: str, does: str) -> Iterator[Fault]:
        """Always exactly one side: every state names one; who takes it over acts himself; who hands it over is told."""
        sides = {name: getattr(state, attribute, None) for name, state in self.procedure.states.items()}
        if not any(sides.values()):
            return
        for config in self._first:
            if sides[config.state] is None:
                yield Fault(rule, f"In {config.state} nobody {does}.", self._way_to(config))
                return
        for config, move in self._all_moves():
            old, new = sides[config.state], sides[move.target.state]
            if old == new:
                continue
            steps = (*self._way_to(config), _sentence(Step("acts", None, move.row), move.target.state))
            if move.row.by.side not in (new, None):
                reason = (
                    f"{move.row.event} by {move.row.by.side} makes {new} the side that {does} before {new} knows it."
                )
                yield Fault(rule, reason, steps)
                return
            if old not in {notify.side for notify in move.row.notify} | {move.row.by.side}:
                reason = (
                    f"After {move.row.event} both sides believe that they are the one that {does}: {old} is not told."
                )
                yield Fault(rule, reason, steps)
                return

    def _never(self, rule: Never) -> Iterator[Fault]:
        procedure = self.procedure
        unknown = [name for name in (rule.source, rule.target) if name not in procedure.states]
        if unknown or rule.without not in procedure.events:
            reason = f"The rule {rule.source} to {rule.target} without {rule.without} names what this procedure lacks."
            yield Fault("never-without", reason, ())
            return
        came: dict[Config, tuple[Config, Move] | None] = dict.fromkeys(c for c in self._first if c.state == rule.source)
        waiting = deque(came)
        while waiting:
            config = waiting.popleft()
            for move in self.machine.moves[config]:
                if move.row.event == rule.without or move.target in came:
                    continue
                came[move.target] = (config, move)
                waiting.append(move.target)
                if move.target.state == rule.target:
                    reason = f"{rule.target} is reached from {rule.source} without {rule.without} ({rule.basis})."
                    yield Fault("never-without", reason, self._joined(move.target, came))
                    return

    def _joined(self, config: Config, came: dict[Config, tuple[Config, Move] | None]) -> tuple[str, ...]:
        steps: list[str] = []
        while (last := came[config]) is not None:
            steps.append(_sentence(Step("acts", None, last[1].row), config.state))
            config = last[0]
        return (*self._way_to(config), *reversed(steps))

    def _told(self) -> Iterator[Fault]:
        """A profile goes to no office type but those that its list names."""
        listed = self._invariants.recipients
        notified = (n.office for row in self.procedure.transitions for n in row.notify if n.profile)
        content = frozenset(notified) - {"", BOUND}
        seen: set[int] = set()
        for config, move in (*((None, move) for move in self.machine.starts), *self._all_moves()):
            for notify in move.row.notify if move.row.row not in seen else ():
                if notify.profile is None:
                    continue
                allowed = listed.get(notify.profile, frozenset())
                offices = content if notify.side == HOLDERS else frozenset({notify.office})
                if notify.office == BOUND:
                    offices = self.procedure.starters(notify.side)
                wrong = sorted(offices - allowed) if "*" not in allowed else []
                if wrong:
                    reason = (
                        f"{move.row.event} tells {notify.profile} to {', '.join(wrong)}, which its list does not name."
                    )
                    way = self._way_to(config) if config is not None else ()
                    yield Fault(
                        "told-only-listed", reason, (*way, _sentence(Step("acts", None, move.row), move.target.state))
                    )
            seen.add(move.row.row)

    def _repeats(self) -> Iterator[Fault]:
        """A message that comes twice, and an event that is sent again from an old position, change nothing."""
        for situation, ways in self.found.ways.items():
            views = dict(zip(self.found.participants, situation.views, strict=True))
            again = any(deliver(view, is_repeat=True) != view for view in views.values())
            stale = any(step.kind == "acts" and step.who and not views[step.who].is_current for step, _ in ways)
            if again or stale:
                reason = f"In {situation.config.state} a repeat changes something."
                yield Fault("repeats-change-nothing", reason, self._trace(situation))
                return

    def _all_moves(self) -> Iterable[tuple[Config, Move]]:
        return ((config, move) for config in self._first for move in self.machine.moves[config])

    def _way_to(self, config: Config) -> tuple[str, ...]:
        steps: list[str] = []
        place: Config | None = config
        while place is not None:
            before, move = self._first[place]
            steps.append(_sentence(Step("acts", None, move.row), place.state))
            place = before
        return tuple(reversed(steps))

    def _trace(self, situation: Situation) -> tuple[str, ...]:
        return tuple(_sentence(step, after.config.state) for step, after in self.found.trace(situation))


def _is_over(duty: AbstractDuty, config: Config) -> bool:
    return duty not in config.duties


def _first_moves(machine: Machine) -> dict[Config, tuple[Config | None, Move]]:
    """For each place, the move that reaches it first."""
    found: dict[Config, tuple[Config | None, Move]] = {}
    waiting: deque[tuple[Config | None, Move]] = deque((None, move) for move in machine.starts)
    while waiting:
        before, move = waiting.popleft()
        if move.target not in found:
            found[move.target] = (before, move)
            waiting.extend((move.target, following) for following in machine.moves[move.target])
    return found


def _sentence(step: Step, state: str) -> str:
    """One step in words."""
    say: dict[str, Callable[[str, str], str]] = {
        "acts": lambda who, event: f"{who} makes {event}: {state}",
        "comes": lambda who, event: f"The person comes to {who}, which makes {event}: {state}",
        "timer": lambda _, event: f"Time makes {event}: {state}",
        "loads": lambda who, _: f"{who} acts on what it knew, gets POSITION_CONFLICT and loads the matter: {state}",
        "told": lambda who, _: f"{who} gets the oldest message on its way; the matter is in {state}",
    }
    row = step.row
    who = _named(step.who) if step.who is not None else _actor(row)
    kind = "timer" if row is not None and row.by.side is None else step.kind
    return say[kind](who, f"{row.event} (row {row.row})" if row is not None else "")


def _actor(row: Transition | None) -> str:
    return "" if row is None else f"{row.by.side} {' or '.join(sorted(row.by.offices))}"


def _named(who: Participant) -> str:
    return " ".join(who).strip()


def _known_there(config: Config) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in config.facts)
    return f" when {facts} is remembered" if facts else ""
