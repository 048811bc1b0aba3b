"""The hub's store on PostgreSQL: the event store of `eventsourcing` and our tables beside it, one transaction a commit.

Not here: connections (`adapters.store.postgres_database`), tables and their rows (`adapters.store.postgres_tables`),
what a destruction leaves to do (`adapters.store.postgres_scrub`), questions (`adapters.store.cosigned_questions` and
what it builds on).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Final

import psycopg
from psycopg import Connection
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from adapters.store.commit_turns import CommitTurns
from adapters.store.cosigned_questions import CosignedQuestions
from adapters.store.pointer import Pointer, read_pointer
from adapters.store.postgres_database import PostgresReading, connect_writer, refuse_functions, told
from adapters.store.postgres_scrub import Scrubbing
from adapters.store.postgres_tables import LedgerDatastore, PostgresRecorder, WritingCursor, note_unfinished
from adapters.store.questions import Executes
from contracts.errors import FatalError, UnavailableError
from hub.ports import Commit

_SCRUB_SECONDS: Final = 0.5
_WRITING: Final = "writing"
"""In `derived`: a hub writes, or was killed while it did; then rows of a commit that never was may lie in a page."""


class PostgresStore(CosignedQuestions, PostgresReading, CommitTurns):
    """`adapters.store.ledger_store.LedgerStore` in one schema of a database.

    Args:
        place: The pointer file, or what it says.
        read_only: Open for a second process (relay, audit): nothing can be written.

    Raises:
        ConflictError: FOLDER_IN_USE: another process writes this ledger.
        ContractError: SETTINGS_INVALID.
        UnavailableError: STORE_MISSING: there is no such database, or no ledger in it.
    """

    refusals: ClassVar[tuple[type[Exception], ...]] = (psycopg.IntegrityError,)

    def __init__(self, place: Path | Pointer, *, read_only: bool = False) -> None:
        refuse_functions()
        pointer = place if isinstance(place, Pointer) else read_pointer(place)
        PostgresReading.__init__(self, pointer)
        CommitTurns.__init__(self)
        self._writing: Connection[TupleRow] | None = None
        self._partitioned = 0
        self._is_clean = True
        try:
            if read_only:
                self._find()
            else:
                self._writing = connect_writer(pointer)
                self._make(self._writing)
        except psycopg.Error as error:
            self.close()
            raise UnavailableError("STORE_MISSING", f"the ledger's database cannot be opened: {told(error)}") from error
        except BaseException:
            self.close()
            raise
        self._scrubbing = Scrubbing(pointer)

    def _find(self) -> None:
        (found,) = self._one("SELECT to_regclass('checkpoints') IS NOT NULL")
        if not found:
            told_ = f"there is no ledger in the schema {self._pointer.schema}; make one with `pprd init`"
            raise UnavailableError("STORE_MISSING", told_)

    def _make(self, connection: Connection[TupleRow]) -> None:
        # The library's own pool is never opened: the recorder writes with the connection that holds the lock.
        datastore = LedgerDatastore("", "", "", "", "", schema=self._pointer.schema)
        self._recorder = PostgresRecorder(datastore)
        (found,) = connection.execute("SELECT to_regclass('to_scrub') IS NOT NULL").fetchone() or (False,)
        if not found:
            self._recorder.create_tables(connection)
        (is_unclean,) = connection.execute("SELECT count(*) FROM derived WHERE name=%s", (_WRITING,)).fetchone() or (0,)
        if is_unclean:
            note_unfinished(connection)
        else:
            connection.execute("INSERT INTO derived VALUES (%s, '')", (_WRITING,))
        connection.commit()

    def close(self) -> None:
        """Give back connections; what is not durable is rolled back."""
        if self._writing is not None:
            with suppress(psycopg.Error):
                if self._is_clean and self._writing.info.transaction_status == TransactionStatus.IDLE:
                    self._writing.execute("DELETE FROM derived WHERE name=%s", (_WRITING,))
                    self._writing.commit()
            self._writing.close()
        self.close_readings()

    def _is_kept(self) -> bool:
        return True

    # -- writing

    @contextmanager
    def _transaction(self) -> Iterator[Executes]:
        with self._turn:
            connection = self._writer()
            try:
                yield WritingCursor(connection.cursor())
                connection.commit()
            except BaseException:
                self._roll_back()
                raise

    def _writer(self) -> Connection[TupleRow]:
        if self._writing is None:
            raise psycopg.InterfaceError("the store was opened to be read")
        return self._writing

    def _write_rows(self, commit: Commit) -> None:
        connection = self._writer()
        if commit.new_size > self._partitioned:
            self._partitioned = self._recorder.add_partitions(connection, commit.new_size)
            # Else a kill would leave their files, with rows in them, under numbers that no catalog knows.
            connection.commit()
        self._recorder.write(connection, commit)

    def _make_durable(self) -> None:
        connection = self._writer()
        # The server answers COMMIT of a transaction that failed before with ROLLBACK, and with no error.
        if connection.info.transaction_status != TransactionStatus.INTRANS:
            raise psycopg.InterfaceError("the transaction is not open any more")
        connection.commit()

    def _roll_back(self) -> None:
        self._partitioned, self._is_clean = 0, False
        with suppress(psycopg.Error):
            if self._writing is not None:
                self._writing.rollback()

    @staticmethod
    def _told(error: BaseException) -> str:
        return told(error)

    # -- destruction

    def scrub(self) -> bool:
        """See `hub.ports.Store.scrub`: see `adapters.store.postgres_scrub`."""
        # Not beside a transaction: it holds the tables.
        if not self._turn.acquire(timeout=_SCRUB_SECONDS):
            return False
        try:
            return self._scrubbing.run()
        except psycopg.Error as error:
            raise FatalError("STORE_FAILED", f"what was destroyed cannot be scrubbed: {told(error)}") from error
        finally:
            self._turn.release()

    def scrub_wanting(self) -> Sequence[str]:
        """What this server and role lack, without which `scrub` never says yes; see `adapters.store.postgres_scrub`."""
        return self._asked(lambda c: self._scrubbing.wanting(c.connection))
