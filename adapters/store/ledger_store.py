"""What a hub's store offers, wherever its rows are: the type for programs, audits, exports and checks.

Two keep it: `adapters.store.cosigned_store` in a file of SQLite, `adapters.store.postgres_store` in a database of
PostgreSQL. Which one a folder has, `adapters.store.opening` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from contracts.ids import KeyId, LeafIndex, OfficeId, TreeSize
from hub.ports import Store, Witnessed


class LedgerStore(Store, Witnessed, Protocol):
    """`hub.ports.Store` with what its owner asks beside: pages, content that is held, cosignatures.

    Questions are safe from any thread, and each sees the last commit as a whole.

    Raises:
        UnavailableError: STORE_BUSY: it cannot be read now; ask again.
        FatalError: STORE_DAMAGED: it does not hold what it should.
    """

    def close(self) -> None:
        """Give back connections and files; what was begun and not finished is rolled back."""

    def scrub_wanting(self) -> Sequence[str]:
        """Stable words for what server and role lack, without which `scrub` never says yes; empty where nothing does.

        The words are explained in `adapters.store.postgres_scrub`.
        """

    # -- entries and checkpoints

    def checkpoints(self, after: int, limit: int) -> Sequence[tuple[TreeSize, bytes]]:
        """Sizes and notes above a size, ascending."""

    def entry_pages(self, start: LeafIndex, end: LeafIndex) -> Iterator[list[Any]]:
        """Entries as `entries` gives them, a page at a time; None in the place of one that holds no bytes."""

    def event_count(self) -> int:
        """Event ids that are recorded."""

    # -- content

    def payload(self, entry: LeafIndex, number: int) -> bytes | None:
        """A sealed envelope, by the event that names it and its position in `sealed`, if it is still held."""

    def payloads(self, addresses: Sequence[tuple[LeafIndex, int]]) -> Mapping[tuple[LeafIndex, int], bytes]:
        """Those of some sealed envelopes that are held, by entry and number."""

    def wrapped_key(self, entry: LeafIndex, number: int, office: OfficeId) -> tuple[KeyId, bytes] | None:
        """The content key of a payload wrapped to one office, if it is still held: key id and HPKE bytes."""

    def wrapped_offices(self, addresses: Sequence[tuple[LeafIndex, int]]) -> Mapping[tuple[LeafIndex, int], set[str]]:
        """The offices for which content keys of some envelopes are held, by entry and number."""

    def held_of(self, stream_id: bytes, before: int) -> tuple[int, int]:
        """Envelopes and wrapped keys that are held of a stream's events below an index."""

    def copies_of(self, event_id: bytes) -> int:
        """Wrapped keys that are held of an event's payloads for others than the office that sealed them."""

    def ends(self, stream_id: bytes, after: LeafIndex) -> Sequence[LeafIndex]:
        """Indexes above `after` of events that destroyed content of a stream, ascending."""

    def erased_after(self, stream_id: bytes, entry: int) -> bool:
        """Whether an entry at or after an index says that a stream's content was destroyed."""

    def ended_before(self, stream_id: bytes, entry: int, until_ms: int) -> bool:
        """Whether an entry after an index, recorded up to an instant, ended a stream's content by the clock."""

    def keyless_below(self) -> TreeSize:
        """Size below which this store holds no keys, because it was copied without them; 0 for any other."""

    def keys_below(self, size: int) -> int:
        """Wrapped keys that are held of payloads that entries below a size name."""

    # -- cosignatures

    def add_cosignatures(self, size: TreeSize, lines: Mapping[str, bytes]) -> None:
        """Keep verified lines of witnesses, by name of the witness; a newer line takes the place of an older one.

        Raises:
            UnavailableError: STORE_BUSY.
        """

    def mark_witnessed(self, size: TreeSize, reached_at_ms: int) -> None:
        """Remember that the lines of a size reach the quorum; raises as `add_cosignatures`."""

    def cosignatures(self, size: TreeSize) -> Mapping[str, bytes]:
        """The lines of a size by name of the witness."""
