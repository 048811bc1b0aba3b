"""The evidence of a ledger without what its events mean: hashes, tiles, signatures, chains, signed roots, checkpoints.

Only directory events are read, because they say which keys are valid. Alone this is the quick audit
(`pprd audit --hashes-only`); beside `hub.audit_states` in another process it is one half of the whole one, and then
tells a `Follower` what it has read.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final, Protocol

from contracts.errors import ExchangeError, UnavailableError
from contracts.event import class_of, leaf_hash
from contracts.ids import HUB_REGION, Hash, LeafIndex
from hub.admission import Rules
from hub.audit_batches import BatchChain, OpenBatch, wrong
from hub.audit_errors import UnexplainedError
from hub.audit_notes import Notes, check_genesis, check_log_keys, log_keys, parse_kept, unexplained
from hub.audit_report import Problem, Progress, Report, predecessor_of, problem_of
from hub.audit_source import Source
from hub.audit_tree import TileTree
from hub.directory import Directory
from hub.replay import Tally
from ledger.checkpoint import Checkpoint
from ledger.compact import hash_leaf
from ledger.entry import BatchEntry, EventEntry, GenesisEntry, decode_entry, event_of
from ledger.log_keys import LogKeys

UNREAD: Final = "UNREAD"
"""Stands for the type of events that were not read."""
NOT_CHECKED: Final = (
    "what events say: their form, their office's mandate, their procedure, the state of their matter",
    "deliveries, their running hashes and the published heads",
    "openings and missed duties",
    "sealed payloads",
    "event ids that come twice",
    "what is kept beside entries, tiles and checkpoints: states, runs, inboxes, receipts, manifest",
)
"""What this pass leaves out, in the words of the report."""

_STEP: Final = 1024


class Follower(Protocol):
    """Told of every entry whose hashes hold, in ledger order."""

    def entry(self, data: bytes) -> None:
        """The genesis record or a batch entry."""

    def event(self, index: LeafIndex, leaf: Hash, event: bytes) -> None:
        """An event with its leaf hash."""

    def step(self, size: int, *, is_signed: bool) -> None:
        """So many entries were told by now; whether a checkpoint is signed over exactly these."""


class HashAudit:
    """One pass over the evidence of one source.

    Args:
        name: The source in the auditor's words.
        source: Where the ledger is read from.
        rules: The contracts.
        vkey: The log's verifier key as the auditor knows it; None asks the source, and the report says so.
        progress: Told now and then.
        follower: Told of every entry; None for the quick audit.
    """

    def __init__(
        self,
        *,
        name: str,
        source: Source,
        rules: Rules,
        vkey: str | None = None,
        progress: Progress | None = None,
        follower: Follower | None = None,
    ) -> None:
        self._name = name
        self._source = source
        self._vkey = vkey
        self._progress = progress or (lambda done, size: None)
        self._follower = follower
        self._batches = BatchChain(rules)
        self._directory = Directory(rules.divisions)
        self._checkpoint: Checkpoint | None = None
        self._checkpoints = 0
        self._tally = Tally()

    def run(self) -> Report:
        """Go to the end or to the first thing that does not follow.

        Raises:
            UnavailableError: The source cannot be read; nothing is said about the ledger.
        """
        problem: Problem | None = None
        key = self._vkey or ""
        try:
            key = key or self._source.log_key()
            self._read(log_keys(self._source, key, self._batches.rules.registry))
        except UnavailableError:
            raise
        except ExchangeError as error:
            problem = problem_of(error, self._source)
        checkpoint = self._checkpoint
        return Report(
            source=self._name,
            vkey=key,
            is_key_from_source=self._vkey is None,
            origin="" if checkpoint is None else checkpoint.origin,
            size=0 if checkpoint is None else checkpoint.size,
            root="" if checkpoint is None else checkpoint.root.hex(),
            tally=self._tally,
            checkpoints=self._checkpoints,
            predecessor=predecessor_of(self._batches.genesis),
            problem=problem,
            not_checked=NOT_CHECKED,
        )

    def _read(self, keys: LogKeys) -> None:
        checkpoint = self._checkpoint = parse_kept(self._source.checkpoint(), keys)
        size, tally = checkpoint.size, self._tally
        tree = TileTree(self._source, size)
        notes = Notes(self._source.notes(size), keys)
        entries = self._source.entries(LeafIndex(0), LeafIndex(size))
        step = 1
        while part := list(islice(entries, step)):
            tree.extend([hash_leaf(data) for data in part])
            self._take(part)
            if tally.entries == 1:
                check_genesis(self._batches.genesis, keys)
            is_signed = tally.entries == notes.next_size
            if is_signed:
                self._checkpoints += notes.compare(
                    tally.entries, tree.root(), is_between_batches=self._batches.open is None
                )
            if self._follower is not None:
                self._follower.step(tally.entries, is_signed=is_signed)
            self._progress(tally.entries, size)
            step = min(_STEP, notes.next_size - tally.entries) if notes.next_size > tally.entries else _STEP
        if tally.entries != size:
            raise unexplained(f"entry {tally.entries} is missing: the checkpoint counts {size}", tally.entries)
        if tree.root() != checkpoint.root:
            raise unexplained(f"the entries lead to root {tree.root().hex()}, signed is {checkpoint.root.hex()}")
        if self._batches.open is not None:
            raise unexplained("the ledger ends within a batch", size - 1)
        notes.finish()
        check_log_keys(self._directory, keys)

    # -- entries whose hashes are those of the tiles

    def _take(self, entries: Sequence[bytes]) -> None:
        at = 0
        while at < len(entries):
            batch = self._batches.open
            taken = 0 if batch is None else self._events(batch, entries[at : at + len(batch.waiting)])
            if not taken:
                self._other(entries[at])
                taken = 1
            at += taken

    def _other(self, data: bytes) -> None:
        """Take what is no event of an open batch."""
        index = LeafIndex(self._tally.entries)
        try:
            entry = decode_entry(data)
            match entry:
                case BatchEntry():
                    self._batches.take(index, entry, self._directory)
                    self._tally.batches += 1
                    self._tally.refusals.update(refused.code for refused in entry.refused)
                case GenesisEntry():
                    self._batches.start(index, entry)
                case EventEntry():
                    raise wrong("an event stands where no batch promised one")
        except ExchangeError as error:
            raise UnexplainedError(index, error) from error
        self._tally.entries += 1
        if self._follower is not None:
            self._follower.entry(data)

    def _events(self, batch: OpenBatch, entries: Sequence[bytes]) -> int:
        """Take the events at the head of some entries, at most those that a batch waits for; says how many."""
        first = self._tally.entries
        events: list[bytes] = []
        index = first
        try:
            for data in entries:
                event = event_of(data)
                if event is None:
                    break
                events.append(event)
                index += 1
            leaves = [leaf_hash(event) for event in events]
            if batch.key.region == HUB_REGION:
                self._apply(first, entries, events)
            index = first + max(0, len(events) - 1)
            self._batches.add_all(batch, leaves)
        except UnexplainedError:
            raise
        except ExchangeError as error:
            raise UnexplainedError(index, error) from error
        self._tally.entries += len(events)
        self._tally.events[UNREAD] += len(events)
        if self._follower is not None:
            for at, (leaf, event) in enumerate(zip(leaves, events, strict=True), first):
                self._follower.event(LeafIndex(at), leaf, event)
        return len(events)

    def _apply(self, first: int, entries: Sequence[bytes], events: Sequence[bytes]) -> None:
        """Apply the directory events of the hub; nobody else may make any."""
        for at, event in enumerate(events):
            if class_of(event) == "dir":
                try:
                    self._directory.apply_event(LeafIndex(first + at), entries[at], self._batches.rules.registry)
                except ExchangeError as error:
                    raise UnexplainedError(first + at, error) from error
