"""Who follows an office that closed: `Succession`, and which office may."""

from __future__ import annotations

from contracts.errors import ContractError, RuleError
from contracts.ids import OfficeId
from hub.directory_values import Office


class Succession:
    """The named successors, seen from those who follow. Mutable; its directory's."""

    __slots__ = ("_followed",)

    def __init__(self) -> None:
        self._followed: dict[str, tuple[OfficeId, ...]] = {}

    def add(self, closed: OfficeId, successor: OfficeId) -> None:
        """Let an office follow one that closes."""
        self._followed[successor] = (*self._followed.get(successor, ()), closed)

    def predecessors(self, office: OfficeId) -> tuple[OfficeId, ...]:
        """The closed offices that an office follows, through every closing, those that closed last first."""
        found = [*self._followed.get(office, ())]
        for earlier in found:
            found += self._followed.get(earlier, ())
        return tuple(found)


def check_successor(office: Office, successor: Office | None) -> None:
    """Check that an office may be followed by another: an open one of its type, in its region.

    Raises:
        RuleError: OFFICE_UNKNOWN, OFFICE_CLOSED.
        ContractError: BODY_FIELD.
    """
    if successor is None or successor.region != office.region:
        raise RuleError("OFFICE_UNKNOWN", f"region {office.region} has no such office", field="successor")
    if successor.is_closed:
        raise RuleError("OFFICE_CLOSED", f"{successor.office} was closed at {successor.closed_at}", field="successor")
    if successor.office == office.office or successor.office_type != office.office_type:
        raise ContractError("BODY_FIELD", f"the successor is another {office.office_type}", field="successor")
