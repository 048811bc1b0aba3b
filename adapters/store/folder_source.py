"""A hub's data folder as the source of an audit: every derived row that it keeps is compared."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Final

from adapters.store.ledger_store import LedgerStore
from adapters.store.shelf import SpillingShelf
from adapters.store.store_keys import store_chain
from contracts.ids import LeafIndex, TreeSize
from contracts.instant import DAY_MS
from contracts.procedure_types import ERASE
from hub.audit_errors import KeptError
from hub.audit_source import Followed, Kept, MissingPayload, NamedPayload, genesis_key
from hub.content import overdue
from hub.matter_bytes import PackedEnds, ends_of, has_ends
from hub.ports import Run
from ledger.compact import HASH_BYTES

if TYPE_CHECKING:
    from contracts.procedure_types import Procedure
    from hub.replay import Replay

_PAGE: Final = 500
_STATES: Final = 1000
"""Derived states that are compared with the kept ones in one go."""


class FolderSource:
    """`hub.audit_source.Source` over the store of a hub.

    Args:
        store: Opened read-only; a hub may go on writing to it: what is kept is compared up to the checkpoint that was
            the last one when this was made, and rows that hold only the newest state as long as the hub stands still.
        shelf: That of the same audit.
        size: Of the checkpoint to audit up to; None takes the last one.

    Attributes:
        has_moved: Whether rows of the newest state were left out, because the hub had recorded more by then.
    """

    holds_payloads = True
    only_replayed = (
        "what is kept of matters (states, what is sealed, what is closed), delivery runs, heads, regions' inboxes",
    )

    def __init__(self, store: LedgerStore, shelf: SpillingShelf, *, size: int | None = None) -> None:
        self._store = store
        self._shelf = shelf
        self._size = store.size() if size is None else TreeSize(size)
        self._note = store.checkpoint(self._size) if self._size else None
        self._keyless = store.keyless_below()
        self.has_moved = False

    def log_key(self) -> str:
        """See `hub.audit_source.Source.log_key`: the one in the genesis record."""
        return genesis_key(self.entries(LeafIndex(0), LeafIndex(1)))

    def log_keys(self) -> Kept | None:
        """See `hub.audit_source.Source.log_keys`: made from what is kept."""
        chain = store_chain(self._store, self._size)
        return None if chain is None else Kept("checkpoints", chain)

    def checkpoint(self) -> Kept:
        """See `hub.audit_source.Source.checkpoint`."""
        if self._note is None:
            raise KeptError("LEDGER_UNEXPLAINED", "the store holds no checkpoint", place="checkpoints")
        return Kept(f"checkpoints {self._size}", _bytes(self._note, "checkpoints"))

    def entries(self, start: LeafIndex, end: LeafIndex) -> Iterator[bytes]:
        """See `hub.audit_source.Source.entries`."""
        at = start
        for page in self._store.entry_pages(start, end):
            whole = page.index(None) if None in page else len(page)
            yield from page[:whole]
            at = LeafIndex(at + whole)
            if whole < len(page):
                raise KeptError("STORE_DAMAGED", "the row holds no bytes", place="stored_events", index=at)

    def place(self, index: LeafIndex) -> str | None:
        """See `hub.audit_source.Source.place`: the index says it all."""
        return None

    def notes(self, size: int) -> Iterator[Kept]:
        """See `hub.audit_source.Source.notes`."""
        after = 0
        while page := self._store.checkpoints(after, _PAGE):
            for after, note in page:
                if after > size:
                    return
                place = f"checkpoints {after}"
                yield Kept(place, _bytes(note, place))

    def runs(self, size: int) -> Iterator[Run]:
        """See `hub.audit_source.Source.runs`."""
        after = 0
        while page := self._page_of_runs(after):
            for run_id, run in page:
                if run.size > size:
                    return
                yield run
                after = run_id

    def _page_of_runs(self, after: int) -> Sequence[tuple[int, Run]]:
        try:
            page = self._store.runs_after(after, _PAGE)
            for _, run in page:
                if type(run.size) is not int or type(run.first_n) is not int:
                    raise TypeError("no number")
        except (struct.error, TypeError, ValueError) as error:
            raise KeptError("STORE_DAMAGED", f"a run after id {after} cannot be read", place="delivery_runs") from error
        return page

    def tile(self, level: int, index: int, width: int) -> Kept:
        """See `hub.audit_source.Source.tile`. A hub that goes on writing has longer partial tiles."""
        place = f"tiles {level}/{index}"
        return Kept(place, _bytes(self._store.tile(level, index), place)[: width * HASH_BYTES])

    def check_payloads(self, named: Sequence[NamedPayload]) -> list[MissingPayload]:
        """See `hub.audit_source.Source.check_payloads`."""
        addresses = [(one.entry, one.number) for one in named]
        held = self._store.payloads(addresses)
        offices = self._store.wrapped_offices(addresses)
        found: list[MissingPayload] = []
        for one in named:
            index, number, producer, ref, *_ = one
            envelope = held.get((index, number))
            if envelope is None:
                found.append(MissingPayload(one, None))
                continue
            if type(envelope) is not bytes or hashlib.sha256(envelope).digest() != ref.ciphertext_hash:
                raise _payload(index, f"the sealed {ref.profile} was changed", "payloads")
            missing = {producer, *ref.recipients} - offices.get((index, number), set())
            if missing and index >= self._keyless:
                found.append(MissingPayload(one, tuple(sorted(missing))))
        return found

    def held_of(self, stream_id: bytes, before: int) -> tuple[int, int]:
        """See `hub.audit_source.Source.held_of`."""
        return self._store.held_of(stream_id, before)

    def payloads_kept(self, size: int) -> int | None:
        """See `hub.audit_source.Source.payloads_kept`."""
        count = self._store.payload_count()
        return count if self._store.size() == size else None

    def copies_of(self, event_id: bytes) -> int:
        """See `hub.audit_source.Source.copies_of`."""
        return self._store.copies_of(event_id)

    def is_erased_after(self, stream_id: bytes, size: int) -> bool:
        """See `hub.audit_source.Source.is_erased_after`."""
        return self._store.size() > size and self._store.erased_after(stream_id, size)

    def check_files(self, followed: Followed) -> None:
        """See `hub.audit_source.Source.check_files`: chains, the number of event ids, the list of directory entries."""
        with self._while_it_stands_still():
            self._check_files(followed)

    def _check_files(self, followed: Followed) -> None:
        if self._store.event_count() > sum(followed.tally.events.values()):
            raise _differs("an event id is kept that has no entry", "event_ids")
        for producer, state in followed.producers.items():
            if self._store.producer(producer) != state:
                raise _differs("the kept chain of batches stands elsewhere", f"producers {producer}")
        if [index for index, _ in self._store.directory_entries(LeafIndex(0))] != list(followed.directory_log):
            raise _differs("the kept list of directory entries is not the derived one", "directory_log")

    def check_rest(self, replay: Replay) -> None:
        """See `hub.audit_source.Source.check_rest`: states, streams that are sealed or closed, heads, keys."""
        with self._while_it_stands_still():
            self._check_rest(replay)

    @contextmanager
    def _while_it_stands_still(self) -> Iterator[None]:
        """Forget what differs if the hub has recorded something meanwhile: it may be of another size."""
        try:
            yield
        except KeptError:
            self.has_moved = self._store.size() != self._size
            if not self.has_moved:
                raise

    def _check_rest(self, replay: Replay) -> None:
        if self._keyless and self._store.keys_below(self._keyless):
            raise KeptError("PAYLOAD_INVALID", "a copy that has no keys holds some", place="wrapped_keys")
        self._check_matters(replay.batches.rules.procedures)
        if self._store.sealed_streams() != replay.sealed.streams:
            raise _differs("the kept list of sealed streams is not the derived one", "sealed")
        if self._store.closed_streams() != replay.sealed.closed:
            raise _differs("the streams that are kept as closed to content are not the derived ones", "effects")
        heads = self._store.heads()
        for point in sorted({*heads, *replay.heads}):
            if heads.get(point) != replay.heads.get(point):
                raise KeptError("HEAD_MISMATCH", "the kept head is not the derived one", place=f"heads {point}")

    def _check_matters(self, procedures: Mapping[tuple[str, int], Procedure]) -> None:
        kept, now_ms = self._store.all_matters(), self._store.recorded_at()
        sealed, derived = self._store.sealed_streams(), self._shelf.matters()
        while page := list(islice(derived, _STATES)):
            found = list(islice(kept, len(page)))
            if found != page:
                raise _first_difference(page, found)
            for stream_id, packed in page:
                if has_ends(packed) and stream_id not in sealed:
                    self._check_ended(ends_of(packed), procedures, now_ms)
        extra = next(kept, None)
        if extra is not None:
            raise _differs("a state is kept of a stream that has no entry", f"matters {_name(extra[0])}")

    def _check_ended(self, matter: PackedEnds, procedures: Mapping[tuple[str, int], Procedure], now_ms: int) -> None:
        """Content whose time is over is not held: the hub had a day to destroy it."""
        for end in overdue(procedures[matter.procedure, matter.edition], matter, now_ms - DAY_MS):
            if end.what == ERASE:
                came = self._store.recorded((end.since,))[end.since]
                envelopes, keys = self._store.held_of(matter.stream_id, came + 1)
            else:
                envelopes, keys = 0, self._store.copies_of(end.since)
            if envelopes or keys:
                told = f"{envelopes} payloads and {keys} keys are held although their time is over"
                raise KeptError("PAYLOAD_INVALID", told, place=f"matters {matter.stream_id.hex()}")


def _bytes(value: object, place: str) -> bytes:
    if isinstance(value, bytes):
        return value
    raise KeptError("STORE_DAMAGED", "the row holds no bytes", place=place)


def _payload(index: int, message: str, place: str) -> KeptError:
    return KeptError("PAYLOAD_INVALID", message, place=place, index=index)


def _differs(message: str, place: str) -> KeptError:
    return KeptError("LEDGER_UNEXPLAINED", message, place=place)


def _first_difference(derived: Sequence[tuple[bytes, bytes]], kept: Sequence[tuple[bytes, bytes]]) -> KeptError:
    """The first of some derived states that is not kept; the two differ, and no more are kept than are derived."""
    at = next((at for at, (one, other) in enumerate(zip(derived, kept, strict=False)) if one != other), len(kept))
    found = "nothing" if at == len(kept) else "another state" if kept[at][0] == derived[at][0] else "another stream"
    return _differs(f"{found} is kept in place of the derived state", f"matters {derived[at][0].hex()}")


def _name(key: object) -> str:
    return key.hex() if isinstance(key, bytes) else str(key)
