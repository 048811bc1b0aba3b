"""A whole audit: replay every entry and compare what follows with everything that the source keeps beside them.

Order of an entry: its leaf hash against the kept one, then what it says (`hub.replay`), then the tree; at each signed
checkpoint the root and the delivery runs up to there (`hub.audit_pass`); after the last entry whatever else is kept.
The first thing that does not follow ends the audit and is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from contracts.errors import ExchangeError, UnavailableError
from contracts.event import Header
from contracts.ids import LeafIndex
from hub.admission import Rules
from hub.audit_errors import KeptError, UnexplainedError
from hub.audit_notes import check_log_keys
from hub.audit_pass import LedgerPass
from hub.audit_payloads import PayloadCheck
from hub.audit_report import Problem, Progress, Report, problem_of
from hub.audit_runs import RunCheck
from hub.audit_source import AuditShelf, Source
from hub.audit_state import Progressed, State, state_of, take_up
from hub.audit_tree import TileTree
from hub.replay import Replay
from hub.replay_ports import Delivery
from ledger.entry import GenesisEntry
from ledger.tiles import TILE_WIDTH


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
        self._source = source
        self._shelf = shelf
        self._pass = LedgerPass(name=name, source=source, registry=lambda: rules.registry, vkey=vkey, progress=progress)
        self._keeper: Keeper = keeper or _NoKeeper()
        self._replay = Replay(rules=rules, shelf=shelf, observer=self)
        self._runs: RunCheck = RunCheck(None)
        self._payloads = PayloadCheck(source, rules)
        self._parts: Progressed | None = None
        self._vkey = ""

    def run(self) -> Report:
        """Audit to the end or to the first thing that does not follow.

        Raises:
            UnavailableError: The source cannot be read; nothing is said about the ledger.
            ConflictError: AUDIT_STATE_FOREIGN: the state to go on from is another ledger's.
        """
        problem: Problem | None = None
        try:
            self._read()
        except UnavailableError:
            raise
        except ExchangeError as error:
            if error.code == "AUDIT_STATE_FOREIGN":
                raise
            problem = problem_of(self._earlier(error), self._source)
        return self._pass.report(
            self._replay.tally, self._replay.genesis, problem, runs=self._runs.compared, payloads=self._payloads.count()
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

    def _read(self) -> None:
        checkpoint, keys = self._pass.begin()
        self._vkey, size = keys.first.vkey, checkpoint.size
        tree = TileTree(self._source, size)
        self._runs = RunCheck(self._source.runs(size))
        self._parts = Progressed(self._replay, tree, self._runs)
        state = self._keeper.state
        if state is not None:
            take_up(state, self._parts, self._source, checkpoint, self._vkey)
            self._pass.checkpoints = int(state["checkpoints"])
            self._payloads.take_up(state["contents"])
        self._pass.walk(self, tree, start=self._replay.tally.entries)
        check_log_keys(self._replay.directory, keys)
        self._runs.compare(size)
        self._runs.finish()
        self._source.check_files(self._replay)
        self._source.check_rest(self._replay)

    # -- hub.audit_pass.Taker

    @property
    def genesis(self) -> GenesisEntry | None:
        """See `hub.audit_pass.Taker`."""
        return self._replay.genesis

    @property
    def is_between_batches(self) -> bool:
        """See `hub.audit_pass.Taker`."""
        return self._replay.is_between_batches

    @property
    def at_once(self) -> int:
        """See `hub.audit_pass.Taker`: one by one where the next end of a batch is a place to keep the state."""
        return 1 if self._keeper.is_due else TILE_WIDTH

    def take(self, entries: Sequence[bytes]) -> None:
        """See `hub.audit_pass.Taker`."""
        self._replay.take(entries)

    def step(self, size: int, *, is_signed: bool) -> None:
        """See `hub.audit_pass.Taker`."""
        if is_signed:
            self._runs.compare(size)
        if self._keeper.is_due and self._replay.is_between_batches and not self._runs.is_waiting:
            self._keep()

    def finish(self, size: int) -> None:
        """See `hub.audit_pass.Taker`."""
        self._payloads.finish(size)
        self._shelf.finish()

    def _keep(self) -> None:
        if self._parts is None or self._replay.genesis is None:
            raise AssertionError("nothing was read yet")
        self._payloads.flush()
        self._keeper.keep(
            state_of(
                self._parts,
                vkey=self._vkey,
                origin=self._replay.genesis.origin,
                checkpoints=self._pass.checkpoints,
                contents=self._payloads.state(),
            )
        )

    # -- hub.replay.Observer

    def delivered(self, delivery: Delivery) -> None:
        """See `hub.replay.Observer`."""
        self._runs.derived(delivery)

    def content(self, index: LeafIndex, header: Header) -> None:
        """See `hub.replay.Observer`."""
        self._payloads.event(index, header)
