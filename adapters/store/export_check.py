"""Compares every file of an export with what the store says, and names each one that differs; removes those on demand.

Unlike an audit of the folder this has the store at hand, so that all damages are named and a repair can write the files
again. Names outside of an export's layout are named too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from adapters.store.export_layout import (
    CHECKPOINT,
    HISTORY,
    LOG,
    LOG_KEYS,
    MANIFEST,
    POLICY,
    RECEIPTS,
    ExportFolder,
    digest,
    parse_manifest,
    tile_place,
)
from adapters.store.ledger_check import Damage
from adapters.store.ledger_store import LedgerStore
from adapters.store.published_files import StoreFiles
from adapters.store.store_keys import store_chain, store_keys
from adapters.store.tiles_export import export_policy
from contracts.errors import EvidenceError, ExchangeError
from contracts.ids import LeafIndex, TreeSize
from hub.audit_errors import KeptError
from hub.evidence import frontier
from ledger.checkpoint import Checkpoint, parse_checkpoint
from ledger.proof import parse_proof, verify_proof
from ledger.tiles import TILE_WIDTH, TilePlace, tiles_of


class ExportCheck:
    """One check of one export against the store that it was made from.

    Args:
        store: The ledger; its entries are taken as they are.
        out: The folder.
    """

    def __init__(self, store: LedgerStore, out: Path) -> None:
        self._store = store
        self._out = out
        self._folder = ExportFolder(out)
        self._files = StoreFiles(store)
        self._keys = store_keys(store)

    def damages(self) -> Iterator[Damage]:
        """Every file that is missing, left over or differs."""
        size = self._store.size()
        try:
            size = self._checkpoint(CHECKPOINT, self._folder.read(CHECKPOINT)).size
        except ExchangeError as error:
            yield _differs(CHECKPOINT, error)
        wanted = [TilePlace(*one) for one in tiles_of(size)]
        wanted += [
            TilePlace(None, index, min(TILE_WIDTH, size - index * TILE_WIDTH))
            for index in range(-(-size // TILE_WIDTH))
        ]
        for place in wanted:
            yield from self._tile(f"{LOG}/{place.path}", place)
        done = {f"{LOG}/{place.path}" for place in wanted}
        for name in self._folder.walk():
            if name not in done and name != CHECKPOINT:
                yield from self._other(name, size)
        if not (self._out / POLICY).is_file():
            yield Damage(POLICY, "the log's key", "nothing")
        yield from self._manifest()

    def _tile(self, name: str, place: TilePlace) -> Iterator[Damage]:
        expected = self._files.file(place.path)
        try:
            found = self._folder.read(name)
        except KeptError as error:
            yield Damage(name, f"{len(expected)} bytes", error.message)
            return
        if found != expected:
            at = next((at for at, (a, b) in enumerate(zip(expected, found, strict=False)) if a != b), None)
            at = min(len(expected), len(found)) if at is None else at
            told, kept = expected[at : at + 16].hex(), found[at : at + 16].hex()
            index = place.index * TILE_WIDTH + at // 32
            where = f"byte {at}" if place.level is None else f"byte {at}, hash {index} of level {place.level}"
            yield Damage(name, f"{told or 'the end'} at {where}", kept or "the end")

    def _other(self, name: str, size: int) -> Iterator[Damage]:
        place = tile_place(name)
        if place is not None and place.is_in(size):
            yield from self._tile(name, place)
        elif name == POLICY:
            if self._folder.read(name) != export_policy(self._keys, size):
                yield Damage(name, "the log's key", "something else")
        elif name == LOG_KEYS:
            if self._folder.read(name) != store_chain(self._store, size):
                yield Damage(name, "the chain of the log's keys", "something else")
        elif name.startswith((f"{HISTORY}/", f"{RECEIPTS}/")):
            try:
                self._sample(name)
            except ExchangeError as error:
                yield _differs(name, error)
        elif name != MANIFEST:
            yield Damage(name, "nothing", "a file that belongs to no export of this ledger")

    def _sample(self, name: str) -> None:
        data = self._folder.read(name)
        if name.startswith(HISTORY):
            self._checkpoint(name, data)
            return
        proof = parse_proof(data)
        entry = next(self._store.entries(proof.index, LeafIndex(proof.index + 1)), b"")
        verify_proof(proof, entry, lambda note: self._checkpoint(name, note))

    def _checkpoint(self, name: str, note: bytes) -> Checkpoint:
        checkpoint = parse_checkpoint(note, self._keys)
        root = (
            frontier(self._store, TreeSize(checkpoint.size)).root() if checkpoint.size <= self._store.size() else None
        )
        if root != checkpoint.root:
            told = "no such size" if root is None else root.hex()
            raise EvidenceError("CHECKPOINT_INVALID", f"root {checkpoint.root.hex()}, the store has {told}")
        return checkpoint

    def _manifest(self) -> Iterator[Damage]:
        try:
            digests = parse_manifest(self._folder.read(MANIFEST))
        except KeptError as error:
            yield _differs(MANIFEST, error)
            return
        names = [name for name in self._folder.walk() if not name.startswith(f"{LOG}/tile/") and name != MANIFEST]
        for name in sorted({*names, *digests}):
            try:
                found = digest(self._folder.read(name))
            except KeptError as error:
                if name not in (CHECKPOINT, POLICY):  # these are named already
                    yield Damage(name, f"what the manifest lists: {digests[name]}", error.message)
                continue
            if digests.get(name, "nothing") != found:
                yield Damage(MANIFEST, f"{digests.get(name, 'nothing')} for {name}", found)

    def remove(self, damages: list[Damage]) -> None:
        """Remove the damaged files, so that the next export writes them again.

        The checkpoint goes first: without it nothing that is missing is promised, and the next export reads every tile.
        """
        if not damages:
            return
        names = {one.place for one in damages} | {MANIFEST, CHECKPOINT}
        for name in sorted(names, key=lambda name: name != CHECKPOINT):
            path = self._out / name
            if path.is_file() or path.is_symlink():
                path.unlink()
            elif path.is_dir() and not any(path.iterdir()):
                path.rmdir()
        (self._out / POLICY).write_bytes(export_policy(self._keys, self._store.size()))


def _differs(name: str, error: ExchangeError) -> Damage:
    return Damage(name, "what the store has", f"{error.code}: {error.message}")
