"""What may be wrong with a recorded batch, as claims to be tried: which other entry each of them needs.

Nothing is judged here: `ledger.claim` does that with the entries and their proofs. Whoever meets a batch that does not
hold tries all of these and keeps what convinces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from contracts.event import decode_event
from contracts.ids import LeafIndex
from contracts.schema import SchemaRegistry
from ledger.entry import BatchEntry

_CLAIMS_OF: Final = {
    "KeyRevoked": (("KEY_REVOKED", "key_id"),),
    "KeyRegistered": (("BATCH_FORGED", "key_id"),),
    "HubKeyReplaced": (("KEY_REVOKED", "replaced"), ("BATCH_FORGED", "key_id")),
}
"""Which claim an event may show of a batch, and its field that names the batch's key."""


class Suspicion(NamedTuple):
    """A claim that may hold of a batch.

    Attributes:
        claim: Its name.
        other: Ledger index of the entry that it takes besides the batch.
    """

    claim: str
    other: LeafIndex


def suspicions(
    entry: BatchEntry, directory: Iterable[tuple[LeafIndex, bytes]], registry: SchemaRegistry
) -> Iterator[Suspicion]:
    """List what may be wrong with a batch: its key, its signature, its time.

    Args:
        entry: The batch entry.
        directory: Ledger index and bytes of the directory's events.
        registry: Schemas of bodies.
    """
    yield Suspicion("RECORDED_EARLY", LeafIndex(0))
    yield Suspicion("BATCH_FORGED", LeafIndex(0))
    for index, event in directory:
        header = decode_event(event)
        for claim, field in _CLAIMS_OF.get(header.event_type, ()):
            if registry.decode_body(header.body)[1][field] == entry.key_id:
                yield Suspicion(claim, index)
