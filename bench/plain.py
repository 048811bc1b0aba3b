"""The straightforward hub as a process, and its client: one event a call."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from itertools import islice
from pathlib import Path

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters._generated.pprd.v1 import exchange_pb2 as pb
from adapters.nats_server import NatsServer
from bench.straightforward import METHOD
from bench.workload import World
from contracts.signing import sign

IN_FLIGHT = 16


class PlainHub:
    """Starts the straightforward hub with a broker of its own; an async context that stops both.

    Args:
        folder: Empty; database and broker store.
        world: Whose events are sent; each is signed on its own.
    """

    def __init__(self, folder: Path, world: World) -> None:
        self._folder = folder
        self._world = world
        self._key = Ed25519PrivateKey.generate()
        self._nats = NatsServer(folder=folder / "nats")

    async def __aenter__(self) -> PlainHub:
        self._folder.mkdir(parents=True)
        self._nats.start()
        public_key = self._key.public_key().public_bytes_raw().hex()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bench.straightforward",
            str(self._folder / "events.sqlite"),
            self._nats.url,
            public_key,
            stdout=asyncio.subprocess.PIPE,
        )
        if self._process.stdout is None:
            raise RuntimeError("the child has no standard output")
        port = int(await self._process.stdout.readline())
        self._channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self._submit = self._channel.unary_unary(
            METHOD,
            request_serializer=pb.SubmitRequest.SerializeToString,
            response_deserializer=pb.EventReceipt.FromString,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close(None)
        self._process.send_signal(signal.SIGTERM)
        await self._process.wait()
        self._nats.stop()

    def _requests(self, events: int) -> list[pb.SubmitRequest]:
        batches = self._world.batches(-(-events // 6), 256)
        made = (event for batch in batches for event in batch.events)
        return [pb.SubmitRequest(signature=sign(self._key, event), events=[event]) for event in islice(made, events)]

    async def throughput(self, events: int) -> float:
        """Events a second at 16 calls in flight."""
        requests = iter(self._requests(events))

        async def worker() -> None:
            for request in requests:
                await self._submit(request)

        start = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
        return events / (time.perf_counter() - start)

    def lone_requests(self, events: int) -> list[pb.SubmitRequest]:
        """Requests of one event each, as many as `OurHub.lone_batches` makes."""
        return self._requests(6 * -(-events // 6))

    async def submit_alone(self, request: pb.SubmitRequest) -> None:
        """Send one of `lone_requests`; over when its answer is here."""
        await self._submit(request)
