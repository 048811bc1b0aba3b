"""The way from a ledger to the regions, for tests: a relay and inboxes on a real broker, in the test's own process.

    async with Delivery(world=world, reader=store, url=server.url, folder=tmp_path) as delivery:
        await delivery.settled()

Pure of pytest. Regions read directory and missing runs straight from the ledger's file, where a real gateway asks the
hub over gRPC. `check_delivered` is what holds after every fault.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from adapters.nats.inbox import Inbox, ReceiptSigner
from adapters.nats.intake import Ports
from adapters.nats.ledger_directory import LedgerDirectory
from adapters.nats.login import JETSTREAM_API, REGION_API, Login
from adapters.nats.messages import RunForm
from adapters.nats.relay import Relay
from adapters.nats.restorer import PATIENCE_SECONDS
from adapters.region.database import RegionDatabase
from adapters.region.inbox_store import RegionInboxStore, StoredNotification
from adapters.store.relay_store import SqliteRelayStore
from contracts.errors import EvidenceError, UnavailableError
from contracts.event import leaf_hash
from contracts.ids import Hash, LeafIndex, PointId, RegionCode
from hub.notification import KeyAt, known_keys
from hub.ports import LedgerReader
from hub.run_builder import RunBuilder
from ledger.entry import EventEntry, decode_entry
from ledger.heads import HEAD_ZERO, head_next
from tests.support.world import World

SETTLE_SECONDS: Final = 20.0
"""How long a test waits for what must happen."""


class RegionSide:
    """One region's inbox with its file.

    Args:
        world: Keys.
        region: Whose.
        reader: The ledger, for directory and missing runs.
        path: The region's file.

    Attributes:
        database: The region's file.
        store: Its inbox tables.
        inbox: The inbox.
        fetched: Points and counters that missing runs were asked for.
    """

    def __init__(self, *, world: World, region: str, reader: LedgerReader, path: Path) -> None:
        self._world = world
        self._reader = reader
        self._directory = LedgerDirectory(reader=reader, divisions=world.rules.divisions, registry=world.rules.registry)
        self._form = RunForm(RunBuilder(reader), lambda point: self._directory.now().point(point))
        self.fetched: list[tuple[PointId, int]] = []
        self.database = RegionDatabase(path)
        self.store = RegionInboxStore(self.database, now_ms=_now_ms)
        gateway = world.gateways[RegionCode(region)]
        self.inbox = Inbox(
            region=RegionCode(region),
            store=self.store,
            ports=self.ports(),
            signer=ReceiptSigner(gateway.key_id("receipt"), gateway.keys["receipt"], _now_ms),
            login=Login(gateway.keys["broker"], REGION_API),
        )

    def ports(self) -> Ports:
        """What an intake needs, over the ledger's file."""
        return Ports(
            verifier=self._world.verifier,
            directory_through=self._through,
            private_of=lambda point, _: self._world.points.get(point),
            fetch_runs=self._fetch,
        )

    async def _through(self, index: LeafIndex) -> KeyAt:
        directory = self._directory.now()
        if self._directory.size <= index:
            raise UnavailableError("DIRECTORY_BEHIND", f"the ledger has no entry {index}")
        directory.hub_keys.begin(self._world.hub_key.public_key().public_bytes_raw())
        return known_keys(directory)

    async def _fetch(self, point: PointId, from_n: int) -> AsyncIterator[bytes]:
        self.fetched.append((point, from_n))
        while runs := self._reader.runs(point, from_n, 16):
            for run in runs:
                yield self._form.message(run).data
                from_n = run.first_n + len(run.indexes)


class Delivery:
    """A relay and the inboxes of some regions, running; an async context that starts and stops them.

    Args:
        world: Who takes part.
        reader: The ledger.
        url: Where the broker listens.
        folder: Of the relay's and the regions' files.
        regions: Whose inboxes run; all of the world's if not given.
        has_relay: Whether the relay runs.
        patience_seconds: How long the relay leaves an empty stream alone whose receipts are missing.
    """

    def __init__(
        self,
        *,
        world: World,
        reader: LedgerReader,
        url: str,
        folder: Path,
        regions: Iterable[str] | None = None,
        has_relay: bool = True,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._url = url
        self._reader = reader
        self._has_relay = has_relay
        self.stop = asyncio.Event()
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.relay_store = SqliteRelayStore(folder / "relay.sqlite")
        self.relay = Relay(
            reader=reader,
            store=self.relay_store,
            divisions=world.rules.divisions,
            registry=world.rules.registry,
            patience_seconds=patience_seconds,
            login=Login(world.relay_key, JETSTREAM_API),
        )
        self.sides = {
            region: RegionSide(world=world, region=region, reader=reader, path=folder / f"{region}.sqlite")
            for region in (world.counties if regions is None else regions)
        }

    async def __aenter__(self) -> Delivery:
        if self._has_relay:
            self.tasks["relay"] = asyncio.create_task(self.relay.run(self._url, self.stop))
        for region, side in self.sides.items():
            self.tasks[region] = asyncio.create_task(side.inbox.run(self._url, self.stop))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop.set()
        ended = await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        self.relay_store.close()
        for side in self.sides.values():
            side.database.close()
        failures = [one for one in ended if isinstance(one, BaseException)]
        if failures and kind is None:
            raise failures[0]

    async def stopped(self, region: str) -> EvidenceError:
        """Wait until a region's line has stopped and give the alarm."""
        task = self.tasks.pop(region)
        await asyncio.wait((task,), timeout=SETTLE_SECONDS)
        error = task.exception() if task.done() else None
        if not isinstance(error, EvidenceError):
            raise AssertionError(f"the line of {region} ended with {error!r}")
        return error

    async def settled(self) -> None:
        """Wait until every region holds what the ledger says, and the relay a receipt for it."""
        await until(self._is_settled, lambda: f"{self._wanted()} against {self.relay_store.receipts()}")

    def _wanted(self) -> dict[PointId, int]:
        return {point: n for point, (n, _) in self._reader.heads().items() if point[:2] in self.sides}

    def _is_settled(self) -> bool:
        receipted = self.relay_store.receipted()
        return all(
            self.sides[point[:2]].store.standings().get(point, (0, b""))[0] == n and receipted.get(point) == n
            for point, n in self._wanted().items()
        )


async def until(condition: Callable[[], bool], told: Callable[[], str] = str, seconds: float = SETTLE_SECONDS) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} seconds: {told()}")
        await asyncio.sleep(0.01)


def check_delivered(reader: LedgerReader, stores: Mapping[str, RegionInboxStore]) -> int:
    """Check that every region holds exactly what the ledger says: each notification once, in order, with equal heads.

    Returns:
        How many notifications there are.
    """
    total = 0
    heads = reader.heads()
    for region, store in stores.items():
        count = 0
        for point, (n, head) in store.standings().items():
            assert heads[point] == (n, head), f"{point} stands at {n}, the ledger at {heads[point][0]}"
            count += n
        rows = store.received_after(0, 1 << 30)
        assert len(rows) == count == sum(n for point, (n, _) in heads.items() if point[:2] == region)
        _check_rows(reader, rows)
        total += count
    return total


def _check_rows(reader: LedgerReader, rows: Sequence[StoredNotification]) -> None:
    seen: dict[PointId, tuple[int, Hash]] = {}
    for row in rows:
        n, head = seen.get(row.point, (0, HEAD_ZERO))
        assert row.n == n + 1, f"{row.point} got {row.n} after {n}"
        (entry,) = reader.entries(row.leaf_index, LeafIndex(row.leaf_index + 1))
        assert decode_entry(entry) == EventEntry(row.event), f"entry {row.leaf_index} is another event"
        seen[row.point] = (row.n, head_next(head, row.n, leaf_hash(row.event)))
    for point, (n, head) in seen.items():
        assert reader.heads()[point] == (n, head)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
