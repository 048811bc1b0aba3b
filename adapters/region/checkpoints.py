"""What a region knows of the ledger's head, and that it only ever grows.

Every signed head that a region is shown passes here: with a receipt, with a proof, with a run of notifications, on the
broker's common subject. Two of one size must be equal; all of them must be one ledger, which `connect` has the exchange
prove: each is a beginning of the newest, and the newest is trusted from then on. A head that cannot be connected is a
rollback or a fork: it is kept as evidence with the one that it contradicts, and whoever showed it is not believed.

An exchange that cannot be reached proves nothing, for or against it: heads wait until it answers.

The ledger's key may be replaced. Who is about to check a note lets `learn` look at it first: where it bears a key that
is not known here, the exchange is asked for the chain of the ledger's keys, which is believed only from the known key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from adapters.cancellation import heed_cancellation
from adapters.region.evidence import EvidenceMaker
from adapters.region.exchange import Exchange
from adapters.region.quorum import Quorum
from adapters.region.region_store import RegionStore
from contracts.errors import ContractError, EvidenceError, ExchangeError, UnavailableError
from contracts.ids import Hash
from contracts.schema import load_registry
from hub.log_key_chain import verify_chain
from ledger.checkpoint import Checkpoint, checkpoint_size, parse_checkpoint
from ledger.log_keys import LogKeys
from ledger.note import NoteVerifier, split_note
from ledger.tree import verify_consistency

CONNECT_SECONDS: Final = 0.5
"""Pause between two times of connecting what came with receipts, so that busy times cost one question."""
_MARK: Final = "checkpoint"
_KEYS_MARK: Final = "log-keys"
_RECENT: Final = 1024
_ASKED: Final = 256
log = structlog.get_logger()

_Head = tuple[Checkpoint, bytes]


class Checkpoints:
    """Checks the signed heads that a region sees.

    Args:
        store: Keeps the trusted note.
        exchange: Proves that one head extends another.
        verifier: The ledger's key, as the operator handed it over.
        evidence: Keeps heads that contradict each other.
        quorum: Told of the lines under every head; None if the region relies on no witness.

    Attributes:
        keys: Every key of the ledger that is known here.
    """

    def __init__(
        self,
        *,
        store: RegionStore,
        exchange: Exchange,
        verifier: NoteVerifier,
        evidence: EvidenceMaker,
        quorum: Quorum | None = None,
    ) -> None:
        self.quorum = quorum
        self._store = store
        self._exchange = exchange
        self._evidence = evidence
        self._verifier = verifier
        kept = store.mark(_KEYS_MARK)
        self.keys = LogKeys.of(verifier) if kept is None else verify_chain(kept, verifier, load_registry())
        self._evidence.log_keys = self.keys
        self._strangers: set[bytes] = set()
        self._learned = b""
        self._last: _Head | None = None
        self._trusted: _Head | None = None
        self._seen: dict[int, _Head] = {}
        self._loose: dict[int, _Head] = {}
        self._connecting = asyncio.Lock()
        self._came = asyncio.Event()

    @property
    def trusted(self) -> _Head | None:
        """The newest head that all others were proved to be a beginning of, with its note; None before the first."""
        if self._trusted is None:
            note = trusted_note(self._store)
            self._trusted = None if note is None else (parse_checkpoint(note, self.keys), note)
        return self._trusted

    def see(self, note: bytes) -> Checkpoint:
        """Check a note's signature and that it contradicts none of its size; from now on it waits to be connected.

        Raises:
            ContractError: NOTE_MALFORMED.
            EvidenceError: SIGNATURE_INVALID, or CHECKPOINT_INVALID: another root was signed for this size.
        """
        if self._last is not None and self._last[1] == note:
            return self._last[0]
        known = self._seen.get(checkpoint_size(note))
        if known is None or known[1] != note:
            known = (self.match(parse_checkpoint(note, self.keys), note), note)
        self._last = known
        return known[0]

    def match(self, checkpoint: Checkpoint, note: bytes) -> Checkpoint:
        """The same for a checkpoint whose signature was checked already."""
        known = self._seen.get(checkpoint.size)
        if known is None:
            trusted = self.trusted
            known = trusted if trusted is not None and trusted[0].size == checkpoint.size else None
        if known is None:
            self._seen[checkpoint.size] = self._loose[checkpoint.size] = (checkpoint, note)
            self._came.set()
        elif known[0].root != checkpoint.root:
            self._evidence.heads(known[1], note)
            raise EvidenceError(
                "CHECKPOINT_INVALID",
                f"two roots are signed for size {checkpoint.size}: {known[0].root.hex()} and {checkpoint.root.hex()}",
            )
        if self.quorum is not None:
            self.quorum.hear(checkpoint, note)
        while len(self._seen) > _RECENT:
            del self._seen[next(iter(self._seen))]
        return checkpoint

    async def learn(self, *notes: bytes) -> None:
        """Fetch the chain of the ledger's keys if a note bears a key that is not known here, or lacks one that is.

        Nothing is believed of a note by this; whoever checks it finds the keys that the chain says.

        Raises:
            EvidenceError: LOG_KEYS_INVALID: the chain does not hold; nothing of it was kept.
            UnavailableError: The exchange cannot be reached.
        """
        if all(note == self._learned for note in notes):
            return
        strangers = {key_id for note in notes for key_id in self._unknown(note)} - self._strangers
        if not strangers:
            self._learned = notes[-1]
            return
        chain = await self._exchange.log_keys()
        keys = verify_chain(chain, self._verifier, load_registry())
        if len(keys.keys) > 1 and keys != self.keys:
            self._store.set_mark(_KEYS_MARK, chain)
            self.keys = self._evidence.log_keys = keys
            self._learned = b""
            log.info("log_keys.learned", count=len(keys.keys))
        # A line of nobody's is asked for once; a key that is missing may be announced or end with any entry.
        self._strangers |= strangers - {b""} - {key.verifier.key_id for key in keys.keys}

    def _unknown(self, note: bytes) -> set[bytes]:
        """Ids of keys under the ledger's name that are not known here; `b""` where one that has to sign did not."""
        try:
            lines = {line.key_id for line in split_note(note)[1] if line.name == self.keys.origin}
            wanted = {key.key_id for key in self.keys.at(checkpoint_size(note))}
        except ContractError:
            return set()
        known = {key.verifier.key_id for key in self.keys.keys}
        return (lines - known) | (set() if wanted <= lines else {b""})

    async def advance(self) -> Checkpoint:
        """Fetch the last head and connect it with everything that was seen.

        Returns:
            The new trusted head.

        Raises:
            EvidenceError: As `connect`; or CONSISTENCY_INVALID: the last head is shorter than the trusted one.
            UnavailableError: The exchange cannot be reached.
        """
        note = await self._exchange.checkpoint()
        await self.learn(note)
        checkpoint = self.see(note)
        trusted = self.trusted
        if trusted is not None and checkpoint.size < trusted[0].size:
            self._evidence.heads(trusted[1], note)
            raise EvidenceError(
                "CONSISTENCY_INVALID",
                f"the ledger has {checkpoint.size} entries and was proved to have {trusted[0].size}",
            )
        await self.connect()
        return checkpoint

    async def connect(self) -> None:
        """Prove that every head that was seen is a beginning of the newest one.

        Raises:
            EvidenceError: CONSISTENCY_INVALID: one is not, or no proof of it was given; the evidence is kept.
            UnavailableError: The exchange cannot be reached: nothing is connected, all of them wait.
        """
        async with self._connecting:
            trusted = self.trusted
            loose = dict(self._loose)
            if not loose:
                return
            heads = [*loose.values(), *([] if trusted is None else [trusted])]
            newest = max(heads, key=lambda head: head[0].size)
            older = [head for head in heads if head[0].size < newest[0].size]
            for at in range(0, len(older), _ASKED):
                await self._prove(older[at : at + _ASKED], newest)
            if trusted is None or newest[0].size > trusted[0].size:
                self._store.set_mark(_MARK, newest[1])
                self._trusted = newest
            for size in loose:
                self._loose.pop(size, None)

    async def follow(self) -> None:
        """Connect what comes with receipts and proofs, until cancelled.

        Raises:
            EvidenceError: As `connect`.
        """
        while True:
            await self._came.wait()
            self._came.clear()
            try:
                await self.connect()
            except UnavailableError as error:
                log.warning("head.waiting", code=error.code, count=len(self._loose))
                self._came.set()
            heed_cancellation()
            await asyncio.sleep(CONNECT_SECONDS)

    async def _prove(self, older: Sequence[_Head], newest: _Head) -> None:
        try:
            paths = await self._exchange.growth([head[0].size for head in older], newest[0].size)
        except ExchangeError as error:
            if error.family == "unavailable":
                raise
            await self._evidence.growth(older[-1][1], newest[1], None)
            raise EvidenceError(
                "CONSISTENCY_INVALID", f"no proof is given that size {newest[0].size} extends {older[-1][0].size}"
            ) from error
        for (old, note), path in zip(older, paths, strict=True):
            await self._check(old, note, newest, path)

    async def _check(self, old: Checkpoint, note: bytes, newest: _Head, path: Sequence[Hash]) -> None:
        new = newest[0]
        try:
            verify_consistency(size1=old.size, size2=new.size, path=path, root1=old.root, root2=new.root)
        except EvidenceError:
            await self._evidence.growth(note, newest[1], path)
            raise


def trusted_note(store: RegionStore) -> bytes | None:
    """The note of the newest head that a region trusts; None before the first."""
    return store.mark(_MARK)
