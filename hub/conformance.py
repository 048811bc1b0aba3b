"""Conformance scenarios: what the hub has to answer, for every row of a procedure and for everything near it.

`scenarios_of` walks all places of a matter (`hub.abstract_matter`) with real events on the made-up stage
(`hub.conformance_stage`). Every row is taken once by each office that may; from every state everything else is refused:
other events, other offices, the other side, wrong bodies, wrong positions, wrong recipients, repeats, early timers.
Each kind of wrong has the codes that it may be refused with, so a hub that refuses for another reason is found here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Any, Final, NamedTuple

from contracts.deadline import due_at
from contracts.errors import ExchangeError
from contracts.guard import Guard, load_guards
from contracts.ids import OfficeId
from contracts.instant import DAY_MS, day_start_ms
from contracts.procedure_check import Known
from contracts.procedure_types import ANY_SIDE, HOLDERS, Procedure, Transition, Value
from hub.abstract_matter import OTHER, Config, Machine, Move, is_restriction
from hub.admission import Admitted
from hub.conformance_bodies import BodyMaker
from hub.conformance_stage import COUNTIES, ELSEWHERE, HUB, MORNING_MS, Act, Place, Sealing, Stage, places_of
from hub.duty import due_in
from hub.matter import Matter

COUNTY: Final = COUNTIES[0]
_FORBIDDEN: Final = frozenset({"ACTOR_FORBIDDEN", "MANDATE_MISSING", "OFFICE_UNKNOWN"})


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


class _Place(NamedTuple):
    """A place of a matter that real events have reached."""

    config: Config
    matter: Matter
    beginning: Beginning
    now_ms: int


def scenarios_of(procedure: Procedure, known: Known) -> Scenarios:
    """Make all scenarios of a procedure; the same contracts give the same scenarios."""
    return _Maker(procedure, known).make()


class _Maker:
    def __init__(self, procedure: Procedure, known: Known) -> None:
        self._procedure = procedure
        self._machine = Machine(procedure, known)
        self._stage = Stage(procedure)
        self._guards = load_guards()
        self._places: dict[Config, _Place] = {}
        self._scenarios: dict[str, Scenario] = {}
        self._used: dict[str, Beginning] = {}

    def make(self) -> Scenarios:
        self._walk()
        self._first_events()
        for state in self._procedure.states:
            here = [place for place in self._places.values() if place.config.state == state]
            if here:
                self._state(here)
        beginnings = tuple(self._used[name] for name in sorted(self._used))
        return Scenarios(self._procedure, beginnings, tuple(self._scenarios[n] for n in sorted(self._scenarios)))

    # -- what is right

    def _walk(self) -> None:
        """Take every row from every place, with real events; the first way to a place is its beginning."""
        if self._procedure.kind == "hub":
            return
        waiting: deque[_Place | None] = deque([None])
        while waiting:
            place = waiting.popleft()
            for move in self._machine.starts if place is None else self._machine.moves[place.config]:
                if move.row.by.side is None and move.row.after is None:
                    # The hub makes it of what somebody asks for in another call: no scenario submits it.
                    continue
                for after in self._take(move, place):
                    if after.config not in self._places:
                        self._places[after.config] = after
                        waiting.append(after)
            for row in self._restrictions(place):
                self._take_restriction(row, place)

    def _take(self, move: Move, place: _Place | None) -> Iterator[_Place]:
        for office in sorted(move.row.by.offices) or [HUB]:
            for wanted in self._wanted(move):
                act = self._right(move.row, place, office, wanted, is_named=self._names(move, place))
                admitted = None if act is None else self._try(act, place)
                if act is None or admitted is None:
                    continue
                said = ",".join(f"{name}={value}" for name, value in sorted(wanted.items()))
                name = f"accept/{move.row.source or 'START'}/{act.event}/{office}{f'/{said}' if said else ''}"
                purpose = f"{act.event} by {office} leads from {move.row.source or 'nothing'} to {move.row.target}."
                self._add(f"{name}/row-{move.row.row}", purpose, place, act, self._accepted(admitted))
                yield self._after(place, act, admitted, move.target)

    def _take_restriction(self, row: Transition, place: _Place | None) -> None:
        for office in sorted(row.by.offices):
            act = self._right(row, place, office, {}, is_named=False)
            admitted = None if act is None else self._try(act, place)
            if act is not None and admitted is not None:
                name = f"accept/{row.source}/{act.event}/{office}/row-{row.row}"
                purpose = f"{act.event} by {office} stops the matter in {row.source}."
                self._add(name, purpose, place, act, self._accepted(admitted))
                if place is not None:
                    config = place.config._replace(state=row.target, duties=_abstract(admitted.matter))
                    self._take_what_follows(self._after(place, act, admitted, config))

    def _take_what_follows(self, place: _Place) -> None:
        """What time itself still does to a matter that was stopped."""
        for row in self._procedure.timer_rows(place.config.state):
            act = self._right(row, place, HUB, {}, is_named=False)
            admitted = None if act is None else self._try(act, place)
            if act is not None and admitted is not None:
                purpose = f"{act.event} leads from {row.source} to {row.target}."
                name = f"accept/{row.source}/{act.event}/{HUB}/row-{row.row}"
                self._add(name, purpose, place, act, self._accepted(admitted))

    def _restrictions(self, place: _Place | None) -> list[Transition]:
        state = None if place is None else place.config.state
        return [
            row for row in self._procedure.transitions if is_restriction(self._procedure, row) and row.source == state
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

    def _names(self, move: Move, place: _Place | None) -> bool:
        was_named = place is not None and place.config.is_named
        kinds = {self._guards[name].kind for name in move.row.guards}
        return move.target.is_named and (not was_named or "counterpart_named" in kinds)

    def _right(
        self, row: Transition, place: _Place | None, office: str, wanted: Mapping[str, Value], *, is_named: bool
    ) -> Act | None:
        """The event that a row accepts; None where the limit for which it waits does not run."""
        by = self._actor(row, office)
        guards = tuple(self._guards[name] for name in row.guards)
        now_ms = self._when(row, guards, place)
        if now_ms is None:
            return None
        facts = {} if place is None else dict(place.matter.facts)
        if any(fact not in facts for g in guards for fact in g.facts() if g.kind != "not_remembered"):
            return None
        maker = BodyMaker(row, guards, facts, self._stage.county(by.at), now_ms, self._others())
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

    def _others(self) -> tuple[OfficeId, ...]:
        """The offices that an event may name so that they act one after the other, where they stand on the stage."""
        named = {office for row in self._procedure.transitions if row.by.side == HOLDERS for office in row.by.offices}
        return tuple(self._stage.office(Place(HOLDERS, office)).office for office in sorted(named))

    def _actor(self, row: Transition, office: str) -> Place:
        if row.by.side is None:
            return Place(HUB, HUB)
        return Place(self._procedure.sides[0] if row.by.side == ANY_SIDE else row.by.side, office)

    def _other(self, *, is_named: bool) -> Place | None:
        other = self._procedure.counterpart
        if other is None or not is_named:
            return None
        told = {n.office for row in self._procedure.transitions for n in row.notify if n.side == other.side}
        return Place(other.side, min(other.offices & told or other.offices))

    def _when(self, row: Transition, guards: Iterable[Guard], place: _Place | None) -> int | None:
        """Not before the event before, and not before the limits ended for which a row waits."""
        now_ms = MORNING_MS if place is None else place.now_ms
        rules = [row.after.rule] if row.after is not None else []
        rules += [guard.rule for guard in guards if guard.kind == "rule_passed"]
        for rule in rules:
            running = [d for d in place.matter.duties if d.rule == rule] if place is not None else []
            if place is None or not running:
                return None
            ends = [due_in(self._procedure, place.matter, duty).due_ms for duty in running]
            if row.after is None:
                region = self._stage.office(self._actor(row, min(row.by.offices))).region
                ends = [due_at(rule, start_ms=duty.started_ms, region=region).due_ms for duty in running]
            while now_ms < max(ends) + DAY_MS // 2:
                now_ms += DAY_MS
        return now_ms

    def _sealing(self, row: Transition, act: Act, place: _Place | None) -> tuple[Sealing, ...]:
        """What the hub says it wants sealed: asked without any, then with it."""
        if not any(notify.profile for notify in row.notify):
            return ()
        try:
            recipients = self._stage.recipients(row, act, None if place is None else place.matter)
        except ExchangeError:
            return ()
        profiles = dict.fromkeys(r.profile for r in recipients if r.profile is not None)
        return tuple(
            Sealing(profile, places_of(self._stage, [r.office for r in recipients if r.profile == profile]))
            for profile in profiles
        )

    def _try(self, act: Act, place: _Place | None) -> Admitted | None:
        try:
            return self._stage.admit(act, None if place is None else place.matter)
        except ExchangeError:
            return None

    def _accepted(self, admitted: Admitted) -> Outcome:
        matter = admitted.matter
        return Outcome(
            state=matter.state,
            duties=tuple(sorted((d.rule, d.side, d.office_type) for d in matter.duties)),
            told=tuple(Told(self._stage.place(r.office), r.profile) for r in admitted.recipients),
        )

    def _after(self, place: _Place | None, act: Act, admitted: Admitted, config: Config) -> _Place:
        acts = (*(place.beginning.acts if place is not None else ()), act)
        facts = "".join(f",{name}={value}" for name, value in config.facts if value != OTHER)
        known = "".join(f",{name}" for name, value in config.facts if value == OTHER)
        running = "".join(f"+{duty}" for duty in dict.fromkeys(map(self._named, config.duties)))
        named = "" if self._procedure.counterpart is None or config.is_named else "-unnamed"
        name = f"{self._procedure.id}/{self._procedure.edition}/at/{config.state}{named}{running}{facts}{known}"
        return _Place(config, admitted.matter, Beginning(name, acts, config.state), act.now_ms)

    def _named(self, duty: tuple[str, str, str]) -> str:
        """The rule of a limit, and whose it is where that is not always the same office's."""
        rows = self._procedure.transitions
        offices = {start.office for row in rows for start in row.starts if start.rule == duty[0]}
        return duty[0] if len(offices) == 1 else f"{duty[0]}-{duty[2]}"

    # -- what is wrong

    def _first_events(self) -> None:
        if self._procedure.kind == "hub":
            for row in self._procedure.transitions:
                if row.source is None:
                    self._only_the_hub(row, None)
            return
        for row in self._procedure.transitions:
            if row.source is None and row.by.side is not None:
                self._wrong_row(row, [None])
        for event in sorted(self._procedure.events):
            if (event, None) not in self._procedure.rows:
                self._wrong_event(event, None)

    def _state(self, here: list[_Place]) -> None:
        state, place = here[0].config.state, here[0]
        for event in sorted(self._procedure.events):
            if (event, state) not in self._procedure.rows:
                self._wrong_event(event, place)
        for row in self._procedure.transitions:
            if row.source == state:
                self._wrong_row(row, list(here))
        again = Outcome(is_repeat=True)
        self._add(f"repeat/{state}", f"The event that led to {state} comes once more.", place, None, again)

    def _wrong_event(self, event: str, place: _Place | None) -> None:
        """An event that no row allows here."""
        row = next(row for row in self._procedure.transitions if row.event == event)
        state = "START" if place is None else place.config.state
        by = self._actor(row, min(row.by.offices, default=HUB))
        now_ms = MORNING_MS if place is None else place.now_ms
        facts = _AnyFacts({} if place is None else dict(place.matter.facts))
        guards = tuple(self._guards[n] for n in row.guards if row.by.side)
        body = BodyMaker(row, guards, facts, COUNTY, now_ms, self._others())
        act = Act(event, by, now_ms, body.right({}), None, (), row.purpose, row.legal_bases[0])
        purpose = f"{event} is not possible in {state}."
        self._refused(f"event/{state}/{event}", purpose, place, act, {"TRANSITION_FORBIDDEN"})

    def _wrong_row(self, row: Transition, here: list[_Place] | list[None]) -> None:
        place, right = self._first_right(row, here)
        if right is None:
            return
        where = f"{row.source or 'START'}/{row.event}/row-{row.row}"
        if row.by.side is None:
            self._only_the_hub(row, place)
            early = right._replace(now_ms=place.now_ms if place is not None else MORNING_MS)
            purpose = f"Time makes {row.event} not before {row.after.rule if row.after else 'its limit'} has ended."
            self._refused(f"early/{where}", purpose, place, early, {"GUARD_FAILED"})
            return
        self._wrong_actor(row, where, place, right)
        for position in ("stale", "fork"):
            if place is not None or position == "fork":
                act = right._replace(position=position)
                purpose = f"{row.event} does not follow the last event of its matter ({position})."
                self._refused(f"position/{where}/{position}", purpose, place, act, {"POSITION_CONFLICT"})
        self._wrong_names(row, where, place, right)
        self._wrong_sealing(row, where, place, right)
        wrong_basis = right._replace(purpose="RIGHTS" if row.purpose != "RIGHTS" else "STATISTICS")
        purpose = f"{row.event} is made for its own purpose only."
        self._refused(f"purpose/{where}", purpose, place, wrong_basis, {"MANDATE_MISSING", "HEADER_MISMATCH"})
        for name in row.guards:
            self._wrong_guard(row, self._guards[name], where, here, place, right)

    def _first_right(self, row: Transition, here: Iterable[_Place | None]) -> tuple[_Place | None, Act | None]:
        for place in here:
            for move in self._moves(row, place):
                wanted = next(self._wanted(move))
                named = self._names(move, place)
                for office in sorted(row.by.offices) or [HUB]:
                    act = self._right(row, place, office, wanted, is_named=named)
                    if act is not None and self._try(act, place) is not None:
                        return place, act
            if is_restriction(self._procedure, row) and place is not None:
                act = self._right(row, place, min(row.by.offices), {}, is_named=False)
                if act is not None and self._try(act, place) is not None:
                    return place, act
        return None, None

    def _moves(self, row: Transition, place: _Place | None) -> list[Move]:
        moves = self._machine.starts if place is None else self._machine.moves[place.config]
        return [move for move in moves if move.row == row]

    def _wrong_actor(self, row: Transition, where: str, place: _Place | None, right: Act) -> None:
        allowed = {o for other in self._procedure.rows[row.event, row.source] for o in other.by.offices}
        others = {o for other in self._procedure.transitions for o in other.by.offices} - allowed
        for office in sorted(others or {"HOUSING_AUTHORITY"} - allowed):
            act = right._replace(by=Place(right.by.at, office))
            purpose = f"{row.event} is not made by {office}."
            self._refused(f"actor/{where}/{office}", purpose, place, act, _FORBIDDEN)
        if place is None:
            return
        sides = [side for side in self._procedure.all_sides if side != right.by.at] if row.by.side != ANY_SIDE else []
        for side in (*sides, ELSEWHERE):
            act = right._replace(by=Place(side, right.by.office))
            purpose = f"{row.event} is made by {right.by.at}, not by the same office of {side}."
            self._refused(f"side/{where}/{side}", purpose, place, act, {*_FORBIDDEN, "GUARD_FAILED"})

    def _only_the_hub(self, row: Transition, place: _Place | None) -> None:
        by = Place(ELSEWHERE, "POLICE_STATION")
        now_ms = MORNING_MS if place is None else place.now_ms
        facts = _AnyFacts({} if place is None else dict(place.matter.facts))
        body = BodyMaker(row, (), facts, COUNTY, now_ms).right({})
        act = Act(row.event, by, now_ms, body, None, (), row.purpose, row.legal_bases[0])
        purpose = f"{row.event} is made by the hub and by no office."
        self._refused(f"hub/{row.source or 'START'}/{row.event}/row-{row.row}", purpose, place, act, _FORBIDDEN)

    def _wrong_names(self, row: Transition, where: str, place: _Place | None, right: Act) -> None:
        other = self._procedure.counterpart
        if right.names is not None and place is None and other is not None and other.is_required:
            act = right._replace(names=None, sealed=right.sealed)
            purpose = f"{row.event} does not name {other.side}."
            self._refused(f"unnamed/{where}", purpose, place, act, {"COUNTERPART_MISSING", "GUARD_FAILED"})
        if right.names is None and (other is None or not row.names_counterpart):
            names = Place(ELSEWHERE, right.by.office if other is None else min(other.offices))
            act = right._replace(names=names)
            purpose = f"{row.event} names another office and may name none."
            self._refused(f"named/{where}", purpose, place, act, {"COUNTERPART_MISMATCH"})
        if other is not None and other.is_required and place is not None and row.names_counterpart:
            act = right._replace(names=Place(ELSEWHERE, min(other.offices)))
            purpose = f"{row.event} names another office than the matter is bound to."
            self._refused(f"renamed/{where}", purpose, place, act, {"COUNTERPART_MISMATCH", "GUARD_FAILED"})

    def _wrong_sealing(self, row: Transition, where: str, place: _Place | None, right: Act) -> None:
        codes = {
            "RECIPIENTS_MISMATCH",
            *(self._guards[n].code for n in row.guards if self._guards[n].kind == "payload"),
        }
        extra = Place(ELSEWHERE, "COURT")
        if not right.sealed:
            act = right._replace(sealed=(Sealing("NP-RES", (extra,)),))
            purpose = f"{row.event} carries no content."
            self._refused(f"sealed/{where}/too-much", purpose, place, act, codes)
            return
        first, *rest = right.sealed
        purpose = f"{row.event} leaves out the content {first.profile}."
        self._refused(f"sealed/{where}/missing", purpose, place, right._replace(sealed=tuple(rest)), codes)
        wider = Sealing(first.profile, (*first.to, extra))
        purpose = f"{row.event} is sealed to an office too many."
        self._refused(f"sealed/{where}/wider", purpose, place, right._replace(sealed=(wider, *rest)), codes)

    def _wrong_guard(
        self,
        row: Transition,
        guard: Guard,
        where: str,
        here: Iterable[_Place | None],
        place: _Place | None,
        right: Act,
    ) -> None:
        """The first event near the right one that this very guard refuses."""
        if guard.reads_content():
            # No hub can read it: only the gateway that seals refuses.
            return
        for there, act in self._near(row, guard, here, place, right):
            outcome = self._answer(act, there)
            if outcome is not None and outcome.rule == guard.name:
                purpose = f"{row.event} is refused by the guard {guard.name}."
                self._add(f"guard/{where}/{guard.name}", purpose, there, act, outcome)
                return

    def _near(
        self,
        row: Transition,
        guard: Guard,
        here: Iterable[_Place | None],
        place: _Place | None,
        right: Act,
    ) -> Iterator[tuple[_Place | None, Act]]:
        facts = {} if place is None else dict(place.matter.facts)
        maker = BodyMaker(row, (), facts, self._stage.county(right.by.at), right.now_ms, self._others())
        for body in maker.wrong(guard, right.body):
            yield place, right._replace(body=body)
        if place is not None:
            yield place, right._replace(now_ms=place.now_ms)
            yield place, right._replace(now_ms=right.now_ms + 60 * DAY_MS)
        if guard.since == "occurred" and guard.until.startswith("fact."):
            last = date.fromisoformat(str(facts[guard.until.removeprefix("fact.")]))
            yield place, right._replace(now_ms=day_start_ms(last) + DAY_MS // 2)
        if guard.kind == "payload":
            yield place, right._replace(sealed=())
        yield place, right._replace(names=None)
        if self._procedure.counterpart is not None:
            names = Place(right.by.at, min(self._procedure.counterpart.offices))
            yield place, right._replace(names=names)
        if guard.when is not None:
            for value in sorted(guard.when.values, key=str):
                yield place, right._replace(body={**right.body, guard.when.field: value}, names=None)
                for body in maker.wrong(guard, {**right.body, guard.when.field: value}):
                    yield place, right._replace(body=body)
        for there in here:
            if there is not None and there is not place:
                yield there, right._replace(now_ms=max(right.now_ms, there.now_ms))

    # -- writing down

    def _answer(self, act: Act, place: _Place | None) -> Outcome | None:
        """How an act is refused; None if it is not."""
        try:
            self._stage.admit(act, None if place is None else place.matter)
        except ExchangeError as error:
            return Outcome(refused=error.code, rule=error.rule, field=error.field)
        return None

    def _refused(self, name: str, purpose: str, place: _Place | None, act: Act, codes: Iterable[str]) -> None:
        """Write down a refusal for one of the codes that this kind of wrong has; another one is no answer to it."""
        act = _sealed_to_others(act)
        outcome = self._answer(act, place)
        if outcome is not None and outcome.refused is not None and outcome.refused in codes:
            self._add(name, purpose, place, act, outcome)

    def _add(self, name: str, purpose: str, place: _Place | None, act: Act | None, outcome: Outcome) -> None:
        full = f"{self._procedure.id}/{self._procedure.edition}/{name}"
        if full in self._scenarios:
            return
        given = None if place is None else place.beginning
        if given is not None:
            self._used[given.id] = given
        self._scenarios[full] = Scenario(full, purpose, None if given is None else given.id, act, outcome)


def _abstract(matter: Matter) -> tuple[tuple[str, str, str], ...]:
    """The limits that run in a matter, as places of a matter know them."""
    return tuple(sorted((duty.rule, duty.side, duty.office_type) for duty in matter.duties))


def _sealed_to_others(act: Act) -> Act:
    """Nobody seals to himself alone."""
    sealed = [one._replace(to=tuple(place for place in one.to if place != act.by)) for one in act.sealed]
    return act._replace(sealed=tuple(one for one in sealed if one.to))


class _AnyFacts(dict[str, Any]):
    """Facts of a matter that may lack some: an event that is refused for its state needs only the form of a body."""

    def __missing__(self, fact: str) -> Any:
        return "2026-03-02"
