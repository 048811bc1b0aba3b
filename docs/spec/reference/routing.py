"""Who is told of an event: the delivery points, in order (`docs/spec/replay.md`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from docs.spec.reference.directory import Directory, Office
from docs.spec.reference.matter import Body, Header, Matter, Row, meets
from docs.spec.reference.unproved import UnprovedError, expect


def points(
    row: Row, header: Header, body: Body, before: Matter | None, matter: Matter, directory: Directory
) -> list[str]:
    """The delivery points that are told of an event, each once.

    Args:
        row: That the event took.
        header: Of the event.
        body: Of the event.
        before: The matter before the event; None before its first one.
        matter: The matter after it.
        directory: As of the event.

    Raises:
        UnprovedError: The event is sealed to other offices than those that are told with content.
    """
    offices: dict[tuple[str, str | None], Office] = {}
    for notify in row.get("notify", ()):
        if not meets(notify.get("when"), body):
            continue
        for office in _offices(notify, before, matter, directory):
            if office.office != header["producer_office"]:
                offices[office.office, notify.get("profile")] = office
    _check_sealed(header, offices)
    is_order = header["class"] == "rgt"
    return list(dict.fromkeys(f"{one.region}-node" if is_order else one.point for one in offices.values()))


def _offices(
    notify: Mapping[str, Any], before: Matter | None, matter: Matter, directory: Directory
) -> Iterable[Office]:
    if notify["side"] == "HOLDERS":
        if "of" in notify:
            return [_holder(name, directory) for name in matter.facts.get(notify["of"]) or ()]
        return [_holder(name, directory) for name in before.holders] if before is not None else []
    side, kind = notify["side"], notify["office"]
    if kind == "BOUND":
        kind = next(one.kind for one in matter.parties if one.side == side)
    bound = matter.bound(side, kind)
    office = None if bound is None else directory.acting(bound)
    if office is None:
        office = _serving(side, kind, matter, directory)
    if office is None:
        raise UnprovedError(f"nobody is the {kind} of {side}")
    return [office]


def _serving(side: str, kind: str, matter: Matter, directory: Directory) -> Office | None:
    """The office that serves the county of a side; of a side without one, the one office that serves all its areas."""
    if side in matter.counties:
        return directory.serving(kind, f"{matter.counties[side]}000000")
    bound = [directory.offices[one.office] for one in matter.parties if one.side == side]
    found = {directory.serving(kind, area) for office in bound for area in office.areas}
    return found.pop() if len(found) == 1 else None


def _holder(name: str, directory: Directory) -> Office:
    office = directory.acting(name)
    if office is None:
        gone = directory.offices[name]
        office = None if gone.county is None else directory.serving(gone.kind, f"{gone.county}000000")
    if office is None:
        raise UnprovedError(f"office {name} holds content, closed, and nobody took its place")
    return office


def _check_sealed(header: Header, offices: Iterable[tuple[str, str | None]]) -> None:
    """Content is sealed to exactly the offices that are told with a profile."""
    wanted: dict[str, list[str]] = {}
    for office, profile in sorted(offices, key=lambda one: one[0]):
        if profile is not None:
            wanted.setdefault(profile, []).append(office)
    sealed = {ref["profile"]: ref["recipients"] for ref in header["sealed"]}
    expect(sealed == wanted, "the event is sealed to others than those who are told of it")
