"""Heads that are told to everybody: a region compares them with what it was shown itself.

The relay publishes the ledger's newest head, and the newest one that witnesses have cosigned, on one subject that all
regions hear. A hub that tells this region another history than the others has to sign both. A head that the ledger's
key did not sign is nobody's word: it is told and dropped. Not here: the comparison (`intake.Heads`).
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Final

import structlog
from nats.aio.subscription import Subscription
from nats.errors import TimeoutError as NatsTimeoutError

from adapters.cancellation import heed_cancellation
from adapters.nats.broker import Broker, broker_errors
from adapters.nats.intake import Heads, Ports
from adapters.nats.subjects import LOG_SUBJECT
from contracts.errors import ContractError, EvidenceError, UnavailableError
from ledger.checkpoint import parse_checkpoint
from ledger.log_keys import LogKeys
from ledger.note import MAX_NOTE_BYTES, NoteVerifier

_WAIT_SECONDS: Final = 0.5
_ASK_SECONDS: Final = 5.0
"""Pause between two times of asking for keys: anybody may publish anything here."""
_log = structlog.get_logger()


async def listen(broker: Broker, heads: Heads, ports: Ports, stop: asyncio.Event) -> None:
    """Compare every head that is published, until told to stop.

    Args:
        broker: Connected as the region.
        heads: What the region knows.
        ports: The ledger's key, and who knows what has replaced it.
        stop: Set to end.

    Raises:
        EvidenceError: A head that the ledger signed contradicts another one, or is not proved to go with it.
        UnavailableError: BROKER_UNAVAILABLE.
    """
    with broker_errors():
        subscription = await broker.client.subscribe(LOG_SUBJECT)
    keys = _Keys(ports)
    while not stop.is_set():
        broker.check()
        note = await _next(subscription)
        if note is None:
            continue
        try:
            error = await keys.refuse(note[:MAX_NOTE_BYTES])
            if error is not None:
                _log.warning("head.foreign", code=error.code, subject=LOG_SUBJECT)
                continue
            heads.see(note)
            await heads.connect()
        except UnavailableError as error:
            # It waits with the others, and is proved with the next one.
            _log.warning("head.waiting", code=error.code)
            heed_cancellation()


class _Keys:
    """The ledger's keys. A note that they do not fit may be of a new key: that is asked for, but not for every note.

    Args:
        ports: As of `listen`.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._known: NoteVerifier | LogKeys = ports.verifier
        self._ask_at = 0.0

    async def refuse(self, note: bytes) -> ContractError | EvidenceError | None:
        """Why a note is not the ledger's; None if it is.

        Raises:
            EvidenceError: The exchange gave a chain of keys that does not hold.
            UnavailableError: The exchange cannot be reached.
        """
        error = _wrong(note, self._known)
        if error is None or self._ports.log_keys is None or monotonic() < self._ask_at:
            return error
        self._ask_at = monotonic() + _ASK_SECONDS
        self._known = await self._ports.log_keys(note)
        return _wrong(note, self._known)


def _wrong(note: bytes, keys: NoteVerifier | LogKeys) -> ContractError | EvidenceError | None:
    try:
        parse_checkpoint(note, keys)
    except (ContractError, EvidenceError) as error:
        return error
    return None


async def _next(subscription: Subscription) -> bytes | None:
    with broker_errors():
        try:
            return (await subscription.next_msg(timeout=_WAIT_SECONDS)).data
        except NatsTimeoutError:
            return None
