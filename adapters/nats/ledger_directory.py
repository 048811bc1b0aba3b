"""The directory as the ledger has it now, for a process that reads the ledger's store."""

from __future__ import annotations

from contracts.division import Divisions
from contracts.ids import LeafIndex, TreeSize
from contracts.schema import SchemaRegistry
from hub.directory import Directory
from hub.ports import LedgerReader


class LedgerDirectory:
    """A directory that follows a ledger.

    Args:
        reader: The ledger.
        divisions: Of its genesis.
        registry: Schemas of directory events.
    """

    def __init__(self, *, reader: LedgerReader, divisions: Divisions, registry: SchemaRegistry) -> None:
        self._reader = reader
        self._registry = registry
        self._directory = Directory(divisions)
        self._next = LeafIndex(0)
        self._size = TreeSize(0)

    def now(self) -> Directory:
        """The directory with every event that is recorded by now."""
        size = self._reader.size()
        if size != self._size:
            for index, entry in self._reader.directory_entries(self._next):
                self._directory.apply_event(index, entry, self._registry)
                self._next = LeafIndex(index + 1)
            self._size = size
        return self._directory

    @property
    def size(self) -> TreeSize:
        """Entries of the ledger that the directory has taken in."""
        return self._size
