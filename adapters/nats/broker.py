"""One connection to the broker, and how a program keeps one: connect, work until it is lost, pause, connect again.

A connection here ends with its first loss: whoever works on it starts again from what is durable, so nothing waits in a
client's buffer for a server that may have forgotten. Every foreign exception leaves this package as `UnavailableError`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final

import structlog
from nats.errors import Error as NatsError
from nats.js.client import JetStreamContext

from adapters.cancellation import heed_cancellation
from adapters.nats.login import Login, LoginClient
from contracts.errors import UnavailableError

CALL_SECONDS: Final = 5.0
"""How long any one answer of the broker is waited for."""

_CONNECT_SECONDS: Final = 2
_PING_SECONDS: Final = 5
_BUFFER_BYTES: Final = 32 << 20
_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 5.0

_log = structlog.get_logger()


class Broker:
    """A living connection; made by `connected`.

    Attributes:
        client: The library's connection.
        js: Its JetStream side.
    """

    def __init__(self, client: LoginClient) -> None:
        self.client = client
        self.js: JetStreamContext = client.jetstream(timeout=CALL_SECONDS, prefix=client.api_prefix)

    def check(self) -> None:
        """Say that the connection still lives.

        Raises:
            UnavailableError: BROKER_UNAVAILABLE: it is lost.
        """
        if not self.client.is_connected:
            raise UnavailableError("BROKER_UNAVAILABLE", "the connection to the broker is lost")


@contextmanager
def broker_errors() -> Iterator[None]:
    """Turn what the library raises into BROKER_UNAVAILABLE, and end a task whose request to end it has swallowed."""
    try:
        yield
    except (NatsError, OSError, TimeoutError) as error:
        raise UnavailableError("BROKER_UNAVAILABLE", f"the broker does not answer: {type(error).__name__}") from error
    except asyncio.CancelledError as error:
        # The library cancels whoever waits for a message when the connection ends; nobody cancelled this task.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise UnavailableError("BROKER_UNAVAILABLE", "the connection to the broker ended") from error
    heed_cancellation()


@asynccontextmanager
async def connected(url: str, *, name: str, login: Login | None = None) -> AsyncIterator[Broker]:
    """Connect to a broker for the time of a block.

    Args:
        url: `nats://` on loopback, `tls://` elsewhere.
        name: Who connects, for the broker's own log.
        login: Who it is, where the broker asks.

    Raises:
        UnavailableError: BROKER_UNAVAILABLE: it cannot be reached, or does not know who connects.
    """
    client = LoginClient(login)
    was_open = False
    try:
        with broker_errors():
            await client.connect(
                url,
                name=name,
                signature_cb=client.sign,
                tls=login.tls if login is not None and url.startswith("tls://") else None,
                allow_reconnect=False,
                connect_timeout=_CONNECT_SECONDS,
                ping_interval=_PING_SECONDS,
                pending_size=_BUFFER_BYTES,
                error_cb=_told,
            )
            was_open = True
        yield Broker(client)
    finally:
        # However the connection ends: whoever used it starts again from what is durable. What was never open has
        # nothing to close: it would wait for a task that never began.
        if was_open:
            with suppress(NatsError, OSError, TimeoutError):
                await client.close()


async def keep(
    url: str,
    *,
    name: str,
    work: Callable[[Broker], Awaitable[None]],
    stop: asyncio.Event,
    login: Login | None = None,
) -> None:
    """Work on a connection until told to stop, on a new one whenever it is lost.

    Args:
        url: Where the broker listens.
        name: Who works.
        work: Returns when `stop` is set; raises `UnavailableError` when it cannot go on now.
        stop: Set to end.
        login: Who it is, where the broker asks.

    Raises:
        ExchangeError: What `work` raises of other families.
    """
    loop, attempt, pause = asyncio.get_running_loop(), 0, _FIRST_PAUSE_SECONDS
    while not stop.is_set():
        began = loop.time()
        try:
            async with connected(url, name=name, login=login) as broker:
                await work(broker)
        except UnavailableError as error:
            attempt += 1
            reason = type(error.__cause__ or error).__name__
            _log.warning("broker.lost", code=error.code, error=reason, attempt=attempt)
        if loop.time() - began > _LONGEST_PAUSE_SECONDS:
            attempt, pause = 0, _FIRST_PAUSE_SECONDS
        await wait(stop, pause * random.uniform(0.5, 1.0))
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


async def wait(stop: asyncio.Event, seconds: float) -> None:
    """Pause, but not longer than until `stop` is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


async def _told(error: Exception) -> None:
    _log.warning("broker.spoke", error=type(error).__name__)


async def together(*jobs: Coroutine[Any, Any, None]) -> None:
    """Do several things on one connection until all are done or one of them fails; whatever goes on then is ended.

    Not a group of the library: in Python 3.11 it leaves the task that waited for it as one that was asked to end.

    Raises:
        Exception: The one that says most: not the loss of the connection, if there is another.
    """
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    errors = [error for error in ended if isinstance(error, Exception)]
    if errors:
        raise next((error for error in errors if not isinstance(error, UnavailableError)), errors[0])
