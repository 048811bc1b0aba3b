"""When a task of an office is open in a matter (DOMAIN 8.1): asked by gateway, hub and auditor, answered alike.

An office has an open task while it was told content and has not acted since, or while a duty of it runs. Both follow
from the matter as its events left it and from the directory. A restricted matter has no tasks: it is stored and nothing
else. An end that others brought about ends no task: who was told may still read what it was told, until its key is
destroyed. What an office notes for itself, that it has handled something, closes its own list and nobody else's.
"""

from typing import Protocol

from contracts.deadline import Kind
from contracts.ids import OfficeId, is_office_id
from contracts.procedure_types import RETENTION, Procedure, is_restricted
from hub.binding import OfficeEntry
from hub.duty import due_in
from hub.matter import Duty, Matter

NOBODY = OfficeId("")
"""Stands for the office of a duty in a county that no office of its type serves."""


class ActingOffices(Protocol):
    """What is asked of a directory."""

    def acting(self, office: OfficeId) -> OfficeEntry | None:
        """The open office that acts for an office."""

    def serving(self, office_type: str, place: str, at_ms: int | None = None) -> OfficeEntry | None:
        """The open office of a type that serves a place."""


def has_open_task(procedure: Procedure, matter: Matter, office: OfficeId, directory: ActingOffices, at_ms: int) -> bool:
    """Whether an office has an open task in a matter.

    Args:
        procedure: The matter's.
        matter: As it stands.
        office: The office.
        directory: As of the same index.
        at_ms: Instant that says which divisions are in force, milliseconds.
    """
    if is_restricted(matter.state):
        return False
    return office in matter.told or owes(procedure, matter, office, directory, at_ms)


def owes(procedure: Procedure, matter: Matter, office: OfficeId, directory: ActingOffices, at_ms: int) -> bool:
    """Whether a duty of an office runs in a matter; a person's window, retention and an effect of time are none."""
    return any(
        owing(matter, duty, directory, at_ms) == office
        for duty in matter.duties
        if duty.rule != RETENTION and due_in(procedure, matter, duty).kind is Kind.DUTY
    )


def owing(matter: Matter, duty: Duty, directory: ActingOffices, at_ms: int) -> OfficeId:
    """The office that owes a duty: the bound one or its successor, else the one that serves the county of its side.

    A limit of one office of a list has that office for its side.
    """
    bound = OfficeId(duty.side) if is_office_id(duty.side) else matter.office_of(duty.side, duty.office_type)
    acting = None if bound is None else directory.acting(bound)
    if acting is None:
        county6 = matter.county_of(duty.side)
        acting = None if county6 is None else directory.serving(duty.office_type, county6, at_ms)
    if acting is not None:
        return acting.office
    return NOBODY if bound is None else bound
