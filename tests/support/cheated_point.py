"""A delivery point that believes what it is sent, and a hub that sends it something else. Pure of pytest.

    receive(ledger, folder, POINT, honest_indexes(ledger.store, POINT))      # what a true hub sends
    receive(ledger, folder, POINT, [*indexes[:3], *indexes[4:]])             # one notification is held back

Every run goes through the real intake with its real proofs: only the choice of entries is a lie.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from adapters.nats.intake import Intake
from adapters.nats.messages import RunForm
from adapters.region.region_store import RegionStore
from adapters.store.ledger_store import LedgerStore
from contracts.event import leaf_hash
from contracts.ids import Hash, LeafIndex, PointId, RegionCode
from hub.delivery_receipt import sign_receipt
from hub.ports import Run
from hub.run_builder import RunBuilder
from ledger.entry import EventEntry, decode_entry
from ledger.heads import HEAD_ZERO, head_next
from tests.support.delivering_ledger import DeliveringLedger
from tests.support.delivery import RegionSide

_ALL: Final = 1 << 20


def honest_indexes(store: LedgerStore, point: PointId) -> list[int]:
    """Ledger indexes of what a point has to get."""
    return [index for run in store.runs(point, 1, _ALL) for index in run.indexes]


def receive(
    ledger: DeliveringLedger, file: Path, point: PointId, indexes: Sequence[int], *, receipted: Sequence[int] = ()
) -> None:
    """Let a region take these entries as its notifications 1, 2, ... and sign receipts at some counters."""
    world, store = ledger.world, ledger.store
    side = RegionSide(world=world, region=point[:2], reader=store, path=file)
    with closing(side.database):
        events = [
            (index, entry.event)
            for index, raw in store.directory_entries(LeafIndex(0))
            if isinstance(entry := decode_entry(raw), EventEntry)
        ]
        RegionStore(side.database).keep_directory(events, LeafIndex(store.size()))
        form = RunForm(RunBuilder(store), lambda _: None)

        async def take() -> None:
            intake = Intake(region=RegionCode(point[:2]), store=side.store, ports=side.ports())
            for run in _runs(store, point, indexes):
                await intake.take(point, form.message(run).data)
            intake.flush()

        asyncio.run(take())
        gateway = world.gateways[RegionCode(point[:2])]
        side.store.keep_receipts(
            [
                sign_receipt(
                    point=point,
                    n=n,
                    head=head,
                    received_ms=world.clock.now_ms(),
                    key_id=gateway.key_id("receipt"),
                    private=gateway.keys["receipt"],
                )
                for n in receipted
                if (head := side.store.head_at(point, n)) is not None
            ]
        )


def _runs(store: LedgerStore, point: PointId, indexes: Sequence[int]) -> list[Run]:
    """One run a notification, each under the newest checkpoint: what order a lie needs, no run forbids."""
    head, runs = HEAD_ZERO, []
    for n, index in enumerate(indexes, 1):
        after = head_next(head, n, _leaf(store, index))
        runs.append(Run(point, n, (index,), head, after, store.size(), False))
        head = after
    return runs


def _leaf(store: LedgerStore, index: int) -> Hash:
    (raw,) = store.entries(LeafIndex(index), LeafIndex(index + 1))
    entry = decode_entry(raw)
    return leaf_hash(entry.event if isinstance(entry, EventEntry) else b"")
