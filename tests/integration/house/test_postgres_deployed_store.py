"""The store keeps a ledger, and destroys, on a server that was set up by `deploy/postgres` and with no right more."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.settings import DEPLOY
from adapters.store.opening import LEDGER_POINTER
from adapters.store.pointer import Pointer, write_pointer
from adapters.store.postgres_store import PostgresStore
from tests.support.batches import Made
from tests.support.ledger_places import LedgerPlaces
from tests.support.order_matters import erasure_order
from tests.support.postgres_deploy import DATABASE, REPLICA_CONFIG, deploy, settings_of
from tests.support.postgres_server import PostgresServer, Programs
from tests.support.timed_ledger import TimedLedger
from tests.support.world import World

pytestmark = pytest.mark.integration
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def server(postgres_programs: Programs) -> Iterator[PostgresServer]:
    """A server with the database of an operator."""
    with PostgresServer(postgres_programs) as made:
        deploy(made)
        yield made


@pytest.fixture
def operator(server: PostgresServer) -> Iterator[psycopg.Connection]:
    """A superuser in the ledger's database."""
    with psycopg.connect(make_conninfo(server.conninfo, dbname=DATABASE), autocommit=True) as connection:
        yield connection


@pytest.fixture
def pointer(server: PostgresServer, operator: psycopg.Connection) -> Pointer:
    """A schema of its own, as of another year's ledger, and the role's way to it."""
    schema = f"pprd_{next(_NUMBERS)}"
    operator.execute(f"CREATE SCHEMA {schema} AUTHORIZATION {DATABASE}".encode())
    return Pointer(make_conninfo(server.conninfo, dbname=DATABASE, user=DATABASE), schema)


@pytest.fixture
def ledger(pointer: Pointer, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[TimedLedger]:
    """A ledger of a world of this test alone."""
    write_pointer(tmp_path / LEDGER_POINTER, pointer)
    ledger = TimedLedger(tmp_path / LEDGER_POINTER, World(seed=request.node.name))
    yield ledger
    ledger.finish()


def _wanting(ledger: TimedLedger) -> list[str]:
    assert isinstance(ledger.store, PostgresStore)
    return list(ledger.store.scrub_wanting())


@dataclass(frozen=True)
class Held:
    """Content that a ledger holds, and the order that destroys it.

    Args:
        order: Not recorded yet.
        pieces: Of each envelope and key, as they stand in the server's files.
    """

    order: Made
    pieces: list[bytes]


@pytest.fixture
def held(ledger: TimedLedger, pointer: Pointer, operator: psycopg.Connection) -> Held:
    """A matter with content."""
    events = erasure_order(ledger.world)
    ledger.record(*events[:-3])
    envelopes = f"SELECT substr(envelope, 100, 48) FROM {pointer.schema}.payloads"
    keys = f"SELECT enc FROM {pointer.schema}.wrapped_keys"
    rows = operator.execute(f"{envelopes} UNION ALL {keys}".encode()).fetchall()
    assert rows
    return Held(events[-3], [piece for (piece,) in rows])


def test_nothing_is_wanting_on_a_server_that_was_set_up_by_the_book(
    ledger: TimedLedger, server: PostgresServer, pointer: Pointer, tmp_path: Path, held: Held
) -> None:
    places = LedgerPlaces(server)
    assert places.holding(tmp_path, held.pieces)

    ledger.record(held.order)

    assert _wanting(ledger) == []
    assert ledger.application.scrub()
    assert places.holding(tmp_path, held.pieces) == []


def test_a_transaction_that_only_wrote_elsewhere_puts_the_scrubbing_off(
    ledger: TimedLedger, server: PostgresServer, operator: psycopg.Connection, tmp_path: Path, held: Held
) -> None:
    """It has no snapshot between its statements; the question's own one goes back to it."""
    operator.execute("CREATE TABLE IF NOT EXISTS public.elsewhere (id integer)")
    places = LedgerPlaces(server)
    with psycopg.connect(make_conninfo(server.conninfo, dbname=DATABASE)) as other:
        other.execute("INSERT INTO public.elsewhere VALUES (1)")
        ledger.record(held.order)

        assert not ledger.application.scrub()
        assert places.holding(tmp_path, held.pieces)
    assert ledger.application.scrub()
    assert places.holding(tmp_path, held.pieces) == []


@pytest.mark.parametrize(
    ("right", "word"),
    [
        ("pg_checkpoint", "pg_checkpoint"),
        ("pg_read_all_stats", "pg_read_all_stats"),
        ("EXECUTE ON FUNCTION pg_switch_wal()", "pg_switch_wal"),
        ("EXECUTE ON FUNCTION pg_ls_waldir()", "pg_ls_waldir"),
    ],
)
def test_without_one_of_its_rights_the_store_never_says_that_it_scrubbed(
    ledger: TimedLedger, operator: psycopg.Connection, held: Held, right: str, word: str
) -> None:
    operator.execute(f"REVOKE {right} FROM {DATABASE}".encode())
    try:
        ledger.record(held.order)

        assert _wanting(ledger) == [word]
        assert not ledger.application.scrub()
    finally:
        operator.execute(f"GRANT {right} TO {DATABASE}".encode())
    assert ledger.application.scrub()


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"wal_recycle": "on"}, "wal_recycle"),
        ({"wal_keep_size": "64MB"}, "wal_keep_size"),
        (settings_of(REPLICA_CONFIG) | {"synchronous_standby_names": "", "archive_mode": "on"}, "archive_mode"),
    ],
)
def test_with_other_settings_the_store_never_says_that_it_scrubbed(
    server: PostgresServer, pointer: Pointer, tmp_path: Path, settings: dict[str, str], word: str
) -> None:
    write_pointer(tmp_path / LEDGER_POINTER, pointer)
    server.restart(settings)
    try:
        ledger = TimedLedger(tmp_path / LEDGER_POINTER, World(seed=word))
        ledger.record(*erasure_order(ledger.world)[:-2])

        assert _wanting(ledger) == [word]
        assert not ledger.application.scrub()
        ledger.finish()
    finally:
        server.restart({})
    again = TimedLedger(tmp_path / LEDGER_POINTER, ledger.world)
    assert again.application.scrub()
    again.finish()


def test_a_slot_that_holds_the_log_back_is_named(
    server: PostgresServer, pointer: Pointer, operator: psycopg.Connection, tmp_path: Path
) -> None:
    """A replica that is away: its slot keeps every segment that it has not read."""
    write_pointer(tmp_path / LEDGER_POINTER, pointer)
    operator.close()
    server.restart(settings_of(REPLICA_CONFIG) | {"synchronous_standby_names": ""})
    try:
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            connection.execute("SELECT pg_create_physical_replication_slot('pprd_replica', true)")
            ledger = TimedLedger(tmp_path / LEDGER_POINTER, World(seed="slot"))
            ledger.record(*erasure_order(ledger.world)[:-2])

            assert not ledger.application.scrub()
            assert _wanting(ledger) == ["replication_slot"]
            connection.execute("SELECT pg_drop_replication_slot('pprd_replica')")
        assert ledger.application.scrub()
        ledger.finish()
    finally:
        server.restart({})


@pytest.mark.sqlite_file
def test_every_verb_works_with_the_service_and_the_role_of_deploy(
    server: PostgresServer, operator: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the runbook says: no schema is made, no temporary table, and nothing but the two names is told."""
    monkeypatch.setenv("PGSERVICEFILE", str(DEPLOY / "postgres" / "pg_service.conf"))
    monkeypatch.setenv("PGHOST", str(conninfo_to_dict(server.conninfo)["host"]))
    data = str(tmp_path / "data")

    def pprd(*words: str) -> dict[str, Any]:
        done = CliRunner().invoke(app, [*words, "--json"])
        assert done.exit_code == 0, done.output
        return dict(json.loads(done.stdout))

    made = pprd("init", "--data", data, "--origin", "pprd.example/44", "--sandbox", "--store", "service=pprd")
    operator.execute("DELETE FROM pprd.tiles")
    damaged = CliRunner().invoke(app, ["ledger", "fsck", "--data", data, "--json"])
    pprd("ledger", "repair", "--data", data)
    pprd("ledger", "fsck", "--data", data)
    pprd("backup", "--data", data, "--out", str(tmp_path / "backup"))
    pprd("ledger", "export", "--data", data, "--out", str(tmp_path / "export"))
    sizes = {
        pprd("audit", str(tmp_path / place), "--vkey", made["vkey"])["size"] for place in ("data", "backup", "export")
    }

    assert damaged.exit_code != 0
    assert len(sizes) == 1
    pointer = (tmp_path / "data" / "hub" / LEDGER_POINTER).read_text(encoding="utf-8")
    assert pointer == 'conninfo = "service=pprd"\nschema = "pprd"\n'
