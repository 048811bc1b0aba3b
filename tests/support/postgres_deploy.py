"""A database, a role and a schema on a server of the tests, as an operator makes them from `deploy/postgres`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.settings import DEPLOY
from tests.support.postgres_server import PostgresServer

ROLE: Final = DEPLOY / "postgres" / "role.sql"
"""What a superuser runs once in the ledger's database."""
DATABASE: Final = "pprd"
"""Name of the database, the role and the schema."""


REPLICA_CONFIG: Final = DEPLOY / "postgres" / "replica.conf"
"""What a server and its replica run with beside `pprd.conf`."""


def settings_of(file: Path) -> dict[str, str]:
    """Server settings of a file by name, each on a line."""
    lines = file.read_text(encoding="utf-8").splitlines()
    pairs = (line.split(" = ") for line in lines if line and not line.startswith("#"))
    return {name: value.strip("'") for name, value in pairs}


def add_replica_role(server: PostgresServer) -> str:
    """Make the role of a replica; once a server.

    Returns:
        How the replica connects.
    """
    with psycopg.connect(server.conninfo) as connection:
        connection.execute((DEPLOY / "postgres" / "replica.sql").read_bytes())
    host = conninfo_to_dict(server.conninfo)["host"]
    return make_conninfo("", host=host, user="pprd_replica", application_name="pprd_replica")


def deploy(server: PostgresServer) -> str:
    """Make database, role and schema; once a server.

    Args:
        server: It runs.

    Returns:
        How the role connects.
    """
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE}")
    with psycopg.connect(make_conninfo(server.conninfo, dbname=DATABASE)) as connection:
        connection.execute(ROLE.read_bytes())
    return make_conninfo(server.conninfo, dbname=DATABASE, user=DATABASE)
