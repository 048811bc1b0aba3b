"""Where the secret comes from that opens the key files of a program: the environment, or a file that it names."""

from __future__ import annotations

from pathlib import Path

from adapters.keys.key_file import read_secret
from adapters.keys.key_lock import HKDF_SHA256, SCRYPT, KeyLock
from adapters.settings import KeySettings
from contracts.errors import ContractError

_KEK_BYTES = 32


def key_lock() -> KeyLock | None:
    """The lock that the environment says, None if it says none: then key files are not encrypted.

    Raises:
        ContractError: SETTINGS_INVALID, KEY_FILE_MALFORMED: the key-encryption key is not 64 hex digits.
        UnavailableError: KEY_MISSING. AccessError: KEY_FILE_UNSAFE: others may read the file of the secret.
    """
    settings = KeySettings.load()
    if settings.passphrase is not None:
        return KeyLock(SCRYPT, settings.passphrase.get_secret_value().encode())
    return lock_of(settings.passphrase_file, settings.kek_file)


def lock_of(passphrase_file: Path | None, kek_file: Path | None) -> KeyLock | None:
    """The lock of a file; raises as `key_lock`."""
    if passphrase_file is not None:
        return KeyLock(SCRYPT, read_secret(passphrase_file))
    if kek_file is None:
        return None
    try:
        kek = bytes.fromhex(read_secret(kek_file).decode("ascii"))
    except ValueError:
        kek = b""
    if len(kek) != _KEK_BYTES:
        # The cause is left out: it quotes what the file holds.
        raise ContractError("KEY_FILE_MALFORMED", f"{kek_file} does not hold a key-encryption key of 64 hex digits")
    return KeyLock(HKDF_SHA256, kek)
