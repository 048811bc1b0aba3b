"""A database, a role and a schema on a server of the tests, as an operator makes them from `deploy/postgres`."""

from __future__ import annotations

from typing import Final

import psycopg
from psycopg.conninfo import make_conninfo

from adapters.settings import DEPLOY
from tests.support.postgres_server import PostgresServer

ROLE: Final = DEPLOY / "postgres" / "role.sql"
"""What a superuser runs once in the ledger's database."""
DATABASE: Final = "pprd"
"""Name of the database, the role and the schema."""


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
