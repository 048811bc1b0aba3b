"""Opens what an audit reads: finds out what a source is, with the shelf that fits it, and closes both again.

A source is what `adapters.compose.local_source` opens on this machine, or `adapters.compose.sources` elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from adapters.compose.ledger_place import ledger_place
from adapters.compose.local_source import Opened, is_export, opened_local
from adapters.compose.sources import SYSTEM, Trust, open_source
from adapters.store.shelf import SpillingShelf


@contextmanager
def opened_source(text: str, *, trust: Trust = SYSTEM) -> Iterator[Opened]:
    """Open a source.

    Args:
        text: A data folder, an exported folder, `HOST:PORT`, or an address of the web.
        trust: Whom the reader believes and what it shows.

    Raises:
        UnavailableError: SOURCE_UNKNOWN, STORE_MISSING, SOURCE_UNREADABLE.
        ContractError: SETTINGS_INVALID.
    """
    with ExitStack() as stack:
        if ledger_place(text) is not None or is_export(Path(text)):
            yield stack.enter_context(opened_local(text))
        else:
            source = open_source(stack, text, trust)
            yield Opened(source, stack.enter_context(SpillingShelf()), None, False)
