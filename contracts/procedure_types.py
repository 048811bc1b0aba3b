"""What a procedure is made of: states, rows, who acts, who is told, which duties start and end.

Values only; `contracts.procedure` reads them from TOML and `contracts.procedure_check` checks them as a whole. Every
row of a file is unfolded into one `Transition` for each state it starts from, so that a row is found by event and
state alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from contracts.ids import RegionCode
from contracts.timer import Timer

if TYPE_CHECKING:
    from contracts.deadline import Limits
    from contracts.guard import Guard

Value = str | int | bool
"""A body value that a row may depend on."""

ANY_SIDE: Final = "ANY"
"""An actor of whichever side the matter has; used by restrictions."""
HOLDERS: Final = "HOLDERS"
"""In `NotifyRow.side`: every office that got content of this matter so far; with `of`, every office that a fact lists.
In `StartDuty.side` and `Actor.side`: each office that a fact lists, for itself."""
BOUND: Final = "BOUND"
"""In `NotifyRow.office`: the office that its side was bound to first, of whatever type it is."""
RETENTION: Final = "RETENTION"
"""In place of a rule: the limit is the procedure's own `retention.key_days`."""
AT_ONCE: Final = "AT_ONCE"
"""In place of a rule: the limit ends in the instant in which it starts. What waits for it follows the event before."""
NO_RULES: Final = frozenset({RETENTION, AT_ONCE})
"""What stands in place of a rule and in no table."""
SEPARATOR: Final = ","
"""Between the offices of a list that a fact holds; no office id holds it."""
_RESTRICTED: Final = "RESTRICTED"


@dataclass(frozen=True, slots=True)
class State:
    """One state of a procedure.

    Attributes:
        name: Upper case, unique in its procedure.
        is_final: Nothing leaves it; open duties end here.
        responsible: The side that answers for the person in this state; None where the procedure does not say.
        registered: The side where the person's registration counts in this state; None where the procedure does not
            say. It is one side in every state or none in any, so a person is never registered twice or nowhere.
        is_moving: The record at that side is marked as moving. It counts, and no final state leaves it marked.
    """

    name: str
    is_final: bool
    responsible: str | None
    registered: str | None = None
    is_moving: bool = False


def is_restricted(state: str) -> bool:
    """Whether a state allows nothing but storage: `RESTRICTED`, or `RESTRICTED_...` where a procedure has several."""
    return state == _RESTRICTED or state.startswith(f"{_RESTRICTED}_")


@dataclass(frozen=True, slots=True)
class When:
    """A row, a recipient or a guard counts only if a body field has one of these values.

    Attributes:
        field: Name of the body field.
        values: What it may be.
    """

    field: str
    values: frozenset[Value]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who may make an event.

    Attributes:
        side: Side of the matter, `ANY` for any of them, None for the hub (a timer or the hub itself).
        offices: Office types that may act; empty for the hub.
        on_behalf: Who orders it where that is not the office itself (DOMAIN 2.4); told, not checked.
        any_county: The office need not serve the county that its side is bound to.
        takes_over: The acting office takes the side over: its county and its offices are bound anew.
    """

    side: str | None
    offices: frozenset[str]
    on_behalf: tuple[str, ...]
    any_county: bool
    takes_over: bool


@dataclass(frozen=True, slots=True)
class StartDuty:
    """A duty or window that an event opens.

    Attributes:
        rule: Id of the rule in `contracts/rules/deadlines.csv`, or one of `NO_RULES`.
        side: Whose it is.
        office: Office type whose it is.
        since: Body field with the date from which it counts; None counts from `occurred_at`.
        plus_days: Body field with days that lie outside the limit (travel).
        of: Fact that lists the offices whose it is, one limit for each; only with the side `HOLDERS`.
    """

    rule: str
    side: str
    office: str
    since: str | None
    plus_days: str | None
    of: str | None = None


@dataclass(frozen=True, slots=True)
class NotifyRow:
    """Who is told of an event.

    Attributes:
        side: Side of the recipient, or `HOLDERS`.
        office: Office type, or `BOUND`; empty for `HOLDERS`.
        profile: The profile sealed to it; None tells the status only.
        many: The content may travel as several payloads of this profile.
        when: Only if the body says so.
        of: Fact that lists the offices; only with the side `HOLDERS`.
    """

    side: str
    office: str
    profile: str | None
    many: bool
    when: When | None
    of: str | None = None


@dataclass(frozen=True, slots=True)
class Remember:
    """A body value that later guards need.

    Attributes:
        field: Name of the body field.
        fact: Name under which the matter keeps it.
    """

    field: str
    fact: str


@dataclass(frozen=True, slots=True)
class Confirms:
    """The office that acts is one of several that have to: it is taken from the list, and the last one completes.

    Attributes:
        of: Fact that lists the offices of which nothing has come yet.
        done: State after the last of them.
    """

    of: str
    done: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What an event does to the content of a matter; the procedure says it, and who holds content does it.

    Attributes:
        does: One of `EFFECTS`.
        on: Body field that names the matter, or of `ERASE_COPIES` the event; None is the event's own matter.
    """

    does: str
    on: str | None


ERASE: Final = "ERASE"
ERASE_AND_CLOSE: Final = "ERASE_AND_CLOSE"
ERASE_COPIES: Final = "ERASE_COPIES"
ERASE_ALL: Final = "ERASE_ALL"
SEAL: Final = "SEAL"
UNSEAL: Final = "UNSEAL"
ERASES: Final = frozenset({ERASE, ERASE_AND_CLOSE})
"""What destroys all keys and ciphertext of a matter."""
ENDS: Final = frozenset({*ERASES, ERASE_COPIES})
"""What destroys content of one matter: all of it, or what one event brought to its recipients."""
EFFECTS: Final = frozenset({*ERASES, ERASE_COPIES, ERASE_ALL, SEAL, UNSEAL, "RESTRICT"})
"""All keys and ciphertext are destroyed, at the end of their time or by an order after which the matter takes no more
content; or the recipients' keys of what one event brought; or those of all matters, because the ledger ends; the matter
is sealed or no longer; its content is only stored (DOMAIN 7)."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of a procedure, from one state.

    Attributes:
        row: Number of the `[[transition]]` table in its file, from 1.
        source: State before; None starts a matter.
        command: The order that leads to it.
        event: The fact.
        by: Who may make it.
        target: State after.
        when: Only if the body says so; rows of one event and state exclude each other by it.
        guards: Names in `contracts/rules/guards.toml`, in the order they are checked.
        meets: Rules whose open duties end.
        starts: Duties that open.
        notify: Who is told.
        remember: Values to keep for later guards.
        after: When the timer makes it; None for every row that a timer does not make.
        names_counterpart: False forbids the event to name the other side.
        purpose: Purpose code that the header carries.
        legal_bases: Legal bases, of which the header carries one.
        confirms: That the office is one of several; None for every other row.
        effect: What it does to content; None for most rows.
        counts_each: Whether it starts a limit for each office of a list; made from `starts`.
    """

    row: int
    source: str | None
    command: str
    event: str
    by: Actor
    target: str
    when: When | None
    guards: tuple[str, ...]
    meets: tuple[str, ...]
    starts: tuple[StartDuty, ...]
    notify: tuple[NotifyRow, ...]
    remember: tuple[Remember, ...]
    after: Timer | None
    names_counterpart: bool
    purpose: str
    legal_bases: tuple[str, ...]
    confirms: Confirms | None = None
    effect: Effect | None = None
    counts_each: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Note what the hot path asks of every event."""
        object.__setattr__(self, "counts_each", any(start.of is not None for start in self.starts))

    @property
    def targets(self) -> tuple[str, ...]:
        """Every state that it may lead to."""
        return (self.target,) if self.confirms is None else (self.target, self.confirms.done)


class Guards(NamedTuple):
    """Guards that are checked together; none reads content.

    Attributes:
        each: In the order in which they are checked.
        reads_past: Whether one of them reads what earlier events left.
    """

    each: tuple[Guard, ...]
    reads_past: bool


@dataclass(frozen=True, slots=True)
class Counterpart:
    """The other side, which the header of an event names.

    Attributes:
        side: Its name.
        offices: Types of the office that may be named.
        is_required: A matter starts only with region and office of it; such a counterpart never changes. One that is
            not required is the one named last.
    """

    side: str
    offices: frozenset[str]
    is_required: bool


@dataclass(frozen=True, slots=True)
class Retention:
    """How long content and skeleton are kept, from the first of these states.

    Attributes:
        key_days: Days until the payload keys are destroyed.
        skeleton_years: Years the record of the acts is kept.
        since: States that start the count.
        recipient_days: Days after which a recipient has taken content into its own file and its copy ends, counted
            from the event that brought it; None if copies end with `key_days`.
    """

    key_days: int
    skeleton_years: int
    since: tuple[str, ...]
    recipient_days: int | None = None


Kind = Literal["registration", "move", "permit", "case", "rights", "hub"]


@dataclass(frozen=True, slots=True)
class Procedure:
    """One procedure under one edition.

    Attributes:
        id: Its name, upper case.
        edition: Edition of the contracts it stands in; a released one is never edited.
        kind: What aggregate it moves; `hub` for what the hub records on its own.
        event_class: `class` of its events.
        data_class: `data_class` of its events.
        sides: Sides that act; the first one starts.
        counterpart: The side that a header names; None if there is none.
        purpose: Purpose of rows that name no other.
        legal_bases: Legal bases of rows that name no other.
        outside_rules: Rules it may meet although none of its rows starts them.
        retention: How long it is kept.
        states: By name, in file order.
        transitions: All rows, unfolded, in file order.
        file: Name of the file it came from.
        limits: Time limits, regional values and calendars of its edition.
        guards: Guards of its edition, by name.
        rows: Index of `transitions` by event and state before; made from them.
        events: Event types it knows; made from `transitions`.
        bodies: Full name of the body's schema, by event type; made from `transitions`.
        timers: Rows that a timer makes, by state before; made from `transitions`.
        row_guards: The guards of each row, by their names; made from `guards`.
        unsettled_guards: Those of them that read more than which offices a header names.
        effects: What events do to content, by event type; made from `transitions`.
        conditions: Body fields on which it depends which row an event takes and who is told, by event type; made from
            `transitions`.
    """

    id: str
    edition: int
    kind: Kind
    event_class: str
    data_class: str
    sides: tuple[str, ...]
    counterpart: Counterpart | None
    purpose: str
    legal_bases: tuple[str, ...]
    outside_rules: frozenset[str]
    retention: Retention
    states: Mapping[str, State]
    transitions: tuple[Transition, ...]
    file: str
    limits: Limits = field(repr=False, compare=False)
    guards: Mapping[str, Guard] = field(repr=False, compare=False)
    rows: Mapping[tuple[str, str | None], tuple[Transition, ...]] = field(init=False, repr=False, compare=False)
    events: frozenset[str] = field(init=False, repr=False, compare=False)
    bodies: Mapping[str, str] = field(init=False, repr=False, compare=False)
    timers: Mapping[str, tuple[Transition, ...]] = field(init=False, repr=False, compare=False)
    row_guards: Mapping[tuple[str, ...], Guards] = field(init=False, repr=False, compare=False)
    unsettled_guards: Mapping[tuple[str, ...], Guards] = field(init=False, repr=False, compare=False)
    effects: Mapping[str, Effect] = field(init=False, repr=False, compare=False)
    conditions: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)
    _awaited: Mapping[str, frozenset[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Build the indexes that the hot path reads."""
        rows: dict[tuple[str, str | None], tuple[Transition, ...]] = {}
        timers: dict[str, tuple[Transition, ...]] = {}
        for transition in self.transitions:
            key = (transition.event, transition.source)
            rows[key] = (*rows.get(key, ()), transition)
            if transition.after is not None and transition.source is not None:
                timers[transition.source] = (*timers.get(transition.source, ()), transition)
        object.__setattr__(self, "rows", MappingProxyType(rows))
        object.__setattr__(self, "events", frozenset(event for event, _ in rows))
        bodies = {event: body_schema(event) for event in self.events}
        object.__setattr__(self, "bodies", MappingProxyType(bodies))
        object.__setattr__(self, "timers", MappingProxyType(timers))
        awaited = {state: frozenset(row.after.rule for row in rows_ if row.after) for state, rows_ in timers.items()}
        object.__setattr__(self, "_awaited", awaited)
        guards = {row.guards: self._guards_of(row) for row in self.transitions}
        object.__setattr__(self, "row_guards", MappingProxyType(guards))
        unsettled = {names: some._replace(each=_unsettled(some.each)) for names, some in guards.items()}
        object.__setattr__(self, "unsettled_guards", MappingProxyType(unsettled))
        effects = {row.event: row.effect for row in self.transitions if row.effect is not None}
        object.__setattr__(self, "effects", MappingProxyType(effects))
        conditions = {event: self._conditions_of(event) for event in self.events}
        object.__setattr__(self, "conditions", MappingProxyType(conditions))

    def _guards_of(self, row: Transition) -> Guards:
        """The guards of a row that are known; the whole check names unknown ones."""
        known = (self.guards[name] for name in row.guards if name in self.guards)
        guards = tuple(guard for guard in known if not guard.reads_content())
        return Guards(guards, any(guard.reads_past() for guard in guards))

    def _conditions_of(self, event: str) -> tuple[str, ...]:
        rows = [row for row in self.transitions if row.event == event]
        whens = [when for row in rows for when in (row.when, *(notify.when for notify in row.notify)) if when]
        return tuple(dict.fromkeys(when.field for when in whens))

    def starters(self, side: str) -> frozenset[str]:
        """Types of office that can start a matter for a side: what the office that it is bound to first can be."""
        starts = (row for row in self.transitions if row.source is None and row.by.side == side)
        return frozenset(office for row in starts for office in row.by.offices)

    def copy_days(self, region: RegionCode) -> int:
        """Days for which a recipient may hold the content of one event."""
        own = self.retention.recipient_days
        return self.key_days(region) if own is None else own

    def key_days(self, region: RegionCode) -> int:
        """Days until the payload keys of a matter are destroyed, in a region."""
        own = self.limits.kept(self.id, region)
        return self.retention.key_days if own is None else own.key_days

    def skeleton_years(self, region: RegionCode) -> int:
        """Years the record of the acts is kept, in a region."""
        own = self.limits.kept(self.id, region)
        return self.retention.skeleton_years if own is None else own.skeleton_years

    def timer_rows(self, state: str) -> tuple[Transition, ...]:
        """Rows that a timer makes from a state; each waits for the end of a limit, see `Transition.after`."""
        return self.timers.get(state, ())

    def awaited(self, state: str) -> frozenset[str]:
        """Rules whose end lets a timer act in a state."""
        return self._awaited.get(state, frozenset())

    @property
    def all_sides(self) -> tuple[str, ...]:
        """Sides that act, and the one that is only told, if there is one."""
        if self.counterpart is None or self.counterpart.side in self.sides:
            return self.sides
        return (*self.sides, self.counterpart.side)


def _unsettled(guards: tuple[Guard, ...]) -> tuple[Guard, ...]:
    return tuple(guard for guard in guards if not guard.reads_names_only())


def body_schema(event_type: str) -> str:
    """Full name of the Avro schema of an event's body."""
    return f"pprd.v1.{event_type}Body"
