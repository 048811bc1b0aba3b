"""The audit: read a ledger from its first entry and derive everything again, believing nothing that it says of itself.

Entry after entry: the tree, the producer's signature under a key that the ledger's own events make valid there, the
chain of batches, the refusals, every event decoded and admitted anew, every state, every delivery with its running
hash, every published head, every missed duty and every opening. The first entry that does not follow ends the audit
with its index and the reason.

Memory does not grow with the ledger: matters and event ids lie on a `Shelf`, which may spill to disk.
Not here: where entries come from and what a data folder holds beside them (adapters).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from contracts import signing
from contracts.errors import EvidenceError, ExchangeError
from contracts.event import Header, decode_event, leaf_hash
from contracts.ids import HUB_REGION, Hash, LeafIndex, PointId
from hub.admission import Admitted, Rules, admit
from hub.audit_errors import KeptError, UnexplainedError
from hub.directory import Directory, SigningKey
from hub.hub_events import check_due, check_heads, check_opening
from hub.intake import check_header
from hub.matter import Matter
from hub.ports import ProducerState
from ledger.batch import Batch, batch_hash, decode_tbs
from ledger.compact import CompactRange, hash_leaf, root_of
from ledger.entry import BatchEntry, EventEntry, GenesisEntry, decode_entry
from ledger.heads import head_next

_ZERO = Hash(bytes(32))
_HUB_CLASSES = frozenset({"dir", "acc", "stt"})
"""Classes of what the hub says of itself; in all others only time makes an event that the hub signs."""


class Shelf(Protocol):
    """Where an audit keeps what grows with the ledger; it may spill to disk."""

    def matter(self, stream_id: bytes) -> Matter | None:
        """The matter of a stream as derived so far."""

    def put(self, stream_id: bytes, matter: Matter) -> None:
        """Keep a matter."""

    def add_event(self, event_id: bytes, stream_id: bytes, index: int) -> None:
        """Keep an event id with its stream.

        Raises:
            UnexplainedError: EVENT_ID_REUSED, now or at a later call: an id came twice; names both entries.
            KeptError: An id is kept with another entry.
        """

    def stream_of(self, event_id: bytes) -> bytes | None:
        """The stream of a recorded event id."""


class Delivery(NamedTuple):
    """One derived notification: who gets which entry under which number.

    Attributes:
        point: Whose it is.
        n: Its counter, from 1.
        entry: The entry.
        head: Running hash after it.
        is_case: Whether it is of class `cas` and so travels sealed.
    """

    point: PointId
    n: int
    entry: LeafIndex
    head: Hash
    is_case: bool


class Observer(Protocol):
    """Told of what a replay derives, in ledger order; it compares that with what somebody keeps."""

    def delivered(self, delivery: Delivery) -> None:
        """A notification that follows from an entry."""

    def sealed(self, index: LeafIndex, header: Header) -> None:
        """An event that names sealed payloads."""


class Tree(Protocol):
    """Takes leaves in order and knows the root over them: `CompactRange`, or what also cuts tiles."""

    def append(self, leaf_hash: Hash) -> None:
        """Append one leaf."""

    def root(self) -> Hash:
        """Root of the tree so far."""


@dataclass(slots=True)
class Tally:
    """What an audit has counted.

    Attributes:
        entries: All entries.
        batches: Batch entries.
        events: Accepted events, by event type.
        refusals: Events refused inside batches, by code.
        deliveries: Notifications, by delivery point.
        openings: Recorded openings, by region of the office.
        payloads: Sealed payloads that events name.
        missed: Missed duties, by rule.
        heads: Published heads that were compared.
    """

    entries: int = 0
    batches: int = 0
    events: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    deliveries: Counter[str] = field(default_factory=Counter)
    openings: Counter[str] = field(default_factory=Counter)
    payloads: int = 0
    missed: Counter[str] = field(default_factory=Counter)
    heads: int = 0


@dataclass(slots=True)
class _OpenBatch:
    """The batch whose accepted events are being read."""

    index: LeafIndex
    header: Batch
    key: SigningKey
    recorded_at: int
    leaves: list[Hash | None]
    waiting: list[int]


class Replay:
    """Derives a ledger again, one entry a call.

    Args:
        rules: The contracts in force; `is_sandbox` and the clock limit are taken from the genesis record.
        shelf: Empty.
        observer: Told of every notification and payload, in ledger order.
        tree: Takes the leaves; empty.

    Attributes:
        rules: As given, with the settings of the genesis record.
        tree: As given.
        tally: What was counted so far.
        heads: Counter and running hash of each delivery point.
        producers: Where the chain of each producer stands.
        directory: As of the last entry.
        directory_log: Indexes of the directory's events.
        genesis: Entry 0.
    """

    def __init__(
        self, *, rules: Rules, shelf: Shelf, observer: Observer | None = None, tree: Tree | None = None
    ) -> None:
        self.rules = rules
        self.tree: Tree = CompactRange() if tree is None else tree
        self.tally = Tally()
        self.heads: dict[PointId, tuple[int, Hash]] = {}
        self.producers: dict[str, ProducerState] = {}
        self.directory = Directory(rules.divisions)
        self.directory_log: list[LeafIndex] = []
        self.genesis: GenesisEntry | None = None
        self._shelf = shelf
        self._observer = observer
        self._hub: SigningKey | None = None
        self._batch: _OpenBatch | None = None
        self._recorded_at = 0

    @property
    def is_between_batches(self) -> bool:
        """Whether every event that the last batch promised has come: where a checkpoint may stand."""
        return self._batch is None

    def feed(self, data: bytes, leaf: Hash | None = None) -> Hash:
        """Take the next entry.

        Args:
            data: Its bytes.
            leaf: Their leaf hash, where it is known.

        Returns:
            Its leaf hash.

        Raises:
            UnexplainedError: It does not follow from those before it.
        """
        index = LeafIndex(self.tally.entries)
        try:
            match decode_entry(data):
                case EventEntry() as entry:
                    self._event(index, entry.event)
                case BatchEntry() as entry:
                    self._open(index, entry)
                case GenesisEntry() as entry:
                    self._start(index, entry)
        except (UnexplainedError, KeptError):
            raise
        except ExchangeError as error:
            raise UnexplainedError(index, error) from error
        if leaf is None:
            leaf = hash_leaf(data)
        self.tree.append(leaf)
        self.tally.entries += 1
        return leaf

    def feed_all(self, entries: Iterable[bytes]) -> None:
        """Take entries until there are no more.

        Raises:
            UnexplainedError: The first one that does not follow.
        """
        for data in entries:
            self.feed(data)

    # -- the three kinds of entry

    def _start(self, index: LeafIndex, entry: GenesisEntry) -> None:
        if index != 0:
            raise _wrong("a genesis record stands at entry 0 only")
        if entry.divisions_hash != self.rules.divisions.divisions_hash:
            raise _wrong("the ledger was made with another edition of the division codes")
        self.genesis = entry
        self.rules = self.rules.of_ledger(is_sandbox=entry.sandbox, clock_skew_ms=entry.clock_skew_ms)
        key_id = signing.key_id("hub-events", entry.hub_key)
        self._hub = SigningKey.of_hub(key_id=key_id, public_key=entry.hub_key)
        self._recorded_at = entry.created_at

    def _open(self, index: LeafIndex, entry: BatchEntry) -> None:
        if self._hub is None:
            raise _wrong("the first entry is no genesis record")
        if self._batch is not None:
            raise _wrong(f"batch {self._batch.index} is not complete: {len(self._batch.waiting)} events are missing")
        if entry.recorded_at < self._recorded_at:
            raise _wrong(f"recorded {self._recorded_at - entry.recorded_at} ms before the batch in front of it")
        header = decode_tbs(entry.tbs)
        key = self._hub if entry.key_id == self._hub.key_id else self.directory.batch_key(entry.key_id, index)
        state = self.producers.get(header.producer) or ProducerState(0, _ZERO)
        check_header(
            header, entry.tbs, entry.signature, key=key, state=state, now_ms=entry.recorded_at, rules=self.rules
        )
        leaves: list[Hash | None] = [None] * header.n
        for refused in entry.refused:
            if refused.position >= header.n:
                raise _wrong(f"a refusal at position {refused.position} of a batch of {header.n}")
            leaves[refused.position] = refused.leaf_hash
        waiting = [position for position in range(header.n - 1, -1, -1) if leaves[position] is None]
        self._batch = _OpenBatch(index, header, key, entry.recorded_at, leaves, waiting)
        self._recorded_at = entry.recorded_at
        self.producers[header.producer] = ProducerState(header.batch_seq + 1, batch_hash(entry.tbs))
        self.tally.batches += 1
        self.tally.refusals.update(refused.code for refused in entry.refused)
        self._close_if_complete()

    def _event(self, index: LeafIndex, data: bytes) -> None:
        batch = self._batch
        if batch is None:
            raise _wrong("an event stands where no batch promised one")
        leaf = leaf_hash(data)
        header = decode_event(data)
        matter = self._shelf.matter(header.stream_id)
        admitted = admit(
            header=header,
            leaf=leaf,
            matter=matter,
            key=batch.key,
            payloads=None,
            rules=self.rules,
            directory=self.directory,
            now_ms=batch.recorded_at,
        )
        if header.producer_region == HUB_REGION and header.event_class not in _HUB_CLASSES:
            check_due(header, admitted.body, matter, self.rules.procedures, batch.recorded_at)
        self._shelf.add_event(header.event_id, header.stream_id, index)
        self._shelf.put(header.stream_id, admitted.matter)
        self._follow(index, leaf, header, admitted)
        batch.leaves[batch.waiting.pop()] = leaf
        self._close_if_complete()

    def _close_if_complete(self) -> None:
        batch = self._batch
        if batch is None or batch.waiting:
            return
        leaves = [leaf for leaf in batch.leaves if leaf is not None]
        if root_of(leaves) != batch.header.root:
            raise _wrong(f"the signed root of batch {batch.index} is not that of its events and refusals")
        self._batch = None

    # -- what follows from an event

    def _follow(self, index: LeafIndex, leaf: Hash, header: Header, admitted: Admitted) -> None:
        tally = self.tally
        tally.events[header.event_type] += 1
        if header.sealed:
            tally.payloads += len(header.sealed)
            if self._observer is not None:
                self._observer.sealed(index, header)
        if admitted.recipients:
            self._deliver(index, leaf, admitted, header.event_class == "cas")
        match header.event_class:
            case "dir":
                self.directory.apply(index, header, admitted.body)
                self.directory_log.append(index)
            case "acc":
                self._account(header, admitted)

    def _deliver(self, index: LeafIndex, leaf: Hash, admitted: Admitted, is_case: bool) -> None:
        for point in dict.fromkeys(r.point for r in admitted.recipients):
            n, head = self.heads.get(point) or (0, _ZERO)
            after = head_next(head, n + 1, leaf)
            self.heads[point] = (n + 1, after)
            self.tally.deliveries[point] += 1
            if self._observer is not None:
                self._observer.delivered(Delivery(point, n + 1, index, after, is_case))

    def _account(self, header: Header, admitted: Admitted) -> None:
        body, batch = admitted.body, self._batch
        at, recorded_at = (LeafIndex(0), 0) if batch is None else (batch.index, batch.recorded_at)
        match header.event_type:
            case "HeadsPublished":
                self.tally.heads += check_heads(body, self.heads)
            case "DeadlineMissed":
                matter = self._matter_of(header.causation_id)
                check_due(header, body, matter, self.rules.procedures, recorded_at)
                self.tally.missed[body["rule"]] += 1
            case "AccessRecorded":
                matter = self._matter_of(body["opened_event"])
                self.tally.openings[check_opening(header, body, matter, self.directory, at)] += 1

    def _matter_of(self, event_id: bytes | None) -> Matter | None:
        stream_id = None if event_id is None else self._shelf.stream_of(event_id)
        return None if stream_id is None else self._shelf.matter(stream_id)


def _wrong(message: str) -> EvidenceError:
    return EvidenceError("ENTRY_UNEXPLAINED", message)
