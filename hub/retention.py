"""Which gateways have confirmed the end of retention, and which have not in time (DOMAIN 7.3, 7.4; ADR 0065).

The hub records each end of content; a gateway says once a day, for all of them, that it holds nothing any more of what
had ended below the ledger size that it had seen. So a confirmation covers the ends below its `until` that were recorded
before it was made, of the records of which an office of its region held something; a size from the future covers no
more. All of it is derived from entries and matters, by audit and list alike, and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from contracts.errors import FatalError
from contracts.ids import LeafIndex, RegionCode
from contracts.instant import HOUR_MS
from contracts.procedure_types import Procedure
from hub.due_report import shanghai

if TYPE_CHECKING:
    from contracts.deadline import Limits
    from hub.binding import OfficeLookup
    from hub.matter import Matter

END: Final = "CONTENT_END"
"""Procedure of what the hub records: an end of content."""
CONFIRMATION: Final = "RETENTION_CONFIRMATION"
"""Procedure of what a gateway says."""
CONFIRMED: Final = "RetentionConfirmed"
"""Its event."""
RULE: Final = "R-ERA-2"
"""Its limit, from the record of the end."""


class Ends(NamedTuple):
    """Ends of one hour that a region has not confirmed; they are confirmed together, with the last of them.

    Attributes:
        region: Whose offices held something.
        size: How many.
        first: Ledger index of the first.
        last: Ledger index of the last.
        last_ms: When the last was recorded, milliseconds.
        due_ms: When the first has to be confirmed: the first instant that is too late, milliseconds.
    """

    region: RegionCode
    size: int
    first: LeafIndex
    last: LeafIndex
    last_ms: int
    due_ms: int


class Unconfirmed(NamedTuple):
    """What one region has not confirmed.

    Attributes:
        region: Its code.
        ends: Ends that wait for it.
        late: Of them those whose limit has ended.
        first: Ledger index of the first that waits.
        due_ms: When that one has to be confirmed, milliseconds.
    """

    region: RegionCode
    ends: int
    late: int
    first: LeafIndex
    due_ms: int

    def to_json(self) -> dict[str, Any]:
        """Everything, for machines."""
        return {
            "region": self.region,
            "rule": RULE,
            "ends": self.ends,
            "index": self.first,
            "due_at": shanghai(self.due_ms),
            "due_ms": self.due_ms,
            "late": self.late,
            "overdue": self.late > 0,
        }

    def line(self) -> str:
        """Everything, for people."""
        late = f", {self.late} overdue" if self.late else ""
        told = f"{self.ends} ends of retention not confirmed{late}, the first at index {self.first}"
        return f"{shanghai(self.due_ms)}  {RULE}  region {self.region}  {told}"


@dataclass(slots=True)
class RetentionBook:
    """Follows the ends of content and their confirmations, in ledger order.

    It grows with the hours for which a gateway is silent, not with the ledger.

    Attributes:
        now_ms: Instant that says what is late, milliseconds: of an audit that of the last batch.
    """

    now_ms: int = 0
    _waiting: dict[RegionCode, list[Ends]] = field(default_factory=dict)

    def ended(self, regions: Iterable[RegionCode], index: LeafIndex, at_ms: int, limits: Limits) -> None:
        """Take an end of content.

        Args:
            regions: Whose gateways have to confirm it: `holding_regions`.
            index: Of the hub's event.
            at_ms: Its `occurred_at`.
            limits: Of the edition in which it stands.
        """
        for region in regions:
            waiting = self._waiting.setdefault(region, [])
            last = waiting[-1] if waiting else None
            if last is not None and last.last_ms // HOUR_MS == at_ms // HOUR_MS:
                waiting[-1] = last._replace(size=last.size + 1, last=index, last_ms=at_ms)
            else:
                due_ms = limits.due_at(RULE, start_ms=at_ms, region=region).due_ms
                waiting.append(Ends(region, 1, index, index, at_ms, due_ms))

    def confirmed(self, region: RegionCode, until: int, at_ms: int) -> None:
        """Take a confirmation.

        Args:
            region: Of the gateway.
            until: Ledger size that it had seen.
            at_ms: When it looked: the event's `occurred_at`.
        """
        waiting = self._waiting.pop(region, [])
        if left := [ends for ends in waiting if ends.last >= until or ends.last_ms > at_ms]:
            self._waiting[region] = left

    def unconfirmed(self, now_ms: int | None = None) -> Sequence[Unconfirmed]:
        """What is not confirmed, by region.

        Args:
            now_ms: Instant that says what is late, milliseconds; None takes the attribute.
        """
        now = self.now_ms if now_ms is None else now_ms
        return [
            Unconfirmed(
                region,
                sum(ends.size for ends in waiting),
                sum(ends.size for ends in waiting if ends.due_ms <= now),
                waiting[0].first,
                waiting[0].due_ms,
            )
            for region, waiting in sorted(self._waiting.items())
        ]

    def state(self) -> Sequence[Sequence[Any]]:
        """Plain values from which another book goes on."""
        return [list(ends) for waiting in self._waiting.values() for ends in waiting]

    def take_up(self, state: Iterable[Sequence[Any]]) -> None:
        """Go on from what `state` gave."""
        for plain in state:
            ends = Ends(*plain)
            self._waiting.setdefault(ends.region, []).append(ends)


def holding_regions(matter: Matter, directory: OfficeLookup) -> tuple[RegionCode, ...]:
    """Regions whose offices got content of a matter or sealed it: whose gateways may have held some.

    Args:
        matter: Whose content has ended.
        directory: Knows every office that there was.
    """
    offices = (directory.office(name) for name in (*matter.holders, *matter.sealers))
    return tuple(dict.fromkeys(office.region for office in offices if office is not None))


def until_of(confirmation: Matter) -> int:
    """The ledger size that a confirmation names."""
    return int(dict(confirmation.facts)["until"])


def book_of(
    acts: Iterable[tuple[LeafIndex, Matter]],
    matter_of: Callable[[bytes], Matter],
    directory: OfficeLookup,
    procedures: Mapping[tuple[str, int], Procedure],
) -> RetentionBook:
    """The book that an audit has in the end, from the matters that ends and confirmations made.

    Args:
        acts: Each with its matter: of an end its ledger index, of a confirmation the size that it names.
        matter_of: Gives the matter whose content has ended.
        directory: As of now.
        procedures: By (id, edition).

    Raises:
        FatalError: STORE_DAMAGED: an end names no matter.
    """
    book = RetentionBook()
    for index, act in sorted(acts, key=lambda one: (one[1].opened_at, one[1].procedure == CONFIRMATION, one[0])):
        if act.procedure == CONFIRMATION:
            book.confirmed(act.opened_region, index, act.opened_at)
            continue
        target = dict(act.facts)["target"]
        if not isinstance(target, bytes):
            raise FatalError("STORE_DAMAGED", "an end of content names no matter")
        regions = holding_regions(matter_of(target), directory)
        book.ended(regions, index, act.opened_at, procedures[act.procedure, act.edition].limits)
    return book
