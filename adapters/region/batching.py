"""From events to signed batches in one producer's chain. Values in, values out; what is on disk is `outbox_store`'s."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.region.keyring import SigningIdentity
from adapters.region.outbox_store import Waiting
from contracts.event import leaf_hash
from contracts.ids import PointId, uuid7
from hub.ports import Clock, ProducerState
from hub.submission import SubmittedBatch, SubmittedPayload
from ledger.batch import Batch, batch_hash, decode_tbs, encode_tbs
from ledger.tree import root_of


@dataclass(frozen=True, slots=True)
class BatchMaker:
    """Signs batches for one producer.

    Attributes:
        producer: Name of the gateway, for example `44-node`.
        signer: Its batch key.
        clock: The gateway's time.
    """

    producer: PointId
    signer: SigningIdentity
    clock: Clock

    def make(
        self, state: ProducerState, events: Sequence[bytes], payloads: Sequence[SubmittedPayload]
    ) -> tuple[SubmittedBatch, ProducerState]:
        """Sign a batch over events, next in the chain.

        Args:
            state: Where the chain stands before it.
            events: Event bytes, 1 to 1,024.
            payloads: The sealed payloads that they name.

        Returns:
            The batch, and where the chain stands with it.
        """
        now = self.clock.now_ms()
        tbs = encode_tbs(
            Batch(
                producer=self.producer,
                batch_id=uuid7(unix_ms=now, entropy=secrets.token_bytes(10)),
                batch_seq=state.next_seq,
                n=len(events),
                created_ms=now,
                prev_batch=state.last_hash,
                root=root_of([leaf_hash(event) for event in events]),
            )
        )
        batch = SubmittedBatch(tbs, self.signer.sign(tbs), self.signer.key_id, tuple(events), tuple(payloads))
        return batch, ProducerState(state.next_seq + 1, batch_hash(tbs))

    def again(
        self, state: ProducerState, waiting: Sequence[Waiting]
    ) -> tuple[list[tuple[int, Waiting]], ProducerState]:
        """Put the events of waiting batches under new headers that go on from another place.

        Returns:
            Old number and new batch of each, and where the chain stands with the last one.
        """
        moved = []
        for old in waiting:
            batch, after = self.make(state, old.batch.events, old.batch.payloads)
            moved.append((old.batch_seq, Waiting(state.next_seq, batch, old.headers)))
            state = after
        return moved, state


def place_before(waiting: Waiting) -> ProducerState:
    """Where the chain stands just before a batch."""
    return ProducerState(waiting.batch_seq, decode_tbs(waiting.batch.tbs).prev_batch)
