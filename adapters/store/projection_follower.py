"""Keeps the projections up with the ledger, page after page: `ProjectionFollower`.

A page is derived from whole commits that the ledger has recorded, then saved in one transaction with its place. After
a fault the follower starts from the saved place with the directory as it was there, so that the rows are those of a run
without any fault.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.resources import files
from typing import Final

from adapters.store.projection_store import ProjectionStore
from contracts.event import decode_event
from contracts.hiding import Hiding, load_hiding
from contracts.ids import LeafIndex
from contracts.indicator import load_indicators
from contracts.statistic import load_statistics
from hub.admission import Rules
from hub.directory import Directory
from hub.ports import LedgerReader
from hub.projections.counting import Counting
from hub.projections.projector import Memory, Place, Projector
from hub.projections.stream_record import StreamRecord
from ledger.entry import EventEntry, decode_entry

PAGE: Final = 4096
"""Entries of one page, at most."""
_FORM: Final = "1"
_TABLES: Final = ("indicators.toml", "statistics.toml", "hiding.toml")


def form_of_projections() -> str:
    """What the rows depend on besides the ledger: the form of the file, and the tables of what counts."""
    rules = files("contracts").joinpath("rules")
    texts = [rules.joinpath(name).read_bytes() for name in _TABLES]
    return f"{_FORM}:{hashlib.sha256(b'|'.join(texts)).hexdigest()[:16]}"


class _Memory:
    """What is saved, and the ledger."""

    def __init__(self, store: ProjectionStore, reader: LedgerReader) -> None:
        self.stream: Callable[[bytes], StreamRecord | None] = store.stream
        self.statistics: Callable[[str, str], dict[tuple[str, str], int]] = store.statistics
        self.listed: Callable[[str], list[bytes]] = store.listed
        self._reader = reader

    def stream_of(self, event_id: bytes) -> bytes | None:
        index = self._reader.recorded((event_id,)).get(event_id)
        if index is None:
            return None
        (data,) = self._reader.entries(index, LeafIndex(index + 1))
        entry = decode_entry(data)
        return decode_event(entry.event).stream_id if isinstance(entry, EventEntry) else None


def new_projector(
    rules: Rules, directory: Directory, place: Place, memory: Memory, *, hiding: Hiding | None
) -> Projector:
    """A projector with the packaged tables of what is counted, and of what is hidden where no others are given."""
    return Projector(
        rules=rules,
        counting=Counting(load_indicators(), load_statistics()),
        hiding=hiding or load_hiding(),
        directory=directory,
        place=place,
        memory=memory,
    )


class ProjectionFollower:
    """Follows one ledger.

    Args:
        reader: The ledger; only read.
        store: Where the rows are; nobody else writes it.
        rules: The contracts in force.
        page: Entries derived before they are saved, at most.
        hiding: What leaves every list; the packaged rules if None.
    """

    def __init__(
        self,
        *,
        reader: LedgerReader,
        store: ProjectionStore,
        rules: Rules,
        page: int = PAGE,
        hiding: Hiding | None = None,
    ) -> None:
        self._reader = reader
        self._store = store
        self._page = page
        place = store.place()
        directory = Directory(rules.divisions)
        for index, entry in reader.directory_entries(LeafIndex(0)):
            if index >= place.position:
                break
            directory.apply_event(index, entry, rules.registry)
        self._projector = new_projector(rules, directory, place, _Memory(store, reader), hiding=hiding)

    @property
    def position(self) -> int:
        """Entries that the saved rows hold."""
        return self._projector.position

    def turn(self) -> int:
        """Derive and save the next page.

        Returns:
            How many entries are left; 0 when the rows hold the whole ledger.

        Raises:
            ConflictError: PROJECTIONS_MOVED: somebody else writes the file.
            FatalError: The file or the ledger contradicts itself. Make a new follower after any error.
        """
        projector, start = self._projector, self._projector.place
        size = self._reader.size()
        end = min(size, start.position + self._page)
        if end == start.position:
            return 0
        for entry in self._reader.entries(LeafIndex(start.position), LeafIndex(end)):
            projector.take(entry)
        self._store.save(start, projector.changes, projector.place)
        projector.turn()
        return size - end
