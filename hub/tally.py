"""What an audit has counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from hub.retention import RetentionBook

UNREAD: Final = "UNREAD"
"""Stands for the type of events that were not read."""


@dataclass(slots=True)
class Tally:
    """What an audit has counted.

    Attributes:
        entries: All entries.
        batches: Batch entries.
        events: Accepted events, by event type.
        refusals: Events refused inside batches, by code.
        deliveries: Notifications, by delivery point.
        openings: Recorded openings, by region of the office.
        cleared: Of them those without an open task, by the reason that stands in its place.
        payloads: Sealed payloads that events name.
        missed: Missed duties, by rule.
        heads: Published heads that were compared.
        retention: Ends of retention that gateways have not confirmed.
    """

    entries: int = 0
    batches: int = 0
    events: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    deliveries: Counter[str] = field(default_factory=Counter)
    openings: Counter[str] = field(default_factory=Counter)
    cleared: Counter[str] = field(default_factory=Counter)
    payloads: int = 0
    missed: Counter[str] = field(default_factory=Counter)
    heads: int = 0
    retention: RetentionBook = field(default_factory=RetentionBook)
