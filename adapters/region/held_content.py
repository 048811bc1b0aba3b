"""What a gateway holds of content: payloads and keys that wait for an answer, and what waits for an approval.

All of it is sealed as it came or goes; a content key alone is never kept, and what an officer read is not kept at all.
The view `held_content` tells it row by row. Rules kept here: what is destroyed is destroyed in one transaction with the
note that says so; deleted rows are overwritten in the file (`database`), and `scrub` takes the old pages out of its
log. Not here: when (`orders`).
"""

from __future__ import annotations

from adapters.region.database import RegionDatabase
from contracts.ids import EventId, StreamId


class HeldContent:
    """The content in `region.sqlite`; called from one thread only.

    Args:
        database: The region's file.
    """

    def __init__(self, database: RegionDatabase) -> None:
        self._db = database

    def of_stream(self, stream_id: bytes) -> int:
        """Payloads, wrapped keys and withheld copies that are held of a stream."""
        return int(self._db.one("SELECT count(*) FROM held_content WHERE stream_id=?", stream_id)[0])

    def withheld(self) -> list[tuple[StreamId, EventId]]:
        """Stream and event of what waits for an approval."""
        rows = self._db.all("SELECT DISTINCT stream_id, event_id FROM held_content WHERE what='WITHHELD'")
        return [(StreamId(stream_id), EventId(event_id)) for stream_id, event_id in rows]

    def write_destroyed(self, stream_id: bytes) -> None:
        """Destroy everything of a stream, as a part of the caller's transaction."""
        mine = "SELECT event_id FROM held_content WHERE stream_id=?"
        self._db.write(
            f"DELETE FROM withheld WHERE request_id IN (SELECT request_id FROM openings WHERE event_id IN ({mine}))",
            stream_id,
        )
        self._db.write(
            f"DELETE FROM outbox_keys WHERE hash IN (SELECT hash FROM outbox_payloads WHERE event_id IN ({mine}))",
            stream_id,
        )
        self._db.write(f"DELETE FROM outbox_payloads WHERE event_id IN ({mine})", stream_id)

    def write_forgotten(self, stream_id: bytes) -> None:
        """Forget that a hold protects a stream that gets no more content, as a part of the caller's transaction."""
        self._db.write("DELETE FROM held_streams WHERE stream_id=?", stream_id)

    def destroy_withheld(self, event_id: bytes) -> None:
        """Destroy what waits for an approval under one event, durable on return."""
        with self._db.transaction():
            self._db.write(
                "DELETE FROM withheld WHERE request_id IN (SELECT request_id FROM openings WHERE event_id=?)", event_id
            )

    def scrub(self) -> bool:
        """Take what was destroyed out of the file's log; False if somebody still reads what was: ask again."""
        return self._db.scrub()
