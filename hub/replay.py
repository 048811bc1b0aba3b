"""The audit: read a ledger from its first entry and derive everything again, believing nothing that it says of itself.

Entry after entry: the tree, the producer's signature under a key that the ledger's own events make valid there, the
chain of batches, the refusals, every event decoded and admitted anew, every state, every delivery with its running
hash, every published head, every missed duty and every opening. The first entry that does not follow ends the audit
with its index and the reason.

Memory does not grow with the ledger: matters and event ids lie on a `Shelf`, which may spill to disk.
Not here: where entries come from and what a data folder holds beside them (adapters).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from contracts.errors import ExchangeError
from contracts.event import Header, decode_event, leaf_hash
from contracts.ids import HUB_REGION, Hash, LeafIndex, PointId
from hub.admission import Admitted, Rules, admit
from hub.audit_batches import BatchChain, OpenBatch, wrong
from hub.audit_errors import KeptError, UnexplainedError
from hub.clearance import ACCESS_RECORDED
from hub.closing import CLOSED, check_closing, open_matters
from hub.directory import Directory
from hub.hub_events import check_due, check_heads, check_opening
from hub.matter import Matter
from hub.ports import ProducerState
from hub.precedent import Precedents
from hub.replay_ports import Delivery, Observer, Shelf
from hub.retention import CONFIRMED, holding_regions
from hub.routing import is_sealed_whole
from hub.sealed import SealedStreams
from hub.sealed_event import SealedEvent
from hub.tally import Tally
from ledger.compact import CompactRange, hash_leaf, sha256
from ledger.entry import BatchEntry, EventEntry, GenesisEntry, decode_entry, event_of
from ledger.heads import head_next

_ZERO = Hash(bytes(32))
_HUB_CLASSES = frozenset({"dir", "acc", "stt"})
"""Classes of what the hub says of itself; in all others only time makes an event that the hub signs, or an opening that
was cleared."""
ReadEvent: TypeAlias = tuple[Hash, Header]
"""An event that was read: its leaf hash and its header."""


class Replay:
    """Derives a ledger again, one entry a call.

    Args:
        rules: The contracts in force; `is_sandbox` and the clock limit are taken from the genesis record.
        shelf: Empty.
        observer: Told of every notification and payload, in ledger order.
        is_evidence_checked: False where another reader of the same ledger checks signatures and signed roots.

    Attributes:
        tree: Of the entries that were fed; empty where somebody else keeps it.
        tally: What was counted so far.
        heads: Counter and running hash of each delivery point.
        batches: Genesis record and chains of batches.
        directory: As of the last entry.
        directory_log: Indexes of the directory's events.
        directory_digest: Running hash over their leaf hashes.
        sealed: Streams that are sealed.
    """

    def __init__(
        self,
        *,
        rules: Rules,
        shelf: Shelf,
        observer: Observer | None = None,
        is_evidence_checked: bool = True,
    ) -> None:
        self.tree = CompactRange()
        self.tally = Tally()
        self.heads: dict[PointId, tuple[int, Hash]] = {}
        self.batches = BatchChain(rules, is_evidence_checked=is_evidence_checked)
        self.directory = Directory(rules.divisions)
        self.directory_log: list[LeafIndex] = []
        self.directory_digest = _ZERO
        self.sealed = SealedStreams()
        self._shelf = shelf
        self._observer = observer
        self._precedents = Precedents()

    @property
    def producers(self) -> dict[str, ProducerState]:
        """Where the chain of each producer stands."""
        return self.batches.producers

    @property
    def genesis(self) -> GenesisEntry | None:
        """Entry 0."""
        return self.batches.genesis

    @property
    def is_between_batches(self) -> bool:
        """Whether every event that the last batch promised has come: where a checkpoint may stand."""
        return self.batches.open is None

    def feed(self, data: bytes) -> Hash:
        """Take the next entry, into the tree too.

        Returns:
            Its leaf hash.

        Raises:
            UnexplainedError: It does not follow from those before it.
        """
        self.take((data,))
        leaf = hash_leaf(data)
        self.tree.append(leaf)
        return leaf

    def take(self, entries: Iterable[bytes | ReadEvent]) -> None:
        """Take the next entries; somebody else keeps the tree.

        Args:
            entries: Bytes of entries, and events that somebody else has read.

        Raises:
            UnexplainedError: The first one that does not follow from those before it.
        """
        tally, batches = self.tally, self.batches
        try:
            for entry in entries:
                index = LeafIndex(tally.entries)
                if isinstance(entry, tuple):
                    self._event(index, batches.open or batches.expected(), *entry)
                elif (event := event_of(entry)) is not None:
                    self._event(index, batches.open or batches.expected(), leaf_hash(event), decode_event(event))
                else:
                    self._other(index, entry)
                tally.entries += 1
        except (UnexplainedError, KeptError):
            raise
        except ExchangeError as error:
            raise UnexplainedError(LeafIndex(tally.entries), error) from error

    def feed_all(self, entries: Iterable[bytes]) -> None:
        """Take entries until there are no more.

        Raises:
            UnexplainedError: The first one that does not follow.
        """
        for data in entries:
            self.feed(data)

    def take_up(self, genesis: bytes, directory: Iterable[tuple[LeafIndex, bytes]]) -> None:
        """Go on from what an earlier replay of the same ledger derived; this one has taken no entry.

        Args:
            genesis: Entry 0.
            directory: Index and entry of every event of the directory so far.

        Raises:
            ExchangeError: These are not the entries of a ledger that was replayed.
        """
        self._other(LeafIndex(0), genesis)
        for index, entry in directory:
            self.directory.apply_event(index, entry, self.batches.rules.registry)
            self._note_directory(index, leaf_hash(event_of(entry) or b""))

    def _note_directory(self, index: LeafIndex, leaf: Hash) -> None:
        self.directory_log.append(index)
        self.directory_digest = sha256(self.directory_digest + leaf).digest()

    # -- the three kinds of entry

    def _other(self, index: LeafIndex, data: bytes) -> None:
        entry = decode_entry(data)
        match entry:
            case BatchEntry():
                self.batches.take(index, entry, self.directory)
                self.tally.batches += 1
                self.tally.retention.now_ms = entry.recorded_at
                self.tally.refusals.update(refused.code for refused in entry.refused)
            case GenesisEntry():
                self.batches.start(index, entry, self.directory)
            case EventEntry():
                raise wrong("an event stands where none was read")

    def _event(self, index: LeafIndex, batch: OpenBatch, leaf: Hash, header: Header) -> None:
        rules, shelf, sealed = self.batches.rules, self._shelf, self.sealed
        stream_id = header.stream_id
        matter = shelf.matter(stream_id)
        admitted = admit(
            header=header,
            leaf=leaf,
            matter=matter,
            key=batch.key,
            payloads=None,
            rules=rules,
            directory=self.directory,
            now_ms=batch.recorded_at,
            matters=sealed.lookup(shelf.matter, header, rules.procedures) if sealed.streams else shelf.matter,
            is_hidden=stream_id in sealed.streams,
            takes_content=stream_id not in sealed.closed,
            precedents=self._precedents,
        )
        is_opening = header.event_type == ACCESS_RECORDED
        if header.producer_region == HUB_REGION and header.event_class not in _HUB_CLASSES and not is_opening:
            check_due(header, admitted.body, matter, rules.procedures, batch.recorded_at)
        shelf.add_event(header.event_id, stream_id, index)
        shelf.put(stream_id, admitted.matter)
        if is_opening:
            self._opened(header, admitted, matter)
        self._follow(index, leaf, header, admitted)
        self.batches.add(batch, leaf)

    # -- what follows from an event

    def _follow(self, index: LeafIndex, leaf: Hash, header: Header, admitted: Admitted) -> None:
        tally = self.tally
        tally.events[header.event_type] += 1
        if header.sealed:
            tally.payloads += len(header.sealed)
            self._shelf.add_sealed(header.event_id, SealedEvent.of(header).pack())
        if self._observer is not None:
            self._observer.content(index, header)
        if admitted.effect is not None:
            self.sealed = self.sealed.after(admitted.effect)
        if admitted.points:
            self._deliver(index, leaf, admitted.points, is_sealed_whole(header.event_class))
        match header.event_class:
            case "dir":
                self.directory.apply(index, header, admitted.body)
                self._note_directory(index, leaf)
                if header.event_type == CLOSED:
                    packed = (one for _, one in self._shelf.all_matters())
                    check_closing(admitted.body, open_matters(packed, self.batches.rules.procedures))
            case "acc":
                self._account(index, header, admitted)
            case "rgt" if header.event_type == CONFIRMED:
                tally.retention.confirmed(header.producer_region, admitted.body["until"], header.occurred_at)

    def _deliver(self, index: LeafIndex, leaf: Hash, points: Sequence[PointId], is_case: bool) -> None:
        heads, observer = self.heads, self._observer
        for point in points:
            n, head = heads.get(point) or (0, _ZERO)
            n, head = heads[point] = n + 1, head_next(head, n + 1, leaf)
            self.tally.deliveries[point] += 1
            if observer is not None:
                observer.delivered(Delivery(point, n, index, head, is_case))

    def _account(self, index: LeafIndex, header: Header, admitted: Admitted) -> None:
        body, recorded_at = admitted.body, self.batches.expected().recorded_at
        procedures = self.batches.rules.procedures
        match header.event_type:
            case "HeadsPublished":
                self.tally.heads += check_heads(body, self.heads)
            case "DeadlineMissed" | "ContentEnded" | "CopiesEnded":
                matter = self._matter_of(header.causation_id)
                check_due(header, body, matter, procedures, recorded_at)
                if header.event_type == "DeadlineMissed":
                    self.tally.missed[body["rule"]] += 1
                elif matter is not None:
                    limits = procedures[header.procedure, header.edition].limits
                    regions = holding_regions(matter, self.directory)
                    self.tally.retention.ended(regions, index, header.occurred_at, limits)

    def _opened(self, header: Header, admitted: Admitted, before: Matter | None) -> None:
        """An opening, in a stream of its own or as the one reading of the matter that cleared it."""
        body = admitted.body
        opened = body["opened_event"]
        packed, stream_id = self._shelf.sealed_of(opened), self._shelf.stream_of(opened)
        region = check_opening(
            header,
            body,
            None if packed is None else SealedEvent.unpack(packed),
            None if stream_id is None else self._shelf.matter(stream_id),
            self.batches.rules.procedures,
            self.directory,
            self.batches.expected().index,
            clearance=before,
            is_sealed=stream_id is not None and self.sealed.hides(stream_id),
        )
        self.tally.openings[region] += 1
        if before is not None:
            self.tally.cleared[body["reason"]] += 1

    def _matter_of(self, event_id: bytes | None) -> Matter | None:
        stream_id = None if event_id is None else self._shelf.stream_of(event_id)
        return None if stream_id is None else self._shelf.matter(stream_id)
