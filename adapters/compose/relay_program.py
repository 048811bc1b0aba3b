"""The relay as a program."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from adapters.compose.credentials import broker_trust
from adapters.compose.key_locks import key_lock
from adapters.compose.ledger_place import ledger_in
from adapters.compose.parts import KEYS, RELAY_FILE, only_one
from adapters.keys.folder import make_broker_key
from adapters.nats.login import JETSTREAM_API, Login
from adapters.nats.relay import Relay
from adapters.settings import RelaySettings
from adapters.store.relay_store import SqliteRelayStore
from contracts.division import load_divisions
from contracts.schema import load_registry


class RelayProgram:
    """A relay that runs; an async context.

    Args:
        settings: As read.
    """

    def __init__(self, settings: RelaySettings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self._stop = asyncio.Event()
        self._job: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            settings = self._settings
            stack.enter_context(only_one(settings.relay_data_dir))
            reader = stack.enter_context(ledger_in(settings.hub_data_dir))
            store = stack.enter_context(SqliteRelayStore(settings.relay_data_dir / RELAY_FILE))
            tls = broker_trust(settings.nats_ca, settings.nats_cert, settings.nats_key)
            login = Login(make_broker_key(settings.relay_data_dir / KEYS, key_lock()), JETSTREAM_API, tls)
            relay = Relay(reader=reader, store=store, divisions=load_divisions(), registry=load_registry(), login=login)
            self._job = asyncio.create_task(relay.run(settings.nats_url, self._stop), name="relay")
            stack.push_async_callback(self._end)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _end(self) -> None:
        """Let it wait for what is in flight and remember how far it is."""
        self._stop.set()
        await asyncio.wait((self._job,))

    async def failed(self) -> None:
        """Wait until the relay stops by itself, then raise its reason: FatalError."""
        await asyncio.shield(self._job)
