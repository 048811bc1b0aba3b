"""The audit of the bench's own ledger, in a process of its own: events a second and memory at two lengths."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from adapters.compose import LEDGER_FILE, contracts_in_force
from adapters.compose.auditing import run_audit
from adapters.store.shelf import SpillingShelf
from adapters.store.sqlite import SqliteStore
from hub.replay import Replay


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


def measure_audit(data: Path, vkey: str, entries: int | None = None) -> AuditFigures:
    """Audit in a new process, the whole ledger or only its first entries."""
    command = [sys.executable, "-m", "bench.audit", str(data), vkey, str(entries or 0)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return AuditFigures(*json.loads(done.stdout))


def main(data: Path, vkey: str, entries: int) -> None:
    """Audit here and print the figures."""
    store = SqliteStore(data / "hub" / LEDGER_FILE, read_only=True)
    rules = contracts_in_force(is_sandbox=True)
    with SpillingShelf() as shelf:
        start = time.perf_counter()
        if entries:
            replay = Replay(rules=rules, shelf=shelf)
            replay.feed_all(islice(store.entries(0, store.size()), entries))
            tally, unexplained = replay.tally, 0
        else:
            report = run_audit(str(data), vkey=vkey)
            tally, unexplained = report.tally, report.unexplained
        taken = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([tally.entries, sum(tally.events.values()) / taken, peak, unexplained]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
