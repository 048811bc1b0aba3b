"""`python -m bench.stores CONNINFO`: commits of the same rows into a file and into a server, in turn, in one run.

No hub, no admission: only what a store does with a commit of 256 events with everything that comes with them, and of
one. Each round makes a new ledger in each store, and a schema that is dropped again. Quote the ratio; what a disk and a
socket take differs by machine.
"""

from __future__ import annotations

import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import psycopg
from psycopg.sql import SQL, Identifier
from rich.console import Console
from rich.table import Table

from adapters.store.ledger_store import LedgerStore
from adapters.store.opening import LEDGER_FILE, LEDGER_POINTER, open_store
from adapters.store.pointer import Pointer, write_pointer
from contracts.ids import Hash, KeyId, LeafIndex, OfficeId, PointId, TreeSize
from contracts.sealing import WrappedKey
from hub.ports import Commit, ProducerState, Run, StoredEntry, StoredPayload

ROUNDS: Final = 3
SIZES: Final = {256: 60, 1: 300}
"""Events of one commit, and how many commits."""
_OFFICES: Final = (OfficeId("o00000001"), OfficeId("o00000002"))


def commits(events: int, count: int) -> Sequence[Commit]:
    """Commits of one ledger: half of the events go on with a matter or bring content, a sixth is delivered."""
    made: list[Commit] = []
    draw = secrets.token_bytes
    counters = [0] * 40
    for number in range(count):
        old, new = TreeSize(number * (events + 1)), TreeSize((number + 1) * (events + 1))
        indexes = [LeafIndex(at) for at in range(old, new - 1)]
        streams = [number.to_bytes(8, "big") + draw(8) for _ in indexes]
        entries = [StoredEntry(one, 0, "RegistrationRecorded", draw(300)) for one in streams]
        runs: list[Run] = []
        for point in range(max(1, events * 40 // 256)):
            own = tuple(indexes[point::40][:4]) or tuple(indexes[:1])
            first, counters[point] = counters[point] + 1, counters[point] + len(own)
            runs.append(Run(PointId(f"{point:02}"), first, own, Hash(draw(32)), Hash(draw(32)), new, False))
        changed = streams[: max(1, events // 2)]
        made.append(
            Commit(
                old_size=old,
                new_size=new,
                entries=[*entries, StoredEntry(bytes(16), number, "Batch", draw(400))],
                event_ids=[(one, at) for one, at in zip(streams, indexes, strict=True)],
                tiles={(0, old // 256): draw(8_192), (1, 0): draw(32 * (1 + old // 256 % 256))},
                checkpoint=draw(200),
                matters=[(one, draw(150)) for one in changed],
                due=dict.fromkeys(changed[::2], number),
                runs=runs,
                heads=[(run.point, counters[at], Hash(draw(32))) for at, run in enumerate(runs)],
                payloads=[
                    StoredPayload(at, 0, draw(700), tuple(WrappedKey(o, KeyId(draw(8)), draw(80)) for o in _OFFICES))
                    for at in indexes[::2]
                ],
                producers=[("44-node", ProducerState(number + 1, Hash(draw(32))))],
                directory=[],
                recorded_at=number,
            )
        )
    return made


def measure(place: Path, made: Sequence[Commit]) -> float:
    """Events a second of a new ledger at a place."""
    with closing(open_store(place)) as store:
        store.commit(made[0])
        return _rate(store, made[1:])


def _rate(store: LedgerStore, made: Sequence[Commit]) -> float:
    started = time.perf_counter()
    for one in made:
        store.commit(one)
    return sum(len(one.event_ids) for one in made) / (time.perf_counter() - started)


def _in_file(made: Sequence[Commit], folder: Path, conninfo: str) -> float:
    return measure(folder / LEDGER_FILE, made)


def _in_server(made: Sequence[Commit], folder: Path, conninfo: str) -> float:
    schema = f"bench_{secrets.token_hex(4)}"
    write_pointer(folder / LEDGER_POINTER, Pointer(conninfo, schema))
    try:
        return measure(folder / LEDGER_POINTER, made)
    finally:
        with psycopg.connect(conninfo, autocommit=True) as db:
            db.execute(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(schema)))


def main() -> None:
    """Measure and print."""
    ways: dict[str, Callable[[Sequence[Commit], Path, str], float]] = {"SQLite": _in_file, "PostgreSQL": _in_server}
    table = Table("events a commit", *(f"{name}, events/s" for name in ways), "ratio")
    for events, count in SIZES.items():
        made = commits(events, count)
        found: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                with tempfile.TemporaryDirectory(prefix="pprd-bench-") as folder:
                    found[name].append(way(made, Path(folder), sys.argv[1]))
        rates = [statistics.median(one) for one in found.values()]
        table.add_row(str(events), *(f"{rate:,.0f}" for rate in rates), f"{rates[1] / rates[0]:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
