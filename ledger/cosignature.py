"""What a witness signs when it has seen that a checkpoint continues the ledger it knows.

    type 0x04, Ed25519
    signed bytes = "cosignature/v1\\ntime <seconds>\\n" || checkpoint text
    signature    = u64 seconds || Ed25519(signed bytes)                     72 bytes

    type 0x06, ML-DSA-44 with an empty context
    signed bytes = "subtree/v1\\n\\0" || len8 name || u64 seconds || len8 origin || u64 start || u64 end || root[32]
    signature    = u64 seconds || ML-DSA-44(signed bytes)                   2,428 bytes

A checkpoint is the subtree from 0 to its size. The Ed25519 form does not bind the name of the witness, so a policy
counts a public key once (`ledger.policy`).

Source: LEDGER, section 8; C2SP tlog-cosignature.
"""

import struct
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from contracts.errors import EvidenceError
from contracts.ids import Hash
from ledger.compact import HASH_BYTES
from ledger.note_text import MAX_NUMBER, malformed, parse_base64, parse_decimal

ED25519_BYTES: Final = 64
ML_DSA_44_BYTES: Final = 2_420
ML_DSA_44_KEY_BYTES: Final = 1_312
MAX_SECONDS: Final = MAX_NUMBER
SUBTREE_LABEL: Final = b"subtree/v1\n\0"
MAX_NAME_BYTES: Final = 255
"""Longest name and longest origin that an ML-DSA-44 cosignature can bind."""


def cosigned_bytes(text: bytes, seconds: int) -> bytes:
    """Give the bytes that a witness signs with Ed25519.

    Args:
        text: Text of the checkpoint, with its final newline.
        seconds: When it was cosigned, seconds since the epoch.

    Raises:
        ContractError: NOTE_MALFORMED, the time is out of range.
    """
    _check_seconds(seconds)
    return b"cosignature/v1\ntime %d\n" % seconds + text


def cosigned_subtree(text: bytes, seconds: int, name: str) -> bytes:
    """Give the bytes that a witness signs with ML-DSA-44 for a checkpoint.

    Args:
        text: Text of the checkpoint: origin, size and root, each on its line; extension lines are not signed.
        seconds: When it was cosigned, seconds since the epoch.
        name: Name of the witness's key.

    Raises:
        ContractError: NOTE_MALFORMED, the time is out of range, or the text is no checkpoint.
    """
    lines = text.decode("utf-8", "replace").split("\n")
    if len(lines) < 4 or lines[-1]:
        raise malformed("an ML-DSA-44 cosignature is for a checkpoint of three lines or more")
    root = parse_base64(lines[2])
    if len(root) != HASH_BYTES:
        raise malformed(f"a root has {HASH_BYTES} bytes, not {len(root)}")
    return subtree_bytes(
        name=name, seconds=seconds, origin=lines[0], start=0, end=parse_decimal(lines[1]), root=Hash(root)
    )


def subtree_bytes(*, name: str, seconds: int, origin: str, start: int, end: int, root: Hash) -> bytes:
    """Give the bytes that a witness signs with ML-DSA-44.

    Args:
        name: Name of the witness's key, 1 to 255 bytes of UTF-8.
        seconds: When it was cosigned, seconds since the epoch; 0 says nothing about a time.
        origin: Of the ledger, 1 to 255 bytes of UTF-8.
        start: First leaf of the subtree; 0 for a checkpoint.
        end: Leaf after its last one; the size for a checkpoint.
        root: Root of the subtree, 32 bytes.

    Raises:
        ContractError: NOTE_MALFORMED, a part is out of its range.
    """
    _check_seconds(seconds)
    return (
        SUBTREE_LABEL + _len8(name) + struct.pack(">Q", seconds) + _len8(origin) + struct.pack(">QQ", start, end) + root
    )


def verify_ml_dsa_44(public_raw: bytes, signature: bytes, signed: bytes) -> None:
    """Check an ML-DSA-44 signature with an empty context.

    Args:
        public_raw: 1,312 bytes.
        signature: 2,420 bytes.
        signed: What was signed.

    Raises:
        EvidenceError: SIGNATURE_INVALID.

    Source: FIPS 204, section 5.3.
    """
    try:
        MLDSA44PublicKey.from_public_bytes(public_raw).verify(signature, signed)
    except (InvalidSignature, ValueError) as err:
        raise EvidenceError("SIGNATURE_INVALID", f"no signature of key {public_raw[:8].hex()}...") from err


def join_cosignature(seconds: int, signature: bytes) -> bytes:
    """Give the payload of a witness's signature line, without the key id."""
    return seconds.to_bytes(8, "big") + signature


def split_cosignature(payload: bytes, signature_bytes: int) -> tuple[int, bytes]:
    """Read the payload of a witness's signature line.

    Args:
        payload: The line without the key id.
        signature_bytes: Length of a signature of the key.

    Returns:
        The time in seconds since the epoch, and the signature.

    Raises:
        ContractError: NOTE_MALFORMED, another length or a time above 2**63 - 1.
    """
    seconds = int.from_bytes(payload[:8], "big")
    if len(payload) != 8 + signature_bytes or seconds > MAX_SECONDS:
        raise malformed(f"cosignature of {len(payload)} bytes and time {seconds}")
    return seconds, payload[8:]


def _check_seconds(seconds: int) -> None:
    if not 0 <= seconds <= MAX_SECONDS:
        raise malformed(f"cosignature time {seconds} is out of range")


def _len8(text: str) -> bytes:
    data = text.encode()
    if not 1 <= len(data) <= MAX_NAME_BYTES:
        raise malformed(f"a name or an origin of {len(data)} bytes cannot be bound by an ML-DSA-44 cosignature")
    return bytes((len(data),)) + data
