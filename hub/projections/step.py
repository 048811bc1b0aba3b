"""One event with what it did: `Step`, and `Derivation`, which derives them from the ledger's entries in order.

A ledger that the hub wrote is believed here: what was recorded was admitted, so no guard, mandate or signature is
checked again (that is the audit's work). States and duties come from `hub.matter`, as everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from contracts.event import Header, decode_event, leaf_hash
from contracts.ids import LeafIndex
from contracts.instant import local_day
from contracts.procedure_types import Procedure, Transition
from hub.admission import Rules
from hub.directory import Directory
from hub.matter import Matter, match_row, take_row
from ledger.entry import BatchEntry, EventEntry, decode_entry


class Step(NamedTuple):
    """An event and what followed from it.

    Attributes:
        at: Index of its entry.
        recorded_at: Hub time of its batch, milliseconds.
        month: The month in Shanghai in which it was recorded, `2026-03`.
        header: The event.
        body: Its decoded body.
        procedure: Of its matter.
        row: The row that it took; None for what the hub records of itself.
        before: The matter before it.
        after: The matter after it; None for what the hub records of itself.
    """

    at: LeafIndex
    recorded_at: int
    month: str
    header: Header
    body: Mapping[str, Any]
    procedure: Procedure
    row: Transition | None
    before: Matter | None
    after: Matter | None


class Derivation:
    """Derives steps, one entry a call.

    Args:
        rules: The contracts in force.
        directory: As of the place where the derivation goes on; it changes with the entries.
        recorded_at: Hub time of the last batch before that place, milliseconds.

    Attributes:
        directory: As given.
        recorded_at: Hub time of the last batch.
        month: The month in Shanghai of that time.
    """

    def __init__(self, rules: Rules, directory: Directory, recorded_at: int) -> None:
        self._rules = rules
        self.directory = directory
        self.recorded_at = recorded_at
        self.month = _month(recorded_at)

    def take(self, index: LeafIndex, data: bytes, matter_of: Callable[[bytes], Matter | None]) -> Step | None:
        """Take the next entry.

        Args:
            index: Its index.
            data: Its bytes.
            matter_of: Gives a matter as it stands before this entry.

        Returns:
            What an event did; None for entries that hold none.

        Raises:
            ExchangeError: The entry contradicts those before it: the ledger is damaged.
        """
        match decode_entry(data):
            case EventEntry() as entry:
                return self._step(index, entry.event, matter_of)
            case BatchEntry() as entry:
                self._move(entry.recorded_at)
            case entry:
                self._move(entry.created_at)
        return None

    def _move(self, recorded_at: int) -> None:
        if recorded_at != self.recorded_at:
            self.recorded_at = recorded_at
            self.month = _month(recorded_at)

    def _step(self, index: LeafIndex, event: bytes, matter_of: Callable[[bytes], Matter | None]) -> Step:
        header = decode_event(event)
        procedure = self._rules.procedures[header.procedure, header.edition]
        body = self._rules.registry.decode_body(header.body)[1]
        directory = self.directory
        if procedure.kind == "hub":
            if header.event_class == "dir":
                directory.apply(index, header, body)
            return Step(index, self.recorded_at, self.month, header, body, procedure, None, None, None)
        before = matter_of(header.stream_id) if header.stream_seq else None
        row = match_row(procedure, before, header, body, directory)
        after = take_row(procedure, row, before, header, body, directory, leaf_hash(event))
        return Step(index, self.recorded_at, self.month, header, body, procedure, row, before, after)


def _month(at_ms: int) -> str:
    return local_day(at_ms).isoformat()[:7]
