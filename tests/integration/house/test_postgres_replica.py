"""A ledger's server is lost and its replica takes over, with the settings of `deploy/postgres/replica.conf`."""

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.store.opening import LEDGER_POINTER
from adapters.store.pointer import Pointer, write_pointer
from contracts.errors import FatalError, UnavailableError
from hub.submission import Outcome
from tests.support.matters import notification
from tests.support.postgres_deploy import DATABASE, REPLICA_CONFIG, add_replica_role, deploy, settings_of
from tests.support.postgres_server import PostgresServer, Programs
from tests.support.timed_ledger import TimedLedger

pytestmark = pytest.mark.integration
SECRET = bytes(range(100, 200)) * 2
SETTINGS = settings_of(REPLICA_CONFIG)
ALONE = SETTINGS | {"synchronous_standby_names": ""}


@pytest.fixture
def primary(postgres_programs: Programs) -> Iterator[PostgresServer]:
    """A server with the database of an operator, that waits for no replica yet."""
    waits = "synchronous_standby_names"
    with PostgresServer(postgres_programs, {name: SETTINGS[name] for name in SETTINGS if name != waits}) as server:
        deploy(server)
        yield server


@pytest.fixture
def replica(postgres_programs: Programs, primary: PostgresServer) -> Iterator[PostgresServer]:
    """Its replica, for which it waits from now on."""
    with PostgresServer(postgres_programs, SETTINGS, primary=add_replica_role(primary)) as server:
        with psycopg.connect(primary.conninfo, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'pprd_replica'")
            connection.execute("SELECT pg_reload_conf()")
        with psycopg.connect(primary.conninfo, autocommit=True) as connection:
            assert connection.execute("SHOW synchronous_standby_names").fetchone() == ("pprd_replica",)
        yield server


def _way(*servers: PostgresServer) -> str:
    """How the hub's role connects to whichever of the servers takes writes."""
    hosts = ",".join(str(conninfo_to_dict(server.conninfo)["host"]) for server in servers)
    return make_conninfo("", host=hosts, user=DATABASE, dbname=DATABASE, target_session_attrs="read-write")


def _holds(folder: Path, secret: bytes) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and secret in path.read_bytes()]


def test_what_was_acknowledged_is_on_the_replica_that_takes_over(
    primary: PostgresServer, replica: PostgresServer
) -> None:
    way = _way(primary, replica)
    with psycopg.connect(way) as connection:
        connection.execute("CREATE TABLE pprd.kept (value integer)")
        connection.execute("INSERT INTO pprd.kept VALUES (1)")
    primary.kill()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(way)

    replica.promote()
    replica.restart(ALONE)
    with psycopg.connect(way) as connection:
        assert connection.execute("SELECT value FROM pprd.kept").fetchall() == [(1,)]
        connection.execute("INSERT INTO pprd.kept VALUES (2)")


def test_a_hub_goes_on_where_it_was_answered_last(
    primary: PostgresServer, replica: PostgresServer, tmp_path: Path
) -> None:
    """Its programs know both servers; what it recorded before and after is one ledger."""
    write_pointer(tmp_path / LEDGER_POINTER, Pointer(_way(primary, replica), DATABASE))
    ledger = TimedLedger(tmp_path / LEDGER_POINTER)
    ledger.record(*notification(ledger.world))
    before = ledger.store.checkpoint()
    lost = notification(ledger.world)
    primary.kill()
    batch = ledger.world.batches[lost[0].region].batch([lost[0]])
    with pytest.raises(UnavailableError, match="STORE_BUSY"):
        ledger.application.submit([batch])

    replica.promote()
    replica.restart(ALONE)
    # It reads again by itself, and never writes again: with the connection its lock is gone.
    with pytest.raises(FatalError, match="STORE_FAILED"):
        ledger.application.submit([batch])
    ledger.restart()
    assert ledger.store.checkpoint() == before
    (answer,) = ledger.application.submit([batch])
    assert [result.outcome for result in answer.results] == [Outcome.ACCEPTED]
    ledger.finish()


def test_without_its_replica_nothing_is_acknowledged(primary: PostgresServer, replica: PostgresServer) -> None:
    """Else a hub on the replica would sign a second history."""
    with (
        psycopg.connect(_way(primary, replica), autocommit=True) as connection,
        psycopg.connect(make_conninfo(primary.conninfo, dbname=DATABASE), autocommit=True) as other,
    ):
        connection.execute("CREATE TABLE pprd.kept (value integer)")
        replica.kill()
        connection.pgconn.send_query(b"INSERT INTO pprd.kept VALUES (1)")
        waits = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event = 'SyncRep'"
        while other.execute(waits, (connection.info.backend_pid,)).fetchone() != (1,):
            time.sleep(0.02)
        assert other.execute("SELECT count(*) FROM pprd.kept").fetchone() == (0,)

        replica.start()
        result = connection.pgconn.get_result()
        assert result is not None
        assert connection.pgconn.get_result() is None
        assert result.command_status == b"INSERT 0 1"


def test_what_is_destroyed_is_destroyed_on_the_replica(primary: PostgresServer, replica: PostgresServer) -> None:
    """It replays the rewriting, and its segments go with its own next checkpoint; a restart makes one."""
    with psycopg.connect(_way(primary, replica), autocommit=True) as connection:
        connection.execute("CREATE TABLE pprd.held (envelope bytea NOT NULL)")
        connection.execute("INSERT INTO pprd.held VALUES (%s)", (SECRET,))
        connection.execute("CHECKPOINT")
        replica.restart()
        assert _holds(replica.data, SECRET)

        connection.execute("DELETE FROM pprd.held")
        connection.execute("VACUUM FULL pprd.held")
        for statement in ("CHECKPOINT", "SELECT pg_switch_wal()", "CHECKPOINT"):
            connection.execute(statement)
        # An answered commit is on the replica's disk, and so is everything before it.
        connection.execute("CREATE TABLE pprd.later ()")
        replica.restart()

    assert _holds(replica.data, SECRET) == []
