"""One HTTP server: how it listens, what it bounds, how an error of ours becomes a status.

Rules kept here: bodies and headers are capped before they are read whole; a reading thread never serves more than a
bounded number of requests; what is asked is not logged, for a path can hold anything. Plain HTTP is for loopback only,
which `adapters.settings` holds (docs/adr/0008).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Final, ParamSpec, Self, TypeVar

import structlog
from aiohttp import web

from contracts.errors import ExchangeError, Family, UnavailableError

P = ParamSpec("P")
T = TypeVar("T")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MAX_READS: Final = 64
"""Requests that may read at a time; one more is told to come again."""
READERS: Final = 8
STOP_SECONDS: Final = 5.0

_STATUS: Final[Mapping[Family, int]] = {
    "contract": 400,
    "access": 403,
    "rule": 404,
    "conflict": 409,
    "evidence": 422,
    "unavailable": 503,
    "fatal": 500,
}
log = structlog.get_logger()


class Reading:
    """Runs what waits for a disk on threads, a bounded number at a time."""

    def __init__(self) -> None:
        self._waiting = 0
        self._free = asyncio.Semaphore(READERS)

    async def run(self, read: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Read on a thread.

        Raises:
            UnavailableError: OVERLOADED: too many requests wait.
        """
        if self._waiting >= MAX_READS:
            raise UnavailableError("OVERLOADED", f"{self._waiting} requests are waiting")
        self._waiting += 1
        try:
            async with self._free:
                return await asyncio.to_thread(read, *args, **kwargs)
        finally:
            self._waiting -= 1


class Site:
    """A server on one address; an async context.

    Args:
        routes: What it answers: method, path and handler.
        address: `HOST:PORT`; port 0 takes a free one.
        credentials: TLS; None listens in plain text, for loopback addresses only.
        max_body_bytes: Longest body of a request.

    Attributes:
        address: Where it listens, once started.
    """

    def __init__(
        self,
        routes: list[tuple[str, str, Handler]],
        *,
        address: str,
        credentials: ssl.SSLContext | None = None,
        max_body_bytes: int = 1,
    ) -> None:
        application = web.Application(client_max_size=max_body_bytes, middlewares=[_told])
        for method, path, handler in routes:
            application.router.add_route(method, path, handler)
        self._runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=STOP_SECONDS, keepalive_timeout=30.0
        )
        self._credentials = credentials
        self.address = address

    async def __aenter__(self) -> Self:
        host, _, port = self.address.rpartition(":")
        await self._runner.setup()
        try:
            listener = web.TCPSite(self._runner, host.strip("[]"), int(port), ssl_context=self._credentials)
            await listener.start()
        except OSError as error:
            await self._runner.cleanup()
            raise UnavailableError(
                "ADDRESS_TAKEN", f"{self.address} cannot be listened on: {error.strerror}"
            ) from error
        self.address = f"{host}:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()


def plain(status: int, text: str, *, content_type: str = "text/plain") -> web.Response:
    """A short answer that nobody keeps."""
    return web.Response(status=status, text=text, content_type=content_type, headers={"Cache-Control": "no-store"})


@web.middleware
async def _told(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as answer:
        return plain(answer.status, f"{answer.status}\n")
    except ExchangeError as error:
        if error.family in ("unavailable", "fatal"):
            log.warning("request.failed", code=error.code)
        return plain(_STATUS[error.family], f"{error.code}\n")


def server_credentials(certificate: str, key: str) -> ssl.SSLContext:
    """TLS of a server from two PEM files, whose names were checked as settings."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context
