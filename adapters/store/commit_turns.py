"""One commit after the other, whatever keeps the rows: each has its turn until it is durable or undone."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from threading import Lock
from typing import ClassVar

from adapters.store.questions import Questions
from contracts.errors import FatalError
from hub.ports import Commit


class CommitTurns(Questions):
    """The writing half of `hub.ports.Store` over a backend that writes one commit into one transaction.

    Attributes:
        refusals: What the library raises of a row that the tables do not take.
    """

    refusals: ClassVar[tuple[type[Exception], ...]]

    def __init__(self) -> None:
        self._turn = Lock()

    @abstractmethod
    def _write_rows(self, commit: Commit) -> None:
        """Write a commit into a new transaction that nobody else can write beside."""

    @abstractmethod
    def _make_durable(self) -> None:
        """Commit the transaction."""

    @abstractmethod
    def _roll_back(self) -> None:
        """Give the transaction up; never raises what the library raises."""

    def commit(self, commit: Commit) -> None:
        """See `hub.ports.Store.commit`."""
        told = "the commit cannot be written"
        with self._turn:
            try:
                self._write_rows(commit)
                told = "whether the commit is on disk is unknown"
                self._make_durable()
            except BaseException as error:
                self._roll_back()
                if isinstance(error, self.refusals):
                    told = "the store refuses a row that was checked before"
                if isinstance(error, (*self.refusals, *self.failures)):
                    raise FatalError("STORE_FAILED", f"{told}: {self._told(error)}") from error
                raise

    def write_due(self, rows: Iterable[tuple[bytes, int | None]], basis: bytes) -> None:
        """See `hub.ports.Store.write_due`."""
        try:
            with self._transaction() as c:
                c.execute("UPDATE matters SET due_ms=NULL WHERE due_ms IS NOT NULL")
                c.executemany("UPDATE matters SET due_ms=? WHERE stream_id=?", ((at, s) for s, at in rows))
                c.execute(
                    "INSERT INTO derived (name, basis) VALUES ('due', ?)"
                    " ON CONFLICT (name) DO UPDATE SET basis=excluded.basis",
                    (basis,),
                )
        except self.failures as error:
            raise FatalError("STORE_FAILED", f"the due index cannot be written: {self._told(error)}") from error

    @staticmethod
    def _told(error: BaseException) -> str:
        """What an error of the library says."""
        return str(error)
