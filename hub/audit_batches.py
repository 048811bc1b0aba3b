"""Batches as an audit reads them: genesis record, chains, signatures, refusals and signed roots.

It needs no event decoded: the directory that says which keys are valid is its caller's, and events come as leaf hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.errors import EvidenceError
from contracts.ids import Hash, LeafIndex
from hub.admission import Rules
from hub.directory import Directory, SigningKey
from hub.intake import check_chain, check_header
from hub.ports import ProducerState
from ledger.batch import Batch, batch_hash, decode_tbs
from ledger.compact import root_of
from ledger.entry import BatchEntry, GenesisEntry

_ZERO = Hash(bytes(32))


@dataclass(slots=True)
class OpenBatch:
    """The batch whose accepted events are being read.

    Attributes:
        index: Its entry.
        header: Its signed header.
        key: Who signed it.
        recorded_at: Hub time, milliseconds.
        leaves: Leaf hash by position; None for accepted events that have not come yet.
        waiting: Their positions, the next one last.
    """

    index: LeafIndex
    header: Batch
    key: SigningKey
    recorded_at: int
    leaves: list[Hash | None]
    waiting: list[int]


class BatchChain:
    """Takes genesis record, batch entries and the leaf hashes of events, in ledger order.

    Args:
        rules: The contracts in force; `is_sandbox` and the clock limit are taken from the genesis record.
        is_evidence_checked: False where another reader of the same ledger checks signatures and roots.

    Attributes:
        rules: As given, with the settings of the genesis record.
        genesis: Entry 0.
        open: The batch that waits for events; None between batches.
        producers: Where the chain of each producer stands.
        recorded_at: When the last batch was recorded.
    """

    def __init__(self, rules: Rules, *, is_evidence_checked: bool = True) -> None:
        self.rules = rules
        self.genesis: GenesisEntry | None = None
        self.open: OpenBatch | None = None
        self.producers: dict[str, ProducerState] = {}
        self.recorded_at = 0
        self._is_evidence_checked = is_evidence_checked

    def start(self, index: LeafIndex, entry: GenesisEntry, directory: Directory) -> None:
        """Take the genesis record, and tell the directory the hub's first key.

        Raises:
            EvidenceError: It stands elsewhere, or the ledger was made with other division codes.
        """
        if index != 0:
            raise wrong("a genesis record stands at entry 0 only")
        if entry.divisions_hash != self.rules.divisions.divisions_hash:
            raise wrong("the ledger was made with another edition of the division codes")
        self.genesis = entry
        self.rules = self.rules.of_ledger(is_sandbox=entry.sandbox, clock_skew_ms=entry.clock_skew_ms)
        directory.hub_keys.begin(entry.hub_key)
        self.recorded_at = entry.created_at

    def take(self, index: LeafIndex, entry: BatchEntry, directory: Directory) -> None:
        """Take a batch entry: who signed it, where it stands in its chain, which events it promises.

        Raises:
            ExchangeError: It does not follow, or its key, signature, chain or clock is wrong.
        """
        if self.genesis is None:
            raise wrong("the first entry is no genesis record")
        directory.check_open()
        if self.open is not None:
            raise wrong(f"batch {self.open.index} is not complete: {len(self.open.waiting)} events are missing")
        if entry.recorded_at < self.recorded_at:
            raise wrong(f"recorded {self.recorded_at - entry.recorded_at} ms before the batch in front of it")
        header = decode_tbs(entry.tbs)
        key = directory.signer_of_batch(entry.key_id, index)
        state = self.producers.get(header.producer) or ProducerState(0, _ZERO)
        if self._is_evidence_checked:
            check_header(
                header, entry.tbs, entry.signature, key=key, state=state, now_ms=entry.recorded_at, rules=self.rules
            )
        else:
            check_chain(header, key=key, state=state, now_ms=entry.recorded_at, rules=self.rules)
        leaves: list[Hash | None] = [None] * header.n
        for refused in entry.refused:
            if refused.position >= header.n:
                raise wrong(f"a refusal at position {refused.position} of a batch of {header.n}")
            leaves[refused.position] = refused.leaf_hash
        waiting = [position for position in range(header.n - 1, -1, -1) if leaves[position] is None]
        self.open = OpenBatch(index, header, key, entry.recorded_at, leaves, waiting)
        self.recorded_at = entry.recorded_at
        self.producers[header.producer] = ProducerState(header.batch_seq + 1, batch_hash(entry.tbs))
        self.close_if_complete()

    def expected(self) -> OpenBatch:
        """The batch to which the next event belongs.

        Raises:
            EvidenceError: None promised one.
        """
        if self.open is None:
            raise wrong("an event stands where no batch promised one")
        return self.open

    def add(self, batch: OpenBatch, leaf: Hash) -> None:
        """Take the leaf hash of the next event.

        Raises:
            EvidenceError: It was the last one, and the signed root is not theirs.
        """
        batch.leaves[batch.waiting.pop()] = leaf
        if not batch.waiting:
            self.close_if_complete()

    def add_all(self, batch: OpenBatch, leaves: Sequence[Hash]) -> None:
        """Take the leaf hashes of several next events, no more than wait; as `add` of each."""
        for leaf in leaves:
            batch.leaves[batch.waiting.pop()] = leaf
        self.close_if_complete()

    def close_if_complete(self) -> None:
        """End the batch if all its events have come."""
        batch = self.open
        if batch is None or batch.waiting:
            return
        if self._is_evidence_checked:
            leaves = [leaf for leaf in batch.leaves if leaf is not None]
            if root_of(leaves) != batch.header.root:
                raise wrong(f"the signed root of batch {batch.index} is not that of its events and refusals")
        self.open = None


def wrong(message: str) -> EvidenceError:
    """The finding that an entry does not follow."""
    return EvidenceError("ENTRY_UNEXPLAINED", message)
