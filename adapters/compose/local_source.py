"""Opens what an audit reads on this machine: a hub's data folder (`…/hub`, or the folder above it), or an export."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from adapters.compose.ledger_place import ledger_place
from adapters.store.export_layout import LOG, POLICY
from adapters.store.folder_source import FolderSource
from adapters.store.ledger_store import LedgerStore
from adapters.store.opening import open_store
from adapters.store.shelf import SpillingShelf
from adapters.store.store_shelf import StoreShelf
from adapters.store.tiles_source import TilesSource
from contracts.errors import UnavailableError
from hub.audit_source import Source


class Opened(NamedTuple):
    """An open source.

    Attributes:
        source: To read from.
        shelf: Where what grows with the ledger is kept.
        store: The hub's store, where the source is a data folder.
        is_local: Whether a second process can read it beside us.
    """

    source: Source
    shelf: SpillingShelf
    store: LedgerStore | None
    is_local: bool


@contextmanager
def opened_local(text: str, *, size: int | None = None) -> Iterator[Opened]:
    """Open a folder.

    Args:
        text: A data folder or an exported folder.
        size: Of the checkpoint to audit up to, where a data folder is read by two; None takes the last one.

    Raises:
        UnavailableError: SOURCE_UNKNOWN, STORE_MISSING, SOURCE_UNREADABLE.
    """
    with ExitStack() as stack:
        place = ledger_place(text)
        if place is not None:
            store = open_store(place, read_only=True)
            stack.callback(store.close)
            shelf = stack.enter_context(StoreShelf(store))
            yield Opened(FolderSource(store, shelf, size=size), shelf, store, True)
        elif is_export(Path(text)):
            source = TilesSource.of_folder(Path(text))
            yield Opened(source, stack.enter_context(SpillingShelf()), None, True)
        else:
            raise UnavailableError("SOURCE_UNKNOWN", f"{text} is no data folder and no exported folder")


def is_export(folder: Path) -> bool:
    """Whether a folder looks like an export or like a folder of tiles, be it damaged."""
    return folder.is_dir() and any((folder / name).exists() for name in (LOG, POLICY, "checkpoint", "tile"))
