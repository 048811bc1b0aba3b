"""Key files: what is encrypted opens with its own secret only, and nothing in the file can be changed unseen.

DOMAIN 10: every key and every envelope names its algorithms. A file that others may read is not used.
"""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.compose.key_locks import key_lock, lock_of
from adapters.keys.key_file import (
    is_locked,
    make_folder,
    read_key,
    read_sealing_key,
    read_signing_key,
    relock,
    write_key,
)
from adapters.keys.key_lock import HKDF_SHA256, SCRYPT, KeyLock
from contracts.errors import AccessError, ContractError, ExchangeError, UnavailableError
from contracts.suite import HYBRID, X25519, new_sealing_key, public_of

PASSPHRASE = KeyLock(SCRYPT, "一句很长的口令".encode())
KEK = KeyLock(HKDF_SHA256, bytes(range(32)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_folder(tmp_path / "keys")
    return tmp_path / "keys"


def code_of(path: Path, lock: KeyLock | None) -> str:
    with pytest.raises(ExchangeError) as error:
        read_key(path, lock)
    return error.value.code


@pytest.mark.parametrize("lock", [PASSPHRASE, KEK], ids=["passphrase", "key-encryption key"])
@pytest.mark.parametrize("suite", [X25519, HYBRID])
def test_an_encrypted_key_comes_back_whole_and_only_with_its_secret(folder: Path, lock: KeyLock, suite: str) -> None:
    key, path = new_sealing_key(suite), folder / "office-oabcd1234.key"
    write_key(path, key, lock)

    assert public_of(read_sealing_key(path, KeyLock(lock.kdf, lock.secret))) == public_of(key)
    assert code_of(path, None) == "KEY_LOCKED"
    assert code_of(path, KeyLock(lock.kdf, b"another secret of 32 bytes......")) == "KEY_PASSPHRASE_WRONG"
    assert code_of(path, KEK if lock is PASSPHRASE else PASSPHRASE) == "KEY_PASSPHRASE_WRONG"
    assert b"PRIVATE KEY" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_encrypted_file_names_every_algorithm_and_has_its_own_nonce(folder: Path) -> None:
    heads = []
    for name in ("batch", "open"):
        write_key(folder / f"{name}.key", Ed25519PrivateKey.generate(), PASSPHRASE)
        heads.append(json.loads((folder / f"{name}.key").read_text()))

    assert [(head["kdf"], head["cipher"]) for head in heads] == [("scrypt", "AES-256-GCM")] * 2
    assert heads[0]["salt"] == heads[1]["salt"]
    assert heads[0]["nonce"] != heads[1]["nonce"]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("box", "00" * 48, "KEY_PASSPHRASE_WRONG"),
        ("nonce", "00" * 12, "KEY_PASSPHRASE_WRONG"),
        ("salt", "00" * 16, "KEY_PASSPHRASE_WRONG"),
        ("n", 1 << 14, "KEY_PASSPHRASE_WRONG"),
        ("note", "added", "KEY_PASSPHRASE_WRONG"),
        ("n", 1 << 40, "KEY_FILE_MALFORMED"),
        ("n", 12_345, "KEY_FILE_MALFORMED"),
        ("p", True, "KEY_FILE_MALFORMED"),
        ("nonce", "00", "KEY_FILE_MALFORMED"),
        ("kdf", "MD5", "KEY_FILE_MALFORMED"),
        ("cipher", "SM4-GCM", "KEY_FILE_MALFORMED"),
        ("format", "pprd-key-file/v2", "KEY_FILE_MALFORMED"),
        ("box", None, "KEY_FILE_MALFORMED"),
    ],
)
def test_a_changed_file_opens_nothing(folder: Path, field: str, value: object, code: str) -> None:
    path = folder / "batch.key"
    write_key(path, Ed25519PrivateKey.generate(), PASSPHRASE)
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))

    assert code_of(path, PASSPHRASE) == code


def test_a_file_that_others_may_read_is_not_used_encrypted_or_not(folder: Path) -> None:
    for name, lock in (("plain", None), ("locked", PASSPHRASE)):
        path = folder / f"{name}.key"
        write_key(path, Ed25519PrivateKey.generate(), lock)
        path.chmod(0o640)

        assert code_of(path, lock) == "KEY_FILE_UNSAFE"


def test_a_secret_can_be_changed_or_left_out_and_the_change_may_be_done_twice(folder: Path) -> None:
    key, path = Ed25519PrivateKey.generate(), folder / "batch.key"
    write_key(path, key)

    done = [relock(path, None, PASSPHRASE), relock(path, None, PASSPHRASE), relock(path, PASSPHRASE, KEK)]
    with pytest.raises(AccessError):
        relock(path, PASSPHRASE, None)
    kept = is_locked(path)
    done += [relock(path, KEK, None), relock(path, KEK, None)]

    assert done == [True, False, True, True, False]
    assert kept
    assert read_signing_key(path).private_bytes_raw() == key.private_bytes_raw()
    assert [file.name for file in folder.iterdir()] == ["batch.key"]


def test_the_secret_comes_from_the_environment_or_from_a_file_of_the_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, kek = tmp_path / "passphrase", tmp_path / "kek"
    for path, text in ((secret, "a passphrase\n"), (kek, "07" * 32)):
        path.write_text(text)
        path.chmod(0o600)
    unset = key_lock()
    monkeypatch.setenv("PPRD_KEY_PASSPHRASE_FILE", str(secret))
    of_file = key_lock()
    monkeypatch.delenv("PPRD_KEY_PASSPHRASE_FILE")
    monkeypatch.setenv("PPRD_KEY_KEK_FILE", str(kek))
    of_kek = key_lock()
    monkeypatch.setenv("PPRD_KEY_PASSPHRASE", "another")
    with pytest.raises(ContractError) as two:
        key_lock()

    assert unset is None
    assert of_file is not None
    assert of_kek is not None
    assert (of_file.kdf, of_file.secret) == (SCRYPT, b"a passphrase")
    assert (of_kek.kdf, of_kek.secret) == (HKDF_SHA256, b"\x07" * 32)
    assert two.value.code == "SETTINGS_INVALID"
    assert "another" not in two.value.message


def test_a_secret_in_a_file_that_is_shared_missing_or_wrong_is_refused_and_not_repeated(tmp_path: Path) -> None:
    shared, wrong = tmp_path / "shared", tmp_path / "wrong"
    shared.write_text("a passphrase")
    shared.chmod(0o644)
    wrong.write_text("no hex digits")
    wrong.chmod(0o600)

    with pytest.raises(AccessError, match="KEY_FILE_UNSAFE"):
        lock_of(shared, None)
    with pytest.raises(UnavailableError, match="KEY_MISSING"):
        lock_of(tmp_path / "none", None)
    with pytest.raises(ContractError, match="KEY_FILE_MALFORMED") as error:
        lock_of(None, wrong)
    assert "no hex digits" not in str(error.value)
