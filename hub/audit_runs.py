"""Delivery runs, kept and derived: each notification that follows from an entry is in exactly one run, in its place."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from itertools import islice

from contracts.errors import EvidenceError
from contracts.ids import Hash
from hub.audit_errors import KeptError
from hub.ports import Run
from hub.replay_ports import Delivery

_ZERO = Hash(bytes(32))


class RunCheck:
    """Compares runs in publishing order with notifications in ledger order.

    Args:
        runs: As kept; None where none are kept.

    Attributes:
        heads: Running hash of each point after its last run that was compared.
        compared: Runs that were compared; None where none are kept.
    """

    def __init__(self, runs: Iterator[Run] | None) -> None:
        self._runs = runs
        self._next = None if runs is None else next(runs, None)
        self._waiting: defaultdict[str, deque[Delivery]] = defaultdict(deque)
        self._count = 0
        self.heads: dict[str, Hash] = {}
        self.compared: int | None = None if runs is None else 0

    @property
    def is_waiting(self) -> bool:
        """Whether a notification waits for its run."""
        return self._count > 0

    def take_up(self, compared: int | None, heads: dict[str, Hash]) -> None:
        """Go on after runs that an earlier audit of the same ledger compared; this one has compared none."""
        if self._runs is not None and compared:
            self._next = next(islice(self._runs, compared - 1, None), None)
        self.compared = self.compared if compared is None else compared
        self.heads = heads

    def derived(self, delivery: Delivery) -> None:
        """Take a notification that follows from an entry."""
        if self._runs is not None:
            self._waiting[delivery.point].append(delivery)
            self._count += 1

    def compare(self, size: int) -> None:
        """Compare the runs of commits up to a size; notifications wait no longer than for their commit.

        Raises:
            EvidenceError: HEAD_MISMATCH: a notification is missing, added or another one; names the entry.
        """
        if self._runs is None or self.compared is None:
            return
        while (run := self._next) is not None and run.size <= size:
            self._compare(run)
            self.compared += 1
            self._next = next(self._runs, None)
        if self._count:
            first = min((w[0] for w in self._waiting.values() if w), key=lambda delivery: delivery.entry)
            raise _mismatch(f"{first.point} never got it as notification {first.n}", first.entry)

    def _compare(self, run: Run) -> None:
        waiting = self._waiting[run.point]
        head = self.heads.get(run.point, _ZERO)
        is_right = head == run.head_before
        for offset, index in enumerate(run.indexes):
            n = run.first_n + offset
            if not waiting:
                raise _mismatch(f"{run.point} got it as notification {n}, which follows from no entry", index)
            derived = waiting.popleft()
            self._count -= 1
            if (derived.n, derived.entry) != (n, index):
                raise _mismatch(
                    f"{run.point} should get it as notification {derived.n}; kept is entry {index} as {n}",
                    min(derived.entry, index),
                )
            head = derived.head
            is_right = is_right and derived.is_case is run.is_case
        self.heads[run.point] = head
        if not is_right or head != run.head_after:
            index = min(run.indexes, default=-1)
            raise _mismatch(f"run {run.point} {run.first_n} has another running hash or class", index)

    def finish(self) -> None:
        """Check that no run is left after the last entry.

        Raises:
            EvidenceError: HEAD_MISMATCH.
        """
        if self._next is not None:
            run = self._next
            raise _mismatch(f"run {run.point} {run.first_n} belongs to no recorded entry", min(run.indexes, default=-1))


def _mismatch(message: str, index: int) -> EvidenceError:
    return KeptError("HEAD_MISMATCH", message, place="delivery_runs", index=None if index < 0 else index)
