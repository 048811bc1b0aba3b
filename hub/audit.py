"""A whole audit: replay every entry and compare what follows with everything that the source keeps beside them.

Order of an entry: its leaf hash against the kept one, then what it says (`hub.replay`), then the tree; at each signed
checkpoint the root and the delivery runs up to there; after the last entry whatever else is kept. The first thing that
does not follow ends the audit and is named.
"""

from __future__ import annotations

from typing import Final, Protocol

from contracts.errors import ExchangeError, UnavailableError
from contracts.event import Header
from contracts.ids import LeafIndex
from hub.admission import Rules
from hub.audit_errors import KeptError, UnexplainedError
from hub.audit_notes import Notes, check_genesis, check_log_keys, log_keys, parse_kept, unexplained
from hub.audit_payloads import PayloadCheck
from hub.audit_report import Problem, Progress, Report, predecessor_of, problem_of
from hub.audit_runs import RunCheck
from hub.audit_source import AuditShelf, Source
from hub.audit_state import Progressed, State, state_of, take_up
from hub.audit_tree import TileTree
from hub.replay import Delivery, Replay
from ledger.checkpoint import Checkpoint
from ledger.compact import hash_leaf
from ledger.log_keys import LogKeys

_STEP: Final = 1000


class Keeper(Protocol):
    """Keeps the state of an audit together with its shelf."""

    @property
    def state(self) -> State | None:
        """The state to go on from, whose matters and event ids are on the shelf; None to begin at the first entry."""

    @property
    def is_due(self) -> bool:
        """Whether it is time to keep the state again."""

    def keep(self, state: State) -> None:
        """Keep a state and the shelf as it is now, durably and both or none."""


class _NoKeeper:
    """Keeps nothing."""

    state: State | None = None
    is_due = False

    def keep(self, state: State) -> None:
        """Keep nothing."""


class Audit:
    """One audit of one source.

    Args:
        name: The source in the auditor's words.
        source: Where the ledger is read from.
        rules: The contracts.
        shelf: Empty.
        vkey: The log's verifier key as the auditor knows it; None asks the source, and the report says so.
        progress: Told now and then.
        keeper: Keeps the state of the audit now and then, and has that of an interrupted one.
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
        keeper: Keeper | None = None,
    ) -> None:
        self._name = name
        self._source = source
        self._shelf = shelf
        self._rules = rules
        self._vkey = vkey
        self._progress = progress or (lambda done, size: None)
        self._keeper: Keeper = keeper or _NoKeeper()
        self._checkpoint: Checkpoint | None = None
        self._replay = Replay(rules=rules, shelf=shelf, observer=self)
        self._runs: RunCheck = RunCheck(None)
        self._payloads = PayloadCheck(source, rules)
        self._checkpoints = 0

    def run(self) -> Report:
        """Audit to the end or to the first thing that does not follow.

        Raises:
            UnavailableError: The source cannot be read; nothing is said about the ledger.
            ConflictError: AUDIT_STATE_FOREIGN: the state to go on from is another ledger's.
        """
        problem: Problem | None = None
        key = self._vkey or ""
        try:
            key = key or self._source.log_key()
            self._read(log_keys(self._source, key, self._rules.registry))
        except UnavailableError:
            raise
        except ExchangeError as error:
            if error.code == "AUDIT_STATE_FOREIGN":
                raise
            problem = problem_of(self._earlier(error), self._source)
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
            payloads=self._payloads.count(),
            predecessor=predecessor_of(self._replay.genesis),
            problem=problem,
        )

    @property
    def sealed_streams(self) -> frozenset[bytes]:
        """Ids of the streams that are sealed, as of the last entry that was audited."""
        return self._replay.sealed.streams

    def _earlier(self, error: ExchangeError) -> ExchangeError:
        """The error, or what the shelf finds only now about the event id of an earlier entry."""
        try:
            self._shelf.finish()
        except (UnexplainedError, KeptError) as found:
            index = getattr(error, "index", None)
            is_first = index is not None and (found.index is None or index <= found.index)
            return error if is_first else found
        return error

    def _read(self, keys: LogKeys) -> None:
        checkpoint = self._checkpoint = parse_kept(self._source.checkpoint(), keys)
        size = checkpoint.size
        tree = TileTree(self._source, size)
        replay = self._replay = Replay(rules=self._rules, shelf=self._shelf, observer=self, tree=tree)
        self._runs = runs = RunCheck(self._source.runs(size))
        parts = Progressed(replay, tree, runs)
        self._take_up(parts, checkpoint, keys)
        done = replay.tally.entries
        notes = Notes(self._source.notes(size), keys, after=done)
        next_size = notes.next_size
        for data in self._source.entries(LeafIndex(done), LeafIndex(size)):
            leaf = hash_leaf(data)
            tree.check_leaf(leaf)
            replay.feed(data, leaf)
            if done == 0:
                check_genesis(replay.genesis, keys)
            done += 1
            if done == next_size:
                root = tree.root()
                self._checkpoints += notes.compare(done, root, is_between_batches=replay.is_between_batches)
                runs.compare(done)
                next_size = notes.next_size
            if self._keeper.is_due and replay.is_between_batches and not runs.is_waiting:
                self._keep(parts, keys)
            if not done % _STEP:
                self._progress(done, size)
        self._payloads.finish(size)
        self._shelf.finish()
        if done != size:
            raise unexplained(f"entry {done} is missing: the checkpoint counts {size}", done)
        if tree.root() != checkpoint.root:
            raise unexplained(f"the entries lead to root {tree.root().hex()}, signed is {checkpoint.root.hex()}")
        if not replay.is_between_batches:
            raise unexplained("the ledger ends within a batch", size - 1)
        notes.finish()
        check_log_keys(replay.directory, keys)
        runs.compare(size)
        runs.finish()
        self._source.check_rest(replay)
        self._progress(size, size)

    # -- going on after an interruption

    def _take_up(self, parts: Progressed, checkpoint: Checkpoint, keys: LogKeys) -> None:
        state = self._keeper.state
        if state is not None:
            take_up(state, parts, self._source, checkpoint, keys.first.vkey)
            self._checkpoints = int(state["checkpoints"])
            self._payloads.take_up(state["contents"])

    def _keep(self, parts: Progressed, keys: LogKeys) -> None:
        self._payloads.flush()
        contents = self._payloads.state()
        state = state_of(
            parts, vkey=keys.first.vkey, origin=keys.origin, checkpoints=self._checkpoints, contents=contents
        )
        self._keeper.keep(state)

    # -- hub.replay.Observer

    def delivered(self, delivery: Delivery) -> None:
        """See `hub.replay.Observer`."""
        self._runs.derived(delivery)

    def content(self, index: LeafIndex, header: Header) -> None:
        """See `hub.replay.Observer`."""
        self._payloads.event(index, header)
