"""The last head that a ledger published of a delivery point, with its receipt."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from adapters.compose.log_key_views import keys_of
from adapters.compose.parts import contracts_in_force
from adapters.compose.views import LedgerView, ledger_view
from contracts.errors import RuleError
from contracts.event import decode_event
from contracts.ids import LeafIndex, PointId
from hub.head_file import read_head_file
from ledger.checkpoint import checkpoint_size
from ledger.entry import EventEntry, decode_entry
from ledger.heads import HEADS_PUBLISHED
from ledger.policy import NO_QUORUM, Log, Policy
from ledger.proof import TlogProof, format_proof

_RANGE: Final = 4096
_TYPE: Final = HEADS_PUBLISHED.encode()


class FoundHead(NamedTuple):
    """A published head.

    Attributes:
        n: Counter.
        leaf_index: Where it was published.
        file: The receipt of that entry.
    """

    n: int
    leaf_index: LeafIndex
    file: bytes


def last_head(point: PointId, data: Path | None, address: str | None) -> FoundHead:
    """Find it, from the newest entry backwards, and check it under the key of the genesis record.

    Raises:
        RuleError: NOT_FOUND: no head of this point was published.
        ContractError: SETTINGS_INVALID: neither folder nor address is given.
    """
    registry = contracts_in_force(is_sandbox=True).registry
    with ledger_view(data, address) as view:
        keys = keys_of(view)
        policy = Policy((Log(keys.first),), (), (), NO_QUORUM).following(keys)
        end = int(checkpoint_size(view.checkpoint()))
        while end > 0:
            start = max(0, end - _RANGE)
            for raw in reversed(view.entries(LeafIndex(start), LeafIndex(end))):
                file = _file_of(raw, point, view)
                if file is None:
                    continue
                read = read_head_file(file, point=point, policy=policy, registry=registry)
                if read.head is not None:
                    return FoundHead(read.head.n, read.head.leaf_index, file)
            end = start
    raise RuleError("NOT_FOUND", f"no head of {point} is published yet", field="point")


def _file_of(raw: bytes, point: PointId, view: LedgerView) -> bytes | None:
    """The receipt of an entry that may publish a head of a point."""
    if _TYPE not in raw or point.encode() not in raw:
        return None
    entry = decode_entry(raw)
    header = decode_event(entry.event) if isinstance(entry, EventEntry) else None
    if header is None or header.event_type != HEADS_PUBLISHED:
        return None
    receipt = view.receipt(header.event_id)
    return format_proof(TlogProof(receipt.index, receipt.path, receipt.checkpoint, receipt.entry))
