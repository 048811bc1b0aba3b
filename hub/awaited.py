"""Offices of which each has to act: the list that a matter keeps as a fact, and who holds what an order is about.

A row with `confirms` takes the office that acts from the list and completes with the last one, so that "every holder
confirmed" is a state of the matter, and what is missing can be listed at any time. A list begins as the body of an
event names it; a guard of kind `holders_of` has held it to what the ledger says of the other matter at that index.
"""

from collections.abc import Callable, Mapping
from typing import Final

from contracts.errors import AccessError
from contracts.ids import OfficeId
from contracts.procedure_types import SEPARATOR, Procedure, Transition
from hub.binding import OfficeEntry, OfficeLookup, stands_for
from hub.matter_types import FactValue, Matter

MatterLookup = Callable[[bytes], Matter | None]
"""Gives a matter by its stream, as of the event's index."""
HolderLookup = Callable[[bytes], tuple[OfficeId, ...] | None]
"""Gives the offices that hold something of a matter, by its stream; None for one that none can hold."""
Facts = tuple[tuple[str, FactValue], ...]

_UNLISTED: Final = frozenset({"hub", "rights"})


def listed(facts: Mapping[str, FactValue], name: str) -> tuple[OfficeId, ...]:
    """The offices that a fact lists; none if it is gone."""
    text = facts.get(name, "")
    return tuple(OfficeId(office) for office in str(text).split(SEPARATOR) if office)


def awaited(matter: Matter, procedure: Procedure) -> tuple[OfficeId, ...]:
    """The offices that a matter waits for: what is missing until it is complete."""
    names = dict.fromkeys(row.confirms.of for row in procedure.transitions if row.confirms is not None)
    facts = dict(matter.facts)
    return tuple(office for name in names for office in listed(facts, name))


def check_awaited(matter: Matter, row: Transition, office: OfficeEntry, directory: OfficeLookup) -> None:
    """Check that an office is one of those that a row waits for, or took over from one.

    Raises:
        AccessError: ACTOR_FORBIDDEN: it is on no list, or has acted already.
    """
    if row.confirms is None or _entry(listed(dict(matter.facts), row.confirms.of), office.office, directory) is None:
        raise AccessError("ACTOR_FORBIDDEN", f"this matter does not wait for {office.office}", field="producer_office")


def without(
    offices: tuple[OfficeId, ...], office: OfficeId, directory: OfficeLookup
) -> tuple[OfficeId, tuple[OfficeId, ...]]:
    """The entry of a list that an office stands for, and the list without it."""
    entry = _entry(offices, office, directory) or office
    return entry, tuple(one for one in offices if one != entry)


def _entry(offices: tuple[OfficeId, ...], office: OfficeId, directory: OfficeLookup) -> OfficeId | None:
    if office in offices:
        return office
    return next((one for one in offices if stands_for(directory, one, office)), None)


def with_list(facts: Facts, name: str, offices: tuple[OfficeId, ...]) -> Facts:
    """Facts with another list; an empty one is forgotten."""
    others = tuple([fact for fact in facts if fact[0] != name])
    return (*others, (name, SEPARATOR.join(offices))) if offices else others


def entries(facts: Facts, name: str, directory: OfficeLookup) -> tuple[OfficeEntry, ...]:
    """The directory's entries of the offices of a list."""
    found = (directory.office(office) for office in listed(dict(facts), name))
    return tuple(entry for entry in found if entry is not None)


def holders_of(matter: Matter, procedure: Procedure, directory: OfficeLookup) -> tuple[OfficeId, ...] | None:
    """The offices that hold something of a matter: who got content, who sealed it, who acted for a side of its own.

    The other side counts from the first content that it got or sealed: that it was named tells it nothing, and an order
    must not be the first that it hears of the person.

    Args:
        matter: As of the index at which the order is recorded.
        procedure: The matter's.
        directory: As of that index; an office that closed is the one that acts for it.

    Returns:
        None for a matter that no office's record stands behind: the hub's own, and requests and orders themselves.
    """
    if procedure.kind in _UNLISTED:
        return None
    other = None if procedure.counterpart is None else procedure.counterpart.side
    acted = (party.office for party in matter.parties if party.side != other)
    acting = (directory.acting(office) for office in dict.fromkeys((*matter.holders, *matter.sealers, *acted)))
    return tuple(dict.fromkeys(office.office for office in acting if office is not None))
