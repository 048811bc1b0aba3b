"""Anchors: what an old checkpoint says, said again under another hash, by signers of their own.

    pprd-anchor/v1\\n
    algorithm <SHA-512 or SHA3-256>\\n
    root <base64>\\n                                            of the same entries under that algorithm
    signed <name> <seconds> <Ed25519 or ML-DSA-44> <base64 public key> <base64 signature>\\n       0 to 16 lines
    \\n
    <checkpoint with all its signatures>

The tree is that of RFC 6962 with another hash in the place of SHA-256. Each signer signs, with a key that it uses for
nothing else:

    "pprd-anchor/v1\\n\\0" || len8 name || u64 seconds || len8 origin || u64 size || root[32]
        || len8 algorithm || len8 root under it

So origin, size and SHA-256 root are those of the checkpoint, and an anchor that was signed while SHA-256 was sound says
for ever which entries that checkpoint was about.

Source: ADR 0057; docs/spec/anchor.md.
"""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from contracts import signing
from contracts.errors import ContractError, EvidenceError
from contracts.ids import Hash
from ledger.checkpoint import Checkpoint, parse_checkpoint_text
from ledger.cosignature import ML_DSA_44_BYTES, ML_DSA_44_KEY_BYTES, verify_ml_dsa_44
from ledger.note import MAX_NOTE_BYTES, split_note
from ledger.note_text import check_name, parse_base64, parse_decimal

ANCHOR_LABEL: Final = b"pprd-anchor/v1\n\0"
SHA_512: Final = "SHA-512"
SHA3_256: Final = "SHA3-256"
_ALGORITHMS: Final[dict[str, Callable[[bytes], hashlib._Hash]]] = {
    SHA_512: hashlib.sha512,
    SHA3_256: hashlib.sha3_256,
}
ALGORITHMS: Final = tuple(_ALGORITHMS)
"""Algorithms under which a ledger can be anchored."""
ED25519: Final = "Ed25519"
ML_DSA_44: Final = "ML-DSA-44"
MAX_SIGNATURES: Final = 16
MAX_ANCHOR_BYTES: Final = MAX_NOTE_BYTES + MAX_SIGNATURES * 8_192 + 512
_HEADER: Final = "pprd-anchor/v1"
_is_name: Final = re.compile(r"[\x21-\x7e]{1,255}").fullmatch


class AnchorTree:
    """The running state of the tree over entries under one algorithm: one hash for each set bit of its size.

    Args:
        algorithm: One of `ALGORITHMS`.
        size: Entries taken so far, of a kept state.
        hashes: What `hashes` gave at that size.

    Attributes:
        size: Entries taken so far.

    Raises:
        ContractError: ANCHOR_MALFORMED: an unknown algorithm, or no state of it.
    """

    def __init__(self, algorithm: str, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        found = _ALGORITHMS.get(algorithm)
        if found is None:
            raise _malformed(f"{algorithm[:40]!r} is none of {', '.join(ALGORITHMS)}")
        self._hash = found
        self.size = size
        self._hashes = list(hashes)
        width = found(b"").digest_size
        if len(self._hashes) != size.bit_count() or any(len(one) != width for one in self._hashes):
            raise _malformed(f"{len(self._hashes)} hashes are not the state of {size} entries under {algorithm}")

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """Hashes of the perfect subtrees, the largest first."""
        return tuple(self._hashes)

    def append(self, entry: bytes) -> None:
        """Take the next entry."""
        node = self._hash(b"\x00" + entry).digest()
        bits = self.size
        while bits & 1:
            node = self._hash(b"\x01" + self._hashes.pop() + node).digest()
            bits >>= 1
        self._hashes.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Root of the tree so far."""
        if not self._hashes:
            return self._hash(b"").digest()
        node = self._hashes[-1]
        for left in self._hashes[-2::-1]:
            node = self._hash(b"\x01" + left + node).digest()
        return node


class AnchorSignature(NamedTuple):
    """One signer's line.

    Attributes:
        name: Who; visible ASCII, at most 255 bytes.
        seconds: When, seconds since the epoch, as the signer says.
        algorithm: `Ed25519` or `ML-DSA-44`.
        public_key: 32 or 1,312 bytes.
        signature: 64 or 2,420 bytes.
    """

    name: str
    seconds: int
    algorithm: str
    public_key: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Anchor:
    """What an anchor file says; nothing in it is checked but its form.

    Attributes:
        algorithm: One of `ALGORITHMS`.
        root: Root of the entries under it.
        checkpoint: What the note says.
        note: The signed checkpoint, with all its signatures.
        signatures: Of the anchor's own signers.
    """

    algorithm: str
    root: bytes
    checkpoint: Checkpoint
    note: bytes
    signatures: tuple[AnchorSignature, ...] = ()

    def tbs(self, name: str, seconds: int) -> bytes:
        """The bytes that a signer signs."""
        at = self.checkpoint
        return b"".join(
            (
                ANCHOR_LABEL,
                _len8(name.encode()),
                struct.pack(">Q", seconds),
                _len8(at.origin.encode()),
                struct.pack(">Q", at.size),
                at.root,
                _len8(self.algorithm.encode()),
                _len8(self.root),
            )
        )

    def signed(self, name: str, key: Ed25519PrivateKey | MLDSA44PrivateKey, seconds: int) -> Anchor:
        """The same with one more signature.

        Raises:
            ContractError: ANCHOR_MALFORMED: the name is none, or there are too many.
        """
        tbs = self.tbs(name, seconds)
        signature = signing.sign(key, tbs) if isinstance(key, Ed25519PrivateKey) else key.sign(tbs)
        algorithm = ED25519 if isinstance(key, Ed25519PrivateKey) else ML_DSA_44
        public_key = key.public_key().public_bytes_raw()
        line = AnchorSignature(name, seconds, algorithm, public_key, signature)
        longer = replace(self, signatures=(*self.signatures, line))
        _check(longer)
        return longer

    def verify_signatures(self) -> None:
        """Check every signature under the key that its line names; whose key that is, is for the reader to know.

        Raises:
            ContractError: KEY_UNSAFE.
            EvidenceError: SIGNATURE_INVALID.
        """
        for line in self.signatures:
            tbs = self.tbs(line.name, line.seconds)
            if line.algorithm == ED25519:
                signing.check_public_key(line.public_key)
                signing.verify(line.public_key, line.signature, tbs)
            else:
                verify_ml_dsa_44(line.public_key, line.signature, tbs)

    def verify_roots(self, *, root: Hash, anchored: bytes) -> None:
        """Compare with what entries lead to.

        Args:
            root: SHA-256 root of the entries.
            anchored: Their root under the anchor's algorithm.

        Raises:
            EvidenceError: ANCHOR_INVALID.
        """
        if root != self.checkpoint.root:
            raise EvidenceError(
                "ANCHOR_INVALID", f"the entries lead to {root.hex()}, anchored is {self.checkpoint.root.hex()}"
            )
        if anchored != self.root:
            told = f"under {self.algorithm} the entries lead to {anchored.hex()}, the anchor says {self.root.hex()}"
            raise EvidenceError("ANCHOR_INVALID", told)


def format_anchor(anchor: Anchor) -> bytes:
    """Write an anchor file.

    Raises:
        ContractError: ANCHOR_MALFORMED.
    """
    _check(anchor)
    lines = [_HEADER, f"algorithm {anchor.algorithm}", f"root {_base64(anchor.root)}"]
    lines += [
        f"signed {one.name} {one.seconds} {one.algorithm} {_base64(one.public_key)} {_base64(one.signature)}"
        for one in anchor.signatures
    ]
    return "\n".join([*lines, "", ""]).encode() + anchor.note


def parse_anchor(data: bytes) -> Anchor:
    """Read the form of an anchor file.

    Raises:
        ContractError: ANCHOR_MALFORMED or NOTE_MALFORMED.
    """
    if len(data) > MAX_ANCHOR_BYTES:
        raise _malformed(f"an anchor has at most {MAX_ANCHOR_BYTES} bytes, not {len(data)}")
    head, blank, note = data.partition(b"\n\n")
    try:
        header, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as err:
        raise _malformed(f"byte {err.start} is not ASCII") from err
    if not blank or header != _HEADER or len(lines) < 2:
        raise _malformed(f"an anchor begins with {_HEADER} and has an empty line before its checkpoint")
    algorithm, root = _item(lines[0], "algorithm"), parse_base64(_item(lines[1], "root"))
    checkpoint = parse_checkpoint_text(split_note(note)[0])
    anchor = Anchor(algorithm, root, checkpoint, note, tuple(_parse_signature(line) for line in lines[2:]))
    _check(anchor)
    return anchor


def _item(line: str, word: str) -> str:
    if not line.startswith(f"{word} "):
        raise _malformed(f"{line[:40]!r} is no line {word}")
    return line.removeprefix(f"{word} ")


def _parse_signature(line: str) -> AnchorSignature:
    match line.split(" "):
        case ["signed", name, seconds, algorithm, public_key, signature]:
            return AnchorSignature(
                name, parse_decimal(seconds), algorithm, parse_base64(public_key), parse_base64(signature)
            )
        case _:
            raise _malformed(f"{line[:40]!r} is no line of a signer")


def _check(anchor: Anchor) -> None:
    algorithm = _ALGORITHMS.get(anchor.algorithm)
    if algorithm is None or len(anchor.root) != algorithm(b"").digest_size:
        raise _malformed(f"{len(anchor.root)} bytes are no root under {anchor.algorithm[:40]!r}")
    check_name(anchor.checkpoint.origin)
    if len(anchor.signatures) > MAX_SIGNATURES:
        raise _malformed(f"an anchor has at most {MAX_SIGNATURES} signatures")
    lengths = {ED25519: (32, 64), ML_DSA_44: (ML_DSA_44_KEY_BYTES, ML_DSA_44_BYTES)}
    for one in anchor.signatures:
        if not _is_name(one.name) or (len(one.public_key), len(one.signature)) != lengths.get(one.algorithm):
            raise _malformed(f"the line of {one.name[:40]!r} is no signature")
    keys = [one.public_key for one in anchor.signatures]
    if len(set(keys)) != len(keys):
        raise _malformed("a key has signed twice")


def _len8(data: bytes) -> bytes:
    if len(data) > 255:
        raise _malformed(f"{len(data)} bytes are more than 255")
    return bytes((len(data),)) + data


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _malformed(message: str) -> ContractError:
    return ContractError("ANCHOR_MALFORMED", message)
