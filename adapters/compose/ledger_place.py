"""Where the ledger of a data folder is: a file in it, or a pointer in it to a database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.store.opening import LEDGER_FILE, LEDGER_POINTER, is_place, open_store, place_in
from adapters.store.pointer import Pointer, read_pointer, write_pointer
from contracts.errors import ConflictError, ContractError, UnavailableError

if TYPE_CHECKING:
    from adapters.settings import HubSettings
    from adapters.store.ledger_store import LedgerStore


def ledger_place(text: str) -> Path | None:
    """The place of a ledger that a path means: itself, in the folder, or in its folder `hub`; None if there is none.

    Raises:
        ConflictError: STORE_AMBIGUOUS: the folder holds two, and which of them is the ledger nobody can tell.
    """
    path = Path(text)
    return path if is_place(path) else place_in(path) or place_in(path / "hub")


def known_place(data: Path) -> Path:
    """The same of a folder that has to hold a ledger.

    Raises:
        ConflictError: As `ledger_place`.
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


@contextmanager
def new_ledger(settings: HubSettings) -> Iterator[LedgerStore]:
    """The store of a ledger that is to be made; where nothing was recorded in it, the folder holds none afterwards.

    Raises:
        ConflictError: LEDGER_EXISTS: the folder has a ledger, or the schema holds one.
        ContractError: SETTINGS_INVALID: the store is not one, or it tells a password.
        UnavailableError: STORE_MISSING: the database cannot be opened.
    """
    place = settings.data_dir / (LEDGER_POINTER if settings.store else LEDGER_FILE)
    pointer = Pointer(settings.store, settings.store_schema)
    if place_in(settings.data_dir) is not None:
        raise ConflictError("LEDGER_EXISTS", f"{settings.data_dir} has a ledger already")
    if settings.store:
        write_pointer(place, pointer)
    is_empty = True
    try:
        with closing(open_store(place)) as store:
            if store.size():
                raise ConflictError("LEDGER_EXISTS", f"schema {pointer.schema} holds a ledger already")
            is_empty = False
            try:
                yield store
            finally:
                is_empty = not store.size()
    finally:
        if is_empty:
            place.unlink(missing_ok=True)


def hub_place(settings: HubSettings) -> Path:
    """The place of a hub's ledger, which its settings may say again.

    Raises:
        ContractError: SETTINGS_INVALID: they say another one than the folder.
        UnavailableError: STORE_MISSING.
    """
    place = known_place(settings.data_dir)
    if settings.store:
        wanted = Pointer(settings.store, settings.store_schema)
        if place.name != LEDGER_POINTER or read_pointer(place) != wanted:
            told = f"store is another one than {place.name} in the data folder says"
            raise ContractError("SETTINGS_INVALID", told, field="store")
    return place
