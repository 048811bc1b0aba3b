"""Opens what an audit reads: finds out what a source is, with the shelf that fits it, and closes both again.

A source is the data folder of a hub (`…/hub`, or the folder above it), or what `adapters.compose.sources` opens.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from adapters.compose.parts import LEDGER_FILE
from adapters.compose.sources import SYSTEM, Trust, is_export, open_source
from adapters.store.folder_source import FolderSource
from adapters.store.shelf import SpillingShelf
from adapters.store.sqlite import SqliteStore
from adapters.store.store_shelf import StoreShelf
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
    store: SqliteStore | None
    is_local: bool


@contextmanager
def opened_source(text: str, *, trust: Trust = SYSTEM, size: int | None = None) -> Iterator[Opened]:
    """Open a source.

    Args:
        text: A data folder, an exported folder, `HOST:PORT`, or an address of the web.
        trust: Whom the reader believes and what it shows.
        size: Of the checkpoint to audit up to, where a data folder is read by two; None takes the last one.

    Raises:
        UnavailableError: SOURCE_UNKNOWN, STORE_MISSING, SOURCE_UNREADABLE.
        ContractError: SETTINGS_INVALID.
    """
    with ExitStack() as stack:
        ledger = ledger_file(text)
        if ledger is not None:
            store = SqliteStore(ledger, read_only=True)
            stack.callback(store.close)
            shelf = stack.enter_context(StoreShelf(store))
            yield Opened(FolderSource(store, shelf, size=size), shelf, store, True)
        else:
            source = open_source(stack, text, trust)
            is_local = is_export(Path(text))
            yield Opened(source, stack.enter_context(SpillingShelf()), None, is_local)


def ledger_file(text: str) -> Path | None:
    """The ledger file that a path means: itself, in the folder, or in its folder `hub`; None if there is none."""
    path = Path(text)
    for candidate in (path, path / LEDGER_FILE, path / "hub" / LEDGER_FILE):
        if candidate.name == LEDGER_FILE and candidate.is_file():
            return candidate
    return None
