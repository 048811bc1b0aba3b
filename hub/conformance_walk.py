"""The walk of a conformance run: every row of a procedure taken from every place of a matter, with real events.

Places are those of `hub.abstract_matter`; the first way to one is its beginning. What is refused there:
`hub.conformance`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import NamedTuple

from contracts.deadline import due_at
from contracts.errors import ExchangeError
from contracts.guard import Guard, load_guards
from contracts.ids import OfficeId
from contracts.instant import DAY_MS
from contracts.procedure_check import Known
from contracts.procedure_types import ANY_SIDE, HOLDERS, Procedure, Transition, Value
from hub.abstract_matter import OTHER, Config, Machine, Move, is_restriction
from hub.admission import Admitted
from hub.conformance_bodies import BodyMaker
from hub.conformance_scenario import Beginning, Notebook, Outcome, Told
from hub.conformance_stage import HUB, MORNING_MS, Act, Place, Sealing, Stage, places_of
from hub.duty import due_in
from hub.matter import Matter


class Reached(NamedTuple):
    """A place of a matter that real events have reached."""

    config: Config
    matter: Matter
    beginning: Beginning
    now_ms: int


def way(place: Reached | None) -> Beginning | None:
    """The beginning that leads to a place; None before the first event."""
    return None if place is None else place.beginning


class Walk:
    """All places that real events reach, and the right event for each row.

    Args:
        procedure: Whose matters.
        known: The contracts around it.
        notebook: Where what is accepted is written down.

    Attributes:
        procedure: As given.
        stage: Where the events are tried.
        guards: By name.
        places: What was reached.
    """

    def __init__(self, procedure: Procedure, known: Known, notebook: Notebook) -> None:
        self.procedure = procedure
        self.stage = Stage(procedure)
        self.guards = load_guards()
        self.places: dict[Config, Reached] = {}
        self._machine = Machine(procedure, known)
        self._notebook = notebook

    def walk(self) -> None:
        """Take every row from every place, with real events; the first way to a place is its beginning."""
        if self.procedure.kind == "hub":
            return
        waiting: deque[Reached | None] = deque([None])
        while waiting:
            place = waiting.popleft()
            for move in self._machine.starts if place is None else self._machine.moves[place.config]:
                if move.row.by.side is None and move.row.after is None:
                    # The hub makes it of what somebody asks for in another call: no scenario submits it.
                    continue
                for after in self._take(move, place):
                    if after.config not in self.places:
                        self.places[after.config] = after
                        waiting.append(after)
            for row in self._restrictions(place):
                self._take_restriction(row, place)

    def _take(self, move: Move, place: Reached | None) -> Iterator[Reached]:
        for office in sorted(move.row.by.offices) or [HUB]:
            for wanted in self._wanted(move):
                act = self._right(move.row, place, office, wanted, is_named=self._names(move, place))
                admitted = None if act is None else self._try(act, place)
                if act is None or admitted is None:
                    continue
                said = ",".join(f"{name}={value}" for name, value in sorted(wanted.items()))
                name = f"accept/{move.row.source or 'START'}/{act.event}/{office}{f'/{said}' if said else ''}"
                purpose = f"{act.event} by {office} leads from {move.row.source or 'nothing'} to {move.row.target}."
                self._notebook.add(f"{name}/row-{move.row.row}", purpose, way(place), act, self._accepted(admitted))
                yield self._after(place, act, admitted, move.target)

    def _take_restriction(self, row: Transition, place: Reached | None) -> None:
        for office in sorted(row.by.offices):
            act = self._right(row, place, office, {}, is_named=False)
            admitted = None if act is None else self._try(act, place)
            if act is not None and admitted is not None:
                name = f"accept/{row.source}/{act.event}/{office}/row-{row.row}"
                purpose = f"{act.event} by {office} stops the matter in {row.source}."
                self._notebook.add(name, purpose, way(place), act, self._accepted(admitted))
                if place is not None:
                    config = place.config._replace(state=row.target, duties=_abstract(admitted.matter))
                    self._take_what_follows(self._after(place, act, admitted, config))

    def _take_what_follows(self, place: Reached) -> None:
        """What time itself still does to a matter that was stopped."""
        for row in self.procedure.timer_rows(place.config.state):
            act = self._right(row, place, HUB, {}, is_named=False)
            admitted = None if act is None else self._try(act, place)
            if act is not None and admitted is not None:
                purpose = f"{act.event} leads from {row.source} to {row.target}."
                name = f"accept/{row.source}/{act.event}/{HUB}/row-{row.row}"
                self._notebook.add(name, purpose, way(place), act, self._accepted(admitted))

    def _restrictions(self, place: Reached | None) -> list[Transition]:
        state = None if place is None else place.config.state
        return [
            row for row in self.procedure.transitions if is_restriction(self.procedure, row) and row.source == state
        ]

    def _wanted(self, move: Move) -> Iterator[dict[str, Value]]:
        """Values that a body has to have: what is remembered, and for each recipient that depends on it."""
        facts = dict(move.target.facts)
        fixed = {r.field: facts[r.fact] for r in move.row.remember if facts.get(r.fact, OTHER) != OTHER}
        fields: dict[str, list[Value]] = {}
        for notify in move.row.notify:
            if notify.when is not None and (move.row.when is None or move.row.when.field != notify.when.field):
                known = fields.setdefault(notify.when.field, [])
                known += [value for value in sorted(notify.when.values, key=str) if value not in known]
        for chosen in product(*fields.values()):
            yield {**fixed, **dict(zip(fields, chosen, strict=True))}

    def _names(self, move: Move, place: Reached | None) -> bool:
        was_named = place is not None and place.config.is_named
        kinds = {self.guards[name].kind for name in move.row.guards}
        return move.target.is_named and (not was_named or "counterpart_named" in kinds)

    def _right(
        self, row: Transition, place: Reached | None, office: str, wanted: Mapping[str, Value], *, is_named: bool
    ) -> Act | None:
        """The event that a row accepts; None where the limit for which it waits does not run."""
        by = self.actor(row, office)
        guards = tuple(self.guards[name] for name in row.guards)
        now_ms = self._when(row, guards, place)
        if now_ms is None:
            return None
        facts = {} if place is None else dict(place.matter.facts)
        if any(fact not in facts for g in guards for fact in g.facts() if g.kind != "not_remembered"):
            return None
        maker = BodyMaker(row, guards, facts, self.stage.county(by.at), now_ms, self.others())
        act = Act(
            event=row.event,
            by=by,
            now_ms=maker.now_ms,
            body=maker.right(wanted),
            names=self._other(is_named=is_named),
            sealed=(),
            purpose=row.purpose,
            legal_basis=row.legal_bases[0],
        )
        return act._replace(sealed=self._sealing(row, act, place))

    def others(self) -> tuple[OfficeId, ...]:
        """The offices that an event may name so that they act one after the other, where they stand on the stage."""
        named = {office for row in self.procedure.transitions if row.by.side == HOLDERS for office in row.by.offices}
        return tuple(self.stage.office(Place(HOLDERS, office)).office for office in sorted(named))

    def actor(self, row: Transition, office: str) -> Place:
        """Where an office that a row allows stands."""
        if row.by.side is None:
            return Place(HUB, HUB)
        return Place(self.procedure.sides[0] if row.by.side == ANY_SIDE else row.by.side, office)

    def _other(self, *, is_named: bool) -> Place | None:
        other = self.procedure.counterpart
        if other is None or not is_named:
            return None
        told = {n.office for row in self.procedure.transitions for n in row.notify if n.side == other.side}
        return Place(other.side, min(other.offices & told or other.offices))

    def _when(self, row: Transition, guards: Iterable[Guard], place: Reached | None) -> int | None:
        """Not before the event before, and not before the limits ended for which a row waits."""
        now_ms = MORNING_MS if place is None else place.now_ms
        rules = [row.after.rule] if row.after is not None else []
        rules += [guard.rule for guard in guards if guard.kind == "rule_passed"]
        for rule in rules:
            running = [d for d in place.matter.duties if d.rule == rule] if place is not None else []
            if place is None or not running:
                return None
            ends = [due_in(self.procedure, place.matter, duty).due_ms for duty in running]
            if row.after is None:
                region = self.stage.office(self.actor(row, min(row.by.offices))).region
                ends = [due_at(rule, start_ms=duty.started_ms, region=region).due_ms for duty in running]
            while now_ms < max(ends) + DAY_MS // 2:
                now_ms += DAY_MS
        return now_ms

    def _sealing(self, row: Transition, act: Act, place: Reached | None) -> tuple[Sealing, ...]:
        """What the hub says it wants sealed: asked without any, then with it."""
        if not any(notify.profile for notify in row.notify):
            return ()
        try:
            recipients = self.stage.recipients(row, act, None if place is None else place.matter)
        except ExchangeError:
            return ()
        profiles = dict.fromkeys(r.profile for r in recipients if r.profile is not None)
        return tuple(
            Sealing(profile, places_of(self.stage, [r.office for r in recipients if r.profile == profile]))
            for profile in profiles
        )

    def _try(self, act: Act, place: Reached | None) -> Admitted | None:
        try:
            return self.stage.admit(act, None if place is None else place.matter)
        except ExchangeError:
            return None

    def _accepted(self, admitted: Admitted) -> Outcome:
        matter = admitted.matter
        return Outcome(
            state=matter.state,
            duties=tuple(sorted((d.rule, d.side, d.office_type) for d in matter.duties)),
            told=tuple(Told(self.stage.place(r.office), r.profile) for r in admitted.recipients),
        )

    def _after(self, place: Reached | None, act: Act, admitted: Admitted, config: Config) -> Reached:
        acts = (*(place.beginning.acts if place is not None else ()), act)
        facts = "".join(f",{name}={value}" for name, value in config.facts if value != OTHER)
        known = "".join(f",{name}" for name, value in config.facts if value == OTHER)
        running = "".join(f"+{duty}" for duty in dict.fromkeys(map(self._named, config.duties)))
        named = "" if self.procedure.counterpart is None or config.is_named else "-unnamed"
        name = f"{config.state}{named}{running}{facts}{known}"
        beginning = self._notebook.beginning(name, acts, config.state)
        return Reached(config, admitted.matter, beginning, act.now_ms)

    def _named(self, duty: tuple[str, str, str]) -> str:
        """The rule of a limit, and whose it is where that is not always the same office's."""
        rows = self.procedure.transitions
        offices = {start.office for row in rows for start in row.starts if start.rule == duty[0]}
        return duty[0] if len(offices) == 1 else f"{duty[0]}-{duty[2]}"

    def first_right(self, row: Transition, here: Iterable[Reached | None]) -> tuple[Reached | None, Act | None]:
        """The first place where a row accepts an event, and that event; none where it never does."""
        for place in here:
            for move in self._moves(row, place):
                wanted = next(self._wanted(move))
                named = self._names(move, place)
                for office in sorted(row.by.offices) or [HUB]:
                    act = self._right(row, place, office, wanted, is_named=named)
                    if act is not None and self._try(act, place) is not None:
                        return place, act
            if is_restriction(self.procedure, row) and place is not None:
                act = self._right(row, place, min(row.by.offices), {}, is_named=False)
                if act is not None and self._try(act, place) is not None:
                    return place, act
        return None, None

    def _moves(self, row: Transition, place: Reached | None) -> list[Move]:
        moves = self._machine.starts if place is None else self._machine.moves[place.config]
        return [move for move in moves if move.row == row]


def _abstract(matter: Matter) -> tuple[tuple[str, str, str], ...]:
    """The limits that run in a matter, as places of a matter know them."""
    return tuple(sorted((duty.rule, duty.side, duty.office_type) for duty in matter.duties))
