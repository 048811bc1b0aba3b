"""Who is told of an event: `route`, and whether it is sealed to exactly them: `check_sealed`.

A pure function of the row of the procedure, the matter after the event, the event and the directory at that index, so
that an auditor finds the same recipients.

Rules kept here: a side's office is the one that the matter bound, else the one that serves the matter's county of that
side, or all its places; a closed office is replaced by the successor that it named, else by the one that serves the
county now; the producing office is never a recipient of its own event; every recipient needs a mandate to receive, and
for content a key that is neither revoked nor older than two years; cases go to county points only, and what is ordered
about a record to the region's own point; content goes to Hong Kong and Macao only on a basis that the sending region
and the hub have signed (DOMAIN 9.1, 9.5, 9.6). Not here: what a profile holds (`contracts.profile`), how a run is
delivered (`hub.working`).
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from contracts.errors import AccessError, RuleError, UnavailableError
from contracts.event import Header
from contracts.ids import OfficeId, PointId
from contracts.procedure_types import BOUND, HOLDERS, NotifyRow, Transition
from hub.awaited import listed
from hub.directory import RECEIVE, SEND, Directory, Office
from hub.grants import Wanted
from hub.matter import Matter

CROSS_BOUNDARY_REGIONS: Final = frozenset({"81", "82"})
"""Regions to which personal content is a provision outside the mainland."""


_SEALED_WHOLE: Final = frozenset({"cas", "rgt"})
_REGION: Final = "rgt"


def is_sealed_whole(event_class: str) -> bool:
    """Whether notifications of a class travel sealed to their point: on the broker cases and orders all look alike."""
    return event_class in _SEALED_WHOLE


class Recipient(NamedTuple):
    """One office that is told of an event.

    Attributes:
        office: Its id.
        point: The delivery point through which it is told.
        profile: The profile it may open; None for the status only.
        many: The content may travel as several payloads of this profile.
    """

    office: OfficeId
    point: PointId
    profile: str | None
    many: bool = False


Addressed = Mapping[str, tuple[tuple[OfficeId, ...], bool]]
"""To whom the content of each profile has to be sealed, sorted, and whether it may travel as several payloads."""


class Reason(StrEnum):
    """What became of one office in one line of a row's `notify`."""

    TOLD = "TOLD"
    WHEN_NOT_MET = "WHEN_NOT_MET"
    PRODUCER = "PRODUCER"
    TOLD_ALREADY = "TOLD_ALREADY"


Note = Callable[[NotifyRow, Office | None, Reason], None]
"""Takes down one decision: the line, the office if one was found, and what became of it."""


def route(
    row: Transition,
    matter: Matter,
    header: Header,
    body: Mapping[str, Any],
    directory: Directory,
    *,
    earlier: Matter | None,
    note: Note | None = None,
) -> tuple[Recipient, ...]:
    """Say who is told of an event.

    Args:
        row: The row of the procedure that the event follows.
        matter: The matter after the event; its parties and counties say who stands on which side.
        header: The event.
        body: Its decoded body.
        directory: As of the event's index.
        earlier: The matter before the event, None if it has no earlier one. Holders are read from it: the matter after
            the event lists whoever the event itself is sealed to, so reading them there would let a producer choose.
        note: Told of every decision, for explanations (`hub.route_explanation`); None for everybody else.

    Returns:
        Recipients in the order of the row's `notify`, each office and profile once.

    Raises:
        RuleError: OFFICE_UNKNOWN: nobody serves that side; OFFICE_WITHOUT_SUCCESSOR: the office closed and nobody
            serves its county; POINT_NOT_COUNTY.
        AccessError: MANDATE_MISSING; MANDATE_LAPSED; CROSS_BOUNDARY_BASIS_MISSING.
    """
    if not row.notify:
        return ()
    recipients: dict[tuple[str, str | None], Recipient] = {}
    for notify in row.notify:
        if notify.when is not None and body.get(notify.when.field) not in notify.when.values:
            if note is not None:
                note(notify, None, Reason.WHEN_NOT_MET)
            continue
        for office in _offices(notify, matter, earlier, directory, header.occurred_at):
            place = (office.office, notify.profile)
            is_new = office.office != header.producer_office and place not in recipients
            if is_new:
                _check_recipient(office, notify, header, directory)
                point = _node(office) if header.event_class == _REGION else office.point
                recipients[place] = Recipient(office.office, point, notify.profile, notify.many)
            if note is not None:
                is_producer = office.office == header.producer_office
                note(notify, office, Reason.TOLD if is_new else Reason.PRODUCER if is_producer else Reason.TOLD_ALREADY)
    return tuple(recipients.values())


def addressed(recipients: Iterable[Recipient]) -> Addressed:
    """To whom an event has to be sealed, by profile."""
    offices: dict[str, list[OfficeId]] = {}
    several: set[str] = set()
    for recipient in recipients:
        if recipient.profile is not None:
            offices.setdefault(recipient.profile, []).append(recipient.office)
            if recipient.many:
                several.add(recipient.profile)
    return {profile: (tuple(sorted(names)), profile in several) for profile, names in offices.items()}


def check_sealed(header: Header, wanted: Addressed) -> None:
    """Check that an event is sealed to exactly its recipients: nobody too many, nobody left out.

    Args:
        header: The event.
        wanted: What `addressed` makes of what `route` gives for it.

    Raises:
        RuleError: RECIPIENTS_MISMATCH, naming the profile.
    """
    if not wanted and not header.sealed:
        return
    sealed: set[str] = set()
    for number, ref in enumerate(header.sealed):
        offices, is_many = wanted.get(ref.profile) or (None, False)
        if offices != ref.recipients:
            raise _mismatch(ref.profile, offices or (), ref.recipients, f"sealed.{number}.recipients")
        if ref.profile in sealed and not is_many:
            raise RuleError(
                "RECIPIENTS_MISMATCH", f"{ref.profile} travels as one payload here", field=f"sealed.{number}.profile"
            )
        sealed.add(ref.profile)
    for profile, (offices, _) in wanted.items():
        if profile not in sealed:
            raise _mismatch(profile, offices, (), "sealed")


def points_of(recipients: Iterable[Recipient]) -> tuple[PointId, ...]:
    """The delivery points of recipients, each once, in their order."""
    return tuple(dict.fromkeys(recipient.point for recipient in recipients))


def check_recipient_keys(recipients: Iterable[Recipient], directory: Directory, now_ms: int) -> None:
    """Check that everybody who gets content has a key that is used: who has none gets nothing, and the sender waits.

    What tells a state only is not sealed to the office, and holding it back would hold the state back: a suspension by
    law, the return of a case (ADR 0017).

    Args:
        recipients: What `route` gives.
        directory: As of the event's index.
        now_ms: Hub time, milliseconds; the sender's own would let him choose.

    Raises:
        UnavailableError: OFFICE_KEY_ENDED: naming the office.

    Source: DOMAIN 9.5, rule 2.
    """
    for recipient in recipients:
        office = directory.office(recipient.office)
        if recipient.profile is None or office is None or office.key.is_used(now_ms):
            continue
        why = f"is older than {office.key.until}" if office.key.revoked_at is None else "was revoked"
        raise UnavailableError(
            "OFFICE_KEY_ENDED", f"the key of {office.office} {why}: it gets nothing until it has a new one"
        )


def lapsed_or_missing(wanted: Wanted, directory: Directory, at_ms: int, message: str) -> AccessError:
    """The refusal of an act without a mandate: MANDATE_LAPSED if there was one, else MANDATE_MISSING."""
    lapsed = directory.grants.lapsed(wanted, at_ms)
    field = "producer_office" if wanted.direction == SEND else None
    if lapsed is None:
        return AccessError("MANDATE_MISSING", message, field=field)
    return AccessError("MANDATE_LAPSED", f"{message}: {lapsed}", field=field)


def _offices(
    notify: NotifyRow, matter: Matter, earlier: Matter | None, directory: Directory, at_ms: int
) -> Iterable[Office]:
    if notify.side == HOLDERS:
        if notify.of is not None:
            return [_holder(name, directory, at_ms) for name in listed(dict(matter.facts), notify.of)]
        return [_holder(name, directory, at_ms) for name in earlier.holders] if earlier is not None else ()
    office_type = notify.office
    if office_type == BOUND:
        office_type = next((party.office_type for party in matter.parties if party.side == notify.side), BOUND)
    bound = matter.office_of(notify.side, office_type)
    office = None if bound is None else directory.acting(bound)
    if office is None:
        office = _serving(notify.side, office_type, matter, directory, at_ms)
        if office is None and bound is not None:
            raise _without_successor(bound, f"the {office_type} of {notify.side}")
        if office is None:
            raise RuleError("OFFICE_UNKNOWN", f"no {office_type} serves the side {notify.side} of this matter")
    return (office,)


def _serving(side: str, office_type: str, matter: Matter, directory: Directory, at_ms: int) -> Office | None:
    """The office of a type that serves the county of a side.

    A side whose offices sit in no county, but serve a whole prefecture or region, is served by the one office that
    serves all their places; where several do, nobody knows which, and none is told.
    """
    county6 = matter.county_of(side)
    if county6 is not None:
        return directory.serving(office_type, county6, at_ms)
    bound = (directory.office(party.office) for party in matter.parties if party.side == side)
    areas = sorted({area for office in bound if office is not None for area in office.areas})
    served = [directory.serving(office_type, area, at_ms) for area in areas]
    is_one = bool(served) and all(office is served[0] for office in served)
    return served[0] if is_one else None


def _holder(name: OfficeId, directory: Directory, at_ms: int) -> Office:
    """The office that got content, or who took its matters over, or who serves its county since it closed."""
    acting = directory.acting(name)
    if acting is not None:
        return acting
    office = directory.office(name)
    if office is not None and office.county6 is not None:
        found = directory.serving(office.office_type, office.county6, at_ms)
        if found is not None:
            return found
    raise _without_successor(name, "a holder of content")


def _without_successor(office: OfficeId, what: str) -> RuleError:
    return RuleError("OFFICE_WITHOUT_SUCCESSOR", f"{office}, {what} of this matter, closed and nobody took its place")


def _node(office: Office) -> PointId:
    """The point of an office's region, where it is told what is ordered about a record (DOMAIN 9.1)."""
    return PointId(f"{office.region}-node")


def _check_recipient(office: Office, notify: NotifyRow, header: Header, directory: Directory) -> None:
    at_ms, profile = header.occurred_at, notify.profile
    if profile is not None and office.region in CROSS_BOUNDARY_REGIONS:
        region, event_type = header.producer_region, header.event_type
        if not directory.grants.has_basis(region, office.region, event_type, profile, at_ms):
            raise AccessError(
                "CROSS_BOUNDARY_BASIS_MISSING",
                f"no basis in force lets region {region} send {profile} with {event_type} to region {office.region}",
            )
    wanted = Wanted(office.region, office.office_type, header.event_type, RECEIVE, header.procedure)
    if directory.grants.find(wanted, at_ms) is None:
        told = f"no {office.office_type} of region {office.region} may receive {header.event_type}"
        raise lapsed_or_missing(wanted, directory, at_ms, told)
    if header.event_class == _REGION and directory.point(_node(office)) is None:
        raise RuleError("OFFICE_UNKNOWN", f"region {office.region} has no point of its own")
    point = directory.point(office.point)
    if header.event_class == "cas" and (point is None or not point.is_county):
        raise RuleError("POINT_NOT_COUNTY", f"{office.office_type} {office.office} is served by {office.point}")


def _mismatch(profile: str, wanted: Iterable[str], found: Iterable[str], field: str) -> RuleError:
    return RuleError(
        "RECIPIENTS_MISMATCH",
        f"{profile} is for {', '.join(sorted(wanted)) or 'nobody'}, sealed to {', '.join(found) or 'nobody'}",
        field=field,
    )
