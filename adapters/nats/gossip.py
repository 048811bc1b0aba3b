"""Heads that are told to everybody: a region compares them with what it was shown itself.

The relay publishes the ledger's newest head, and the newest one that witnesses have cosigned, on one subject that all
regions hear. A hub that tells this region another history than the others has to sign both. A head that the ledger's
key did not sign is nobody's word: it is told and dropped. Not here: the comparison (`intake.Heads`).
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from nats.aio.subscription import Subscription
from nats.errors import TimeoutError as NatsTimeoutError

from adapters.nats.broker import Broker, broker_errors
from adapters.nats.intake import Heads
from adapters.nats.streams import LOG_SUBJECT
from contracts.errors import ContractError, EvidenceError, UnavailableError
from ledger.checkpoint import parse_checkpoint
from ledger.note import MAX_NOTE_BYTES, NoteVerifier

_WAIT_SECONDS: Final = 0.5
_log = structlog.get_logger()


async def listen(broker: Broker, heads: Heads, verifier: NoteVerifier, stop: asyncio.Event) -> None:
    """Compare every head that is published, until told to stop.

    Args:
        broker: Connected as the region.
        heads: What the region knows.
        verifier: The ledger's key.
        stop: Set to end.

    Raises:
        EvidenceError: A head that the ledger signed contradicts another one, or is not proved to go with it.
        UnavailableError: BROKER_UNAVAILABLE.
    """
    with broker_errors():
        subscription = await broker.client.subscribe(LOG_SUBJECT)
    while not stop.is_set():
        broker.check()
        note = await _next(subscription)
        if note is None:
            continue
        try:
            parse_checkpoint(note[:MAX_NOTE_BYTES], verifier)
        except (ContractError, EvidenceError) as error:
            _log.warning("head.foreign", code=error.code, subject=LOG_SUBJECT)
            continue
        heads.see(note)
        try:
            await heads.connect()
        except UnavailableError as error:
            # It waits with the others, and is proved with the next one.
            _log.warning("head.waiting", code=error.code)
            # A transport that was closing may have swallowed the request to end.
            if (me := asyncio.current_task()) is not None and me.cancelling():
                raise asyncio.CancelledError from error


async def _next(subscription: Subscription) -> bytes | None:
    with broker_errors():
        try:
            return (await subscription.next_msg(timeout=_WAIT_SECONDS)).data
        except NatsTimeoutError:
            return None
