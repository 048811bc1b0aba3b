"""Who is told of an event: `route`, and whether it is sealed to exactly them: `check_sealed`.

A pure function of the row of the procedure, the matter after the event, the event and the directory at that index, so
that an auditor finds the same recipients.

Rules kept here: a side's office is the one that the matter bound, else the one that serves the matter's county of that
side; a closed office is replaced by the one that serves its county now; the producing office is never a recipient of
its own event; every recipient needs a mandate to receive; cases go to county points only; content goes to Hong Kong and
Macao only under a registered basis, and no event registers one yet (DOMAIN 9.6). Not here: what a profile holds
(`contracts.profile`), how a run is delivered (`hub.working`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from contracts.errors import AccessError, RuleError
from contracts.event import Header
from contracts.ids import OfficeId, PointId
from contracts.procedure_types import HOLDERS, NotifyRow, Transition
from hub.directory import RECEIVE, Directory, Office
from hub.matter import Matter

CROSS_BOUNDARY_REGIONS: Final = frozenset({"81", "82"})
"""Regions to which personal content is a provision outside the mainland."""


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


def route(
    row: Transition,
    matter: Matter,
    header: Header,
    body: Mapping[str, Any],
    directory: Directory,
    *,
    earlier: Matter | None,
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

    Returns:
        Recipients in the order of the row's `notify`, each office and profile once.

    Raises:
        RuleError: OFFICE_UNKNOWN: nobody serves that side; POINT_NOT_COUNTY.
        AccessError: MANDATE_MISSING; CROSS_BOUNDARY_BASIS_MISSING.
    """
    if not row.notify:
        return ()
    recipients: dict[tuple[str, str | None], Recipient] = {}
    for notify in row.notify:
        if notify.when is not None and body.get(notify.when.field) not in notify.when.values:
            continue
        for office in _offices(notify, matter, earlier, directory):
            place = (office.office, notify.profile)
            if office.office != header.producer_office and place not in recipients:
                _check_recipient(office, notify, header, directory)
                recipients[place] = Recipient(office.office, office.point, notify.profile, notify.many)
    return tuple(recipients.values())


def check_sealed(header: Header, recipients: Sequence[Recipient]) -> None:
    """Check that an event is sealed to exactly its recipients: nobody too many, nobody left out.

    Args:
        header: The event.
        recipients: What `route` gives for it.

    Raises:
        RuleError: RECIPIENTS_MISMATCH, naming the profile.
    """
    if not recipients and not header.sealed:
        return
    wanted: dict[str, list[str]] = {}
    several: set[str] = set()
    for recipient in recipients:
        if recipient.profile is not None:
            wanted.setdefault(recipient.profile, []).append(recipient.office)
            if recipient.many:
                several.add(recipient.profile)
    sealed: set[str] = set()
    for number, ref in enumerate(header.sealed):
        offices = wanted.get(ref.profile)
        if offices is None or tuple(sorted(offices)) != ref.recipients:
            raise _mismatch(ref.profile, offices or (), ref.recipients, f"sealed.{number}.recipients")
        if ref.profile in sealed and ref.profile not in several:
            raise RuleError(
                "RECIPIENTS_MISMATCH", f"{ref.profile} travels as one payload here", field=f"sealed.{number}.profile"
            )
        sealed.add(ref.profile)
    for profile, offices in wanted.items():
        if profile not in sealed:
            raise _mismatch(profile, offices, (), "sealed")


def points_of(recipients: Iterable[Recipient]) -> tuple[PointId, ...]:
    """The delivery points of recipients, each once, in their order."""
    return tuple(dict.fromkeys(recipient.point for recipient in recipients))


def _offices(notify: NotifyRow, matter: Matter, earlier: Matter | None, directory: Directory) -> Iterable[Office]:
    if notify.side == HOLDERS:
        return [_holder(name, directory) for name in earlier.holders] if earlier is not None else ()
    bound = matter.office_of(notify.side, notify.office)
    office = None if bound is None else directory.office(bound)
    if office is None or office.is_closed:
        county6 = matter.county_of(notify.side)
        office = None if county6 is None else directory.serving(notify.office, county6)
        if office is None:
            raise RuleError("OFFICE_UNKNOWN", f"no {notify.office} serves the side {notify.side} of this matter")
    return (office,)


def _holder(name: OfficeId, directory: Directory) -> Office:
    """The office that got content, or the one that serves its county since it closed."""
    office = directory.office(name)
    if office is not None and office.is_closed and office.county6 is not None:
        office = directory.serving(office.office_type, office.county6)
    if office is None or office.is_closed:
        raise RuleError("OFFICE_UNKNOWN", f"{name} holds content of this matter and nobody took its place")
    return office


def _check_recipient(office: Office, notify: NotifyRow, header: Header, directory: Directory) -> None:
    if notify.profile is not None and office.region in CROSS_BOUNDARY_REGIONS:
        raise AccessError(
            "CROSS_BOUNDARY_BASIS_MISSING", f"no basis for {notify.profile} to region {office.region} is registered"
        )
    mandate = directory.mandate(
        office.region,
        office.office_type,
        header.event_type,
        RECEIVE,
        header.occurred_at,
        procedure=header.procedure,
    )
    if mandate is None:
        raise AccessError(
            "MANDATE_MISSING", f"no {office.office_type} of region {office.region} may receive {header.event_type}"
        )
    point = directory.point(office.point)
    if header.event_class == "cas" and (point is None or not point.is_county):
        raise RuleError("POINT_NOT_COUNTY", f"{office.office_type} {office.office} is served by {office.point}")


def _mismatch(profile: str, wanted: Iterable[str], found: Iterable[str], field: str) -> RuleError:
    return RuleError(
        "RECIPIENTS_MISMATCH",
        f"{profile} is for {', '.join(sorted(wanted)) or 'nobody'}, sealed to {', '.join(found) or 'nobody'}",
        field=field,
    )
