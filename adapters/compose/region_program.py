"""A region as a program: its gateway, its inbox, the tasks that follow."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Final, Self

import grpc
import structlog
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from adapters.compose.credentials import broker_trust, channel_credentials
from adapters.compose.key_ends import ending_keys
from adapters.compose.key_locks import key_lock
from adapters.compose.parts import (
    KEYS,
    REGION_FILE,
    SystemClock,
    bind_plainly,
    contracts_in_force,
    keep_loaded,
    only_one,
)
from adapters.compose.region_witnesses import ask_witnesses, asked_witnesses, region_policy, watch_quorum
from adapters.grpc.client import ExchangeClient
from adapters.keys.folder import make_hold_key, read_broker_key, read_region_keys
from adapters.nats.inbox import Inbox, ReceiptSigner
from adapters.nats.intake import Intake, Ports
from adapters.nats.login import REGION_API, Login
from adapters.region.database import RegionDatabase
from adapters.region.gateway import Identity, RegionGateway
from adapters.region.keyring import Keyring, SigningIdentity
from adapters.region.quorum import Quorum
from adapters.region.tasks import Task
from adapters.settings import RegionSettings
from contracts.errors import UnavailableError
from contracts.ids import KeyId, PointId, RegionCode
from contracts.instant import local_day
from ledger.log_keys import LogKeys
from ledger.note import NoteVerifier

log = structlog.get_logger()

_AGAIN_SECONDS: Final = 0.5
_TIDY_SECONDS: Final = 600.0
"""How often what was deleted in the daily course is taken out of the log of the region's file, at least."""


class RegionProgram:
    """A region that runs: its gateway, and its inbox if it has a broker.

    Args:
        settings: As read.
        on_tasks: Told of new tasks, after they are on disk.

    Attributes:
        gateway: The gateway, once started.
    """

    def __init__(
        self, settings: RegionSettings, *, on_tasks: Callable[[Sequence[Task]], None] = lambda tasks: None
    ) -> None:
        self._settings = settings
        self._on_tasks = on_tasks
        self._stack = AsyncExitStack()
        self._stop = asyncio.Event()
        self._stored = asyncio.Event()
        self._ordered = asyncio.Event()
        self._destroyed = asyncio.Event()
        self._jobs: list[asyncio.Task[None]] = []
        self.gateway: RegionGateway

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _start(self, stack: AsyncExitStack) -> None:
        settings = self._settings
        policy = region_policy(settings)
        witnesses, quorum = asked_witnesses(policy), Quorum(policy)
        client, self.gateway, identity = await _reached(stack, settings, quorum)
        await stack.enter_async_context(self.gateway)
        keep_loaded()
        bind_plainly()
        now_ms = SystemClock().now_ms
        for ending in ending_keys(self.gateway.replica.directory, identity.keyring.offices, local_day(now_ms())):
            log.warning("key.ends", office=ending.office, days=ending.days)
        inbox = Inbox(
            region=identity.region,
            store=self.gateway.inbox_store,
            ports=ports_of(identity, self.gateway, client),
            signer=ReceiptSigner(identity.keyring.receipt.key_id, identity.keyring.receipt.private, now_ms),
            on_stored=self._tell_stored,
            login=Login(
                read_broker_key(settings.data_dir / KEYS, key_lock()),
                REGION_API,
                broker_trust(settings.nats_ca, settings.nats_cert, settings.nats_key),
            ),
        )
        stack.push_async_callback(self._end)
        self._tell_stored()
        self._jobs = [
            asyncio.ensure_future(inbox.run(settings.nats_url, self._stop)),
            asyncio.ensure_future(self._take_tasks()),
            asyncio.ensure_future(self._carry_out()),
            asyncio.ensure_future(self._confirm()),
            asyncio.ensure_future(self.gateway.failed()),
        ]
        if quorum.is_demanded:
            self._jobs.append(asyncio.ensure_future(watch_quorum(quorum, settings.quorum_seconds)))
        if witnesses:
            self._jobs.append(asyncio.ensure_future(ask_witnesses(witnesses, self.gateway.checkpoints)))

    async def _end(self) -> None:
        """Let the inbox finish what it took, then end the rest."""
        self._stop.set()
        if self._jobs:
            await asyncio.wait(self._jobs[:1], timeout=5)
        for job in self._jobs:
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)

    def _tell_stored(self) -> None:
        self._stored.set()
        self._ordered.set()

    async def _carry_out(self) -> None:
        """Carry out orders as they come, and what the clock says beside; whoever waits to confirm is told."""
        orders = self.gateway.orders
        is_scrubbed = orders.tidy()
        while True:
            self._destroyed.set()
            try:
                async with asyncio.timeout(_TIDY_SECONDS if is_scrubbed else _AGAIN_SECONDS):
                    await self._ordered.wait()
            except TimeoutError:
                is_scrubbed = orders.tidy()
            else:
                self._ordered.clear()
                is_scrubbed = orders.carry_out()

    async def _confirm(self) -> None:
        """Confirm what is destroyed; what cannot be confirmed now is tried again, more and more seldom."""
        pause_seconds = _AGAIN_SECONDS
        while True:
            await self._destroyed.wait()
            self._destroyed.clear()
            try:
                is_done = await self.gateway.orders.confirm() and await self.gateway.retention.confirm()
            except UnavailableError as error:
                log.warning("orders.waiting", code=error.code)
                is_done = False
            pause_seconds = _AGAIN_SECONDS if is_done else min(2 * pause_seconds, _TIDY_SECONDS)
            if not is_done:
                asyncio.get_running_loop().call_later(pause_seconds * random.uniform(0.5, 1.0), self._destroyed.set)

    async def _take_tasks(self) -> None:
        while True:
            await self._stored.wait()
            self._stored.clear()
            try:
                while tasks := await self.gateway.tasks.take():
                    self._on_tasks(tasks)
            except UnavailableError as error:
                log.warning("tasks.waiting", code=error.code)
                asyncio.get_running_loop().call_later(0.5, self._stored.set)

    async def failed(self) -> None:
        """Wait until a part stops by itself, then raise its reason: an alarm or a fault of the store."""
        done, _ = await asyncio.wait(self._jobs, return_when=asyncio.FIRST_COMPLETED)
        for job in done:
            job.result()


@asynccontextmanager
async def connected_gateway(settings: RegionSettings) -> AsyncIterator[RegionGateway]:
    """A gateway that is connected to a hub and started; it needs no broker.

    Raises:
        ConflictError: FOLDER_IN_USE: this region's gateway runs already.
        UnavailableError: The hub cannot be reached.
    """
    async with AsyncExitStack() as stack:
        _, gateway, _ = await _reached(stack, settings)
        yield await stack.enter_async_context(gateway)


@asynccontextmanager
async def gateway_at_rest(settings: RegionSettings) -> AsyncIterator[RegionGateway]:
    """A gateway to read what its region has; it reaches for no hub and may stand beside the one that runs."""
    async with AsyncExitStack() as stack:
        client = ExchangeClient(settings.hub_address, credentials=None)
        stack.push_async_callback(client.close)
        gateway, _ = _built(stack, settings, client)
        yield gateway


async def receive_all(settings: RegionSettings) -> int:
    """Ask the hub itself for every notification that is missing here, check and store it, make the tasks, carry out
    what is ordered.

    Returns:
        How many notifications were new.

    Raises:
        EvidenceError: What came does not hold.
        UnavailableError: The hub cannot be reached.
    """
    async with AsyncExitStack() as stack:
        client, gateway, identity = await _reached(stack, settings)
        await stack.enter_async_context(gateway)
        before = gateway.inbox_store.count()
        intake = Intake(region=identity.region, store=gateway.inbox_store, ports=ports_of(identity, gateway, client))
        for point in gateway.replica.directory.points_of_region(identity.region):
            standing = intake.standings.get(point.point)
            async for run in client.runs(point.point, from_n=1 if standing is None else standing.n + 1):
                await intake.take(point.point, run.data)
                await intake.connect()
                intake.flush()
        while await gateway.tasks.take():
            log.debug("tasks.taken")
        if gateway.orders.carry_out():
            await gateway.orders.confirm()
            await gateway.retention.confirm()
        return gateway.inbox_store.count() - before


async def _reached(
    stack: AsyncExitStack, settings: RegionSettings, quorum: Quorum | None = None
) -> tuple[ExchangeClient, RegionGateway, Identity]:
    """The only gateway of its region, connected, not started."""
    stack.enter_context(only_one(settings.data_dir))
    client = await stack.enter_async_context(
        ExchangeClient(settings.hub_address, credentials=_channel_credentials(settings))
    )
    gateway, identity = _built(stack, settings, client, quorum)
    return client, gateway, identity


def _built(
    stack: AsyncExitStack, settings: RegionSettings, client: ExchangeClient, quorum: Quorum | None = None
) -> tuple[RegionGateway, Identity]:
    identity = region_identity(settings)
    database = RegionDatabase(settings.data_dir / REGION_FILE)
    stack.callback(database.close)
    gateway = RegionGateway(
        identity=identity,
        database=database,
        exchange=client,
        rules=contracts_in_force(is_sandbox=settings.sandbox),
        clock=SystemClock(),
        quorum=quorum,
    )
    return gateway, identity


def ports_of(identity: Identity, gateway: RegionGateway, client: ExchangeClient) -> Ports:
    """What an intake needs of its region: keys, directory, and the hub to ask for what is missing."""
    points = identity.keyring.point_keys()

    def private_of(point: PointId, wanted: KeyId) -> X25519PrivateKey | None:
        return points.get((point, wanted))

    async def fetch_runs(point: PointId, from_n: int) -> AsyncIterator[bytes]:
        async for run in client.runs(point, from_n=from_n):
            yield run.data

    async def log_keys(note: bytes) -> LogKeys:
        await gateway.checkpoints.learn(note)
        return gateway.checkpoints.keys

    return Ports(
        verifier=identity.verifier,
        directory_through=gateway.replica.keys_through,
        private_of=private_of,
        fetch_runs=fetch_runs,
        heads=gateway.checkpoints,
        keeper=gateway.evidence,
        log_keys=log_keys,
    )


def region_identity(settings: RegionSettings) -> Identity:
    """Who a region's gateway is, from its folder of keys; raises as `read_key`."""
    keys = read_region_keys(settings.data_dir / KEYS, key_lock())
    return Identity(
        region=RegionCode(settings.region),
        producer=PointId(f"{settings.region}-node"),
        keyring=Keyring(
            batch=SigningIdentity.of("batch", keys.batch),
            opening=SigningIdentity.of("open", keys.opening),
            receipt=SigningIdentity.of("receipt", keys.receipt),
            offices=keys.offices,
            points=keys.points,
            more_offices=keys.more_offices,
            more_points=keys.more_points,
            holds=make_hold_key(settings.data_dir / KEYS, key_lock()),
        ),
        verifier=NoteVerifier.parse(settings.log_vkey),
    )


def _channel_credentials(settings: RegionSettings) -> grpc.ChannelCredentials | None:
    return channel_credentials(settings.hub_ca, settings.tls_cert, settings.tls_key)
