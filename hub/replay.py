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
from typing import Protocol

from contracts import signing
from contracts.deadline import due_at
from contracts.errors import EvidenceError, ExchangeError
from contracts.event import Header, SealedRef, decode_event, leaf_hash
from contracts.ids import Hash, LeafIndex, PointId, RegionCode
from hub.admission import Admitted, Rules, admit
from hub.directory import Directory, SigningKey
from hub.intake import check_header
from hub.matter import Matter
from hub.ports import ProducerState
from ledger.batch import Batch, batch_hash, decode_tbs
from ledger.compact import CompactRange, hash_leaf, root_of
from ledger.entry import BatchEntry, EventEntry, GenesisEntry, decode_entry
from ledger.heads import head_next

_ZERO = Hash(bytes(32))


class Shelf(Protocol):
    """Where an audit keeps what grows with the ledger; it may spill to disk."""

    def matter(self, stream_id: bytes) -> Matter | None:
        """The matter of a stream as derived so far."""

    def put(self, stream_id: bytes, matter: Matter) -> None:
        """Keep a matter."""

    def add_event(self, event_id: bytes, stream_id: bytes, index: int) -> None:
        """Keep an event id with its stream.

        Raises:
            EvidenceError: EVENT_ID_REUSED, now or at a later call: an id came twice; names both entries.
        """

    def stream_of(self, event_id: bytes) -> bytes | None:
        """The stream of a recorded event id."""


class UnexplainedError(EvidenceError):
    """An entry that does not follow from those before it.

    Attributes:
        index: The entry.
    """

    def __init__(self, index: int, error: ExchangeError) -> None:
        super().__init__(error.code, f"entry {index}: {error.message}", field=error.field, rule=error.rule)
        self.index = index


@dataclass(frozen=True, slots=True)
class Delivery:
    """One derived notification: who gets which entry under which number."""

    point: PointId
    n: int
    index: LeafIndex
    head: Hash


class Observer(Protocol):
    """Told of what a replay derives, in ledger order; it compares that with what somebody keeps."""

    def delivered(self, delivery: Delivery) -> None:
        """A notification that follows from an entry."""

    def sealed(self, index: LeafIndex, ref: SealedRef, header: Header) -> None:
        """A sealed payload that an entry names."""


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
    """

    def __init__(self, *, rules: Rules, shelf: Shelf, observer: Observer | None = None) -> None:
        self.rules = rules
        self.tree = CompactRange()
        self.tally = Tally()
        self.heads: dict[PointId, tuple[int, Hash]] = {}
        self.producers: dict[str, ProducerState] = {}
        self.directory = Directory(rules.divisions)
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

    def feed(self, data: bytes) -> Hash:
        """Take the next entry.

        Returns:
            Its leaf hash.

        Raises:
            UnexplainedError: It does not follow from those before it.
        """
        index = LeafIndex(self.tally.entries)
        try:
            match decode_entry(data):
                case EventEntry(event):
                    self._event(index, event)
                case BatchEntry() as entry:
                    self._open(index, entry)
                case GenesisEntry() as entry:
                    self._start(index, entry)
        except UnexplainedError:
            raise
        except ExchangeError as error:
            raise UnexplainedError(index, error) from error
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
        admitted = admit(
            header=header,
            leaf=leaf,
            matter=self._shelf.matter(header.stream_id),
            key=batch.key,
            payloads=None,
            rules=self.rules,
            directory=self.directory,
            now_ms=batch.recorded_at,
        )
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
        for ref in header.sealed:
            tally.payloads += 1
            if self._observer is not None:
                self._observer.sealed(index, ref, header)
        if admitted.recipients:
            self._deliver(index, leaf, admitted)
        match header.event_class:
            case "dir":
                self.directory.apply(index, header, admitted.body)
            case "acc":
                self._account(header, admitted)

    def _deliver(self, index: LeafIndex, leaf: Hash, admitted: Admitted) -> None:
        for point in dict.fromkeys(r.point for r in admitted.recipients):
            n, head = self.heads.get(point) or (0, _ZERO)
            after = head_next(head, n + 1, leaf)
            self.heads[point] = (n + 1, after)
            self.tally.deliveries[point] += 1
            if self._observer is not None:
                self._observer.delivered(Delivery(point, n + 1, index, after))

    def _account(self, header: Header, admitted: Admitted) -> None:
        match header.event_type:
            case "HeadsPublished":
                self._check_heads(admitted)
            case "DeadlineMissed":
                self._check_missed(header, admitted)
            case "AccessRecorded":
                office = self.directory.office(admitted.body["office"])
                self.tally.openings[office.region if office else "?"] += 1

    def _check_heads(self, admitted: Admitted) -> None:
        for row in admitted.body["heads"]:
            derived = self.heads.get(row["point"])
            if derived != (row["n"], row["head"]):
                told = f"{row['n']} {row['head'].hex()}"
                mine = "nothing" if derived is None else f"{derived[0]} {derived[1].hex()}"
                raise EvidenceError("HEAD_MISMATCH", f"{row['point']}: published {told}, derived {mine}")
            self.tally.heads += 1

    def _check_missed(self, header: Header, admitted: Admitted) -> None:
        rule, due_ms = admitted.body["rule"], admitted.body["due_ms"]
        stream_id = self._shelf.stream_of(header.causation_id) if header.causation_id else None
        matter = self._shelf.matter(stream_id) if stream_id else None
        duties = () if matter is None else matter.duties
        duty = next((d for d in duties if d.rule == rule and d.started_by == header.causation_id), None)
        if matter is None or duty is None:
            raise _wrong(f"no duty under {rule} is open that this event started")
        region = RegionCode(admitted.body["region"])
        if due_at(rule, start_ms=duty.started_ms, region=region).due_ms != due_ms or due_ms > self._recorded_at:
            raise _wrong(f"the duty under {rule} was not overdue")
        self.tally.missed[rule] += 1


def _wrong(message: str) -> EvidenceError:
    return EvidenceError("ENTRY_UNEXPLAINED", message)
