"""What a witness remembers, on SQLite: for each ledger the checkpoint that it cosigned last, and what it refused.

The check and the replacement are one transaction that is on disk before anybody is answered: of two requests that race,
one sees the other's result. A refused request that bears the log's good signature is kept as evidence, each body once,
and as an evidence file that others can check where it contradicts what was cosigned.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from adapters.sqlite_file import open_file, transaction
from contracts.errors import ExchangeError
from contracts.ids import Hash, TreeSize
from ledger.evidence_file import EvidenceFile, format_evidence
from ledger.note import add_lines
from ledger.witness import NOTHING_KNOWN, Known, Opened, check_growth, contradiction, format_request

_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS cosigned (origin_hash BLOB PRIMARY KEY, origin TEXT NOT NULL, size INTEGER NOT NULL,"
    " root BLOB NOT NULL, note BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS evidence (id INTEGER PRIMARY KEY, body_hash BLOB UNIQUE NOT NULL, origin TEXT NOT NULL,"
    " code TEXT NOT NULL, body BLOB NOT NULL, kept_at INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS evidence_files (file_hash BLOB PRIMARY KEY, claim TEXT NOT NULL, file BLOB NOT NULL)",
)


class Evidence(NamedTuple):
    """A request that was refused although the log had signed it.

    Attributes:
        origin: Of the ledger.
        code: Why it was refused.
        body: As received.
        kept_at: Milliseconds since the epoch.
    """

    origin: str
    code: str
    body: bytes
    kept_at: int


class WitnessStore:
    """One witness's memory; a context. Safe to call from any thread.

    Args:
        path: The database file; its directory exists.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._db = open_file(path, pragmas=("synchronous=FULL",), tables=_TABLES, any_thread=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    @contextmanager
    def _step(self) -> Iterator[sqlite3.Connection]:
        """One transaction that nobody else's falls into."""
        with self._lock, transaction(self._db, "witness"):
            yield self._db

    def advance(self, opened: Opened, cosign: Callable[[bytes], bytes], now_ms: int) -> bytes:
        """Check a signed request against the memory, replace the memory, and give the cosignatures.

        Args:
            opened: What the log signed.
            cosign: Gives the signature lines for the text of a checkpoint.
            now_ms: Milliseconds since the epoch, for the evidence.

        Returns:
            The lines; the checkpoint is on disk.

        Raises:
            ExchangeError: As `check_growth`; the request is kept.
            FatalError: STORE_FAILED.
        """
        refusal: ExchangeError | None = None
        lines = b""
        with self._step() as db:
            known, note = self._known(db, opened.checkpoint.origin)
            try:
                check_growth(opened, known)
            except ExchangeError as error:
                refusal = error
                self._keep(db, opened, error.code, now_ms)
                self._keep_file(db, contradiction(opened, known, note))
            else:
                lines = cosign(opened.text)
                self._replace(db, opened, lines)
        if refusal is not None:
            raise refusal
        return lines

    @staticmethod
    def _known(db: sqlite3.Connection, origin: str) -> tuple[Known, bytes]:
        row = db.execute("SELECT size, root, note FROM cosigned WHERE origin_hash=?", (origin_hash(origin),)).fetchone()
        return (NOTHING_KNOWN, b"") if row is None else (Known(TreeSize(row[0]), Hash(row[1])), row[2])

    @staticmethod
    def _replace(db: sqlite3.Connection, opened: Opened, lines: bytes) -> None:
        checkpoint = opened.checkpoint
        # Only the log's own lines are taken over: what others appended was not checked here.
        note = add_lines(opened.text + b"\n" + opened.log_lines, [lines])
        row = (origin_hash(checkpoint.origin), checkpoint.origin, checkpoint.size, checkpoint.root, note)
        db.execute("INSERT OR REPLACE INTO cosigned VALUES (?,?,?,?,?)", row)

    @staticmethod
    def _keep(db: sqlite3.Connection, opened: Opened, code: str, now_ms: int) -> None:
        body = format_request(opened.request)
        row = (hashlib.sha256(body).digest(), opened.checkpoint.origin, code, body, now_ms)
        db.execute("INSERT OR IGNORE INTO evidence (body_hash, origin, code, body, kept_at) VALUES (?,?,?,?,?)", row)

    @staticmethod
    def _keep_file(db: sqlite3.Connection, file: EvidenceFile | None) -> None:
        if file is not None:
            data = format_evidence(file)
            row = (hashlib.sha256(data).digest(), file.claim, data)
            db.execute("INSERT OR IGNORE INTO evidence_files VALUES (?,?,?)", row)

    def files(self) -> list[tuple[str, bytes]]:
        """Claims and evidence files of the refused requests that contradict what was cosigned, by claim."""
        with self._lock:
            return self._db.execute("SELECT claim, file FROM evidence_files ORDER BY claim, file_hash").fetchall()

    def last(self, hashed_origin: bytes) -> bytes | None:
        """The last cosigned note of a ledger, by the SHA-256 of its origin."""
        with self._lock:
            row = self._db.execute("SELECT note FROM cosigned WHERE origin_hash=?", (hashed_origin,)).fetchone()
        return None if row is None else row[0]

    def evidence(self) -> list[Evidence]:
        """Everything that was kept, oldest first."""
        with self._lock:
            rows = self._db.execute("SELECT origin, code, body, kept_at FROM evidence ORDER BY id").fetchall()
        return [Evidence(*row) for row in rows]


def origin_hash(origin: str) -> bytes:
    """SHA-256 of an origin: the name of its ledger in a path."""
    return hashlib.sha256(origin.encode()).digest()
