"""A hub that plays everything on both stores at once: each question gets the same answer from both."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from adapters.store.folder_source import FolderSource
from adapters.store.ledger_store import LedgerStore
from adapters.store.opening import open_store
from adapters.store.questions import Questions
from adapters.store.store_keys import store_chain
from adapters.store.store_shelf import StoreShelf
from contracts.ids import LeafIndex, OfficeId, TreeSize
from hub.audit import Audit
from hub.ports import ContentAddress
from tests.support import kept_ledger
from tests.support.kept_ledger import KeptLedger
from tests.support.ledger_places import ON_SQLITE, LedgerPlaces
from tests.support.postgres_server import PostgresServer

_ACTS = frozenset({"commit", "close", "add_cosignatures", "mark_witnessed", "write_due"})


class BothStores:
    """Two stores that are asked and told the same.

    Args:
        one: Whose answers are given.
        other: Whose answers must be the same.
    """

    def __init__(self, one: LedgerStore, other: LedgerStore) -> None:
        self._stores = (one, other)
        self.asked: set[str] = set()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Of the tables themselves, the same in both."""
        first, second = (sorted(cast("Questions", store)._all(statement)) for store in self._stores)
        assert first == second, statement
        return first

    def __getattr__(self, name: str) -> Any:
        calls = [getattr(store, name) for store in self._stores]

        def call(*args: Any, **kwargs: Any) -> Any:
            if name == "write_due":
                args = (list(args[0]), *args[1:])
            answers = [one(*args, **kwargs) for one in calls]
            if name in _ACTS or name == "scrub":
                return answers[0]
            self.asked.add(name)
            first, second = (list(one) if isinstance(one, Iterator) else one for one in answers)
            assert first == second, f"{name}{args}"
            return iter(first) if isinstance(answers[0], Iterator) else first

        return call


@pytest.fixture
def both(
    tmp_path: Path, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[BothStores, KeptLedger]]:
    """Two stores with something of everything, still open."""
    other = LedgerPlaces(postgres_server).new(tmp_path / "other")
    stores: list[BothStores] = []

    def opened(place: Path, *, read_only: bool = False) -> Any:
        stores.append(BothStores(open_store(place, read_only=read_only), open_store(other, read_only=read_only)))
        return stores[0]

    monkeypatch.setattr(BothStores, "close", lambda self: None, raising=False)
    with monkeypatch.context() as patched:
        patched.setattr(kept_ledger, "open_store", opened)
        kept = kept_ledger.make_ledger(tmp_path / "one", matters=6, places=ON_SQLITE)
    yield stores[0], kept
    for store in stores[0]._stores:
        store.close()


def test_every_question_has_one_answer(both: tuple[BothStores, KeptLedger]) -> None:
    store, kept = both
    rows, size = store.rows, store.size()
    indexes = [LeafIndex(at) for at in range(size)]
    streams = [stream_id for stream_id, _ in store.all_matters()]
    ids = [row[0] for row in rows("SELECT event_id FROM event_ids")]
    sealed = [(LeafIndex(row[0] >> 8), row[0] & 255) for row in rows("SELECT id FROM payloads")]
    offices = [OfficeId(row[0]) for row in rows("SELECT DISTINCT office FROM wrapped_keys")]

    store.add_cosignatures(TreeSize(size), {"w1": b"not a line", "w2": "— a AAAA\n".encode()})
    store.mark_witnessed(TreeSize(size), 5)

    assert len(sealed) > 3
    assert len(offices) > 3
    for name in ("sealed_streams", "closed_streams", "heads", "log_key_indexes", "due_index", "due_basis", "witnessed"):
        getattr(store, name)()
    for name in ("event_count", "keyless_below", "payload_count", "recorded_at", "witnessed_size", "checkpoint"):
        getattr(store, name)()
    store.checkpoints(3, 7)
    store.entry_pages(LeafIndex(2), LeafIndex(size))
    store.recorded([*ids, bytes(16)])
    store.recorded([max(ids), min(ids)])
    store.named([*ids[:70], bytes(16)])
    store.payloads([*sealed, (LeafIndex(0), 0)])
    store.wrapped_offices([*sealed, (LeafIndex(0), 0)])
    store.contents([ContentAddress(*where, office) for where in sealed for office in offices])
    store.due_matters(1 << 60)
    store.directory_entries(LeafIndex(3))
    store.statistics_entries(LeafIndex(0))
    store.runs_after(2, 9)
    store.keys_below(size // 2)
    store.cosignatures(TreeSize(size))
    for index in indexes[::7]:
        store.checkpoint_covering(index)
        store.witnessed_covering(index)
        store.checkpoint(TreeSize(index))
    for level in range(4):
        store.tile(level, 0)
        store.tile(level, 1)
    for stream_id in streams[::5]:
        store.stream(stream_id, 1, 2)
        store.visible_stream(stream_id, 0, 9)
        store.matters([stream_id, bytes(16)])
        store.held_of(stream_id, size)
        store.ends(stream_id, LeafIndex(0))
        store.erased_after(stream_id, 5)
        store.ended_before(stream_id, 5, 1 << 60)
    for event_id in ids[::9]:
        store.visible(event_id)
        store.copies_of(event_id)
    for where in sealed:
        store.payload(*where)
        store.wrapped_key(*where, offices[0])
    for point in store.heads():
        store.runs(point, 1, 5)
        store.runs(point, 4, 2)
    for producer in kept.world.batches:
        store.producer(f"{producer}-node")
        store.batch_index(f"{producer}-node", 1)

    questions = {name for name in dir(LedgerStore) if not name.startswith("_")} - _ACTS
    assert sorted(questions - store.asked - {"scrub", "entries", "scrub_wanting"}) == []


def test_an_audit_of_one_is_an_audit_of_the_other(both: tuple[BothStores, KeptLedger]) -> None:
    store, kept = both

    found = []
    for one in (store, *store._stores):
        with StoreShelf(one) as shelf:
            source = FolderSource(one, shelf)
            report = Audit(name="both", source=source, rules=kept.world.rules, shelf=shelf).run()
            assert report.problem is None
            found.append(report.tally)

    assert found[0] == found[1] == found[2]
    assert store_chain(store) == store_chain(store._stores[1])
