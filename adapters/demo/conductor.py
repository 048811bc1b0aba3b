"""Plays the demonstration: sets the stage, starts every process, waits until all is done, ends everything in order.

    nats-server, hub, relay, projections, eleven regions   (each a process of its own; the eleven are started first)

One region is killed in the middle and comes back later; what was sent to it waits. When nobody has work left, the hub
is ended and started again: at its end it records what time has done, and the regions go on with what follows from that.
All is done when no region has work under way, every delivery point has received what the ledger says it was sent, and
the projections hold the whole ledger. Not here: the numbers (`tally`), the display (`show`), the audit (its own verb).
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol

from adapters.compose.broker_files import write_broker_files
from adapters.compose.folder import DataFolder
from adapters.compose.projecting import projections_file, reading
from adapters.demo.children import Child, start_hub, start_projections, start_relay, start_worker
from adapters.demo.orders import Orders
from adapters.demo.plan import Planned, draw_plan
from adapters.demo.stage import keep_addresses, set_stage
from adapters.nats_server import NatsServer
from adapters.store.ledger_store import LedgerStore
from contracts.errors import ConflictError, FatalError
from contracts.ids import REGIONS

OUTAGE_REGION: Final = "52"
"""Guizhou's gateway is killed in the middle of the play."""
_DOWN_FROM: Final = 0.25
_DOWN_UNTIL: Final = 0.6
_DOWN_SECONDS: Final = 3.0
_LOOK_SECONDS: Final = 0.25
_STILL_SECONDS: Final = 3.0
_REST_LOOKS: Final = 3
_PLAY_SECONDS: Final = 240.0
_END_SECONDS: Final = 20.0
_FOLLOW_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Play:
    """What is to be played.

    Attributes:
        data: The data folder.
        seed: Of the plan.
        matters: How many.
        rounds: Rounds of deliberate mistakes in each province.
    """

    data: Path
    seed: int
    matters: int
    rounds: int = 2


@dataclass(slots=True)
class Scene:
    """How far the play is; what a display shows.

    Attributes:
        began: Monotonic seconds.
        stage: What is being done, a few words.
        expected: Events that the plan will bring, roughly.
        recorded: Events of the play in the ledger.
        delivered: Notifications in the inboxes.
        regions: The last status of each region.
        down: Regions that are down.
    """

    began: float
    stage: str = "setting the stage"
    expected: int = 0
    recorded: int = 0
    delivered: int = 0
    regions: dict[str, dict[str, Any]] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)


class Display(Protocol):
    """Shows a scene; called a few times a second."""

    def update(self, scene: Scene) -> None:
        """Show how far the play is."""


def clear_folder(data: Path, *, is_fresh: bool) -> None:
    """Make room for a new demonstration.

    Raises:
        ConflictError: FOLDER_NOT_EMPTY: something is there and `is_fresh` does not allow to delete it, or it is not the
            folder of a demonstration.
    """
    if data.exists() and any(data.iterdir()):
        if not is_fresh:
            raise ConflictError("FOLDER_NOT_EMPTY", f"{data} holds something already")
        if not (data / "hub.toml").exists() and not (data / "logs").exists():
            raise ConflictError("FOLDER_NOT_EMPTY", f"{data} is not the folder of a demonstration: delete it yourself")
        shutil.rmtree(data)
    data.mkdir(parents=True, exist_ok=True)


async def play(what: Play, display: Display) -> Scene:
    """Play it to its end.

    Args:
        what: Into an empty folder, see `clear_folder`.
        display: Shows the progress.

    Raises:
        FatalError: DEMO_FAILED: a process ended by itself, or the play did not come to rest.
        CancelledError: SIGTERM or SIGINT asked to end; everything that was started is ended.
    """
    loop, running = asyncio.get_running_loop(), asyncio.current_task()
    if running is not None:
        loop.add_signal_handler(signal.SIGTERM, running.cancel)
    try:
        return await _Conductor(what, display).run()
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


class _Conductor:
    """One play."""

    def __init__(self, what: Play, display: Display) -> None:
        self._what = what
        self._display = display
        self._folder = DataFolder(what.data.resolve())
        self._workers: dict[str, Child] = {}
        self._readers: dict[str, asyncio.Task[None]] = {}
        self._failed: dict[str, Any] = {}
        self._orders: Orders
        self._stored_before = 0
        self._scene = Scene(began=time.monotonic())
        self._was_down = False
        self._down_since = 0.0
        self._hub: Child | None = None
        self._hub_address = ""

    async def run(self) -> Scene:
        """Everything, in order; whatever was started is ended."""
        try:
            # They import while the stage is set.
            for region in REGIONS:
                self._workers[region] = await start_worker(region, self._folder.logs)
            async with self._servers() as reader:
                await self._play(reader)
                await self._let_time_act(reader)
                await self._end_workers()
        finally:
            for worker in self._workers.values():
                await worker.kill()
            for job in self._readers.values():
                job.cancel()
        self._show("played")
        return self._scene

    @asynccontextmanager
    async def _servers(self) -> AsyncIterator[LedgerStore]:
        """Broker, hub, relay and projections; ended in the reverse order of what they need."""
        vkey = await asyncio.to_thread(set_stage, self._folder, seed=self._what.seed)
        nats = NatsServer(
            folder=self._folder.nats, config=write_broker_files(self._folder, self._folder.nats / "config")
        )
        self._show("starting the programs")
        root, logs = self._folder.root, self._folder.logs
        reader = self._folder.ledger()
        followers: list[Child] = []
        try:
            self._hub = await start_hub(root, logs)
            await asyncio.to_thread(nats.start)
            followers += [await start_relay(root, logs, nats.url), await start_projections(root, logs)]
            self._hub_address = await self._hub.ready()
            for child in followers:
                await child.ready()
            keep_addresses(self._folder, log_vkey=vkey, hub_address=self._hub_address, nats_url=nats.url)
            yield reader
            self._show("ending the programs")
            await self._hub.end()
            await self._until_projected(reader)
        finally:
            if self._hub is not None:
                await self._hub.end()
            for child in followers:
                await child.end()
            reader.close()
            await asyncio.to_thread(nats.stop)

    async def _until_projected(self, reader: LedgerStore) -> None:
        """Wait until the projections hold the whole ledger, so that every verb reads what was played."""
        file = projections_file(self._folder.root)
        try:
            async with asyncio.timeout(_FOLLOW_SECONDS):
                while True:
                    with reading(file) as store:
                        if store.place().position >= reader.size():
                            return
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError as error:
            raise FatalError("DEMO_FAILED", f"the projections are behind; see {self._folder.logs}") from error

    async def _let_time_act(self, reader: LedgerStore) -> None:
        """End the hub, which then records what time has done, start it where it was, and play what follows."""
        self._show("letting time act")
        if self._hub is None:
            raise FatalError("DEMO_FAILED", "there is no hub")
        await self._hub.end()
        self._hub = await start_hub(self._folder.root, self._folder.logs, self._hub_address)
        await self._hub.ready()
        await self._rest(reader)

    # -- playing

    async def _play(self, reader: LedgerStore) -> None:
        now_ms = time.time_ns() // 1_000_000
        self._orders = Orders(
            data=str(self._folder.root),
            seed=self._what.seed,
            matters=self._what.matters,
            now_ms=now_ms,
            rounds=self._what.rounds,
        )
        plan = draw_plan(seed=self._what.seed, matters=self._what.matters, now_ms=now_ms)
        self._scene.expected = _events_of(plan, now_ms)
        self._stored_before = reader.size()
        for region in REGIONS:
            self._direct(region, self._orders)
        self._show("playing")
        await self._rest(reader)

    async def _rest(self, reader: LedgerStore) -> None:
        """Wait until everybody is at rest.

        Raises:
            FatalError: DEMO_FAILED: somebody is not, for too long.
        """
        try:
            async with asyncio.timeout(_PLAY_SECONDS):
                await self._until_rest(reader)
        except TimeoutError as error:
            busy = [region for region, status in self._scene.regions.items() if not status["idle"]]
            raise FatalError("DEMO_FAILED", f"no rest after {_PLAY_SECONDS:g} seconds; busy: {busy}") from error

    def _direct(self, region: str, orders: Orders) -> None:
        """Give a worker its orders and follow what it says."""
        worker = self._workers[region]
        worker.say(orders.line())
        self._readers[region] = asyncio.ensure_future(self._follow(region, worker))

    async def _follow(self, region: str, worker: Child) -> None:
        while (said := await worker.line()) is not None:
            if "failed" in said:
                self._failed[region] = said["failed"]
            else:
                self._scene.regions[region] = said

    async def _until_rest(self, reader: LedgerStore) -> None:
        calm, last_recorded, last_change = 0, -1, time.monotonic()
        while calm < _REST_LOOKS:
            await asyncio.sleep(_LOOK_SECONDS)
            self._check()
            self._look(reader)
            if self._scene.recorded != last_recorded:
                last_recorded, last_change = self._scene.recorded, time.monotonic()
            is_still = time.monotonic() - last_change > _STILL_SECONDS
            await self._outage(is_still=is_still)
            calm = calm + 1 if self._is_at_rest(reader) else 0
            self._show("playing")

    def _check(self) -> None:
        """Stop if a region has."""
        for region, worker in self._workers.items():
            if region in self._failed:
                failed = self._failed[region]
                raise FatalError("DEMO_FAILED", f"region {region} stopped: {failed['code']}: {failed['message']}")
            if worker.has_ended and region not in self._scene.down:
                raise FatalError("DEMO_FAILED", f"region {region} ended; see {self._folder.logs}")

    def _look(self, reader: LedgerStore) -> None:
        scene = self._scene
        scene.recorded = reader.size() - self._stored_before
        scene.delivered = sum(sum(status["standings"].values()) for status in scene.regions.values())

    async def _outage(self, *, is_still: bool) -> None:
        """Kill a region in the middle, and bring it back later or when nothing moves without it."""
        share = self._scene.recorded / max(1, self._scene.expected)
        down = self._scene.down
        if not self._was_down and share >= _DOWN_FROM:
            self._was_down = True
            self._down_since = time.monotonic()
            down.add(OUTAGE_REGION)
            await self._workers[OUTAGE_REGION].kill()
            self._workers[OUTAGE_REGION] = await start_worker(OUTAGE_REGION, self._folder.logs)
        elif OUTAGE_REGION in down and self._has_been_down() and (share >= _DOWN_UNTIL or is_still):
            down.discard(OUTAGE_REGION)
            self._scene.regions.pop(OUTAGE_REGION, None)
            self._direct(OUTAGE_REGION, replace(self._orders, rounds=0))

    def _has_been_down(self) -> bool:
        return time.monotonic() - self._down_since >= _DOWN_SECONDS

    def _is_at_rest(self, reader: LedgerStore) -> bool:
        """Nobody has work under way, and everyone has what the ledger says was sent to him."""
        statuses = self._scene.regions
        if self._scene.down or not self._was_down or len(statuses) < len(REGIONS):
            return False
        if not all(status["idle"] for status in statuses.values()):
            return False
        received = {point: n for status in statuses.values() for point, n in status["standings"].items()}
        return all(received.get(point, 0) == n for point, (n, _) in reader.heads().items())

    async def _end_workers(self) -> None:
        self._show("ending the regions")
        for worker in self._workers.values():
            worker.say("{}")
        # Their last lines are read by their followers; only then may somebody else listen.
        await asyncio.wait(self._readers.values(), timeout=_END_SECONDS)
        codes = await asyncio.gather(*(worker.wait() for worker in self._workers.values()))
        for region, code in zip(self._workers, codes, strict=True):
            if code != 0:
                raise FatalError("DEMO_FAILED", f"region {region} ended with code {code}; see {self._folder.logs}")

    def _show(self, stage: str) -> None:
        self._scene.stage = stage
        self._display.update(self._scene)


def _events_of(plan: tuple[Planned, ...], now_ms: int) -> int:
    """Events that a plan brings, with an opening for each payload and what the batches add."""
    steps = sum(sum(moment <= now_ms for moment in planned.moments()) for planned in plan)
    return int(steps * 1.5)
