"""The projections of the bench's own ledger, in a process of its own: rebuild, memory, and a long work list.

Process CPU time is measured, so that what else runs on the machine does not count.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

from adapters.compose.ledger_place import known_place
from adapters.compose.parts import bind_plainly, contracts_in_force, keep_loaded
from adapters.store.opening import open_store
from adapters.store.projection_follower import ProjectionFollower, form_of_projections
from adapters.store.projection_store import ProjectionStore
from contracts.ids import OfficeId, StreamId, uuid7
from hub.projections.projector import RowChanges
from hub.projections.work_list import WorkRow

LONG_LIST: Final = 10_000
PAGE: Final = 100
_OFFICE: Final = OfficeId("o44benc1h")


class ProjectionFigures(NamedTuple):
    """One rebuild.

    Attributes:
        entries: Read.
        entries_per_cpu_second: Derived and saved.
        peak_mib: Largest resident memory of the process.
        page_cpu_ms: One page of a hundred rows out of an office's ten thousand, the slowest of all pages.
        list_cpu_ms: All hundred pages of that list.
    """

    entries: int
    entries_per_cpu_second: float
    peak_mib: float
    page_cpu_ms: float
    list_cpu_ms: float


def measure_projections(data: Path) -> ProjectionFigures:
    """Rebuild the projections of a data folder in a new process."""
    done = subprocess.run([sys.executable, "-m", "bench.projections", str(data)], check=True, stdout=subprocess.PIPE)
    return ProjectionFigures(*json.loads(done.stdout))


def main(data: str) -> None:
    """Rebuild here and print the figures."""
    rules = contracts_in_force(is_sandbox=True)
    reader = open_store(known_place(Path(data)), read_only=True)
    keep_loaded()
    bind_plainly()
    with (
        tempfile.TemporaryDirectory(prefix="pprd-bench-") as folder,
        ProjectionStore(Path(folder) / "projections.sqlite", form=form_of_projections()) as store,
    ):
        follower = ProjectionFollower(reader=reader, store=store, rules=rules)
        start = time.process_time()
        while follower.turn():
            pass
        taken = time.process_time() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        pages = _long_list(store)
    figures = ProjectionFigures(
        follower.position, follower.position / taken, peak, 1000 * max(pages), 1000 * sum(pages)
    )
    print(json.dumps(figures))


def _long_list(store: ProjectionStore) -> list[float]:
    """CPU seconds of each page of a long list."""
    changes, place = RowChanges(), store.place()
    for number in range(LONG_LIST):
        stream_id = StreamId(uuid7(unix_ms=number, entropy=bytes(10)))
        row = WorkRow(_OFFICE, number * 997 % 86_400_000, stream_id, "R-ACK-1", "X", "Y", calendar_assumed=False)
        changes.work[row.key] = row
    store.save(place, changes, place)
    taken, after, seen = [], None, 0
    while True:
        start = time.process_time()
        rows = store.work_list(_OFFICE, after=after, limit=PAGE)
        taken.append(time.process_time() - start)
        if not rows:
            break
        seen += len(rows)
        after = rows[-1].key[1:]
    if seen < LONG_LIST:
        raise SystemExit(f"{seen} rows of {LONG_LIST} came")
    return taken


if __name__ == "__main__":
    main(*sys.argv[1:])
