"""The audit of the bench's own ledger, in a process of its own for each way: events a second, CPU time and memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, Literal, NamedTuple

from adapters.compose.auditing import run_audit

Way = Literal["one", "two", "hashes"]
WAYS: Final[tuple[Way, ...]] = ("one", "two", "hashes")
"""In one process, in two, and of hashes only in two."""


class AuditFigures(NamedTuple):
    """One audit.

    Attributes:
        way: One of `WAYS`.
        entries: Read.
        events_per_second: By the clock.
        entries_per_second: By the clock.
        event_us: CPU microseconds for an event, in the process that takes longer.
        peak_mib: Largest resident memory, of all processes together.
        unexplained: 0 if everything follows.
    """

    way: Way
    entries: int
    events_per_second: float
    entries_per_second: float
    event_us: float
    peak_mib: float
    unexplained: int


def measure_audit(data: Path, vkey: str, way: Way) -> AuditFigures:
    """Audit a data folder in a new process."""
    command = [sys.executable, "-m", "bench.audit", str(data), vkey, way]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return AuditFigures(*json.loads(done.stdout))


def main(data: str, vkey: str, way: Way) -> None:
    """Audit here and print the figures."""
    start, began = time.perf_counter(), time.process_time()
    report = run_audit(data, vkey=vkey, hashes_only=way == "hashes", jobs=1 if way == "one" else 2)
    taken, used = time.perf_counter() - start, time.process_time() - began
    here, there = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    events = sum(report.tally.events.values())
    event_us = max(used, there.ru_utime + there.ru_stime) / events * 1e6
    peak = (here.ru_maxrss + there.ru_maxrss) / 1024
    unexplained = 0 if report.problem is None else 1
    entries = report.tally.entries
    print(json.dumps([way, entries, events / taken, entries / taken, event_us, peak, unexplained]))


if __name__ == "__main__":
    named, key, how = sys.argv[1:]
    main(named, key, next(way for way in WAYS if way == how))
