"""The hub as a program: a new ledger, one that does not run, one that runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from types import TracebackType
from typing import Final, Self

import structlog

from adapters.compose.credentials import server_credentials
from adapters.compose.directory_changes import adoption_of
from adapters.compose.folder import DataFolder
from adapters.compose.key_locks import key_lock
from adapters.compose.ledger_place import hub_place, new_ledger
from adapters.compose.parts import (
    KEYS,
    SystemClock,
    SystemEntropy,
    bind_plainly,
    contracts_in_force,
    keep_loaded,
    only_one,
    take_turns_often,
)
from adapters.compose.projecting import projections_file, unpublished, work_page
from adapters.compose.publishing import follow, ledger_site, store_files, witnesses_of
from adapters.grpc.server import GrpcServer
from adapters.keys.folder import make_hub_keys, read_hub_keys
from adapters.nats.messages import RunForm
from adapters.sequencer import Sequencer
from adapters.settings import HubSettings
from adapters.store.ledger_store import LedgerStore
from adapters.store.opening import open_store
from contracts.edition import FOUNDING
from contracts.errors import UnavailableError
from contracts.instant import local_day
from hub.application import Application
from hub.opening_rate import OpeningLimits
from hub.run_builder import RunBuilder
from ledger.batch import MAX_BATCH
from ledger.entry import Predecessor
from ledger.note import NoteSigner, NoteVerifier

STATISTICS_SECONDS: Final = 3600.0
"""Pause between two looks at whether a month has closed whose tables are not published."""
TIMERS_SECONDS: Final = 60.0
"""Pause between two looks at what time has made due."""

log = structlog.get_logger()


def create_ledger(settings: HubSettings, predecessor: Predecessor | None = None) -> NoteVerifier:
    """Make the keys and the ledger of a new hub: its genesis record, and the adoption of the founding edition.

    Args:
        settings: Of the hub.
        predecessor: The closed ledger from which this one goes on.

    Returns:
        The key under which its checkpoints are verified, to be handed to every region.

    Raises:
        ConflictError: KEY_EXISTS or LEDGER_EXISTS: there is one already; FOLDER_IN_USE.
        ContractError, UnavailableError: As `new_ledger`.
    """
    with only_one(settings.data_dir), new_ledger(settings) as store:
        keys = make_hub_keys(settings.data_dir / KEYS, key_lock())
        signer = NoteSigner(settings.origin, keys.log)
        clock = SystemClock()
        application = Application.create(
            store=store,
            log_signer=signer,
            hub_key=keys.events,
            rules=contracts_in_force(is_sandbox=settings.sandbox, clock_skew_ms=settings.clock_skew_ms),
            clock=clock,
            entropy=SystemEntropy(),
            predecessor=predecessor,
        )
        application.record([adoption_of(application, FOUNDING, local_day(clock.now_ms()))])
    return signer.verifier


@contextmanager
def opened_hub(settings: HubSettings) -> Iterator[Application]:
    """The application of a hub that does not run, to change its directory.

    Raises:
        ConflictError: FOLDER_IN_USE: it runs.
        UnavailableError: STORE_MISSING or KEY_MISSING.
        FatalError: The store contradicts itself or the keys.
    """
    with only_one(settings.data_dir):
        store = open_store(hub_place(settings))
        try:
            yield _application(settings, store)
        finally:
            store.close()


def _application(settings: HubSettings, store: LedgerStore) -> Application:
    keys = read_hub_keys(settings.data_dir / KEYS, key_lock())
    return Application(
        store=store,
        log_signer=NoteSigner(settings.origin, keys.log),
        next_signer=None if keys.next_log is None else NoteSigner(settings.origin, keys.next_log),
        hub_key=keys.events,
        next_hub_key=keys.next_events,
        rules=contracts_in_force(is_sandbox=settings.sandbox, clock_skew_ms=settings.clock_skew_ms),
        clock=SystemClock(),
        entropy=SystemEntropy(),
        opening_limits=OpeningLimits(settings.openings_per_office_hour, settings.openings_per_officer_hour),
    )


class HubProgram:
    """A hub that runs: store, application, sequencer, gRPC server, and what the hub does by itself.

    Args:
        settings: As read.
        timers_seconds: Pause between two looks at what time has made due.
        statistics_seconds: Pause between two looks at whether a month has closed.

    Attributes:
        address: Where it listens, once started.
        published_at: Where it publishes its ledger over HTTP, once started; empty if it does not.
    """

    def __init__(
        self,
        settings: HubSettings,
        *,
        timers_seconds: float = TIMERS_SECONDS,
        statistics_seconds: float = STATISTICS_SECONDS,
    ) -> None:
        self._settings = settings
        self._timers_seconds = timers_seconds
        self._statistics_seconds = statistics_seconds
        self._stack = AsyncExitStack()
        self._server: GrpcServer
        self.address = ""
        self.published_at = ""

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
        stack.enter_context(only_one(settings.data_dir))
        policy = witnesses_of(settings)
        store = open_store(hub_place(settings))
        stack.callback(store.close)
        application = _application(settings, store)
        keep_loaded()
        bind_plainly()
        take_turns_often()
        sequencer = await stack.enter_async_context(
            Sequencer(
                application,
                max_queue_events=settings.max_queue_events,
                group_events=settings.batch_ceiling_events,
            )
        )

        async def write_heads() -> None:
            await sequencer.call(application.publish_heads)

        async def run_timers() -> None:
            while await sequencer.call(application.run_timers) == MAX_BATCH:
                log.info("timers.continued")

        async def publish_statistics() -> None:
            # Made on another thread: a large table takes a second, and the writer may not wait for it.
            if application.is_closed:
                return
            file = projections_file(settings.data_dir)
            for parts in await asyncio.to_thread(unpublished, file, store, application.rules):
                await sequencer.call(partial(application.record, parts))

        async def close_the_day() -> None:
            with suppress(UnavailableError):
                await run_timers()
                await write_heads()

        # What fell due while the hub was down is recorded before anybody can meet it late.
        await run_timers()
        form = RunForm(RunBuilder(store), application.directory.point)
        self._server = GrpcServer(
            application=application,
            sequencer=sequencer,
            encode_run=lambda run: form.message(run).data,
            work_lists=partial(work_page, projections_file(settings.data_dir)),
            address=settings.listen,
            credentials=server_credentials(settings),
        )
        port = await self._server.start()
        self.address = f"{settings.listen.rpartition(':')[0]}:{port}"
        # In the order of leaving: no more calls, what time did and where recipients stand, then the writer.
        stack.push_async_callback(close_the_day)
        stack.push_async_callback(self._server.stop)
        stack.enter_context(_repeated(write_heads, settings.heads_every_seconds))
        stack.enter_context(_repeated(run_timers, self._timers_seconds))
        stack.enter_context(_repeated(publish_statistics, self._statistics_seconds))
        if policy is not None:
            stack.enter_context(_beside(follow(store, policy)))
        if settings.publish is not None:
            site = ledger_site(store_files(store, policy), settings.publish, settings.tls_cert, settings.tls_key)
            self.published_at = (await stack.enter_async_context(site)).address

    async def failed(self) -> None:
        """Wait until the hub stops by itself, then raise its reason: FatalError."""
        await self._server.wait()


@asynccontextmanager
async def reachable_hub(folder: DataFolder, address: str | None) -> AsyncIterator[str | None]:
    """Where a hub can be reached: the one that runs, or one of this folder that runs as long as it is needed.

    Args:
        folder: Of the deployment.
        address: Of a running hub; None starts the folder's own on a free loopback port.

    Yields:
        Its address; None where the folder has no hub of its own, so that the region's settings say where it is.

    Raises:
        ConflictError: FOLDER_IN_USE: this folder's hub runs already; say where.
    """
    if address is not None or not folder.has_hub():
        yield address
        return
    async with HubProgram(folder.hub_settings(listen="127.0.0.1:0")) as hub:
        yield hub.address


@contextmanager
def _beside(work: Coroutine[None, None, None]) -> Iterator[None]:
    """Let something run while the context lasts."""
    job = asyncio.ensure_future(work)
    try:
        yield
    finally:
        job.cancel()


@contextmanager
def _repeated(work: Callable[[], Awaitable[None]], seconds: float) -> Iterator[None]:
    """Do something again and again while the context lasts; a fault is told and the next turn tries again."""

    async def repeat() -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await work()
            except UnavailableError as error:
                log.warning("turn.missed", code=error.code)

    job = asyncio.ensure_future(repeat())
    try:
        yield
    finally:
        job.cancel()
