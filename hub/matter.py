"""A matter: what is known of one stream without its content. `Matter`, `match_row`, `check_guards`, `advance`.

The engine reads procedures as data and knows none by name. `check_guards` decides and is asked once, when an event
wants to enter; `match_row` and `advance` apply, and are asked again at every load and every audit, so neither reads a
clock, a calendar or a guard. Position, state, side, region, office and county are checked in both.

How a matter is stored stands in `hub.matter_bytes`, how its sides are bound to offices in `hub.binding`, when a limit
ends in `hub.duty`.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from contracts.division import Places
from contracts.errors import AccessError, ConflictError, RuleError
from contracts.event import Header
from contracts.guard_check import Case, check_all
from contracts.ids import HUB_OFFICE, HUB_REGION, Hash, OfficeId
from contracts.procedure_types import ANY_SIDE, HOLDERS, SEPARATOR, Guards, Procedure, Transition
from hub.awaited import HolderLookup, check_awaited, entries, listed, with_list, without
from hub.binding import (
    Binding,
    OfficeLookup,
    answers_for,
    bind_actor,
    bind_counterpart,
    bind_start,
    check_party,
    find_office,
    shared,
)
from hub.content import ends_after
from hub.duty import duties_after, duty_due
from hub.matter_bytes import pack, unpack
from hub.matter_types import Duty, FactValue, Matter, Party

__all__ = [
    "Duty",
    "Matter",
    "OfficeLookup",
    "Party",
    "TransitionError",
    "advance",
    "bind",
    "check_counterpart_open",
    "check_guards",
    "check_position",
    "duty_due",
    "match_row",
    "pack",
    "take_row",
    "unpack",
]

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_NO_HASH: Final = Hash(bytes(32))


class TransitionError(RuleError):
    """TRANSITION_FORBIDDEN: no row allows the event in this state.

    Attributes:
        state: Where the matter is; None before its first event.
        event_type: What came.
        nearest: Rows of the same event that another state or another body would find.
    """

    def __init__(self, state: str | None, event_type: str, nearest: Iterable[Transition], reason: str = "") -> None:
        self.state = state
        self.event_type = event_type
        self.nearest = tuple(nearest)
        places = ", ".join(dict.fromkeys(row.source or "the start" for row in self.nearest))
        super().__init__(
            "TRANSITION_FORBIDDEN",
            f"{event_type} is not possible from {state or 'the start'}{reason}; it is from {places}",
            field="event_type",
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Let the error cross a process border whole."""
        return TransitionError, (self.state, self.event_type, self.nearest)


def match_row(
    procedure: Procedure, matter: Matter | None, header: Header, body: Mapping[str, Any], directory: OfficeLookup
) -> Transition:
    """Find the row that an event takes, and check that its office may act in it.

    Args:
        procedure: The one that the header names, under its edition.
        matter: As it stands; None before its first event.
        header: The event.
        body: Its decoded body.
        directory: Offices as of the event's index.

    Returns:
        The one row; its guards are not checked here.

    Raises:
        RuleError: EVENT_NOT_OF_PROCEDURE, OFFICE_UNKNOWN; TRANSITION_FORBIDDEN (a `TransitionError`).
        AccessError: ACTOR_FORBIDDEN.
    """
    rows = procedure.rows.get((header.event_type, matter.state if matter is not None else None))
    if rows is None:
        raise _no_row(procedure, matter, header)
    row = rows[0]
    if len(rows) > 1 or row.when is not None:
        row = _chosen(rows, matter, header, body, directory)
    by = row.by
    if by.side is None:
        if header.producer_region != HUB_REGION or header.producer_office != HUB_OFFICE:
            raise AccessError(
                "ACTOR_FORBIDDEN", f"{header.event_type} is made by the hub only", field="producer_office"
            )
        return row
    office = find_office(directory, header.producer_office, header.producer_region, "producer_office")
    if office.office_type not in by.offices:
        raise AccessError(
            "ACTOR_FORBIDDEN",
            f"{header.event_type} is made by {' or '.join(sorted(by.offices))}, not by {office.office_type}",
            field="producer_office",
        )
    if matter is not None:
        if by.side == HOLDERS:
            check_awaited(matter, row, office, directory)
        else:
            check_party(matter, by, office, directory, header.occurred_at)
    return row


def _chosen(
    rows: tuple[Transition, ...],
    matter: Matter | None,
    header: Header,
    body: Mapping[str, Any],
    directory: OfficeLookup,
) -> Transition:
    """The row whose condition the body meets; where several do, the one for this type of office."""
    fitting = [row for row in rows if row.when is None or body.get(row.when.field) in row.when.values]
    if not fitting:
        fields = dict.fromkeys(row.when.field for row in rows if row.when is not None)
        values = ", ".join(f"{field} {body.get(field)}" for field in fields)
        raise TransitionError(matter.state if matter else None, header.event_type, rows, f" with {values}")
    if len(fitting) == 1:
        return fitting[0]
    if header.producer_region == HUB_REGION:
        return next((row for row in fitting if row.by.side is None), fitting[0])
    office = directory.office(header.producer_office)
    office_type = "" if office is None else office.office_type
    return next((row for row in fitting if office_type in row.by.offices), fitting[0])


def _no_row(procedure: Procedure, matter: Matter | None, header: Header) -> RuleError:
    if header.event_type not in procedure.events:
        return RuleError(
            "EVENT_NOT_OF_PROCEDURE", f"{procedure.id} has no event {header.event_type}", field="event_type"
        )
    nearest = (row for row in procedure.transitions if row.event == header.event_type)
    return TransitionError(matter.state if matter else None, header.event_type, nearest)


def check_counterpart_open(header: Header, directory: OfficeLookup) -> None:
    """Check that the office that a header names, if it names one, is not closed.

    Raises:
        RuleError: OFFICE_CLOSED.
    """
    if header.counterpart_office is None:
        return
    named = directory.office(header.counterpart_office)
    if named is not None and named.is_closed:
        acting = directory.acting(named.office)
        told = "" if acting is None else f"; {acting.office} took its matters over"
        raise RuleError("OFFICE_CLOSED", f"office {named.office} is closed{told}", field="counterpart_office")


def check_guards(
    procedure: Procedure,
    guards: Guards,
    matter: Matter | None,
    header: Header,
    body: Mapping[str, Any],
    directory: OfficeLookup,
    places: Places,
    holders: HolderLookup = lambda _: None,
) -> None:
    """Check what a row demands of an event that wants to enter.

    Args:
        procedure: The matter's.
        guards: Of the row that the event takes.
        matter: Before the event, None before its first one.
        header: The event.
        body: Its decoded body.
        directory: As of the event's index.
        places: The divisions in force at the instant of the act.
        holders: Gives the offices that hold something of another matter, see `Case`.

    Raises:
        RuleError: The code of the first guard that does not hold, GUARD_FAILED by default, with `rule` its name.
    """
    is_named = header.counterpart_office is not None
    facts: Mapping[str, FactValue] = _NOTHING
    started: Mapping[str, int] = _NOTHING
    if matter is not None and guards.reads_past:
        facts = dict(matter.facts)
        started = {duty.rule: duty.started_ms for duty in matter.duties}
        is_named = is_named or _has_counterpart(procedure, matter)

    def answers(office: str) -> bool:
        return answers_for(directory, header, OfficeId(office))

    # As `Case(...)`, in a third of the time: most events have guards.
    case = tuple.__new__(Case, (header, body, facts, started, is_named, places, procedure.limits, holders, answers))
    check_all(guards.each, case)


def _has_counterpart(procedure: Procedure, matter: Matter) -> bool:
    other = procedure.counterpart
    return other is not None and any(party.side == other.side for party in matter.parties)


def advance(
    procedure: Procedure,
    matter: Matter | None,
    header: Header,
    body: Mapping[str, Any],
    directory: OfficeLookup,
    leaf: Hash,
    row: Transition | None = None,
) -> Matter:
    """Apply one event to a matter.

    Args:
        procedure: The one that the header names, under its edition.
        matter: As it stands; None before its first event.
        header: The event.
        body: Its decoded body.
        directory: Offices as of the event's index.
        leaf: Leaf hash of the event's bytes; the matter's new head.
        row: What `match_row` gave for the same arguments, if it was asked before.

    Returns:
        The matter after the event. A final state has no open duty.

    Raises:
        ConflictError: POSITION_CONFLICT: the event does not follow the last one of its stream.
        RuleError: As `match_row`; COUNTERPART_MISSING, COUNTERPART_MISMATCH.
        AccessError: As `match_row`.
    """
    check_position(procedure, matter, header)
    if row is None:
        row = match_row(procedure, matter, header, body, directory)
    return take_row(procedure, row, matter, header, body, directory, leaf)


def take_row(
    procedure: Procedure,
    row: Transition,
    matter: Matter | None,
    header: Header,
    body: Mapping[str, Any],
    directory: OfficeLookup,
    leaf: Hash,
    binding: Binding | None = None,
) -> Matter:
    """The second half of `advance`, for a caller who has asked `check_position` and `match_row`.

    Args:
        procedure: As in `advance`.
        row: What `match_row` gave.
        matter: As in `advance`.
        header: As in `advance`.
        body: As in `advance`.
        directory: As in `advance`.
        leaf: As in `advance`.
        binding: What `bind` gave, if it was asked before.

    Raises:
        RuleError: As `bind`.
    """
    parties, regions, counties = binding or bind(procedure, row, matter, header, directory)
    holders: tuple[OfficeId, ...] = ()
    sealers: tuple[OfficeId, ...] = ()
    duties: tuple[Duty, ...] = ()
    facts: tuple[tuple[str, FactValue], ...] = ()
    told: tuple[OfficeId, ...] = ()
    opened_at = header.occurred_at
    if matter is not None:
        # Taken apart in one go: reading ten fields by their names takes longer.
        _, _, _, _, _, _, opened_at, _, _, _, holders, duties, facts, sealers, told, _ = matter
        if told:
            told = _without_acting(told, header.producer_office, directory)
    if header.sealed:
        holders = shared(_with_holders(holders, header))
        if header.producer_office not in sealers:
            sealers = shared((*sealers, header.producer_office))
        told = shared(_with_holders(told, header))
    if row.remember:
        facts = _facts(facts, row, body)
    target, acted = row.target, header.producer_office
    if row.confirms is not None:
        acted, left = without(listed(dict(facts), row.confirms.of), acted, directory)
        facts = with_list(facts, row.confirms.of, left)
        target = row.target if left else row.confirms.done
    if procedure.states[target].is_final:
        duties = ()
    elif row.counts_each:
        each = {start.of: entries(facts, start.of, directory) for start in row.starts if start.of is not None}
        duties = duties_after(duties, row, header, body, each, acted)
        # A limit of one office counts in that office's region.
        regions = (*regions, *dict.fromkeys((one.office, one.region) for some in each.values() for one in some))
    elif row.starts or (row.meets and duties):
        duties = duties_after(duties, row, header, body, acted=acted)
    fields = (
        header.stream_id,
        header.procedure,
        header.edition,
        target,
        header.stream_seq + 1,
        leaf,
        opened_at,
        parties,
        regions,
        counties,
        holders,
        duties,
        facts,
        sealers,
        told,
        ends_after(procedure, matter, target, header, has_content=True) if sealers else matter.ends if matter else (),
    )
    return tuple.__new__(Matter, fields)  # the constructor of sixteen arguments takes as long as all the rest here


def bind(
    procedure: Procedure, row: Transition, matter: Matter | None, header: Header, directory: OfficeLookup
) -> Binding:
    """The sides of a matter after an event that takes a row.

    Raises:
        RuleError: COUNTERPART_MISSING, COUNTERPART_MISMATCH, OFFICE_UNKNOWN.
    """
    if matter is None:
        return shared(bind_start(procedure, row, header, directory))
    binding = (matter.parties, matter.regions, matter.counties)
    if row.by.side not in (None, ANY_SIDE, HOLDERS):
        parties, counties = bind_actor(matter, row.by, header, directory)
        binding = (parties, matter.regions, counties)
    if header.counterpart_region is not None:
        binding = bind_counterpart(procedure, row, header, directory, binding)
    return binding if binding[0] is matter.parties else shared(binding)


def check_position(procedure: Procedure, matter: Matter | None, header: Header) -> None:
    """Check that an event follows the last one of its stream, under the procedure of its matter.

    Raises:
        ConflictError: POSITION_CONFLICT: another event came first.
        RuleError: EVENT_NOT_OF_PROCEDURE: the matter follows another procedure.
    """
    if matter is None:
        if header.stream_seq or header.prev_hash != _NO_HASH:
            raise ConflictError("POSITION_CONFLICT", "the first event has stream_seq 0 after zeros", field="stream_seq")
        return
    if header.stream_seq != matter.next_seq or header.prev_hash != matter.head:
        raise ConflictError(
            "POSITION_CONFLICT",
            f"stream_seq {header.stream_seq} does not follow: the next is {matter.next_seq} after {matter.head.hex()}",
            field="stream_seq" if header.stream_seq != matter.next_seq else "prev_hash",
        )
    if matter.procedure != procedure.id or matter.edition != procedure.edition:
        raise RuleError(
            "EVENT_NOT_OF_PROCEDURE", f"this matter is {matter.procedure} {matter.edition}", field="procedure"
        )


def _with_holders(holders: tuple[OfficeId, ...], header: Header) -> tuple[OfficeId, ...]:
    if not holders and len(header.sealed) == 1:
        return header.sealed[0].recipients
    named = dict.fromkeys(holders)
    for ref in header.sealed:
        named.update(dict.fromkeys(ref.recipients))
    return tuple(named)


def _without_acting(told: tuple[OfficeId, ...], acted: OfficeId, directory: OfficeLookup) -> tuple[OfficeId, ...]:
    """Offices that were told, without the one that has now acted and those for which it acts."""
    if told == (acted,):
        return ()
    return tuple(
        [o for o in told if o != acted and ((acting := directory.acting(o)) is None or acting.office != acted)]
    )


def _facts(
    facts: tuple[tuple[str, FactValue], ...], row: Transition, body: Mapping[str, Any]
) -> tuple[tuple[str, FactValue], ...]:
    """Keep what the row remembers; a null forgets."""
    kept = dict(facts)
    for remember in row.remember:
        value = body[remember.field]
        if isinstance(value, list | tuple):
            value = SEPARATOR.join(value)
        if value is None:
            kept.pop(remember.fact, None)
        else:
            kept[remember.fact] = value
    return tuple(kept.items())
