"""The hub's gRPC server: the Exchange service, health and reflection; starts, drains, stops.

Rules kept here: health says SERVING only between a finished start and the first step of stopping; stopping answers
everything that was read and then refuses with SHUTTING_DOWN; when the writer fails, the server says NOT_SERVING and
`wait` raises, so that the process ends and its next start loads and verifies. What calls mean stands in
`adapters.grpc.submissions`, `adapters.grpc.openings` and `adapters.grpc.reads`.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from adapters._generated.pprd.v1 import exchange_pb2 as pb
from adapters.grpc.calls import Limits
from adapters.grpc.openings import Openings
from adapters.grpc.reading import Readers
from adapters.grpc.reads import Reads, RunEncoder, WorkLists, no_work_lists
from adapters.grpc.submissions import Submissions
from adapters.sequencer import Sequencer
from contracts.errors import FatalError, UnavailableError
from hub.application import Application

SERVICE: Final = pb.DESCRIPTOR.services_by_name["Exchange"].full_name
"""The service's full name, for health checks too."""

log = structlog.get_logger()


class GrpcServer:
    """One server on one address. Start it after the sequencer and stop it before.

    Args:
        application: The hub; its writer side is called through the sequencer only.
        sequencer: Started.
        encode_run: Makes the data of a notification run as the broker carries it.
        work_lists: Gives pages of work lists.
        address: `HOST:PORT`; port 0 takes a free one.
        credentials: TLS; None listens in plain text, for loopback addresses only (see `adapters.settings`).
        limits: Sizes, times and bounds.
    """

    def __init__(
        self,
        *,
        application: Application,
        sequencer: Sequencer,
        encode_run: RunEncoder,
        address: str,
        credentials: grpc.ServerCredentials | None,
        work_lists: WorkLists = no_work_lists,
        limits: Limits | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._sequencer = sequencer
        self._address = address
        self._credentials = credentials
        self._readers = Readers(threads=self._limits.read_threads, max_waiting=self._limits.max_reads)
        self._submissions = Submissions(
            sequencer=sequencer, reader=application.reader, readers=self._readers, limits=self._limits
        )
        self._openings = Openings(sequencer=sequencer, limits=self._limits)
        self._reads = Reads(
            application=application,
            readers=self._readers,
            encode_run=encode_run,
            work_lists=work_lists,
            limits=self._limits,
        )
        self._server: grpc.aio.Server | None = None
        # The stubs do not know the asyncio half of the library.
        self._health: Any = cast("Any", health).aio.HealthServicer()
        self._stopped = asyncio.Event()
        self._not_serving: asyncio.Future[None]

    async def start(self) -> int:
        """Listen and serve.

        Returns:
            The port.

        Raises:
            UnavailableError: ADDRESS_TAKEN: the address cannot be bound.
        """
        server = grpc.aio.server(options=_options(self._limits), maximum_concurrent_rpcs=self._limits.max_calls)
        handlers = self._submissions.handlers() | self._openings.handlers() | self._reads.handlers()
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
        try:
            if self._credentials is None:
                port = server.add_insecure_port(self._address)
            else:
                port = server.add_secure_port(self._address, self._credentials)
        except RuntimeError as err:
            raise UnavailableError("ADDRESS_TAKEN", f"cannot listen on {self._address}") from err
        self._sequencer.listen(self._reads.recorded)
        self._sequencer.failure.add_done_callback(self._writer_failed)
        await server.start()
        self._server = server
        await self._health.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)
        log.info("server.started", address=f"{self._address.rpartition(':')[0]}:{port}")
        return port

    async def wait(self) -> None:
        """Wait until the server is stopped.

        Raises:
            FatalError: The writer failed; health says NOT_SERVING already. Stop, and end the process.
        """
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait((stopped, self._sequencer.failure), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
        if self._sequencer.failure.done():
            await self._not_serving
            raise self._sequencer.failure.result()

    def _writer_failed(self, told: asyncio.Future[FatalError]) -> None:
        failure = told.result()
        log.error("writer.failed", code=failure.code, exc_info=failure.__cause__ or failure)
        self._not_serving = asyncio.ensure_future(self._health.enter_graceful_shutdown())

    async def stop(self, *, grace_seconds: float = 10.0) -> None:
        """Say NOT_SERVING, take no new call, answer what was read, end the streams.

        Args:
            grace_seconds: After this, calls that have not ended are cut off.
        """
        if self._server is None:
            return
        await self._health.enter_graceful_shutdown()
        stopping = asyncio.ensure_future(self._server.stop(grace_seconds))
        self._submissions.end_streams()
        self._openings.end_streams()
        self._reads.end_streams()
        await stopping
        self._server = None
        await asyncio.to_thread(self._readers.close)
        self._stopped.set()
        log.info("server.stopped")


def _options(limits: Limits) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", limits.max_message_bytes),
        ("grpc.max_send_message_length", limits.max_message_bytes),
        # Two servers on one port would share its calls in silence.
        ("grpc.so_reuseport", 0),
        # A peer that vanished is found out within a minute, and may itself ask as often as every ten seconds.
        ("grpc.keepalive_time_ms", 40_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ]
