"""Every ledger that a test of this process opens, in a schema of a real PostgreSQL instead of its file.

What a test calls the file of a ledger, `ledger.sqlite`, is then empty and stands for the schema. A test that reads,
changes or copies that file itself, or hands it to another process, is marked `sqlite_file` and left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from adapters.store import opening
from adapters.store.ledger_store import LedgerStore
from adapters.store.pointer import Pointer, write_pointer
from contracts.errors import UnavailableError

if TYPE_CHECKING:
    from tests.support.postgres_server import PostgresServer


@contextmanager
def ledgers_on(server: PostgresServer) -> Iterator[None]:
    """Open no file of a ledger, but a schema of its own for each."""
    from adapters.store.postgres_store import PostgresStore

    made: set[Path] = set()

    def opened(path: Path, *, read_only: bool = False) -> LedgerStore:
        pointer = path.with_name(f"{path.name}-elsewhere")
        if not path.exists():
            if read_only:
                raise UnavailableError("STORE_MISSING", f"there is no ledger at {path}; make one with `pprd init`")
            pointer.unlink(missing_ok=True)
            write_pointer(pointer, Pointer(server.conninfo, server.fresh_schema()))
            path.touch()
            made.add(path.resolve())
        elif not pointer.exists() or not (read_only or path.resolve() in made):
            raise AssertionError(f"{path} was made elsewhere or copied: this test is one of `sqlite_file`")
        return PostgresStore(pointer, read_only=read_only)

    with mock.patch.object(opening, "CosignedStore", opened):
        yield
