"""The end of a ledger: its last event, and what must be over before it. Nothing is recorded after it, for ever.

A ledger is drained when none of its matters is open and the hub holds no sealed payload. `LedgerClosed` tells how many
matters were still open, which an audit counts again. What was still held is destroyed with it: nobody could open it any
more, because an opening has to be recorded first.

Source: ADR 0057.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from contracts.errors import EvidenceError
from contracts.procedure_types import Procedure
from hub.matter import unpack

CLOSED: Final = "LedgerClosed"
"""Type of the last event of a ledger."""
_HUB: Final = "hub"


def open_matters(packed: Iterable[bytes], procedures: Mapping[tuple[str, int], Procedure]) -> int:
    """Count the matters of offices that have not come to an end.

    Args:
        packed: Every matter of the ledger.
        procedures: By (id, edition).
    """
    count = 0
    for one in packed:
        matter = unpack(one)
        procedure = procedures[matter.procedure, matter.edition]
        count += procedure.kind != _HUB and not procedure.states[matter.state].is_final
    return count


def check_closing(body: Mapping[str, Any], count: int) -> None:
    """Compare how many matters a `LedgerClosed` says were open.

    Args:
        body: Its decoded body.
        count: As derived.

    Raises:
        EvidenceError: ENTRY_UNEXPLAINED.
    """
    if body["open_matters"] != count:
        raise EvidenceError("ENTRY_UNEXPLAINED", f"{body['open_matters']} matters are told to be open, {count} are")
