"""Checks and repairs of what a ledger keeps beside its entries: in the hub's store, and in an export of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.compose.auditing import run_export
from adapters.compose.key_locks import key_lock
from adapters.compose.ledger_place import known_place, ledger_in
from adapters.compose.parts import KEYS, contracts_in_force, only_one
from adapters.keys.folder import read_log_keys
from adapters.store.export_check import ExportCheck
from adapters.store.ledger_check import MAX_DAMAGES, Damage, LedgerCheck
from adapters.store.opening import open_store
from adapters.store.store_keys import store_keys
from contracts.errors import ExchangeError
from ledger.note import NoteSigner

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found.

    Attributes:
        size: Entries that everything was derived from.
        damages: The first thousand, in order of table.
        count: How many there are.
        repaired: Tables and files that were written again; 0 for a check alone.
    """

    size: int
    damages: tuple[Damage, ...]
    count: int
    repaired: int = 0


def check_ledger(data: Path, export: Path | None = None, *, progress: Progress | None = None) -> Checked:
    """Compare every derived row of a data folder, and every file of an export, with what the entries lead to.

    Raises:
        EvidenceError: The entries themselves do not follow or do not lead to the signed root.
        UnavailableError: STORE_MISSING; SOURCE_UNREADABLE.
    """
    with _check(data, progress) as check:
        check.derive()
        return _found(check, data, export)


def repair_ledger(data: Path, export: Path | None = None, *, progress: Progress | None = None) -> Checked:
    """Write again what differs; entries, payloads and keys are never touched. The hub must not run.

    Returns:
        What was found before.

    Raises:
        ConflictError: FOLDER_IN_USE.
        EvidenceError: As `check_ledger`; nothing changed.
        UnavailableError: As `check_ledger`.
    """
    with _check(data, progress) as check, only_one(known_place(data).parent):
        check.derive()
        found = _found(check, data, export)
        repaired = check.repair()
        if export is not None:
            with ledger_in(data) as store:
                files = ExportCheck(store, export)
                damaged = list(files.damages())
                files.remove(damaged)
            run_export(data, export)
            repaired += len({one.place for one in damaged})
        return Checked(found.size, found.damages, found.count, repaired)


def _found(check: LedgerCheck, data: Path, export: Path | None) -> Checked:
    damages: list[Damage] = []
    count = 0
    for one in _all(check, data, export):
        count += 1
        if len(damages) < MAX_DAMAGES:
            damages.append(one)
    return Checked(check.size, tuple(damages), count)


def _all(check: LedgerCheck, data: Path, export: Path | None) -> Iterator[Damage]:
    yield from check.damages()
    if export is not None:
        with ledger_in(data) as store:
            yield from ExportCheck(store, export).damages()


@contextmanager
def _check(data: Path, progress: Progress | None) -> Iterator[LedgerCheck]:
    place = known_place(data)
    rules = contracts_in_force(is_sandbox=True)
    with LedgerCheck(place, rules, signers=_signers(place), progress=progress) as check:
        yield check


def _signers(place: Path) -> list[NoteSigner]:
    """The log's keys, where the folder holds them and they are the ledger's."""
    try:
        with closing(open_store(place, read_only=True)) as store:
            known = {key.verifier for key in store_keys(store).keys}
        held = read_log_keys(place.parent / KEYS, key_lock())
        signers = [NoteSigner(next(iter(known)).name, private) for private in held]
    except ExchangeError:
        return []
    return [signer for signer in signers if signer.verifier in known]
