"""Kill -9 at every step of an erasure, at hub and gateway: what is confirmed is destroyed, and nothing is left.

A gateway is killed at one step after the other, each time with one more order to carry out; started again, it goes on
with all of them.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import pytest

from adapters.compose.folder import DataFolder
from adapters.compose.parts import REGION_FILE
from adapters.region.database import RegionDatabase
from adapters.region.region_store import Kept, RegionStore
from adapters.store.ledger_store import LedgerStore
from adapters.store.opening import open_store
from contracts.event import decode_event
from contracts.ids import LeafIndex, StreamId
from hub.awaited import awaited
from hub.matter import unpack
from ledger.entry import event_of
from tests.support.batches import Made
from tests.support.fault_rig import FaultRig
from tests.support.held_pieces import files_with
from tests.support.ledger_places import LedgerPlaces
from tests.support.matters import notification
from tests.support.order_matters import erasure_order_of

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

HUB_STEP: Final = "after:hub-commit:3"
"""Around the first order, after two commits of its notice: recorded, not answered, and perhaps in the log still."""
STEPS: Final = (
    "after:order-learn",
    # A start scrubs once before it knows of anything: the second time is after the destruction.
    "before:order-scrub:2",
    # Confirmed, and the gateway does not know it.
    "before:order-answer",
)
"""Where the gateway dies, each time with one more order."""
_SETTLE_SECONDS: Final = 60.0


@contextmanager
def ledger_of(rig: FaultRig) -> Iterator[LedgerStore]:
    with closing(open_store(rig.place, read_only=True)) as store:
        yield store


def keep_withheld(rig: FaultRig, record: Sequence[Made]) -> bytes:
    """Let region 45's file hold a copy of a notice that nobody has approved; gives a piece of it."""
    sent = record[-1]
    (payload,) = sent.payloads
    envelope, wrapped = payload.envelope, payload.wrapped[-1]
    index, request = rig.acknowledged[sent.event], rig.world.fresh_id()
    with closing(RegionDatabase(rig.folder / "regions" / "45" / REGION_FILE)) as db:
        RegionStore(db).keep_events([Kept(rig.acknowledged[one.event], one.header, one.event) for one in record])
        with db.transaction():
            db.write(
                "INSERT INTO openings VALUES (?,?,?,?,?,?,?,?,?,?)",
                *(request, sent.header.event_id, wrapped.office, "NP-RES", bytes(16), "TASK", "样例理由", bytes(32)),
                *(index, rig.world.clock.now_ms()),
            )
            db.write(
                "INSERT INTO withheld VALUES (?,?,?,?,?)",
                *(request, envelope, wrapped.key_id, wrapped.enc, rig.world.clock.now_ms()),
            )
    return envelope[len(envelope) // 2 :][:32]


def unconfirmed(rig: FaultRig, orders: Sequence[Made], region: str) -> set[bytes]:
    """Those orders that still wait for an office of a region, as the ledger says."""
    offices = {office.office for office in rig.world.offices() if office.region == region}
    with ledger_of(rig) as store:
        packed = store.matters([made.header.stream_id for made in orders])
    matters = [unpack(one) for one in packed.values()]
    procedures = rig.world.rules.procedures
    return {m.stream_id for m in matters if offices & set(awaited(m, procedures[m.procedure, m.edition]))}


def confirmations(rig: FaultRig) -> list[StreamId]:
    """The order of each confirmation in the ledger."""
    with ledger_of(rig) as store:
        events = [event_of(entry) for entry in store.entries(LeafIndex(0), LeafIndex(store.size()))]
    headers = [decode_event(event) for event in events if event is not None]
    return [header.stream_id for header in headers if header.event_type == "PayloadErased"]


def test_whatever_dies_at_any_step_of_an_erasure_what_is_confirmed_is_destroyed_and_all_is_confirmed_once(
    tmp_path: Path, places: LedgerPlaces
) -> None:
    with FaultRig(tmp_path, regions=("45",), places=places) as rig:
        file, gateway = tmp_path / "regions" / "45" / REGION_FILE, rig.programs["region-45"]
        orders: list[Made] = []
        pieces: dict[bytes, bytes] = {}
        data = DataFolder(tmp_path)
        data.write_hub(data.hub_settings(heads_every_seconds=3_600.0))
        rig.programs["hub"].start(die=HUB_STEP)
        for step in STEPS:
            record, piece = begin(rig, places)
            orders.append(erasure_order_of(rig.world, record))
            pieces[orders[-1].header.stream_id] = piece
            is_first = len(orders) == 1
            asyncio.run(submit_through_a_death(rig, orders[-1]) if is_first else rig.submit([orders[-1:]]))
            assert places.holding(rig.place, [piece]) == []
            assert files_with(file, [piece])
            rig.programs["relay"].supervise()

            gateway.start(die=step)
            gateway.wait_until_dead(_SETTLE_SECONDS)

            confirmed = set(pieces) - unconfirmed(rig, orders, "45")
            assert files_with(file, [pieces[order_id] for order_id in confirmed]) == []
        gateway.start()
        deadline = time.monotonic() + _SETTLE_SECONDS
        while unconfirmed(rig, orders, "45"):
            assert time.monotonic() < deadline, gateway.tail()
            time.sleep(0.05)
        rig.settle()

        assert files_with(file, list(pieces.values())) == []
        assert sorted(confirmations(rig)) == sorted(pieces)
        assert unconfirmed(rig, orders, "44") == set(pieces)
        rig.check()


def begin(rig: FaultRig, places: LedgerPlaces) -> tuple[Sequence[Made], bytes]:
    """Record a notice, and let region 45 hold a copy of it; gives a piece that hub and gateway hold."""
    record = notification(rig.world)[:2]
    asyncio.run(rig.submit([record]))
    piece = keep_withheld(rig, record)
    assert places.holding(rig.place, [piece])
    return record, piece


async def submit_through_a_death(rig: FaultRig, made: Made) -> None:
    """Submit an order around whose commit the hub dies; started again, it answers the repeat."""
    hub = rig.programs["hub"]
    worker = asyncio.create_task(rig.submit([[made]]))
    await asyncio.to_thread(hub.wait_until_dead, _SETTLE_SECONDS)
    assert not worker.done()
    hub.start()
    await worker
