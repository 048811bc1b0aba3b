"""What only a store on PostgreSQL has: one writer a schema, connections that are lost, settings of a server."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from adapters.store.opening import LEDGER_POINTER, open_store
from adapters.store.pointer import Pointer, read_pointer, write_pointer
from adapters.store.postgres_store import PostgresStore
from contracts.errors import ConflictError, ContractError, FatalError, UnavailableError
from tests.support.ledger_places import LedgerPlaces
from tests.support.plain_commits import EVENTS, check, commit, entry
from tests.support.postgres_server import PostgresServer, Programs


@pytest.fixture
def places(postgres_server: PostgresServer) -> LedgerPlaces:
    return LedgerPlaces(postgres_server)


def library(pointer: Pointer) -> PostgresDatastore:
    """eventsourcing's own way to the same tables."""
    said = conninfo_to_dict(pointer.conninfo)
    where = (str(said[name]) for name in ("dbname", "host", "user"))
    dbname, host, user = where
    return PostgresDatastore(dbname, host, "5432", user, "", schema=pointer.schema, pool_size=2)


def test_a_second_writer_is_refused_until_the_first_one_is_gone(place: Path) -> None:
    first = open_store(place)
    with pytest.raises(ConflictError, match="FOLDER_IN_USE"):
        open_store(place)
    first.commit(commit(0))
    first.close()

    with closing(open_store(place)) as second:
        assert check(second) == 1


def test_two_ledgers_of_a_database_know_nothing_of_each_other(places: LedgerPlaces, tmp_path: Path) -> None:
    one, other = places.new(tmp_path / "one"), places.new(tmp_path / "other")
    with closing(open_store(one)) as first, closing(open_store(other)) as second:
        first.commit(commit(0))
        first.commit(commit(1))
        second.commit(commit(0))

        assert (check(first), check(second)) == (2, 1)


def test_a_reader_that_lost_its_connection_asks_again_on_another_one(place: Path, places: LedgerPlaces) -> None:
    with closing(open_store(place)) as store:
        store.commit(commit(0))
    with closing(open_store(place, read_only=True)) as reader:
        assert check(reader) == 1
        for _ in range(2):
            places.cut()

            assert check(reader) == 1


def test_a_writer_that_lost_its_connection_never_writes_again(place: Path, places: LedgerPlaces) -> None:
    """Its lock is lost with it: another hub may write by now."""
    with closing(open_store(place)) as store:
        store.commit(commit(0))
        places.cut()

        for _ in range(2):
            with pytest.raises(FatalError, match="STORE_FAILED"):
                store.commit(commit(1))
        with closing(open_store(place)) as again:
            again.commit(commit(1))
            assert check(again) == 2


def test_a_connection_that_is_lost_before_the_end_of_a_commit_leaves_nothing_of_it(
    place: Path, places: LedgerPlaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_store(place)) as store:
        store.commit(commit(0))
        assert isinstance(store, PostgresStore)
        make_durable = store._make_durable

        def cut_first() -> None:
            places.cut()
            make_durable()

        monkeypatch.setattr(store, "_make_durable", cut_first)
        with pytest.raises(FatalError, match="STORE_FAILED"):
            store.commit(commit(1))
    with closing(open_store(place)) as again:
        assert check(again) == 1


def test_a_commit_is_durable_whatever_the_role_is_set_to(place: Path, postgres_server: PostgresServer) -> None:
    with psycopg.connect(postgres_server.conninfo, autocommit=True) as db:
        db.execute("ALTER ROLE postgres SET synchronous_commit=off")
        try:
            with closing(open_store(place)) as store:
                assert isinstance(store, PostgresStore)
                store.commit(commit(0))
                writing = store._writing
                assert writing is not None
                assert writing.execute("SHOW synchronous_commit").fetchone() == ("on",)
        finally:
            db.execute("ALTER ROLE postgres RESET synchronous_commit")


def test_the_librarys_functions_in_the_database_are_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With them the library takes no lock and writes no tracking (LIMITS, first trap)."""
    monkeypatch.setenv("POSTGRES_ENABLE_DB_FUNCTIONS", "yes")
    with pytest.raises(ContractError, match="SETTINGS_INVALID"):
        open_store(place)


def test_the_librarys_notification_log_is_the_ledger(place: Path) -> None:
    with closing(open_store(place)) as store:
        store.commit(commit(0))
        with closing(library(read_pointer(place))) as datastore:
            recorder = PostgresApplicationRecorder(datastore)
            with recorder.subscribe(gt=2) as notices:
                store.commit(commit(1))
                heard = [next(notices) for _ in range(2 * EVENTS - 2)]
            found = recorder.select_notifications(start=1, limit=100)

    assert [(one.id, one.state) for one in found] == [(at + 1, entry(at)) for at in range(2 * EVENTS)]
    assert [one.id for one in heard] == list(range(3, 2 * EVENTS + 1))


def test_nothing_enters_the_ledger_but_by_a_commit(place: Path) -> None:
    with closing(open_store(place)) as store:
        store.commit(commit(0))
        assert isinstance(store, PostgresStore)
        one = StoredEvent(originator_id="0" * 32, originator_version=0, topic="Foreign", state=b"x")
        with pytest.raises(FatalError, match="STORE_FAILED"):
            store._recorder.insert_events([one])
        with closing(library(read_pointer(place))) as datastore:
            foreign = PostgresApplicationRecorder(datastore)
            with pytest.raises(Exception, match=r"stored_event_uuid|notification_id"):
                foreign.insert_events([one])

        assert check(store) == 1


def test_a_server_that_is_away_is_said_without_a_trace_of_a_secret(tmp_path: Path) -> None:
    place = tmp_path / LEDGER_POINTER
    write_pointer(place, Pointer(f"host={tmp_path} user=somebody dbname=pprd"))
    for read_only in (False, True):
        with pytest.raises(UnavailableError) as caught:
            open_store(place, read_only=read_only)
        assert caught.value.code in {"STORE_MISSING", "STORE_BUSY"}


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_does_not_wait_for_its_disk_is_refused(
    postgres_programs: Programs, tmp_path: Path, setting: str
) -> None:
    with PostgresServer(postgres_programs, {setting: "off"}) as server:
        place = LedgerPlaces(server).new(tmp_path)
        with pytest.raises(ContractError) as caught:
            open_store(place)
        assert (caught.value.code, caught.value.field) == ("SETTINGS_INVALID", setting)


@pytest.fixture
def own_server(postgres_programs: Programs) -> Iterator[PostgresServer]:
    """A server that may be stopped."""
    with PostgresServer(postgres_programs) as server:
        yield server


def test_a_server_that_restarts_ends_the_writer_and_not_the_readers(own_server: PostgresServer, tmp_path: Path) -> None:
    place = LedgerPlaces(own_server).new(tmp_path)
    with closing(open_store(place)) as store, closing(open_store(place, read_only=True)) as reader:
        store.commit(commit(0))
        assert check(reader) == 1
        own_server.stop()
        for _ in range(2):
            with pytest.raises(UnavailableError, match="STORE_BUSY"):
                reader.size()
        own_server.start()

        assert check(reader) == 1
        with pytest.raises(FatalError, match="STORE_FAILED"):
            store.commit(commit(1))
    with closing(open_store(place)) as again:
        again.commit(commit(1))
        assert check(again) == 2
