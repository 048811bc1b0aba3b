"""One private key a file: PKCS #8 PEM, mode 0600, in a folder of mode 0700; of a hybrid key one block a part.

Rules kept here: a key is made where it is used and never overwritten; a file that others may read is not used, because
nobody can say who has it; with a lock the PEM is encrypted (`adapters.keys.key_lock`). Not here: which keys a hub or a
region has (`adapters.keys.folder`).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from adapters.keys.key_lock import KeyLock, is_encrypted
from contracts.errors import AccessError, ConflictError, ContractError, UnavailableError
from contracts.suite import HybridPrivateKey, SealingPrivateKey

PrivateKey = Ed25519PrivateKey | MLDSA44PrivateKey | SealingPrivateKey

_BEGIN: Final = b"-----BEGIN PRIVATE KEY-----"
_FILE_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700
_MAX_KEY_BYTES: Final = 16_384


def make_folder(path: Path) -> None:
    """Make a folder for keys that only its owner may enter; its parents are made with the usual mode.

    Raises:
        AccessError: KEY_FILE_UNSAFE: it exists and others may enter it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=_FOLDER_MODE, exist_ok=True)
    _refuse_if_shared(path)


def write_key(path: Path, key: PrivateKey, lock: KeyLock | None = None) -> None:
    """Write a new private key.

    Args:
        path: Does not exist; its folder was made by `make_folder`.
        key: Ed25519, X25519, ML-DSA-44 or hybrid.
        lock: Encrypts it; None leaves it to the modes of file and folder.

    Raises:
        ConflictError: KEY_EXISTS: the file is there already; a key is never overwritten.
    """
    parts = key if isinstance(key, HybridPrivateKey) else (key,)
    pem = b"".join(part.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) for part in parts)
    write_private(path, pem if lock is None else lock.encrypt(pem))


def write_private(path: Path, pem: bytes) -> None:
    """Write what only its owner may read; raises as `write_key`."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    except FileExistsError as error:
        raise ConflictError("KEY_EXISTS", f"{path} is there already") from error
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())


def relock(path: Path, old: KeyLock | None, new: KeyLock | None) -> bool:
    """Encrypt a key file with another lock, or without one; the file is replaced as a whole.

    Returns:
        Whether it had to be: a file that opens with the new lock already is left as it is.

    Raises:
        ExchangeError: As `read_key`; the file is as it was.
    """
    text = _text(path)
    if new is None and not is_encrypted(text):
        return False
    if new is not None and is_encrypted(text):
        try:
            new.decrypt(text)
        except AccessError:
            pass
        else:
            return False
    pem = _opened(path, text, old)
    _parse(path, pem)
    fresh = path.with_suffix(".fresh")
    fresh.unlink(missing_ok=True)
    write_private(fresh, pem if new is None else new.encrypt(pem))
    fresh.replace(path)
    return True


def read_secret(path: Path) -> bytes:
    """Read a passphrase or a key-encryption key: the one line of a file that only its owner may read.

    Raises:
        UnavailableError: KEY_MISSING. AccessError: KEY_FILE_UNSAFE. ContractError: KEY_FILE_MALFORMED: it is empty.
    """
    secret = _text(path).strip(b"\r\n")
    if not secret:
        raise ContractError("KEY_FILE_MALFORMED", f"{path} is empty")
    return secret


def is_locked(path: Path) -> bool:
    """Whether a key file is encrypted; raises as `read_key`."""
    return is_encrypted(_text(path))


def read_signing_key(path: Path, lock: KeyLock | None = None) -> Ed25519PrivateKey:
    """Read an Ed25519 key; raises as `read_key`."""
    key = read_key(path, lock)
    if not isinstance(key, Ed25519PrivateKey):
        raise ContractError("KEY_FILE_MALFORMED", f"{path} holds no Ed25519 key")
    return key


def read_opening_key(path: Path, lock: KeyLock | None = None) -> X25519PrivateKey:
    """Read an X25519 key; raises as `read_key`."""
    key = read_key(path, lock)
    if not isinstance(key, X25519PrivateKey):
        raise ContractError("KEY_FILE_MALFORMED", f"{path} holds no X25519 key")
    return key


def read_cosigning_key(path: Path, lock: KeyLock | None = None) -> Ed25519PrivateKey | MLDSA44PrivateKey:
    """Read a witness's key, Ed25519 or ML-DSA-44; raises as `read_key`."""
    key = read_key(path, lock)
    if isinstance(key, SealingPrivateKey):
        raise ContractError("KEY_FILE_MALFORMED", f"{path} holds no key that signs")
    return key


def read_sealing_key(path: Path, lock: KeyLock | None = None) -> SealingPrivateKey:
    """Read an office's key of any suite; raises as `read_key`."""
    key = read_key(path, lock)
    if not isinstance(key, SealingPrivateKey):
        raise ContractError("KEY_FILE_MALFORMED", f"{path} holds a key that signs, none to seal to")
    return key


def read_key(path: Path, lock: KeyLock | None = None) -> PrivateKey:
    """Read a private key.

    Args:
        path: Its file.
        lock: Opens it, if it is encrypted.

    Raises:
        UnavailableError: KEY_MISSING: there is no such file.
        AccessError: KEY_FILE_UNSAFE: somebody else than its owner may read it. KEY_LOCKED: it is encrypted and there is
            no lock. KEY_PASSPHRASE_WRONG: the lock does not open it.
        ContractError: KEY_FILE_MALFORMED: it holds something else.
    """
    return _parse(path, _opened(path, _text(path), lock))


def _text(path: Path) -> bytes:
    try:
        _refuse_if_shared(path)
        with path.open("rb") as file:
            return file.read(_MAX_KEY_BYTES + 1)
    except OSError as error:
        raise UnavailableError("KEY_MISSING", f"{path} cannot be read: {error.strerror}") from error


def _opened(path: Path, text: bytes, lock: KeyLock | None) -> bytes:
    if not is_encrypted(text):
        return text
    if lock is None:
        raise AccessError("KEY_LOCKED", f"{path} is encrypted: give its passphrase or key-encryption key")
    try:
        return lock.decrypt(text)
    except (AccessError, ContractError) as error:
        error.message = f"{path}: {error.message}"
        raise


def _parse(path: Path, pem: bytes) -> PrivateKey:
    try:
        parts = [load_pem_private_key(_BEGIN + block, password=None) for block in pem.split(_BEGIN)[1:]]
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ContractError("KEY_FILE_MALFORMED", f"{path} is no private key in PEM without a password") from error
    match parts:
        case [Ed25519PrivateKey() | X25519PrivateKey() | MLDSA44PrivateKey() as key]:
            return key
        case [MLKEM768PrivateKey() as mlkem, X25519PrivateKey() as x25519]:
            return HybridPrivateKey(mlkem, x25519)
        case _:
            raise ContractError("KEY_FILE_MALFORMED", f"{path} holds no Ed25519, X25519, ML-DSA-44 or hybrid key")


def _refuse_if_shared(path: Path) -> None:
    mode = path.stat().st_mode
    if stat.S_IMODE(mode) & 0o077:
        wanted = "700" if stat.S_ISDIR(mode) else "600"
        raise AccessError("KEY_FILE_UNSAFE", f"others may enter or read {path}: run `chmod {wanted}` after a check")
