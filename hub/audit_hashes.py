"""The evidence of a ledger without what its events mean: hashes, tiles, signatures, chains, signed roots, checkpoints.

Only directory events are read, because they say which keys are valid. Alone this is the quick audit
(`pprd audit --hashes-only`); beside `hub.audit_states` in another process it is one half of the whole one, and then
tells a `Follower` what it has read. Hashes of entries, tiles and checkpoints: `hub.audit_pass`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from contracts.errors import ExchangeError, UnavailableError
from contracts.event import class_of
from contracts.ids import HUB_REGION, Hash, LeafIndex
from hub.admission import Rules
from hub.audit_batches import BatchChain, OpenBatch, wrong
from hub.audit_errors import UnexplainedError
from hub.audit_forward import Passed
from hub.audit_notes import check_log_keys, unexplained
from hub.audit_pass import LedgerPass
from hub.audit_report import Problem, Progress, Report, problem_of
from hub.audit_runs import RunCheck
from hub.audit_source import Source
from hub.audit_tree import TileTree
from hub.directory import Directory
from hub.ports import ProducerState
from hub.tally import UNREAD, Tally
from ledger.compact import hash_leaves
from ledger.entry import BatchEntry, EventEntry, GenesisEntry, decode_entry, event_of
from ledger.tiles import TILE_WIDTH

NOT_CHECKED: Final = (
    "what events say: their form, their office's mandate, their procedure, the state of their matter",
    "deliveries, their running hashes and the published heads",
    "openings and missed duties",
    "sealed payloads",
    "event ids that come twice",
)
"""What this pass leaves out of any ledger, in the words of the report; of a source that keeps more, that too."""


def left_out(source: Source) -> tuple[str, ...]:
    """What this pass does not check of a source."""
    return (*NOT_CHECKED, *source.only_replayed)


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
        self._source = source
        self._pass = LedgerPass(name=name, source=source, registry=lambda: rules.registry, vkey=vkey, progress=progress)
        self._batches = BatchReader(rules, follower)

    def run(self) -> Report:
        """Go to the end or to the first thing that does not follow.

        Raises:
            UnavailableError: The source cannot be read; nothing is said about the ledger.
        """
        problem: Problem | None = None
        try:
            checkpoint, keys = self._pass.begin()
            self._pass.walk(self._batches, TileTree(self._source, checkpoint.size))
            check_log_keys(self._batches.directory, keys)
            self._source.check_files(self._batches)
        except UnavailableError:
            raise
        except ExchangeError as error:
            problem = problem_of(error, self._source)
        return self._pass.report(
            self._batches.tally, self._batches.genesis, problem, not_checked=left_out(self._source)
        )


class PassedBatches:
    """The half of a divided quick audit that is handed entries whose leaf hashes hold: chains, signatures, batch roots.

    The other half is `hub.audit_forward.EntryForward`. Together they check what `HashAudit` checks alone; which of
    several things that do not follow comes first is only said by that one.

    Args:
        source: The same ledger that the reader reads.
        rules: The contracts.
        size: Of the audited checkpoint.

    Attributes:
        runs: Of delivery runs nothing is compared.
    """

    def __init__(self, source: Source, rules: Rules, size: int) -> None:
        self._source = source
        self._batches = BatchReader(rules)
        self._size = size
        self.runs = RunCheck(None)

    @property
    def genesis(self) -> GenesisEntry | None:
        """Entry 0."""
        return self._batches.genesis

    @property
    def directory(self) -> Directory:
        """As of the last entry."""
        return self._batches.directory

    @property
    def tally(self) -> Tally:
        """What was counted."""
        return self._batches.tally

    def take(self, passed: Passed[bytes]) -> None:
        """Follow some entries.

        Raises:
            EvidenceError: One of them does not follow.
        """
        self._batches.take(passed.entries)
        if self.tally.entries != passed.size:
            raise unexplained(f"{passed.size} entries were told and {self.tally.entries} came")
        if passed.is_signed and not self._batches.is_between_batches:
            raise unexplained(f"size {passed.size} cuts a batch")

    def finish(self) -> None:
        """Check that all came, and compare what is kept beside them.

        Raises:
            EvidenceError: Some did not, or something differs.
        """
        if self.tally.entries != self._size or not self._batches.is_between_batches:
            raise unexplained(f"{self.tally.entries} entries came, the checkpoint counts {self._size}")
        self._source.check_files(self._batches)


class BatchReader:
    """`hub.audit_pass.Taker` that checks chains, signatures and signed roots of batches.

    Args:
        rules: The contracts.
        follower: Told of every entry; None if nobody is.

    Attributes:
        tally: What was counted so far; events are counted without their types.
        directory: As of the last entry.
        directory_log: See `hub.audit_source.Followed`.
    """

    at_once = TILE_WIDTH
    """See `hub.audit_pass.Taker`."""

    def __init__(self, rules: Rules, follower: Follower | None = None) -> None:
        self.tally = Tally()
        self._batches = BatchChain(rules)
        self.directory = Directory(rules.divisions)
        self.directory_log: list[LeafIndex] = []
        self._follower = follower

    @property
    def genesis(self) -> GenesisEntry | None:
        """See `hub.audit_pass.Taker`."""
        return self._batches.genesis

    @property
    def producers(self) -> dict[str, ProducerState]:
        """See `hub.audit_source.Followed`."""
        return self._batches.producers

    @property
    def is_between_batches(self) -> bool:
        """See `hub.audit_pass.Taker`."""
        return self._batches.open is None

    def step(self, size: int, *, is_signed: bool) -> None:
        """See `hub.audit_pass.Taker`."""
        if self._follower is not None:
            self._follower.step(size, is_signed=is_signed)

    def finish(self, size: int) -> None:
        """See `hub.audit_pass.Taker`: nothing is left."""

    def take(self, entries: Sequence[bytes]) -> None:
        """See `hub.audit_pass.Taker`."""
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
        index = LeafIndex(self.tally.entries)
        try:
            entry = decode_entry(data)
            match entry:
                case BatchEntry():
                    self._batches.take(index, entry, self.directory)
                    self.tally.batches += 1
                    self.tally.refusals.update(refused.code for refused in entry.refused)
                case GenesisEntry():
                    self._batches.start(index, entry, self.directory)
                case EventEntry():
                    raise wrong("an event stands where no batch promised one")
        except ExchangeError as error:
            raise UnexplainedError(index, error) from error
        self.tally.entries += 1
        if self._follower is not None:
            self._follower.entry(data)

    def _events(self, batch: OpenBatch, entries: Sequence[bytes]) -> int:
        """Take the events at the head of some entries, at most those that a batch waits for; says how many."""
        first = self.tally.entries
        events: list[bytes] = []
        index = first
        try:
            for data in entries:
                event = event_of(data)
                if event is None:
                    break
                events.append(event)
                index += 1
            leaves = hash_leaves(events)
            if batch.key.region == HUB_REGION:
                self._apply(first, entries, events)
            index = first + max(0, len(events) - 1)
            self._batches.add_all(batch, leaves)
        except UnexplainedError:
            raise
        except ExchangeError as error:
            raise UnexplainedError(index, error) from error
        self.tally.entries += len(events)
        self.tally.events[UNREAD] += len(events)
        if self._follower is not None:
            for at, (leaf, event) in enumerate(zip(leaves, events, strict=True), first):
                self._follower.event(LeafIndex(at), leaf, event)
        return len(events)

    def _apply(self, first: int, entries: Sequence[bytes], events: Sequence[bytes]) -> None:
        """Apply the directory events of the hub; nobody else may make any."""
        for at, event in enumerate(events):
            if class_of(event) == "dir":
                try:
                    self.directory.apply_event(LeafIndex(first + at), entries[at], self._batches.rules.registry)
                    self.directory_log.append(LeafIndex(first + at))
                except ExchangeError as error:
                    raise UnexplainedError(first + at, error) from error
