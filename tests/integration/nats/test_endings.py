"""Who listens to the broker ends when asked to, whatever arrives in the same moment.

A group of tasks waits for each of them: if one went on, the alarm of another would be told to nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from nats.aio.msg import Msg

from adapters.nats.broker import Broker, connected
from adapters.nats.gossip import listen
from adapters.nats.intake import Ports
from adapters.nats.pull import Pull
from adapters.nats.stream_guard import look
from adapters.nats.streams import all_streams
from adapters.nats.subjects import LOG_SUBJECT
from adapters.nats_server import NatsServer
from tests.support.async_tests import runs_in_a_loop
from tests.support.hub_server import until
from tests.support.world import World

pytestmark = pytest.mark.integration

STEPS = range(12)
"""How many turns of the loop lie between what arrives and the request to end."""


class NoHeads:
    """Nothing that arrives here is a head."""

    def see(self, note: bytes) -> object:
        raise AssertionError(note)

    async def connect(self) -> None:
        raise AssertionError


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def ends(broker: Broker, job: Coroutine[Any, Any, None], arriving: str, steps: int) -> bool:
    """Start a job, let a message arrive while it waits for one, cancel it some turns later; says whether it ended."""
    known = set(broker.client._subs)
    task = asyncio.ensure_future(job)
    await until(lambda: len(broker.client._subs) > len(known))
    (subscription,) = (one for number, one in broker.client._subs.items() if number not in known)
    await until(lambda: bool(subscription._pending_next_msgs_calls))
    await turns(5)
    # As the library's reader does when bytes have come.
    subscription._pending_queue.put_nowait(Msg(broker.client, arriving, data=b"no note"))
    await turns(steps)
    task.cancel()
    done, _ = await asyncio.wait((task,), timeout=2)
    if not done:
        task.cancel()
        await asyncio.wait((task,))
    return bool(done) and task.cancelled()


@runs_in_a_loop
async def test_who_hears_heads_ends_when_asked(broker: NatsServer) -> None:
    ports = Ports(
        World().verifier, directory_through=NotImplemented, private_of=NotImplemented, fetch_runs=NotImplemented
    )
    async with connected(broker.url, name="test") as connection:
        ended = [
            await ends(connection, listen(connection, NoHeads(), ports, asyncio.Event()), LOG_SUBJECT, steps)
            for steps in STEPS
        ]

    assert ended == [True] * len(STEPS)


@runs_in_a_loop
async def test_who_reads_a_stream_ends_when_asked(broker: NatsServer) -> None:
    async def read(connection: Broker) -> None:
        pull = await Pull.open(connection, stream="NTF-45", durable="inbox-45", stop=asyncio.Event())
        assert pull is not None
        while True:
            await pull.take(0.5)

    async with connected(broker.url, name="test") as connection:
        await look(connection, all_streams(), {})
        ended = [await ends(connection, read(connection), "pprd.v1.ntf.45.std.node", steps) for steps in STEPS]

    assert ended == [True] * len(STEPS)
