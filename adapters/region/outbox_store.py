"""What a region sent, until and after it is answered.

Rules kept here: a batch is on disk before it is sent and stays, byte for byte, until its answer is on disk; an answer
moves the batch out, its events to their outcome and their streams on, in one transaction. Not here: whether an answer
is to be believed (`outbox`).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from adapters.region.database import RegionDatabase
from adapters.region.region_store import Kept, RegionStore
from contracts.event import Header, decode_event
from contracts.ids import EventId, Hash, KeyId, LeafIndex, OfficeId, StreamId
from contracts.sealing import LockedPayload, WrappedKey
from hub.ports import ProducerState
from hub.submission import Outcome, Refusal, SubmittedBatch, SubmittedPayload

_CHAIN: Final = struct.Struct(">Q32s")
_SENT: Final = "event_id, ref, stream_id, seq, event_type, outcome, idx, code, sentence, field, rule"


class Drafted(NamedTuple):
    """An event of ours, complete but for its batch: bytes, and payloads whose keys are wrapped when that is made.

    Attributes:
        ref: The sending system's own name for the draft; None if it gave none.
        header: What the event says.
        event: Its bytes.
        payloads: What the header's `sealed` names; empty where an order has withdrawn it.
    """

    ref: str | None
    header: Header
    event: bytes
    payloads: tuple[LockedPayload, ...]


class SentEvent(NamedTuple):
    """What became of an event of ours.

    Attributes:
        event_id: Its id.
        ref: The sending system's own name for it.
        stream_id: Its matter.
        seq: Its place in the matter.
        event_type: What it says.
        outcome: None while no answer is on disk.
        index: Ledger index, if it is recorded.
        refusal: Why not, if it was refused.
    """

    event_id: EventId
    ref: str | None
    stream_id: StreamId
    seq: int
    event_type: str
    outcome: Outcome | None
    index: LeafIndex | None  # type: ignore[assignment]  # hides tuple.index, which nobody calls on it
    refusal: Refusal | None


class Waiting(NamedTuple):
    """A batch that waits for its answer.

    Attributes:
        batch_seq: Its number among our batches.
        batch: The bytes to send, as often as it takes.
        headers: What its events say, in position order.
    """

    batch_seq: int
    batch: SubmittedBatch
    headers: tuple[Header, ...]


class OutboxStore:
    """The outbox in `region.sqlite`; called from one thread only.

    Args:
        database: The region's file.
        region: The tables that an answer moves on too.
    """

    def __init__(self, database: RegionDatabase, region: RegionStore) -> None:
        self._db = database
        self._region = region

    @property
    def chain(self) -> ProducerState:
        """Where our chain of batches stands, waiting ones included."""
        raw = self._region.mark("chain")
        if raw is None:
            return ProducerState(0, Hash(bytes(32)))
        next_seq, last_hash = _CHAIN.unpack(raw)
        return ProducerState(next_seq, last_hash)

    def draft(self, batch: SubmittedBatch, drafts: Sequence[Drafted], chain: ProducerState) -> Waiting:
        """Keep a signed batch before it is sent, and move the chain on; durable on return.

        Args:
            batch: The batch, signed.
            drafts: Its events, in position order; their payloads are the batch's, in that order too.
            chain: Where the chain stands with it.
        """
        waiting = Waiting(chain.next_seq - 1, batch, tuple(draft.header for draft in drafts))
        with self._db.transaction():
            self._write_batch(waiting)
            self._write_drafts(waiting.batch_seq, drafts)
            self._write_payloads(drafts, batch.payloads)
            self._region.write_mark("chain", _CHAIN.pack(*chain))
        return waiting

    def _write_batch(self, waiting: Waiting) -> None:
        batch = waiting.batch
        self._db.write(
            "INSERT INTO outbox VALUES (?,?,?,?)", waiting.batch_seq, batch.tbs, batch.signature, batch.key_id
        )

    def _write_drafts(self, batch_seq: int, drafts: Sequence[Drafted]) -> None:
        # A refused draft may come again under its name; the refused row keeps everything but the name.
        self._db.write_many(
            "UPDATE sent SET ref=NULL WHERE ref=? AND outcome='REFUSED'",
            [(d.ref,) for d in drafts if d.ref is not None],
        )
        self._db.write_many(
            "INSERT INTO sent (event_id, ref, stream_id, seq, event_type, batch_seq, position, event)"
            " VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (event_id) DO UPDATE SET batch_seq=excluded.batch_seq,"
            " position=excluded.position, outcome=NULL, code=NULL, sentence=NULL, field=NULL, rule=NULL",
            [
                (h.event_id, draft.ref, h.stream_id, h.stream_seq, h.event_type, batch_seq, position, draft.event)
                for position, draft in enumerate(drafts)
                for h in (draft.header,)
            ],
        )

    def _write_payloads(self, drafts: Sequence[Drafted], payloads: Sequence[SubmittedPayload]) -> None:
        locked = [
            (draft.header.event_id, payload.ref.ciphertext_hash) for draft in drafts for payload in draft.payloads
        ]
        rows = [(name, event_id, mine) for (event_id, name), mine in zip(locked, payloads, strict=True)]
        self._db.write_many(
            "INSERT INTO outbox_payloads VALUES (?,?,?)",
            [(name, event_id, mine.envelope) for name, event_id, mine in rows],
        )
        self._db.write_many(
            "INSERT INTO outbox_keys VALUES (?,?,?,?)",
            [(name, w.office, w.key_id, w.enc) for name, _, mine in rows for w in mine.wrapped],
        )

    def waiting(self) -> list[Waiting]:
        """Every batch without an answer on disk, in order of the chain."""
        rows = self._db.all("SELECT batch_seq, tbs, signature, key_id FROM outbox ORDER BY batch_seq")
        return [self._load(*row) for row in rows]

    def _load(self, batch_seq: int, tbs: bytes, signature: bytes, key_id: bytes) -> Waiting:
        events = self._db.all(
            "SELECT event FROM sent WHERE batch_seq=? AND outcome IS NULL ORDER BY position", batch_seq
        )
        payloads = self._db.all(
            "SELECT p.hash, p.envelope FROM outbox_payloads p JOIN sent s ON s.event_id=p.event_id"
            " WHERE s.batch_seq=? ORDER BY s.position, p.rowid",
            batch_seq,
        )
        return Waiting(
            batch_seq,
            SubmittedBatch(
                tbs=tbs,
                signature=signature,
                key_id=key_id,
                events=tuple(event for (event,) in events),
                payloads=tuple(SubmittedPayload(envelope, self._keys(ref)) for ref, envelope in payloads),
            ),
            tuple(decode_event(event) for (event,) in events),
        )

    def _keys(self, ciphertext_hash: bytes) -> tuple[WrappedKey, ...]:
        rows = self._db.all("SELECT office, key_id, enc FROM outbox_keys WHERE hash=? ORDER BY rowid", ciphertext_hash)
        return tuple(WrappedKey(OfficeId(office), KeyId(key_id), enc) for office, key_id, enc in rows)

    def rebase(self, batches: Sequence[tuple[int, Waiting]], chain: ProducerState) -> None:
        """Put the same events under new batch headers.

        Args:
            batches: Number of the old batch and the new one in its place, for every waiting batch, ascending.
            chain: Where the chain stands with the last one.
        """
        with self._db.transaction():
            self._db.write("DELETE FROM outbox")
            # From the far end where numbers grow, from the near end where they shrink: no two batches meet.
            grows = bool(batches) and batches[0][1].batch_seq > batches[0][0]
            for old_seq, new in reversed(batches) if grows else batches:
                self._db.write(
                    "UPDATE sent SET batch_seq=? WHERE batch_seq=? AND outcome IS NULL", new.batch_seq, old_seq
                )
                self._write_batch(new)
            self._region.write_mark("chain", _CHAIN.pack(*chain))

    def settle(self, waiting: Waiting, answers: Sequence[SentEvent], recorded: Sequence[Kept]) -> None:
        """Take a batch out: what became of its events, in one transaction.

        Args:
            waiting: The batch.
            answers: One for each of its events.
            recorded: Those that are in the ledger, for the streams.
        """
        with self._db.transaction():
            self._db.write_many(
                "UPDATE sent SET outcome=?, idx=?, code=?, sentence=?, field=?, rule=? WHERE event_id=?",
                [(answer.outcome, answer.index, *_why(answer.refusal), answer.event_id) for answer in answers],
            )
            sealed = [(ref.ciphertext_hash,) for header in waiting.headers for ref in header.sealed]
            self._db.write_many("DELETE FROM outbox_keys WHERE hash=?", sealed)
            self._db.write_many("DELETE FROM outbox_payloads WHERE hash=?", sealed)
            self._db.write("DELETE FROM outbox WHERE batch_seq=?", waiting.batch_seq)
            self._region.write_events(recorded)

    def sent_as(self, ref: str) -> SentEvent | None:
        """The event that a draft with this name became, unless it was refused."""
        row = self._db.one(f"SELECT {_SENT} FROM sent WHERE ref=? AND outcome IS NOT 'REFUSED'", ref)
        return None if row is None else _sent(row)

    def sent_event(self, event_id: bytes) -> SentEvent | None:
        """What became of an event of ours."""
        row = self._db.one(f"SELECT {_SENT} FROM sent WHERE event_id=?", event_id)
        return None if row is None else _sent(row)

    def events_of_batch(self, batch_seq: int) -> list[bytes]:
        """Bytes of the events that went out in a batch, in position order."""
        rows = self._db.all("SELECT event FROM sent WHERE batch_seq=? ORDER BY position", batch_seq)
        return [event for (event,) in rows]

    def unanswered_refs(self) -> list[tuple[bytes, str | None]]:
        """Event id and name of every event that waits for an answer."""
        return self._db.all("SELECT event_id, ref FROM sent WHERE outcome IS NULL")

    def refusals(self) -> list[SentEvent]:
        """Every event that was refused, oldest first."""
        return [_sent(row) for row in self._db.all(f"SELECT {_SENT} FROM sent WHERE outcome='REFUSED' ORDER BY rowid")]

    def unanswered(self, stream_id: bytes) -> list[bytes]:
        """Bytes of a stream's events that wait for an answer, in order."""
        rows = self._db.all("SELECT event FROM sent WHERE stream_id=? AND outcome IS NULL ORDER BY seq", stream_id)
        return [event for (event,) in rows]

    def counts(self) -> dict[str, int]:
        """Events by outcome; `WAITING` for those without one."""
        rows = self._db.all("SELECT coalesce(outcome, 'WAITING'), count(*) FROM sent GROUP BY 1 ORDER BY 1")
        return dict(rows)


def _why(refusal: Refusal | None) -> tuple[str | None, str | None, str | None, str | None]:
    """Code, sentence, field and rule as they are kept."""
    if refusal is None:
        return None, None, None, None
    return refusal.code or None, refusal.sentence or None, refusal.field, refusal.rule


def _sent(row: Any) -> SentEvent:
    event_id, ref, stream_id, seq, event_type, outcome, index, code, sentence, field, rule = row
    return SentEvent(
        event_id=EventId(event_id),
        ref=ref,
        stream_id=StreamId(stream_id),
        seq=seq,
        event_type=event_type,
        outcome=None if outcome is None else Outcome(outcome),
        index=None if index is None else LeafIndex(index),
        refusal=None if code is None else Refusal(code, sentence or "", field, rule),
    )
