"""Where the ledger of a data folder is: a file in it, or a pointer in it to a database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from adapters.store.ledger_store import LedgerStore
from adapters.store.opening import is_place, open_store, place_in
from contracts.errors import UnavailableError


def ledger_place(text: str) -> Path | None:
    """The place of a ledger that a path means: itself, in the folder, or in its folder `hub`; None if there is none.

    Raises:
        UnavailableError: STORE_MISSING: the folder holds two, and which of them is the ledger nobody can tell.
    """
    path = Path(text)
    return path if is_place(path) else place_in(path) or place_in(path / "hub")


def known_place(data: Path) -> Path:
    """The same of a folder that has to hold a ledger.

    Raises:
        UnavailableError: STORE_MISSING.
    """
    place = ledger_place(str(data))
    if place is None:
        raise UnavailableError("STORE_MISSING", f"there is no ledger in {data}; make one with `pprd init`")
    return place


@contextmanager
def ledger_in(data: Path) -> Iterator[LedgerStore]:
    """The ledger of a data folder, to be read; its hub may go on writing it.

    Raises:
        UnavailableError: STORE_MISSING.
    """
    with closing(open_store(known_place(data), read_only=True)) as store:
        yield store
