"""Writes a ledger as files that any auditor can read and serve: see `adapters.store.export_layout`.

Rules kept here: a file appears whole or not at all (temporary name, then rename); the checkpoint comes last, so what it
counts is there; a second export of the same ledger writes only what is new; partial tiles of an exported size stay
until the full tile is there. Memory: one bundle, one page of checkpoints. A hub may go on writing meanwhile: what is
exported is the ledger under the checkpoint that was the last one at the start.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

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
    format_manifest,
    history_name,
    receipt_name,
    tile_place,
)
from adapters.store.ledger_store import LedgerStore
from adapters.store.store_keys import store_chain, store_keys
from contracts.errors import ConflictError, ExchangeError, FatalError, UnavailableError
from contracts.ids import LeafIndex, TreeSize
from hub.evidence import entry_receipt, frontier
from ledger.checkpoint import Checkpoint, parse_checkpoint
from ledger.compact import HASH_BYTES
from ledger.entry import EventEntry, decode_entry
from ledger.log_keys import LogKeys
from ledger.policy import NO_QUORUM, Log, Policy, format_policy
from ledger.proof import TlogProof, format_proof
from ledger.tiles import TILE_WIDTH, encode_bundle, entries_path, tile_path, tiles_of

MAX_HISTORY: Final = 100
RECEIPT_SAMPLE: Final = 32
_PAGE: Final = 1000
_TEMPORARY: Final = ".pprd-"


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote.

    Attributes:
        origin: Of the ledger.
        size: Entries under the exported checkpoint.
        tiles: Hash tiles and entry bundles written now.
        checkpoints: In the history.
        receipts: In the sample.
    """

    origin: str
    size: int
    tiles: int
    checkpoints: int
    receipts: int


class TilesExport:
    """One export of one ledger to one folder.

    Args:
        store: The ledger, opened read-only.
        out: The folder; made if it does not exist.
        progress: Told how many of how many entries are done.
    """

    def __init__(self, store: LedgerStore, out: Path, progress: Callable[[int, int], None] | None = None) -> None:
        self._store = store
        self._out = out
        self._folder = ExportFolder(out)
        self._progress = progress or (lambda done, size: None)
        self._written = 0
        self._digests: dict[str, str] = {}

    def run(self) -> Exported:
        """Write everything that is not there yet.

        Raises:
            ConflictError: EXPORT_OCCUPIED: the folder holds something else than an export of this ledger.
            UnavailableError: EXPORT_FAILED: a file cannot be written; STORE_MISSING: there is no ledger.
        """
        size = self._store.size()
        note = self._store.checkpoint(size) if size else None
        if note is None:
            raise UnavailableError("STORE_MISSING", "the store holds no ledger that could be exported")
        keys = store_keys(self._store, size)
        checkpoint = parse_checkpoint(note, keys)
        try:
            published = self._earlier(keys, checkpoint)
            self._remove_temporary()
            self._write(POLICY, export_policy(keys, size))
            chain = store_chain(self._store, size)
            if chain is not None:
                self._write(LOG_KEYS, chain)
            self._write_log(published, size)
            history, receipts = self._write_history(size), self._write_receipts(size)
            os.sync()
            self._write(CHECKPOINT, note)
            self._write(MANIFEST, format_manifest(self._digests))
            self._remove_replaced(size)
        except OSError as error:
            raise UnavailableError("EXPORT_FAILED", f"{error.filename}: {error.strerror}") from error
        self._progress(size, size)
        return Exported(keys.origin, size, self._written, history, receipts)

    # -- what is there already

    def _earlier(self, keys: LogKeys, now: Checkpoint) -> int:
        """Size of the export that the folder holds already; 0 for none, or for one that never came to its end.

        Raises:
            ConflictError: EXPORT_OCCUPIED.
        """
        if self._out.exists() and not self._out.is_dir():
            raise _occupied("it is a file")
        if all(_is_temporary(name) for name in self._folder.walk()):
            return 0
        policies = {export_policy(keys, key.since) for key in keys.keys}
        policies |= {export_policy(keys, key.until + 1) for key in keys.keys if key.until is not None}
        if not self._folder.has(POLICY) or self._folder.read(POLICY) not in policies:
            raise _occupied("it holds no export of this ledger")
        if not self._folder.has(CHECKPOINT):
            return 0
        try:
            earlier = parse_checkpoint(self._folder.read(CHECKPOINT), keys)
        except UnavailableError:
            raise
        except ExchangeError as error:
            raise _occupied(f"its checkpoint is not this ledger's: {error.message}") from error
        if earlier.size > now.size or earlier.root != frontier(self._store, earlier.size).root():
            raise _occupied(f"its checkpoint of size {earlier.size} is not of this ledger")
        return earlier.size

    def _remove_temporary(self) -> None:
        """Remove what an interrupted export left behind."""
        for name in [name for name in self._folder.walk() if _is_temporary(name)]:
            (self._out / name).unlink()

    # -- the log

    def _write_log(self, published: int, size: int) -> None:
        for level, index, width in tiles_of(size):
            if not self._is_published(level, index, width, published):
                self._write_tile(level, index, width)
        for number in range(published // TILE_WIDTH, -(-size // TILE_WIDTH)):
            self._write_bundle(number, min(TILE_WIDTH, size - number * TILE_WIDTH))
            self._progress(min(size, (number + 1) * TILE_WIDTH), size)

    @staticmethod
    def _is_published(level: int, index: int, width: int, published: int) -> bool:
        return index * TILE_WIDTH + width <= published >> 8 * level

    def _write_tile(self, level: int, index: int, width: int) -> None:
        hashes = self._store.tile(level, index)[: width * HASH_BYTES]
        if len(hashes) != width * HASH_BYTES:
            raise FatalError("STORE_DAMAGED", f"tile {level}/{index} holds {len(hashes)} bytes; audit the ledger")
        self._write_once(f"{LOG}/{tile_path(level, index, width)}", hashes)

    def _write_bundle(self, number: int, width: int) -> None:
        start = number * TILE_WIDTH
        entries = list(self._store.entries(LeafIndex(start), LeafIndex(start + width)))
        if len(entries) != width:
            raise FatalError("STORE_DAMAGED", f"entries {start} to {start + width} are not all there; audit the ledger")
        self._write_once(f"{LOG}/{entries_path(number, width)}", encode_bundle(entries))

    # -- the samples

    def _write_history(self, size: int) -> int:
        sizes = self._spread_sizes(size)
        for one in sizes:
            note = self._store.checkpoint(TreeSize(one))
            if note is not None:
                self._write(history_name(one), note)
        self._keep_only(HISTORY, [history_name(one) for one in sizes])
        return len(sizes)

    def _spread_sizes(self, size: int) -> list[int]:
        """Sizes of the first checkpoint, the last one and evenly many between them."""
        count = sum(1 for _ in self._sizes(size))
        wanted = set(evenly(count, MAX_HISTORY))
        return [one for number, one in enumerate(self._sizes(size)) if number in wanted]

    def _sizes(self, size: int) -> Iterator[int]:
        after = 0
        while page := self._store.checkpoints(after, _PAGE):
            for after, _ in page:
                if after > size:
                    return
                yield after

    def _write_receipts(self, size: int) -> int:
        indexes = self._spread_events(size)
        for index in indexes:
            receipt = entry_receipt(self._store, LeafIndex(index))
            proof = TlogProof(receipt.index, receipt.path, receipt.checkpoint, receipt.entry)
            self._write(receipt_name(index), format_proof(proof))
        self._keep_only(RECEIPTS, [receipt_name(index) for index in indexes])
        return len(indexes)

    def _spread_events(self, size: int) -> list[int]:
        """Indexes of events, evenly spread: from each of some places on, the next event that was not taken yet."""
        found: list[int] = []
        for start in evenly(size, RECEIPT_SAMPLE):
            found += self._next_event(max(start, found[-1] + 1 if found else 0), size)
        taken = set(found)
        at = 0
        while len(taken) < RECEIPT_SAMPLE and (more := self._next_event(at, size)):
            taken.update(more)
            at = more[0] + 1
        return sorted(taken)

    def _next_event(self, start: int, size: int) -> list[int]:
        for index, entry in enumerate(self._store.entries(LeafIndex(start), LeafIndex(size)), start):
            if isinstance(decode_entry(entry), EventEntry):
                return [index]
        return []

    # -- files

    def _write_once(self, name: str, data: bytes) -> None:
        """Write a file that never changes; one that is there already must be the same."""
        if self._folder.has(name):
            if self._folder.read(name) != data:
                raise _occupied(f"{name} holds other bytes than this ledger")
            return
        self._put(name, data)
        self._written += 1

    def _write(self, name: str, data: bytes) -> None:
        """Write a file that the manifest names."""
        if name != MANIFEST:
            self._digests[name] = digest(data)
        if not (self._folder.has(name) and self._folder.read(name) == data):
            self._put(name, data)

    def _put(self, name: str, data: bytes) -> None:
        path = self._out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=_TEMPORARY, delete=False) as file:
            file.write(data)
        temporary = Path(file.name)
        temporary.chmod(0o644)
        temporary.replace(path)

    def _keep_only(self, folder: str, names: Sequence[str]) -> None:
        for name in set(self._folder.names(folder)).difference(names):
            (self._out / name).unlink()

    def _remove_replaced(self, size: int) -> None:
        """Remove partial tiles whose full tile is there now."""
        for name in list(self._partials()):
            place = tile_place(name)
            if place is not None and replace(place, width=TILE_WIDTH).is_in(size):
                path = self._out / name
                path.unlink()
                if not any(path.parent.iterdir()):
                    path.parent.rmdir()

    def _partials(self) -> Iterator[str]:
        return (name for name in self._folder.walk(f"{LOG}/tile") if ".p/" in name)


def export_policy(keys: LogKeys, size: int) -> bytes:
    """The policy file of an export of a size: the keys that sign it, and nobody else."""
    return format_policy(Policy(tuple(Log(key) for key in keys.at(size)), (), (), NO_QUORUM))


def evenly(count: int, wanted: int) -> list[int]:
    """At most `wanted` numbers below `count`, evenly spread, with the first and the last one."""
    if count <= wanted:
        return list(range(count))
    return sorted({number * (count - 1) // (wanted - 1) for number in range(wanted)})


def _is_temporary(name: str) -> bool:
    return Path(name).name.startswith(_TEMPORARY)


def _occupied(message: str) -> ConflictError:
    return ConflictError("EXPORT_OCCUPIED", message)
