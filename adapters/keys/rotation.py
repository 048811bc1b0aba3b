"""How a region's key is replaced: made beside the one in use, registered, switched to; nothing that opens is lost.

    batch.key                 in use
    batch.next.key            made, to be registered
    batch.<key id>.key        used before

`make_next` makes the second, `switch` lets it become the first and the first a third, in two steps of which each may be
the last one before a stop: done again, it goes on. Earlier keys of offices and points are kept, for what was sealed to
them; earlier keys that signed are kept too, and never used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from adapters.keys.key_file import PrivateKey, is_locked, read_key, write_key
from adapters.keys.key_lock import KeyLock
from contracts.errors import ContractError, UnavailableError
from contracts.ids import OFFICE_PATTERN, KeyId
from contracts.signing import key_id
from contracts.suite import X25519, SealingPrivateKey, new_sealing_key, public_of, suite_of_key

ED25519: Final = "Ed25519"
"""Algorithm of the keys that sign."""
NEXT: Final = "next"
"""Which key of a role is to be used next."""

_SUFFIX: Final = ".key"
LOG: Final = "log"
"""Role of the key that signs a hub's checkpoints; no region has one."""
HUB_EVENTS: Final = "hub-events"
"""Role of the key that signs a hub's own batches; no region has one."""
_OF_HUB: Final = (LOG, HUB_EVENTS)
_is_role: Final = re.compile(rf"batch|open|receipt|broker|office-{OFFICE_PATTERN}|point-[0-9]{{2}}-(?:node|[0-9]{{6}})")


class HeldKey(NamedTuple):
    """One key file of a region.

    Attributes:
        role: `batch`, `open`, `receipt`, `broker`, `office-<office>` or `point-<point>`; of a hub `log`, `hub-events`.
        which: Empty for the one in use, `next`, or the id of an earlier one.
        path: The file.
        key_id: Under which the directory knows it.
        algorithm: `Ed25519` or the name of a suite.
        public_raw: As it is registered.
        is_locked: Whether the file is encrypted.
    """

    role: str
    which: str
    path: Path
    key_id: KeyId
    algorithm: str
    public_raw: bytes
    is_locked: bool

    @property
    def purpose(self) -> str:
        """The purpose in the directory."""
        return _purpose_of(self.role)

    @property
    def holder(self) -> str:
        """The office or point; empty for what signs."""
        return self.role.partition("-")[2]


def held_keys(folder: Path, lock: KeyLock | None) -> Iterator[HeldKey]:
    """Every key of a region's folder, by role, the one in use first; raises as `read_key`."""
    for path in sorted(folder.glob(f"*{_SUFFIX}"), key=lambda path: path.name.removesuffix(_SUFFIX)):
        role, _, which = path.name.removesuffix(_SUFFIX).partition(".")
        if _is_role.fullmatch(role):
            yield _held(path, role, which, read_key(path, lock))


def make_first(folder: Path, role: str, lock: KeyLock | None, *, suite: str = X25519) -> HeldKey:
    """Make the key of a role that has none, such as a new office; else as `make_next`."""
    check_role(role)
    return _make(folder, role, "", lock, suite)


def make_next(folder: Path, role: str, lock: KeyLock | None, *, suite: str = X25519) -> HeldKey:
    """Make the next key of a role.

    Args:
        folder: The region's keys.
        role: As in `HeldKey`.
        lock: Encrypts the file.
        suite: Of an office's key.

    Raises:
        ConflictError: KEY_EXISTS: a next one waits already.
        UnavailableError: KEY_MISSING: the role has none to be replaced.
        ContractError: KEY_ROLE_UNKNOWN, SUITE_UNKNOWN.
    """
    if not _file(folder, role).exists():
        raise UnavailableError("KEY_MISSING", f"there is no key of {role} to be replaced")
    return _make(folder, role, NEXT, lock, suite)


def _make(folder: Path, role: str, which: str, lock: KeyLock | None, suite: str) -> HeldKey:
    path = _file(folder, role, which)
    key: PrivateKey
    if role.startswith("office-"):
        key = new_sealing_key(suite)
    else:
        key = X25519PrivateKey.generate() if role.startswith("point-") else Ed25519PrivateKey.generate()
    write_key(path, key, lock)
    return _held(path, role, which, key)


def switch(folder: Path, role: str, lock: KeyLock | None) -> HeldKey:
    """Let the next key of a role be the one in use from the next start on.

    Returns:
        The one in use now.

    Raises:
        UnavailableError: KEY_MISSING: there is no next one.
    """
    path, coming = _file(folder, role), _file(folder, role, NEXT)
    if not coming.exists():
        raise UnavailableError("KEY_MISSING", f"{coming} is not there: make it with `pprd keys rotate {role}`")
    before = _held(path, role, "", read_key(path, lock))
    read_key(coming, lock)
    kept = _file(folder, role, before.key_id.hex())
    if not kept.exists():
        os.link(path, kept)
    # If we stop here, the one in use has two names and goes on; the next switch finds both as they have to be.
    coming.replace(path)
    return _held(path, role, "", read_key(path, lock))


def drop_next(folder: Path, role: str) -> None:
    """Destroy the next key of a role that is not to be used; nothing was sealed to it and nothing needs it."""
    _file(folder, role, NEXT).unlink(missing_ok=True)


def drop_earlier(folder: Path, role: str) -> list[str]:
    """Destroy the earlier keys of a role that signs; what they signed is checked with their public sides.

    Returns:
        Names of the files.
    """
    earlier = [path for path in sorted(folder.glob(f"{role}.*{_SUFFIX}")) if path != _file(folder, role, NEXT)]
    for path in earlier:
        path.unlink()
    return [path.name for path in earlier]


def _held(path: Path, role: str, which: str, key: PrivateKey) -> HeldKey:
    purpose = _purpose_of(role)
    if isinstance(key, MLDSA44PrivateKey) or isinstance(key, SealingPrivateKey) is not (purpose in ("office", "point")):
        raise ContractError("KEY_FILE_MALFORMED", f"{path} holds no key for {purpose}")
    if isinstance(key, SealingPrivateKey):
        raw, algorithm = public_of(key), suite_of_key(key).name
    else:
        raw, algorithm = key.public_key().public_bytes_raw(), ED25519
    return HeldKey(role, which, path, key_id(purpose, raw), algorithm, raw, is_locked(path))


def _purpose_of(role: str) -> str:
    return role if role in _OF_HUB else role.partition("-")[0]


def check_role(role: str) -> None:
    """Check the name of a role that a person typed.

    Raises:
        ContractError: KEY_ROLE_UNKNOWN.
    """
    if _is_role.fullmatch(role) is None:
        raise ContractError("KEY_ROLE_UNKNOWN", "roles are batch, open, receipt, broker, office-ID and point-ID")


def _file(folder: Path, role: str, which: str = "") -> Path:
    if role not in _OF_HUB:
        check_role(role)
    return folder / f"{role}{'.' if which else ''}{which}{_SUFFIX}"
