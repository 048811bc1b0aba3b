"""What a destruction leaves to do on PostgreSQL, and the doing of it: no byte of it stays in the server's files.

A deleted row stays in its page until the table is written anew, and in the server's log for as long as that segment
lies there. What has to be done is written in the transaction that destroys (`to_scrub`), so that a kill loses none of
it. Then, in this order:

1. The partition is written anew, once nobody's snapshot still sees the row.
2. CHECKPOINT, a new segment of the log, CHECKPOINT: the server removes the old file and the segments before.
3. Only if no segment is left that is as old as the destruction it is done.

Where server or role do not allow that, it is never done, and a line of the log says which of these words is missing:

    pg_read_all_stats   the role cannot see whether somebody still reads what was
    pg_checkpoint       the role may not ask for a CHECKPOINT
    pg_switch_wal       the role may not ask for a new segment
    pg_ls_waldir        the role cannot see which segments are left (it is in pg_monitor)
    wal_recycle         is on: old segments are renamed and written over later
    wal_keep_size       is not 0
    archive_mode        is not off: segments are copied elsewhere
    replication_slot    one holds segments back
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any, Final

import psycopg
import structlog
from psycopg import Connection
from psycopg.rows import TupleRow

from adapters.store.pointer import Pointer
from adapters.store.postgres_database import connect
from adapters.store.postgres_tables import write_anew

log = structlog.get_logger()

# Who waits for a table keeps those out who come after: that may not be long.
_LOCK: Final = "SET lock_timeout='500ms'; SET default_transaction_read_only=off; SET synchronous_commit=on"
_LONG_SECONDS: Final = 1.0
_REST: Final = 4
"""After a run that took longer, nothing is done for so many times as long: four fifths of the time are the hub's."""

_WANTING: Final = """
SELECT word FROM (VALUES
    ('pg_read_all_stats', NOT pg_has_role('pg_read_all_stats', 'USAGE')),
    ('pg_checkpoint', NOT pg_has_role('pg_checkpoint', 'USAGE')),
    ('pg_switch_wal', NOT has_function_privilege('pg_switch_wal()', 'EXECUTE')),
    ('pg_ls_waldir', NOT has_function_privilege('pg_ls_waldir()', 'EXECUTE')),
    ('wal_recycle', current_setting('wal_recycle') <> 'off'),
    ('wal_keep_size', current_setting('wal_keep_size') <> '0'),
    ('archive_mode', current_setting('archive_mode') <> 'off'),
    ('replication_slot', EXISTS (SELECT 1 FROM pg_replication_slots WHERE restart_lsn < %s::pg_lsn))
) AS w (word, is_wanting) WHERE is_wanting ORDER BY word
"""
_SEEN: Final = """
SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE age(backend_xmin) >= age(%(xid)s::xid8::xid))
    OR EXISTS (SELECT 1 FROM pg_prepared_xacts WHERE age(transaction) >= age(%(xid)s::xid8::xid))
    OR EXISTS (SELECT 1 FROM pg_replication_slots WHERE age(xmin) >= age(%(xid)s::xid8::xid))
"""
_LEFT: Final = """
SELECT count(*) FROM pg_ls_waldir(), (SELECT max(lsn) AS lsn, max(rewritten_at) AS at FROM to_scrub) s
WHERE name ~ '^[0-9A-F]{24}$' AND (
    substr(name, 9) <= substr(pg_walfile_name(s.lsn), 9)
    -- One that waits to be used may be an old one under a new name.
    OR substr(name, 9) > substr(pg_walfile_name(pg_current_wal_lsn()), 9) AND modification < date_trunc('second', s.at)
)
"""


class Scrubbing:
    """Does what `to_scrub` says; used by one thread at a time.

    Args:
        pointer: The ledger's schema; the role owns its tables.
    """

    def __init__(self, pointer: Pointer) -> None:
        self._pointer = pointer
        self._told: Sequence[str] = ()
        self._not_before = 0.0

    def run(self) -> bool:
        """Do what can be done now, for about a second; the hub records nothing meanwhile.

        Returns:
            Whether nothing is left; see `hub.ports.Store.scrub`.

        Raises:
            psycopg.Error: The tables are not those of a ledger.
        """
        started = time.monotonic()
        if started < self._not_before:
            return False
        try:
            with closing(connect(self._pointer)) as connection:
                connection.execute(_LOCK, prepare=False)
                return self._run(connection, started + _LONG_SECONDS)
        except psycopg.OperationalError as error:
            log.warning("store.scrub_put_off", error=type(error).__name__)
            return False
        finally:
            taken = time.monotonic() - started
            if taken > _LONG_SECONDS:
                self._not_before = time.monotonic() + _REST * taken

    def _run(self, connection: Connection[TupleRow], until: float) -> bool:
        rows = connection.execute("SELECT partition, xid::text FROM to_scrub WHERE lsn IS NULL ORDER BY 1").fetchall()
        is_rewritten = all(time.monotonic() < until and self._rewrite(connection, *row) for row in rows)
        wanting = self.wanting(connection)
        if wanting != self._told and wanting:
            log.warning("store.scrub_wanting", wanting=list(wanting))
        self._told = wanting
        return is_rewritten and self._clear_log(connection, wanting)

    def wanting(self, connection: Connection[Any]) -> Sequence[str]:
        """Words of this module for what server and role lack."""
        row = connection.execute("SELECT max(lsn)::text FROM to_scrub").fetchone()
        return [word for (word,) in connection.execute(_WANTING, (row[0] if row else None,)).fetchall()]

    @staticmethod
    def _rewrite(connection: Connection[TupleRow], partition: str, xid: str) -> bool:
        """Write a partition anew; False if somebody reads it, or still sees what was."""
        seen = connection.execute(_SEEN, {"xid": xid}).fetchone()
        if seen is None or seen[0]:
            return False
        try:
            write_anew(connection, partition, xid)
        except psycopg.errors.LockNotAvailable:
            return False
        return True

    @staticmethod
    def _clear_log(connection: Connection[TupleRow], wanting: Sequence[str]) -> bool:
        left = connection.execute("SELECT count(*) FROM to_scrub").fetchone()
        if left is not None and left[0] == 0:
            return True
        if wanting:
            return False
        for statement in ("CHECKPOINT", "SELECT pg_switch_wal()", "CHECKPOINT"):
            connection.execute(statement, prepare=False)
        left = connection.execute(_LEFT).fetchone()
        if left is None or left[0]:
            return False
        connection.execute("DELETE FROM to_scrub WHERE lsn IS NOT NULL")
        return True
