"""How a key file is encrypted: `KeyLock`, a passphrase or a key-encryption key that its owner gives at the start.

    file = JSON {format, kdf, salt, n, r, p, cipher, nonce, box};  box = AES-256-GCM(PEM), bound to all before it

The key of the cipher comes from a passphrase by scrypt, from a key-encryption key of 32 bytes by HKDF-SHA256. Every
name of an algorithm stands in the file, so that another one can stand there later. Files that were written with one
lock share a salt and have each its own nonce: a folder is opened with one derivation, however many keys it holds.

Not here: where the secret comes from (`adapters.compose.key_locks`), modes of files (`key_file`).
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from contracts.errors import AccessError, ContractError

FORMAT: Final = "pprd-key-file/v1"
"""What an encrypted key file says that it is."""
SCRYPT: Final = "scrypt"
"""From a passphrase (RFC 7914)."""
HKDF_SHA256: Final = "HKDF-SHA256"
"""From a key-encryption key (RFC 5869)."""
CIPHER: Final = "AES-256-GCM"
"""The one cipher so far."""

_COST: Final = {"n": 1 << 15, "r": 8, "p": 1}
_MOST_MEMORY: Final = 1 << 28
_BYTES: Final = {"salt": 16, "nonce": 12}


@dataclass(frozen=True, slots=True, repr=False)
class KeyLock:
    """What opens the key files of one program; say it once, at its start.

    Attributes:
        kdf: `SCRYPT` or `HKDF_SHA256`.
        secret: The passphrase in UTF-8, or the key-encryption key of 32 bytes.
        salt: Of the files that are written with it.
    """

    kdf: str
    secret: bytes
    salt: bytes = field(default_factory=lambda: secrets.token_bytes(_BYTES["salt"]))
    _derived: dict[tuple[Any, ...], bytes] = field(default_factory=dict)

    def encrypt(self, pem: bytes) -> bytes:
        """Encrypt the text of a key file."""
        head: dict[str, Any] = {"format": FORMAT, "kdf": self.kdf, "salt": self.salt.hex()}
        head |= _COST if self.kdf == SCRYPT else {}
        head |= {"cipher": CIPHER, "nonce": secrets.token_bytes(_BYTES["nonce"]).hex()}
        box = AESGCM(self._key(head)).encrypt(bytes.fromhex(head["nonce"]), pem, _bound(head))
        return json.dumps(head | {"box": box.hex()}, indent=1).encode("ascii") + b"\n"

    def decrypt(self, text: bytes) -> bytes:
        """The text of an encrypted key file.

        Raises:
            AccessError: KEY_PASSPHRASE_WRONG: this is not what it was encrypted with, or the file was changed.
            ContractError: KEY_FILE_MALFORMED: it has another form or names an algorithm that is not known here.
        """
        head = _head(text)
        if head["kdf"] != self.kdf:
            raise AccessError("KEY_PASSPHRASE_WRONG", f"the file wants a secret for {head['kdf']}, not for {self.kdf}")
        box = bytes.fromhex(head.pop("box"))
        try:
            return AESGCM(self._key(head)).decrypt(bytes.fromhex(head["nonce"]), box, _bound(head))
        except InvalidTag as error:
            raise AccessError("KEY_PASSPHRASE_WRONG", "the secret is another one, or the file was changed") from error

    def _key(self, head: dict[str, Any]) -> bytes:
        cost = tuple(head[name] for name in _COST) if self.kdf == SCRYPT else ()
        place = (head["salt"], *cost)
        if place not in self._derived:
            salt = bytes.fromhex(head["salt"])
            if self.kdf == SCRYPT:
                n, r, p = cost
                self._derived[place] = Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(self.secret)
            else:
                self._derived[place] = HKDF(SHA256(), 32, salt, FORMAT.encode("ascii")).derive(self.secret)
        return self._derived[place]


def is_encrypted(text: bytes) -> bool:
    """Whether the text of a key file is an encrypted one: the other kind begins with the hyphens of PEM."""
    return text.lstrip()[:1] == b"{"


def _head(text: bytes) -> dict[str, Any]:
    """The fields of an encrypted file, checked so far that they can be worked with."""
    head: Any = None
    try:
        head = json.loads(text)
        is_ours = head["format"] == FORMAT and head["cipher"] == CIPHER
        bytes.fromhex(head["box"])
        is_ours &= all(len(bytes.fromhex(head[name])) == size for name, size in _BYTES.items())
        if head["kdf"] == SCRYPT:
            is_ours &= _is_fair(head["n"], head["r"], head["p"])
        else:
            is_ours &= head["kdf"] == HKDF_SHA256
    except (ValueError, TypeError, KeyError, RecursionError):
        is_ours = False
    if not is_ours:
        raise ContractError("KEY_FILE_MALFORMED", f"no {FORMAT} of {SCRYPT} or {HKDF_SHA256} with {CIPHER}")
    return dict(head)


def _is_fair(n: object, r: object, p: object) -> bool:
    """Whether the cost is one: a file of somebody else's may not take all memory."""
    if not (type(n) is int and type(r) is int and type(p) is int):
        return False
    return n > 1 and n & (n - 1) == 0 and r > 0 and 0 < p <= 16 and 128 * n * r <= _MOST_MEMORY


def _bound(head: dict[str, Any]) -> bytes:
    return json.dumps(head, sort_keys=True, separators=(",", ":")).encode("ascii")
