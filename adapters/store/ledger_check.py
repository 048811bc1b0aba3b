"""Compares everything that a hub's store keeps beside its entries with what follows from them, and rebuilds it.

What follows is written to a file of its own first, table by table in the store's own form; then each row is compared,
so that every damage is named and not the first one only. A repair replaces the tables that differ in one transaction.
It never touches `stored_events`, `payloads` or `wrapped_keys`, and it does nothing at all unless the entries lead to
the root that the ledger's key has signed last.

A checkpoint follows from the entries but for its signature: with the log's key at hand it is signed again, byte for
byte as it was (Ed25519 draws no random number); without it the row is named and left.
"""

from __future__ import annotations

import sqlite3
import struct
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from adapters.store.cosigned_questions import is_line
from adapters.store.ledger_store import LedgerStore
from adapters.store.opening import LEDGER_POINTER, open_store
from adapters.store.pointer import read_pointer
from adapters.store.shelf import SpillingShelf
from adapters.store.store_keys import store_keys
from contracts.errors import EvidenceError, ExchangeError, UnavailableError
from contracts.ids import Hash, LeafIndex, TreeSize
from hub.admission import Rules
from hub.ports import Run
from hub.rebuilt import Rebuild, RebuiltCommit
from ledger.batch import chain_id
from ledger.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from ledger.entry import BATCH_PREFIX
from ledger.note import NoteSigner

_TABLES: Final = {
    "event_ids": ("event_id BLOB, idx INTEGER", 1),
    "tiles": ("level INTEGER, idx INTEGER, hashes BLOB", 2),
    "matters": ("stream_id BLOB, packed BLOB", 1),
    "delivery_runs": (
        "id INTEGER, point TEXT, first_n INTEGER, count INTEGER, indexes BLOB, head_before BLOB, head_after BLOB,"
        " size INTEGER, is_case INTEGER",
        1,
    ),
    "heads": ("point TEXT, n INTEGER, head BLOB", 1),
    "producers": ("producer TEXT, chain_id BLOB, next_seq INTEGER, last_hash BLOB", 1),
    "directory_log": ("idx INTEGER", 1),
}
"""Tables that follow from the entries: columns, and how many of them are the key."""
_CHECKPOINTS: Final = "size INTEGER PRIMARY KEY, root BLOB, recorded_at INTEGER"
_ENTRIES: Final = "idx INTEGER PRIMARY KEY, originator_id TEXT, originator_version INTEGER, topic TEXT"
MAX_DAMAGES: Final = 1_000
"""More are counted and not listed."""


@dataclass(frozen=True, slots=True)
class Damage:
    """One row that is not what follows from the entries.

    Attributes:
        place: Table and key, `tiles 0/3`, or the name of a file.
        expected: What follows, shortened; `nothing` if there should be no such row.
        found: What is kept, shortened; `nothing` if the row is missing.
        is_repairable: Whether a repair can put it right.
    """

    place: str
    expected: str
    found: str
    is_repairable: bool = True

    def __str__(self) -> str:
        """One line."""
        return f"{self.place}: expected {self.expected}, found {self.found}"


class LedgerCheck:
    """One check of one hub's store; a context whose temporary files go with it.

    Args:
        place: Where the ledger is.
        rules: The contracts.
        signers: The log's keys that are at hand.
        progress: Told how many of how many entries are done.
    """

    def __init__(
        self,
        place: Path,
        rules: Rules,
        *,
        signers: Sequence[NoteSigner] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._place = place
        self._rules = rules
        self._held = {signer.verifier: signer for signer in signers}
        self._progress = progress or (lambda done, size: None)
        self._folder = tempfile.TemporaryDirectory(prefix="pprd-check-")
        self._expected = Path(self._folder.name) / "expected.sqlite"
        self._copied = Path(self._folder.name) / "copied.sqlite"
        self.size = 0

    def __enter__(self) -> LedgerCheck:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    # -- what follows

    def derive(self) -> None:
        """Replay every entry and write down what follows.

        Raises:
            EvidenceError: The entries do not follow, or do not lead to the signed root; nothing can be derived.
            UnavailableError: The file cannot be read.
        """
        store = open_store(self._place, read_only=True)
        with closing(store), closing(self._made()) as db, SpillingShelf() as shelf:
            last = self._last(store)
            self.size = last.size
            tiles: dict[tuple[int, int], bytes] = {}

            def read_tile(level: int, index: int) -> bytes:
                return tiles.get((level, index), b"")

            rebuild = Rebuild(self._rules, shelf, read_tile)
            root = Hash(bytes(32))
            start = 0
            for size in self._commits(last.size):
                commit = rebuild.commit(store.entries(LeafIndex(start), LeafIndex(size)), TreeSize(size))
                tiles |= commit.tiles
                self._write(db, start, commit)
                # Only the last tile of each level is extended again.
                tiles = {key: data for key, data in tiles.items() if len(data) < 8_192}
                root, start = commit.root, size
                self._progress(size, last.size)
            if root != last.root:
                told = f"the entries lead to {root.hex()}, signed is {last.root.hex()}"
                raise EvidenceError("LEDGER_UNEXPLAINED", told)
            shelf.finish()
            self._finish(db, rebuild, shelf)

    def _last(self, store: LedgerStore) -> Checkpoint:
        """The newest checkpoint that the ledger's key signed: what the entries must lead to."""
        self._keys = store_keys(store)
        note = store.checkpoint()
        if type(note) is not bytes:
            raise EvidenceError("LEDGER_UNEXPLAINED", "the last checkpoint holds no bytes")
        return parse_checkpoint(note, self._keys)

    def _commits(self, size: int) -> list[int]:
        """Sizes at which commits ended, as checkpoints or delivery runs tell; never one that cuts a batch."""
        told = "SELECT size FROM main.checkpoints UNION SELECT size FROM main.delivery_runs"
        ends = "SELECT rowid - 1 FROM main.stored_events WHERE substr(CAST(state AS BLOB), 1, ?)=?"
        with self._both(is_writing=False) as db:
            rows = db.execute(f"{told} INTERSECT {ends}", (len(BATCH_PREFIX), BATCH_PREFIX)).fetchall()
        return sorted({row[0] for row in rows if 0 < row[0] <= size} | {size})

    def _made(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._expected, isolation_level=None)
        db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;")
        for name, (columns, _) in _TABLES.items():
            db.execute(f"CREATE TABLE {name} ({columns})")
        db.execute(f"CREATE TABLE checkpoints ({_CHECKPOINTS})")
        db.execute(f"CREATE TABLE filed ({_ENTRIES})")
        db.execute("CREATE UNIQUE INDEX tiles_key ON tiles (level, idx)")
        db.execute("BEGIN")
        return db

    @staticmethod
    def _write(db: sqlite3.Connection, start: int, commit: RebuiltCommit) -> None:
        db.executemany("INSERT INTO event_ids VALUES (?,?)", commit.event_ids)
        db.executemany(
            "INSERT OR REPLACE INTO tiles VALUES (?,?,?)",
            [(level, index, hashes) for (level, index), hashes in commit.tiles.items()],
        )
        (known,) = db.execute("SELECT count(*) FROM delivery_runs").fetchone()
        rows = [(known + number, *_run_row(run)) for number, run in enumerate(commit.runs, 1)]
        db.executemany("INSERT INTO delivery_runs VALUES (?,?,?,?,?,?,?,?,?)", rows)
        db.execute("INSERT INTO checkpoints VALUES (?,?,?)", (commit.size, commit.root, commit.recorded_at))
        filed = [(start + at, one.originator_id.hex(), *one[1:]) for at, one in enumerate(commit.filed)]
        db.executemany("INSERT INTO filed VALUES (?,?,?,?)", filed)

    @staticmethod
    def _finish(db: sqlite3.Connection, rebuild: Rebuild, shelf: SpillingShelf) -> None:
        db.executemany("INSERT INTO matters VALUES (?,?)", shelf.matters())
        db.executemany("INSERT INTO heads VALUES (?,?,?)", [(p, n, head) for p, (n, head) in rebuild.heads.items()])
        db.executemany(
            "INSERT INTO producers VALUES (?,?,?,?)",
            [(name, chain_id(name), state.next_seq, state.last_hash) for name, state in rebuild.producers.items()],
        )
        db.executemany("INSERT INTO directory_log VALUES (?)", [(index,) for index in rebuild.directory_log])
        db.execute("COMMIT")

    # -- what is kept

    def damages(self) -> Iterator[Damage]:
        """Everything that differs, table by table; `derive` comes first.

        Raises:
            UnavailableError: SOURCE_UNREADABLE: the file cannot be read as a database.
        """
        with self._both(is_writing=False) as db:
            yield from self._checkpoints(db)
            for name in _TABLES:
                yield from _differences(db, name)
            yield from _bad_cosignatures(db)
            yield from _misfiled(db)

    def _checkpoints(self, db: sqlite3.Connection) -> Iterator[Damage]:
        rows = db.execute("SELECT size, root, recorded_at FROM expected.checkpoints")
        expected = {size: (root, at) for size, root, at in rows}
        for size, note, recorded_at in db.execute("SELECT size, note, recorded_at FROM main.checkpoints ORDER BY size"):
            place = f"checkpoints {size}"
            root, at = expected.pop(size, (None, 0))
            if root is None:
                yield Damage(place, "nothing", "a checkpoint where no commit ended")
            elif (why := self._wrong_note(note, size, root)) is not None:
                yield Damage(place, f"root {root.hex()}, signed", why, self._signers(size) is not None)
            elif recorded_at != at:
                yield Damage(place, f"recorded at {at}", f"recorded at {recorded_at}")
        for size, (root, _) in expected.items():
            yield Damage(
                f"checkpoints {size}", f"root {root.hex()}, signed", "nothing", self._signers(size) is not None
            )

    def _signers(self, size: int) -> list[NoteSigner] | None:
        """Those who sign a checkpoint of a size; None if one of them is not at hand."""
        signers = [self._held[key] for key in self._keys.at(size) if key in self._held]
        return signers if len(signers) == len(self._keys.at(size)) else None

    def _wrong_note(self, note: object, size: int, root: bytes) -> str | None:
        if not isinstance(note, bytes):
            return "no bytes"
        try:
            checkpoint = parse_checkpoint(note, self._keys)
        except ExchangeError as error:
            return error.code
        if (checkpoint.size, checkpoint.root) != (size, root):
            return f"size {checkpoint.size}, root {checkpoint.root.hex()}"
        return None

    # -- repair

    def repair(self) -> int:
        """Replace what differs; `derive` comes first. A hub that runs must have been stopped.

        Returns:
            How many tables were replaced.

        Raises:
            ConflictError: FOLDER_IN_USE, STORE_MOVED: a hub runs, or one has run meanwhile; nothing changed.
            UnavailableError: SOURCE_UNREADABLE: the store cannot be written; nothing changed.
        """
        replaced: list[str] = []
        with self._both(is_writing=True) as db:
            db.execute("BEGIN IMMEDIATE")
            if any(self._checkpoints(db)):
                self._repair_checkpoints(db)
                replaced.append("checkpoints")
            for name in _TABLES:
                if next(_differences(db, name), None) is not None:
                    _replace(db, name)
                    replaced.append(name)
            bad = [one.place.removeprefix("cosignatures ") for one in _bad_cosignatures(db)]
            if bad:
                places = [(place,) for place in bad]
                db.executemany("DELETE FROM main.cosignatures WHERE size || '/' || witness=?", places)
                replaced.append("cosignatures")
            db.execute("COMMIT")
            self._put_back(db, replaced)
        return len(replaced)

    def _repair_checkpoints(self, db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM main.checkpoints WHERE size NOT IN (SELECT size FROM expected.checkpoints)")
        for size, root, at in db.execute("SELECT size, root, recorded_at FROM expected.checkpoints").fetchall():
            row = db.execute("SELECT note FROM main.checkpoints WHERE size=?", (size,)).fetchone()
            if row is not None and self._wrong_note(row[0], size, root) is None:
                db.execute("UPDATE main.checkpoints SET recorded_at=? WHERE size=?", (at, size))
            elif (signers := self._signers(size)) is not None:
                note = sign_checkpoint(Checkpoint(self._keys.origin, TreeSize(size), Hash(root)), *signers)
                db.execute("INSERT OR REPLACE INTO main.checkpoints VALUES (?,?,?)", (size, note, at))

    @contextmanager
    def _both(self, *, is_writing: bool) -> Iterator[sqlite3.Connection]:
        """What is kept as `main`, what follows as `expected`."""
        mode = "rw" if is_writing else "ro"
        try:
            db = sqlite3.connect(f"{self._kept().resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None)
            with closing(db):
                db.execute("PRAGMA synchronous=FULL")
                db.execute("ATTACH ? AS expected", (str(self._expected),))
                yield db
        except sqlite3.Error as error:
            raise UnavailableError("SOURCE_UNREADABLE", f"the ledger file cannot be used now: {error}") from error

    def _kept(self) -> Path:
        """The file with what is kept: the ledger's own, or one into which its database was copied."""
        if self._place.name != LEDGER_POINTER:
            return self._place
        if not self._copied.exists():
            from adapters.store.postgres_copy import copy_derived

            copy_derived(read_pointer(self._place), self._copied, entry_bytes=len(BATCH_PREFIX))
        return self._copied

    def _put_back(self, db: sqlite3.Connection, replaced: Sequence[str]) -> None:
        """Let a database hold what was repaired in the copy of it."""
        if self._place.name == LEDGER_POINTER and replaced:
            from adapters.store.postgres_copy import put_back

            # With the matters goes what the hub derived from them.
            put_back(read_pointer(self._place), db, [*replaced, *(["derived"] if "matters" in replaced else [])])


def _columns(name: str) -> list[str]:
    return [column.split()[0] for column in _TABLES[name][0].split(", ")]


def _differences(db: sqlite3.Connection, name: str) -> Iterator[Damage]:
    """Rows of a table that are kept and do not follow, or follow and are not kept; each place once."""
    columns, width = ", ".join(_columns(name)), _TABLES[name][1]
    seen: dict[tuple[Any, ...], list[tuple[Any, ...] | None]] = {}
    for side, (one, other) in enumerate((("expected", "main"), ("main", "expected"))):
        rows = db.execute(f"SELECT {columns} FROM {one}.{name} EXCEPT SELECT {columns} FROM {other}.{name}")
        for row in rows:
            seen.setdefault(row[:width], [None, None])[side] = row[width:] if len(row) > width else row
    for key in sorted(seen, key=str):
        expected, found = seen[key]
        place = "/".join(part.hex() if isinstance(part, bytes) else str(part) for part in key)
        yield Damage(f"{name} {place}", *_told(_columns(name)[width:], expected, found))


def _told(names: Sequence[str], expected: tuple[Any, ...] | None, found: tuple[Any, ...] | None) -> tuple[str, str]:
    """Both rows, shortened to the first column that differs."""
    if expected is None or found is None or len(names) != len(expected):
        return ("nothing" if expected is None else "a row"), ("nothing" if found is None else "a row")
    for name, mine, theirs in zip(names, expected, found, strict=True):
        if mine != theirs or type(mine) is not type(theirs):
            return f"{name} {_short(mine, theirs)}", f"{name} {_short(theirs, mine)}"
    return "a row", "another row"


def _short(value: object, other: object) -> str:
    """A value, long bytes from where they differ on."""
    if not isinstance(value, bytes):
        return str(value)[:40]
    same = 0
    if isinstance(other, bytes):
        pairs = enumerate(zip(value, other, strict=False))
        same = next((at for at, (a, b) in pairs if a != b), min(len(value), len(other)))
    return f"{value[same : same + 16].hex() or 'nothing'} at byte {same} of {len(value)}"


def _bad_cosignatures(db: sqlite3.Connection) -> Iterator[Damage]:
    """Kept lines of witnesses that are none, or that stand under no checkpoint; a repair removes them."""
    if db.execute("SELECT count(*) FROM main.sqlite_master WHERE name='cosignatures'").fetchone()[0] == 0:
        return
    sizes = {row[0] for row in db.execute("SELECT size FROM expected.checkpoints")}
    for size, witness, line in db.execute("SELECT size, witness, line FROM main.cosignatures").fetchall():
        if size not in sizes or not is_line(line):
            yield Damage(f"cosignatures {size}/{witness}", "a signature line under a checkpoint", "something else")


def _misfiled(db: sqlite3.Connection) -> Iterator[Damage]:
    """Entries that are filed under another stream or type than theirs; they are never touched, so only named."""
    columns = "originator_id, originator_version, topic"
    rows = db.execute(
        f"SELECT rowid - 1, {columns} FROM main.stored_events WHERE rowid <= (SELECT max(idx) + 1 FROM expected.filed)"
        f" EXCEPT SELECT idx, {columns} FROM expected.filed"
    ).fetchall()
    for index, *found in rows:
        expected = db.execute(f"SELECT {columns} FROM expected.filed WHERE idx=?", (index,)).fetchone()
        names = columns.split(", ")
        yield Damage(f"stored_events {index}", *_told(names, expected, tuple(found)), is_repairable=False)


def _replace(db: sqlite3.Connection, name: str) -> None:
    columns = ", ".join(_columns(name))
    db.execute(f"DELETE FROM main.{name}")
    db.execute(f"INSERT INTO main.{name} ({columns}) SELECT {columns} FROM expected.{name} ORDER BY 1")
    if name == "matters":
        # When time next does something to a matter is derived again by the next start of the hub.
        db.execute("DELETE FROM main.derived WHERE name='due'")


def _run_row(run: Run) -> tuple[object, ...]:
    indexes = struct.pack(f">{len(run.indexes)}Q", *run.indexes)
    heads = (run.head_before, run.head_after)
    return (run.point, run.first_n, len(run.indexes), indexes, *heads, run.size, int(run.is_case))
