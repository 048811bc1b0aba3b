"""The region's own copies of matters: what it recorded, what it was told, and what it fetched to fill the gaps.

A kept event is one whose place in the ledger was proved: by a receipt, by a notification's own evidence, or, for events
that were fetched, by the hash chain of the stream that ends in such an event. The state of a matter is the fold of
`hub.matter.advance` over its kept events, then over our own that wait for an answer, so that a system can send the next
step before the last one is answered.

Not here: what may be sent next (`composer`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from adapters.region.checkpoints import Checkpoints
from adapters.region.exchange import Exchange
from adapters.region.outbox_store import OutboxStore
from adapters.region.region_store import Kept, RegionStore
from contracts.errors import ConflictError, EvidenceError, RuleError
from contracts.event import Header, decode_event, leaf_hash
from contracts.ids import Hash, LeafIndex, OfficeId
from hub.admission import Rules
from hub.directory import Directory
from hub.matter import Matter, advance
from ledger.entry import encode_event_entry
from ledger.tree import hash_leaf, verify_inclusion

_IN_MEMORY: Final = 20_000
_NO_LEAF: Final = Hash(bytes(32))


class Streams:
    """Copies of matters.

    Args:
        store: Where kept events are.
        outbox: Where our own unanswered events are.
        exchange: Where missing events come from.
        checkpoints: Judges the heads that their proofs lead to.
        rules: The contracts in force.
        directory: The region's copy.
    """

    def __init__(
        self,
        *,
        store: RegionStore,
        outbox: OutboxStore,
        exchange: Exchange,
        checkpoints: Checkpoints,
        rules: Rules,
        directory: Directory,
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._exchange = exchange
        self._checkpoints = checkpoints
        self._rules = rules
        self._directory = directory
        self._matters: dict[bytes, Matter] = {}

    def matter(self, stream_id: bytes) -> Matter | None:
        """The matter as it stands here, our unanswered events included; None if nothing of it is known."""
        known = self._matters.get(stream_id)
        if known is None:
            known = self.recorded(stream_id)
            for event in self._outbox.unanswered(stream_id):
                try:
                    known = self._next(known, event)
                except (ConflictError, RuleError):
                    break  # it will be refused too: somebody else's event came first
            if known is not None:
                self.remember(known)
        return known

    def recorded(self, stream_id: bytes, *, before: int | None = None) -> Matter | None:
        """The matter as its kept events leave it, without anything that waits for an answer.

        Args:
            stream_id: The matter.
            before: Only the events below this `stream_seq`; None takes all.
        """
        return self._fold(None, self.events(stream_id)[:before])

    def event(self, event_id: bytes) -> bytes | None:
        """The bytes of a kept event of any matter."""
        kept = self._store.event(event_id)
        return None if kept is None else kept[1]

    def events(self, stream_id: bytes) -> list[bytes]:
        """The bytes of a matter's kept events, oldest first."""
        return [event for _, event in self._store.stream(stream_id)]

    def first(self, stream_id: bytes) -> bytes | None:
        """The bytes of a matter's first event; None if nothing of it is kept."""
        kept = self._store.stream(stream_id)
        return kept[0][1] if kept else None

    def offices_after(self, stream_id: bytes, seq: int) -> frozenset[OfficeId]:
        """Offices that made a kept event of the matter after this `stream_seq`."""
        return frozenset(decode_event(event).producer_office for _, event in self._store.stream(stream_id, seq + 1))

    def remember(self, matter: Matter) -> None:
        """Go on from a matter that our own next event has led to."""
        self._matters[matter.stream_id] = matter
        while len(self._matters) > _IN_MEMORY:
            del self._matters[next(iter(self._matters))]

    def forget(self, stream_id: bytes) -> None:
        """Go back to what is on disk: an event of ours was refused, or somebody else's came."""
        self._matters.pop(stream_id, None)

    def _fold(self, matter: Matter | None, events: Sequence[bytes]) -> Matter | None:
        for event in events:
            matter = self._next(matter, event)
        return matter

    def _next(self, matter: Matter | None, event: bytes) -> Matter:
        header = decode_event(event)
        procedure = self._rules.procedure(header.procedure, header.edition)
        body = self._rules.registry.decode_body(header.body)[1]
        return advance(procedure, matter, header, body, self._directory, leaf_hash(event))

    async def take_notified(self, index: LeafIndex, header: Header, event: bytes) -> bool:
        """Keep an event that a notification proved, and fetch what lies before it.

        Returns:
            Whether it is kept; False: to the exchange the stream does not exist any more, for an order has sealed it.

        Raises:
            EvidenceError: STREAM_INVALID: what lies before does not lead to it.
            UnavailableError: The exchange cannot be reached; nothing was kept.
        """
        stream_id = header.stream_id
        kept = self._store.stream(stream_id)
        if header.stream_seq < len(kept):
            return True
        events = [Kept(index, header, event)]
        if header.stream_seq > len(kept):
            before = await self._fetch(stream_id, len(kept), header.stream_seq)
            if not before:
                return False
            events = [*before, *events]
        self._check_chain(kept, events)
        self._store.keep_events(events)
        self.forget(stream_id)
        return True

    async def catch_up(self, stream_id: bytes) -> Matter | None:
        """Fetch what the exchange has of a stream beyond what is kept, and prove it.

        Returns:
            The matter as it stands after that; None if the exchange knows no such stream.

        Raises:
            EvidenceError: STREAM_INVALID or INCLUSION_INVALID.
            UnavailableError: The exchange cannot be reached.
        """
        kept = self._store.stream(stream_id)
        fetched = await self._fetch(stream_id, len(kept), None)
        if fetched:
            self._check_chain(kept, fetched)
            await self._prove(fetched[-1])
            self._store.keep_events(fetched)
        self.forget(stream_id)
        return self.matter(stream_id)

    async def _fetch(self, stream_id: bytes, start: int, end: int | None) -> list[Kept]:
        found: list[Kept] = []
        while end is None or start + len(found) < end:
            limit = 0 if end is None else end - start - len(found)
            page = await self._exchange.stream(stream_id, from_seq=start + len(found), limit=limit)
            found += [Kept(index, decode_event(event), event) for index, event in page.events]
            if not page.events or (end is None and not page.has_more):
                break
        return found

    def _check_chain(self, kept: Sequence[tuple[LeafIndex, bytes]], events: Sequence[Kept]) -> None:
        """Check that events follow one another and what is kept: the last one vouches for all before it."""
        seq, head = len(kept), leaf_hash(kept[-1][1]) if kept else _NO_LEAF
        stream_id = events[0].header.stream_id
        for index, header, event in events:
            if header.stream_id != stream_id or header.stream_seq != seq or header.prev_hash != head:
                raise EvidenceError(
                    "STREAM_INVALID", f"entry {index} does not follow event {seq - 1} of its stream", field="prev_hash"
                )
            seq, head = seq + 1, leaf_hash(event)

    async def _prove(self, last: Kept) -> None:
        receipt = await self._exchange.receipt(last.header.event_id)
        if receipt.entry != encode_event_entry(last.event) or receipt.index != last.leaf_index:
            raise EvidenceError("STREAM_INVALID", f"the receipt of entry {last.leaf_index} is for another event")
        await self._checkpoints.learn(receipt.checkpoint)
        checkpoint = self._checkpoints.see(receipt.checkpoint)
        verify_inclusion(
            leaf_hash=hash_leaf(receipt.entry),
            leaf_index=receipt.index,
            tree_size=checkpoint.size,
            path=receipt.path,
            root=checkpoint.root,
        )
