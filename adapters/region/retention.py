"""Once a day a gateway confirms that of everything whose time is over by the clock nothing is held here (ADR 0065).

In this order: which size the ledger has; what the ledger says of each record of which content is held, which may be
none; destroy what has ended and take it out of the file's log; only then the event. So it is true when it is made: of
what had ended below that size nothing is left. Not here: what is destroyed (`orders`), which ends an event covers
(`hub.retention`, which everybody derives from the ledger).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Final

import structlog

from adapters.region.checkpoints import Checkpoints
from adapters.region.draft import Draft
from adapters.region.held_content import HeldContent
from adapters.region.orders import Orders, said
from adapters.region.outbox_store import SentEvent
from adapters.region.region_store import RegionStore
from adapters.region.streams import Streams
from contracts.errors import ExchangeError, UnavailableError
from contracts.ids import OfficeId, RegionCode
from contracts.instant import local_day
from contracts.procedure_types import Transition
from hub.admission import Rules
from hub.directory import Directory
from hub.ports import Clock
from hub.retention import CONFIRMATION, CONFIRMED
from hub.submission import Outcome

_MARK: Final = "retention_day"

log = structlog.get_logger()


class Retention:
    """The confirmations of one region.

    Args:
        region: Whose gateway this is.
        store: Keeps the day of the last one.
        held: What there is of content.
        orders: Destroys it.
        streams: Copies of matters.
        checkpoints: What is known of the ledger's head.
        rules: The contracts in force.
        directory: The region's copy.
        clock: The gateway's time.
        send: Sends a draft and gives what becomes of it, as `RegionGateway.send` does.
    """

    def __init__(
        self,
        *,
        region: RegionCode,
        store: RegionStore,
        held: HeldContent,
        orders: Orders,
        streams: Streams,
        checkpoints: Checkpoints,
        rules: Rules,
        directory: Directory,
        clock: Clock,
        send: Callable[[Draft], Awaitable[Awaitable[SentEvent]]],
    ) -> None:
        self._region = region
        self._store = store
        self._held = held
        self._orders = orders
        self._streams = streams
        self._checkpoints = checkpoints
        self._rules = rules
        self._directory = directory
        self._clock = clock
        self._send = send

    async def confirm(self) -> bool:
        """Confirm what has ended, once a day.

        Returns:
            Whether nothing is left to do today; False: call again after a while.

        Raises:
            UnavailableError: The exchange cannot be reached.
            EvidenceError: What came from it does not hold.
        """
        now_ms = self._clock.now_ms()
        today = local_day(now_ms)
        known = self._store.mark(_MARK)
        if known is None:  # a gateway that begins has held nothing
            self._store.set_mark(_MARK, _text(today))
        if known in (None, _text(today)):
            return True
        until = (await self._checkpoints.advance()).size
        for stream_id in {stream_id for stream_id, _ in self._held.withheld()}:
            await self._streams.catch_up(stream_id)
        if not self._orders.carry_out() or not await self._is_recorded(until, now_ms, today):
            return False
        self._store.set_mark(_MARK, _text(today))
        log.info("retention.confirmed", size=until)
        return True

    async def _is_recorded(self, until: int, now_ms: int, today: date) -> bool:
        row = self._row()
        office = self._office(row)
        code: str | None = "OFFICE_UNKNOWN"
        if office is not None:
            draft = Draft(
                procedure=CONFIRMATION,
                event_type=CONFIRMED,
                office=office,
                occurred_at=now_ms,
                body={"until": until} | dict.fromkeys(said(row), True),
                ref=f"retention-{today}",
            )
            try:
                sent = await (await self._send(draft))
            except UnavailableError:
                raise
            except ExchangeError as error:
                code = error.code
            else:
                if sent.outcome is not Outcome.REFUSED:
                    return True
                code = None if sent.refusal is None else sent.refusal.code
        log.warning("retention.unconfirmed", office=office, code=code)
        return False

    def _row(self) -> Transition:
        edition = self._directory.editions.newest(self._clock.now_ms(), self._rules.editions)
        return next(row for row in self._rules.procedure(CONFIRMATION, edition).transitions if row.event == CONFIRMED)

    def _office(self, row: Transition) -> OfficeId | None:
        """The office that speaks for the gateway: the first open one of the region that may."""
        offices = (one for one in self._directory.offices() if one.region == self._region and not one.is_closed)
        return next((one.office for one in offices if one.office_type in row.by.offices), None)


def _text(day: date) -> bytes:
    return day.isoformat().encode()
