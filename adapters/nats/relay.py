"""The relay: follows the ledger, publishes every delivery run, remembers how far, and restores what the broker lost.

It reads the ledger and never a request, so it may be killed, stopped or far behind without anybody noticing but the
receivers. Rules kept here: a place is remembered only after the broker acknowledged everything up to it; after a fault
the same runs are published again with the same counters and message ids, which is harmless; runs of one delivery point
leave in order. Not here: how a run is built (`hub.run_builder`), who wires the stores (`compose`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

import structlog
from nats.js.api import Header

from adapters.nats.broker import Broker, broker_errors, keep, wait
from adapters.nats.ledger_directory import LedgerDirectory
from adapters.nats.messages import RunForm
from adapters.nats.publisher import Publisher
from adapters.nats.receipts import Receipts, ReceiptStore
from adapters.nats.stream_guard import StreamMark, look
from adapters.nats.streams import LOG_SUBJECT, all_streams, ntf_stream, region_of
from contracts.division import Divisions
from contracts.errors import UnavailableError
from contracts.ids import PointId, RegionCode
from contracts.schema import SchemaRegistry
from hub.ports import LedgerReader
from hub.run_builder import RunBuilder
from ledger.checkpoint import checkpoint_size

RUNS_READ: Final = 256
"""Delivery runs read from the ledger at a time."""
SAVE_SECONDS: Final = 0.05
"""The place is written at most this often, and at the end."""
LOOK_SECONDS: Final = 2.0
"""How often the streams are looked at."""
CHECKPOINT_SECONDS: Final = 1.0
"""A checkpoint is published at most this often."""

_SHORTEST_PAUSE_SECONDS: Final = 0.005
_LONGEST_PAUSE_SECONDS: Final = 0.05

_log = structlog.get_logger()


class RelayStore(ReceiptStore, Protocol):
    """What the relay remembers. Every call is durable when it returns, against a kill of the process at least."""

    def place(self) -> int:
        """Row id of the last run up to which all are on the broker; 0 at the start."""

    def streams(self) -> Mapping[str, tuple[str, int]]:
        """When each stream was made and the highest sequence number it acknowledged."""

    def save(self, place: int, streams: Mapping[str, tuple[str, int]]) -> None:
        """Remember a place and how the streams stood there, in one transaction."""

    def receipted(self) -> Mapping[PointId, int]:
        """The highest counter of each delivery point that its region signed for."""


class Relay:
    """One relay of one ledger.

    Args:
        reader: The ledger, read only.
        store: The relay's own memory; nobody else's.
        divisions: Of the ledger's genesis.
        registry: Schemas of directory events.
    """

    def __init__(
        self, *, reader: LedgerReader, store: RelayStore, divisions: Divisions, registry: SchemaRegistry
    ) -> None:
        self._reader = reader
        self._store = store
        self._directory = LedgerDirectory(reader=reader, divisions=divisions, registry=registry)
        self._form = RunForm(RunBuilder(reader), lambda point: self._directory.now().point(point))
        self._receipts = Receipts(reader=reader, directory=self._directory, store=store)
        self._place = 0
        self._marks: dict[str, StreamMark] = {}

    async def run(self, url: str, stop: asyncio.Event) -> None:
        """Relay until told to stop, through every loss of the broker.

        Args:
            url: Where the broker listens.
            stop: Set to end; what is in flight is waited for and remembered.

        Raises:
            FatalError: The ledger's file contradicts itself.
        """
        await keep(url, name="pprd-relay", work=lambda broker: self._work(broker, stop), stop=stop)

    async def _work(self, broker: Broker, stop: asyncio.Event) -> None:
        self._place = self._store.place()
        self._marks = {name: StreamMark(*mark) for name, mark in self._store.streams().items()}
        await self._guard(broker)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._follow(broker, stop))
                tasks.create_task(self._publish_checkpoints(broker, stop))
                tasks.create_task(self._receipts.follow(broker, stop))
        except BaseExceptionGroup as group:
            raise _first(group) from group

    # -- following

    async def _follow(self, broker: Broker, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        publisher = Publisher(broker)
        seen, run_id, pause = -1, self._place, _SHORTEST_PAUSE_SECONDS
        next_save = next_look = loop.time()
        while not stop.is_set():
            size = self._reader.size()
            rows = self._reader.runs_after(run_id, RUNS_READ) if size != seen else ()
            for run_id, run in rows:
                await publisher.publish(self._form.message(run), tag=run_id)
                await asyncio.sleep(0)
            if len(rows) < RUNS_READ:
                seen = size
            await publisher.settle()
            if loop.time() >= next_save and self._take_in(publisher):
                self._save()
                next_save = loop.time() + SAVE_SECONDS
            if loop.time() >= next_look:
                await self._drain(publisher)
                await self._guard(broker)
                next_look = loop.time() + LOOK_SECONDS
            pause = _SHORTEST_PAUSE_SECONDS if rows else min(1.5 * pause, _LONGEST_PAUSE_SECONDS)
            if not rows:
                await wait(stop, pause)
        await self._drain(publisher)

    async def _drain(self, publisher: Publisher) -> None:
        await publisher.drain()
        if self._take_in(publisher):
            self._save()

    def _take_in(self, publisher: Publisher) -> bool:
        """Move our place and marks to what is acknowledged; say whether anything moved."""
        if publisher.acknowledged is None or publisher.acknowledged == self._place:
            return False
        self._place = publisher.acknowledged
        for name, last_seq in publisher.last_seqs.items():
            self._marks[name] = self._marks[name]._replace(last_seq=last_seq)
        return True

    def _save(self) -> None:
        # If we stop before this line, the runs since the last place are published again under the same message ids.
        self._store.save(self._place, self._marks)

    # -- restoring

    async def _guard(self, broker: Broker) -> None:
        """Make missing streams; publish again what a stream lost that was on it."""
        marks, lost = await look(broker, all_streams(), self._marks)
        if lost:
            regions = frozenset(
                region for point in self._reader.heads() if ntf_stream(region := region_of(point)) in lost
            )
            await self._restore(broker, regions)
            # Remembered only now: if we stop before this line, the loss is noticed and made good again.
            marks, _ = await look(broker, all_streams(), marks)
            self._marks = dict(marks)
            self._save()

    async def _restore(self, broker: Broker, regions: frozenset[RegionCode]) -> None:
        """Publish the runs of some regions up to our place again, from the first one without a receipt on."""
        receipted = self._store.receipted()
        publisher = Publisher(broker)
        run_id, count = 0, 0
        while regions and run_id < self._place and (rows := self._reader.runs_after(run_id, RUNS_READ)):
            for run_id, run in rows:
                last_n = run.first_n + len(run.indexes) - 1
                if run_id <= self._place and region_of(run.point) in regions and last_n > receipted.get(run.point, 0):
                    await publisher.publish(self._form.message(run), tag=run_id)
                    count += 1
                await asyncio.sleep(0)
        await publisher.drain()
        if count:
            _log.warning("stream.restored", stream=[ntf_stream(region) for region in sorted(regions)], runs=count)

    # -- checkpoints

    async def _publish_checkpoints(self, broker: Broker, stop: asyncio.Event) -> None:
        published = None
        while not stop.is_set():
            note = self._reader.checkpoint()
            if note is not None and note != published:
                headers: dict[str, str] = {Header.MSG_ID: f"log:{checkpoint_size(note)}"}
                with broker_errors():
                    await broker.js.publish(LOG_SUBJECT, note, headers=headers)
                published = note
            await wait(stop, CHECKPOINT_SECONDS)


async def run_relay(
    *,
    reader: LedgerReader,
    store: RelayStore,
    divisions: Divisions,
    registry: SchemaRegistry,
    url: str,
    stop: asyncio.Event,
) -> None:
    """Run a relay as a process does: see `Relay`."""
    await Relay(reader=reader, store=store, divisions=divisions, registry=registry).run(url, stop)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that says most: one of ours that is not the loss of the connection, if there is one."""
    errors = list(group.exceptions)
    return next((error for error in errors if not isinstance(error, UnavailableError)), errors[0])
