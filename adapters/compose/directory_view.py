"""The directory of a ledger that is only read, and what the ledger says about an office's closing."""

from __future__ import annotations

from adapters.compose.folder import DataFolder
from adapters.compose.parts import contracts_in_force
from adapters.store.shelf import SpillingShelf
from contracts.division import load_divisions
from contracts.ids import LeafIndex, OfficeId
from contracts.schema import load_registry
from hub.directory import Directory
from hub.handover import Handover, handover


def recorded_directory(folder: DataFolder) -> Directory:
    """The directory as the ledger has it now; the hub may go on writing.

    Raises:
        UnavailableError: STORE_MISSING.
    """
    store = folder.ledger()
    try:
        directory = Directory(load_divisions())
        for index, entry in store.directory_entries(LeafIndex(0)):
            directory.apply_event(index, entry, load_registry())
        return directory
    finally:
        store.close()


def derived_handover(folder: DataFolder, office: OfficeId) -> Handover:
    """What passed from an office when it closed, from the entries of the ledger up to there.

    Raises:
        UnavailableError: STORE_MISSING. RuleError: OFFICE_UNKNOWN.
        UnexplainedError: An entry does not follow from those before it.
    """
    store = folder.ledger()
    try:
        with SpillingShelf() as shelf:
            entries = store.entries(LeafIndex(0), LeafIndex(store.size()))
            return handover(entries, contracts_in_force(is_sandbox=True), shelf, office, store.sealed_streams())
    finally:
        store.close()
