"""The straightforward hub that a user would write instead, in its own process.

Unary gRPC, one event a call; verify its Ed25519 signature, decode it, INSERT it in a transaction of its own, publish it
to JetStream and wait for the acknowledgement, answer. Nothing is left out that this way of working needs, and nothing
is added: no procedures, no proofs, no deliveries per recipient, no sealed payload beside the event.

Run as `python -m bench.straightforward DATABASE NATS_URL PUBLIC_KEY_HEX`; it prints its port and stops on SIGTERM.
"""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys

import grpc
import nats

from adapters._generated.pprd.v1 import exchange_pb2 as pb
from contracts.event import decode_event
from contracts.signing import verify

METHOD = "/bench.Straightforward/Submit"
SUBJECT = "bench.straightforward"
STREAM = "BENCH"


class Hub:
    """One connection to the database, one to the broker."""

    def __init__(self, database: sqlite3.Connection, broker: nats.js.JetStreamContext, public_key: bytes) -> None:
        self._database = database
        self._broker = broker
        self._public_key = public_key

    async def submit(
        self, request: pb.SubmitRequest, context: grpc.aio.ServicerContext[pb.SubmitRequest, pb.EventReceipt]
    ) -> pb.EventReceipt:
        """Verify, decode, insert, publish, answer."""
        (event,) = request.events
        verify(self._public_key, request.signature, event)
        header = decode_event(event)
        with self._database:
            row = self._database.execute(
                "INSERT INTO events (event_id, stream_id, stream_seq, event_type, event) VALUES (?,?,?,?,?)",
                (header.event_id, header.stream_id, header.stream_seq, header.event_type, event),
            )
        await self._broker.publish(SUBJECT, event, headers={"Nats-Msg-Id": header.event_id.hex()})
        return pb.EventReceipt(index=row.lastrowid)


async def serve(path: str, nats_url: str, public_key: bytes) -> None:
    """Serve until SIGTERM."""
    database = sqlite3.connect(path)
    database.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "CREATE TABLE events (id INTEGER PRIMARY KEY, event_id BLOB UNIQUE, stream_id BLOB, stream_seq INTEGER,"
        " event_type TEXT, event BLOB, UNIQUE (stream_id, stream_seq));"
    )
    client = await nats.connect(nats_url)
    broker = client.jetstream()
    await broker.add_stream(name=STREAM, subjects=[SUBJECT])
    hub = Hub(database, broker, public_key)
    handler = grpc.unary_unary_rpc_method_handler(
        hub.submit,
        request_deserializer=pb.SubmitRequest.FromString,
        response_serializer=pb.EventReceipt.SerializeToString,
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("bench.Straightforward", {"Submit": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    await server.stop(1)
    await client.drain()
    database.close()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3])))
