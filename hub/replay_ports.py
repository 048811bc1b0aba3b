"""What a replay needs from outside, a `Shelf`, and whom it tells what it derives, an `Observer`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from contracts.event import Header
from contracts.ids import Hash, LeafIndex, PointId
from hub.matter_types import Matter


class Shelf(Protocol):
    """Where an audit keeps what grows with the ledger; it may spill to disk."""

    def matter(self, stream_id: bytes) -> Matter | None:
        """The matter of a stream as derived so far."""

    def put(self, stream_id: bytes, matter: Matter) -> None:
        """Keep a matter."""

    def add_event(self, event_id: bytes, stream_id: bytes, index: int) -> None:
        """Keep an event id with its stream.

        Raises:
            UnexplainedError: EVENT_ID_REUSED, now or at a later call: an id came twice; names both entries.
            KeptError: An id is kept with another entry.
        """

    def all_matters(self) -> Iterable[tuple[bytes, bytes]]:
        """Stream id and packed state of every matter, in any order."""

    def stream_of(self, event_id: bytes) -> bytes | None:
        """The stream of a recorded event id."""

    def add_sealed(self, event_id: bytes, packed: bytes) -> None:
        """Keep what an event said of its payloads (`hub.sealed_event`); asked once an event."""

    def sealed_of(self, event_id: bytes) -> bytes | None:
        """What `add_sealed` kept of an event; None for one that names no payload."""


class Delivery(NamedTuple):
    """One derived notification: who gets which entry under which number.

    Attributes:
        point: Whose it is.
        n: Its counter, from 1.
        entry: The entry.
        head: Running hash after it.
        is_case: Whether it travels sealed as a whole.
    """

    point: PointId
    n: int
    entry: LeafIndex
    head: Hash
    is_case: bool


class Observer(Protocol):
    """Told of what a replay derives, in ledger order; it compares that with what somebody keeps."""

    def delivered(self, delivery: Delivery) -> None:
        """A notification that follows from an entry."""

    def content(self, index: LeafIndex, header: Header) -> None:
        """An accepted event: it may name sealed payloads, or do something to content."""
