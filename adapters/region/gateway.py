"""The gateway of one region: what its systems and offices call.

    gateway = RegionGateway(...)
    async with gateway:                     # directory and head are brought up to date and checked
        sent = await gateway.submit(draft)  # checked, sealed, signed, recorded, receipt checked

It joins the parts (directory, streams, outbox, tasks, openings) and keeps them running; each part keeps its own rules.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Final, Self

import structlog

from adapters.region.answers import check_reply, notes_of
from adapters.region.batching import BatchMaker
from adapters.region.checkpoints import Checkpoints
from adapters.region.composer import Composer
from adapters.region.database import RegionDatabase
from adapters.region.draft import Draft
from adapters.region.evidence import EvidenceMaker
from adapters.region.evidence_store import EvidenceStore
from adapters.region.exchange import Exchange
from adapters.region.held_content import HeldContent
from adapters.region.holds import HoldRegister
from adapters.region.inbox_store import RegionInboxStore
from adapters.region.keyring import Keyring
from adapters.region.opening import Opener, Reader, Reading
from adapters.region.order_store import OrderStore
from adapters.region.orders import Orders
from adapters.region.outbox import Outbox, OutboxLimits
from adapters.region.outbox_store import Drafted, OutboxStore, SentEvent
from adapters.region.quorum import Quorum
from adapters.region.region_store import RegionStore
from adapters.region.replica import Replica
from adapters.region.retention import Retention
from adapters.region.streams import Streams
from adapters.region.tasks import Tasks
from contracts.errors import ExchangeError, RuleError, UnavailableError
from contracts.event import Header, decode_event
from contracts.ids import OfficeId, PointId, RegionCode, StreamId, is_office_id, uuid7
from hub.admission import Rules
from hub.matter import Matter
from hub.ports import Clock
from hub.projections.work_list_request import WorkListRequest, WorkPage
from hub.submission import EventResult, Outcome, SubmittedBatch
from ledger.batch import MAX_BATCH, decode_tbs
from ledger.entry import BatchEntry, decode_entry
from ledger.note import NoteVerifier

STOP_SECONDS: Final = 2.0
"""How long a gateway that stops waits for the proof of its last heads."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a gateway is.

    Attributes:
        region: Two digits.
        producer: Name under which it signs, for example `44-node`.
        keyring: Its private keys.
        verifier: The ledger's key, as the operator handed it over.
    """

    region: RegionCode
    producer: PointId
    keyring: Keyring
    verifier: NoteVerifier


class RegionGateway:
    """One region's gateway; an async context that starts and stops it.

    Args:
        identity: Who it is.
        database: The region's file.
        exchange: The exchange.
        rules: The contracts in force, with the sandbox setting of this region.
        clock: The gateway's time.
        limits: Bounds of the outbox.
        quorum: The witnesses that it relies on; None relies on none.

    Attributes:
        replica: The region's directory.
        streams: Its copies of matters.
        outbox: What it sends.
        outbox_store: What it sent.
        inbox_store: What it was told.
        tasks: What waits for its offices.
        opener: Opens payloads.
        orders: Carries out what is ordered about records.
        retention: Confirms what has ended by the clock.
        held: What it holds of content.
        checkpoints: What it knows of the ledger's head.
        evidence: Keeps what does not hold.
    """

    def __init__(
        self,
        *,
        identity: Identity,
        database: RegionDatabase,
        exchange: Exchange,
        rules: Rules,
        clock: Clock,
        limits: OutboxLimits | None = None,
        quorum: Quorum | None = None,
    ) -> None:
        store = RegionStore(database)
        self._identity = identity
        self._exchange = exchange
        self._store = store
        self._clock = clock
        self.outbox_store = OutboxStore(database, store)
        self.held = HeldContent(database)
        self._order_store = OrderStore(database, store)
        self.inbox_store = RegionInboxStore(database, now_ms=clock.now_ms)
        registry = rules.registry
        self.evidence = EvidenceMaker(
            kept=EvidenceStore(
                store=store, verifier=identity.verifier, read_body=lambda body: registry.decode_body(body)[1]
            ),
            store=store,
            exchange=exchange,
            verifier=identity.verifier,
            registry=registry,
        )
        self.checkpoints = Checkpoints(
            store=store, exchange=exchange, verifier=identity.verifier, evidence=self.evidence, quorum=quorum
        )
        self.replica = Replica(store=store, exchange=exchange, checkpoints=self.checkpoints, rules=rules)
        self.streams = Streams(
            store=store,
            outbox=self.outbox_store,
            exchange=exchange,
            checkpoints=self.checkpoints,
            rules=rules,
            directory=self.replica.directory,
        )
        self.tasks = Tasks(
            database=database,
            region=store,
            inbox=self.inbox_store,
            streams=self.streams,
            rules=rules,
            directory=self.replica.directory,
            now_ms=clock.now_ms,
        )
        self.opener = Opener(
            producer=identity.producer,
            keyring=identity.keyring,
            database=database,
            store=store,
            exchange=exchange,
            replica=self.replica,
            checkpoints=self.checkpoints,
            evidence=self.evidence,
            streams=self.streams,
            rules=rules,
            clock=clock,
        )
        self.outbox = Outbox(
            maker=BatchMaker(identity.producer, identity.keyring.batch, clock),
            store=self.outbox_store,
            exchange=exchange,
            checkpoints=self.checkpoints,
            evidence=self.evidence,
            limits=limits or OutboxLimits(),
            skew_ms=lambda: self.replica.clock_skew_ms,
            settled=self._settled,
            may_hold=self._order_store.may_hold,
        )
        self.holds = HoldRegister(database, identity.keyring.holds)
        self._composer = Composer(
            rules=rules,
            directory=self.replica.directory,
            batch_key=identity.keyring.batch.key_id,
            clock=clock,
            matters=lambda stream_id: self.streams.matter(stream_id),
            protection=self.holds.protected,
            takes_content=lambda stream_id: not self._order_store.is_closed(stream_id),
        )
        self.orders = Orders(
            region=identity.region,
            database=database,
            store=self._order_store,
            inbox=self.inbox_store,
            held=self.held,
            streams=self.streams,
            rules=rules,
            directory=self.replica.directory,
            clock=clock,
            send=self.send,
        )
        self.retention = Retention(
            region=identity.region,
            store=store,
            held=self.held,
            orders=self.orders,
            streams=self.streams,
            checkpoints=self.checkpoints,
            rules=rules,
            directory=self.replica.directory,
            clock=clock,
            send=self.send,
        )
        self._composing = asyncio.Lock()
        self._stale: set[bytes] = set()
        self._jobs: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Bring directory and head up to date, then begin to send what waits.

        Raises:
            EvidenceError: The ledger does not hold against what this region knows.
            UnavailableError: The exchange cannot be reached.
        """
        await self.checkpoints.advance()
        await self.replica.know_hub()
        await self.replica.catch_up()
        self.outbox.resume()
        self._jobs = [
            asyncio.create_task(self.replica.follow(), name="directory"),
            asyncio.create_task(self.outbox.run(), name="outbox"),
            asyncio.create_task(self.checkpoints.follow(), name="heads"),
        ]
        log.info("gateway.started", producer=self._identity.producer, events=self.outbox.waiting_events)

    async def stop(self) -> None:
        """Stop sending; what waits stays on disk and is sent at the next start. Heads that came last are connected."""
        for job in self._jobs:
            job.cancel()
        for result in await asyncio.gather(*self._jobs, return_exceptions=True):
            if isinstance(result, ExchangeError):
                log.error("gateway.failed", producer=self._identity.producer, code=result.code)
        if self._jobs:
            await self._connect_last()
        self._jobs = []

    async def _connect_last(self) -> None:
        """Trust the newest head before going, so that the next start begins from it."""
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.checkpoints.connect()
        except TimeoutError:
            log.warning("head.waiting", code="DEADLINE_EXCEEDED")
        except ExchangeError as error:
            level = log.error if error.family == "evidence" else log.warning
            level("head.waiting", code=error.code)

    async def failed(self) -> None:
        """Wait until a part of the gateway stops by itself, then raise its reason: an alarm, never a passing fault.

        Raises:
            ExchangeError: Why it stopped.
        """
        done, _ = await asyncio.wait(self._jobs, return_when=asyncio.FIRST_COMPLETED)
        for job in done:
            job.result()

    async def work_list(self, office: OfficeId, *, after: bytes = b"", limit: int = 0) -> WorkPage:
        """Ask the exchange what waits for an office of this region.

        Args:
            office: Whose list.
            after: What the page before ended with; empty for the first page.
            limit: Rows at most; zero is the exchange's own limit.

        Raises:
            AccessError: It is no office of this region.
            UnavailableError: The exchange cannot be reached or keeps no work lists.
        """
        key = self._identity.keyring.opening
        unsigned = WorkListRequest(
            office=office,
            after=after,
            limit=limit,
            created_ms=self._clock.now_ms(),
            producer=self._identity.producer,
            key_id=key.key_id,
            signature=b"",
        )
        return await self._exchange.work_list(replace(unsigned, signature=key.sign(unsigned.tbs())))

    async def open_record(self, stream_id: StreamId, reader: Reader) -> list[Reading]:
        """Open every payload that an office holds of a record, one after another, each recorded before it is read.

        Args:
            stream_id: The record.
            reader: Who reads, and why.

        Raises:
            As `Opener.open`; what is no longer held is left out.
        """
        found: list[Reading] = []
        await self.streams.catch_up(stream_id)
        for header in map(decode_event, self.streams.events(stream_id)):
            is_own = header.producer_office == reader.office
            refs = (ref for ref in header.sealed if is_own or reader.office in ref.recipients)
            for profile in dict.fromkeys(ref.profile for ref in refs):
                try:
                    found += await self.opener.open(header.event_id, profile, reader)
                except RuleError as error:
                    if error.code != "PAYLOAD_UNKNOWN":
                        raise
        return found

    async def send(self, draft: Draft) -> asyncio.Future[SentEvent]:
        """Check, seal and queue a draft.

        Returns:
            What becomes of it, to be awaited. A draft whose `ref` was sent before gives what became of that one.

        Raises:
            ExchangeError: The draft is refused here, with the code that the hub would give; nothing was sent.
        """
        # One draft at a time from reading the matter to queueing its event: two of one matter follow each other.
        async with self._composing:
            if draft.ref is not None and (known := self.outbox.known(draft.ref)) is not None:
                return known
            if draft.stream_id is not None and self._composer.is_one_of_several(draft):
                # Others on the list write into the matter without telling us.
                matter = await self.streams.catch_up(draft.stream_id)
            if named := self._composer.named_matters(draft):
                for stream_id in named:
                    await self.streams.catch_up(stream_id)
                draft = self._composer.filled(draft)
            draft, matter = await self._placed(draft)
            try:
                composed = self._composer.compose(draft, matter, self.replica.through)
            except ExchangeError as error:
                # An office id that is none may be anything that somebody typed.
                office = draft.office if is_office_id(draft.office) else None
                log.info("draft.refused", code=error.code, field=error.field, rule=error.rule, office=office)
                raise
            answer = await self.outbox.put(composed.drafted)
            self.streams.remember(composed.matter)
        return answer

    async def submit(self, draft: Draft, *, timeout_seconds: float = 60.0) -> SentEvent:
        """Send a draft and wait for its answer.

        Raises:
            UnavailableError: DEADLINE_EXCEEDED: no answer came in time. If the draft had left, it is sent on until it
                is answered; ask again under its `ref`.
            ExchangeError: As `send`.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                return await asyncio.shield(await self.send(draft))
        except TimeoutError as error:
            raise UnavailableError("DEADLINE_EXCEEDED", "the draft is not answered yet") from error

    async def rehearse(self, draft: Draft) -> asyncio.Future[SentEvent]:
        """Send a draft unchecked and without payloads, to see the exchange refuse it; see `compose_unchecked`."""
        async with self._composing:
            draft, matter = await self._placed(draft)
            return await self.outbox.put(self._composer.compose_unchecked(draft, matter))

    async def send_again(self, event_id: bytes) -> asyncio.Future[SentEvent]:
        """Send an event that is recorded once more, in a new batch: it is recognised and keeps its first receipt.

        Raises:
            RuleError: NOT_FOUND: the event is not known here, or its payloads were given away with it.
        """
        event = self.streams.event(event_id)
        header = None if event is None else decode_event(event)
        if event is None or header is None or header.sealed:
            raise RuleError("NOT_FOUND", f"no event {event_id.hex()} without payloads is known", field="event_id")
        return await self.outbox.put(Drafted(None, header, event, ()))

    async def send_batch_again(self, event_id: bytes) -> Sequence[EventResult]:
        """Send the recorded batch that brought an event once more, byte for byte: its first receipt comes back.

        Returns:
            What the receipt says of each event of the batch, checked.

        Raises:
            RuleError: NOT_FOUND: the event is not one that this gateway sent.
            EvidenceError: The answer does not hold.
        """
        batch = await self._recorded_batch(event_id)
        async with self._exchange.submit_stream(window=1) as line:
            reply = await (await line.send(batch))
        await self.checkpoints.learn(*notes_of(reply))
        return check_reply(batch, reply, self.checkpoints)

    async def _recorded_batch(self, event_id: bytes) -> SubmittedBatch:
        """A batch of ours as the ledger has it; its payloads are not needed to recognise it."""
        sent = self.outbox_store.sent_event(event_id)
        if sent is None or sent.index is None:
            raise RuleError("NOT_FOUND", f"no recorded event {event_id.hex()} was sent here", field="event_id")
        first = max(0, sent.index - MAX_BATCH)
        entries = [entry async for chunk in self._exchange.entries(first, sent.index) for entry in chunk.entries]
        batch = next(entry for entry in map(decode_entry, reversed(entries)) if isinstance(entry, BatchEntry))
        events = self.outbox_store.events_of_batch(decode_tbs(batch.tbs).batch_seq)
        return SubmittedBatch(batch.tbs, batch.signature, batch.key_id, tuple(events))

    async def _placed(self, draft: Draft) -> tuple[Draft, Matter | None]:
        """A draft with the id of its matter, and the matter as it stands by now; None if the draft starts it.

        Raises:
            RuleError: NOT_FOUND: it names a matter by id that nobody knows.
        """
        if draft.alias is not None:
            stream_id = self._store.named(draft.alias)
            if stream_id is None:
                stream_id = StreamId(uuid7(unix_ms=self._clock.now_ms(), entropy=secrets.token_bytes(10)))
                # If we stop here, the name stands for a matter without events, which the next draft starts.
                self._store.name(draft.alias, stream_id)
                return replace(draft, stream_id=stream_id), None
            return replace(draft, stream_id=stream_id), await self._visible(stream_id)
        if draft.stream_id is None:
            return draft, None
        matter = await self._visible(draft.stream_id)
        if matter is None:
            raise _unknown(draft.stream_id)
        return draft, matter

    def is_hidden(self, stream_id: bytes) -> bool:
        """Whether a stream is sealed, as far as is known here: no list shows it (DOMAIN 7.2)."""
        return self._order_store.is_sealed(stream_id)

    async def _visible(self, stream_id: StreamId) -> Matter | None:
        """A matter as it stands by now; None if nobody knows it.

        Raises:
            RuleError: NOT_FOUND: it is sealed, which nobody is told.
        """
        if self.is_hidden(stream_id):
            raise _unknown(stream_id)
        return await self._matter(stream_id)

    async def _matter(self, stream_id: StreamId) -> Matter | None:
        """A matter as it stands by now, fetched where our own copy is missing or known to be behind."""
        matter = None if stream_id in self._stale else self.streams.matter(stream_id)
        if matter is None:
            matter = await self.streams.catch_up(stream_id)
            self._stale.discard(stream_id)
        return matter

    def _settled(self, answers: Sequence[tuple[SentEvent, Header]]) -> None:
        """Let streams and tasks follow what was answered."""
        for sent, header in answers:
            if sent.outcome is Outcome.REFUSED:
                self.streams.forget(header.stream_id)
                if sent.refusal is not None and sent.refusal.code == "POSITION_CONFLICT":
                    self._stale.add(header.stream_id)
        recorded = [header for sent, header in answers if sent.outcome is not Outcome.REFUSED]
        if recorded:
            self.tasks.done_by(recorded)


def _unknown(stream_id: StreamId) -> RuleError:
    return RuleError("NOT_FOUND", f"no matter {stream_id.hex()} is known", field="matter")
