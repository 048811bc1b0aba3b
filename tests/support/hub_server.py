"""A real hub for tests: the application on a real store behind its sequencer and its gRPC server, on a free port.

    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        reply = await hub.client.submit_one(hub.world.batches["44"].batch([declaration(hub.world, "44")]))

Pure of pytest. The clock and the ids are the world's; the server, the threads and the store are real.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.grpc.calls import Limits
from adapters.grpc.client import ExchangeClient
from adapters.grpc.reads import WorkLists, no_work_lists
from adapters.grpc.server import GrpcServer
from adapters.nats.messages import RunForm
from adapters.sequencer import MAX_QUEUE_BYTES, MAX_QUEUE_EVENTS, Sequencer
from adapters.store.opening import open_store
from hub.application import Application
from hub.run_builder import RunBuilder
from hub.submission import Outcome
from hub.tally import Tally
from ledger.note import NoteSigner
from tests.support.audit import audit
from tests.support.batches import Made
from tests.support.world import World


async def until(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Wait until something is so.

    Raises:
        TimeoutError: It is not, in this time.
    """
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a test looks from outside, where there is no event to wait for
            await asyncio.sleep(0.005)


class Gate:
    """Holds a hub's writer between two groups until it is opened; an async context that opens it at the end."""

    def __init__(self, hub: HubServer) -> None:
        self._opened = threading.Event()
        self._entered = threading.Event()
        self._job = asyncio.ensure_future(hub.sequencer.call(self._hold))

    def _hold(self) -> None:
        self._entered.set()
        if not self._opened.wait(20):
            raise AssertionError("nobody opened the gate")

    async def __aenter__(self) -> Gate:
        await asyncio.to_thread(self._entered.wait, 10)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open()
        await self._job

    def open(self) -> None:
        """Let the writer go on."""
        self._opened.set()


class HubServer:
    """A hub that runs; an async context that starts and stops it.

    Args:
        place: The ledger's; made if there is none.
        world: Who takes part.
        limits: Of the server.
        max_queue_events: Of the sequencer.
        max_queue_bytes: Of the sequencer.
        tls: What the hub and its client show each other; None in plain text.
        work_lists: Gives pages of work lists; the hub keeps none if not given.
        next_signer: The key that takes the place of the ledger's.
        next_hub_key: The key that takes the place of the hub's own.

    Attributes:
        world: As given.
        application: The hub; while it runs, call it through `sequencer` only.
        sequencer: Its writer.
        server: Its gRPC server.
        client: Connected to it.
        address: Where it listens.
    """

    def __init__(
        self,
        place: Path,
        *,
        world: World | None = None,
        limits: Limits | None = None,
        max_queue_events: int = MAX_QUEUE_EVENTS,
        max_queue_bytes: int = MAX_QUEUE_BYTES,
        tls: tuple[grpc.ServerCredentials, grpc.ChannelCredentials] | None = None,
        work_lists: WorkLists = no_work_lists,
        next_signer: NoteSigner | None = None,
        next_hub_key: Ed25519PrivateKey | None = None,
    ) -> None:
        self._work_lists = work_lists
        self._next_signer = next_signer
        self._next_hub_key = next_hub_key
        self.world = world or World()
        self._place = place
        self._limits = limits
        self._tls = tls or (None, None)
        self._bounds = (max_queue_events, max_queue_bytes)
        self.application: Application
        self.sequencer: Sequencer
        self.server: GrpcServer
        self.client: ExchangeClient
        self.address = ""

    async def __aenter__(self) -> HubServer:
        self.store = open_store(self._place)
        is_new = not self.store.size()
        if is_new:
            self.application = self.world.found(self.store)
        if not is_new or self._next_signer is not None or self._next_hub_key is not None:
            self.application = self.world.load(
                self.store, next_signer=self._next_signer, next_hub_key=self._next_hub_key
            )
        self.sequencer = Sequencer(self.application, max_queue_events=self._bounds[0], max_queue_bytes=self._bounds[1])
        self.sequencer.start()
        form = RunForm(RunBuilder(self.store), self.application.directory.point)
        self.server = GrpcServer(
            application=self.application,
            sequencer=self.sequencer,
            encode_run=lambda run: form.message(run).data,
            work_lists=self._work_lists,
            address="127.0.0.1:0",
            credentials=self._tls[0],
            limits=self._limits,
        )
        self.address = f"127.0.0.1:{await self.server.start()}"
        self.client = ExchangeClient(self.address, credentials=self._tls[1])
        await self.client.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.close()
        await self.server.stop(grace_seconds=2)
        await self.sequencer.drain()
        self.store.close()

    @property
    def size(self) -> int:
        """Entries in the ledger."""
        return self.store.size()

    async def submit(self, made: list[Made]) -> None:
        """Submit events one by one, each through its region's gateway, and see each accepted."""
        for one in made:
            reply = await self.client.submit_one(self.world.batches[one.region].batch([one]))
            (result,) = reply.answer.results
            if result.outcome is not Outcome.ACCEPTED:
                raise AssertionError(f"{one.header.event_type}: {result.refusal}")

    def audit(self) -> Tally:
        """Derive the whole ledger again and compare the store with it; see `tests.support.audit`."""
        return audit(self.store, self.world)
