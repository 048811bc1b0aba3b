"""One private key a file: PKCS #8 PEM, mode 0600, in a folder of mode 0700; of a hybrid key one block a part.

Rules kept here: a key is made where it is used and never overwritten; a file that others may read is not used, because
nobody can say who has it. Not here: which keys a hub or a region has (`adapters.keys.folder`).
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

from contracts.errors import AccessError, ConflictError, ContractError, UnavailableError
from contracts.suite import HybridPrivateKey, SealingPrivateKey

PrivateKey = Ed25519PrivateKey | MLDSA44PrivateKey | SealingPrivateKey

_BEGIN: Final = b"-----BEGIN PRIVATE KEY-----"
_FILE_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700
_MAX_KEY_BYTES: Final = 4096


def make_folder(path: Path) -> None:
    """Make a folder for keys that only its owner may enter; its parents are made with the usual mode.

    Raises:
        AccessError: KEY_FILE_UNSAFE: it exists and others may enter it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=_FOLDER_MODE, exist_ok=True)
    _refuse_if_shared(path)


def write_key(path: Path, key: PrivateKey) -> None:
    """Write a new private key.

    Args:
        path: Does not exist; its folder was made by `make_folder`.
        key: Ed25519, X25519, ML-DSA-44 or hybrid.

    Raises:
        ConflictError: KEY_EXISTS: the file is there already; a key is never overwritten.
    """
    parts = key if isinstance(key, HybridPrivateKey) else (key,)
    pem = b"".join(part.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) for part in parts)
    write_private(path, pem)


def write_private(path: Path, pem: bytes) -> None:
    """Write what only its owner may read; raises as `write_key`."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    except FileExistsError as error:
        raise ConflictError("KEY_EXISTS", f"{path} is there already") from error
    with os.fdopen(handle, "wb") as file:
        file.write(pem)


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """Read an Ed25519 key; raises as `read_key`."""
    key = read_key(path)
    if not isinstance(key, Ed25519PrivateKey):
        raise ContractError("KEY_FILE_MALFORMED", f"{path} holds no Ed25519 key")
    return key


def read_opening_key(path: Path) -> X25519PrivateKey:
    """Read an X25519 key; raises as `read_key`."""
    key = read_key(path)
    if not isinstance(key, X25519PrivateKey):
        raise ContractError("KEY_FILE_MALFORMED", f"{path} holds no X25519 key")
    return key


def read_cosigning_key(path: Path) -> Ed25519PrivateKey | MLDSA44PrivateKey:
    """Read a witness's key, Ed25519 or ML-DSA-44; raises as `read_key`."""
    key = read_key(path)
    if isinstance(key, SealingPrivateKey):
        raise ContractError("KEY_FILE_MALFORMED", f"{path} holds no key that signs")
    return key


def read_sealing_key(path: Path) -> SealingPrivateKey:
    """Read an office's key of any suite; raises as `read_key`."""
    key = read_key(path)
    if not isinstance(key, SealingPrivateKey):
        raise ContractError("KEY_FILE_MALFORMED", f"{path} holds a key that signs, none to seal to")
    return key


def read_key(path: Path) -> PrivateKey:
    """Read a private key.

    Raises:
        UnavailableError: KEY_MISSING: there is no such file.
        AccessError: KEY_FILE_UNSAFE: somebody else than its owner may read it.
        ContractError: KEY_FILE_MALFORMED: it holds something else.
    """
    try:
        _refuse_if_shared(path)
        with path.open("rb") as file:
            pem = file.read(_MAX_KEY_BYTES + 1)
    except OSError as error:
        raise UnavailableError("KEY_MISSING", f"{path} cannot be read: {error.strerror}") from error
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
