"""The tables of a ledger on PostgreSQL, one ledger a schema, and the writing of a commit into them.

`stored_events` is eventsourcing's own table with its own columns; only `notification_id` has no sequence: it is the
ledger index plus one, given by the hub inside the transaction, so that a rollback leaves no gap and eventsourcing's
notification log is the ledger. The other tables are those of `adapters.store.ledger_tables`, and this one:

    to_scrub    (partition, xid, ended_at, lsn, rewritten_at)    what a destruction has left to `scrub`

Rules kept here:

- Only the connection that holds the writer's lock commits, so no second writer can fill a gap that readers passed. The
  library's lock of the table does the same among its own recorders, but waits behind VACUUM and ends each autovacuum.
- `payloads` and `wrapped_keys` are partitioned by their ids: what has to be rewritten after a destruction is bounded.
- No statistics are kept of a column of content: a sample of it would outlive it in `pg_statistic`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier

from adapters.store.commit_rows import (
    STATISTICS,
    Rows,
    payload_id,
    rows_of,
    take_effects,
    write_other_dues,
)
from adapters.store.postgres_words import TYPES, add_statement, copy_statement, is_prepared, translated
from contracts.errors import ConflictError, FatalError
from contracts.procedure_types import ERASE_AND_CLOSE
from hub.ports import Commit

SPAN: Final = 1 << 18
"""Entries whose content shares a partition: some 260 MB where each names a payload of a kilobyte."""
_COPIED: Final = 16
"""So many rows of a table are copied in; fewer go with those of the other tables, in one way there and back."""

_TABLES: Final = (
    f"CREATE INDEX IF NOT EXISTS published_statistics ON stored_events (notification_id) WHERE topic='{STATISTICS}'",
    "CREATE TABLE IF NOT EXISTS event_ids (event_id bytea PRIMARY KEY, idx bigint NOT NULL)",
    "CREATE TABLE IF NOT EXISTS tiles (level bigint, idx bigint, hashes bytea NOT NULL, PRIMARY KEY (level, idx))",
    "ALTER TABLE tiles ALTER COLUMN hashes SET STORAGE EXTERNAL",
    "CREATE TABLE IF NOT EXISTS checkpoints (size bigint PRIMARY KEY, note bytea NOT NULL, recorded_at bigint NOT"
    " NULL)",
    "CREATE TABLE IF NOT EXISTS matters (stream_id bytea PRIMARY KEY, packed bytea NOT NULL, due_ms bigint)"
    " WITH (fillfactor=80)",
    "CREATE INDEX IF NOT EXISTS matters_due ON matters (due_ms, stream_id) WHERE due_ms IS NOT NULL",
    'CREATE TABLE IF NOT EXISTS delivery_runs (id bigint PRIMARY KEY, point text COLLATE "C" NOT NULL, first_n bigint'
    " NOT NULL, count bigint NOT NULL, indexes bytea NOT NULL, head_before bytea NOT NULL, head_after bytea NOT NULL,"
    " size bigint NOT NULL, is_case boolean NOT NULL, UNIQUE (point, first_n))",
    'CREATE TABLE IF NOT EXISTS heads (point text COLLATE "C" PRIMARY KEY, n bigint NOT NULL, head bytea NOT NULL)'
    " WITH (fillfactor=50)",
    "CREATE TABLE IF NOT EXISTS payloads (id bigint PRIMARY KEY, envelope bytea NOT NULL) PARTITION BY RANGE (id)",
    'CREATE TABLE IF NOT EXISTS wrapped_keys (payload bigint, office text COLLATE "C", key_id bytea NOT NULL,'
    " enc bytea NOT NULL, PRIMARY KEY (payload, office)) PARTITION BY RANGE (payload)",
    'CREATE TABLE IF NOT EXISTS producers (producer text COLLATE "C" PRIMARY KEY, chain_id bytea NOT NULL, next_seq'
    " bigint NOT NULL, last_hash bytea NOT NULL) WITH (fillfactor=50)",
    "CREATE TABLE IF NOT EXISTS directory_log (idx bigint PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS effects (idx bigint PRIMARY KEY, does text NOT NULL, stream_id bytea NOT NULL)",
    "CREATE INDEX IF NOT EXISTS effects_of_stream ON effects (stream_id, idx)",
    f"CREATE INDEX IF NOT EXISTS closed ON effects (stream_id) WHERE does='{ERASE_AND_CLOSE}'",
    "CREATE TABLE IF NOT EXISTS sealed (stream_id uuid PRIMARY KEY)",
    'CREATE TABLE IF NOT EXISTS derived (name text COLLATE "C" PRIMARY KEY, basis bytea NOT NULL)',
    'CREATE TABLE IF NOT EXISTS cosignatures (size bigint, witness text COLLATE "C", line bytea NOT NULL,'
    " PRIMARY KEY (size, witness))",
    "CREATE TABLE IF NOT EXISTS witnessed (size bigint PRIMARY KEY, reached_at bigint NOT NULL)",
    "CREATE TABLE IF NOT EXISTS to_scrub (partition text PRIMARY KEY, xid xid8 NOT NULL, ended_at timestamptz NOT NULL,"
    " lsn pg_lsn, rewritten_at timestamptz)",
)
_CONTENT: Final = {"payloads": ("envelope",), "wrapped_keys": ("key_id", "enc")}
"""Partitioned tables, and their columns of which nothing may be kept elsewhere."""


class LedgerDatastore(PostgresDatastore):
    """eventsourcing's datastore; it never looks for a composite type, for entries are copied in."""

    def register_type_adapters(self) -> None:
        """There are none."""


class PostgresRecorder(PostgresApplicationRecorder):
    """eventsourcing's application recorder whose transaction also records everything else of a commit.

    `insert_events` of the library is refused: it repeats itself after a lost answer, and with its database functions it
    skips lock and tracking.
    """

    def __init__(self, datastore: LedgerDatastore) -> None:
        super().__init__(datastore)
        name, schema = Identifier(self.events_table_name), Identifier(datastore.schema)
        (events,) = (s for s in self.sql_create_statements if "notification_id bigserial" in s.as_string())
        made = events.as_string().replace("notification_id bigserial", "notification_id bigint NOT NULL")
        index = SQL("CREATE UNIQUE INDEX IF NOT EXISTS {} ON {}.{} (notification_id)").format(
            Identifier(self.notification_id_index_name), schema, name
        )
        # No composite type and no function: nothing but a commit writes entries.
        tables = (made, *_TABLES)
        self.sql_create_statements = [Composed([SQL(tables[0])]), index, *(Composed([SQL(t)]) for t in tables[1:])]

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Refused: events enter the ledger through a commit only."""
        raise FatalError("STORE_FAILED", "events enter the ledger through a commit only")

    def create_tables(self, connection: Connection[TupleRow]) -> None:
        """Make every table that is missing, in the open transaction of a connection."""
        for statement in self.sql_create_statements:
            connection.execute(statement, prepare=False)

    def write(self, connection: Connection[TupleRow], commit: Commit) -> None:
        """Write the rows of a commit into the open transaction of the connection that holds the writer's lock.

        Raises:
            ConflictError: STORE_MOVED.
        """
        c = WritingCursor(connection.cursor())
        c.execute("SELECT (SELECT max(size) FROM checkpoints), (SELECT max(id) FROM delivery_runs)")
        stored_size, runs = (value or 0 for value in c.fetchone())
        if stored_size != commit.old_size:
            raise ConflictError("STORE_MOVED", f"the store holds {stored_size} entries, not {commit.old_size}")
        single: list[tuple[str, Rows]] = []
        for table, rows in _rows(commit, runs):
            if table in TYPES and len(rows) >= _COPIED:
                c.copy(table, rows)
            elif rows:
                single.append((table, rows))
        with connection.pipeline():
            for table, rows in single:
                c.executemany(add_statement(table), rows)
            write_other_dues(c, commit)
            take_effects(c, commit.effects, c.delete)
            c.note_to_scrub()
            # Whoever subscribes to the library's notification log hears of it when it is durable.
            connection.execute(SQL("NOTIFY {}").format(Identifier(self.channel_name)))

    def add_partitions(self, connection: Connection[TupleRow], size: int) -> int:
        """Make the partitions that hold the content of so many entries, in the open transaction.

        They are made beside the table and then attached: that keeps no reader out.

        Returns:
            For how many entries there are partitions now.
        """
        wanted = max(size - 1, 0) // SPAN + 1
        for table in _CONTENT:
            known = connection.execute(
                "SELECT count(*) FROM pg_inherits WHERE inhparent=to_regclass(%s)", (table,)
            ).fetchone()
            for number in range(0 if known is None else known[0], wanted):
                _add_partition(connection, table, number)
        return wanted * SPAN


def _rows(commit: Commit, runs: int) -> Iterator[tuple[str, Rows]]:
    """As `adapters.store.commit_rows.rows_of`, with the entries, and with the numbers that nothing else gives here."""
    first = commit.old_size + 1
    yield (
        "stored_events",
        [
            (first + i, UUID(bytes=e.originator_id), e.originator_version, e.topic, e.entry)
            for i, e in enumerate(commit.entries)
        ],
    )
    for table, rows in rows_of(commit):
        is_run = table == "delivery_runs"
        yield table, [(runs + number, *row) for number, row in enumerate(rows, 1)] if is_run else rows


def _add_partition(connection: Connection[TupleRow], table: str, number: int) -> None:
    name = f"{table}_{number:06}"
    _make_table(connection, table, name)
    _attach(connection, table, name, number)


def _make_table(connection: Connection[TupleRow], table: str, name: str) -> None:
    """An empty table that can become a partition."""
    made, parent = Identifier(name), Identifier(table)
    connection.execute(SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(made, parent))
    for column in _CONTENT[table]:
        alter = SQL("ALTER TABLE {} ALTER COLUMN {} SET STATISTICS 0")
        connection.execute(alter.format(made, Identifier(column)))
        connection.execute(alter.format(parent, Identifier(column)))
    if table == "payloads":
        connection.execute(SQL("ALTER TABLE {} ALTER COLUMN envelope SET STORAGE EXTERNAL").format(made))


def _attach(connection: Connection[TupleRow], table: str, name: str, number: int) -> None:
    bounds = [payload_id(at * SPAN, 0) for at in (number, number + 1)]
    attach = SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})")
    connection.execute(attach.format(Identifier(table), Identifier(name), *bounds))


def write_anew(connection: Connection[TupleRow], partition: str, xid: str) -> None:
    """Put a new table with the rows that are left in the place of a partition, and write down that this is done.

    Not VACUUM FULL: a server that dies in it leaves the new file behind with the rows in it, under a number that no
    catalog knows and nothing ever removes. Here the new table is in the catalog before it holds a row.

    Args:
        connection: In auto-commit mode; it may wait for locks as long as its `lock_timeout` says.
        partition: Its name.
        xid: Of the destruction, as `to_scrub` has it.
    """
    table, _, digits = partition.rpartition("_")
    new = f"{partition}_new"
    with connection.transaction():
        connection.execute(SQL("DROP TABLE IF EXISTS {}").format(Identifier(new)))
        _make_table(connection, table, new)
    with connection.transaction():
        names = {"old": Identifier(partition), "new": Identifier(new), "parent": Identifier(table)}
        for statement in (
            "LOCK TABLE {old} IN SHARE MODE",
            "INSERT INTO {new} SELECT * FROM {old}",
            "ALTER TABLE {parent} DETACH PARTITION {old}",
            "DROP TABLE {old}",
            "ALTER TABLE {new} RENAME TO {old}",
        ):
            connection.execute(SQL(statement).format(**names), prepare=False)
        _attach(connection, table, partition, int(digits))
        connection.execute(
            "UPDATE to_scrub SET lsn=pg_current_wal_insert_lsn(), rewritten_at=clock_timestamp()"
            " WHERE partition=%s AND xid=%s::xid8",
            (partition, xid),
        )


def note_unfinished(connection: Connection[TupleRow]) -> None:
    """Write down that the newest partitions have to be written anew: rows of a commit that never was may be in them."""
    for table in _CONTENT:
        connection.execute(
            "INSERT INTO to_scrub (partition, xid, ended_at)"
            " SELECT inhrelid::regclass::text, pg_current_xact_id(), clock_timestamp() FROM pg_inherits"
            " WHERE inhparent=to_regclass(%s) ORDER BY 1 DESC LIMIT 2"
            " ON CONFLICT (partition) DO UPDATE SET xid=excluded.xid, ended_at=excluded.ended_at, lsn=NULL,"
            " rewritten_at=NULL",
            (table,),
        )


class WritingCursor:
    """`adapters.store.questions.Executes` on a cursor of psycopg, which also copies rows in and notes what it deleted
    from.

    Args:
        cursor: In an open transaction.
    """

    def __init__(self, cursor: Cursor[TupleRow]) -> None:
        self.cursor = cursor
        self._touched: set[str] = set()

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> object:
        """Run one statement."""
        prepare = None if is_prepared(statement) else False
        return self.cursor.execute(translated(statement), parameters, prepare=prepare)

    def executemany(self, statement: str, rows: Any) -> None:
        """Run one statement with each of some rows, without waiting between them."""
        self.cursor.connection.cursor().executemany(translated(statement), rows)

    def fetchone(self) -> Any:
        """The next row of the last statement."""
        return self.cursor.fetchone()

    def fetchall(self) -> list[Any]:
        """All rows of the last statement."""
        return self.cursor.fetchall()

    def copy(self, table: str, rows: Sequence[Sequence[object]]) -> None:
        """Copy rows in; the columns are those of `adapters.store.postgres_words.TYPES`."""
        with self.cursor.copy(copy_statement(table)) as copy:
            copy.set_types(TYPES[table])
            for row in rows:
                copy.write_row(row)

    def delete(self, statement: str, parameters: Sequence[Any]) -> None:
        """Delete content; the partitions that held some have to be scrubbed."""
        self.execute(f"{statement} RETURNING tableoid::regclass::text", parameters)
        self._touched.update(row[0] for row in self.cursor.fetchall())

    def note_to_scrub(self) -> None:
        """Write down which partitions this transaction deleted from."""
        for name in sorted(self._touched):
            self.execute(
                "INSERT INTO to_scrub (partition, xid, ended_at) VALUES (?, pg_current_xact_id(), clock_timestamp())"
                " ON CONFLICT (partition) DO UPDATE SET xid=excluded.xid, ended_at=excluded.ended_at, lsn=NULL,"
                " rewritten_at=NULL",
                (name,),
            )
