"""Keys that are the test's own, and one recorded batch with its receipt."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.ids import Hash, KeyId, LeafIndex, TreeSize
from ledger.batch import NO_BATCH, Batch, encode_tbs
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.entry import BatchEntry, Refused, encode_batch_entry, encode_event_entry
from ledger.note import Cosigner, NoteSigner
from ledger.receipt import Receipt
from ledger.tree import CompactRange, appended_node_reader, hash_leaf, prove_range, root_of


def private_key(number: int) -> Ed25519PrivateKey:
    """A key made of a number: nobody else's, and the same in every run."""
    return Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))


@pytest.fixture(scope="session")
def log() -> NoteSigner:
    """The log of these tests."""
    return NoteSigner("pprd.example/test", private_key(1))


@pytest.fixture(scope="session")
def witnesses() -> list[Cosigner]:
    """Five witnesses, each with a key of its own."""
    return [Cosigner(f"witness{number}.example", private_key(100 + number)) for number in range(5)]


@dataclass(frozen=True)
class Recorded:
    """A batch of which some events were accepted, and the ledger's answer.

    Attributes:
        tbs: The signed bytes of the batch.
        entry: The batch entry.
        accepted: Bytes of the accepted events.
        positions: Their places in the batch.
        receipt: The answer.
    """

    tbs: bytes
    entry: BatchEntry
    accepted: list[bytes]
    positions: list[int]
    receipt: Receipt


Record = Callable[..., Recorded]


@pytest.fixture(scope="session")
def record(log: NoteSigner) -> Record:
    """Record a batch of `n` events with the `refused` positions after `before` and before `after` other entries."""

    def make(*, n: int = 5, refused: tuple[int, ...] = (), before: int = 10, after: int = 3) -> Recorded:
        events = [b"event %d" % number for number in range(n)]
        leaves = [hash_leaf(event) for event in events]
        tbs = encode_tbs(Batch("44-node", bytes(16), 7, n, 1_700_000_000_000, NO_BATCH, root_of(leaves)))
        entry = BatchEntry(
            tbs=tbs,
            signature=bytes(64),
            key_id=KeyId(bytes(8)),
            recorded_at=1_700_000_000_500,
            refused=tuple(Refused(position, leaves[position], "GUARD_FAILED") for position in refused),
        )
        positions = [position for position in range(n) if position not in refused]
        accepted = [events[position] for position in positions]
        return Recorded(tbs, entry, accepted, positions, _receipt(log, entry, accepted, before, after))

    return make


def _receipt(log: NoteSigner, entry: BatchEntry, accepted: list[bytes], before: int, after: int) -> Receipt:
    batch_entry = encode_batch_entry(entry)
    run = [hash_leaf(batch_entry), *(hash_leaf(encode_event_entry(event)) for event in accepted)]
    state = CompactRange()
    state.extend(_others(before))
    node = appended_node_reader(state, [*run, *_others(after)])
    start, end, size = before, before + len(run), before + len(run) + after
    state.extend([*run, *_others(after)])
    left, right = prove_range(node, start, end, size)
    checkpoint = sign_checkpoint(Checkpoint(log.name, TreeSize(size), state.root()), log)
    return Receipt(batch_entry, LeafIndex(start), LeafIndex(end), tuple(left), tuple(right), checkpoint)


def _others(count: int) -> list[Hash]:
    return [hash_leaf(b"other %d" % number) for number in range(count)]
