"""The hub's store on SQLite: the event store of `eventsourcing` and our tables beside it, one transaction a commit.

`stored_events` is eventsourcing's own table with its own columns; we only give it an explicit `rowid INTEGER PRIMARY
KEY`, because SQLite promises the values of such a column across VACUUM and of an implicit one it does not. The rowid is
the ledger index plus one, so eventsourcing's notification log is the ledger. `state` holds entry bytes as they are
hashed; nothing is ever decoded and written again.

Rules kept here: WAL with synchronous=FULL (a commit is on disk before anybody is answered); the size of the last
checkpoint is the compare part of compare-and-swap; payloads stand apart from entries so that they can be destroyed.
Not here: what may be recorded (hub.admission) and what it means (hub.application).
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any, Final

from eventsourcing.persistence import IntegrityError, PersistenceError, StoredEvent
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
)

from contracts.errors import ConflictError, FatalError, UnavailableError
from contracts.event import decode_event
from contracts.ids import Hash, KeyId, LeafIndex, OfficeId, PointId, TreeSize
from contracts.procedure_types import ERASE_AND_CLOSE, ERASES, SEAL, UNSEAL
from hub.intake import chain_id
from hub.ports import Commit, ProducerState, Run, StoredEffect
from ledger.entry import event_of

_PAGE: Final = 1000
_STATISTICS: Final = "StatisticsPublished"
_STATISTICS_INDEX: Final = (
    f"CREATE INDEX IF NOT EXISTS published_statistics ON {{}} (topic) WHERE topic='{_STATISTICS}'"
)
"""A handful of rows: the relay asks for them, and the ledger is long."""
_MAX_VARIABLES: Final = 500
_NUMBER_BITS: Final = 8
_CACHE_KIB: Final = 8_192
_SCRUB_SECONDS: Final = 1.0
_NOTHING: Final = b"\xff" * 16
"""Of the length of a stream id, and no UUID."""
_DAMAGE: Final = ("malformed", "Could not decode to UTF-8")
"""What SQLite says of a file or a value that was damaged, not of one that is away or busy."""

_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS event_ids (event_id BLOB PRIMARY KEY, idx INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS tiles (level INTEGER, idx INTEGER, hashes BLOB NOT NULL, PRIMARY KEY (level, idx))"
    " WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS checkpoints (size INTEGER PRIMARY KEY, note BLOB NOT NULL, recorded_at INTEGER NOT"
    " NULL)",
    "CREATE TABLE IF NOT EXISTS matters (stream_id BLOB PRIMARY KEY, packed BLOB NOT NULL, due_ms INTEGER)"
    " WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS delivery_runs (id INTEGER PRIMARY KEY, point TEXT NOT NULL, first_n INTEGER NOT NULL,"
    " count INTEGER NOT NULL, indexes BLOB NOT NULL, head_before BLOB NOT NULL, head_after BLOB NOT NULL,"
    " size INTEGER NOT NULL, is_case INTEGER NOT NULL, UNIQUE (point, first_n))",
    "CREATE TABLE IF NOT EXISTS heads (point TEXT PRIMARY KEY, n INTEGER NOT NULL, head BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS payloads (id INTEGER PRIMARY KEY, envelope BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS wrapped_keys (payload INTEGER, office TEXT, key_id BLOB NOT NULL, enc BLOB NOT NULL,"
    " PRIMARY KEY (payload, office)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS producers (producer TEXT PRIMARY KEY, chain_id BLOB NOT NULL, next_seq INTEGER NOT"
    " NULL, last_hash BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS directory_log (idx INTEGER PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS effects (idx INTEGER PRIMARY KEY, does TEXT NOT NULL, stream_id BLOB NOT NULL)",
    f"CREATE INDEX IF NOT EXISTS closed ON effects (stream_id) WHERE does='{ERASE_AND_CLOSE}'",
    "CREATE TABLE IF NOT EXISTS sealed (stream_id TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS derived (name TEXT PRIMARY KEY, basis BLOB NOT NULL) WITHOUT ROWID",
)
_DUE_INDEX: Final = "CREATE INDEX IF NOT EXISTS matters_due ON matters (due_ms) WHERE due_ms IS NOT NULL"
"""Which matters time does something to next; a matter in which nothing runs is not in it."""


class _ConnectionPool(SQLiteConnectionPool):
    """eventsourcing's pool whose connections keep the pages that a busy hub writes again soon, and overwrite what is
    deleted: a destroyed key may be in no free page."""

    def _create_connection(self) -> SQLiteConnection:
        connection = super()._create_connection()
        connection.cursor().execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        connection.cursor().execute("PRAGMA secure_delete=ON")
        return connection


class LedgerRecorder(SQLiteApplicationRecorder):
    """eventsourcing's application recorder whose transaction also records everything else of a commit."""

    def construct_create_table_statements(self) -> list[str]:
        """The event table with an explicit rowid, and our tables."""
        events = (
            f"CREATE TABLE IF NOT EXISTS {self.events_table_name} (rowid INTEGER PRIMARY KEY, originator_id TEXT,"
            " originator_version INTEGER, topic TEXT, state BLOB, UNIQUE (originator_id, originator_version))"
        )
        return [events, _STATISTICS_INDEX.format(self.events_table_name), *_TABLES]

    def _insert_events(self, c: SQLiteCursor, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        raise FatalError("STORE_FAILED", "events enter the ledger through a commit only")

    def write(self, c: SQLiteCursor, commit: Commit) -> None:
        """Write the rows of a commit into a transaction.

        Raises:
            ConflictError: STORE_MOVED.
        """
        c.execute("SELECT max(size) FROM checkpoints")
        stored_size = c.fetchone()[0] or 0
        if stored_size != commit.old_size:
            raise ConflictError("STORE_MOVED", f"the store holds {stored_size} entries, not {commit.old_size}")
        first = commit.old_size + 1
        c.executemany(
            f"INSERT INTO {self.events_table_name} VALUES (?,?,?,?,?)",
            [
                (first + i, e.originator_id.hex(), e.originator_version, e.topic, e.entry)
                for i, e in enumerate(commit.entries)
            ],
        )
        self._insert_rest(c, commit)
        self._take_effects(c, commit.effects)

    @staticmethod
    def _insert_rest(c: SQLiteCursor, commit: Commit) -> None:
        for statement, rows in _rest_of(commit):
            if rows:
                c.executemany(statement, rows)

    def _take_effects(self, c: SQLiteCursor, effects: Sequence[StoredEffect]) -> None:
        """Do to content what the recorded events say, in their transaction."""
        for effect in effects:
            c.execute("INSERT INTO effects VALUES (?,?,?)", (effect.entry, effect.does, effect.stream_id))
            if effect.does in ERASES:
                for first, last in self._payload_ids(c, effect.stream_id, effect.entry):
                    c.execute("DELETE FROM wrapped_keys WHERE payload BETWEEN ? AND ?", (first, last))
                    c.execute("DELETE FROM payloads WHERE id BETWEEN ? AND ?", (first, last))
            elif effect.brought_by is not None:
                first, last = _payload_range(effect.brought_by)
                c.execute(
                    "DELETE FROM wrapped_keys WHERE payload BETWEEN ? AND ? AND office!=?", (first, last, effect.keeps)
                )
            elif effect.does == SEAL:
                c.execute("INSERT OR IGNORE INTO sealed VALUES (?)", (effect.stream_id.hex(),))
            elif effect.does == UNSEAL:
                c.execute("DELETE FROM sealed WHERE stream_id=?", (effect.stream_id.hex(),))

    def _payload_ids(self, c: SQLiteCursor, stream_id: bytes, before: int) -> list[tuple[int, int]]:
        """Ranges of the payload rows of a stream's events below an index."""
        c.execute(
            f"SELECT rowid FROM {self.events_table_name} WHERE originator_id=? AND rowid<=?", (stream_id.hex(), before)
        )
        return [_payload_range(row[0] - 1) for row in c.fetchall()]


def _rest_of(commit: Commit) -> Iterator[tuple[str, Sequence[Sequence[object]]]]:
    """The rows of a commit beside its entries, table by table."""
    yield "INSERT INTO event_ids VALUES (?,?)", commit.event_ids
    yield (
        "INSERT OR REPLACE INTO tiles VALUES (?,?,?)",
        [(level, index, hashes) for (level, index), hashes in commit.tiles.items()],
    )
    yield "INSERT INTO checkpoints VALUES (?,?,?)", [(commit.new_size, commit.checkpoint, commit.recorded_at)]
    due = commit.due
    changed = [(stream_id, packed, due.get(stream_id)) for stream_id, packed in commit.matters]
    yield "INSERT OR REPLACE INTO matters VALUES (?,?,?)", changed
    if len(due) > len(changed):
        own = {stream_id for stream_id, _ in commit.matters}
        yield "UPDATE matters SET due_ms=? WHERE stream_id=?", [(at, s) for s, at in due.items() if s not in own]
    yield (
        "INSERT INTO delivery_runs (point, first_n, count, indexes, head_before, head_after, size, is_case)"
        " VALUES (?,?,?,?,?,?,?,?)",
        [_run_row(run) for run in commit.runs],
    )
    yield "INSERT OR REPLACE INTO heads VALUES (?,?,?)", commit.heads
    payloads = [(_payload_id(p.entry, p.number), p) for p in commit.payloads]
    yield "INSERT INTO payloads VALUES (?,?)", [(payload, p.envelope) for payload, p in payloads]
    yield (
        "INSERT INTO wrapped_keys VALUES (?,?,?,?)",
        [(payload, w.office, w.key_id, w.enc) for payload, p in payloads for w in p.wrapped],
    )
    yield (
        "INSERT OR REPLACE INTO producers VALUES (?,?,?,?)",
        [(name, chain_id(name), state.next_seq, state.last_hash) for name, state in commit.producers],
    )
    yield "INSERT INTO directory_log VALUES (?)", [(index,) for index in commit.directory]


def _payload_id(entry: int, number: int) -> int:
    """The row of a payload: ascending with the ledger; an event names at most `MAX_SEALED`."""
    return entry << _NUMBER_BITS | number


def _payload_range(entry: int) -> tuple[int, int]:
    """First and last row that the payloads of an entry can have."""
    return _payload_id(LeafIndex(entry), 0), _payload_id(LeafIndex(entry), (1 << _NUMBER_BITS) - 1)


def _run_row(run: Run) -> tuple[object, ...]:
    indexes = struct.pack(f">{len(run.indexes)}Q", *run.indexes)
    return (
        run.point,
        run.first_n,
        len(run.indexes),
        indexes,
        run.head_before,
        run.head_after,
        run.size,
        run.is_case,
    )


class SqliteStore:
    """`hub.ports.Store` on one SQLite file.

    Args:
        path: The database file; its directory exists.
        read_only: Open for a second process (relay, audit): nothing can be written.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        if read_only and not path.exists():
            raise UnavailableError("STORE_MISSING", f"there is no ledger at {path.name}; make one with `pprd init`")
        self._read_only = read_only
        self._turn = Lock()
        self._open = ExitStack()
        self._path = path
        name = path.resolve().as_uri() + ("?mode=ro" if read_only else "")
        try:
            self._datastore = SQLiteDatastore(name, lock_timeout=30, pool_size=4)
            self._datastore.pool = _ConnectionPool(db_name=name, lock_timeout=30, pool_size=4)
            self._recorder = LedgerRecorder(self._datastore)
            if not read_only:
                self._recorder.create_table()
                self._add_due_column()
        except (PersistenceError, sqlite3.Error) as error:
            raise UnavailableError("STORE_MISSING", f"the ledger file cannot be opened: {error}") from error

    def close(self) -> None:
        """Give back connections and files; what was begun and not finished is rolled back."""
        with suppress(InterruptedError, PersistenceError, sqlite3.Error):
            self._open.__exit__(InterruptedError, InterruptedError(), None)
        self._datastore.close()

    def _add_due_column(self) -> None:
        """Give a store of an earlier release the column of the due index; the hub fills it at start-up."""
        with self._datastore.transaction(commit=True) as c:
            c.execute("SELECT count(*) FROM pragma_table_info('matters') WHERE name='due_ms'")
            if c.fetchone()[0] == 0:
                c.execute("ALTER TABLE matters ADD COLUMN due_ms INTEGER")
            c.execute(_DUE_INDEX)

    # -- writing

    def write_due(self, rows: Iterable[tuple[bytes, int | None]], basis: bytes) -> None:
        """See `hub.ports.Store.write_due`."""
        try:
            with self._datastore.transaction(commit=True) as c:
                c.execute("UPDATE matters SET due_ms=NULL WHERE due_ms IS NOT NULL")
                c.executemany("UPDATE matters SET due_ms=? WHERE stream_id=?", ((at, s) for s, at in rows))
                c.execute("INSERT OR REPLACE INTO derived VALUES ('due', ?)", (basis,))
        except (PersistenceError, sqlite3.Error) as error:
            raise FatalError("STORE_FAILED", f"the due index cannot be written: {error}") from error

    def begin(self, commit: Commit) -> None:
        """See `hub.ports.Store.begin`."""
        self._turn.acquire()
        try:
            with ExitStack() as stack:
                cursor = stack.enter_context(self._datastore.transaction(commit=True))
                self._recorder.write(cursor, commit)
                self._open = stack.pop_all()
        except BaseException as error:
            self._turn.release()
            if isinstance(error, IntegrityError):
                told = f"the store refuses a row that was checked before: {error}"
                raise FatalError("STORE_FAILED", told) from error
            if isinstance(error, PersistenceError | sqlite3.Error):
                raise FatalError("STORE_FAILED", f"the commit cannot be written: {error}") from error
            raise

    def finish(self) -> None:
        """See `hub.ports.Store.finish`."""
        try:
            self._open.close()
        except (PersistenceError, sqlite3.Error) as error:
            raise FatalError("STORE_FAILED", f"whether the commit is on disk is unknown: {error}") from error
        finally:
            self._turn.release()

    def commit(self, commit: Commit) -> None:
        """See `hub.ports.Store.commit`."""
        self.begin(commit)
        self.finish()

    def scrub(self) -> bool:
        """See `hub.ports.Store.scrub`: the write-ahead log is moved into the file and cut to nothing.

        What is deleted is overwritten in the file itself (`secure_delete`), but the log still holds the pages as they
        were before.
        """
        # Not beside a transaction that was begun: cutting the log under what it has read makes its first write fail.
        if not self._turn.acquire(timeout=_SCRUB_SECONDS):
            return False
        try:
            with closing(sqlite3.connect(self._path, timeout=_SCRUB_SECONDS, isolation_level=None)) as db:
                (is_busy, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                return False
            raise FatalError("STORE_FAILED", f"what was destroyed cannot be scrubbed: {error}") from error
        finally:
            self._turn.release()
        return not is_busy

    # -- reading

    @contextmanager
    def _read(self) -> Iterator[SQLiteCursor]:
        """A cursor outside any transaction: each statement sees the last commit as a whole."""
        try:
            with self._datastore.get_connection(commit=False) as connection:
                yield connection.cursor()
        except (PersistenceError, sqlite3.Error) as error:
            if any(sign in str(error) for sign in _DAMAGE):
                raise FatalError("STORE_DAMAGED", f"the ledger file does not hold what it should: {error}") from error
            raise UnavailableError("STORE_BUSY", f"the ledger file cannot be read now: {error}") from error

    def _one(self, statement: str, *parameters: object) -> Any:
        with self._read() as c:
            c.execute(statement, parameters)
            return c.fetchone()

    def _all(self, statement: str, *parameters: object) -> Any:
        with self._read() as c:
            c.execute(statement, parameters)
            return c.fetchall()

    def size(self) -> TreeSize:
        """See `hub.ports.LedgerReader.size`."""
        return TreeSize(self._one("SELECT max(size) FROM checkpoints")[0] or 0)

    def checkpoint(self, size: TreeSize | None = None) -> bytes | None:
        """See `hub.ports.LedgerReader.checkpoint`."""
        if size is None:
            row = self._one("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1")
        else:
            row = self._one("SELECT note FROM checkpoints WHERE size=?", size)
        return None if row is None else row[0]

    def recorded_at(self) -> int:
        """See `hub.ports.LedgerReader.recorded_at`."""
        row = self._one("SELECT recorded_at FROM checkpoints ORDER BY size DESC LIMIT 1")
        return 0 if row is None else row[0]

    def checkpoints(self, after: int, limit: int) -> Sequence[tuple[TreeSize, bytes]]:
        """Sizes and notes above a size, ascending."""
        return [
            tuple(r)
            for r in self._all("SELECT size, note FROM checkpoints WHERE size>? ORDER BY size LIMIT ?", after, limit)
        ]

    def checkpoint_covering(self, index: LeafIndex) -> bytes | None:
        """See `hub.ports.LedgerReader.checkpoint_covering`."""
        row = self._one("SELECT note FROM checkpoints WHERE size>? ORDER BY size LIMIT 1", index)
        return None if row is None else row[0]

    def tile(self, level: int, index: int) -> bytes:
        """See `hub.ports.LedgerReader.tile`."""
        row = self._one("SELECT hashes FROM tiles WHERE level=? AND idx=?", level, index)
        return b"" if row is None else row[0]

    def entries(self, start: LeafIndex, end: LeafIndex) -> Iterator[bytes]:
        """See `hub.ports.LedgerReader.entries`."""
        at = start
        while at < end:
            rows = self._all(
                "SELECT CAST(state AS BLOB) FROM stored_events WHERE rowid>? AND rowid<=? ORDER BY rowid LIMIT ?",
                at,
                end,
                _PAGE,
            )
            if not rows:
                return
            for row in rows:
                yield row[0]
            at = LeafIndex(at + len(rows))

    def stream(self, stream_id: bytes, from_seq: int, limit: int) -> Sequence[tuple[LeafIndex, bytes]]:
        """See `hub.ports.LedgerReader.stream`."""
        rows = self._all(
            "SELECT rowid, state FROM stored_events WHERE originator_id=? AND originator_version>=?"
            " ORDER BY originator_version LIMIT ?",
            stream_id.hex(),
            from_seq,
            limit,
        )
        return [(LeafIndex(r[0] - 1), r[1]) for r in rows]

    def sealed_streams(self) -> frozenset[bytes]:
        """See `hub.ports.LedgerReader.sealed_streams`."""
        return frozenset(bytes.fromhex(row[0]) for row in self._all("SELECT stream_id FROM sealed"))

    def closed_streams(self) -> frozenset[bytes]:
        """See `hub.ports.LedgerReader.closed_streams`."""
        return frozenset(row[0] for row in self._all(f"SELECT stream_id FROM effects WHERE does='{ERASE_AND_CLOSE}'"))

    def visible_stream(self, stream_id: bytes, from_seq: int, limit: int) -> Sequence[tuple[LeafIndex, bytes]]:
        """See `hub.ports.LedgerReader.visible_stream`: a sealed stream is looked for under a name that nothing has."""
        (is_sealed,) = self._one("SELECT count(*) FROM sealed WHERE stream_id=?", stream_id.hex())
        return self.stream((stream_id, _NOTHING)[is_sealed], from_seq, limit)

    def visible(self, event_id: bytes) -> LeafIndex | None:
        """See `hub.ports.LedgerReader.visible`."""
        index = self._one("SELECT coalesce((SELECT idx FROM event_ids WHERE event_id=?), -2)", event_id)[0]
        row = self._one(
            "SELECT (SELECT rowid FROM stored_events e WHERE e.rowid=? AND NOT EXISTS"
            " (SELECT 1 FROM sealed s WHERE s.stream_id=e.originator_id))",
            index + 1,
        )
        return None if row[0] is None else LeafIndex(index)

    def held_of(self, stream_id: bytes, before: int) -> tuple[int, int]:
        """Envelopes and wrapped keys that are held of a stream's events below an index."""
        rows = self._all("SELECT rowid FROM stored_events WHERE originator_id=? AND rowid<=?", stream_id.hex(), before)
        ranges = [_payload_range(row[0] - 1) for row in rows]
        envelopes = sum(self._one("SELECT count(*) FROM payloads WHERE id BETWEEN ? AND ?", *r)[0] for r in ranges)
        keys = sum(self._one("SELECT count(*) FROM wrapped_keys WHERE payload BETWEEN ? AND ?", *r)[0] for r in ranges)
        return envelopes, keys

    def copies_of(self, event_id: bytes) -> int:
        """Wrapped keys that are held of an event's payloads for others than the office that sealed them."""
        index = self.recorded((event_id,)).get(event_id)
        data = None if index is None else next(self.entries(index, LeafIndex(index + 1)), None)
        event = None if data is None else event_of(data)
        if index is None or event is None:
            return 0
        statement = "SELECT count(*) FROM wrapped_keys WHERE payload BETWEEN ? AND ? AND office!=?"
        return int(self._one(statement, *_payload_range(index), decode_event(event).producer_office)[0])

    def erased_after(self, stream_id: bytes, entry: int) -> bool:
        """Whether an entry at or after an index says that a stream's content was destroyed."""
        return bool(
            self._one(
                "SELECT count(*) FROM effects WHERE stream_id=? AND idx>=? AND does LIKE 'ERASE%'", stream_id, entry
            )[0]
        )

    def recorded(self, event_ids: Sequence[bytes]) -> Mapping[bytes, LeafIndex]:
        """See `hub.ports.LedgerReader.recorded`."""
        return {
            k: LeafIndex(v) for k, v in self._select_in("SELECT event_id, idx FROM event_ids WHERE event_id", event_ids)
        }

    def matters(self, stream_ids: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """See `hub.ports.LedgerReader.matters`."""
        return dict(self._select_in("SELECT stream_id, packed FROM matters WHERE stream_id", stream_ids))

    def _select_in(self, statement: str, keys: Sequence[bytes] | Sequence[int]) -> list[tuple[Any, Any]]:
        found: list[tuple[Any, Any]] = []
        if not keys:
            return found
        with self._read() as c:
            for i in range(0, len(keys), _MAX_VARIABLES):
                part = keys[i : i + _MAX_VARIABLES]
                c.execute(f"{statement} IN ({','.join('?' * len(part))})", part)
                found += [(r[0], r[1]) for r in c.fetchall()]
        return found

    def all_matters(self) -> Iterator[tuple[bytes, bytes]]:
        """See `hub.ports.LedgerReader.all_matters`."""
        last = b""
        while rows := self._all(
            "SELECT stream_id, CAST(packed AS BLOB) FROM matters WHERE stream_id>? ORDER BY stream_id LIMIT ?",
            last,
            _PAGE,
        ):
            for row in rows:
                yield row[0], row[1]
            last = rows[-1][0]

    def due_matters(self, until_ms: int) -> Iterator[bytes]:
        """See `hub.ports.LedgerReader.due_matters`."""
        at, last = -1, b""
        while rows := self._all(
            "SELECT due_ms, stream_id, CAST(packed AS BLOB) FROM matters WHERE due_ms<=? AND (due_ms, stream_id)>(?,?)"
            " ORDER BY due_ms, stream_id LIMIT ?",
            until_ms,
            at,
            last,
            _PAGE,
        ):
            for row in rows:
                yield row[2]
            at, last = rows[-1][0], rows[-1][1]

    def due_index(self) -> Iterator[tuple[bytes, int]]:
        """See `hub.ports.LedgerReader.due_index`."""
        last = b""
        while rows := self._all(
            "SELECT stream_id, due_ms FROM matters WHERE due_ms IS NOT NULL AND stream_id>? ORDER BY stream_id LIMIT ?",
            last,
            _PAGE,
        ):
            for row in rows:
                yield row[0], row[1]
            last = rows[-1][0]

    def due_basis(self) -> bytes | None:
        """See `hub.ports.LedgerReader.due_basis`."""
        row = self._one("SELECT basis FROM derived WHERE name='due'")
        return None if row is None else row[0]

    def batch_index(self, producer: str, batch_seq: int) -> LeafIndex | None:
        """See `hub.ports.LedgerReader.batch_index`."""
        row = self._one(
            "SELECT rowid FROM stored_events WHERE originator_id=? AND originator_version=?",
            chain_id(producer).hex(),
            batch_seq,
        )
        return None if row is None else LeafIndex(row[0] - 1)

    def producer(self, producer: str) -> ProducerState | None:
        """See `hub.ports.LedgerReader.producer`."""
        row = self._one("SELECT next_seq, last_hash FROM producers WHERE producer=?", producer)
        return None if row is None else ProducerState(row[0], Hash(row[1]))

    def heads(self) -> Mapping[PointId, tuple[int, Hash]]:
        """See `hub.ports.LedgerReader.heads`."""
        return {PointId(r[0]): (r[1], Hash(r[2])) for r in self._all("SELECT point, n, head FROM heads")}

    def runs(self, point: PointId, from_n: int, limit: int) -> Sequence[Run]:
        """See `hub.ports.LedgerReader.runs`."""
        rows = self._all(
            "SELECT * FROM delivery_runs WHERE point=? AND first_n+count>? AND first_n>="
            " (SELECT coalesce(max(first_n), 0) FROM delivery_runs WHERE point=? AND first_n<=?)"
            " ORDER BY first_n LIMIT ?",
            point,
            from_n,
            point,
            from_n,
            limit,
        )
        return [_run(r) for r in rows]

    def runs_after(self, run_id: int, limit: int) -> Sequence[tuple[int, Run]]:
        """See `hub.ports.LedgerReader.runs_after`."""
        rows = self._all("SELECT * FROM delivery_runs WHERE id>? ORDER BY id LIMIT ?", run_id, limit)
        return [(r["id"], _run(r)) for r in rows]

    def directory_entries(self, start: LeafIndex) -> Iterator[tuple[LeafIndex, bytes]]:
        """See `hub.ports.LedgerReader.directory_entries`."""
        at = start
        while rows := self._all(
            "SELECT d.idx, e.state FROM directory_log d JOIN stored_events e ON e.rowid=d.idx+1"
            " WHERE d.idx>=? ORDER BY d.idx LIMIT ?",
            at,
            _PAGE,
        ):
            for row in rows:
                yield LeafIndex(row[0]), row[1]
            at = LeafIndex(rows[-1][0] + 1)

    def statistics_entries(self, start: LeafIndex) -> Iterator[tuple[LeafIndex, bytes]]:
        """See `hub.ports.LedgerReader.statistics_entries`."""
        at = start
        while rows := self._all(
            "SELECT rowid, CAST(state AS BLOB) FROM stored_events WHERE topic=? AND rowid>? ORDER BY rowid LIMIT ?",
            *(_STATISTICS, at, _PAGE),
        ):
            for row in rows:
                yield LeafIndex(row[0] - 1), row[1]
            at = LeafIndex(rows[-1][0])

    def payload(self, entry: LeafIndex, number: int) -> bytes | None:
        """See `hub.ports.LedgerReader.payload`."""
        row = self._one("SELECT envelope FROM payloads WHERE id=?", _payload_id(entry, number))
        return None if row is None else row[0]

    def payloads(self, addresses: Sequence[tuple[LeafIndex, int]]) -> Mapping[tuple[LeafIndex, int], bytes]:
        """Those of some sealed envelopes that are held, by entry and number."""
        ids = {_payload_id(entry, number): (entry, number) for entry, number in addresses}
        rows = self._select_in("SELECT id, CAST(envelope AS BLOB) FROM payloads WHERE id", list(ids))
        return {ids[row_id]: envelope for row_id, envelope in rows}

    def wrapped_offices(self, addresses: Sequence[tuple[LeafIndex, int]]) -> Mapping[tuple[LeafIndex, int], set[str]]:
        """The offices for which content keys of some envelopes are held, by entry and number."""
        ids = {_payload_id(entry, number): (entry, number) for entry, number in addresses}
        offices: dict[tuple[LeafIndex, int], set[str]] = {}
        for row_id, office in self._select_in("SELECT payload, office FROM wrapped_keys WHERE payload", list(ids)):
            offices.setdefault(ids[row_id], set()).add(office)
        return offices

    def payload_count(self) -> int:
        """Sealed envelopes that are held."""
        return int(self._one("SELECT count(*) FROM payloads")[0])

    def event_count(self) -> int:
        """Event ids that are recorded."""
        return int(self._one("SELECT count(*) FROM event_ids")[0])

    def wrapped_key(self, entry: LeafIndex, number: int, office: OfficeId) -> tuple[KeyId, bytes] | None:
        """See `hub.ports.LedgerReader.wrapped_key`."""
        row = self._one(
            "SELECT key_id, enc FROM wrapped_keys WHERE payload=? AND office=?", _payload_id(entry, number), office
        )
        return None if row is None else (KeyId(row[0]), row[1])


def _run(row: Any) -> Run:
    return Run(
        point=PointId(row["point"]),
        first_n=row["first_n"],
        indexes=struct.unpack(f">{row['count']}Q", row["indexes"]),
        head_before=Hash(row["head_before"]),
        head_after=Hash(row["head_after"]),
        size=TreeSize(row["size"]),
        is_case=bool(row["is_case"]),
    )
