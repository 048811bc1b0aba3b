"""Commits of a store's own tests: rows of every table, made from their number alone, that mean nothing to a hub.

    python -m tests.support.plain_commits PLACE     commits until it is killed, and says each size that is recorded

Pure of pytest.
"""

from __future__ import annotations

import hashlib
import sys
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Final

from adapters.store.ledger_store import LedgerStore
from adapters.store.opening import open_store
from contracts.ids import Hash, KeyId, LeafIndex, OfficeId, PointId, TreeSize
from contracts.procedure_types import ERASE
from contracts.sealing import WrappedKey
from hub.ports import Commit, ProducerState, Run, StoredEffect, StoredEntry, StoredPayload

EVENTS: Final = 8
"""Of one commit."""
POINT: Final = PointId("44-node")
OFFICES: Final = (OfficeId("o00000001"), OfficeId("o00000002"))


def data(*what: object, size: int = 32) -> bytes:
    """Bytes that nothing else has."""
    return hashlib.shake_256(repr(what).encode()).digest(size)


def stream(index: int) -> bytes:
    """The stream of the event at an index."""
    return data("stream", index, size=16)


def entry(index: int) -> bytes:
    """The entry at an index."""
    return data("entry", index, size=300)


def envelope(seed: str, index: int) -> bytes:
    """The sealed payload of the event at an index."""
    return data(seed, "envelope", index, size=3_000)


def wrapped(seed: str, index: int, office: OfficeId) -> bytes:
    """Its key for an office."""
    return data(seed, "key", index, office, size=80)


def commit(number: int, seed: str = "plain") -> Commit:
    """The commit with a number, from 0; all of them belong to one ledger.

    Args:
        number: Which.
        seed: Of its content: what is searched for must be one test's.
    """
    old, new = TreeSize(number * EVENTS), TreeSize(number * EVENTS + EVENTS)
    indexes = [LeafIndex(at) for at in range(old, new)]
    return Commit(
        old_size=old,
        new_size=new,
        entries=[StoredEntry(stream(at), 0, "RegistrationRecorded", entry(at)) for at in indexes],
        event_ids=[(data("event", at, size=16), at) for at in indexes],
        tiles={(0, 0): data("tile", number, size=8_192), (1, number): data("tile", number)},
        checkpoint=data("note", number, size=200),
        matters=[(stream(at), data("matter", at)) for at in indexes],
        due={stream(at): at for at in indexes[::2]},
        runs=[Run(POINT, old + 1, tuple(indexes), Hash(data("head", number)), Hash(data("head", new)), new, False)],
        heads=[(POINT, new, Hash(data("head", new)))],
        payloads=[
            StoredPayload(
                at,
                0,
                envelope(seed, at),
                tuple(WrappedKey(o, KeyId(data("id", o, size=8)), wrapped(seed, at, o)) for o in OFFICES),
            )
            for at in indexes
        ],
        producers=[("44-node", ProducerState(number + 1, Hash(data("batch", number))))],
        directory=indexes[:1],
        recorded_at=number,
    )


def erasing(number: int, *indexes: int, seed: str = "plain") -> Commit:
    """The commit with a number whose first events destroy the content of earlier ones."""
    plain = commit(number, seed)
    effects = [StoredEffect(LeafIndex(plain.old_size + at), ERASE, stream(index)) for at, index in enumerate(indexes)]
    return replace(plain, effects=effects)


def check(store: LedgerStore) -> int:
    """Compare every table of a store with what follows from its size.

    Returns:
        How many commits it holds, whole.
    """
    size = store.size()
    commits, rest = divmod(size, EVENTS)
    if rest:
        raise AssertionError(f"a part of a commit: {size}")
    if list(store.entries(LeafIndex(0), LeafIndex(1 << 40))) != [entry(at) for at in range(size)]:
        raise AssertionError("the entries are others")
    found = (
        store.event_count(),
        store.payload_count(),
        store.keys_below(1 << 40),
        dict(store.all_matters()),
        [run.indexes for _, run in store.runs_after(0, 1 << 20)],
        [row_id for row_id, _ in store.runs_after(0, 1 << 20)],
        store.heads().get(POINT, (0,))[0],
        [at for at, _ in store.checkpoints(0, 1 << 20)],
        [at for at, _ in store.directory_entries(LeafIndex(0))],
    )
    wanted = (
        size,
        size,
        size * len(OFFICES),
        {stream(at): data("matter", at) for at in range(size)},
        [tuple(range(at, at + EVENTS)) for at in range(0, size, EVENTS)],
        list(range(1, commits + 1)),
        size,
        list(range(EVENTS, size + 1, EVENTS)),
        list(range(0, size, EVENTS)),
    )
    if found != wanted:
        raise AssertionError(f"tables that do not follow: {[a == b for a, b in zip(found, wanted, strict=True)]}")
    return commits


def _main() -> None:
    with closing(open_store(Path(sys.argv[1]))) as store:
        for number in count(store.size() // EVENTS):
            store.commit(commit(number))
            sys.stdout.write(f"{store.size()}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    _main()
