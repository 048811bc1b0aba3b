"""What a region's file holds of content, against what it has noted and what the ledger says: nothing outlives its end.

A gateway that has noted an order as carried out holds nothing of the record any more. Content whose time is over by the
ledger's clock is held nowhere; a gateway has a day for it, as the hub has. An order that a gateway has not carried out
yet is no fault: whoever waits for its confirmation sees that it is missing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final, Protocol

from contracts.errors import UnavailableError
from contracts.ids import LeafIndex
from contracts.instant import DAY_MS
from contracts.procedure_types import ERASE, Procedure
from hub.audit_errors import KeptError
from hub.content import overdue
from hub.matter import unpack

_SURVIVED: Final = (
    "SELECT h.what, o.idx FROM held_content h JOIN orders o ON o.target=h.stream_id WHERE o.done_at IS NOT NULL"
    " AND (h.stream_id IN closed_streams OR h.stream_id IN sealed_streams) ORDER BY o.idx DESC LIMIT 1"
)
_TABLES: Final = "SELECT count(*) FROM sqlite_master WHERE name IN ('held_content', 'orders')"


class LedgerOfMatters(Protocol):
    """What is asked of the audited ledger."""

    def matters(self, stream_ids: list[bytes]) -> Mapping[bytes, bytes]:
        """Packed matters of those streams that exist."""

    def recorded(self, event_ids: list[bytes]) -> Mapping[bytes, LeafIndex]:
        """Ledger index of those event ids that are recorded."""

    def recorded_at(self) -> int:
        """When the last commit was recorded, milliseconds."""

    def ended_before(self, stream_id: bytes, entry: int, until_ms: int) -> bool:
        """Whether an entry after an index, recorded up to an instant, ended a stream's content by the clock."""


def check_held(path: Path, ledger: LedgerOfMatters, procedures: Mapping[tuple[str, int], Procedure]) -> None:
    """Check that a region holds no content past its end.

    Args:
        path: Its `region.sqlite`.
        ledger: That was audited.
        procedures: By (id, edition).

    Raises:
        KeptError: PAYLOAD_INVALID: names the region's folder and what is held.
        UnavailableError: STORE_BUSY: the file cannot be read.
    """
    region = path.parent.name
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as db:
            if db.execute(_TABLES).fetchone()[0] != 2:
                return
            survived = db.execute(_SURVIVED).fetchone()
            held = db.execute("SELECT DISTINCT what, stream_id, event_id FROM held_content").fetchall()
    except sqlite3.Error as error:
        raise UnavailableError("STORE_BUSY", f"{path.name} of region {region} cannot be read: {error}") from error
    if survived is not None:
        what, index = survived
        told = "content is held of a record whose order is noted as carried out"
        raise KeptError("PAYLOAD_INVALID", told, place=f"regions/{region} {what}", index=index)
    for what, stream_id, event_id in held:
        if _is_over(ledger, procedures, stream_id, event_id):
            told = "content is held although its time is over"
            raise KeptError("PAYLOAD_INVALID", told, place=f"regions/{region} {what}")


def _is_over(
    ledger: LedgerOfMatters, procedures: Mapping[tuple[str, int], Procedure], stream_id: bytes, event_id: bytes
) -> bool:
    """Whether the content that came with an event reached its end a day ago, recorded by the hub or not."""
    until_ms = ledger.recorded_at() - DAY_MS
    came, packed = ledger.recorded([event_id]).get(event_id), ledger.matters([stream_id]).get(stream_id)
    if came is None or packed is None:
        return False
    if ledger.ended_before(stream_id, came, until_ms):
        return True
    matter = unpack(packed)
    ends = overdue(procedures[matter.procedure, matter.edition], matter, until_ms)
    since = {end.since: end.what for end in ends}
    places = ledger.recorded(list(since))
    return any(one == event_id or (what == ERASE and came <= places[one]) for one, what in since.items())
