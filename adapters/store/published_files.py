"""The published ledger as files, from a hub's store or from an exported folder: `hub.ports.LedgerFiles`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from adapters.store.export_layout import ExportFolder
from adapters.store.ledger_store import LedgerStore
from adapters.store.store_keys import store_chain
from contracts.errors import FatalError, RuleError
from contracts.ids import LeafIndex, TreeSize
from hub.audit_errors import KeptError
from ledger.checkpoint import checkpoint_size
from ledger.compact import HASH_BYTES
from ledger.tiles import TILE_WIDTH, TilePlace, decode_bundle, encode_bundle, parse_tile_path

_CHECKPOINT = "checkpoint"
_LOG_KEYS = "log-keys"


class StoreFiles:
    """Reads a store that a hub may be writing. Partial tiles of every earlier size are there too, for they are cut from
    what is stored.

    Args:
        store: The ledger.
        published: Gives the size whose checkpoint is shown; None shows the newest one.
    """

    def __init__(self, store: LedgerStore, published: Callable[[], TreeSize | None] | None = None) -> None:
        self._store = store
        self._published = published

    def _size(self) -> TreeSize:
        size = self._store.size() if self._published is None else self._published()
        if not size:
            raise RuleError("NOT_FOUND", "no checkpoint is published yet")
        return size

    def file(self, name: str) -> bytes:
        """See `hub.ports.LedgerFiles.file`."""
        if name == _CHECKPOINT:
            size = self._size()
            note = self._store.checkpoint(size)
            if note is None:
                raise FatalError("STORE_DAMAGED", f"no checkpoint of size {size} is kept")
            return note
        if name == _LOG_KEYS:
            chain = store_chain(self._store)
            if chain is None:
                raise RuleError("NOT_FOUND", "this ledger has one key")
            return chain
        place = parse_tile_path(name)
        # What is signed but not cosigned yet may be read: a witness that validates has to see it first.
        if not place.is_in(self._store.size()):
            raise RuleError("NOT_FOUND", "this is not published")
        return self._bundle(place) if place.level is None else self._hashes(place.level, place)

    def _bundle(self, place: TilePlace) -> bytes:
        start = place.index * TILE_WIDTH
        entries = list(self._store.entries(LeafIndex(start), LeafIndex(start + place.width)))
        if len(entries) != place.width:
            raise FatalError("STORE_DAMAGED", f"entries from {start} on are not all there")
        return encode_bundle(entries)

    def _hashes(self, level: int, place: TilePlace) -> bytes:
        hashes = self._store.tile(level, place.index)[: place.width * HASH_BYTES]
        if len(hashes) != place.width * HASH_BYTES:
            raise FatalError("STORE_DAMAGED", f"tile {level}/{place.index} is not all there")
        return hashes


class FolderFiles:
    """Reads an exported `log` folder: what lies there under the name of a tile, if its checkpoint counts it.

    Args:
        log: The folder that holds `checkpoint` and `tile`.
    """

    def __init__(self, log: Path) -> None:
        self._folder = ExportFolder(log)

    def file(self, name: str) -> bytes:
        """See `hub.ports.LedgerFiles.file`."""
        try:
            note = self._folder.read(_CHECKPOINT)
            if name == _CHECKPOINT:
                return note
            if name == _LOG_KEYS:
                return self._folder.read(name)
            place = parse_tile_path(name)
            if not place.is_in(checkpoint_size(note)):
                raise RuleError("NOT_FOUND", "this is not published")
            return self._read(place)
        except KeptError as error:
            raise RuleError("NOT_FOUND", "this is not published") from error

    def _read(self, place: TilePlace) -> bytes:
        try:
            return self._folder.read(place.path)
        except KeptError:
            if place.width == TILE_WIDTH:
                raise
        # The full tile has come and its partial ones have gone: who asked for one gets the beginning of the full one.
        full = self._folder.read(TilePlace(place.level, place.index, TILE_WIDTH).path)
        if place.level is not None:
            return full[: place.width * HASH_BYTES]
        return encode_bundle(decode_bundle(full)[: place.width])
