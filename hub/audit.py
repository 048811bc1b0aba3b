"""A whole audit: replay every entry and compare what follows with everything that the source keeps beside them.

Order of an entry: its leaf hash against the kept one, then what it says (`hub.replay`), then the tree; at each signed
checkpoint the root and the delivery runs up to there; after the last entry whatever else is kept. The first thing that
does not follow ends the audit and is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from contracts.errors import ExchangeError, UnavailableError
from contracts.event import Header
from contracts.ids import LeafIndex
from hub.admission import Rules
from hub.audit_errors import KeptError, UnexplainedError
from hub.audit_report import Problem, Report
from hub.audit_runs import RunCheck
from hub.audit_source import AuditShelf, Kept, NamedPayload, Source
from hub.audit_tree import TileTree
from hub.replay import Delivery, Replay
from ledger.checkpoint import Checkpoint, parse_checkpoint
from ledger.compact import hash_leaf
from ledger.note import NoteVerifier

Progress = Callable[[int, int], None]
"""Told how many of how many entries are done."""

_PAYLOADS_AT_ONCE: Final = 64
_STEP: Final = 1000


class Audit:
    """One audit of one source.

    Args:
        name: The source in the auditor's words.
        source: Where the ledger is read from.
        rules: The contracts.
        shelf: Empty.
        vkey: The log's verifier key as the auditor knows it; None asks the source, and the report says so.
        progress: Told now and then.
    """

    def __init__(
        self,
        *,
        name: str,
        source: Source,
        rules: Rules,
        shelf: AuditShelf,
        vkey: str | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._name = name
        self._source = source
        self._shelf = shelf
        self._rules = rules
        self._vkey = vkey
        self._progress = progress or (lambda done, size: None)
        self._checkpoint: Checkpoint | None = None
        self._replay = Replay(rules=rules, shelf=shelf, observer=self)
        self._runs: RunCheck = RunCheck(None)
        self._named: list[NamedPayload] = []
        self._held = 0
        self._checkpoints = 0

    def run(self) -> Report:
        """Audit to the end or to the first thing that does not follow.

        Raises:
            UnavailableError: The source cannot be read; nothing is said about the ledger.
        """
        problem: Problem | None = None
        key = self._vkey or ""
        try:
            key = key or self._source.log_key()
            self._read(NoteVerifier.parse(key))
        except UnavailableError:
            raise
        except ExchangeError as error:
            problem = self._problem(self._earlier(error))
        checkpoint = self._checkpoint
        return Report(
            source=self._name,
            vkey=key,
            is_key_from_source=self._vkey is None,
            origin="" if checkpoint is None else checkpoint.origin,
            size=0 if checkpoint is None else checkpoint.size,
            root="" if checkpoint is None else checkpoint.root.hex(),
            tally=self._replay.tally,
            checkpoints=self._checkpoints,
            runs=self._runs.compared,
            payloads_held=self._held if self._source.holds_payloads else None,
            problem=problem,
        )

    def _earlier(self, error: ExchangeError) -> ExchangeError:
        """The error, or what the shelf finds only now about the event id of an earlier entry."""
        try:
            self._shelf.finish()
        except (UnexplainedError, KeptError) as found:
            index = getattr(error, "index", None)
            is_first = index is not None and (found.index is None or index <= found.index)
            return error if is_first else found
        return error

    def _problem(self, error: ExchangeError) -> Problem:
        match error:
            case KeptError():
                return Problem(error.code, error.message, error.index, error.place)
            case UnexplainedError():
                place = self._source.place(LeafIndex(error.index))
                return Problem(error.code, error.message, error.index, place)
            case _:
                return Problem(error.code, error.message)

    def _read(self, verifier: NoteVerifier) -> None:
        checkpoint = self._checkpoint = _parse(self._source.checkpoint(), verifier)
        size = checkpoint.size
        tree = TileTree(self._source, size)
        replay = self._replay = Replay(rules=self._rules, shelf=self._shelf, observer=self, tree=tree)
        self._runs = runs = RunCheck(self._source.runs(size))
        notes = _Notes(self._source.notes(size), verifier)
        done, next_size = 0, notes.next_size
        for data in self._source.entries(LeafIndex(0), LeafIndex(size)):
            leaf = hash_leaf(data)
            tree.check_leaf(leaf)
            replay.feed(data, leaf)
            if done == 0:
                self._check_genesis(verifier)
            done += 1
            if done == next_size:
                self._compare_notes(notes, done)
                runs.compare(done)
                next_size = notes.next_size
            if len(self._named) >= _PAYLOADS_AT_ONCE:
                self._check_payloads()
            if not done % _STEP:
                self._progress(done, size)
        self._check_payloads()
        self._shelf.finish()
        if done != size:
            raise _unexplained(f"entry {done} is missing: the checkpoint counts {size}", done)
        if tree.root() != checkpoint.root:
            raise _unexplained(f"the entries lead to root {tree.root().hex()}, signed is {checkpoint.root.hex()}")
        if not replay.is_between_batches:
            raise _unexplained("the ledger ends within a batch", size - 1)
        notes.finish()
        runs.compare(size)
        runs.finish()
        self._source.check_rest(replay)
        self._progress(size, size)

    def _check_genesis(self, verifier: NoteVerifier) -> None:
        genesis = self._replay.genesis
        if genesis is None:
            raise _unexplained("the first entry is no genesis record", 0)
        if genesis.origin != verifier.name or genesis.log_key != verifier.vkey:
            raise _unexplained(f"the genesis record names the key {genesis.log_key}, not {verifier.vkey}", 0)

    def _compare_notes(self, notes: _Notes, size: int) -> None:
        root = self._replay.tree.root()
        for place, kept in notes.take(size):
            if kept.root != root:
                raise KeptError(
                    "CHECKPOINT_INVALID",
                    f"size {size} is signed with root {kept.root.hex()}, the entries lead to {root.hex()}",
                    place=place,
                    index=size - 1,
                )
            if not self._replay.is_between_batches:
                raise KeptError("CHECKPOINT_INVALID", f"size {size} cuts a batch", place=place, index=size - 1)
            self._checkpoints += 1

    def _check_payloads(self) -> None:
        if self._named:
            self._held += self._source.check_payloads(self._named)
            self._named.clear()

    # -- hub.replay.Observer

    def delivered(self, delivery: Delivery) -> None:
        """See `hub.replay.Observer`."""
        self._runs.derived(delivery)

    def sealed(self, index: LeafIndex, header: Header) -> None:
        """See `hub.replay.Observer`."""
        if self._source.holds_payloads:
            producer = header.producer_office
            self._named += [NamedPayload(index, n, producer, ref) for n, ref in enumerate(header.sealed)]


class _Notes:
    """The checkpoints of a source, one ahead."""

    def __init__(self, notes: Iterator[Kept], verifier: NoteVerifier) -> None:
        self._notes = notes
        self._verifier = verifier
        self._place = ""
        self._next: Checkpoint | None = None
        self._advance()

    @property
    def next_size(self) -> int:
        """Size of the next one; -1 if there is none."""
        return -1 if self._next is None else self._next.size

    def take(self, size: int) -> Iterator[tuple[str, Checkpoint]]:
        """Place and content of each that is signed over a size."""
        while self._next is not None and self._next.size == size:
            yield self._place, self._next
            self._advance()

    def _advance(self) -> None:
        last = self.next_size
        kept = next(self._notes, None)
        if kept is None:
            self._next = None
            return
        self._place, self._next = kept.place, _parse(kept, self._verifier)
        if self._next.size < max(last, 1):
            raise KeptError("CHECKPOINT_INVALID", f"size {self._next.size} comes after {last}", place=kept.place)

    def finish(self) -> None:
        """Check that none is left after the last entry."""
        if self._next is not None:
            raise KeptError("CHECKPOINT_INVALID", f"size {self._next.size} is newer than the ledger", place=self._place)


def _parse(kept: Kept, verifier: NoteVerifier) -> Checkpoint:
    try:
        return parse_checkpoint(kept.data, verifier)
    except ExchangeError as error:
        raise KeptError(error.code, error.message, place=kept.place) from error


def _unexplained(message: str, index: int | None = None) -> KeptError:
    return KeptError("LEDGER_UNEXPLAINED", message, index=index)
