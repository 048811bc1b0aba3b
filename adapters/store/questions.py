"""How a ledger's tables are asked, whatever keeps them: a base for the questions, which are written once.

Statements are written in the words of SQLite: `?` for a parameter, `rowid` of `stored_events` for the ledger index plus
one, BLOB for bytes. A backend that says it otherwise translates these words and nothing else
(`adapters.store.postgres_words`). Statements are constants, or one for each power of two of parameters.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Final, Protocol, TypeVar

K = TypeVar("K")

_MAX_KEYS: Final = 512


class Executes(Protocol):
    """A cursor inside a transaction."""

    def execute(self, statement: str, parameters: Sequence[Any] = ...) -> object:
        """Run one statement."""

    def executemany(self, statement: str, rows: Any) -> object:
        """Run one statement with each of some rows."""

    def fetchone(self) -> Any:
        """The next row of the last statement."""

    def fetchall(self) -> list[Any]:
        """All rows of the last statement."""


class Questions(ABC):
    """What a backend gives to those who ask. Each question sees the last commit as a whole.

    Attributes:
        failures: What the libraries of the backend raise.
    """

    failures: ClassVar[tuple[type[Exception], ...]]

    @abstractmethod
    def _one(self, statement: str, *parameters: object) -> Any:
        """The first row, or None."""

    @abstractmethod
    def _all(self, statement: str, *parameters: object) -> list[Any]:
        """All rows, as tuples."""

    @abstractmethod
    def _select_in(self, statement: str, keys: Sequence[bytes] | Sequence[int]) -> list[tuple[Any, Any]]:
        """Two columns of the rows whose last named column is one of some keys."""

    @abstractmethod
    def _transaction(self) -> AbstractContextManager[Executes]:
        """A small transaction of its own, between two commits."""


def in_parts(keys: Sequence[K], filler: Sequence[K]) -> Iterator[list[K]]:
    """Keys in parts of at most `_MAX_KEYS`, each filled up to a power of two: few statements ask for any number.

    Args:
        keys: What is asked for.
        filler: One key that may be asked for beside them.
    """
    for at in range(0, len(keys), _MAX_KEYS):
        part = list(keys[at : at + _MAX_KEYS])
        yield part + list(filler) * ((1 << (len(part) - 1).bit_length()) - len(part))
