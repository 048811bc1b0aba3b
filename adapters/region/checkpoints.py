"""What a region knows of the ledger's head, and that it only ever grows.

Every checkpoint that comes with a receipt or a proof passes here. Two signed heads of one size must be equal; a later
one must be an extension of the one that the region trusts, which `advance` has the exchange prove. A hub that shows a
head it cannot connect has rolled back or forked: stop, and keep both notes.
"""

from __future__ import annotations

from typing import Final

from adapters.region.exchange import Exchange
from adapters.region.region_store import RegionStore
from contracts.errors import EvidenceError
from ledger.checkpoint import Checkpoint, checkpoint_size, parse_checkpoint
from ledger.evidence_file import EvidenceFile, format_evidence
from ledger.note import NoteVerifier
from ledger.tree import verify_consistency

EVIDENCE_MARK: Final = "evidence "
"""Before the claim, in the names of the marks that hold evidence files."""
_MARK: Final = "checkpoint"
_RECENT: Final = 1024


class Checkpoints:
    """Checks the signed heads that a region sees.

    Args:
        store: Keeps the trusted note.
        exchange: Proves that one head extends another.
        verifier: The ledger's key, as the operator handed it over.
    """

    def __init__(self, *, store: RegionStore, exchange: Exchange, verifier: NoteVerifier) -> None:
        self._store = store
        self._exchange = exchange
        self.verifier = verifier
        self._seen: dict[int, tuple[Checkpoint, bytes]] = {}

    @property
    def trusted(self) -> tuple[Checkpoint, bytes] | None:
        """The last head that was proved to extend the one before it, with its note; None before the first."""
        note = self._store.mark(_MARK)
        return None if note is None else (parse_checkpoint(note, self.verifier), note)

    def see(self, note: bytes) -> Checkpoint:
        """Check a note's signature and that it contradicts none of its size.

        Raises:
            ContractError: NOTE_MALFORMED.
            EvidenceError: SIGNATURE_INVALID, or CHECKPOINT_INVALID: another root was signed for this size.
        """
        known = self._seen.get(checkpoint_size(note))
        if known is not None and known[1] == note:
            return known[0]
        return self.match(parse_checkpoint(note, self.verifier), note)

    def match(self, checkpoint: Checkpoint, note: bytes) -> Checkpoint:
        """The same for a checkpoint whose signature was checked already."""
        known = self._seen.setdefault(checkpoint.size, (checkpoint, note))
        if known[0].root != checkpoint.root:
            self._keep("TWO_ROOTS", known[1], note)
            raise EvidenceError(
                "CHECKPOINT_INVALID",
                f"two roots are signed for size {checkpoint.size}: {known[0].root.hex()} and {checkpoint.root.hex()}",
            )
        while len(self._seen) > _RECENT:
            del self._seen[next(iter(self._seen))]
        return checkpoint

    async def advance(self) -> Checkpoint:
        """Fetch the last head and prove that it extends the trusted one; from then on it is the trusted one.

        Returns:
            The new trusted head.

        Raises:
            EvidenceError: CONSISTENCY_INVALID: the ledger has lost or changed something that was proved before.
        """
        note = await self._exchange.checkpoint()
        checkpoint = self.see(note)
        trusted = self.trusted
        if trusted is not None:
            if checkpoint.size < trusted[0].size:
                self._keep("LEDGER_SHORTER", trusted[1], note)
            await self._prove(trusted[0], checkpoint)
        self._store.set_mark(_MARK, note)
        return checkpoint

    def _keep(self, claim: str, known: bytes, shown: bytes) -> None:
        """Keep two notes as an evidence file, before anybody is told; the first of a claim stays."""
        name = f"{EVIDENCE_MARK}{claim}"
        if self._store.mark(name) is None:
            self._store.set_mark(name, format_evidence(EvidenceFile(claim, self.verifier, (known, shown))))

    async def _prove(self, old: Checkpoint, new: Checkpoint) -> None:
        if new.size < old.size:
            raise EvidenceError(
                "CONSISTENCY_INVALID", f"the ledger has {new.size} entries and was proved to have {old.size}"
            )
        proof = await self._exchange.consistency(old.size, new.size)
        verify_consistency(size1=old.size, size2=new.size, path=proof.path, root1=old.root, root2=new.root)
