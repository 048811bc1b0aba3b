"""The inbox of a region against the hub's deliveries: nothing withheld, nothing added, nothing out of order.

Every stored notification is counted from 1 without a gap, its event hashes into the running hash, and its entry is the
one that the hub's audited runs say. An inbox may be behind: what is not there yet is no fault.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from contracts.errors import UnavailableError
from contracts.event import leaf_hash
from contracts.ids import Hash, PointId
from hub.audit_errors import KeptError
from hub.ports import Run
from ledger.heads import head_next

RunReader = Callable[[PointId, int, int], Sequence[Run]]
"""Called with (point, from_n, limit): the hub's runs from the one that holds notification `from_n`."""

_ZERO: Final = Hash(bytes(32))
_PAGE: Final = 200


def check_inbox(path: Path, runs: RunReader) -> int:
    """Compare every stored notification of one region.

    Args:
        path: Its `region.sqlite`.
        runs: Of a hub's store that was audited.

    Returns:
        How many were compared; 0 if the region keeps no inbox.

    Raises:
        KeptError: COUNTER_GAP or HEAD_MISMATCH: names the region's folder, the point and the counter.
        UnavailableError: STORE_BUSY: the file cannot be read.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as db:
            if not db.execute("SELECT count(*) FROM sqlite_master WHERE name IN ('inbox', 'inbox_points')").fetchone()[
                0
            ]:
                return 0
            places = dict(db.execute("SELECT point, n FROM inbox_points"))
            places |= {point: places.get(point, 0) for (point,) in db.execute("SELECT DISTINCT point FROM inbox")}
            return sum(_check_point(db, path.parent.name, PointId(point), runs) for point in sorted(places))
    except sqlite3.Error as error:
        raise UnavailableError(
            "STORE_BUSY", f"{path.name} of region {path.parent.name} cannot be read: {error}"
        ) from error


def _check_point(db: sqlite3.Connection, region: str, point: PointId, runs: RunReader) -> int:
    derived = _derived(point, runs)
    n, head = 0, _ZERO
    rows = db.execute(
        "SELECT n, idx, CAST(event AS BLOB), CAST(head AS BLOB) FROM inbox WHERE point=? ORDER BY n", (point,)
    )
    for told_n, told_index, event, told_head in rows:
        place = f"regions/{region} {point} {told_n}"
        n += 1
        if told_n != n:
            raise KeptError("COUNTER_GAP", f"notification {n} is missing", place=place)
        index, head_after = next(derived, (None, None))
        if index != told_index:
            raise KeptError(
                "HEAD_MISMATCH", f"holds entry {told_index}, delivered was {index}", place=place, index=index
            )
        head = head_next(head, n, leaf_hash(event or b""))
        if told_head != head or head_after not in (None, head):
            raise KeptError("HEAD_MISMATCH", "its running hash is not that of the deliveries", place=place, index=index)
    kept = db.execute("SELECT n, CAST(head AS BLOB) FROM inbox_points WHERE point=?", (point,)).fetchone()
    if kept != (n, head):
        raise KeptError("HEAD_MISMATCH", "stands elsewhere than its notifications", place=f"regions/{region} {point}")
    return n


def _derived(point: PointId, runs: RunReader) -> Iterator[tuple[int, Hash | None]]:
    """The entry of each notification, and the running hash after the last one of a run."""
    n = 1
    while page := runs(point, n, _PAGE):
        for run in page:
            last = len(run.indexes) - 1
            yield from ((index, run.head_after if at == last else None) for at, index in enumerate(run.indexes))
            n = run.first_n + len(run.indexes)
