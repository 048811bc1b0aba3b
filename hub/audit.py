"""A whole audit: replay every entry and compare what follows with everything that the source keeps beside them.

The source may be a hub's data folder, a running hub or an exported tile directory; each says through `Source` what it
holds. What it holds is compared, never believed: tiles, earlier checkpoints, delivery runs, states, payloads.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from contracts.errors import EvidenceError, ExchangeError
from contracts.event import Header, SealedRef
from contracts.ids import Hash, LeafIndex, TreeSize
from hub.admission import Rules
from hub.ports import Run
from hub.replay import Delivery, Replay, Shelf, Tally
from ledger.checkpoint import Checkpoint, parse_checkpoint
from ledger.compact import root_of
from ledger.note import NoteVerifier
from ledger.tiles import TILE_WIDTH


class Source(Protocol):
    """Where a ledger is read from. What a source does not hold it does not check."""

    def checkpoint(self) -> bytes:
        """The signed note to audit up to."""

    def entries(self, start: LeafIndex, end: LeafIndex) -> Iterator[bytes]:
        """Entry bytes of [start, end), ascending, in bounded memory."""

    def notes(self) -> Iterator[bytes]:
        """Other signed checkpoints of this ledger, ascending by size."""

    def runs(self) -> Iterator[Run] | None:
        """Delivery runs as kept, in publishing order; None where none are kept."""

    def check_tile(self, level: int, index: int, hashes: bytes) -> None:
        """Compare one derived tile with the one that is kept.

        Raises:
            EvidenceError: TILE_INVALID: it differs; names the tile, and the entry at level 0.
        """

    def check_payload(self, index: LeafIndex, ref: SealedRef, header: Header) -> bool:
        """Say whether a payload that an entry names is held.

        Raises:
            EvidenceError: PAYLOAD_INVALID: other bytes are kept in its place.
        """

    def check_rest(self, replay: Replay, shelf: Shelf) -> None:
        """Compare whatever else is kept, after the last entry: states, heads, receipts, files.

        Raises:
            EvidenceError: Something differs; the message names it.
        """


@dataclass(frozen=True, slots=True)
class Report:
    """The result of an audit.

    Attributes:
        origin: Of the ledger.
        size: Entries under the audited checkpoint.
        root: Its root, hex.
        tally: What was counted.
        checkpoints: Earlier checkpoints that were compared.
        runs: Delivery runs that were compared.
        payloads_held: Payloads that the source holds; None where it holds none.
        problem: None if everything follows; else the first thing that does not.
    """

    origin: str
    size: int
    root: str
    tally: Tally
    checkpoints: int
    runs: int
    payloads_held: int
    problem: Problem | None

    def to_json(self) -> dict[str, Any]:
        """Plain values for machines; `unexplained` is 0 or 1, because an audit ends at the first."""
        plain = asdict(self)
        return {**plain, "unexplained": 0 if self.problem is None else 1}


@dataclass(frozen=True, slots=True)
class Problem:
    """The first thing that does not follow.

    Attributes:
        code: Stable code.
        reason: A sentence.
        index: The entry, if it is one.
    """

    code: str
    reason: str
    index: int | None


class Audit:
    """One audit of one source.

    Args:
        source: Where the ledger is read from.
        rules: The contracts.
        shelf: Empty.
        verifier: The log's key, from the auditor or his policy.
        progress: Told how many of how many entries are done, every 1,000 entries.
    """

    def __init__(
        self,
        *,
        source: Source,
        rules: Rules,
        shelf: Shelf,
        verifier: NoteVerifier,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._source = source
        self._shelf = shelf
        self._verifier = verifier
        self._progress = progress
        self._replay = Replay(rules=rules, shelf=shelf, observer=self)
        self._pending: defaultdict[str, deque[Delivery]] = defaultdict(deque)
        self._checkpoints = 0
        self._runs = 0
        self._payloads_held = 0

    def run(self) -> Report:
        """Audit to the end or to the first thing that does not follow; never raises for what the source holds."""
        problem: Problem | None = None
        checkpoint = Checkpoint(self._verifier.name, TreeSize(0), root_of(()))
        try:
            checkpoint = parse_checkpoint(self._source.checkpoint(), self._verifier)
            self._read(checkpoint)
        except ExchangeError as error:
            problem = Problem(error.code, error.message, getattr(error, "index", None))
        return Report(
            checkpoint.origin,
            checkpoint.size,
            checkpoint.root.hex(),
            self._replay.tally,
            self._checkpoints,
            self._runs,
            self._payloads_held,
            problem,
        )

    def _read(self, checkpoint: Checkpoint) -> None:
        replay, tiles = self._replay, _Tiles(self._source)
        notes, runs = _Notes(self._source, self._verifier), _Runs(self._source.runs())
        for data in self._source.entries(LeafIndex(0), LeafIndex(checkpoint.size)):
            tiles.append(replay.feed(data))
            done = replay.tally.entries
            if done == notes.next_size:
                self._compare_note(notes, done)
                self._compare_runs(runs, done)
            if self._progress is not None and not done % 1000:
                self._progress(done, checkpoint.size)
        if replay.tally.entries != checkpoint.size:
            raise _wrong(f"entry {replay.tally.entries} is missing: the checkpoint counts {checkpoint.size}")
        if replay.tree.root() != checkpoint.root:
            raise _wrong(f"the entries lead to root {replay.tree.root().hex()}, signed is {checkpoint.root.hex()}")
        if not replay.is_between_batches:
            raise _wrong("the ledger ends within a batch")
        tiles.finish()
        notes.finish()
        self._compare_runs(runs, checkpoint.size)
        self._finish_runs(runs)
        self._source.check_rest(replay, self._shelf)
        if self._progress is not None:
            self._progress(checkpoint.size, checkpoint.size)

    def _compare_note(self, notes: _Notes, size: int) -> None:
        kept = notes.take()
        if kept.root != self._replay.tree.root():
            raise _wrong(f"the checkpoint of size {size} is signed over another root: {kept.root.hex()}")
        if not self._replay.is_between_batches:
            raise _wrong(f"the checkpoint of size {size} cuts a batch")
        self._checkpoints += 1

    # -- hub.replay.Observer

    def delivered(self, delivery: Delivery) -> None:
        """See `hub.replay.Observer`."""
        self._pending[delivery.point].append(delivery)

    def sealed(self, index: LeafIndex, ref: SealedRef, header: Header) -> None:
        """See `hub.replay.Observer`."""
        self._payloads_held += self._source.check_payload(index, ref, header)

    def _compare_runs(self, runs: _Runs, size: int) -> None:
        """Compare the runs of the commits up to a size; derived notifications wait no longer than one commit."""
        if runs.is_absent:
            self._pending.clear()
            return
        while (run := runs.next) is not None and run.size <= size:
            waiting, last = self._pending[run.point], run.head_before
            for offset, index in enumerate(run.indexes):
                derived = waiting.popleft() if waiting else None
                if derived is None or (derived.n, derived.index) != (run.first_n + offset, index):
                    told = f"{run.point} {run.first_n + offset} is entry {index}"
                    mine = "nothing" if derived is None else f"{derived.n} is entry {derived.index}"
                    raise EvidenceError("HEAD_MISMATCH", f"delivery run: kept {told}, derived {mine}")
                last = derived.head
            if last != run.head_after:
                raise EvidenceError("HEAD_MISMATCH", f"delivery run {run.point} {run.first_n}: another running hash")
            self._runs += 1
            runs.take()

    def _finish_runs(self, runs: _Runs) -> None:
        left = next((waiting[0] for waiting in self._pending.values() if waiting), None)
        if left is not None and not runs.is_absent:
            raise EvidenceError("HEAD_MISMATCH", f"{left.point} never got notification {left.n}, entry {left.index}")
        if runs.next is not None:
            raise EvidenceError("HEAD_MISMATCH", f"delivery run {runs.next.point} {runs.next.first_n} has no entries")


class _Tiles:
    """Derives hash tiles as leaves come, and has each one compared when it is full."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._levels: list[tuple[int, list[Hash]]] = []

    def append(self, leaf: Hash, level: int = 0) -> None:
        if level == len(self._levels):
            self._levels.append((0, []))
        index, hashes = self._levels[level]
        hashes.append(leaf)
        if len(hashes) == TILE_WIDTH:
            self._source.check_tile(level, index, b"".join(hashes))
            self._levels[level] = (index + 1, [])
            self.append(root_of(hashes), level + 1)

    def finish(self) -> None:
        for level, (index, hashes) in enumerate(self._levels):
            if hashes:
                self._source.check_tile(level, index, b"".join(hashes))


class _Notes:
    """The earlier checkpoints of a source, one ahead."""

    def __init__(self, source: Source, verifier: NoteVerifier) -> None:
        self._notes = source.notes()
        self._verifier = verifier
        self._size = 0
        self._next: Checkpoint | None = None
        self._advance()

    @property
    def next_size(self) -> int:
        """Size of the next one; -1 if there is none."""
        return -1 if self._next is None else self._next.size

    def take(self) -> Checkpoint:
        """The next one."""
        if self._next is None:
            raise _wrong("no checkpoint is left")
        taken = self._next
        self._advance()
        return taken

    def _advance(self) -> None:
        note = next(self._notes, None)
        self._next = None if note is None else parse_checkpoint(note, self._verifier)
        if self._next is not None:
            if self._next.size <= self._size:
                raise _wrong(f"a checkpoint of size {self._next.size} stands after one of {self._size}")
            self._size = self._next.size

    def finish(self) -> None:
        if self._next is not None:
            raise _wrong(f"a signed checkpoint of size {self._next.size} is newer than the ledger")


class _Runs:
    """The kept runs, one ahead."""

    def __init__(self, runs: Iterator[Run] | None) -> None:
        self._runs = runs
        self.next: Run | None = None if runs is None else next(runs, None)

    @property
    def is_absent(self) -> bool:
        """Whether the source keeps no runs."""
        return self._runs is None

    def take(self) -> None:
        self.next = None if self._runs is None else next(self._runs, None)


def _wrong(message: str) -> EvidenceError:
    return EvidenceError("LEDGER_UNEXPLAINED", message)
