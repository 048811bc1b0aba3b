"""Digests of the projections as the hub publishes them: once a month, each at the place where its rows were taken.

    event id = UUIDv7(first day of the month, SHA-256("pprd-digests/v1\\0" || month)[:10])

So no month has two. Whoever keeps the same projections from the entries up to that place has the same digests, if his
tables of what is counted and hidden are those that `form` names (`hub.projections.digest`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from contracts.ids import EventId, Hash, StreamId, uuid7
from contracts.instant import day_start_ms
from hub.own_batch import HubDraft

DIGESTS_PUBLISHED: Final = "DigestsPublished"


def digests_id(month: str) -> bytes:
    """The id of a month's event, and of its stream."""
    first_day = date(int(month[:4]), int(month[5:]), 1)
    entropy = hashlib.sha256(f"pprd-digests/v1\0{month}".encode()).digest()[:10]
    return uuid7(unix_ms=max(0, day_start_ms(first_day)), entropy=entropy)


def digests_draft(month: str, position: int, form: str, digests: Mapping[str, Hash]) -> HubDraft:
    """The event that publishes the digests of a month.

    Args:
        month: The newest one that has closed, `2026-03`.
        position: Entries that the projections hold.
        form: What their rows depend on besides the ledger.
        digests: By name of the projection, such as `work_list`.
    """
    id_ = digests_id(month)
    rows = [{"projection": name.upper(), "digest": digest} for name, digest in digests.items()]
    body = {"month": month, "position": position, "form": form, "digests": rows}
    return HubDraft(DIGESTS_PUBLISHED, "DIGESTS", body, stream_id=StreamId(id_), event_id=EventId(id_))


def differing(body: Mapping[str, Any], digests: Mapping[str, Hash]) -> str | None:
    """What a published event says that was not derived; None if it says what follows.

    Args:
        body: Of the event.
        digests: Derived at its position, by name of the projection.
    """
    derived = {name.upper(): digest for name, digest in digests.items()}
    told = {row["projection"]: row["digest"] for row in body["digests"]}
    if told.keys() != derived.keys() or len(body["digests"]) != len(told):
        return f"digests of {', '.join(sorted(told)) or 'nothing'} are published, not of {', '.join(sorted(derived))}"
    for name, digest in derived.items():
        if told[name] != digest:
            return f"{name} at {body['position']}: published {told[name].hex()}, derived {digest.hex()}"
    return None
