"""How many payloads an office and an officer may ask for in an hour: nobody reads his way through what is held.

Counted is every request that its region signed, whatever became of it, so that trying costs as much as reading. The
count is in memory: a hub that starts again counts from nothing, and what was opened is in the ledger all the same.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from contracts.errors import UnavailableError
from contracts.opening import load_opening_rules

HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class OpeningLimits:
    """Requests in any hour.

    Attributes:
        per_office: Of all officers of one office, at least 1.
        per_officer: Of one officer, at least 1; requests that name none count as one officer's.
    """

    per_office: int = 600
    per_officer: int = 120


class OpeningRate:
    """Counts requests. Mutable; one writer's. Memory grows with the limits and the offices of the last hour only.

    Args:
        limits: Requests in any hour.
    """

    def __init__(self, limits: OpeningLimits) -> None:
        self._limits = limits
        self._asked: dict[tuple[str, bytes], deque[int]] = {}
        self._log: deque[tuple[int, tuple[str, bytes]]] = deque()

    def take(self, office: str, officer: bytes, now_ms: int, reason: str = "TASK") -> None:
        """Count one request.

        Args:
            office: Who asks.
            officer: The office's own reference, not empty.
            now_ms: Hub time, milliseconds; never goes back.
            reason: Its code; one that stands in place of an open task has a limit of its own besides.

        Raises:
            UnavailableError: OPEN_TOO_MANY, with the pause until the next one is free; it is not counted.
        """
        self._forget(now_ms)
        counts = [((office, b""), self._limits.per_office), ((office, officer), self._limits.per_officer)]
        clearance = load_opening_rules().clearances.get(reason)
        if clearance is not None:
            counts.append(((office, reason.encode()), clearance.per_office))
        waits = [
            self._asked[name][0] + HOUR_MS - now_ms for name, most in counts if len(self._asked.get(name, ())) >= most
        ]
        if waits:
            error = UnavailableError("OPEN_TOO_MANY", "so many openings in an hour are too many", field="office")
            error.retry_after_ms = max(waits)
            raise error
        for name, _ in counts:
            self._asked.setdefault(name, deque()).append(now_ms)
            self._log.append((now_ms, name))

    def _forget(self, now_ms: int) -> None:
        """Drop what is an hour old, oldest first."""
        while self._log and self._log[0][0] <= now_ms - HOUR_MS:
            _, name = self._log.popleft()
            asked = self._asked[name]
            asked.popleft()
            if not asked:
                del self._asked[name]
