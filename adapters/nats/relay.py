"""The relay: follows the ledger, publishes every delivery run, remembers how far, and restores what the broker lost.

It reads the ledger and never a request, so it may be killed, stopped or far behind without anybody noticing but the
receivers. Rules kept here: a place is remembered only after the broker acknowledged everything up to it; after a fault
the same runs are published again with the same counters and message ids, which is harmless; runs of one delivery point
leave in order. Not here: how a run is built (`hub.run_builder`), who wires the stores (`compose`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final, Protocol

from nats.js.api import Header

from adapters.nats.announcer import Announced, announce
from adapters.nats.broker import Broker, broker_errors, keep, together, wait
from adapters.nats.ledger_directory import LedgerDirectory
from adapters.nats.login import Login
from adapters.nats.messages import RunForm
from adapters.nats.place import Place, PlaceStore
from adapters.nats.publisher import Publisher
from adapters.nats.receipts import Receipts, ReceiptStore
from adapters.nats.restorer import PATIENCE_SECONDS, RUNS_READ, ReceiptedStore, Restorer
from adapters.nats.streams import DIR_STREAM, STT_STREAM
from adapters.nats.subjects import DIR_SUBJECT, LOG_SUBJECT, stt_subject
from contracts.division import Divisions
from contracts.event import decode_event
from contracts.schema import SchemaRegistry
from hub.ports import LedgerReader, Witnessed
from hub.run_builder import RunBuilder
from ledger.checkpoint import checkpoint_size

LOOK_SECONDS: Final = 2.0
"""How often the streams are looked at."""
DIRECTORY_SECONDS: Final = 0.5
"""Pause between two looks at the directory's events."""
STATISTICS_SECONDS: Final = 5.0
"""How often new statistics are looked for; they come once a month."""
CHECKPOINT_SECONDS: Final = 1.0
"""A checkpoint is published at most this often."""
REPEAT_SECONDS: Final = 3.0
"""After this long without a newer one the last checkpoint is said again."""

_SHORTEST_PAUSE_SECONDS: Final = 0.005
_LONGEST_PAUSE_SECONDS: Final = 0.05


class RelayStore(PlaceStore, ReceiptStore, ReceiptedStore, Protocol):
    """What the relay remembers: its place, and what the regions signed for."""


class Relay:
    """One relay of one ledger.

    Args:
        reader: The ledger, read only.
        store: The relay's own memory; nobody else's.
        divisions: Of the ledger's genesis.
        registry: Schemas of directory events.
        patience_seconds: How long an empty stream may wait for receipts that do not move.
        login: Who the relay is, where the broker asks.
    """

    def __init__(
        self,
        *,
        reader: LedgerReader,
        store: RelayStore,
        divisions: Divisions,
        registry: SchemaRegistry,
        patience_seconds: float = PATIENCE_SECONDS,
        login: Login | None = None,
    ) -> None:
        self._reader = reader
        self._login = login
        self._store = store
        self._registry = registry
        self._directory = LedgerDirectory(reader=reader, divisions=divisions, registry=registry)
        self._form = RunForm(RunBuilder(reader), lambda point: self._directory.now().point(point))
        self._receipts = Receipts(reader=reader, directory=self._directory, store=store)
        self._restorer = Restorer(reader=reader, store=store, form=self._form, patience_seconds=patience_seconds)

    async def run(self, url: str, stop: asyncio.Event) -> None:
        """Relay until told to stop, through every loss of the broker.

        Args:
            url: Where the broker listens.
            stop: Set to end; what is in flight is waited for and remembered.

        Raises:
            FatalError: The ledger's store contradicts itself.
        """
        await keep(url, name="pprd-relay", work=lambda broker: self._work(broker, stop), stop=stop, login=self._login)

    async def _work(self, broker: Broker, stop: asyncio.Event) -> None:
        # From the store again on every connection: what was in flight on the old one is published again.
        place = Place(self._store)
        await self._restorer.check(broker, place)
        await together(
            self._follow(broker, place, stop),
            self._publish_checkpoints(broker, stop),
            *(announce(broker, announced, stop) for announced in self._announced()),
            self._receipts.follow(broker, stop),
        )

    async def _follow(self, broker: Broker, place: Place, stop: asyncio.Event) -> None:
        publisher, run_id = Publisher(broker), place.run_id
        seen, pause, looked_at = -1, _SHORTEST_PAUSE_SECONDS, asyncio.get_running_loop().time()
        while not stop.is_set():
            size = self._reader.size()
            rows = self._reader.runs_after(run_id, RUNS_READ) if size != seen else ()
            if len(rows) < RUNS_READ:
                seen = size
            for run_id, run in rows:
                await publisher.publish(self._form.message(run), tag=run_id)
                # Lets acknowledgements and receipts in.
                await asyncio.sleep(0)
                await publisher.settle()
                place.move(publisher)
            if not rows:
                await publisher.settle()
                place.move(publisher)
                await wait(stop, pause)
            pause = _SHORTEST_PAUSE_SECONDS if rows else min(1.5 * pause, _LONGEST_PAUSE_SECONDS)
            if asyncio.get_running_loop().time() - looked_at > LOOK_SECONDS:
                await publisher.drain()
                place.move(publisher)
                await self._restorer.check(broker, place)
                looked_at = asyncio.get_running_loop().time()
        await publisher.drain()
        place.move(publisher)
        place.save()

    def _announced(self) -> tuple[Announced, ...]:
        """What everybody may hear besides checkpoints."""
        return (
            Announced(DIR_STREAM, self._reader.directory_entries, lambda _: DIR_SUBJECT, DIRECTORY_SECONDS),
            Announced(STT_STREAM, self._reader.statistics_entries, self._statistics_subject, STATISTICS_SECONDS),
        )

    def _statistics_subject(self, event: bytes) -> str:
        return stt_subject(self._registry.decode_body(decode_event(event).body)[1]["table"])

    async def _publish_checkpoints(self, broker: Broker, stop: asyncio.Event) -> None:
        """Publish the newest head, and the newest one that the quorum of witnesses has cosigned, with their lines."""
        published: dict[str, tuple[bytes, float]] = {}
        clock = asyncio.get_running_loop().time
        while not stop.is_set():
            for kind, note in self._heads():
                last, at = published.get(kind, (b"", 0.0))
                # Said again now and then, for who has just come; the stream keeps it once.
                if last != note or clock() - at > REPEAT_SECONDS:
                    headers: dict[str, str] = {Header.MSG_ID: f"{kind}:{checkpoint_size(note)}"}
                    with broker_errors():
                        await broker.js.publish(LOG_SUBJECT, note, headers=headers)
                    published[kind] = note, clock()
            await wait(stop, CHECKPOINT_SECONDS)

    def _heads(self) -> Iterator[tuple[str, bytes]]:
        newest = self._reader.checkpoint()
        if newest is not None:
            yield "log", newest
        size = self._reader.witnessed_size() if isinstance(self._reader, Witnessed) else None
        cosigned = None if size is None else self._reader.checkpoint(size)
        if cosigned is not None:
            yield "cosigned", cosigned
