"""Signed notes: a text and the lines of those who signed it.

    <text, ends in \\n>
    \\n
    — <key name> <base64(4-byte key id || signature)>\\n          one or more lines

Text and signatures part at the last empty line. Signatures of unknown keys are ignored; a known key must verify, must
not sign twice, and at least one must have signed. There is one form of every note: base64 that does not encode back to
itself, control characters, other dashes and anything else beside the form are refused.

Known key types: 0x01 Ed25519 over the text (logs), 0x04 timestamped Ed25519 cosignature and 0x06 timestamped ML-DSA-44
cosignature (witnesses). The two of witnesses sign different bytes: see `ledger.cosignature`.

Source: LEDGER, section 2; C2SP signed-note.
"""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from typing import Final, NamedTuple, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from contracts.errors import EvidenceError
from contracts.signing import check_public_key, sign, verify
from ledger.cosignature import (
    ED25519_BYTES,
    ML_DSA_44_BYTES,
    ML_DSA_44_KEY_BYTES,
    cosigned_bytes,
    cosigned_subtree,
    join_cosignature,
    split_cosignature,
    verify_ml_dsa_44,
)
from ledger.note_text import check_name, malformed, parse_base64

MAX_NOTE_BYTES: Final = 65_536
MAX_VKEY_LENGTH: Final = 2_560
"""Longest written verifier key: a name and an ML-DSA-44 key."""
_DASH: Final = "\u2014 "
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_KEY_BYTES: Final = 32


class KeyType(IntEnum):
    """What a key signs, the first byte of a written verifier key."""

    ED25519 = 0x01
    COSIGNATURE = 0x04
    ML_DSA_44_COSIGNATURE = 0x06

    @property
    def key_bytes(self) -> int:
        """Length of a public key of this type."""
        return ML_DSA_44_KEY_BYTES if self is KeyType.ML_DSA_44_COSIGNATURE else _KEY_BYTES


WITNESS_TYPES: Final = frozenset({KeyType.COSIGNATURE, KeyType.ML_DSA_44_COSIGNATURE})
"""What the keys of witnesses sign."""


class SignatureLine(NamedTuple):
    """One line below the text, read but not checked.

    Attributes:
        name: Key name.
        key_id: 4 bytes.
        payload: What follows the key id, at least one byte.
    """

    name: str
    key_id: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class NoteVerifier:
    """A key that may sign notes.

    Attributes:
        name: Key name; for a log also its origin.
        key_type: What it signs.
        public_key: Ed25519 public key of 32 bytes, neither of small order nor in a second encoding; of type 0x06 an
            ML-DSA-44 public key of 1,312 bytes.
    """

    name: str
    key_type: KeyType
    public_key: bytes

    def __post_init__(self) -> None:
        """Refuse what must not be registered: ContractError NOTE_MALFORMED or KEY_UNSAFE."""
        check_name(self.name)
        if len(self.public_key) != self.key_type.key_bytes:
            raise malformed(
                f"a key of type {self.key_type:#04x} has {self.key_type.key_bytes} bytes, not {len(self.public_key)}"
            )
        if self.key_type is not KeyType.ML_DSA_44_COSIGNATURE:
            check_public_key(self.public_key)

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Read a verifier key `name+hex8(key id)+base64(type byte || public key)`.

        Raises:
            ContractError: NOTE_MALFORMED or KEY_UNSAFE.
        """
        if len(vkey) > MAX_VKEY_LENGTH or vkey.count("+") < 2:
            raise malformed(f"{vkey[:40]!r} is not a verifier key")
        name, key_id, encoded = vkey.split("+", 2)
        key = parse_base64(encoded)
        if not key or key[0] not in tuple(KeyType):
            raise malformed(f"verifier key of {name!r} has an unknown type")
        verifier = cls(name, KeyType(key[0]), key[1:])
        if verifier.key_id.hex() != key_id:
            raise malformed(f"verifier key of {name!r} has id {verifier.key_id.hex()}, {key_id!r} is written")
        return verifier

    @property
    def key_id(self) -> bytes:
        """First 4 bytes of SHA-256(name || 0x0A || type byte || public key)."""
        return bytes.fromhex(self.fingerprint[:8])

    @property
    def fingerprint(self) -> str:
        """The whole hash in hex of which the key id is the beginning: what people compare, for an id is too short."""
        return sha256(self.name.encode() + b"\n" + self._typed_key).hexdigest()

    @property
    def vkey(self) -> str:
        """The verifier key as it is written."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self._typed_key).decode()}"

    @property
    def _typed_key(self) -> bytes:
        return bytes((self.key_type,)) + self.public_key

    def verify(self, text: bytes, payload: bytes) -> int | None:
        """Check one signature.

        Args:
            text: Text of the note, with its final newline.
            payload: Signature line without the key id.

        Returns:
            The time of a cosignature in seconds since the epoch, None for another signature.

        Raises:
            ContractError: NOTE_MALFORMED, the payload has a wrong length or time.
            EvidenceError: SIGNATURE_INVALID.
        """
        match self.key_type:
            case KeyType.ED25519:
                if len(payload) != ED25519_BYTES:
                    raise malformed(f"signature of {self.name!r} has {len(payload)} bytes")
                verify(self.public_key, payload, text)
                return None
            case KeyType.COSIGNATURE:
                seconds, signature = split_cosignature(payload, ED25519_BYTES)
                verify(self.public_key, signature, cosigned_bytes(text, seconds))
                return seconds
            case KeyType.ML_DSA_44_COSIGNATURE:
                seconds, signature = split_cosignature(payload, ML_DSA_44_BYTES)
                verify_ml_dsa_44(self.public_key, signature, cosigned_subtree(text, seconds, self.name))
                return seconds


@dataclass(frozen=True, slots=True)
class NoteSigner:
    """The private side of a log's key.

    Attributes:
        name: Key name, for a log its origin.
        private_key: Used for notes and nothing else.
        verifier: The public side.
    """

    name: str
    private_key: Ed25519PrivateKey
    verifier: NoteVerifier = field(init=False)

    def __post_init__(self) -> None:
        """Derive the public side once: ContractError NOTE_MALFORMED for a bad name."""
        raw = self.private_key.public_key().public_bytes_raw()
        object.__setattr__(self, "verifier", NoteVerifier(self.name, KeyType.ED25519, raw))

    def line(self, text: bytes) -> bytes:
        """Give the signature line for a text."""
        return _line(self.verifier, sign(self.private_key, text))


@dataclass(frozen=True, slots=True)
class Cosigner:
    """The private side of a witness's key.

    Attributes:
        name: Key name.
        private_key: Used for cosignatures and nothing else; its algorithm says which type they have.
        verifier: The public side.
    """

    name: str
    private_key: Ed25519PrivateKey | MLDSA44PrivateKey
    verifier: NoteVerifier = field(init=False)

    def __post_init__(self) -> None:
        """Derive the public side once: ContractError NOTE_MALFORMED for a bad name."""
        is_ed25519 = isinstance(self.private_key, Ed25519PrivateKey)
        key_type = KeyType.COSIGNATURE if is_ed25519 else KeyType.ML_DSA_44_COSIGNATURE
        raw = self.private_key.public_key().public_bytes_raw()
        object.__setattr__(self, "verifier", NoteVerifier(self.name, key_type, raw))

    def line(self, text: bytes, *, seconds: int) -> bytes:
        """Give the signature line for the text of a checkpoint seen at `seconds` since the epoch.

        Raises:
            ContractError: NOTE_MALFORMED, the time is out of range, or an ML-DSA-44 key is to sign another text.
        """
        match self.private_key:
            case Ed25519PrivateKey():
                signature = sign(self.private_key, cosigned_bytes(text, seconds))
            case _:
                signature = self.private_key.sign(cosigned_subtree(text, seconds, self.name))
        return _line(self.verifier, join_cosignature(seconds, signature))


class Verified(NamedTuple):
    """A signature that was checked.

    Attributes:
        verifier: The key.
        seconds: Time of a cosignature, None for another signature.
    """

    verifier: NoteVerifier
    seconds: int | None


@dataclass(frozen=True, slots=True)
class Note:
    """A note with at least one good signature of a known key, and no bad one.

    Attributes:
        text: The signed text, with its final newline.
        verified: The good signatures of known keys, in the order of the note.
    """

    text: bytes
    verified: tuple[Verified, ...]


def split_note(data: bytes) -> tuple[bytes, tuple[SignatureLine, ...]]:
    """Read the form of a note without checking any signature.

    Returns:
        The text with its final newline, and the signature lines.

    Raises:
        ContractError: NOTE_MALFORMED.
    """
    content = _content(data)
    text, blank, signatures = content.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise malformed("a note is a text, an empty line and lines of signatures, each ending in a newline")
    return (text + "\n").encode(), tuple(_parse_line(line) for line in signatures[:-1].split("\n"))


def parse_note(data: bytes, verifiers: Iterable[NoteVerifier]) -> Note:
    """Read a note and check the signatures of known keys.

    Args:
        data: The exact bytes, at most 65,536.
        verifiers: The known keys.

    Raises:
        ContractError: NOTE_MALFORMED, the form is wrong or a known key signed twice.
        EvidenceError: SIGNATURE_INVALID, a known key's signature is bad, or none has signed.
    """
    text, lines = split_note(data)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    verified: list[Verified] = []
    for line in lines:
        verifier = known.get((line.name, line.key_id))
        if verifier is None:
            continue
        if any(item.verifier == verifier for item in verified):
            raise malformed(f"key {line.name!r} {line.key_id.hex()} signed twice")
        verified.append(Verified(verifier, verifier.verify(text, line.payload)))
    if not verified:
        raise EvidenceError("SIGNATURE_INVALID", f"none of {len(known)} known keys signed the note")
    return Note(text, tuple(verified))


def sign_note(text: bytes, signers: Sequence[NoteSigner]) -> bytes:
    """Write a note.

    Args:
        text: UTF-8 that ends in a newline, without other control characters.
        signers: At least one.

    Raises:
        ContractError: NOTE_MALFORMED, the text or the names cannot stand in a note.
    """
    if not text.endswith(b"\n"):
        raise malformed("the text of a note ends in a newline")
    if not signers:
        raise malformed("a note has at least one signature")
    note = text + b"\n" + b"".join(signer.line(text) for signer in signers)
    # What a signer adds has the form: its name was checked when it was made.
    _content(note)
    return note


def add_lines(note: bytes, lines: Iterable[bytes]) -> bytes:
    """Append signature lines, such as those of witnesses, to a note.

    Raises:
        ContractError: NOTE_MALFORMED, the result is not a note.
    """
    longer = note + b"".join(lines)
    split_note(longer)
    return longer


def _content(data: bytes) -> str:
    if len(data) > MAX_NOTE_BYTES:
        raise malformed(f"a note has at most {MAX_NOTE_BYTES} bytes, not {len(data)}")
    try:
        content = data.decode("utf-8")
    except UnicodeDecodeError as err:
        raise malformed(f"byte {err.start} is not UTF-8") from err
    if _CONTROL.search(content):
        raise malformed("a note has no control character but the newline")
    return content


def _line(verifier: NoteVerifier, payload: bytes) -> bytes:
    return f"{_DASH}{verifier.name} {base64.b64encode(verifier.key_id + payload).decode()}\n".encode()


def _parse_line(line: str) -> SignatureLine:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise malformed(f"{line[:40]!r} is not a signature line")
    check_name(name)
    content = parse_base64(encoded)
    if len(content) < 5:
        raise malformed(f"signature of {name!r} holds {len(content)} bytes")
    return SignatureLine(name, content[:4], content[4:])
