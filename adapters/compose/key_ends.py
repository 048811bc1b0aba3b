"""Which offices' keys end soon: told at a gateway's start and by `pprd keys list`, long before content has to wait.

An office whose key is older than two years gets nothing until it has a new one (DOMAIN 9.5, rule 2).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final, NamedTuple

from contracts.ids import OfficeId
from hub.directory import Directory

EARLY: Final = timedelta(days=90)
"""How long before its last day a key is told about."""


class Ending(NamedTuple):
    """A key that ends soon.

    Attributes:
        office: Whose it is.
        days: Left; negative once it is over.
    """

    office: OfficeId
    days: int


def ends_soon(until: date, today: date) -> bool:
    """Whether it is time to replace a key."""
    return until - EARLY < today


def ending_keys(directory: Directory, offices: Iterable[OfficeId], today: date) -> list[Ending]:
    """The keys of these offices that end soon or are over; closed offices and revoked keys have nothing to wait for."""
    found = (directory.office(office) for office in offices)
    return [
        Ending(office.office, (office.key.until - today).days)
        for office in found
        if office is not None
        and not office.is_closed
        and office.key.revoked_at is None
        and ends_soon(office.key.until, today)
    ]
