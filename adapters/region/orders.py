"""Orders about records are carried out here: what is held of the record is destroyed, then its holders confirm.

    learn       from the inbox, in its order: which orders there are, kept with the place in the inbox
    destroy     what the gateway holds of the record, in the transaction that notes it; then out of the file's log
    confirm     for each office of this region that the order waits for, with the event that its procedure has for it

No step begins before the one before it is on disk, each can be repeated, and what is left to do follows from what is
stored: a gateway that is killed anywhere goes on at its start. What an office keeps in a register of its own is not
here; a request of the person asks it to confirm that by hand (`RightsExecuted`). A withheld copy whose time is over by
the clock is destroyed too (DOMAIN 7.4). Not here: what is held (`held_content`), what an order hides (`order_store`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from itertools import zip_longest
from typing import Final

import structlog

from adapters.region.database import RegionDatabase
from adapters.region.draft import Draft
from adapters.region.held_content import HeldContent
from adapters.region.inbox_store import RegionInboxStore, StoredNotification
from adapters.region.order_store import Ordered, OrderStore
from adapters.region.outbox_store import SentEvent
from adapters.region.streams import Streams
from contracts.errors import ExchangeError, UnavailableError
from contracts.event import decode_event
from contracts.guard import load_guards
from contracts.ids import EventId, OfficeId, RegionCode, StreamId
from contracts.procedure_types import ERASE, ERASES, UNSEAL, Procedure, Transition
from hub.admission import Rules
from hub.awaited import awaited
from hub.content import effect_of, overdue
from hub.directory import Directory
from hub.matter import Matter
from hub.ports import Clock
from hub.submission import Outcome

_AT_A_TIME: Final = 256
_TRIES: Final = 5
"""How often a confirmation comes too late in a row, because another holder's came first, until it has to wait."""

log = structlog.get_logger()


class Orders:
    """The orders of one region.

    Args:
        region: Whose offices confirm.
        database: The region's file.
        store: The orders in it.
        inbox: Where orders come from.
        held: What there is to destroy.
        streams: Copies of matters.
        rules: The contracts in force.
        directory: The region's copy.
        clock: The gateway's time.
        send: Sends a draft and gives what becomes of it, as `RegionGateway.send` does.
    """

    def __init__(
        self,
        *,
        region: RegionCode,
        database: RegionDatabase,
        store: OrderStore,
        inbox: RegionInboxStore,
        held: HeldContent,
        streams: Streams,
        rules: Rules,
        directory: Directory,
        clock: Clock,
        send: Callable[[Draft], Awaitable[Awaitable[SentEvent]]],
    ) -> None:
        self._region = region
        self._db = database
        self._store = store
        self._inbox = inbox
        self._held = held
        self._streams = streams
        self._rules = rules
        self._directory = directory
        self._clock = clock
        self._send = send
        # What was destroyed before the last end may still lie in the log.
        self._is_scrubbed = False

    @property
    def is_behind(self) -> bool:
        """Whether an order that came is not carried out or not confirmed."""
        store = self._store
        return bool(self._inbox.received_after(store.row, 1) or store.to_do() or store.to_confirm())

    # -- learning and destroying

    def carry_out(self) -> bool:
        """Learn what came, and destroy what an order or the clock says; nobody is asked, here nor elsewhere.

        Returns:
            Whether nothing of it is left in the file's log either; False: somebody reads it, call again soon.

        Raises:
            FatalError: STORE_FAILED: whether something was destroyed is unknown; stop, start-up goes on.
        """
        while fresh := self._inbox.received_after(self._store.row, _AT_A_TIME):
            found = [order for one in fresh if (order := self._ordered(one)) is not None]
            self._store.learn(found, fresh[-1].row, self._clock.now_ms())
        for order in self._store.to_do():
            self._destroy(order)
        now_ms = self._clock.now_ms()
        for stream_id, event_id in self._held.withheld():
            if self._is_over(stream_id, event_id, now_ms):
                self._is_scrubbed = False
                self._held.destroy_withheld(event_id)
        if not self._is_scrubbed:
            self._is_scrubbed = self._held.scrub()
        return self._is_scrubbed

    def tidy(self) -> bool:
        """As `carry_out`; what was deleted in the daily course is taken out of the file's log, too."""
        self._is_scrubbed = False
        return self.carry_out()

    def _ordered(self, notification: StoredNotification) -> Ordered | None:
        """The order that an event is, if it is one: it does something to the content of another matter."""
        header = decode_event(notification.event)
        procedure = self._rules.procedure(header.procedure, header.edition)
        if header.event_type not in procedure.effects:
            return None
        effect = effect_of(procedure, header, self._rules.registry.decode_body(header.body)[1])
        if effect is None or effect.on == header.stream_id:
            return None
        return Ordered(header.stream_id, header.event_id, effect.does, StreamId(effect.on), notification.leaf_index)

    def _destroy(self, order: Ordered) -> None:
        self._is_scrubbed = False
        with self._db.transaction():
            if order.does != UNSEAL:
                self._held.write_destroyed(order.target)
            if order.does in ERASES:
                self._held.write_forgotten(order.target)
            self._store.write_done(order, self._clock.now_ms())
        log.info("order.done", event_id=order.event_id.hex(), index=order.leaf_index)

    def _is_over(self, stream_id: StreamId, event_id: bytes, now_ms: int) -> bool:
        """Whether the content that came with an event has reached its end by the clock, as far as is known here.

        A matter that went on after its end shows it no more: each state is asked up to the event that left it.
        """
        headers = [decode_event(event) for event in self._streams.events(stream_id)]
        seq_of = {header.event_id: header.stream_seq for header in headers}
        came = seq_of.get(EventId(event_id), len(headers))
        for header, following in zip_longest(headers[came:], headers[came + 1 :]):
            matter = self._streams.recorded(stream_id, before=header.stream_seq + 1)
            if matter is None:
                raise AssertionError("a matter has the state that its events left")
            until_ms = now_ms if following is None else following.occurred_at
            for end in overdue(self._procedure(matter), matter, until_ms):
                if end.since == event_id or (end.what == ERASE and came <= seq_of[end.since]):
                    return True
        return False

    # -- confirming

    async def confirm(self) -> bool:
        """Confirm what is destroyed, for every office of this region that an order waits for.

        Returns:
            Whether nothing is left to confirm; False: call again after a while.

        Raises:
            UnavailableError: The exchange cannot be reached.
            EvidenceError: What came from it does not hold.
        """
        if not self._is_scrubbed:
            return False
        return all([await self._confirm(order) for order in self._store.to_confirm()])

    async def _confirm(self, order: Ordered) -> bool:
        """Confirm one order; False if one of the offices could not."""
        for entry, office in await self._awaited(order):
            if not await self._confirm_for(order, entry, office):
                return False
        self._store.confirmed(order, self._clock.now_ms())
        log.info("order.confirmed", event_id=order.event_id.hex(), index=order.leaf_index)
        return True

    async def _awaited(self, order: Ordered) -> list[tuple[OfficeId, OfficeId]]:
        """The entries of an order's list that are this region's, each with the office that acts for it."""
        matter = await self._streams.catch_up(order.order_id)
        if matter is None:
            raise UnavailableError("PEER_UNAVAILABLE", "the exchange does not show an order that it sent")
        acting = [(entry, self._directory.acting(entry)) for entry in awaited(matter, self._procedure(matter))]
        return [(entry, one.office) for entry, one in acting if one is not None and one.region == self._region]

    async def _confirm_for(self, order: Ordered, entry: OfficeId, office: OfficeId) -> bool:
        code = None
        for _ in range(_TRIES):
            try:
                sent = await (await self._send(self._draft(order, entry, office)))
            except UnavailableError:
                raise
            except ExchangeError as error:
                code = error.code
                break
            if sent.outcome is not Outcome.REFUSED:
                return True
            code = None if sent.refusal is None else sent.refusal.code
            if code != "POSITION_CONFLICT":
                break
        log.warning("order.unconfirmed", event_id=order.event_id.hex(), office=office, code=code)
        return False

    def _draft(self, order: Ordered, entry: OfficeId, office: OfficeId) -> Draft:
        matter = self._streams.recorded(order.order_id)
        if matter is None:
            raise AssertionError("an order that is awaited is kept here")
        row = next(row for row in self._procedure(matter).transitions if row.confirms is not None)
        return Draft(
            procedure=matter.procedure,
            event_type=row.event,
            office=office,
            occurred_at=self._clock.now_ms(),
            stream_id=order.order_id,
            body=dict.fromkeys(said(row), True),
            ref=f"order-{order.order_id.hex()}-{entry}",
            causation_id=order.event_id,
        )

    def _procedure(self, matter: Matter) -> Procedure:
        return self._rules.procedure(matter.procedure, matter.edition)


def said(row: Transition) -> Iterator[str]:
    """Body fields that a confirming row demands to be true: they are, once everything is destroyed here."""
    for guard in (load_guards()[name] for name in row.guards):
        if guard.kind == "one_of" and guard.values == {True}:
            yield from guard.fields
