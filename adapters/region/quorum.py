"""Whether the witnesses that a region relies on have cosigned the heads that it is shown: `Quorum`.

Cosignatures come after a commit, so nothing waits for them: what a region stores and sends is proved without. But a
head that no quorum has cosigned for long is one that perhaps nobody else was shown, and that is told. Lines of a head
are counted together, whoever showed them: the broker's common subject, a receipt, a witness that was asked. A line
that does not verify counts for nothing; it may be anybody's.

Source: ADR 0068.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final

import structlog

from contracts.errors import ExchangeError
from ledger.checkpoint import Checkpoint
from ledger.note import parse_note
from ledger.policy import NO_QUORUM, Policy

_WAITING: Final = 1024
"""Heads that are remembered while they wait, at most; the oldest ones say how long it takes."""
log = structlog.get_logger()


class Quorum:
    """What the witnesses of one policy have cosigned.

    Args:
        policy: Whom the region relies on.
        clock: Seconds that only grow.

    Attributes:
        reached: The largest size that the quorum was seen to have cosigned; 0 before the first.
    """

    def __init__(self, policy: Policy, clock: Callable[[], float] = monotonic) -> None:
        self._policy = policy
        self._clock = clock
        self._since: dict[int, float] = {}
        self._cosigned: dict[int, set[str]] = {}
        self.reached = 0

    @property
    def is_demanded(self) -> bool:
        """Whether the policy asks for any witness."""
        return self._policy.quorum != NO_QUORUM

    def hear(self, checkpoint: Checkpoint, note: bytes) -> None:
        """Count the lines under a head that was checked and contradicts no other."""
        size = checkpoint.size
        if not self.is_demanded or size <= self.reached:
            return
        if size not in self._since:
            if len(self._since) >= _WAITING:
                return
            self._since[size] = self._clock()
        names = self._cosigned.setdefault(size, set())
        for witness in self._policy.witnesses:
            try:
                parse_note(note, [witness.verifier])
            except ExchangeError:
                continue
            names.add(witness.name)
        if self._policy.is_reached(names):
            self.reached = size
            self._since = {waiting: since for waiting, since in self._since.items() if waiting > size}
            self._cosigned = {waiting: seen for waiting, seen in self._cosigned.items() if waiting > size}

    def waiting_seconds(self) -> float:
        """How long the head that waits longest for its quorum has been known; 0 if none waits."""
        return self._clock() - min(self._since.values()) if self._since else 0.0

    def tell(self, limit_seconds: float) -> bool:
        """Say in the log that a head waits longer than it may; says whether one does."""
        waiting = self.waiting_seconds()
        if waiting <= limit_seconds:
            return False
        log.warning("quorum.missed", size=max(self._since), count=len(self._since), lag_seconds=int(waiting))
        return True
