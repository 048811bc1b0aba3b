"""The whole check of a procedure: what no single row shows. `check_procedure`, `Known`, `load_known`.

Every state can be reached, from every state that is not final some final state can be reached, nothing leaves a final
one, no final state leaves a record marked as moving, no two rows compete for an event, and every
id that the file names exists: offices, rules, profiles, guards, body schemas and their fields, purposes with their
legal bases.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, Final, NoReturn, TypeVar

from contracts.deadline import Limits, founding_limits, parse_limits
from contracts.errors import ContractError
from contracts.guard import Guard, load_guards, parse_guards
from contracts.office_type import OfficeType
from contracts.procedure_types import (
    ANY_SIDE,
    AT_ONCE,
    BOUND,
    EFFECTS,
    HOLDERS,
    NO_RULES,
    Actor,
    Procedure,
    Retention,
    Transition,
    body_schema,
    is_restricted,
)
from contracts.schema import SchemaRegistry, load_registry, load_schemas
from contracts.timer import Timer

_EVENT_CLASSES: Final = frozenset({"std", "cas", "rgt", "dir", "acc", "stt"})
_DATA_CLASSES: Final = frozenset({"P0", "P1", "P2", "P3_PLUS"})
_RESTRICTION: Final = "MatterRestricted"
_LISTS: Final = frozenset({"holders_of", "other_offices"})
"""Kinds of guards that see every office of a list."""
_SOME_DAY: Final = "2026-03-02"


@dataclass(frozen=True, slots=True)
class Known:
    """Ids that a procedure may refer to.

    Attributes:
        office_types: Of DOMAIN 2.3.
        rules: Of `deadlines.csv`.
        limits: The time limits of the edition.
        profiles: Of `contracts/avro/profiles`.
        guards: Of `guards.toml`, by name.
        bodies: For each body schema its fields and what they may be: enum symbols, or None for other types.
        registry: The schemas, to try what a timer's event will say.
        purposes: Pairs of legal basis and purpose, of `legal_bases.csv`.
        optional: For each body schema the fields that may be null.
    """

    office_types: frozenset[str]
    rules: frozenset[str]
    limits: Limits
    profiles: frozenset[str]
    guards: Mapping[str, Guard]
    bodies: Mapping[str, Mapping[str, frozenset[str] | None]]
    registry: SchemaRegistry
    purposes: frozenset[tuple[str, str]]
    optional: Mapping[str, frozenset[str]]


@cache
def load_known() -> Known:
    """Collect the ids of the packaged data."""
    root = files("contracts")
    bases = root.joinpath("rules/legal_bases.csv").read_text(encoding="utf-8")
    names = (entry.name for entry in root.joinpath("avro/profiles").iterdir() if entry.name.endswith(".avsc"))
    schemas = load_schemas()
    bodies = [schema for path, schema in schemas.items() if path.startswith("body/")]
    return Known(
        office_types=frozenset(OfficeType),
        rules=frozenset(founding_limits().rules),
        limits=founding_limits(),
        profiles=frozenset(name.removesuffix(".avsc").upper().replace("_", "-") for name in names),
        guards=load_guards(),
        bodies={f"{body['namespace']}.{body['name']}": _body_fields(body) for body in bodies},
        registry=load_registry(),
        purposes=frozenset((row["legal_basis"], row["purpose"]) for row in csv.DictReader(bases.splitlines())),
        optional={f"{body['namespace']}.{body['name']}": _optional(body) for body in bodies},
    )


def known_of(texts: Mapping[str, str], registry: SchemaRegistry) -> Known:
    """Collect the ids of an edition's files.

    Args:
        texts: Text of each file by its path, for example `rules/guards.toml`.
        registry: Its schemas.

    Raises:
        ContractError: What a file is refused with.
    """
    limits = parse_limits(texts.__getitem__)
    bodies = [json.loads(text) for path, text in texts.items() if path.startswith("avro/body/")]
    names = [path.rpartition("/")[2] for path in texts if path.startswith("avro/profiles/")]
    bases = csv.DictReader(texts["rules/legal_bases.csv"].splitlines())
    return Known(
        office_types=frozenset(OfficeType),
        rules=frozenset(limits.rules),
        limits=limits,
        profiles=frozenset(name.removesuffix(".avsc").upper().replace("_", "-") for name in names),
        guards=parse_guards(texts["rules/guards.toml"]),
        bodies={f"{body['namespace']}.{body['name']}": _body_fields(body) for body in bodies},
        registry=registry,
        purposes=frozenset((row["legal_basis"], row["purpose"]) for row in bases),
        optional={f"{body['namespace']}.{body['name']}": _optional(body) for body in bodies},
    )


def with_bodies(known: Known, schemas: Mapping[str, Mapping[str, Any]]) -> Known:
    """Add the body schemas of a draft to what is known.

    Args:
        known: The packaged data.
        schemas: JSON of each body schema, by the name of its file.

    Raises:
        ContractError: SCHEMA_UNSAFE: one is unsafe, has a forbidden field, or stands twice.
    """
    added = {f"body/{name}": dict(schema) for name, schema in schemas.items()}
    registry = SchemaRegistry.of({**load_schemas(), **added})
    names = {f"{schema['namespace']}.{schema['name']}": schema for schema in added.values()}
    return replace(
        known,
        registry=registry,
        bodies={**known.bodies, **{name: _body_fields(schema) for name, schema in names.items()}},
        optional={**known.optional, **{name: _optional(schema) for name, schema in names.items()}},
    )


def _optional(schema: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(
        field["name"] for field in schema["fields"] if isinstance(field["type"], list) and "null" in field["type"]
    )


def _body_fields(schema: Mapping[str, Any]) -> Mapping[str, frozenset[str] | None]:
    return {
        field["name"]: frozenset(field["type"]["symbols"])
        if isinstance(field["type"], dict) and field["type"]["type"] == "enum"
        else None
        for field in schema["fields"]
    }


def check_procedure(procedure: Procedure, text: str, known: Known) -> None:
    """Check a procedure as a whole.

    Args:
        procedure: As read.
        text: Its file, to find lines.
        known: Ids that it may refer to.

    Raises:
        ContractError: PROCEDURE_INVALID, with file, line, row and reason of the first fault.
    """
    check = _Check(procedure, text, known)
    check.head()
    check.sides()
    for row in procedure.transitions:
        check.ids(row)
        check.fields(row)
        check.actor(row)
        check.lists(row)
    for row in procedure.transitions:
        check.timer(row)
    check.competition()
    check.rules()
    check.facts()
    check.ways()
    check.restriction()


class _Check:
    """The checks of one procedure, each of which raises at its first fault."""

    def __init__(self, procedure: Procedure, text: str, known: Known) -> None:
        self._procedure = procedure
        self._known = known
        lines = text.splitlines()
        self._rows = [number for number, line in enumerate(lines, start=1) if line.strip() == "[[transition]]"]
        self._states = [number for number, line in enumerate(lines, start=1) if line.strip() == "[[state]]"]

    def _fail(self, reason: str, row: Transition | None = None, state: str | None = None) -> NoReturn:
        place = "procedure"
        if row is not None:
            place = f"line {self._rows[row.row - 1]}: transition {row.row} ({row.event})"
        elif state is not None:
            number = list(self._procedure.states).index(state)
            place = f"line {self._states[number]}: state {state}"
        raise ContractError("PROCEDURE_INVALID", f"{self._procedure.file}: {place}: {reason}")

    def _ids_known(self, what: str, names: Iterable[str], known: Iterable[str], row: Transition | None = None) -> None:
        unknown = sorted(set(names) - set(known))
        if unknown:
            self._fail(f"unknown {what} {', '.join(unknown)}", row)

    def head(self) -> None:
        """Classes, sides, retention and outside rules."""
        procedure = self._procedure
        self._ids_known("class", [procedure.event_class], _EVENT_CLASSES)
        self._ids_known("data class", [procedure.data_class], _DATA_CLASSES)
        self._ids_known("state", procedure.retention.since, procedure.states)
        self._ids_known("rule", procedure.outside_rules, self._known.rules)
        self._ids_known("office type", procedure.counterpart.offices if procedure.counterpart else (), self._offices())
        self._retention()
        if not procedure.sides:
            self._fail("no side acts")

    def sides(self) -> None:
        """Who answers and where the person is registered are sides; a record moves only when marked, and none stays so.

        That it is one side at every moment is a property of the whole (`hub.procedure_properties`).
        """
        procedure = self._procedure
        for state in procedure.states.values():
            for side in (state.responsible, state.registered):
                if side is not None and side not in procedure.all_sides:
                    self._fail(f"unknown side {side}", state=state.name)
            if state.is_moving and (state.is_final or state.registered is None):
                self._fail("ends with a record that is marked as moving, or says not whose it is", state=state.name)
        for row in procedure.transitions:
            before, after = procedure.states.get(row.source or ""), procedure.states.get(row.target)
            sides = {state.registered for state in (before, after) if state is not None and state.registered}
            if before is not None and len(sides) > 1 and not before.is_moving:
                self._fail("takes a registration over whose record was not marked as moving", row)

    def _retention(self) -> None:
        """How long acts are kept has a floor (R-PI-4); what is public and kept for ever counts no days."""
        kept, floor = self._procedure.retention, self._known.limits.rule("R-PI-4").amount
        if self._procedure.data_class == "P0" and kept == Retention(0, 0, ()):
            return
        if kept.skeleton_years < floor:
            self._fail(f"retention: skeleton_years {kept.skeleton_years} is below the floor of {floor} (R-PI-4)")
        if kept.key_days < 0 or not kept.since:
            self._fail("retention: key_days is below zero or no state starts the count")

    def _offices(self) -> frozenset[str]:
        return self._known.office_types

    def ids(self, row: Transition) -> None:
        """Every name of a row exists."""
        procedure, known = self._procedure, self._known
        self._ids_known("state", row.targets, procedure.states, row)
        self._ids_known("state", [row.source] if row.source else [], procedure.states, row)
        self._ids_known("guard", row.guards, known.guards, row)
        self._ids_known("schema", [body_schema(row.event)], known.bodies, row)
        profiles = {notify.profile for notify in row.notify if notify.profile}
        profiles |= {known.guards[name].profile for name in row.guards} - {""}
        self._ids_known("profile", profiles, known.profiles, row)
        offices = (
            row.by.offices
            | {n.office for n in row.notify if n.office not in ("", BOUND)}
            | {s.office for s in row.starts if s.side != HOLDERS}
        )
        self._ids_known("office type", offices, self._offices(), row)
        sides = [n.side for n in row.notify if n.side != HOLDERS] + [s.side for s in row.starts if s.side != HOLDERS]
        self._ids_known("side", sides, procedure.all_sides, row)
        rules = {*row.meets, *(s.rule for s in row.starts), *(known.guards[name].rule for name in row.guards)} - {""}
        self._ids_known("rule", rules | ({row.after.rule} if row.after else set()), known.rules | NO_RULES, row)
        for basis in row.legal_bases:
            if (basis, row.purpose) not in known.purposes:
                self._fail(f"legal basis {basis} is not for purpose {row.purpose}", row)

    def fields(self, row: Transition) -> None:
        """Every body field that a row reads is in the schema, and every value it waits for can occur."""
        body = self._known.bodies[body_schema(row.event)]
        guards = [self._known.guards[name] for name in row.guards]
        read = {remember.field for remember in row.remember}
        read |= {name for start in row.starts for name in (start.since, start.plus_days) if name}
        read |= {name for guard in guards for name in guard.body_fields()}
        guarded = (guard.when for guard in guards if not guard.reads_content())
        whens = [when for when in (row.when, *(n.when for n in row.notify), *guarded) if when]
        self._ids_known("body field", read | {when.field for when in whens}, body, row)
        self._limits_are_checked(row, guards)
        for when in whens:
            symbols = body[when.field]
            if symbols is not None:
                self._ids_known(f"value of {when.field}", map(str, when.values), symbols, row)

    def _limits_are_checked(self, row: Transition, guards: Iterable[Guard]) -> None:
        """What a limit is counted from is a date, and what is added to it a bounded number: a guard has seen both."""
        dates = self._dates(row)
        bounded = {name for guard in guards if guard.kind == "range" for name in guard.fields}
        for start in row.starts:
            if start.since is not None and f"body.{start.since}" not in dates:
                self._fail(f"no guard checks the date {start.since}", row)
            if start.plus_days is not None and start.plus_days not in bounded:
                self._fail(f"no guard bounds {start.plus_days}", row)

    def actor(self, row: Transition) -> None:
        """The first side starts a matter; only time and the hub have no side; only a timer waits for a rule."""
        sides = (*self._procedure.sides, ANY_SIDE, *((HOLDERS,) if row.confirms is not None else ()))
        if row.by.side is not None:
            self._ids_known("side", [row.by.side], sides, row)
        if row.source is None and row.by.side not in (None, self._procedure.sides[0]):
            self._fail(f"side {row.by.side} may not start a matter", row)
        if row.by.side is not None and not row.by.offices:
            self._fail("no office type may act", row)
        if (row.after is not None) != (row.by.on_behalf == ("TIMER",)):
            self._fail("a timer's row, and only that, says after which rule", row)

    def lists(self, row: Transition) -> None:
        """Offices that a fact lists: a guard has seen each of them; who is on it confirms."""
        if (row.confirms is not None) != (row.by.side == HOLDERS):
            self._fail("who confirms is one of HOLDERS, and nobody else is", row)
        rows = self._procedure.transitions
        checked = {
            remember.fact
            for other in rows
            for remember in other.remember
            if any(self._known.guards[name].kind in _LISTS for name in other.guards)
        }
        listed = [start.of for start in row.starts] + [notify.of for notify in row.notify]
        listed += [row.confirms.of] if row.confirms is not None else []
        self._ids_known("list of offices", (name for name in listed if name is not None), checked, row)
        if any(start.side == HOLDERS and start.of is None for start in row.starts):
            self._fail("a limit of HOLDERS says of which list", row)
        if row.effect is not None:
            self._ids_known("effect", [row.effect.does], EFFECTS, row)
            on = [] if row.effect.on is None else [row.effect.on]
            self._ids_known("body field", on, self._known.bodies[body_schema(row.event)], row)
        if any(other.event == row.event and other.effect != row.effect for other in rows):
            self._fail(f"{row.event} has one effect wherever it stands", row)

    def timer(self, row: Transition) -> None:
        """What time makes can be made: its event fits the schema, and where its limit starts its days are known."""
        if row.after is None:
            return
        if row.source is None or row.when is not None:
            self._fail("a timer starts no matter and chooses nothing", row)
        name, said = body_schema(row.event), dict.fromkeys((field for field, _ in row.after.body), _SOME_DAY)
        self._ids_known("body field", said, self._known.bodies[name], row)
        try:
            self._known.registry.encode_body(name, said)
        except ContractError as error:
            self._fail(f"its event cannot be made: {error.message}", row)
        for other in self._procedure.transitions:
            self._days_are_known(row.after, other)

    def _days_are_known(self, timer: Timer, row: Transition) -> None:
        """A row that starts a timer's limit remembers its days, and whatever remembers them has checked a date."""
        dates = self._dates(row)
        kept = {remember.fact: remember.field for remember in row.remember}
        for fact in sorted(timer.facts()):
            if fact not in kept and any(start.rule == timer.rule for start in row.starts):
                self._fail(f"starts {timer.rule} and does not remember {fact}", row)
            if fact in kept and f"body.{kept[fact]}" not in dates:
                self._fail(f"no guard checks the date {kept[fact]}", row)

    def _dates(self, row: Transition) -> set[str]:
        """Places of dates that the guards of a row check."""
        guards = (self._known.guards[name] for name in row.guards)
        return {place for guard in guards if guard.when is None for place in (guard.since, guard.until)}

    def competition(self) -> None:
        """No event in no state finds two rows, and a field that chooses covers all that it can be."""
        for (event, source), rows in self._procedure.rows.items():
            for number, row in enumerate(rows):
                rival = next((other for other in rows[:number] if _overlap(row, other)), None)
                if rival is not None:
                    self._fail(f"transition {rival.row} matches the same event from {source}", row)
            chosen = {row.when.field: row for row in rows if row.when is not None}
            for field, row in chosen.items():
                symbols = self._known.bodies[body_schema(event)][field]
                values = {str(value) for other in rows if other.when for value in other.when.values}
                if symbols is not None and len(chosen) == 1 and symbols - values:
                    self._fail(f"no row from {source} for {field} {', '.join(sorted(symbols - values))}", row)

    def rules(self) -> None:
        """A limit that is met was started here, or is named as one that starts outside; a timer's limit runs here."""
        rows = self._procedure.transitions
        started = {start.rule for row in rows for start in row.starts}
        for row in rows:
            unstarted = sorted(set(row.meets) - started - self._procedure.outside_rules)
            if unstarted:
                self._fail(f"meets {', '.join(unstarted)}, which nothing starts", row)
            if row.after is not None and row.after.rule not in started:
                self._fail(f"waits for {row.after.rule}, which nothing starts", row)
            if row.source is not None and self._is_left_at_once(row.target) and not self._starts_at_once(row):
                self._fail(f"leads to {row.target}, which time leaves at once, and starts nothing", row)

    def _is_left_at_once(self, state: str) -> bool:
        """Whether time takes a matter on from a state as soon as it is there."""
        return any(row.after is not None and row.after.rule == AT_ONCE for row in self._procedure.timer_rows(state))

    @staticmethod
    def _starts_at_once(row: Transition) -> bool:
        return any(start.rule == AT_ONCE for start in row.starts)

    def facts(self) -> None:
        """A fact that a guard or a timer reads is remembered by some row."""
        rows = self._procedure.transitions
        kept = {remember.fact for row in rows for remember in row.remember}
        for row in rows:
            needed = {fact for name in row.guards for fact in self._known.guards[name].facts()}
            needed |= row.after.facts() if row.after is not None else frozenset()
            self._ids_known("fact (no row remembers it)", needed, kept, row)

    def ways(self) -> None:
        """Every state is reached; nothing leaves a final one; from every other one an end can be reached."""
        procedure = self._procedure
        starts = [target for row in procedure.transitions if row.source is None for target in row.targets]
        if not starts:
            self._fail("no row starts a matter")
        for row in procedure.transitions:
            if row.source is not None and procedure.states[row.source].is_final:
                self._fail(f"leaves {row.source}, which is final", row)
        reached = closure(
            starts, lambda state: (t for r in procedure.transitions if r.source == state for t in r.targets)
        )
        finals = [state.name for state in procedure.states.values() if state.is_final]
        ending = closure(finals, self._before)
        for name, state in procedure.states.items():
            if name not in reached:
                self._fail("cannot be reached", state=name)
            if not state.is_final and name not in ending:
                self._fail("is a dead end and not final", state=name)

    def _before(self, state: str) -> Iterator[str]:
        """States before one; a restriction ends nothing, so it is no way out of a dead end."""
        return (
            row.source
            for row in self._procedure.transitions
            if state in row.targets and row.source is not None and row.event != _RESTRICTION
        )

    def restriction(self) -> None:
        """Every procedure that offices carry out can be restricted from every state that is not final (DOMAIN 6).

        What follows at once from the state before is not held up: it leads to an end, or is the restriction itself.
        """
        procedure = self._procedure
        if procedure.kind in ("hub", "rights"):
            # DOMAIN 6 says it of its machines. A request or an order of DOMAIN 7 holds no record, and one that could be
            # stopped would protect nobody.
            return
        for state in procedure.states.values():
            rows = procedure.rows.get((_RESTRICTION, state.name), ())
            is_exempt = state.is_final or self._is_left_at_once(state.name)
            if not is_exempt and not any(is_restricted(row.target) for row in rows):
                self._fail("cannot be restricted", state=state.name)


_Place = TypeVar("_Place")


def closure(start: Iterable[_Place], following: Callable[[_Place], Iterable[_Place]]) -> set[_Place]:
    """Everything that is reached from a start."""
    reached: set[_Place] = set()
    waiting = list(start)
    while waiting:
        state = waiting.pop()
        if state not in reached:
            reached.add(state)
            waiting.extend(following(state))
    return reached


def _overlap(row: Transition, other: Transition) -> bool:
    """Two rows of one event and state overlap unless a body field or the kind of office decides between them."""
    if row.when is not None and other.when is not None and row.when.field == other.when.field:
        return not row.when.values.isdisjoint(other.when.values)
    return _same_actor(row.by, other.by)


def _same_actor(actor: Actor, other: Actor) -> bool:
    if actor.side is None or other.side is None:
        return actor.side == other.side
    return not actor.offices.isdisjoint(other.offices)
