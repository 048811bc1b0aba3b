"""Leaves one evidence pack in the folder of a demonstration, to be opened in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from adapters.compose.packing import pack_page, policy_in
from adapters.compose.views import ledger_view
from adapters.store.ledger_store import LedgerStore
from contracts.errors import FatalError
from contracts.event import Header, decode_event
from contracts.ids import HUB_REGION, LeafIndex
from ledger.entry import event_of

PACK_FILE: Final = "evidence-pack.html"
"""Its name in the data folder."""


def leave_pack(data: Path, store: LedgerStore) -> Path:
    """Write the pack of the first event between two regions that seals something and may still be seen.

    Args:
        data: The folder.
        store: Its ledger.

    Raises:
        FatalError: DEMO_FAILED: there is no such event. ExchangeError: As `pack_page`.
    """
    for entry in store.entries(LeafIndex(0), LeafIndex(store.size())):
        event = event_of(entry)
        header = None if event is None else decode_event(event)
        if header is not None and _is_shown(header) and store.visible(header.event_id) is not None:
            with ledger_view(data, None) as view:
                policy = policy_in(view, data, header.event_id)
                page, _ = pack_page(view, header.event_id, policy=policy)
            (data / PACK_FILE).write_bytes(page)
            return data / PACK_FILE
    raise FatalError("DEMO_FAILED", "no event with sealed content was recorded")


def _is_shown(header: Header) -> bool:
    return bool(header.sealed) and header.event_class == "std" and header.counterpart_region not in (None, HUB_REGION)
