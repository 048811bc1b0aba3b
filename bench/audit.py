"""The audit of the bench's own ledger, in a process of its own: events a second and memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from adapters.compose.auditing import run_audit


class AuditFigures(NamedTuple):
    """One audit.

    Attributes:
        entries: Read.
        events_per_second: Full decode, states, deliveries, and comparison with everything kept.
        peak_mib: Largest resident memory of the process.
        unexplained: 0 if everything follows.
    """

    entries: int
    events_per_second: float
    peak_mib: float
    unexplained: int


def measure_audit(data: Path, vkey: str) -> AuditFigures:
    """Audit a data folder in a new process."""
    command = [sys.executable, "-m", "bench.audit", str(data), vkey]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return AuditFigures(*json.loads(done.stdout))


def main(data: str, vkey: str) -> None:
    """Audit here and print the figures."""
    start = time.perf_counter()
    report = run_audit(data, vkey=vkey)
    taken = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    unexplained = 0 if report.problem is None else 1
    print(json.dumps([report.tally.entries, sum(report.tally.events.values()) / taken, peak, unexplained]))


if __name__ == "__main__":
    main(*sys.argv[1:])
