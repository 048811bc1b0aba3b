"""Signed notes, checkpoints and proof files (`docs/spec/tree.md`; C2SP signed-note, tlog-checkpoint, tlog-proof)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from docs.spec.reference.tree import check_inclusion, leaf_hash, sha256
from docs.spec.reference.unproved import UnprovedError, expect

MAX_NUMBER = (1 << 63) - 1
_P = 2**255 - 19
_D = -121_665 * pow(121_666, -1, _P) % _P
_ORDER_8 = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
_SMALL = (0, 1, _P - 1, _ORDER_8, _P - _ORDER_8)


class LogKey(NamedTuple):
    """A verifier key of type 0x01: name, key id of 4 bytes, Ed25519 public key of 32 bytes."""

    name: str
    key_id: bytes
    public_key: bytes


class Checkpoint(NamedTuple):
    """What a log has signed."""

    origin: str
    size: int
    root: bytes


class Proof(NamedTuple):
    """A proof file: `entry` is its `extra` line, `note` the signed checkpoint."""

    leaf_index: int
    path: list[bytes]
    entry: bytes
    note: bytes


def from_base64(text: str) -> bytes:
    """Read base64 that encodes back to itself."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UnprovedError("base64 is malformed") from None
    expect(base64.b64encode(value).decode() == text, "base64 does not encode back to itself")
    return value


def from_decimal(text: str) -> int:
    """Read a decimal number without sign or leading zero, below 2**63."""
    expect(re.fullmatch("0|[1-9][0-9]{0,18}", text, re.ASCII) is not None, "a number is malformed")
    expect(int(text) <= MAX_NUMBER, "a number is too large")
    return int(text)


def verify(public_key: bytes, signature: bytes, data: bytes) -> None:
    """Check an Ed25519 signature.

    Raises:
        UnprovedError: It is not good.
    """
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, data)
    except (InvalidSignature, ValueError):
        raise UnprovedError("the signature does not verify") from None


def log_key(name: str, public_key: bytes) -> LogKey:
    """The key of a log with this name."""
    return LogKey(name, sha256(name.encode() + b"\n\x01" + public_key)[:4], public_key)


def parse_typed(text: str) -> tuple[str, bytes, bytes]:
    """Read `name+hex8(key id)+base64(type || public key)`: the name, the key id, type and public key."""
    match = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)", text)
    if match is None or len(text) > 4_096:
        raise UnprovedError("this is no verifier key")
    typed = from_base64(match[3])
    expect(sha256(match[1].encode() + b"\n" + typed)[:4].hex() == match[2], "the key id is not that of the key")
    return match[1], bytes.fromhex(match[2]), typed


def parse_vkey(text: str) -> LogKey:
    """Read the verifier key of a log, of type 0x01."""
    name, key_id, typed = parse_typed(text)
    expect(len(typed) == 33 and typed[0] == 1, "this is no Ed25519 key of a log")
    expect_safe(typed[1:])
    return LogKey(name, key_id, typed[1:])


def expect_safe(public_key: bytes) -> None:
    """Refuse an Ed25519 key under which one signature fits many texts, or that is written in a second way.

    Raises:
        UnprovedError: It is of small order, not canonical, or no point of the curve.
    """
    y = int.from_bytes(public_key, "little") & ((1 << 255) - 1)
    expect(y < _P and y not in _SMALL, "the key is of small order or not canonical")
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    expect(pow(square, (_P - 1) // 2, _P) == 1, "the key is no point of the curve")


def split_note(note: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    """The text that is signed, and of each signature line the name and the payload: key id and signature.

    Raises:
        UnprovedError: The form is wrong.
    """
    expect(len(note) <= 65_536, "the note is too long")
    try:
        text, blank, below = note.decode("utf-8").rpartition("\n\n")
    except UnicodeDecodeError:
        raise UnprovedError("the note is not UTF-8") from None
    expect(re.search("[\x00-\x09\x0b-\x1f]", text + below) is None, "a control character")
    expect(bool(blank) and below.endswith("\n"), "a note is a text, an empty line and signature lines")
    lines: list[tuple[str, bytes]] = []
    for line in below[:-1].split("\n"):
        match = re.fullmatch("\u2014 ([^\\s+]+) ([A-Za-z0-9+/]+=*)", line)
        if match is None:
            raise UnprovedError("a signature line is malformed")
        payload = from_base64(match[2])
        expect(len(payload) > 4, "a signature line holds no signature")
        lines.append((match[1], payload))
    return f"{text}\n".encode(), lines


def read_checkpoint(note: bytes, key: LogKey) -> Checkpoint:
    """Read a checkpoint and check the log's signature; lines of other keys are passed over.

    Raises:
        UnprovedError: The form is wrong, the log did not sign, or its signature is bad.
    """
    text, lines = split_note(note)
    signatures = [payload[4:] for name, payload in lines if (name, payload[:4]) == (key.name, key.key_id)]
    expect(len(signatures) == 1, "the log signed once, and this note bears not one signature of it")
    expect(len(signatures[0]) == 64, "the signature has a wrong length")
    verify(key.public_key, signatures[0], text)
    checkpoint = read_text(text)
    expect(checkpoint.origin == key.name, "the checkpoint is of another log")
    return checkpoint


def read_text(text: bytes) -> Checkpoint:
    """Read the text of a checkpoint.

    Raises:
        UnprovedError: It is not origin, size and root.
    """
    lines = text.decode("utf-8").split("\n")
    expect(len(lines) == 4 and re.fullmatch(r"[^\s+]+", lines[0]) is not None, "a checkpoint is origin, size and root")
    root = from_base64(lines[2])
    expect(len(root) == 32, "the root has not 32 bytes")
    size = from_decimal(lines[1])
    expect(size > 0 or root == sha256(b""), "the root of size 0 is another one")
    return Checkpoint(lines[0], size, root)


def parse_proof(data: bytes) -> Proof:
    """Read the form of a proof file that carries its entry.

    Raises:
        UnprovedError: It has another form.
    """
    head, blank, note = data.partition(b"\n\n")
    expect(bool(blank) and head.isascii(), "a proof file has lines of ASCII, an empty line and a checkpoint")
    lines = head.decode("ascii").split("\n")
    expect(len(lines) >= 3 and lines[0] == "c2sp.org/tlog-proof@v1", "this is no proof file of version 1")
    expect(lines[1].startswith("extra ") and lines[2].startswith("index "), "the lines extra and index are missing")
    entry, index = from_base64(lines[1][6:]), from_decimal(lines[2][6:])
    path = [from_base64(line) for line in lines[3:]]
    expect(len(path) <= 63 and all(len(value) == 32 for value in path), "a path has at most 63 hashes of 32 bytes")
    return Proof(index, path, entry, note)


def check_proof(proof: Proof, checkpoint: Checkpoint) -> None:
    """Check that the entry of a proof file is under a checkpoint, which was read from its note.

    Raises:
        UnprovedError: It is not.
    """
    check_inclusion(leaf_hash(proof.entry), proof.leaf_index, checkpoint.size, proof.path, checkpoint.root)


def size_of(note: bytes) -> int:
    """The size that a checkpoint says, before any signature was looked at."""
    lines = note.split(b"\n", 2)
    expect(len(lines) == 3 and lines[1].isascii(), "a checkpoint has three lines")
    return from_decimal(lines[1].decode("ascii"))
