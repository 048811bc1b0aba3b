"""A hub's data folder as the source of an audit: every derived row that it keeps is compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from adapters.store.shelf import SpillingShelf
from adapters.store.sqlite import SqliteStore
from contracts.errors import EvidenceError
from contracts.event import Header, SealedRef
from contracts.ids import Hash, LeafIndex
from hub.ports import Run
from hub.replay import Replay, Shelf
from ledger.tiles import TILE_WIDTH

_PAGE = 500


class FolderSource:
    """`hub.audit.Source` over the store of a hub.

    Args:
        store: Opened read-only; a hub may go on writing to it.
    """

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._note = store.checkpoint()
        self._size = store.size()

    def checkpoint(self) -> bytes:
        """The last signed note as of the start of the audit."""
        if self._note is None:
            raise EvidenceError("LEDGER_UNEXPLAINED", "the store holds no checkpoint")
        return self._note

    def entries(self, start: LeafIndex, end: LeafIndex) -> Iterator[bytes]:
        """See `hub.audit.Source`."""
        return self._store.entries(start, end)

    def notes(self) -> Iterator[bytes]:
        """Every checkpoint of the store, up to the audited one."""
        after = 0
        while page := self._store.checkpoints(after, _PAGE):
            for size, note in page:
                if size > self._size:
                    return
                yield note
            after = page[-1][0]

    def runs(self) -> Iterator[Run] | None:
        """Every delivery run, up to the audited checkpoint."""
        return self._runs()

    def _runs(self) -> Iterator[Run]:
        after = 0
        while page := self._store.runs_after(after, _PAGE):
            for run_id, run in page:
                if run.size > self._size:
                    return
                yield run
                after = run_id

    def check_tile(self, level: int, index: int, hashes: bytes) -> None:
        """See `hub.audit.Source`. A hub that goes on writing has longer partial tiles than derived."""
        kept = self._store.tile(level, index)
        if not kept.startswith(hashes):
            place = next((i for i in range(0, len(hashes), 32) if kept[i : i + 32] != hashes[i : i + 32]), 0) // 32
            where = f"entry {index * TILE_WIDTH + place}" if level == 0 else f"hash {place}"
            raise EvidenceError("TILE_INVALID", f"tile {level}/{index}: {where} differs from what is kept")

    def check_payload(self, index: LeafIndex, ref: SealedRef, header: Header) -> bool:
        """See `hub.audit.Source`."""
        envelope = self._store.payload(Hash(ref.ciphertext_hash))
        if envelope is None:
            raise EvidenceError("PAYLOAD_INVALID", f"entry {index}: its {ref.profile} payload is not held")
        if hashlib.sha256(envelope).digest() != ref.ciphertext_hash:
            raise EvidenceError("PAYLOAD_INVALID", f"entry {index}: its {ref.profile} payload was changed")
        return True

    def check_rest(self, replay: Replay, shelf: Shelf) -> None:
        """Compare states, heads and chains, unless the hub has gone on since the audit began."""
        if self._store.size() != self._size:
            return
        if isinstance(shelf, SpillingShelf):
            self._check_matters(shelf)
        if dict(self._store.heads()) != replay.heads:
            raise EvidenceError("HEAD_MISMATCH", "the kept heads are not those that follow from the entries")
        for producer, state in replay.producers.items():
            if self._store.producer(producer) != state:
                raise EvidenceError("LEDGER_UNEXPLAINED", f"the kept chain of {producer} stands elsewhere")

    def _check_matters(self, shelf: SpillingShelf) -> None:
        kept = self._store.all_matters()
        for stream_id, packed in shelf.matters():
            if next(kept, None) != (stream_id, packed):
                raise EvidenceError("LEDGER_UNEXPLAINED", f"the kept state of stream {stream_id.hex()} does not follow")
        extra = next(kept, None)
        if extra is not None:
            raise EvidenceError("LEDGER_UNEXPLAINED", f"a state is kept of stream {extra[0].hex()}, which has no entry")
