"""A ledger to be asked a few questions, whether its file is at hand or its hub answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from adapters.compose.folder import DataFolder
from adapters.grpc.client import ExchangeClient
from adapters.store.ledger_store import LedgerStore
from contracts.errors import ContractError, RuleError, UnavailableError
from contracts.ids import Hash, LeafIndex, TreeSize
from hub import evidence
from hub.submission import EventReceipt
from ledger.entry import EventEntry, GenesisEntry, decode_entry

T = TypeVar("T")


class LedgerView(Protocol):
    """What the reading verbs ask. Nothing is checked here."""

    def stream(self, stream_id: bytes) -> Sequence[tuple[LeafIndex, bytes]]:
        """Ledger index and event bytes of a matter, oldest first; empty if there is none."""

    def receipt(self, event_id: bytes) -> EventReceipt:
        """The original receipt of an event; an error with NOT_FOUND if it is not recorded."""

    def checkpoint(self) -> bytes:
        """The last signed note."""

    def genesis(self) -> bytes:
        """Bytes of entry 0."""

    def log_keys(self) -> bytes:
        """The chain of its keys, unchecked."""

    def entries(self, start: LeafIndex, end: LeafIndex) -> Sequence[bytes]:
        """Bytes of a few entries [start, end)."""

    def directory_events(self) -> Sequence[tuple[LeafIndex, bytes]]:
        """Ledger index and event bytes of every change of the directory, in order."""

    def heads(self) -> Sequence[bytes]:
        """The last signed note, and the last one that the quorum of witnesses has cosigned, as far as it is known."""

    def inclusion(self, index: LeafIndex, size: TreeSize) -> tuple[Hash, ...]:
        """Inclusion path of an entry in the tree of a size."""

    def consistency(self, size1: TreeSize, size2: TreeSize) -> tuple[Hash, ...]:
        """Consistency path between two sizes."""

    def ends(self, stream_id: bytes, after: LeafIndex) -> Sequence[LeafIndex]:
        """Indexes above `after` of events that destroyed content of a stream; a hub that answers tells none."""


@contextmanager
def ledger_view(data: Path | None, address: str | None) -> Iterator[LedgerView]:
    """The ledger that a person means.

    Args:
        data: A data folder; read without its hub.
        address: A running hub; asked if it is given.

    Raises:
        ContractError: SETTINGS_INVALID: neither is given.
        UnavailableError: STORE_MISSING: there is no ledger in the folder.
    """
    if address is not None:
        yield _OverGrpc(address)
    elif data is not None:
        store = DataFolder(data).ledger()
        try:
            yield _InFolder(store)
        finally:
            store.close()
    else:
        raise ContractError("SETTINGS_INVALID", "say --data or --hub: whose ledger is meant?", field="data")


def genesis_of(view: LedgerView) -> GenesisEntry:
    """The genesis record of a ledger.

    Raises:
        ContractError: ENTRY_MALFORMED: entry 0 is something else.
    """
    entry = decode_entry(view.genesis())
    if not isinstance(entry, GenesisEntry):
        raise ContractError("ENTRY_MALFORMED", "entry 0 is no genesis record")
    return entry


class _InFolder:
    """A ledger's store."""

    def __init__(self, store: LedgerStore) -> None:
        self._store = store

    def stream(self, stream_id: bytes) -> Sequence[tuple[LeafIndex, bytes]]:
        rows = ((index, decode_entry(entry)) for index, entry in self._store.visible_stream(stream_id, 0, 1 << 20))
        return [(index, entry.event) for index, entry in rows if isinstance(entry, EventEntry)]

    def receipt(self, event_id: bytes) -> EventReceipt:
        return evidence.event_receipt(self._store, event_id)

    def checkpoint(self) -> bytes:
        note = self._store.checkpoint()
        if note is None:
            raise UnavailableError("STORE_MISSING", "the ledger has no checkpoint")
        return note

    def genesis(self) -> bytes:
        return next(iter(self._store.entries(LeafIndex(0), LeafIndex(1))))

    def log_keys(self) -> bytes:
        return evidence.log_key_chain(self._store, self._store.log_key_indexes())

    def entries(self, start: LeafIndex, end: LeafIndex) -> Sequence[bytes]:
        return list(self._store.entries(start, end))

    def directory_events(self) -> Sequence[tuple[LeafIndex, bytes]]:
        rows = ((index, decode_entry(entry)) for index, entry in self._store.directory_entries(LeafIndex(0)))
        return [(index, entry.event) for index, entry in rows if isinstance(entry, EventEntry)]

    def heads(self) -> Sequence[bytes]:
        return [note for note in (self.checkpoint(), self._store.witnessed()) if note is not None]

    def inclusion(self, index: LeafIndex, size: TreeSize) -> tuple[Hash, ...]:
        return evidence.inclusion(self._store, index, size)

    def consistency(self, size1: TreeSize, size2: TreeSize) -> tuple[Hash, ...]:
        return evidence.consistency(self._store, size1, size2)

    def ends(self, stream_id: bytes, after: LeafIndex) -> Sequence[LeafIndex]:
        return self._store.ends(stream_id, after)


class _OverGrpc:
    """A hub that answers; one connection a question."""

    def __init__(self, address: str) -> None:
        self._address = address

    def stream(self, stream_id: bytes) -> Sequence[tuple[LeafIndex, bytes]]:
        async def ask(client: ExchangeClient) -> list[tuple[LeafIndex, bytes]]:
            found: list[tuple[LeafIndex, bytes]] = []
            while True:
                page = await client.stream(stream_id, from_seq=len(found))
                found += page.events
                if not page.has_more:
                    return found

        return self._ask(ask)

    def receipt(self, event_id: bytes) -> EventReceipt:
        return self._ask(lambda client: client.receipt(event_id))

    def checkpoint(self) -> bytes:
        return self._ask(lambda client: client.checkpoint())

    def genesis(self) -> bytes:
        async def ask(client: ExchangeClient) -> bytes:
            async for chunk in client.entries(0, 1):
                return chunk.entries[0]
            raise RuleError("NOT_FOUND", "the hub gives no entry 0")

        return self._ask(ask)

    def log_keys(self) -> bytes:
        return self._ask(lambda client: client.log_keys())

    def entries(self, start: LeafIndex, end: LeafIndex) -> Sequence[bytes]:
        async def ask(client: ExchangeClient) -> list[bytes]:
            return [entry async for chunk in client.entries(start, end) for entry in chunk.entries]

        return self._ask(ask)

    def directory_events(self) -> Sequence[tuple[LeafIndex, bytes]]:
        async def ask(client: ExchangeClient) -> list[tuple[LeafIndex, bytes]]:
            return [event async for update in client.directory() for event in update.events]

        return self._ask(ask)

    def heads(self) -> Sequence[bytes]:
        return [self.checkpoint()]

    def inclusion(self, index: LeafIndex, size: TreeSize) -> tuple[Hash, ...]:
        return self._ask(lambda client: client.inclusion(index, tree_size=size)).path

    def consistency(self, size1: TreeSize, size2: TreeSize) -> tuple[Hash, ...]:
        return self._ask(lambda client: client.consistency(size1, size2)).path

    def ends(self, stream_id: bytes, after: LeafIndex) -> Sequence[LeafIndex]:
        return ()

    def _ask(self, question: Callable[[ExchangeClient], Coroutine[Any, Any, T]]) -> T:
        async def ask() -> T:
            async with ExchangeClient(self._address) as client:
                return await question(client)

        return asyncio.run(ask())
