"""The region's own directory: every event of it fetched, checked against the ledger and kept.

A directory event is believed if the hub's signed batch holds it and the batch stands in the ledger where the hub says:
the batch entry before it is fetched, its signature checked under the key that the genesis record names, its root
rebuilt from the entries that follow, and its place proved under a signed checkpoint. So neither a slip of the hub nor
anybody between can register a key. Whether the hub left one out, an auditor sees.

Not here: what the directory means (`hub.directory`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Final

import structlog

from adapters.cancellation import heed_cancellation
from adapters.region.checkpoints import Checkpoints
from adapters.region.exchange import DirectoryUpdate, Exchange
from adapters.region.region_store import RegionStore
from contracts.errors import EvidenceError, RuleError, UnavailableError
from contracts.event import decode_event, leaf_hash
from contracts.ids import LeafIndex
from contracts.signing import verify
from hub.admission import Rules
from hub.directory import Directory
from hub.hub_keys import HUB_KEY_REPLACED, HubKeys
from hub.notification import KeyAt, known_keys
from ledger.batch import MAX_BATCH, decode_tbs
from ledger.entry import BatchEntry, EventEntry, GenesisEntry, decode_entry
from ledger.receipt import verify_batch_root
from ledger.tree import hash_leaf, verify_inclusion

_PAGE: Final = 256
_PAUSES_SECONDS: Final = (0.1, 5.0)

log = structlog.get_logger()


class Replica:
    """One region's copy of the directory; kept on disk, the same again after a restart.

    Args:
        store: Where it is kept.
        exchange: Where new events come from.
        checkpoints: What this region knows of the ledger's head.
        rules: Contracts; the ledger's genesis must agree with them.

    Attributes:
        directory: As of `through`; changes in place when events arrive.
        through: Ledger index below which every directory event is in it.
        clock_skew_ms: How far the ledger's clock may be from a producer's: the genesis record's, once that is proved.
    """

    def __init__(self, *, store: RegionStore, exchange: Exchange, checkpoints: Checkpoints, rules: Rules) -> None:
        self._store = store
        self._exchange = exchange
        self._checkpoints = checkpoints
        self._rules = rules
        self._knows_hub = False
        self._taking = asyncio.Lock()
        self.clock_skew_ms = rules.clock_skew_ms
        self.directory = Directory(rules.divisions)
        self.through = store.directory_through
        for index, event in store.directory_events():
            self._apply(index, event)

    async def catch_up(self) -> None:
        """Fetch everything up to the present.

        Raises:
            EvidenceError: What came does not hold against the ledger; nothing of it was kept.
            UnavailableError: The exchange cannot be reached.
        """
        async for update in self._exchange.directory(self.through):
            await self._take(update)

    async def follow(self) -> None:
        """Go on with new events as they are recorded, through every loss of the exchange, until cancelled.

        Raises:
            EvidenceError: As `catch_up`.
        """
        pause = _PAUSES_SECONDS[0]
        while True:
            try:
                async for update in self._exchange.directory(self.through, follow=True):
                    await self._take(update)
                    pause = _PAUSES_SECONDS[0]
            except UnavailableError as error:
                log.warning("directory.lost", code=error.code, index=self.through)
            heed_cancellation()
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, _PAUSES_SECONDS[1])

    async def keys_through(self, index: LeafIndex) -> KeyAt:
        """Batch keys by ledger index, complete through an index that is recorded: the producers' and the hub's own.

        Raises: As `catch_up`.
        """
        if self.through <= index:
            await self.catch_up()
        await self.know_hub()
        return known_keys(self.directory)

    async def know_hub(self) -> None:
        """Learn the hub's first key, from the ledger's genesis record; once is enough.

        Raises:
            EvidenceError: DIRECTORY_INVALID: the record is not entry 0 of this ledger.
            RuleError: SANDBOX_MISMATCH: the ledger has another setting than this gateway.
        """
        if not self._knows_hub:
            genesis = await self._genesis()
            if genesis.sandbox is not self._rules.is_sandbox:
                raise RuleError(
                    "SANDBOX_MISMATCH", f"the ledger has sandbox={genesis.sandbox}, this gateway the other setting"
                )
            self.clock_skew_ms = genesis.clock_skew_ms
            self.directory.hub_keys.begin(genesis.hub_key)
            self._knows_hub = True

    async def _genesis(self) -> GenesisEntry:
        (data,) = await self._entries(0, 1)
        await self._prove(0, data)
        genesis = decode_entry(data)
        if not isinstance(genesis, GenesisEntry):
            raise EvidenceError("DIRECTORY_INVALID", "entry 0 of the ledger is no genesis record")
        return genesis

    async def _take(self, update: DirectoryUpdate) -> None:
        async with self._taking:
            events = [(index, event) for index, event in update.events if index >= self.through]
            await self._check(events)
            for index, event in events:
                self._apply(index, event)
            if update.through > self.through:
                self._store.keep_directory(events, update.through)
                self.through = update.through
        if events:
            log.info("directory.followed", count=len(events), index=self.through)

    def _apply(self, index: LeafIndex, event: bytes) -> None:
        header = decode_event(event)
        self.directory.apply(index, header, self._rules.registry.decode_body(header.body)[1])

    async def _check(self, events: Sequence[tuple[LeafIndex, bytes]]) -> None:
        """Check that each event is one of a batch that the hub signed and the ledger holds."""
        if events:
            await self.know_hub()
        keys, checked = self.directory.hub_keys.copy(), dict[int, bytes]()
        for index, event in events:
            if index not in checked:
                checked.update(await self._batch_around(index, keys))
            if checked.get(index) != event:
                raise EvidenceError("DIRECTORY_INVALID", f"entry {index} of the ledger is another event")
            header = decode_event(event)
            if header.event_type == HUB_KEY_REPLACED:
                # What follows is signed by the next key; the directory takes all of it or nothing, later.
                keys.replace(self._rules.registry.decode_body(header.body)[1], index)

    async def _batch_around(self, index: LeafIndex, keys: HubKeys) -> dict[int, bytes]:
        """Events, by ledger index, of the checked hub batch that holds the entry at an index."""
        start, batch = await self._batch_before(index, keys)
        header = decode_tbs(batch.tbs)
        end = start + 1 + header.n - len(batch.refused)
        if index >= end:
            raise EvidenceError("DIRECTORY_INVALID", f"entry {index} lies behind the batch before it")
        events: dict[int, bytes] = {}
        for number, data in enumerate(await self._entries(start + 1, end), start + 1):
            entry = decode_entry(data)
            if not isinstance(entry, EventEntry):
                raise EvidenceError("DIRECTORY_INVALID", f"entry {number} is no event")
            events[number] = entry.event
        verify_batch_root(batch, [leaf_hash(event) for event in events.values()])
        return events

    async def _batch_before(self, index: LeafIndex, keys: HubKeys) -> tuple[int, BatchEntry]:
        """Place and value of the batch entry that the event at an index follows, proved and signed by the hub."""
        end = int(index)
        while end > max(0, index - MAX_BATCH - 1):
            begin = max(0, end - _PAGE)
            found = await self._entries(begin, end)
            for number, data in zip(range(end - 1, begin - 1, -1), reversed(found), strict=True):
                entry = decode_entry(data)
                if isinstance(entry, BatchEntry):
                    hub = keys.find(entry.key_id)
                    if hub is None or not hub.is_valid_at(LeafIndex(number)):
                        raise EvidenceError("DIRECTORY_INVALID", f"batch {number} is not signed with the hub's key")
                    verify(hub.public_key, entry.signature, entry.tbs)
                    await self._prove(number, data)
                    return number, entry
            end = begin
        raise EvidenceError("DIRECTORY_INVALID", f"no batch entry stands before entry {index}")

    async def _prove(self, index: int, entry: bytes) -> None:
        proof = await self._exchange.inclusion(index)
        await self._checkpoints.learn(proof.checkpoint)
        checkpoint = self._checkpoints.see(proof.checkpoint)
        verify_inclusion(
            leaf_hash=hash_leaf(entry),
            leaf_index=LeafIndex(index),
            tree_size=checkpoint.size,
            path=proof.path,
            root=checkpoint.root,
        )

    async def _entries(self, start: int, end: int) -> list[bytes]:
        found: list[bytes] = []
        async for chunk in self._exchange.entries(start, end):
            if chunk.start != start + len(found):
                raise EvidenceError("DIRECTORY_INVALID", f"entries from {chunk.start} came instead of the next ones")
            found += chunk.entries
        if len(found) != end - start:
            raise UnavailableError("DIRECTORY_INCOMPLETE", f"{len(found)} entries of [{start}, {end}) came")
        return found
