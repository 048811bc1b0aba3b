"""Replays a data folder to any day: entries from the hub's store, receipts from the relay's, both only read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from adapters.compose.ledger_place import known_place
from adapters.compose.parts import RELAY_FILE, contracts_in_force
from adapters.nats.messages import decode_receipt
from adapters.store.opening import open_store
from contracts.errors import RuleError, UnavailableError
from contracts.hiding import load_hiding
from contracts.ids import LeafIndex
from hub.day_replay import Acknowledged, By, DayReplay, Standing
from hub.delivery_receipt import DeliveryReceipt

_RECEIPTS: Final = "SELECT CAST(message AS BLOB) FROM receipt_log ORDER BY point, n"


def replay_to(data: Path, at_ms: int, by: By, *, office: str | None, stream_id: bytes | None) -> list[Standing]:
    """Matters as they stood at an instant.

    Args:
        data: A data folder.
        at_ms: The instant, milliseconds.
        by: As recorded, as occurred, or as known to the office.
        office: Only matters that it had a part in.
        stream_id: Only this matter.

    Raises:
        RuleError: NOT_FOUND: there is no such matter then, or an order sealed it.
        UnavailableError: STORE_MISSING, SOURCE_UNREADABLE.
        EvidenceError: A receipt is not what its region could have signed.
    """
    place = known_place(data)
    replay = DayReplay(contracts_in_force(is_sandbox=True), load_hiding(), stream_id=stream_id, office=office)
    with closing(open_store(place, read_only=True)) as store:
        for entry in store.entries(LeafIndex(0), LeafIndex(store.size())):
            replay.take(entry)
    acknowledged = None
    if by is By.KNOWN:
        relay = place.parent.parent / "relay" / RELAY_FILE
        acknowledged = Acknowledged(replay.check_receipts(_receipts(relay)))
    found = list(replay.standings(by, at_ms, acknowledged))
    if stream_id is not None and not found:
        raise RuleError("NOT_FOUND", "no such matter stands there then", field="stream_id")
    return found


def _receipts(relay: Path) -> Iterator[DeliveryReceipt]:
    """What the regions signed, as the relay kept it; nothing where no relay ever ran."""
    if not relay.exists():
        return
    try:
        with closing(sqlite3.connect(f"{relay.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as db:
            for (message,) in db.execute(_RECEIPTS):
                yield decode_receipt(message)
    except sqlite3.Error as error:
        raise UnavailableError("SOURCE_UNREADABLE", f"{relay.name} cannot be read: {error}") from error
