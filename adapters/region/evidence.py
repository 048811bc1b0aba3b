"""What a region does when something does not hold: it makes the evidence that others can check, and keeps it.

Each function is given what came, tries every claim that may hold of it, asks the exchange for the proofs that are
missing, and keeps the files that convince. A liar may refuse those proofs: then less is kept, and the alarm is the
same. None of them raises for that, and none of them takes longer than `SECONDS`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import structlog

from adapters.region.evidence_store import EvidenceStore
from adapters.region.exchange import Exchange, Reply
from adapters.region.region_store import RegionStore
from contracts.errors import ContractError, ExchangeError
from contracts.event import Header
from contracts.ids import Hash, LeafIndex
from contracts.schema import SchemaRegistry
from hub.batch_suspicions import suspicions
from hub.notification import NotificationRun, split_path
from hub.submission import SubmittedBatch
from ledger.checkpoint import Checkpoint, checkpoint_size, parse_checkpoint
from ledger.compact import hash_leaf, sha256
from ledger.entry import BatchEntry, decode_entry, encode_event_entry
from ledger.evidence_file import Shown
from ledger.exhibit import Proved, number, of_entries, of_heads, of_path, of_prefix, of_range
from ledger.log_keys import LogKeys
from ledger.note import NoteVerifier
from ledger.receipt import Receipt

SECONDS: Final = 10.0
"""How long proofs are asked for."""
log = structlog.get_logger()


class EvidenceMaker:
    """Makes and keeps the evidence of one region.

    Args:
        kept: Where files are kept.
        store: The region's copy of the directory.
        exchange: Asked for proofs.
        verifier: The ledger's key.
        registry: Schemas of bodies.

    Attributes:
        log_keys: Every key of the ledger that is known here; whoever learns of another one says it here.
    """

    def __init__(
        self,
        *,
        kept: EvidenceStore,
        store: RegionStore,
        exchange: Exchange,
        verifier: NoteVerifier,
        registry: SchemaRegistry,
    ) -> None:
        self._kept = kept
        self._store = store
        self._exchange = exchange
        self.log_keys = LogKeys.of(verifier)
        self._registry = registry

    # -- heads

    def heads(self, known: bytes, shown: bytes, path: Sequence[Hash] | None = None) -> bool:
        """Keep two heads that do not go together, with what was given as a proof; says whether they do not."""
        file = of_heads(self._log(known, shown), known, shown, path)
        return file is not None and self._kept.keep(file)

    async def growth(self, known: bytes, shown: bytes, path: Sequence[Hash] | None) -> None:
        """Keep a longer head that was not proved to extend an earlier one; the strongest claim that can be had."""
        self.heads(known, shown, path)
        old, new = (parse_checkpoint(note, self.log_keys) for note in (known, shown))
        async with _in_time():
            last = await self._exchange.checkpoint()
            if parse_checkpoint(last, self.log_keys).size < new.size:
                self.heads(shown, last)
            await self._prefix(old, known, shown, new)

    async def _prefix(self, old: Checkpoint, known: bytes, shown: bytes, new: Checkpoint) -> None:
        """The last entry of the older tree, with its path in the newer one, shows what the older one is there."""
        at = LeafIndex(old.size - 1)
        entry = await self._entry(at)
        path = (await self._exchange.inclusion(at, tree_size=new.size)).path
        self._kept.keep(of_prefix(self._log(known, shown), known, shown, hash_leaf(entry), path))

    # -- proofs and answers

    def path(self, note: bytes, index: LeafIndex, entry: bytes, path: Sequence[Hash]) -> None:
        """Keep an inclusion path that does not lead to the signed root."""
        self._kept.keep(of_path(self._log(note), note, index, hash_leaf(entry), path))

    async def reply(self, batch: SubmittedBatch, reply: Reply) -> None:
        """Keep what is wrong with the answer to a batch: its receipt, receipts of repeats, the recorded batch."""
        for original in reply.originals.values():
            self.path(original.checkpoint, original.index, original.entry, original.path)
        receipt = reply.answer.receipt
        if receipt is None:
            return
        refused = {result.position for result in reply.answer.results if result.index is None}
        repeated = set(reply.originals)
        events = [event for at, event in enumerate(batch.events) if at not in refused | repeated]
        leaves = [hash_leaf(receipt.batch_entry), *(hash_leaf(encode_event_entry(event)) for event in events)]
        self._keep_range(receipt, leaves)
        async with _in_time():
            await self._batch(LeafIndex(receipt.start), receipt.batch_entry, receipt.checkpoint)

    def _keep_range(self, receipt: Receipt, leaves: Sequence[Hash]) -> None:
        if len(leaves) == receipt.end - receipt.start:
            start = LeafIndex(receipt.start)
            note = receipt.checkpoint
            self._kept.keep(of_range(self._log(note), note, start, leaves, receipt.left, receipt.right))

    # -- notifications

    async def run(self, run: NotificationRun, head: Hash) -> None:
        """Keep what is wrong with a run of notifications.

        Args:
            run: As it arrived.
            head: Our own running hash after its last notification.
        """
        for one in run.notifications:
            with _told():
                self.path(run.checkpoint, one.leaf_index, encode_event_entry(one.event), split_path(one.path))
        last = run.notifications[-1]
        with _told():
            proved = Proved(
                last.leaf_index, encode_event_entry(last.event), tuple(split_path(last.path)), run.checkpoint
            )
            shown = (*_point(run, counter=run.last_n), Shown("head", head), Shown("told", run.head_after))
            self._keep("HEAD_DISAGREES", [proved], shown)
        async with _in_time():
            for batch in run.batches:
                await self._batch(batch.leaf_index, batch.entry, run.checkpoint)

    def gap(self, run: NotificationRun, held: int) -> None:
        """Keep that notifications before a run were asked for and not given.

        Args:
            run: The run behind the gap.
            held: Counter of the last notification that is here.
        """
        first = run.notifications[0]
        with _told():
            path = tuple(split_path(first.path))
            proved = Proved(first.leaf_index, encode_event_entry(first.event), path, run.checkpoint)
            shown = (*_point(run, counter=run.first_n), Shown("held", number(held)))
            self._keep("DELIVERY_MISSING", [proved], shown)

    # -- payloads

    async def swapped(self, header: Header, wanted: Hash, envelope: bytes) -> None:
        """Keep that other bytes were handed out than the event names, if they were."""
        given = sha256(envelope).digest()
        if given != wanted:
            await self._handed_out("PAYLOAD_SWAPPED", header, Shown("wanted", wanted), Shown("given", given))

    async def unrecorded(self, header: Header, envelope: bytes, request_id: bytes) -> None:
        """Keep that a payload was handed out for a request that was not shown as recorded."""
        given = sha256(envelope).digest()
        await self._handed_out("OPENING_UNRECORDED", header, Shown("request", request_id), Shown("given", given))

    async def _handed_out(self, claim: str, header: Header, *shown: Shown) -> None:
        async with _in_time():
            receipt = await self._exchange.receipt(header.event_id)
            proved = Proved(receipt.index, receipt.entry, tuple(receipt.path), receipt.checkpoint)
            self._keep(claim, [proved], shown)

    # -- parts

    async def _batch(self, index: LeafIndex, data: bytes, note: bytes) -> None:
        """Try what may be wrong with a recorded batch, under the checkpoint that it was shown with."""
        entry = decode_entry(data)
        if not isinstance(entry, BatchEntry):
            return
        size = parse_checkpoint(note, self.log_keys).size
        path = tuple((await self._exchange.inclusion(index, tree_size=size)).path)
        batch = Proved(index, data, path, note)
        for claim, other in suspicions(entry, self._store.directory_events(), self._registry):
            if other < index:
                self._keep(claim, [await self._proved(other, size, note), batch])

    async def _proved(self, index: LeafIndex, size: int, note: bytes) -> Proved:
        path = (await self._exchange.inclusion(index, tree_size=size)).path
        return Proved(index, await self._entry(index), tuple(path), note)

    async def _entry(self, index: LeafIndex) -> bytes:
        async for chunk in self._exchange.entries(index, index + 1):
            return chunk.entries[0]
        return b""

    def _keep(self, claim: str, entries: Sequence[Proved], shown: Iterable[Shown] = ()) -> bool:
        log_key = self._log(*(one.note for one in entries))
        return self._kept.keep(of_entries(claim, log_key, entries, tuple(shown)))

    def _log(self, *notes: bytes) -> NoteVerifier:
        """A key of the ledger that has signed all of some notes, if there is one: a file names one key."""
        try:
            sizes = [checkpoint_size(note) for note in notes]
        except ContractError:
            return self.log_keys.first
        common = set.intersection(*(set(self.log_keys.at(size)) for size in sizes)) if sizes else set()
        return next((key.verifier for key in self.log_keys.keys if key.verifier in common), self.log_keys.first)


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    """Give up after a while, and where the exchange refuses or gives what cannot be read."""
    try:
        async with asyncio.timeout(SECONDS):
            yield
    except TimeoutError:
        log.warning("evidence.incomplete", code="DEADLINE_EXCEEDED")
    except ExchangeError as error:
        log.warning("evidence.incomplete", code=error.code)


@contextmanager
def _told() -> Iterator[None]:
    """Go on without a part that cannot be read: it proves nothing."""
    try:
        yield
    except ExchangeError as error:
        log.warning("evidence.incomplete", code=error.code)


def _point(run: NotificationRun, *, counter: int) -> tuple[Shown, ...]:
    return (Shown("point", run.point.encode("ascii", "replace")), Shown("counter", number(counter)))
