"""How far the relay is: the last run up to which all are acknowledged, and how the streams stood there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final, Protocol

from adapters.nats.publisher import Publisher
from adapters.nats.stream_guard import StreamMark

SAVE_SECONDS: Final = 0.05
"""The place is written at most this often, and at the end."""


class PlaceStore(Protocol):
    """Where the place is kept. `save` is durable when it returns, against a kill of the process at least."""

    def place(self) -> int:
        """Row id of the last run up to which all are on the broker; 0 at the start."""

    def streams(self) -> Mapping[str, tuple[str, int]]:
        """When each stream was made and the highest sequence number that it acknowledged."""

    def save(self, place: int, streams: Mapping[str, tuple[str, int]]) -> None:
        """Remember a place and how the streams stood there, in one transaction."""


class Place:
    """The place of one relay.

    Args:
        store: Where it is kept; read once, here.

    Attributes:
        run_id: Row id of the last run up to which all are acknowledged.
        marks: How each stream stood there.
    """

    def __init__(self, store: PlaceStore) -> None:
        self._store = store
        self._saved_at = 0.0
        self._is_saved = True
        self.run_id = store.place()
        self.marks = {name: StreamMark(*mark) for name, mark in store.streams().items()}

    def move(self, publisher: Publisher) -> None:
        """Move to what a publisher says is acknowledged; write it down if the last time is long enough ago."""
        if publisher.acknowledged is not None and publisher.acknowledged != self.run_id:
            self.run_id = publisher.acknowledged
            for name, last_seq in publisher.last_seqs.items():
                self.marks[name] = self.marks[name]._replace(last_seq=last_seq)
            self._is_saved = False
        if not self._is_saved and time.monotonic() - self._saved_at >= SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        """Write it down if it is not."""
        # If we stop before this line, the runs since the place on disk are published again under the same message ids.
        if not self._is_saved:
            self._store.save(self.run_id, self.marks)
            self._is_saved, self._saved_at = True, time.monotonic()

    def replace_marks(self, marks: Mapping[str, StreamMark]) -> None:
        """Take the streams as they are now for those that we know, and write it down."""
        self.marks = dict(marks)
        self._is_saved = False
        self.save()
