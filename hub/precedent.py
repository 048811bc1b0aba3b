"""What was decided of one event and holds for others like it: `Precedents`.

Most events differ from an earlier one in ids, hashes, instants and content only. Whether their office may send them
(`Standing`), and in a matter that stands alike which row they take, whom they bind and who is told (`Precedent`), is
then the same, for as long as contracts and directory are. It is decided once, by the same functions as ever.

Rules kept here: only what was allowed is kept, so each refusal is decided anew, in its order; whatever a decision reads
stands in its key, or it is not kept; nothing outlives a change of the directory. Not here: what differs from event to
event, such as position, body, limits, content and keys (`hub.admission`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from contracts.event import Header
from contracts.ids import PointId
from contracts.instant import DAY_MS, SHANGHAI_MS
from contracts.procedure_types import HOLDERS, Guards, Procedure, Transition
from hub.binding import Binding
from hub.directory import Directory
from hub.matter import Matter
from hub.routing import Addressed, Recipient

KEPT: Final = 16_384
"""Standings and precedents together: some 10 MiB. When there are more, all go."""

Circumstances = tuple[object, ...]
"""What a precedent depends on besides its standing."""


class Precedent(NamedTuple):
    """What follows from an event of a standing in one set of circumstances.

    Attributes:
        row: The row it takes.
        guards: Those of its guards that have to be asked of every event.
        binding: Parties, regions and counties of the matter after it.
        recipients: Who is told.
        points: The delivery points of these.
        addressed: To whom its content has to be sealed.
    """

    row: Transition
    guards: Guards
    binding: Binding
    recipients: tuple[Recipient, ...]
    points: tuple[PointId, ...]
    addressed: Addressed


class Standing:
    """That an office may send events of one type, of one procedure, for one purpose on one basis.

    Args:
        procedure: The procedure.
        schema: Full name of the body's schema.
        from_ms: First instant at which the mandate is in force.
        to_ms: First instant at which it is no longer; None until it is revoked.

    Attributes:
        precedents: What followed so far, by circumstances.
    """

    __slots__ = ("_conditions", "from_ms", "precedents", "procedure", "schema", "to_ms")

    def __init__(
        self, procedure: Procedure, event_type: str, schema: str, from_ms: int = 0, to_ms: int | None = None
    ) -> None:
        self.procedure = procedure
        self.schema = schema
        self.from_ms = from_ms
        self.to_ms = to_ms
        self.precedents: dict[Circumstances, Precedent] = {}
        self._conditions = procedure.conditions[event_type]

    def circumstances(self, header: Header, matter: Matter | None, body: Mapping[str, Any]) -> Circumstances:
        """On what it depends which row an event takes, whom that binds and who is told.

        Mandates, bases and divisions are in force by the day. What else an event says, its standing says or no row
        reads; rows that read more are never kept (`is_settled`).
        """
        day = (header.occurred_at + SHANGHAI_MS) // DAY_MS
        other = header[11:13]
        conditions = tuple([body.get(field) for field in self._conditions]) if self._conditions else ()
        if matter is None:
            return day, other, conditions
        return day, other, conditions, matter.state, matter.parties, matter.regions, matter.counties


class Precedents:
    """What one hub or one replay decided since the directory last changed. Mutable; its owner's."""

    __slots__ = ("_directory", "_kept", "_rules", "_standings", "_version")

    def __init__(self) -> None:
        self._standings: dict[tuple[Any, ...], Standing] = {}
        self._rules: object = None
        self._directory: Directory | None = None
        self._version = 0
        self._kept = 0

    def find(self, header: Header, rules: object, directory: Directory) -> Standing | None:
        """The standing of an event at its instant; None where it is not known yet.

        Args:
            header: The event.
            rules: The contracts in force.
            directory: As of the event's index.
        """
        if directory.version != self._version or directory is not self._directory or rules is not self._rules:
            self._rules, self._directory, self._version = rules, directory, directory.version
            self._clear()
            return None
        standing = self._standings.get(header[1:4] + header[7:11] + header[14:17])  # `_kind`, without its call
        at_ms = header.occurred_at
        if standing is None or at_ms < standing.from_ms or (standing.to_ms is not None and at_ms >= standing.to_ms):
            return None
        return standing

    def stand(self, header: Header, standing: Standing) -> None:
        """Keep that an event may be sent."""
        self._make_room()
        self._standings[_kind(header)] = standing

    def decide(self, standing: Standing, circumstances: Circumstances, precedent: Precedent) -> None:
        """Keep what follows from an event, if nothing but its standing and its circumstances was read for it."""
        if is_settled(precedent.row):
            self._make_room()
            standing.precedents[circumstances] = precedent

    def _make_room(self) -> None:
        if self._kept >= KEPT:
            self._clear()
        self._kept += 1

    def _clear(self) -> None:
        self._standings.clear()
        self._kept = 0


def is_settled(row: Transition) -> bool:
    """Whether a row reads nothing of a matter but its state and its sides: no lists of offices, no holders."""
    return row.confirms is None and row.by.side != HOLDERS and all(notify.side != HOLDERS for notify in row.notify)


def _kind(header: Header) -> tuple[Any, ...]:
    """Schema, type and class; procedure, edition, region and office; purpose, basis and data class."""
    return header[1:4] + header[7:11] + header[14:17]
