"""Signed batches for tests: a producer's chain, and what a test wants to be wrong with one. Pure of pytest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.event import Header, leaf_hash
from contracts.ids import Hash, uuid7
from contracts.signing import key_id, sign
from hub.ports import Clock, Entropy
from hub.submission import SubmittedBatch, SubmittedPayload
from ledger.batch import NO_BATCH, Batch, batch_hash, encode_tbs
from ledger.tree import root_of


class Made(NamedTuple):
    """One event that a test made.

    Attributes:
        region: The region whose gateway submits it.
        header: What it says.
        event: Its bytes.
        payloads: The sealed payloads that it names.
    """

    region: str
    header: Header
    event: bytes
    payloads: tuple[SubmittedPayload, ...] = ()


@dataclass(slots=True)
class BatchMaker:
    """One producer's chain of batches. Every batch that it makes is taken as recorded, unless `step` is False.

    Args:
        producer: Name of the gateway.
        key: Its private key of purpose `batch`.
        clock: For `created_ms`.
        entropy: For batch ids.

    Attributes:
        next_seq: Number of the next batch.
        last_hash: Hash of the last one.
        is_shared: Whether several tests continue it from the same place, so that none may step it.
    """

    producer: str
    key: Ed25519PrivateKey
    clock: Clock
    entropy: Entropy
    next_seq: int = 0
    last_hash: Hash = NO_BATCH
    is_shared: bool = False

    def batch(
        self,
        made: Sequence[Made | bytes],
        *,
        key: Ed25519PrivateKey | None = None,
        step: bool = True,
        **changes: Any,
    ) -> SubmittedBatch:
        """Make the next batch.

        Args:
            made: Its events, or bytes that stand in the place of one.
            key: Signs in place of the producer's own key.
            step: Whether the chain goes on with this batch.
            changes: Fields of the signed header to be other than right.
        """
        if step and self.is_shared:
            raise AssertionError("other tests continue this chain too: make the batch with step=False")
        events = tuple(one if isinstance(one, bytes) else one.event for one in made)
        payloads = tuple(payload for one in made if isinstance(one, Made) for payload in one.payloads)
        header = Batch(
            producer=self.producer,
            batch_id=uuid7(unix_ms=self.clock.now_ms(), entropy=self.entropy.draw(10)),
            batch_seq=self.next_seq,
            n=len(events),
            created_ms=self.clock.now_ms(),
            prev_batch=self.last_hash,
            root=root_of([leaf_hash(event) for event in events]),
        )._replace(**changes)
        tbs = encode_tbs(header)
        signer = key or self.key
        if step:
            self.next_seq, self.last_hash = header.batch_seq + 1, batch_hash(tbs)
        return SubmittedBatch(
            tbs=tbs,
            signature=sign(signer, tbs),
            key_id=key_id("batch", signer.public_key().public_bytes_raw()),
            events=events,
            payloads=payloads,
        )
