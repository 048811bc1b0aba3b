"""Conformance scenarios: what the hub has to answer, for every row of a procedure and for everything near it.

`scenarios_of` walks all places of a matter with real events on the made-up stage (`hub.conformance_walk`). Every row is
taken once by each office that may; from every state everything else is refused: other events, other offices, the other
side, wrong bodies, wrong positions, wrong recipients, repeats, early timers. Each kind of wrong has the codes that it
may be refused with, so a hub that refuses for another reason is found here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, Final

from contracts.errors import ExchangeError
from contracts.guard import Guard
from contracts.instant import DAY_MS, day_start_ms
from contracts.procedure_check import Known
from contracts.procedure_types import ANY_SIDE, Procedure, Transition
from hub.conformance_bodies import BodyMaker
from hub.conformance_scenario import Notebook, Outcome, Scenarios
from hub.conformance_stage import COUNTIES, ELSEWHERE, HUB, MORNING_MS, Act, Place, Sealing
from hub.conformance_walk import Reached, Walk, way

COUNTY: Final = COUNTIES[0]
_FORBIDDEN: Final = frozenset({"ACTOR_FORBIDDEN", "MANDATE_MISSING", "OFFICE_UNKNOWN"})


def scenarios_of(procedure: Procedure, known: Known) -> Scenarios:
    """Make all scenarios of a procedure; the same contracts give the same scenarios."""
    notebook = Notebook(procedure)
    walk = Walk(procedure, known, notebook)
    walk.walk()
    refusals = _Refusals(walk, notebook)
    refusals.first_events()
    for state in procedure.states:
        here = [place for place in walk.places.values() if place.config.state == state]
        if here:
            refusals.state(here)
    return notebook.scenarios()


class _Refusals:
    """What is wrong in each place.

    Args:
        walk: Finished.
        notebook: Where what is refused is written down.
    """

    def __init__(self, walk: Walk, notebook: Notebook) -> None:
        self._walk = walk
        self._notebook = notebook
        self._procedure = walk.procedure
        self._stage = walk.stage
        self._guards = walk.guards

    def first_events(self) -> None:
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

    def state(self, here: list[Reached]) -> None:
        state, place = here[0].config.state, here[0]
        for event in sorted(self._procedure.events):
            if (event, state) not in self._procedure.rows:
                self._wrong_event(event, place)
        for row in self._procedure.transitions:
            if row.source == state:
                self._wrong_row(row, list(here))
        again = Outcome(is_repeat=True)
        self._notebook.add(
            f"repeat/{state}", f"The event that led to {state} comes once more.", way(place), None, again
        )

    def _wrong_event(self, event: str, place: Reached | None) -> None:
        """An event that no row allows here."""
        row = next(row for row in self._procedure.transitions if row.event == event)
        state = "START" if place is None else place.config.state
        by = self._walk.actor(row, min(row.by.offices, default=HUB))
        now_ms = MORNING_MS if place is None else place.now_ms
        facts = _AnyFacts({} if place is None else dict(place.matter.facts))
        guards = tuple(self._guards[n] for n in row.guards if row.by.side)
        body = BodyMaker(row, guards, facts, COUNTY, now_ms, self._walk.others())
        act = Act(event, by, now_ms, body.right({}), None, (), row.purpose, row.legal_bases[0])
        purpose = f"{event} is not possible in {state}."
        self._refused(f"event/{state}/{event}", purpose, place, act, {"TRANSITION_FORBIDDEN"})

    def _wrong_row(self, row: Transition, here: list[Reached] | list[None]) -> None:
        place, right = self._walk.first_right(row, here)
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

    def _wrong_actor(self, row: Transition, where: str, place: Reached | None, right: Act) -> None:
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

    def _only_the_hub(self, row: Transition, place: Reached | None) -> None:
        by = Place(ELSEWHERE, "POLICE_STATION")
        now_ms = MORNING_MS if place is None else place.now_ms
        facts = _AnyFacts({} if place is None else dict(place.matter.facts))
        body = BodyMaker(row, (), facts, COUNTY, now_ms).right({})
        act = Act(row.event, by, now_ms, body, None, (), row.purpose, row.legal_bases[0])
        purpose = f"{row.event} is made by the hub and by no office."
        self._refused(f"hub/{row.source or 'START'}/{row.event}/row-{row.row}", purpose, place, act, _FORBIDDEN)

    def _wrong_names(self, row: Transition, where: str, place: Reached | None, right: Act) -> None:
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

    def _wrong_sealing(self, row: Transition, where: str, place: Reached | None, right: Act) -> None:
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
        here: Iterable[Reached | None],
        place: Reached | None,
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
                self._notebook.add(f"guard/{where}/{guard.name}", purpose, way(there), act, outcome)
                return

    def _near(
        self,
        row: Transition,
        guard: Guard,
        here: Iterable[Reached | None],
        place: Reached | None,
        right: Act,
    ) -> Iterator[tuple[Reached | None, Act]]:
        facts = {} if place is None else dict(place.matter.facts)
        maker = BodyMaker(row, (), facts, self._stage.county(right.by.at), right.now_ms, self._walk.others())
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

    def _answer(self, act: Act, place: Reached | None) -> Outcome | None:
        """How an act is refused; None if it is not."""
        try:
            self._stage.admit(act, None if place is None else place.matter)
        except ExchangeError as error:
            return Outcome(refused=error.code, rule=error.rule, field=error.field)
        return None

    def _refused(self, name: str, purpose: str, place: Reached | None, act: Act, codes: Iterable[str]) -> None:
        """Write down a refusal for one of the codes that this kind of wrong has; another one is no answer to it."""
        act = _sealed_to_others(act)
        outcome = self._answer(act, place)
        if outcome is not None and outcome.refused is not None and outcome.refused in codes:
            self._notebook.add(name, purpose, way(place), act, outcome)


def _sealed_to_others(act: Act) -> Act:
    """Nobody seals to himself alone."""
    sealed = [one._replace(to=tuple(place for place in one.to if place != act.by)) for one in act.sealed]
    return act._replace(sealed=tuple(one for one in sealed if one.to))


class _AnyFacts(dict[str, Any]):
    """Facts of a matter that may lack some: an event that is refused for its state needs only the form of a body."""

    def __missing__(self, fact: str) -> Any:
        return "2026-03-02"
