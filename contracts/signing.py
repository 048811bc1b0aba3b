"""Ed25519 signatures, key ids, and which public keys are refused.

One key serves one purpose, and the purpose is part of its id, so a key registered for one use is not found for another.
What is signed begins with a label that holds a NUL (LEDGER 5), made by the caller.
"""

import hashlib
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contracts.errors import ContractError, EvidenceError
from contracts.ids import KeyId

KEY_LABEL: Final = b"pprd-key/v1\n\0"
"""First bytes of what a key id hashes."""
SIGNING_PURPOSES: Final = ("batch", "hub-events", "receipt", "open", "broker", "log")
"""Purposes of Ed25519 keys."""
SEALING_PURPOSES: Final = ("office", "point")
"""Purposes of X25519 keys."""

_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P
_SIGN_BIT: Final = 1 << 255
# y of the eight Ed25519 points of order 1, 2, 4 and 8; x and -x share one y.
_SMALL_ORDER_Y: Final = frozenset(
    {
        0,
        1,
        _P - 1,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    }
)
# u of the X25519 points of small order, on the curve and on its twist.
_SMALL_ORDER_U: Final = frozenset(
    {
        0,
        1,
        _P - 1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
    }
)


def key_id(purpose: str, public_raw: bytes) -> KeyId:
    """Id of a public key under one purpose.

    Args:
        purpose: One of `SIGNING_PURPOSES` or `SEALING_PURPOSES`.
        public_raw: 32 bytes.

    Returns:
        First 8 bytes of `SHA-256(KEY_LABEL || purpose || 00 || public_raw)`.
    """
    return KeyId(hashlib.sha256(KEY_LABEL + purpose.encode("ascii") + b"\0" + public_raw).digest()[:8])


def sign(private: Ed25519PrivateKey, tbs: bytes) -> bytes:
    """Sign bytes.

    Args:
        private: The key of the purpose that `tbs` serves.
        tbs: Begins with a label of ours.

    Returns:
        64 bytes; the same every time, for Ed25519 draws no random number.
    """
    return private.sign(tbs)


def verify(public_raw: bytes, signature: bytes, tbs: bytes) -> None:
    """Check a signature.

    Args:
        public_raw: 32 bytes that passed `check_public_key` when they were registered.
        signature: 64 bytes.
        tbs: What was signed.

    Raises:
        EvidenceError: SIGNATURE_INVALID.

    Source: RFC 8032, section 5.1.7.
    """
    try:
        _parsed(public_raw).verify(signature, tbs)
    except (InvalidSignature, ValueError, TypeError) as err:
        raise EvidenceError("SIGNATURE_INVALID", f"no signature of key {public_raw.hex()}") from err


@lru_cache(4096)
def _parsed(public_raw: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public_raw)


def check_public_key(public_raw: bytes) -> None:
    """Refuse an Ed25519 public key under which signatures would not mean one signer and one message.

    Raises:
        ContractError: KEY_UNSAFE; not 32 bytes, not the one encoding of a point of the curve, or of small order.

    Source: RFC 8032, section 5.1.3; LEDGER 2.
    """
    y = _coordinate(public_raw) & ~_SIGN_BIT
    if y >= _P:
        raise ContractError("KEY_UNSAFE", f"key {public_raw.hex()} is not canonically encoded")
    if y in _SMALL_ORDER_Y:
        raise ContractError("KEY_UNSAFE", f"key {public_raw.hex()} is of small order")
    x_squared = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    if pow(x_squared, (_P - 1) // 2, _P) != 1:
        raise ContractError("KEY_UNSAFE", f"key {public_raw.hex()} is no point of the curve")


def check_sealing_key(public_raw: bytes) -> None:
    """Refuse an X25519 public key whose shared secret everyone knows.

    Raises:
        ContractError: KEY_UNSAFE; not 32 bytes, not the one encoding of its number, or of small order.

    Source: RFC 7748, sections 5 and 6.1.
    """
    u = _coordinate(public_raw)
    if u >= _P:
        raise ContractError("KEY_UNSAFE", f"key {public_raw.hex()} is not canonically encoded")
    if u in _SMALL_ORDER_U:
        raise ContractError("KEY_UNSAFE", f"key {public_raw.hex()} is of small order")


def _coordinate(public_raw: bytes) -> int:
    if len(public_raw) != 32:
        raise ContractError("KEY_UNSAFE", f"a public key has 32 bytes, not {len(public_raw)}")
    return int.from_bytes(public_raw, "little")
