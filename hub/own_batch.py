"""Batches that the hub itself makes: directory, heads, openings, what time does. Signed with a key of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts import signing
from contracts.avro import fingerprint_of
from contracts.edition import FOUNDING
from contracts.event import Header, encode_event, leaf_hash
from contracts.ids import HUB_OFFICE, HUB_PRODUCER, HUB_REGION, EventId, Hash, KeyId, StreamId, uuid7
from contracts.instant import rounded
from contracts.procedure_types import body_schema
from hub.admission import Rules
from hub.matter import Matter
from hub.ports import Entropy, ProducerState
from hub.submission import SubmittedBatch
from ledger.batch import Batch, encode_tbs
from ledger.compact import root_of

_ZERO = Hash(bytes(32))


@dataclass(frozen=True, slots=True)
class HubDraft:
    """An event that the hub itself makes.

    Attributes:
        event_type: For example `KeyRegistered`.
        procedure: Its procedure.
        body: Fields of the body schema.
        stream_id: The stream it continues or starts; None starts a new one with a fresh id.
        causation_id: The event that made the hub act, if one did.
        event_id: Given where the same act must not be recorded twice; None draws a fresh one.
        occurred_at: Milliseconds; None is now.
        edition: Edition of the procedure; None is that of the matter it continues, else the maker's.
        about: The matter that it says something of although it stands in another stream; None where there is none.
    """

    event_type: str
    procedure: str
    body: Mapping[str, Any]
    stream_id: bytes | None = None
    causation_id: bytes | None = None
    event_id: bytes | None = None
    occurred_at: int | None = None
    edition: int | None = None
    about: StreamId | None = None


@dataclass(slots=True)
class HubBatchMaker:
    """Makes event bytes and a signed batch from drafts.

    Args:
        rules: The contracts in force.
        entropy: For fresh ids.
        now_ms: Hub time, milliseconds.
        edition: Under which new matters begin.
    """

    rules: Rules
    entropy: Entropy
    now_ms: int
    edition: int = FOUNDING

    def events(self, drafts: Iterable[HubDraft], matters: Mapping[bytes, Matter]) -> tuple[bytes, ...]:
        """Encode drafts in order; drafts of one stream follow one another.

        Args:
            drafts: What to record.
            matters: The matters that they continue, as recorded.

        Raises:
            ContractError: AVRO_VALUE or BODY_FIELD: a body is not what its schema says.
        """
        places = {stream_id: (matter.next_seq, matter.head) for stream_id, matter in matters.items()}
        events = []
        for draft in drafts:
            stream_id = draft.stream_id or self._fresh_id()
            seq, prev = places.get(stream_id, (0, _ZERO))
            matter = matters.get(stream_id)
            edition = draft.edition or (self.edition if matter is None else matter.edition)
            data = self._encode(draft, edition, stream_id, seq, prev)
            places[stream_id] = (seq + 1, leaf_hash(data))
            events.append(data)
        return tuple(events)

    def batch(
        self, events: tuple[bytes, ...], state: ProducerState, key: Ed25519PrivateKey, key_id: KeyId
    ) -> SubmittedBatch:
        """Sign a batch over event bytes, next in the hub's own chain."""
        tbs = encode_tbs(
            Batch(
                producer=HUB_PRODUCER,
                batch_id=self._fresh_id(),
                batch_seq=state.next_seq,
                n=len(events),
                created_ms=self.now_ms,
                prev_batch=state.last_hash,
                root=root_of(map(leaf_hash, events)),
            )
        )
        return SubmittedBatch(tbs, signing.sign(key, tbs), key_id, events)

    def _encode(self, draft: HubDraft, edition: int, stream_id: bytes, seq: int, prev: Hash) -> bytes:
        procedure = self.rules.procedure(draft.procedure, edition)
        body = self.rules.registry.encode_body(body_schema(draft.event_type), draft.body)
        occurred_at = self.now_ms if draft.occurred_at is None else draft.occurred_at
        row = next(row for row in procedure.transitions if row.event == draft.event_type)
        return encode_event(
            Header(
                event_id=EventId(draft.event_id or self._fresh_id()),
                schema_id=fingerprint_of(body),
                event_type=draft.event_type,
                event_class=procedure.event_class,
                stream_id=StreamId(stream_id),
                stream_seq=seq,
                prev_hash=prev,
                procedure=procedure.id,
                edition=procedure.edition,
                producer_region=HUB_REGION,
                producer_office=HUB_OFFICE,
                counterpart_region=None,
                counterpart_office=None,
                occurred_at=rounded(procedure.event_class, occurred_at),
                purpose=row.purpose,
                legal_basis=row.legal_bases[0],
                data_class=procedure.data_class,
                body=body,
                sealed=(),
                correlation_id=None,
                causation_id=None if draft.causation_id is None else EventId(draft.causation_id),
                sandbox=self.rules.is_sandbox,
            )
        )

    def _fresh_id(self) -> bytes:
        return uuid7(unix_ms=self.now_ms, entropy=self.entropy.draw(10))
