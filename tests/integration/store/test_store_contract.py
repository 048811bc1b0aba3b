"""`hub.ports.Store` on each kind of store: a commit is whole or not at all, and nobody sees it before it is durable."""

import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.store.commit_turns import CommitTurns
from adapters.store.opening import open_store
from adapters.store.questions import Questions
from contracts.errors import ConflictError, ExchangeError, FatalError, UnavailableError
from contracts.ids import LeafIndex, TreeSize
from tests.support.ledger_places import LedgerPlaces
from tests.support.plain_commits import EVENTS, OFFICES, check, commit, data, entry, erasing, stream


def rowids(store: object) -> list[int]:
    """Of the entries, as they are stored."""
    assert isinstance(store, Questions)
    return [row[0] for row in store._all("SELECT rowid FROM stored_events ORDER BY rowid")]


def test_commits_are_whole_and_stay(place: Path) -> None:
    with closing(open_store(place)) as store:
        for number in range(3):
            store.commit(commit(number))
    with closing(open_store(place)) as again:
        again.commit(commit(3))

        assert check(again) == 4
        assert again.tile(0, 0) == data("tile", 3, size=8_192)
        assert [at for _, at in again.due_index()] == sorted(range(0, 4 * EVENTS, 2), key=lambda at: stream(at))


def test_a_commit_that_comes_late_changes_nothing_and_leaves_no_gap(place: Path) -> None:
    with closing(open_store(place)) as store:
        store.commit(commit(0))
        for wrong in (0, 2):
            with pytest.raises(ConflictError, match="STORE_MOVED"):
                store.commit(commit(wrong))
        store.commit(commit(1))

        assert check(store) == 2
        assert rowids(store) == list(range(1, 2 * EVENTS + 1))


def test_a_row_that_is_refused_undoes_the_whole_commit_and_leaves_no_gap(place: Path) -> None:
    """Indexes are given in the transaction: numbers that a server burns on conflicts are no ledger indexes."""
    with closing(open_store(place)) as store:
        store.commit(commit(0))
        good = commit(1)
        for bad in (
            replace(good, event_ids=[*good.event_ids[:-1], (data("event", 0, size=16), 15)]),
            replace(good, entries=[*good.entries[:-1], commit(0).entries[0]]),
            replace(good, payloads=[*good.payloads, good.payloads[0]]),
            replace(good, runs=commit(0).runs),
        ):
            with pytest.raises(FatalError, match="STORE_FAILED"):
                store.commit(bad)
            assert check(store) == 1
        store.commit(good)

        assert check(store) == 2
        assert rowids(store) == list(range(1, 2 * EVENTS + 1))


def test_what_is_written_is_seen_by_nobody_before_it_is_durable(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(open_store(place)) as store, closing(open_store(place, read_only=True)) as reader:
        store.commit(commit(0))
        assert isinstance(store, CommitTurns)
        is_written, may_go_on = threading.Event(), threading.Event()
        make_durable = store._make_durable

        def in_the_end() -> None:
            is_written.set()
            may_go_on.wait(10)
            make_durable()

        monkeypatch.setattr(store, "_make_durable", in_the_end)
        thread = threading.Thread(target=store.commit, args=(commit(1),))
        thread.start()
        assert is_written.wait(10)

        assert check(store) == 1
        assert check(reader) == 1
        may_go_on.set()
        thread.join()
        assert check(reader) == check(store) == 2


def test_what_is_written_and_not_durable_is_gone(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(open_store(place)) as store:
        store.commit(commit(0))

        def never() -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(store, "_make_durable", never)
        with pytest.raises(KeyboardInterrupt):
            store.commit(commit(1))
        assert check(store) == 1
    with closing(open_store(place)) as again:
        assert check(again) == 1
        again.commit(commit(1))
        assert check(again) == 2


def test_many_threads_read_whole_commits_while_one_writes(place: Path) -> None:
    with closing(open_store(place)) as store:
        store.commit(commit(0))
        is_done = threading.Event()
        wrong: list[str] = []

        def read() -> None:
            while not is_done.is_set():
                size = store.size()
                entries = list(store.entries(LeafIndex(0), LeafIndex(size)))
                if size % EVENTS or entries[-1] != entry(size - 1) or len(entries) != size:
                    wrong.append(f"{size}: {len(entries)}")

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for number in range(1, 20):
            store.commit(commit(number))
        is_done.set()
        for thread in threads:
            thread.join()

        assert wrong == []
        assert check(store) == 20


def test_content_is_destroyed_in_the_commit_that_says_so(place: Path) -> None:
    with closing(open_store(place)) as store:
        store.commit(commit(0))
        store.commit(erasing(1, 2, 5))

        assert [at for at in range(EVENTS) if store.payload(LeafIndex(at), 0) is None] == [2, 5]
        assert store.held_of(stream(2), store.size()) == (0, 0)
        assert store.held_of(stream(3), store.size()) == (1, len(OFFICES))
        assert store.ends(stream(5), LeafIndex(0)) == [EVENTS + 1]
        assert store.scrub()


def test_a_reader_writes_nothing(place: Path) -> None:
    with closing(open_store(place)) as store:
        store.commit(commit(0))
    with closing(open_store(place, read_only=True)) as reader:
        with pytest.raises(FatalError, match="STORE_FAILED"):
            reader.commit(commit(1))
        with pytest.raises(UnavailableError, match="STORE_BUSY"):
            reader.mark_witnessed(TreeSize(EVENTS), 1)
        assert check(reader) == 1


def test_no_ledger_is_read_where_there_is_none(places: LedgerPlaces, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="STORE_MISSING"):
        open_store(places.new(tmp_path), read_only=True)


def test_a_closed_store_says_so(place: Path) -> None:
    store = open_store(place)
    store.commit(commit(0))
    store.close()
    for ask in (store.size, store.event_count, lambda: store.commit(commit(1))):
        with pytest.raises(ExchangeError, match=r"STORE_BUSY|STORE_FAILED"):
            ask()
