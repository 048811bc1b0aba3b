"""The file in which an audit keeps its state, so that an interrupted one goes on from there.

One line of form and SHA-256 over all that follows, one line of JSON (`hub.audit_state`), then the shelf as it was at
that entry, an SQLite file. It is written beside and put in place at once, so that a kill at any moment leaves an old
state or a new one. What does not have its hash, or has another form, is refused and never used.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from shutil import copyfileobj
from time import monotonic
from typing import IO, Any, Final

from adapters.store.shelf import SpillingShelf
from contracts.errors import ConflictError, ContractError, UnavailableError
from hub.audit_state import State

KEEP_EVERY_SECONDS: Final = 30.0
_FORM: Final = b"pprd-audit-state/1 "
_HEAD_BYTES: Final = len(_FORM) + 65
_SHARE: Final = 20
"""Keeping takes at most about one part in so many of the time."""


class AuditFile:
    """`hub.audit.Keeper` over one file.

    Args:
        path: The file; it may not exist yet.
        shelf: That of the audit; filled from the file if there is one.
        kind: Kind of source and version of the program; a state of another kind is not used.
        every_seconds: Pause between two times of keeping.

    Attributes:
        state: The state to go on from; None if there was no file.

    Raises:
        ContractError: AUDIT_STATE_DAMAGED.
        ConflictError: AUDIT_STATE_FOREIGN: it is of another kind of source, or of another version of the program.
        UnavailableError: AUDIT_STATE_UNREACHABLE: it cannot be read.
    """

    def __init__(
        self, path: Path, shelf: SpillingShelf, *, kind: str, every_seconds: float = KEEP_EVERY_SECONDS
    ) -> None:
        self._path = path
        self._shelf = shelf
        self._kind = kind
        self._every_seconds = every_seconds
        self._due_at = monotonic() + every_seconds
        try:
            self.state = self._read() if path.exists() else None
        except OSError as error:
            raise _unreachable(error) from error

    @property
    def is_due(self) -> bool:
        """See `hub.audit.Keeper`."""
        return monotonic() >= self._due_at

    def keep(self, state: State) -> None:
        """See `hub.audit.Keeper`.

        Raises:
            UnavailableError: AUDIT_STATE_UNREACHABLE: it cannot be written.
        """
        began = monotonic()
        shelf = self._shelf.write_all()
        told = json.dumps({**state, "kind": self._kind}).encode() + b"\n"
        beside = self._path.with_name(f"{self._path.name}.new")
        try:
            with shelf.open("rb") as body, beside.open("wb") as file:
                file.write(_head(_digest(told, body)))
                file.write(told)
                body.seek(0)
                copyfileobj(body, file, 1 << 20)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
        except OSError as error:
            raise _unreachable(error) from error
        now = monotonic()
        self._due_at = now + max(self._every_seconds, (now - began) * _SHARE if self._every_seconds else 0)

    def remove(self) -> None:
        """The audit came to its end: nothing is left to go on from."""
        self._path.unlink(missing_ok=True)

    def _read(self) -> State:
        with self._path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            if head != _head(_digest(b"", file)):
                raise _damaged("it does not have the hash that it says")
            file.seek(_HEAD_BYTES)
            state: dict[str, Any] = json.loads(file.readline())
            if state.get("kind") != self._kind:
                raise ConflictError("AUDIT_STATE_FOREIGN", f"it is of {state.get('kind')}, not of {self._kind}")
            self._shelf.take_up(lambda path: _write_rest(file, path))
        return state


def _write_rest(file: IO[bytes], path: Path) -> None:
    with path.open("wb") as shelf:
        copyfileobj(file, shelf, 1 << 20)


def _digest(told: bytes, body: IO[bytes]) -> str:
    digest = hashlib.sha256(told)
    while part := body.read(1 << 20):
        digest.update(part)
    return digest.hexdigest()


def _head(digest: str) -> bytes:
    return _FORM + digest.encode() + b"\n"


def _damaged(message: str) -> ContractError:
    return ContractError("AUDIT_STATE_DAMAGED", message)


def _unreachable(error: OSError) -> UnavailableError:
    return UnavailableError("AUDIT_STATE_UNREACHABLE", f"the state of the audit: {error.strerror}")
