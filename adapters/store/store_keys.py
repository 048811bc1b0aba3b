"""The keys of a ledger as its own store says them; an auditor checks them, the store's owner need not."""

from __future__ import annotations

from adapters.store.ledger_store import LedgerStore
from contracts.ids import LeafIndex
from contracts.schema import load_registry
from hub.audit_source import genesis_key
from hub.evidence import log_key_chain
from hub.log_key_changes import LogKeyChanges
from ledger.log_keys import LogKeys
from ledger.note import NoteVerifier


def store_keys(store: LedgerStore, size: int | None = None) -> LogKeys:
    """Every key that a ledger had, up to a size.

    Raises:
        KeptError: The first entry is no genesis record.
        ExchangeError: An entry that says something of the key cannot be read.
    """
    changes = LogKeyChanges()
    for index in key_indexes(store, size):
        (entry,) = store.entries(index, LeafIndex(index + 1))
        changes.apply_entry(index, entry, load_registry())
    return changes.keys(NoteVerifier.parse(genesis_key(store.entries(LeafIndex(0), LeafIndex(1)))))


def store_chain(store: LedgerStore, size: int | None = None) -> bytes | None:
    """The chain of a ledger's keys up to a size; None where it has had one key only."""
    indexes = key_indexes(store, size)
    return log_key_chain(store, indexes) if indexes else None


def key_indexes(store: LedgerStore, size: int | None) -> list[LeafIndex]:
    """Indexes below a size of the entries that say something of the ledger's key."""
    return [index for index in store.log_key_indexes() if size is None or index < size]
