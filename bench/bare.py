"""The bare reader that the audit's targets were set against, over the bench's own ledger, in one process.

It reads the entries from the file in pages, hashes them again and compares with the stored leaf hashes, checks the
signature of each batch and computes the root: `hashes`. With `decode` fastavro also reads every header and every body.
It checks no state, no form and no rule. On the machine of the targets it read `HASHED` and `DECODED` events a second
(LIMITS 8): an audit's share of the bare reader's speed can be compared between machines, its speed cannot. The one of
LIMITS read one record an event, this one a header and a body; the bodies of the bench take a tenth of it.
"""

from __future__ import annotations

import io
import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import fastavro

from adapters.store.opening import LEDGER_FILE
from bench.workload import World
from contracts import signing
from contracts.event import EVENT_LABEL
from contracts.schema import load_registry
from ledger.compact import CompactRange, hash_leaf
from ledger.entry import BatchEntry, decode_entry, event_of

HASHED: Final = 325_058
"""Events a second of `hashes` on the targets' machine."""
DECODED: Final = 102_878
"""Events a second of both on the targets' machine."""
_PAGE: Final = 1024
_PREFIX: Final = len(EVENT_LABEL) + 10


class BareFigures(NamedTuple):
    """One reading.

    Attributes:
        hashes_us: CPU microseconds for an entry, hashes and signatures.
        decode_us: The same and fastavro.
    """

    hashes_us: float
    decode_us: float


def measure_bare(data: Path) -> BareFigures:
    """Read a data folder's ledger in a new process."""
    command = [sys.executable, "-m", "bench.bare", str(data)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return BareFigures(*json.loads(done.stdout))


def _read(file: Path, *, decode: bool) -> float:
    """CPU microseconds for an entry."""
    keys = _keys()
    schemas: dict[bytes, Any] = {
        codec.fingerprint: fastavro.parse_schema(codec.schema) for codec in load_registry().codecs.values()
    }
    header = fastavro.parse_schema(load_registry().by_name("pprd.v1.EventHeader").schema)
    tree, began = CompactRange(), time.process_time()
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
        while rows := db.execute(
            "SELECT state FROM stored_events WHERE rowid>? ORDER BY rowid LIMIT ?", (tree.size, _PAGE)
        ).fetchall():
            leaves = [hash_leaf(state) for (state,) in rows]
            if b"".join(leaves) != _stored(db, tree.size, len(leaves)):
                raise RuntimeError("a stored leaf hash is another one")
            tree.extend(leaves)
            for (state,) in rows:
                event = event_of(state)
                if event is None:
                    _check(decode_entry(state), keys)
                elif decode:
                    body = _decoded(event[_PREFIX:], header)["body"]
                    _decoded(body[10:], schemas[body[2:10]])
    tree.root()
    return (time.process_time() - began) / tree.size * 1e6


def _decoded(data: bytes, schema: Any) -> Any:
    return fastavro.schemaless_reader(io.BytesIO(data), schema)


def _keys() -> dict[bytes, bytes]:
    """The keys of the bench's gateways; the hub's few own batches are not checked."""
    world = World()
    list(world.directory())
    return {bytes(one.key_id): one.key.public_key().public_bytes_raw() for one in world.producers.values()}


def _stored(db: sqlite3.Connection, start: int, count: int) -> bytes:
    """The leaf hashes of some entries, from the tiles of level 0."""
    rows = db.execute(
        "SELECT hashes FROM tiles WHERE level=0 AND idx BETWEEN ? AND ? ORDER BY idx",
        (start // 256, (start + count - 1) // 256),
    )
    hashes = b"".join(hashes for (hashes,) in rows)
    return hashes[32 * (start % 256) :][: 32 * count]


def _check(entry: Any, keys: dict[bytes, bytes]) -> None:
    if isinstance(entry, BatchEntry) and (public := keys.get(entry.key_id)) is not None:
        signing.verify(public, entry.signature, entry.tbs)


def main(data: str) -> None:
    """Read here and print the figures."""
    file = Path(data) / "hub" / LEDGER_FILE
    print(json.dumps([_read(file, decode=False), _read(file, decode=True)]))


if __name__ == "__main__":
    main(sys.argv[1])
