"""The lying hub: a real hub's server, and in front of it somebody who changes its answers.

    async with LyingHub(folder, {"OpenPayload": other_bytes}) as hub:
        ...                                       # regions call hub.address over gRPC and get what the lie makes of it

What is not lied about is the honest server's, byte for byte. It records only what it is told to, and does nothing by
itself: no timers, no heads, no statistics. It opens ledgers of a drill only: another origin, or one of real identities,
is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Final, Self

import grpc
from google.protobuf.descriptor import MethodDescriptor

from adapters._generated.pprd.v1 import exchange_pb2 as pb
from adapters.compose.folder import DataFolder
from adapters.compose.ledger_place import known_place
from adapters.compose.parts import KEYS, SystemClock, SystemEntropy, contracts_in_force, only_one
from adapters.compose.publishing import follow
from adapters.grpc.server import SERVICE, GrpcServer
from adapters.keys.folder import read_hub_keys
from adapters.nats.messages import RunForm
from adapters.sequencer import Sequencer
from adapters.settings import HubSettings
from adapters.store.ledger_store import LedgerStore
from adapters.store.opening import open_store
from contracts.errors import AccessError
from hub.application import Application
from hub.run_builder import RunBuilder
from ledger.note import NoteSigner
from ledger.policy import Policy

DRILL_HOST: Final = "drill.pprd.example/"
"""How the origin of every ledger of a drill begins, and that of no other ledger."""

Lie = Callable[[bytes, bytes], Awaitable[bytes]]
"""Makes of a request and the honest answer what is answered; both are messages of the call, serialized."""
_METHODS: Final[Mapping[str, MethodDescriptor]] = pb.DESCRIPTOR.services_by_name["Exchange"].methods_by_name


class LyingHub:
    """A hub that lies; an async context.

    Args:
        folder: Of a drill.
        lies: By name of the call; none lies about nothing.
        back_ms: How much earlier than it is everything is said to be recorded.
        policy: Witnesses that are asked to cosign; None asks none.

    Attributes:
        address: Where it listens, once started.
        store: Its ledger.
    """

    def __init__(
        self,
        folder: DataFolder,
        lies: Mapping[str, Lie] | None = None,
        *,
        back_ms: int = 0,
        policy: Policy | None = None,
    ) -> None:
        self._folder = folder
        self._lies = lies or {}
        self._back_ms = back_ms
        self._policy = policy
        self._stack = AsyncExitStack()
        self.address = ""
        self.store: LedgerStore

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            settings = drill_settings(self._folder)
            stack.enter_context(only_one(settings.data_dir))
            self.store = open_store(known_place(settings.data_dir))
            stack.callback(self.store.close)
            self.address = await self._serve(stack, settings)
            if self._policy is not None:
                asking = asyncio.ensure_future(follow(self.store, self._policy))
                stack.callback(asking.cancel)
            if self._lies:
                self.address = await stack.enter_async_context(_Between(self.address, self._lies))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _serve(self, stack: AsyncExitStack, settings: HubSettings) -> str:
        keys = read_hub_keys(settings.data_dir / KEYS)
        skew_ms = settings.clock_skew_ms + self._back_ms
        application = (_BackDating if self._back_ms else Application)(
            store=self.store,
            log_signer=NoteSigner(settings.origin, keys.log),
            hub_key=keys.events,
            rules=contracts_in_force(is_sandbox=settings.sandbox, clock_skew_ms=skew_ms),
            clock=_Behind(self._back_ms),
            entropy=SystemEntropy(),
        )
        sequencer = await stack.enter_async_context(Sequencer(application))
        form = RunForm(RunBuilder(self.store), application.directory.point)
        server = GrpcServer(
            application=application,
            sequencer=sequencer,
            encode_run=lambda run: form.message(run).data,
            address="127.0.0.1:0",
            credentials=None,
        )
        port = await server.start()
        stack.push_async_callback(server.stop, grace_seconds=1)
        return f"127.0.0.1:{port}"


class _Behind:
    """A clock that is behind."""

    def __init__(self, back_ms: int) -> None:
        self._back_ms = back_ms

    def now_ms(self) -> int:
        """Some time ago."""
        return SystemClock().now_ms() - self._back_ms


class _BackDating(Application):
    """A hub for which time goes back."""

    def now_ms(self) -> int:
        """What its clock says, whatever is recorded already."""
        return self._clock.now_ms()


def drill_settings(folder: DataFolder) -> HubSettings:
    """The settings of a drill's hub.

    Raises:
        AccessError: DRILL_ONLY: the ledger is not one of a drill.
    """
    settings = folder.hub_settings()
    if not settings.origin.startswith(DRILL_HOST) or not settings.sandbox:
        raise AccessError("DRILL_ONLY", f"{settings.origin} is no ledger of a drill", field="origin")
    return settings


class _Between:
    """Stands between callers and the honest server, and changes answers; an async context that gives its address."""

    def __init__(self, upstream: str, lies: Mapping[str, Lie]) -> None:
        # grpc's asyncio half is untyped: messages pass as bytes.
        self._channel: Any = grpc.aio.insecure_channel(upstream)
        self._lies = lies
        self._server = grpc.aio.server()

    async def __aenter__(self) -> str:
        # Without the stream of openings gateways ask one by one, and one lie changes one answer.
        handlers = {name: self._handler(name, method) for name, method in _METHODS.items() if name != "OpenEach"}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        return f"127.0.0.1:{port}"

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Whoever called is gone by now; the time is for the library to see it.
        await self._server.stop(1)
        await self._channel.close(None)

    def _handler(self, name: str, method: MethodDescriptor) -> Any:
        path = f"/{SERVICE}/{name}"
        lie = self._lies.get(name, _nothing)
        if method.client_streaming:
            return grpc.stream_stream_rpc_method_handler(self._both_ways(self._channel.stream_stream(path), lie))
        if method.server_streaming:
            return grpc.unary_stream_rpc_method_handler(self._one_to_many(self._channel.unary_stream(path), lie))
        return grpc.unary_unary_rpc_method_handler(self._one_to_one(self._channel.unary_unary(path), lie))

    def _one_to_one(self, call: Any, lie: Lie) -> Any:
        async def answer(request: bytes, context: Any) -> bytes | None:
            try:
                return await lie(request, await call(request))
            except grpc.aio.AioRpcError as error:
                await _pass_on(context, error)
                return None

        return answer

    def _one_to_many(self, call: Any, lie: Lie) -> Any:
        async def answer(request: bytes, context: Any) -> AsyncIterator[bytes]:
            messages = call(request)
            try:
                async for message in messages:
                    if changed := await lie(request, message):
                        yield changed
            except grpc.aio.AioRpcError as error:
                await _pass_on(context, error)
            finally:
                messages.cancel()

        return answer

    def _both_ways(self, call: Any, lie: Lie) -> Any:
        async def answer(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
            line = call()
            try:
                async for request in requests:
                    await line.write(request)
                    if changed := await lie(request, await line.read()):
                        yield changed
            except grpc.aio.AioRpcError as error:
                await _pass_on(context, error)
            finally:
                line.cancel()

        return answer


async def _nothing(request: bytes, answer: bytes) -> bytes:
    """No lie."""
    return answer


async def _pass_on(context: Any, error: grpc.aio.AioRpcError) -> None:
    """Let a refusal of the honest server through as it is."""
    await context.abort(error.code(), error.details() or "", error.trailing_metadata())
