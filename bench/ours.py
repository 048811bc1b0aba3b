"""Our hub under load: real hub process, real relay process, real broker, one client on one stream of batches."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import nats

from adapters._generated.pprd.v1 import notification_pb2 as npb
from adapters.compose.hub_program import create_ledger, opened_hub
from adapters.grpc.client import ExchangeClient
from adapters.nats_server import NatsServer
from bench.serve import hub_settings
from bench.workload import World
from hub.submission import SubmittedBatch

BATCH = 256
WINDOW = 16


class OurHub:
    """Starts broker, hub and relay on a new ledger; an async context that stops them.

    Args:
        folder: Empty; data folder and broker store.
        world: Who takes part.

    Attributes:
        data: The data folder, for the audit.
        address: Of the hub.
        client: Connected to it.
        memory: (events recorded, resident MiB of the hub) after each round.
    """

    def __init__(self, folder: Path, world: World) -> None:
        self.data = folder / "data"
        self.memory: list[tuple[int, float]] = []
        self._world = world
        self._nats = NatsServer(folder=folder / "nats")
        self._children: list[asyncio.subprocess.Process] = []
        self._events = 0

    async def __aenter__(self) -> OurHub:
        self.data.mkdir(parents=True)
        settings = hub_settings(self.data)
        self.vkey = create_ledger(settings).vkey
        with opened_hub(settings) as application:
            application.record(list(self._world.directory()))
        self._nats.start()
        self.address = await self._child("hub", str(self.data))
        await self._child("relay", str(self.data), self._nats.url)
        self.client = ExchangeClient(self.address)
        await self.client.connect()
        self._broker = await nats.connect(self._nats.url)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()
        await self._broker.close()
        for child in reversed(self._children):
            child.send_signal(signal.SIGTERM)
            await child.wait()
        self._nats.stop()

    async def _child(self, *arguments: str) -> str:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.serve", *arguments, stdout=asyncio.subprocess.PIPE
        )
        self._children.append(child)
        if child.stdout is None:
            raise RuntimeError("the child has no standard output")
        return (await child.stdout.readline()).decode().strip()

    async def throughput(self, matters: int) -> float:
        """Events a second: from the first batch sent until all are answered and every notification is on JetStream."""
        batches = list(self._world.batches(matters, BATCH))
        due = await self._published() + 2 * matters
        start = time.perf_counter()
        await self.record(batches)
        while await self._published() < due:  # noqa: ASYNC110 - the broker is another process, there is no event
            await asyncio.sleep(0.005)
        taken = time.perf_counter() - start
        events = sum(len(batch.events) for batch in batches)
        self._events += events
        return events / taken

    async def record(self, batches: Sequence[SubmittedBatch]) -> None:
        """Send batches on one stream, and wait until all are answered.

        Raises:
            RuntimeError: An event was refused.
        """
        async with self.client.submit_stream(window=WINDOW) as stream:
            answers = [await stream.send(batch) for batch in batches]
            for answer in answers:
                reply = await answer
                refusals = [reply.answer.refusal, *(result.refusal for result in reply.answer.results)]
                if any(refusals):
                    raise RuntimeError(f"the hub refused an event of the bench: {next(filter(None, refusals))}")

    async def _published(self) -> int:
        """Notifications on the broker, from the last run of each of the two points."""
        stream = self._broker.jetstream()
        total = 0
        for region in ("44", "45"):
            try:
                message = await stream.get_last_msg(f"NTF-{region}", f"pprd.v1.ntf.{region}.std.node")
            except nats.js.errors.NotFoundError:
                continue
            run = npb.NotificationRun.FromString(message.data or b"")
            total += run.first_n - 1 + len(run.notifications)
        return total

    def lone_batches(self, events: int) -> list[SubmittedBatch]:
        """Batches of one event each, signed; the hub can take them one after another."""
        return list(self._world.batches(-(-events // 6), 1))

    async def submit_alone(self, batch: SubmittedBatch) -> None:
        """Send one of `lone_batches`; over when its full receipt is here."""
        await self.client.submit_one(batch)
        self._events += 1

    def hub_cpu_seconds(self) -> float:
        """CPU time of the hub so far, of all its threads."""
        return process_cpu_seconds(self._children[0].pid)

    def note_memory(self) -> None:
        """Remember how much memory the hub holds at this length of the ledger."""
        pages = int(Path(f"/proc/{self._children[0].pid}/statm").read_text().split()[1])
        self.memory.append((self._events, pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)))


def process_cpu_seconds(pid: int) -> float:
    """CPU time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
