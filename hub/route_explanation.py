"""Why somebody is told of an event and somebody else is not: `explain_route`.

Asks `hub.routing.route` itself and takes down what it decides, so that an explanation cannot differ from what happens.
Adds what no single line shows: offices of the matter that the row does not name, and profiles of the procedure that go
with other events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from contracts.errors import ExchangeError
from contracts.event import Header
from contracts.ids import OfficeId, PointId, RegionCode
from contracts.procedure_types import HOLDERS, NotifyRow, Procedure, Transition
from hub.directory import RECEIVE, Directory, Mandate, Office
from hub.grants import Wanted
from hub.matter import Matter
from hub.routing import Reason, route


class Told(NamedTuple):
    """One office that is told.

    Attributes:
        office: Its id.
        office_type: What it is.
        region: Whose it is.
        side: Side of the row's line, or `HOLDERS`.
        point: The delivery point through which it is told.
        profile: The profile that it may open; None for the status only.
        mandate: Under which it receives; None only if the directory lost it meanwhile.
        replaces: The closed office in whose place it stands, if there is one.
    """

    office: OfficeId
    office_type: str
    region: RegionCode
    side: str
    point: PointId
    profile: str | None
    mandate: Mandate | None
    replaces: OfficeId | None


class NotTold(NamedTuple):
    """Somebody or something that is left out.

    Attributes:
        who: An office, a side and type, or a profile.
        why: `WHEN_NOT_MET`, `PRODUCER`, `TOLD_ALREADY`, `NOT_NAMED` or `OTHER_EVENT`.
        reason: A sentence.
    """

    who: str
    why: str
    reason: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happens with one event.

    Attributes:
        procedure: Its procedure.
        row: Number of its row in the file.
        source: State before; None before the first event.
        target: State after.
        event: Its type.
        told: Who is told, in the order of the row.
        not_told: Who and what is not.
        refusal: Why the whole event would be refused; None if it is routed.
    """

    procedure: str
    row: int
    source: str | None
    target: str
    event: str
    told: tuple[Told, ...]
    not_told: tuple[NotTold, ...]
    refusal: ExchangeError | None


def explain_route(
    procedure: Procedure,
    row: Transition,
    matter: Matter,
    header: Header,
    body: Mapping[str, Any],
    directory: Directory,
    *,
    earlier: Matter | None,
) -> Explanation:
    """Say who is told of an event and who is not, and why.

    Args:
        procedure: The matter's.
        row: The row that the event takes.
        matter: After the event.
        header: The event.
        body: Its decoded body.
        directory: As of the event's index.
        earlier: The matter before the event.
    """
    notes: list[tuple[NotifyRow, Office | None, Reason]] = []
    refusal: ExchangeError | None = None
    try:
        route(row, matter, header, body, directory, earlier=earlier, note=lambda *one: notes.append(one))
    except ExchangeError as error:
        refusal = error
    told = tuple(
        _told(notify, office, matter, header, directory)
        for notify, office, reason in notes
        if office is not None and reason is Reason.TOLD
    )
    not_told = (
        *(_left_out(notify, office, reason, body) for notify, office, reason in notes if reason is not Reason.TOLD),
        *_unnamed(matter, header, {one.office for one in told}),
        *_other_profiles(procedure, {one.profile for one in told}),
    )
    return Explanation(procedure.id, row.row, row.source, row.target, row.event, told, not_told, refusal)


def _told(notify: NotifyRow, office: Office, matter: Matter, header: Header, directory: Directory) -> Told:
    wanted = Wanted(office.region, office.office_type, header.event_type, RECEIVE, header.procedure)
    return Told(
        office=office.office,
        office_type=office.office_type.value,
        region=office.region,
        side=notify.side,
        point=office.point,
        profile=notify.profile,
        mandate=directory.grants.find(wanted, header.occurred_at),
        replaces=_replaced(notify, office, matter),
    )


def _replaced(notify: NotifyRow, office: Office, matter: Matter) -> OfficeId | None:
    """The office that the matter bound, where another one has its place now."""
    if notify.side == HOLDERS:
        return None
    bound = matter.office_of(notify.side, notify.office)
    return bound if bound is not None and bound != office.office else None


def _left_out(notify: NotifyRow, office: Office | None, reason: Reason, body: Mapping[str, Any]) -> NotTold:
    who = office.office if office is not None else f"{notify.side} {notify.office}".strip()
    what = notify.profile or "the status"
    match reason:
        case Reason.WHEN_NOT_MET if notify.when is not None:
            values = " or ".join(sorted(map(str, notify.when.values)))
            said = f"{notify.when.field} is {body.get(notify.when.field)}; {what} goes there only with {values}"
        case Reason.PRODUCER:
            said = "it made the event itself"
        case _:
            said = f"an earlier line of the row gives it {what} already"
    return NotTold(who, reason.value, said)


def _unnamed(matter: Matter, header: Header, told: set[OfficeId]) -> Iterator[NotTold]:
    """Offices of the matter that no line of the row names."""
    for party in matter.parties:
        if party.office not in told and party.office != header.producer_office:
            named = f"{party.office} ({party.side} {party.office_type})"
            yield NotTold(named, "NOT_NAMED", f"no line of the row of {header.event_type} names it")


def _other_profiles(procedure: Procedure, told: set[str | None]) -> Iterator[NotTold]:
    """Profiles of the procedure that go with other events."""
    with_events: dict[str, dict[str, None]] = {}
    for row in procedure.transitions:
        for notify in row.notify:
            if notify.profile is not None and notify.profile not in told:
                with_events.setdefault(notify.profile, {})[row.event] = None
    for profile in sorted(with_events):
        yield NotTold(profile, "OTHER_EVENT", f"nobody gets it now; it goes with {', '.join(with_events[profile])}")
