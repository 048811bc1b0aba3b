"""What is destroyed on PostgreSQL leaves every byte of the server's files, and `scrub` says yes only then."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from adapters.store import postgres_tables
from adapters.store.ledger_store import LedgerStore
from adapters.store.opening import LEDGER_POINTER, open_store
from adapters.store.pointer import Pointer, read_pointer, write_pointer
from contracts.errors import FatalError
from contracts.ids import LeafIndex
from tests.support.ledger_places import LedgerPlaces
from tests.support.plain_commits import EVENTS, OFFICES, commit, envelope, erasing, wrapped
from tests.support.postgres_server import PostgresServer, Programs


@pytest.fixture
def places(postgres_server: PostgresServer) -> LedgerPlaces:
    return LedgerPlaces(postgres_server)


def pieces(seed: str, *indexes: int) -> list[bytes]:
    """Of the content of some events."""
    envelopes = [envelope(seed, at)[n : n + 40] for at in indexes for n in (0, 1_400, 2_900)]
    return envelopes + [wrapped(seed, at, office) for at in indexes for office in OFFICES]


def to_scrub(place: Path) -> list[str]:
    """Partitions that are written down."""
    pointer = read_pointer(place)
    with psycopg.connect(pointer.conninfo) as db:
        rows = db.execute(f"SELECT partition FROM {pointer.schema}.to_scrub ORDER BY 1".encode()).fetchall()
    return [row[0] for row in rows]


def files_of(place: Path) -> Mapping[str, int]:
    """The file of each partition."""
    pointer = read_pointer(place)
    with psycopg.connect(pointer.conninfo) as db:
        rows = db.execute(
            "SELECT relname, pg_relation_filenode(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid=relnamespace"
            " WHERE nspname=%s AND relkind='r' AND (relname LIKE 'payloads%%' OR relname LIKE 'wrapped%%')",
            (pointer.schema,),
        ).fetchall()
    return dict(rows)


@contextmanager
def holding_a_snapshot(place: Path) -> Iterator[None]:
    """Somebody who reads another table, and would still see what was."""
    pointer = read_pointer(place)
    with psycopg.connect(pointer.conninfo) as db:
        db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        db.execute("SELECT count(*) FROM pg_class")
        yield


def test_only_the_partitions_that_held_it_are_written_anew(
    place: Path, places: LedgerPlaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_tables, "SPAN", EVENTS)
    with closing(open_store(place)) as store:
        for number in range(4):
            store.commit(commit(number, "spans"))
        before = files_of(place)
        store.commit(erasing(4, EVENTS + 2, EVENTS + 3, seed="spans"))
        names = ["payloads_000001", "wrapped_keys_000001"]
        assert to_scrub(place) == names
        assert store.scrub()

        after = files_of(place)
        assert sorted(name for name in before if after[name] != before[name]) == names
        assert len(before) >= 8
        assert to_scrub(place) == []
        assert places.holding(place, pieces("spans", EVENTS + 2, EVENTS + 3)) == []
        assert places.holding(place, pieces("spans", EVENTS + 4))
        assert store.payload(LeafIndex(EVENTS + 4), 0) == envelope("spans", EVENTS + 4)


def test_everything_is_destroyed_at_once(place: Path, places: LedgerPlaces) -> None:
    with closing(open_store(place)) as store:
        store.commit(commit(0, "all"))
        store.commit(erasing(1, *range(EVENTS), seed="all"))
        assert places.holding(place, pieces("all", *range(EVENTS)))
        assert store.scrub()

        assert places.holding(place, pieces("all", *range(EVENTS))) == []


def test_a_destruction_of_nothing_leaves_nothing_to_do(place: Path) -> None:
    with closing(open_store(place)) as store:
        store.commit(commit(0))
        store.commit(erasing(1, 900))
        assert to_scrub(place) == []
        assert store.scrub()


def test_samples_for_the_planner_hold_no_content(place: Path, places: LedgerPlaces) -> None:
    """A wrapped key is short enough to stand in `pg_statistic`, where no deletion would find it."""
    pointer = read_pointer(place)
    with closing(open_store(place)) as store:
        store.commit(commit(0, "samples"))
        with psycopg.connect(pointer.conninfo, autocommit=True) as db:
            for table in ("payloads", "wrapped_keys", "payloads_000000", "wrapped_keys_000000"):
                db.execute(f"ANALYZE {pointer.schema}.{table}".encode())
            db.execute("CHECKPOINT")
        store.commit(erasing(1, *range(EVENTS), seed="samples"))
        assert store.scrub()

        assert places.holding(place, pieces("samples", *range(EVENTS))) == []


def test_a_snapshot_of_another_table_puts_it_off(place: Path, places: LedgerPlaces) -> None:
    """The rewriting would carry over a row that somebody may still see."""
    with closing(open_store(place)) as store:
        store.commit(commit(0, "seen"))
        with holding_a_snapshot(place):
            store.commit(erasing(1, 3, seed="seen"))
            before = files_of(place)
            assert not store.scrub()
            assert files_of(place) == before
        assert store.scrub()

        assert places.holding(place, pieces("seen", 3)) == []


def test_a_snapshot_that_is_newer_does_not(place: Path, places: LedgerPlaces) -> None:
    with closing(open_store(place)) as store:
        store.commit(commit(0, "newer"))
        store.commit(erasing(1, 3, seed="newer"))
        with holding_a_snapshot(place):
            assert store.scrub()

            assert places.holding(place, pieces("newer", 3)) == []


def test_content_of_a_commit_that_never_was_leaves_with_the_next_start(place: Path, places: LedgerPlaces) -> None:
    """Its rows lie in their pages, seen by nobody: if it is recorded later and destroyed, they would outlive it."""
    with closing(open_store(place)) as store:
        store.commit(commit(0, "never"))
        good = commit(1, "never")
        with pytest.raises(FatalError, match="STORE_FAILED"):
            store.commit(replace(good, payloads=[*good.payloads, good.payloads[0]]))
    with psycopg.connect(read_pointer(place).conninfo, autocommit=True) as db:
        db.execute("CHECKPOINT")
    assert places.holding(place, pieces("never", EVENTS + 3))
    with closing(open_store(place)) as store:
        assert store.scrub()
        assert store.payload_count() == EVENTS

        assert places.holding(place, pieces("never", EVENTS + 3)) == []
        assert places.holding(place, pieces("never", 3))


def test_a_start_after_a_clean_end_has_nothing_to_do(place: Path) -> None:
    for number in range(2):
        with closing(open_store(place)) as store:
            store.commit(commit(number, "clean"))
            assert to_scrub(place) == []


# -- servers of their own


@contextmanager
def served(programs: Programs, folder: Path, settings: dict[str, str]) -> Iterator[tuple[PostgresServer, Path]]:
    with PostgresServer(programs, settings) as server:
        yield server, LedgerPlaces(server).new(folder)


def destroyed(store: LedgerStore, seed: str) -> None:
    store.commit(commit(0, seed))
    store.commit(erasing(1, 3, 4, seed=seed))


def test_what_a_kill_kept_from_being_scrubbed_is_scrubbed_later(postgres_programs: Programs, tmp_path: Path) -> None:
    """What is left to do is written in the commit that destroys: a server that dies keeps it."""
    with served(postgres_programs, tmp_path, {}) as (server, place):
        with closing(open_store(place)) as store:
            destroyed(store, "killed")
            server.kill()
            assert not store.scrub()
        server.start()
        held = LedgerPlaces(server).holding(place, pieces("killed", 3, 4))
        assert held
        assert to_scrub(place) == ["payloads_000000", "wrapped_keys_000000"]
        with closing(open_store(place)) as store:
            assert store.scrub()

        assert LedgerPlaces(server).holding(place, pieces("killed", 3, 4)) == []
        assert to_scrub(place) == []


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"wal_recycle": "on"}, "wal_recycle"),
        ({"wal_keep_size": "64MB"}, "wal_keep_size"),
        ({"archive_mode": "on", "archive_command": "true", "wal_level": "replica"}, "archive_mode"),
    ],
)
def test_a_server_that_keeps_its_log_is_never_said_to_be_clean(
    postgres_programs: Programs, tmp_path: Path, settings: dict[str, str], word: str
) -> None:
    with served(postgres_programs, tmp_path, settings) as (server, place):
        with closing(open_store(place)) as store:
            destroyed(store, "settings")
            assert not store.scrub()
            assert not store.scrub()
            assert store.scrub_wanting() == [word]
            assert len(to_scrub(place)) == 2
        server.restart({})
        with closing(open_store(place)) as store:
            assert store.scrub_wanting() == []
            # Segments that were renamed before are used up one by one.
            assert any(store.scrub() for _ in range(20))

        assert LedgerPlaces(server).holding(place, pieces("settings", 3, 4)) == []


def test_a_slot_that_holds_the_log_back_is_named(postgres_programs: Programs, tmp_path: Path) -> None:
    with served(postgres_programs, tmp_path, {"wal_level": "replica", "max_wal_senders": "2"}) as (server, place):
        with closing(open_store(place)) as store:
            with psycopg.connect(server.conninfo, autocommit=True) as db:
                db.execute("SELECT pg_create_physical_replication_slot('behind', true)")
            destroyed(store, "slot")
            assert not store.scrub()
            assert store.scrub_wanting() == ["replication_slot"]
            with psycopg.connect(server.conninfo, autocommit=True) as db:
                db.execute("SELECT pg_drop_replication_slot('behind')")
            assert store.scrub()

        assert LedgerPlaces(server).holding(place, pieces("slot", 3, 4)) == []


def test_a_role_that_may_not_is_told_what_it_lacks(postgres_server: PostgresServer, tmp_path: Path) -> None:
    with psycopg.connect(postgres_server.conninfo, autocommit=True) as db:
        db.execute("CREATE ROLE plain LOGIN")
        db.execute("CREATE SCHEMA of_plain AUTHORIZATION plain")
    place = tmp_path / LEDGER_POINTER
    write_pointer(place, Pointer(postgres_server.conninfo.replace("user=postgres", "user=plain"), "of_plain"))
    with closing(open_store(place)) as store:
        destroyed(store, "plain")

        assert not store.scrub()
        assert store.scrub_wanting() == ["pg_checkpoint", "pg_ls_waldir", "pg_read_all_stats", "pg_switch_wal"]
    assert len(to_scrub(place)) == 2
