"""A region's inbox: takes its runs from the broker, stores them once, acknowledges, answers with a signed receipt.

Order of every step: check, store, acknowledge, sign. If we stop after storing, the broker sends the same again and it
is recognised; if we stop before the receipt, the next start sends it. When something does not hold, the line stops:
what was good is stored and acknowledged, the rest is neither, and `run` ends with the alarm.
Not here: the checks (`intake`), the tables (`adapters.region.inbox_store`), who wires both (`compose`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nats.aio.msg import Msg

from adapters.nats.broker import Broker, broker_errors, keep, together
from adapters.nats.gossip import listen
from adapters.nats.intake import InboxStore, Intake, Ports
from adapters.nats.login import Login
from adapters.nats.messages import Message, encode_receipt
from adapters.nats.publisher import Publisher
from adapters.nats.pull import Pull, acknowledge
from adapters.nats.streams import reading
from adapters.nats.subjects import point_of_subject, rcp_subject
from contracts.errors import EvidenceError, ExchangeError, UnavailableError
from contracts.ids import Hash, KeyId, PointId, RegionCode
from hub.delivery_receipt import DeliveryReceipt, sign_receipt

_WAIT_SECONDS: Final = 0.5

_log = structlog.get_logger()


class ReceiptSigner(NamedTuple):
    """What a region signs receipts with.

    Attributes:
        key_id: Id of its registered key of purpose `receipt`.
        private: The key.
        now_ms: The region's clock, milliseconds since the epoch.
    """

    key_id: KeyId
    private: Ed25519PrivateKey
    now_ms: Callable[[], int]


class Inbox:
    """The inbox of one region.

    Args:
        region: Whose.
        store: Where notifications are kept.
        ports: The rest of the region.
        signer: For receipts.
        on_stored: Called after new notifications were stored; must be quick.
        login: Who the region is, where the broker asks.
    """

    def __init__(
        self,
        *,
        region: RegionCode,
        store: InboxStore,
        ports: Ports,
        signer: ReceiptSigner,
        on_stored: Callable[[], None] = lambda: None,
        login: Login | None = None,
    ) -> None:
        self._region = region
        self._store = store
        self._ports = ports
        self._signer = signer
        self._on_stored = on_stored
        self._login = login

    async def run(self, url: str, stop: asyncio.Event) -> None:
        """Receive until told to stop, through every loss of the broker.

        Args:
            url: Where the broker listens.
            stop: Set to end after what was taken is stored and acknowledged.

        Raises:
            EvidenceError: Something that arrived does not hold; the line has stopped.
            FatalError: Whether something is stored is unknown.
        """
        try:
            await keep(
                url,
                name=f"pprd-inbox-{self._region}",
                work=lambda broker: self._work(broker, stop),
                stop=stop,
                login=self._login,
            )
        except EvidenceError as error:
            _log.error("line.stopped", code=error.code, region=self._region, field=error.field)
            raise

    async def _work(self, broker: Broker, stop: asyncio.Event) -> None:
        # From the store again on every connection: what was taken and not stored is forgotten with the old one.
        intake = Intake(region=self._region, store=self._store, ports=self._ports)
        pulls = []
        for stream, durable in reading(self._region):
            pull = await Pull.open(broker, stream=stream, durable=durable, stop=stop)
            if pull is None:
                return
            pulls.append(pull)
        await self._answer(broker, intake, intake.standings)
        one_at_a_time = asyncio.Lock()
        jobs = [self._read(broker, intake, pull, one_at_a_time, stop) for pull in pulls]
        if self._ports.heads is not None:
            jobs.append(listen(broker, self._ports.heads, self._ports, stop))
        await together(*jobs)

    async def _read(
        self, broker: Broker, intake: Intake, pull: Pull, one_at_a_time: asyncio.Lock, stop: asyncio.Event
    ) -> None:
        """Read one stream. Counters go on over all of them: what another stream brings later is asked for at once."""
        while not stop.is_set():
            messages = await pull.take(_WAIT_SECONDS)
            if messages:
                async with one_at_a_time:
                    await self._receive(broker, intake, messages)

    async def _receive(self, broker: Broker, intake: Intake, messages: Sequence[Msg]) -> None:
        good, points, failure = await self._take(intake, messages)
        # Nothing is stored under a head that is not proved to go with all others that this region was shown.
        await self._connect(intake, messages)
        intake.flush()
        # If we stop before this line, the broker sends the same again and the counters tell.
        await acknowledge(good)
        self._on_stored()
        await self._answer(broker, intake, points)
        if isinstance(failure, UnavailableError):
            await _give_back(messages[len(good) :])
        if failure is not None:
            raise failure

    async def _connect(self, intake: Intake, messages: Sequence[Msg]) -> None:
        """Prove the heads of what was taken; if nobody can be asked now, all of it comes again at once."""
        try:
            await intake.connect()
        except UnavailableError:
            await _give_back(messages)
            raise

    async def _take(
        self, intake: Intake, messages: Sequence[Msg]
    ) -> tuple[Sequence[Msg], Iterable[PointId], ExchangeError | None]:
        """Take messages in order up to the first that cannot be taken; give the good ones, their points, the error."""
        points: dict[PointId, None] = {}
        for at, message in enumerate(messages):
            try:
                point = point_of_subject(message.subject)
                if point is None:
                    raise EvidenceError("RUN_INVALID", f"a message came on {message.subject[:64]!r}", field="subject")
                await intake.take(point, message.data)
            except (EvidenceError, UnavailableError) as error:
                return messages[:at], points, error
            points[point] = None
            # A run takes milliseconds; others on this loop wait for them.
            await asyncio.sleep(0)
        return messages, points, None

    async def _answer(self, broker: Broker, intake: Intake, points: Iterable[PointId]) -> None:
        """Keep and publish a receipt for where each of these points stands."""
        receipts = [self._receipt(point, *intake.standings[point]) for point in points]
        if not receipts:
            return
        self._store.keep_receipts(receipts)
        publisher = Publisher(broker)
        for tag, receipt in enumerate(receipts):
            message = Message(rcp_subject(self._region), None, encode_receipt(receipt))
            await publisher.publish(message, tag=tag)
        await publisher.drain()

    def _receipt(self, point: PointId, n: int, head: Hash) -> DeliveryReceipt:
        signer = self._signer
        return sign_receipt(
            point=point, n=n, head=head, received_ms=signer.now_ms(), key_id=signer.key_id, private=signer.private
        )


async def _give_back(messages: Sequence[Msg]) -> None:
    """Let the broker send messages again without waiting."""
    with broker_errors():
        for message in messages:
            await message.nak()
