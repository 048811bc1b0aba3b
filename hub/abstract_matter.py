"""A matter without its content, for exploring a procedure: `Config`, `Move`, `Machine`.

What a matter's future depends on is its state, the facts that guards read, the limits that run and whether the other
side is named. Everything else is left to choice: a guard over a body or a date may hold or not, because the office that
makes the event chooses what it says and when. So what is reached here covers every matter that can be, and a guard that
reads what earlier events left is taken at its word.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property
from itertools import product
from typing import Final, NamedTuple

from contracts.guard import Guard
from contracts.procedure_check import Known, closure
from contracts.procedure_types import ANY_SIDE, Procedure, Transition, Value, When, body_schema, is_restricted

OTHER: Final = "(another value)"
"""Any value that no guard names."""

AbstractFact = tuple[str, Value]
AbstractDuty = tuple[str, str, str]
"""Rule, side and office type."""


class Config(NamedTuple):
    """Where a matter stands, as far as its future depends on it.

    Attributes:
        state: Its state.
        facts: What guards may read, in order of names.
        duties: Limits that run, in order.
        is_named: The other side is named.
    """

    state: str
    facts: tuple[AbstractFact, ...]
    duties: tuple[AbstractDuty, ...]
    is_named: bool


class Move(NamedTuple):
    """One event that may enter.

    Attributes:
        row: The row it takes.
        target: Where the matter stands then.
    """

    row: Transition
    target: Config


class Machine:
    """All places where a matter of one procedure can stand, and what leads from one to the next.

    Args:
        procedure: Any; packaged or a draft.
        known: Guards and body schemas that it names.
    """

    def __init__(self, procedure: Procedure, known: Known) -> None:
        self.procedure = procedure
        self._known = known
        rows = [row for row in procedure.transitions if not is_restriction(procedure, row)]
        self._from: dict[str | None, tuple[Transition, ...]] = {
            source: tuple(row for row in rows if row.source == source) for source in (None, *procedure.states)
        }
        guards = [known.guards[name] for row in rows for name in row.guards]
        self._read = {fact: _named(fact, guards) for guard in guards for fact in guard.facts()}

    @cached_property
    def starts(self) -> tuple[Move, ...]:
        """The first events of a matter."""
        return tuple(self._moves(None))

    @cached_property
    def moves(self) -> Mapping[Config, tuple[Move, ...]]:
        """For each place that can be reached, the events that may enter there."""
        found: dict[Config, tuple[Move, ...]] = {}
        waiting = [move.target for move in self.starts]
        while waiting:
            config = waiting.pop()
            if config not in found:
                found[config] = tuple(self._moves(config))
                waiting.extend(move.target for move in found[config])
        return found

    def is_final(self, config: Config) -> bool:
        """Whether a matter ends here."""
        return self.procedure.states[config.state].is_final

    def ending(self, *, without_persons: bool = False) -> AbstractSet[Config]:
        """Places from which an end can be reached; on request without the ends that only the person asks for."""
        before: dict[Config, list[Config]] = {}
        for config, moves in self.moves.items():
            for move in moves:
                gives_up = without_persons and self.is_persons_end(move.row)
                if not gives_up and not stops(config, move.target):
                    before.setdefault(move.target, []).append(config)
        return closure(
            (config for config in self.moves if self.is_final(config)), lambda config: before.get(config, ())
        )

    def is_persons_end(self, row: Transition) -> bool:
        """Whether a row ends a matter because the person concerned asks for it."""
        ends = all(self.procedure.states[target].is_final for target in row.targets)
        return bool(row.by.on_behalf) and row.by.side is not None and ends

    def _moves(self, config: Config | None) -> Iterator[Move]:
        for row in self._from[None if config is None else config.state]:
            if config is None or self._may_hold(row, config):
                for is_named in self._naming(row, config):
                    for facts in self._facts(row, config):
                        for target in dict.fromkeys(row.targets):
                            yield Move(row, Config(target, facts, self._duties(row, target, config), is_named))

    def _may_hold(self, row: Transition, config: Config) -> bool:
        running = {rule for rule, _, _ in config.duties}
        if row.after is not None and row.after.rule not in running:
            return False
        facts = dict(config.facts)
        return all(self._guard_may_hold(self._known.guards[name], row, config, facts, running) for name in row.guards)

    def _guard_may_hold(
        self, guard: Guard, row: Transition, config: Config, facts: Mapping[str, Value], running: AbstractSet[str]
    ) -> bool:
        if guard.when is not None and not _is_certain(guard.when, row.when):
            return True
        match guard.kind:
            case "not_remembered":
                return guard.fact not in facts
            case "remembered":
                return guard.fact in facts and (not guard.values or facts[guard.fact] in guard.values)
            case "rule_passed" | "rule_running":
                return guard.rule in running
            case "counterpart_known":
                return config.is_named or self._can_name(row)
            case _:
                return all(fact in facts for fact in guard.facts())

    def _can_name(self, row: Transition) -> bool:
        other = self.procedure.counterpart
        return other is not None and row.names_counterpart and row.by.side == self.procedure.sides[0]

    def _naming(self, row: Transition, config: Config | None) -> Iterator[bool]:
        """Whether the other side is named after a row; nothing if the row needs it and cannot have it."""
        other = self.procedure.counterpart
        was_named = config is not None and config.is_named
        if other is None or was_named:
            yield was_named
            return
        kinds = {self._known.guards[name].kind for name in row.guards}
        needs = any(notify.side == other.side and notify.when is None for notify in row.notify)
        needs = needs or row.by.side == other.side or bool(kinds & {"counterpart_named", "counterpart_known"})
        if self._can_name(row):
            yield True
            needs = needs or other.is_required
        if not needs:
            yield False

    def _facts(self, row: Transition, config: Config | None) -> Iterator[tuple[AbstractFact, ...]]:
        """What may be known after a row: each fact that a guard reads, with each value that a guard tells apart."""
        kept = dict(config.facts) if config is not None else {}
        choices = [
            [(remember.fact, value) for value in self._values(row, remember.field, remember.fact)]
            for remember in row.remember
            if remember.fact in self._read
        ]
        for chosen in product(*choices):
            facts = {**kept, **{name: value for name, value in chosen if value is not None}}
            for name, value in chosen:
                if value is None:
                    facts.pop(name, None)
            yield tuple(sorted(facts.items()))

    def _values(self, row: Transition, field: str, fact: str) -> list[Value | None]:
        named = self._read[fact]
        schema = body_schema(row.event)
        if row.when is not None and row.when.field == field:
            values: set[Value] = set(row.when.values)
        else:
            values = set(self._known.bodies[schema][field] or (*named, OTHER))
        for guard in (self._known.guards[name] for name in row.guards):
            if guard.kind == "one_of" and guard.when is None and field in guard.fields:
                values &= guard.values
        told: list[Value | None] = sorted({value if value in named else OTHER for value in values}, key=str)
        return [*told, None] if field in self._known.optional.get(schema, ()) else told

    def _duties(self, row: Transition, target: str, config: Config | None) -> tuple[AbstractDuty, ...]:
        """What runs after a row; where others of a list have still to act, their limits run on."""
        if self.procedure.states[target].is_final:
            return ()
        met = row.meets if row.confirms is None or target == row.confirms.done else ()
        left = {duty for duty in (config.duties if config is not None else ()) if duty[0] not in met}
        return tuple(sorted(left | {(start.rule, start.side, start.office) for start in row.starts}))


def is_restriction(procedure: Procedure, row: Transition) -> bool:
    """Whether a row stops a matter for good without ending what it was about."""
    return row.by.side == ANY_SIDE and procedure.states[row.target].is_final and is_restricted(row.target)


def stops(config: Config, target: Config) -> bool:
    """Whether a step restricts a matter: that is no way out of where it stood (DOMAIN 6)."""
    return is_restricted(target.state) and not is_restricted(config.state)


def _is_certain(wanted: When, chosen: When | None) -> bool:
    """Whether the body that a row waits for makes a condition true."""
    return chosen is not None and chosen.field == wanted.field and chosen.values <= wanted.values


def _named(fact: str, guards: list[Guard]) -> frozenset[Value]:
    return frozenset(value for guard in guards if guard.fact == fact for value in guard.values)
