"""The shelf for a hub's own folder: event ids are compared with the store's unique list instead of being kept again.

If every event's id stands in that list with its own entry, and the list is no longer than there are events, then no id
came twice and the list is right. So an id is looked up once and nothing is written.
"""

from __future__ import annotations

from typing import Final

from adapters.store.ledger_store import LedgerStore
from adapters.store.shelf import MATTERS_IN_MEMORY, SpillingShelf, reused
from contracts.event import decode_event
from contracts.ids import LeafIndex
from hub.audit_errors import KeptError, UnexplainedError
from ledger.entry import EventEntry, decode_entry

EVENTS_AT_ONCE: Final = 500


class StoreShelf(SpillingShelf):
    """`hub.audit_source.AuditShelf` over a store.

    Args:
        store: The one that is audited.
        max_matters: As in `SpillingShelf`.
        max_events: Event ids that are looked up together.
    """

    def __init__(
        self, store: LedgerStore, *, max_matters: int = MATTERS_IN_MEMORY, max_events: int = EVENTS_AT_ONCE
    ) -> None:
        super().__init__(max_matters=max_matters, max_events=max_events)
        self._store = store

    def flush_events(self) -> None:
        """Compare the event ids in memory with the store's list.

        Raises:
            UnexplainedError: EVENT_ID_REUSED: an id came twice; names both entries.
            KeptError: LEDGER_UNEXPLAINED: the list lacks an id, or has it with another entry.
        """
        events = self._events
        recorded = self._store.recorded(list(events))
        for event_id, (_, index) in events.items():
            found = recorded.get(event_id)
            if found != index:
                raise self._other(event_id, found, index)
        events.clear()

    def _other(self, event_id: bytes, found: int | None, index: int) -> UnexplainedError | KeptError:
        if type(found) is int and found < index and self._holds(found, event_id):
            return reused(event_id, found, index)
        return KeptError(
            "LEDGER_UNEXPLAINED", f"{event_id.hex()} is not kept with its entry", place="event_ids", index=index
        )

    def _holds(self, index: int, event_id: bytes) -> bool:
        stream = self._entry_of(index)
        return stream is not None and stream[0] == event_id

    def _entry_of(self, index: int) -> tuple[bytes, bytes] | None:
        """Event id and stream of an entry that was audited before."""
        entry = next(self._store.entries(LeafIndex(index), LeafIndex(index + 1)), None)
        event = None if entry is None else decode_entry(entry)
        if not isinstance(event, EventEntry):
            return None
        header = decode_event(event.event)
        return header.event_id, header.stream_id

    def finish(self) -> None:
        """See `hub.audit_source.AuditShelf.finish`."""
        if self._events:
            self.flush_events()

    def stream_of(self, event_id: bytes) -> bytes | None:
        """See `hub.replay.Shelf.stream_of`."""
        known = self._events.get(event_id)
        if known is not None:
            return known[0]
        index = self._store.recorded((event_id,)).get(event_id)
        found = None if index is None else self._entry_of(index)
        return found[1] if found is not None and found[0] == event_id else None
