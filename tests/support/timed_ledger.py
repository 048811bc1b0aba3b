"""A world's hub, whose clock a test sets: it can be stopped, loaded again and audited. Pure of pytest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from adapters.store.opening import open_store
from contracts.event import Header, decode_event
from contracts.ids import LeafIndex
from contracts.instant import DAY_MS
from hub.application import Application
from hub.matter import Matter, unpack
from hub.submission import Outcome
from ledger.entry import EventEntry, decode_entry
from tests.support.audit import audit
from tests.support.batches import Made
from tests.support.world import MORNING_MS, World

MIDNIGHT_MS: Final = MORNING_MS - 10 * 3_600_000
"""2026-03-02 00:00 in Shanghai."""


class TimedLedger:
    """A world's hub, which can be stopped and loaded again; where no ledger is it makes one."""

    def __init__(self, place: Path, world: World | None = None) -> None:
        self.world = world or World()
        self._place = place
        self.store = open_store(place)
        start = self.world.load if self.store.size() else self.world.found
        self.application: Application = start(self.store)

    def restart(self) -> None:
        """Stop the hub and load it from its store."""
        self.store.close()
        self.store = open_store(self._place)
        self.application = self.world.load(self.store)

    def record(self, *events: Made) -> None:
        """Record events one after another."""
        for made in events:
            (answer,) = self.application.submit([self.world.batches[made.region].batch([made])])
            assert [(result.outcome, result.refusal) for result in answer.results] == [(Outcome.ACCEPTED, None)]

    def midnight_after(self, days: int) -> None:
        """Set the clock to the first instant of the day so many days after the first one."""
        self.world.clock.ms = MIDNIGHT_MS + days * DAY_MS

    def matter(self, made: Made) -> Matter:
        """The matter of an event as it is stored."""
        return unpack(self.store.matters([made.header.stream_id])[made.header.stream_id])

    def made_by_time(self) -> list[tuple[Header, Mapping[str, Any]]]:
        """Header and body of every event that time made, in ledger order."""
        return [
            (header, self.world.rules.registry.decode_body(header.body)[1])
            for header in self._headers()
            if header.producer_region == "00" and header.event_class != "dir"
        ]

    def finish(self) -> None:
        """Audit what was recorded, count what time made against the audit's count, and close the store."""
        tally = audit(self.store, self.world)
        missed = sum(header.event_type == "DeadlineMissed" for header, _ in self.made_by_time())
        assert sum(tally.missed.values()) == missed
        self.store.close()

    def _headers(self) -> Iterator[Header]:
        for data in self.store.entries(LeafIndex(0), LeafIndex(self.store.size())):
            entry = decode_entry(data)
            if isinstance(entry, EventEntry):
                yield decode_event(entry.event)
