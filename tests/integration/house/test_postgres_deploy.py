"""What `deploy/postgres` gives the hub's role is enough to destroy content, and no more."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.settings import DEPLOY
from tests.support.postgres_deploy import DATABASE, deploy
from tests.support.postgres_server import PostgresServer, Programs

pytestmark = pytest.mark.integration
SECRET = bytes.fromhex("d15c10 5ed0 ff1ce0 5ea1ed 0e0e 77 88 99 aa bb cc dd ee") * 8


@pytest.fixture(scope="module")
def server(postgres_programs: Programs) -> Iterator[PostgresServer]:
    """A server with the database of an operator."""
    with PostgresServer(postgres_programs) as made:
        yield made


@pytest.fixture(scope="module")
def role(server: PostgresServer) -> str:
    """How the hub's role connects."""
    return deploy(server)


@pytest.fixture
def hub(role: str) -> Iterator[psycopg.Connection]:
    """A connection of the hub's role."""
    with psycopg.connect(role, autocommit=True) as connection:
        yield connection


def _holds(server: PostgresServer, secret: bytes) -> list[str]:
    """Files of the cluster in which the bytes stand, as they are or as the hexadecimal text of a bytea."""
    wanted = (secret, secret.hex().encode("ascii"))
    files = [path for path in server.data.rglob("*") if path.is_file()]
    return [path.name for path in files if any(form in path.read_bytes() for form in wanted)]


def test_the_role_can_destroy_a_row_in_every_file_of_the_server(
    server: PostgresServer, hub: psycopg.Connection
) -> None:
    """Rewritten, flushed, and no segment of the log is left that held it: under the settings of `deploy`."""
    hub.execute("CREATE TABLE pprd.held (id bigint PRIMARY KEY, envelope bytea NOT NULL) PARTITION BY RANGE (id)")
    hub.execute("CREATE TABLE pprd.held_0 PARTITION OF pprd.held FOR VALUES FROM (0) TO (100)")
    hub.execute("ALTER TABLE pprd.held_0 ALTER COLUMN envelope SET STORAGE EXTERNAL")
    hub.execute("INSERT INTO pprd.held VALUES (1, %s), (2, %s)", (SECRET, b"stays" * 40))
    hub.execute("CHECKPOINT")
    assert _holds(server, SECRET)

    hub.execute("DELETE FROM pprd.held WHERE id = 1")
    hub.execute("VACUUM FULL pprd.held_0")
    hub.execute("CHECKPOINT")
    destroyed = hub.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
    hub.execute("CHECKPOINT")
    assert destroyed is not None
    left = hub.execute("SELECT name FROM pg_ls_waldir() ORDER BY name").fetchall()

    assert all(name > destroyed[0] for (name,) in left)
    assert _holds(server, SECRET) == []
    assert _holds(server, b"stays" * 40)


def test_the_role_sees_whose_transaction_keeps_deleted_rows(server: PostgresServer, hub: psycopg.Connection) -> None:
    """A transaction that began before keeps them alive through a rewrite, whoever began it and whatever it read."""
    hub.execute("CREATE TABLE pprd.kept (envelope bytea NOT NULL)")
    hub.execute("INSERT INTO pprd.kept VALUES (%s)", (SECRET[::-1],))
    with psycopg.connect(make_conninfo(server.conninfo, dbname=DATABASE)) as other:
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT count(*) FROM pg_class")
        hub.execute("DELETE FROM pprd.kept")
        hub.execute("VACUUM FULL pprd.kept")
        hub.execute("CHECKPOINT")
        held = "SELECT pid FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid()"

        assert _holds(server, SECRET[::-1])
        assert hub.execute(held).fetchall() == [(other.info.backend_pid,)]
    hub.execute("VACUUM FULL pprd.kept")
    assert hub.execute(held).fetchall() == []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE SCHEMA other",
        "CREATE TABLE public.other (id integer)",
        "CREATE TEMPORARY TABLE other (id integer)",
        "CREATE DATABASE other",
        "CREATE ROLE other",
        "SELECT * FROM pg_authid",
        "SELECT pg_read_file('postgresql.conf')",
        "SELECT pg_reload_conf()",
        "SELECT pg_create_physical_replication_slot('other')",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "ALTER SYSTEM SET wal_recycle = on",
        "SET session_replication_role = replica",
    ],
)
def test_the_role_can_do_nothing_else(hub: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        hub.execute(statement)


def test_no_other_role_enters(server: PostgresServer, role: str) -> None:
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("CREATE ROLE stranger LOGIN")

    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(make_conninfo(role, user="stranger"))


def test_a_refused_statement_leaves_no_row_in_the_servers_log(server: PostgresServer, hub: psycopg.Connection) -> None:
    hub.execute("CREATE TABLE pprd.said (id bytea PRIMARY KEY, length integer)")
    hub.execute("INSERT INTO pprd.said VALUES (%s, 1)", (SECRET,))
    with pytest.raises(psycopg.errors.UniqueViolation):
        hub.execute("INSERT INTO pprd.said VALUES (%s, 1)", (SECRET,))
    with (
        pytest.raises(psycopg.errors.InvalidTextRepresentation),
        hub.cursor().copy("COPY pprd.said FROM STDIN") as copy,
    ):
        copy.write(f"\\\\x{SECRET.hex()}\tno number\n")
    with pytest.raises(psycopg.errors.UndefinedTable):
        hub.execute(f"SELECT 1 FROM pprd.missing WHERE id = '{SECRET.hex()}'")

    log = server.log.read_text(encoding="utf-8")
    assert "duplicate key value" in log
    assert SECRET.hex()[:16] not in log


def test_the_service_file_names_what_the_role_is_made_for(
    server: PostgresServer, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`service=pprd`, with the file of `deploy` and the folder of the server's socket, enters as the hub's role."""
    monkeypatch.setenv("PGSERVICEFILE", str(DEPLOY / "postgres" / "pg_service.conf"))

    with psycopg.connect(service="pprd", host=conninfo_to_dict(server.conninfo)["host"]) as connection:
        found = connection.execute("SELECT current_user, current_database(), current_setting('application_name')")

        assert found.fetchone() == ("pprd", "pprd", "pprd")
    assert role
