"""Receipts of the regions: read from the broker, checked against the directory and the ledger's own heads, kept.

A receipt whose head is not the ledger's means that a region holds something else than the ledger says it was sent:
the worst there is, told as an alarm and kept as evidence. A receipt that nobody who may has signed is told and dropped.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

import structlog

from adapters.nats.broker import Broker
from adapters.nats.ledger_directory import LedgerDirectory
from adapters.nats.messages import decode_receipt
from adapters.nats.pull import Pull, acknowledge
from adapters.nats.streams import RCP_STREAM, RELAY_DURABLE
from contracts.errors import ContractError, EvidenceError
from contracts.event import leaf_hash
from contracts.ids import Hash, LeafIndex, PointId
from hub.delivery_receipt import DeliveryReceipt, verify_delivery
from hub.ports import LedgerReader
from ledger.entry import EventEntry, decode_entry
from ledger.heads import head_next

_WAIT_SECONDS: Final = 1.0

_log = structlog.get_logger()


class ReceiptStore(Protocol):
    """Where receipts are kept. Every call is durable when it returns, against a kill of the process at least."""

    def keep_receipt(self, receipt: DeliveryReceipt, message: bytes) -> None:
        """Keep a checked receipt: the first one of each counter, and the highest one of its point as the last."""

    def keep_disagreement(self, receipt: DeliveryReceipt, ledger_head: Hash | None, message: bytes) -> None:
        """Keep a signed receipt whose head is not the ledger's; None: the ledger has sent less."""


class Receipts:
    """Reads, checks and keeps receipts.

    Args:
        reader: The ledger.
        directory: Keys of the regions.
        store: Where receipts are kept.
    """

    def __init__(self, *, reader: LedgerReader, directory: LedgerDirectory, store: ReceiptStore) -> None:
        self._reader = reader
        self._directory = directory
        self._store = store

    async def follow(self, broker: Broker, stop: asyncio.Event) -> None:
        """Take receipts until told to stop.

        Raises:
            UnavailableError: BROKER_UNAVAILABLE: the connection is lost.
        """
        pull = await Pull.open(broker, stream=RCP_STREAM, durable=RELAY_DURABLE, stop=stop)
        while pull is not None and not stop.is_set():
            messages = await pull.take(_WAIT_SECONDS)
            for message in messages:
                self.take(message.data)
            await acknowledge(messages)

    def take(self, data: bytes) -> None:
        """Check and keep one receipt; nothing that arrives here stops the relay."""
        try:
            receipt = decode_receipt(data)
            directory = self._directory.now()
            key = directory.signing_key(receipt.key_id, LeafIndex(self._directory.size))
            verify_delivery(receipt, key)
        except (ContractError, EvidenceError) as error:
            _log.error("receipt.refused", code=error.code, bytes=len(data))
            return
        ours = self._head_at(receipt.point, receipt.n)
        if ours == receipt.head:
            self._store.keep_receipt(receipt, data)
        else:
            _log.error("head.disagrees", code="HEAD_MISMATCH", point=receipt.point, n=receipt.n)
            self._store.keep_disagreement(receipt, ours, data)

    def _head_at(self, point: PointId, n: int) -> Hash | None:
        """The ledger's own running hash of a point after notification `n`; None if it never sent so many."""
        runs = self._reader.runs(point, n, 1)
        if not runs:
            return None
        run = runs[0]
        if n == run.first_n + len(run.indexes) - 1:
            return run.head_after
        head = run.head_before
        for counter, index in enumerate(run.indexes[: n - run.first_n + 1], run.first_n):
            (raw,) = self._reader.entries(LeafIndex(index), LeafIndex(index + 1))
            entry = decode_entry(raw)
            head = head_next(head, counter, leaf_hash(entry.event if isinstance(entry, EventEntry) else b""))
        return head
