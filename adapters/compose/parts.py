"""What every program has: its folder, this machine's clock and randomness, the contracts in force."""

from __future__ import annotations

import fcntl
import gc
import secrets
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import NoneType
from typing import Final

from contracts.division import load_divisions
from contracts.edition import load_contracts
from contracts.errors import ConflictError
from contracts.schema import load_registry
from hub.admission import Rules

REGION_FILE: Final = "region.sqlite"
RELAY_FILE: Final = "relay.sqlite"
KEYS: Final = "keys"


class SystemClock:
    """This machine's time."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000


class SystemEntropy:
    """This machine's randomness."""

    def draw(self, size: int) -> bytes:
        """That many unpredictable bytes."""
        return secrets.token_bytes(size)


def contracts_in_force(*, is_sandbox: bool, clock_skew_ms: int = 300_000) -> Rules:
    """The packaged contracts under the settings of a ledger."""
    contracts = load_contracts()
    return Rules(
        procedures=contracts.procedures,
        registry=contracts.registry,
        divisions=load_divisions(),
        editions=contracts.hashes,
        is_sandbox=is_sandbox,
        clock_skew_ms=clock_skew_ms,
    )


def contracts_of_evidence() -> Rules:
    """What chains, signatures and the directory are read with: no procedures, which take as long to load."""
    return Rules(procedures={}, registry=load_registry(), divisions=load_divisions(), editions={}, is_sandbox=True)


def keep_loaded() -> None:
    """Tell the garbage collector that what a program has loaded stays, and that it makes much that dies young.

    Without it the collector walks all contracts and the whole directory again with every few thousand new values;
    measured: a fifth of the hub's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def take_turns_often() -> None:
    """Let a thread that waits for the interpreter have it after a millisecond.

    A commit is some thirty short pieces of Python between long ones of SQLite, written while the next commit is
    decided. With the usual five milliseconds it would wait longer for its turns than the decision takes.
    """
    sys.setswitchinterval(0.001)


def bind_plainly() -> None:
    """Tell the binding of SQLite that bytes, and nothing, are stored as they are.

    Without it the binding looks for an adapter for each such value, and makes and drops an AttributeError for not
    finding one; measured: a sixteenth of the writer's time for an event.
    """
    nothing: dict[None, None] = {}
    sqlite3.register_adapter(bytes, bytes)
    sqlite3.register_adapter(NoneType, nothing.get)


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold a folder for this process.

    Raises:
        ConflictError: FOLDER_IN_USE: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConflictError("FOLDER_IN_USE", f"another process works on {folder}") from error
        yield
