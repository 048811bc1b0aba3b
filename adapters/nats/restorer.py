"""Publishes again what the broker lost: runs that are behind the relay's place and that no region has signed for.

Two signs of a loss. A stream is not the one that acknowledged (`stream_guard`): its store was wiped or cut short. Or a
stream is empty, receipts are missing and do not move: messages were purged or grew too old. Publishing again is always
harmless, so a sign may be wrong; it may not be missed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Final, Protocol

import structlog

from adapters.nats.broker import Broker
from adapters.nats.messages import RunForm
from adapters.nats.place import Place
from adapters.nats.publisher import Publisher
from adapters.nats.stream_guard import StreamState, look
from adapters.nats.streams import DUPLICATE_WINDOW_SECONDS, all_streams, streams_of
from adapters.nats.subjects import region_of
from contracts.ids import PointId, RegionCode
from hub.ports import LedgerReader

RUNS_READ: Final = 64
"""Delivery runs read from the ledger at a time."""
PATIENCE_SECONDS: Final = DUPLICATE_WINDOW_SECONDS
"""How long an empty stream may wait for receipts that do not move: before, the broker would take what comes again for
the message that it had, and drop it."""

_log = structlog.get_logger()


class ReceiptedStore(Protocol):
    """What the regions signed for."""

    def receipted(self) -> Mapping[PointId, int]:
        """The highest counter of each delivery point that its region signed for."""


class Restorer:
    """Keeps the streams whole.

    Args:
        reader: The ledger.
        store: Receipts.
        form: Makes the messages.
        patience_seconds: See `PATIENCE_SECONDS`.
    """

    def __init__(
        self,
        *,
        reader: LedgerReader,
        store: ReceiptedStore,
        form: RunForm,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._reader = reader
        self._store = store
        self._form = form
        self._patience_seconds = patience_seconds
        self._missing: dict[RegionCode, tuple[Mapping[PointId, int], float]] = {}

    async def check(self, broker: Broker, place: Place) -> None:
        """Make missing streams and publish again what was lost; nothing may be in flight.

        Raises:
            UnavailableError: BROKER_UNAVAILABLE: it was not all published; checking again finds the same.
        """
        states, lost = await look(broker, all_streams(), place.marks)
        regions = {
            region_of(point) for point in self._reader.heads() if lost.intersection(streams_of(region_of(point)))
        }
        regions |= self._stuck(states)
        await self._publish_again(broker, place, frozenset(regions))
        if lost:
            # Remembered only now: if we stop before this line, the loss is noticed and made good again.
            states, _ = await look(broker, all_streams(), place.marks)
            place.replace_marks({name: state.mark for name, state in states.items()})

    def _stuck(self, states: Mapping[str, StreamState]) -> set[RegionCode]:
        """Regions whose stream is empty and whose receipts have been missing, the same ones, for too long."""
        receipted, now = self._store.receipted(), time.monotonic()
        missing: dict[RegionCode, dict[PointId, int]] = {}
        for point, (n, _) in self._reader.heads().items():
            waiting = sum(states[name].waiting for name in streams_of(region_of(point)))
            if receipted.get(point, 0) < n and waiting == 0:
                missing.setdefault(region_of(point), {})[point] = receipted.get(point, 0)
        stuck = set()
        for region, points in missing.items():
            known, since = self._missing.get(region, (None, now))
            missing_since = since if known == points else now
            if now - missing_since >= self._patience_seconds:
                stuck.add(region)
                missing_since = now
            self._missing[region] = (points, missing_since)
        self._missing = {region: seen for region, seen in self._missing.items() if region in missing}
        return stuck

    async def _publish_again(self, broker: Broker, place: Place, regions: frozenset[RegionCode]) -> None:
        receipted = self._store.receipted()
        publisher = Publisher(broker)
        run_id = count = 0
        while regions and run_id < place.run_id and (rows := self._reader.runs_after(run_id, RUNS_READ)):
            for run_id, run in rows:
                last_n = run.first_n + len(run.indexes) - 1
                if run_id <= place.run_id and region_of(run.point) in regions and last_n > receipted.get(run.point, 0):
                    await publisher.publish(self._form.message(run), tag=run_id)
                    count += 1
            await asyncio.sleep(0)
        await publisher.drain()
        if count:
            _log.warning(
                "stream.restored",
                stream=[name for region in sorted(regions) for name in streams_of(region)],
                runs=count,
            )
