"""The audit of a log that is not ours: its tree, its tiles and its signatures, and nothing that only our entries have.

Any C2SP tile log can be read so: entries are bytes whose leaf is hashed; checkpoints may have extension lines. What is
left out is said in the result, so that nobody takes it for the audit of a ledger of ours.

Source: C2SP tlog-tiles and tlog-checkpoint; LEDGER, sections 1 to 3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from contracts.errors import ExchangeError, UnavailableError
from contracts.ids import LeafIndex
from hub.audit_errors import KeptError
from hub.audit_report import Problem
from hub.audit_source import Source
from hub.audit_tree import TileTree
from ledger.checkpoint import Checkpoint, parse_foreign_text
from ledger.compact import hash_leaf
from ledger.policy import Policy

LEFT_OUT: Final = "batches and their signatures, matters, deliveries, heads, duties, openings, receipts, payloads"
"""What an audit of a foreign log does not look at."""
_STEP: Final = 1000


@dataclass(frozen=True, slots=True)
class ForeignReport:
    """The result.

    Attributes:
        source: What was audited, in the auditor's words.
        origin: Of the log.
        size: Entries under the audited checkpoint.
        root: Its root, hex.
        entries: That were hashed.
        cosigners: Names of the policy's witnesses that cosigned.
        problem: None if everything holds; else the first thing that does not.
    """

    source: str
    origin: str = ""
    size: int = 0
    root: str = ""
    entries: int = 0
    cosigners: tuple[str, ...] = ()
    problem: Problem | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values for machines. Names stay; new ones may come."""
        problem = self.problem
        return {
            "source": self.source,
            "foreign": True,
            "left_out": LEFT_OUT,
            "origin": self.origin,
            "size": self.size,
            "root": self.root,
            "entries": self.entries,
            "cosigners": list(self.cosigners),
            "unexplained": 0 if problem is None else 1,
            "problem": None
            if problem is None
            else {"code": problem.code, "entry": problem.index, "place": problem.place, "reason": problem.reason},
        }


class ForeignAudit:
    """One audit of one log.

    Args:
        name: The source in the auditor's words.
        source: Keeps checkpoint, tiles and entries.
        policy: Whose signatures the checkpoint must bear.
        progress: Told how many of how many entries are done.
    """

    def __init__(
        self, name: str, source: Source, policy: Policy, progress: Callable[[int, int], None] | None = None
    ) -> None:
        self._name = name
        self._source = source
        self._policy = policy
        self._progress = progress or (lambda done, size: None)
        self._checkpoint: Checkpoint | None = None
        self._cosigners: tuple[str, ...] = ()
        self._done = 0

    def run(self) -> ForeignReport:
        """Audit to the end or to the first thing that does not hold.

        Raises:
            UnavailableError: The source cannot be read; nothing is said about the log.
        """
        problem: Problem | None = None
        try:
            self._read()
        except UnavailableError:
            raise
        except KeptError as error:
            problem = Problem(error.code, error.message, error.index, error.place)
        except ExchangeError as error:
            problem = Problem(error.code, error.message)
        checkpoint = self._checkpoint
        return ForeignReport(
            self._name,
            "" if checkpoint is None else checkpoint.origin,
            0 if checkpoint is None else checkpoint.size,
            "" if checkpoint is None else checkpoint.root.hex(),
            self._done,
            self._cosigners,
            problem,
        )

    def _read(self) -> None:
        kept = self._source.checkpoint()
        try:
            witnessed = self._policy.verify(kept.data, parse_foreign_text)
        except ExchangeError as error:
            raise KeptError(error.code, error.message, place=kept.place) from error
        checkpoint = self._checkpoint = witnessed.checkpoint
        self._cosigners = tuple(name for name, _ in witnessed.cosigned_at)
        size = checkpoint.size
        tree = TileTree(self._source, size)
        for data in self._source.entries(LeafIndex(0), LeafIndex(size)):
            leaf = hash_leaf(data)
            tree.check_leaf(leaf)
            tree.append(leaf)
            self._done += 1
            if not self._done % _STEP:
                self._progress(self._done, size)
        if self._done != size:
            raise KeptError("LEDGER_UNEXPLAINED", f"entry {self._done} is missing: {size} are signed", index=self._done)
        if tree.root() != checkpoint.root:
            told = f"the entries lead to root {tree.root().hex()}, signed is {checkpoint.root.hex()}"
            raise KeptError("LEDGER_UNEXPLAINED", told, place=kept.place)
        self._progress(size, size)
