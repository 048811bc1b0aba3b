"""The signed checkpoints that a source keeps, in the order of their sizes, and what an audit asks of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import dropwhile

from contracts.errors import ExchangeError
from contracts.ids import Hash
from hub.audit_errors import KeptError
from hub.audit_source import Kept
from ledger.checkpoint import Checkpoint, checkpoint_size, parse_checkpoint
from ledger.entry import GenesisEntry
from ledger.note import NoteVerifier


class Notes:
    """The checkpoints of a source, one ahead.

    Args:
        notes: As kept, ascending by size.
        verifier: The log's key.
        after: Those of this size and smaller ones were compared before.

    Raises:
        KeptError: One is not signed, or out of order.
    """

    def __init__(self, notes: Iterator[Kept], verifier: NoteVerifier, *, after: int = 0) -> None:
        self._notes = notes if not after else dropwhile(lambda kept: checkpoint_size(kept.data) <= after, notes)
        self._verifier = verifier
        self._place = ""
        self._next: Checkpoint | None = None
        self._advance()

    @property
    def next_size(self) -> int:
        """Size of the next one; -1 if there is none."""
        return -1 if self._next is None else self._next.size

    def _take(self, size: int) -> Iterator[tuple[str, Checkpoint]]:
        while self._next is not None and self._next.size == size:
            yield self._place, self._next
            self._advance()

    def _advance(self) -> None:
        last = self.next_size
        kept = next(self._notes, None)
        if kept is None:
            self._next = None
            return
        self._place, self._next = kept.place, parse_kept(kept, self._verifier)
        if self._next.size < max(last, 1):
            raise KeptError("CHECKPOINT_INVALID", f"size {self._next.size} comes after {last}", place=kept.place)

    def compare(self, size: int, root: Hash, *, is_between_batches: bool) -> int:
        """Compare each that is signed over a size.

        Returns:
            How many there are.

        Raises:
            KeptError: CHECKPOINT_INVALID: it is signed over another root, or cuts a batch.
        """
        compared = 0
        for place, kept in self._take(size):
            if kept.root != root:
                raise KeptError(
                    "CHECKPOINT_INVALID",
                    f"size {size} is signed with root {kept.root.hex()}, the entries lead to {root.hex()}",
                    place=place,
                    index=size - 1,
                )
            if not is_between_batches:
                raise KeptError("CHECKPOINT_INVALID", f"size {size} cuts a batch", place=place, index=size - 1)
            compared += 1
        return compared

    def finish(self) -> None:
        """Check that none is left after the last entry.

        Raises:
            KeptError: CHECKPOINT_INVALID.
        """
        if self._next is not None:
            raise KeptError("CHECKPOINT_INVALID", f"size {self._next.size} is newer than the ledger", place=self._place)


def parse_kept(kept: Kept, verifier: NoteVerifier) -> Checkpoint:
    """Read a signed checkpoint.

    Raises:
        KeptError: It is none of this log.
    """
    try:
        return parse_checkpoint(kept.data, verifier)
    except ExchangeError as error:
        raise KeptError(error.code, error.message, place=kept.place) from error


def check_genesis(genesis: GenesisEntry | None, verifier: NoteVerifier) -> None:
    """Check that a genesis record names the key under which the checkpoints are read.

    Raises:
        KeptError: LEDGER_UNEXPLAINED.
    """
    if genesis is None:
        raise unexplained("the first entry is no genesis record", 0)
    if genesis.origin != verifier.name or genesis.log_key != verifier.vkey:
        raise unexplained(f"the genesis record names the key {genesis.log_key}, not {verifier.vkey}", 0)


def unexplained(message: str, index: int | None = None) -> KeptError:
    """The finding that the ledger as a whole does not follow."""
    return KeptError("LEDGER_UNEXPLAINED", message, index=index)
