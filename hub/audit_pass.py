"""One pass over a ledger: leaf hashes, tiles, signed roots and checkpoints, and what every audit reports of them.

The entries go on to a `Taker`, in order. Order of an entry: its leaf hash against the kept one, then what it says, then
the tree; at each signed checkpoint the root. The first thing that does not follow ends the pass. Entries are taken by
the tile, because almost always all of them follow; where a leaf differs, one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

from contracts.ids import LeafIndex
from hub.audit_notes import Notes, check_genesis, log_keys, parse_kept, unexplained
from hub.audit_report import Problem, Progress, Report, predecessor_of
from hub.audit_source import Source
from hub.audit_tree import TileTree
from ledger.checkpoint import Checkpoint
from ledger.compact import hash_leaves
from ledger.entry import GenesisEntry
from ledger.log_keys import LogKeys
from ledger.tiles import TILE_WIDTH

if TYPE_CHECKING:
    from contracts.schema import SchemaRegistry
    from hub.tally import Tally

_STEP: Final = 1000


class Taker(Protocol):
    """Takes the entries of a pass, in ledger order."""

    @property
    def genesis(self) -> GenesisEntry | None:
        """Entry 0, once it was taken."""

    @property
    def is_between_batches(self) -> bool:
        """Whether every event that the last batch promised has come: where a checkpoint may stand."""

    @property
    def at_once(self) -> int:
        """How many entries it takes at once, at most."""

    def take(self, entries: Sequence[bytes]) -> None:
        """Take the next entries, whose leaf hashes are those that are kept.

        Raises:
            UnexplainedError: The first one that does not follow.
        """

    def step(self, size: int, *, is_signed: bool) -> None:
        """So many entries were taken by now; whether a checkpoint is signed over exactly these.

        Raises:
            EvidenceError: What is kept beside them differs.
        """

    def finish(self, size: int) -> None:
        """Compare what could not be compared before the last entry.

        Raises:
            EvidenceError: Something differs.
        """


class LedgerPass:
    """One pass over one source.

    Args:
        name: The source in the auditor's words.
        source: Where the ledger is read from.
        registry: Gives the schemas of entries; asked where the log has had several keys.
        vkey: The log's verifier key as the auditor knows it; None asks the source, and the report says so.
        progress: Told now and then.

    Attributes:
        checkpoints: Signed checkpoints compared so far, besides the one to audit up to.
    """

    def __init__(
        self,
        *,
        name: str,
        source: Source,
        registry: Callable[[], SchemaRegistry],
        vkey: str | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._name = name
        self._source = source
        self._registry = registry
        self._is_key_from_source = vkey is None
        self._key = vkey or ""
        self._progress = progress or (lambda done, size: None)
        self._keys: LogKeys | None = None
        self._checkpoint: Checkpoint | None = None
        self.checkpoints = 0

    def begin(self) -> tuple[Checkpoint, LogKeys]:
        """The checkpoint to audit up to, and the log's keys under which it is read.

        Raises:
            UnavailableError: The source cannot be read.
            ExchangeError: It names no key, or holds no checkpoint of it.
        """
        self._key = self._key or self._source.log_key()
        keys = self._keys = log_keys(self._source, self._key, self._registry)
        checkpoint = self._checkpoint = parse_kept(self._source.checkpoint(), keys)
        return checkpoint, keys

    def walk(self, taker: Taker, tree: TileTree, *, start: int = 0) -> None:
        """Give every entry to a taker.

        Args:
            taker: Takes them.
            tree: Of the entries before `start`.
            start: The first entry.

        Raises:
            UnavailableError: The source cannot be read.
            EvidenceError: The first thing that does not follow.
        """
        if self._checkpoint is None or self._keys is None:
            raise AssertionError("begin comes first")
        size, done = self._checkpoint.size, start
        notes = Notes(self._source.notes(size), self._keys, after=start)
        entries = self._source.entries(LeafIndex(start), LeafIndex(size))
        while part := list(islice(entries, _width(done, notes.next_size, taker.at_once))):
            _take(part, taker, tree)
            if not done:
                check_genesis(taker.genesis, self._keys)
            before, done = done, done + len(part)
            is_signed = done == notes.next_size
            if is_signed:
                self.checkpoints += notes.compare(done, tree.root(), is_between_batches=taker.is_between_batches)
            taker.step(done, is_signed=is_signed)
            if before // _STEP != done // _STEP:
                self._progress(done, size)
        taker.finish(size)
        if done != size:
            raise unexplained(f"entry {done} is missing: the checkpoint counts {size}", done)
        if tree.root() != self._checkpoint.root:
            told = f"the entries lead to root {tree.root().hex()}, signed is {self._checkpoint.root.hex()}"
            raise unexplained(told)
        if not taker.is_between_batches:
            raise unexplained("the ledger ends within a batch", size - 1)
        notes.finish()
        self._progress(size, size)

    def report(self, tally: Tally, genesis: GenesisEntry | None, problem: Problem | None, **rest: Any) -> Report:
        """What this pass says in the end.

        Args:
            tally: What its taker counted.
            genesis: Entry 0, if it was taken.
            problem: What it found.
            rest: The other fields of the report.
        """
        checkpoint = self._checkpoint
        return Report(
            source=self._name,
            vkey=self._key,
            is_key_from_source=self._is_key_from_source,
            origin="" if checkpoint is None else checkpoint.origin,
            size=0 if checkpoint is None else checkpoint.size,
            root="" if checkpoint is None else checkpoint.root.hex(),
            tally=tally,
            checkpoints=self.checkpoints,
            predecessor=predecessor_of(genesis),
            problem=problem,
            **rest,
        )


def _width(done: int, next_size: int, at_once: int) -> int:
    """How many entries to take: the genesis record alone, else to the end of a tile, or to the next checkpoint."""
    width = min(at_once, TILE_WIDTH - done % TILE_WIDTH) if done else 1
    return min(width, next_size - done) if next_size > done else width


def _take(entries: Sequence[bytes], taker: Taker, tree: TileTree) -> None:
    leaves = hash_leaves(entries)
    if tree.fits(leaves):
        taker.take(entries)
        tree.extend(leaves)
        return
    for data, leaf in zip(entries, leaves, strict=True):
        tree.check_leaf(leaf)
        taker.take((data,))
        tree.append(leaf)
