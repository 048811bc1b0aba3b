"""The signed checkpoints that a source keeps, in the order of their sizes, and what an audit asks of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import dropwhile
from typing import TYPE_CHECKING

from contracts.errors import ExchangeError
from contracts.ids import Hash
from hub.audit_errors import KeptError
from hub.audit_source import Kept, Source
from hub.log_key_chain import verify_chain
from ledger.checkpoint import Checkpoint, checkpoint_size, parse_checkpoint
from ledger.entry import GenesisEntry
from ledger.log_keys import LogKeys
from ledger.note import NoteVerifier

if TYPE_CHECKING:
    from contracts.schema import SchemaRegistry
    from hub.directory import Directory


class Notes:
    """The checkpoints of a source, one ahead.

    Args:
        notes: As kept, ascending by size.
        keys: The log's keys.
        after: Those of this size and smaller ones were compared before.

    Raises:
        KeptError: One is not signed, or out of order.
    """

    def __init__(self, notes: Iterator[Kept], keys: LogKeys, *, after: int = 0) -> None:
        self._notes = notes if not after else dropwhile(lambda kept: checkpoint_size(kept.data) <= after, notes)
        self._keys = keys
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
        self._place, self._next = kept.place, parse_kept(kept, self._keys)
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


def parse_kept(kept: Kept, keys: LogKeys) -> Checkpoint:
    """Read a signed checkpoint.

    Raises:
        KeptError: It is none of this log.
    """
    try:
        return parse_checkpoint(kept.data, keys)
    except ExchangeError as error:
        raise KeptError(error.code, error.message, place=kept.place) from error


def log_keys(source: Source, vkey: str, registry: Callable[[], SchemaRegistry]) -> LogKeys:
    """The keys of a log, from one that the auditor knows and the chain that the source keeps.

    They say which signatures count while the ledger is read; that its entries announce the same ones is checked after
    the last entry (`check_log_keys`).

    Args:
        source: Where the ledger is read from.
        vkey: The known key.
        registry: Gives the schemas of entries; asked where a chain is kept.

    Raises:
        ContractError: NOTE_MALFORMED, KEY_UNSAFE: the known key is none.
        KeptError: The chain does not hold, or does not lead to the known key.
    """
    verifier = NoteVerifier.parse(vkey)
    kept = source.log_keys()
    if kept is None:
        return LogKeys.of(verifier)
    try:
        return verify_chain(kept.data, verifier, registry())
    except ExchangeError as error:
        raise KeptError(error.code, error.message, place=kept.place) from error


def check_genesis(genesis: GenesisEntry | None, keys: LogKeys) -> None:
    """Check that a genesis record names the key with which the log begins.

    Raises:
        KeptError: LEDGER_UNEXPLAINED.
    """
    if genesis is None:
        raise unexplained("the first entry is no genesis record", 0)
    vkey = keys.first.vkey
    if genesis.origin != keys.origin or genesis.log_key != vkey:
        raise unexplained(f"the genesis record names the key {genesis.log_key}, not {vkey}", 0)


def check_log_keys(directory: Directory, keys: LogKeys) -> None:
    """Check, after the last entry, that the ledger's own entries say of its keys what the source's chain says.

    Raises:
        KeptError: LOG_KEYS_INVALID: names the first entry about which they disagree.
    """
    said = directory.log_keys.keys(keys.first)
    if said != keys:
        ends = {end for key in {*said.keys} ^ {*keys.keys} for end in (key.since - 1, key.until) if end is not None}
        index = min((end for end in ends if end >= 0), default=0)
        raise KeptError("LOG_KEYS_INVALID", "the chain of keys is not what the entries say", index=index)


def unexplained(message: str, index: int | None = None) -> KeptError:
    """The finding that the ledger as a whole does not follow."""
    return KeptError("LEDGER_UNEXPLAINED", message, index=index)
