"""What a gateway fetched and may not show before a responsible person approves, and who approved (DOMAIN 8.1, minors).

The opening is recorded already, so that a second request, which would tell outside that the payload is about a minor,
is never needed. Kept is what the exchange gave, sealed to the office as it came, for a few hours; never the content.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final, NamedTuple

from adapters.region.database import RegionDatabase
from contracts.errors import RuleError
from contracts.ids import KeyId, LeafIndex, OfficeId
from contracts.opening import load_opening_rules
from contracts.sealing import WrappedKey
from hub.openings import OpenRequest

_HOUR_MS: Final = 3_600_000


class WithheldPayload(NamedTuple):
    """A payload that waits for an approval.

    Attributes:
        event_id: The event that names it.
        office: Who asked.
        officer: The office's own reference to the officer who asked.
        reason: The code of the reason.
        access_index: Ledger index of the opening.
        envelope: Sealed bytes.
        wrapped: The content key for the office.
    """

    event_id: bytes
    office: OfficeId
    officer: bytes
    reason: str
    access_index: LeafIndex
    envelope: bytes
    wrapped: WrappedKey

    @property
    def ciphertext_hash(self) -> bytes:
        """Which payload of the event it is."""
        return hashlib.sha256(self.envelope).digest()


class Withheld:
    """The withheld payloads and the approvals of one region.

    Args:
        database: The region's file.
    """

    def __init__(self, database: RegionDatabase) -> None:
        self._db = database

    def keep(self, request: OpenRequest, envelope: bytes, wrapped: WrappedKey) -> None:
        """Keep a payload, inside the transaction that notes its opening; not if an order came while it was fetched."""
        self._db.write(
            "INSERT INTO withheld SELECT ?,?,?,?,? WHERE NOT EXISTS (SELECT 1 FROM stream_events WHERE event_id=?"
            " AND (stream_id IN sealed_streams OR stream_id IN closed_streams))",
            request.request_id,
            envelope,
            wrapped.key_id,
            wrapped.enc,
            request.created_ms,
            request.event_id,
        )

    def keep_approval(self, request_id: bytes, approver: bytes, key: bytes, at_ms: int) -> None:
        """Keep who approved, with the key of the commitment, inside a transaction."""
        self._db.write("INSERT INTO approvals VALUES (?,?,?,?)", request_id, approver, key, at_ms)

    def find(self, request_id: bytes) -> WithheldPayload:
        """The payload that waits under a request.

        Raises:
            RuleError: NOT_FOUND.
        """
        row = self._db.one(
            "SELECT event_id, office, officer, reason, access_index, envelope, key_id, enc FROM withheld w"
            " JOIN openings o ON o.request_id=w.request_id WHERE w.request_id=?",
            request_id,
        )
        if row is None:
            raise RuleError("NOT_FOUND", "nothing is withheld under this request", field="request_id")
        event_id, office, officer, reason, index, envelope, key_id, enc = row
        wrapped = WrappedKey(OfficeId(office), KeyId(key_id), enc)
        return WithheldPayload(event_id, OfficeId(office), officer, reason, LeafIndex(index), envelope, wrapped)

    def approve(self, request_id: bytes, approver: bytes, now_ms: int) -> None:
        """Note an approval and keep the payload no longer, both or neither."""
        with self._db.transaction():
            self.keep_approval(request_id, approver, secrets.token_bytes(32), now_ms)
            self._db.write("DELETE FROM withheld WHERE request_id=?", request_id)

    def forget_old(self, now_ms: int) -> None:
        """Throw away what nobody approved in time."""
        before_ms = now_ms - load_opening_rules().withheld_hours * _HOUR_MS
        if self._db.one("SELECT 1 FROM withheld WHERE fetched_at<?", before_ms) is not None:
            with self._db.transaction():
                self._db.write("DELETE FROM withheld WHERE fetched_at<?", before_ms)
