"""Suites: how a content key is wrapped to an office. Each registered sealing key names one; `SUITES` knows them.

    HPKE_X25519           HPKE base mode, X25519, HKDF-SHA256, AES-256-GCM (RFC 9180)
    HPKE_MLKEM768_X25519  the same with ML-KEM-768 beside X25519 (X-Wing): holds if either of the two does

A payload's recipients may have keys of different suites: the content itself is encrypted once, and each wrapped key
is of the suite of its office's key. A national suite (SM2, SM4) can stand beside these in the same way; a name that is
not in `SUITES` is refused. A public key is the raw keys of its parts, one after the other, ML-KEM's first.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from contracts.errors import ContractError, EvidenceError
from contracts.signing import check_sealing_key, key_id

X25519: Final = "HPKE_X25519"
"""The suite of today's keys."""
HYBRID: Final = "HPKE_MLKEM768_X25519"
"""The suite for content that has to stay secret when X25519 does not hold any more."""

_KEY_BYTES: Final = 32
_TAG_BYTES: Final = 16
_X25519_BYTES: Final = 32
_MLKEM_BYTES: Final = 1184
_KEYS_READ: Final = 4096


class HybridPrivateKey(NamedTuple):
    """The private halves of a key of the suite `HYBRID`."""

    mlkem: MLKEM768PrivateKey
    x25519: X25519PrivateKey


SealingPrivateKey = X25519PrivateKey | HybridPrivateKey
"""What opens a wrapped key."""


class KeySuite(Protocol):
    """One way to wrap a content key of 32 bytes."""

    @property
    def name(self) -> str:
        """As the directory and the specification call it."""

    @property
    def public_bytes(self) -> int:
        """Length of a public key."""

    @property
    def wrapped_bytes(self) -> int:
        """Length of a wrapped content key."""

    def check_public(self, public_raw: bytes) -> None:
        """Refuse a public key that is not safe to seal to.

        Raises:
            ContractError: KEY_UNSAFE.
        """

    def wrap(self, content_key: bytes, public_raw: bytes, bound: bytes) -> bytes:
        """Wrap a content key to a checked public key, bound to what it belongs to."""

    def unwrap(self, wrapped: bytes, private: SealingPrivateKey, bound: bytes) -> bytes:
        """The content key.

        Raises:
            EvidenceError: PAYLOAD_INVALID: it is not wrapped to this key, or not bound to this.
        """


class _X25519Suite:
    """HPKE with X25519."""

    name = X25519
    public_bytes = _X25519_BYTES
    wrapped_bytes = 32 + _KEY_BYTES + _TAG_BYTES
    _hpke = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)

    def check_public(self, public_raw: bytes) -> None:
        check_sealing_key(public_raw)

    def wrap(self, content_key: bytes, public_raw: bytes, bound: bytes) -> bytes:
        return self._hpke.encrypt(content_key, _x25519(public_raw), bound)

    def unwrap(self, wrapped: bytes, private: SealingPrivateKey, bound: bytes) -> bytes:
        if not isinstance(private, X25519PrivateKey):
            raise _not_ours(self.name)
        try:
            return self._hpke.decrypt(wrapped, private, bound)
        except (InvalidTag, ValueError) as error:
            raise _not_ours(self.name) from error


class _HybridSuite:
    """HPKE with ML-KEM-768 and X25519."""

    name = HYBRID
    public_bytes = _MLKEM_BYTES + _X25519_BYTES
    wrapped_bytes = 1088 + 32 + _KEY_BYTES + _TAG_BYTES
    _hpke = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)

    def check_public(self, public_raw: bytes) -> None:
        if len(public_raw) != self.public_bytes:
            raise ContractError("KEY_UNSAFE", f"a key of {self.name} has {self.public_bytes} bytes", field="public_key")
        check_sealing_key(public_raw[_MLKEM_BYTES:])
        if not _is_reduced(public_raw[:_MLKEM_BYTES]):
            raise ContractError("KEY_UNSAFE", "a coefficient of the ML-KEM key is not reduced", field="public_key")

    def wrap(self, content_key: bytes, public_raw: bytes, bound: bytes) -> bytes:
        return self._hpke.encrypt(content_key, _hybrid(public_raw), bound)

    def unwrap(self, wrapped: bytes, private: SealingPrivateKey, bound: bytes) -> bytes:
        if not isinstance(private, HybridPrivateKey):
            raise _not_ours(self.name)
        try:
            return self._hpke.decrypt(wrapped, MLKEM768X25519PrivateKey(private.mlkem, private.x25519), bound)
        except (InvalidTag, ValueError) as error:
            raise _not_ours(self.name) from error


# Public keys are read once; HPKE draws its one-time key anew for every wrapping.
@lru_cache(_KEYS_READ)
def _x25519(public_raw: bytes) -> X25519PublicKey:
    return X25519PublicKey.from_public_bytes(public_raw)


@lru_cache(_KEYS_READ)
def _hybrid(public_raw: bytes) -> MLKEM768X25519PublicKey:
    mlkem = MLKEM768PublicKey.from_public_bytes(public_raw[:_MLKEM_BYTES])
    return MLKEM768X25519PublicKey(mlkem, X25519PublicKey.from_public_bytes(public_raw[_MLKEM_BYTES:]))


SUITES: Final[Mapping[str, KeySuite]] = MappingProxyType({one.name: one for one in (_X25519Suite(), _HybridSuite())})
"""Every suite by its name."""


def suite_of(name: str) -> KeySuite:
    """The suite with a name.

    Raises:
        ContractError: SUITE_UNKNOWN.
    """
    suite = SUITES.get(name)
    if suite is None:
        raise ContractError("SUITE_UNKNOWN", f"the suites are {', '.join(SUITES)}", field="suite")
    return suite


def suite_of_key(private: SealingPrivateKey) -> KeySuite:
    """The suite of a private key."""
    return SUITES[HYBRID if isinstance(private, HybridPrivateKey) else X25519]


def new_sealing_key(suite: str) -> SealingPrivateKey:
    """A fresh private key; its randomness is drawn inside the cryptography library.

    Raises:
        ContractError: SUITE_UNKNOWN.
    """
    if suite_of(suite).name == HYBRID:
        return HybridPrivateKey(MLKEM768PrivateKey.generate(), X25519PrivateKey.generate())
    return X25519PrivateKey.generate()


def public_of(private: SealingPrivateKey) -> bytes:
    """The public key of a private one, as it is registered."""
    if isinstance(private, HybridPrivateKey):
        return private.mlkem.public_key().public_bytes_raw() + private.x25519.public_key().public_bytes_raw()
    return private.public_key().public_bytes_raw()


def office_key(public_raw: bytes) -> dict[str, Any]:
    """The fields with which an office's key is registered.

    Args:
        public_raw: As its suite writes it; the length tells which it is.

    Returns:
        `key_id`, `suite`, `public_key`, `mlkem_key` of the body of `OfficeRegistered` or `OfficeChanged`.

    Raises:
        ContractError: KEY_UNSAFE: no suite has keys of this length.
    """
    suite = next((one.name for one in SUITES.values() if one.public_bytes == len(public_raw)), None)
    if suite is None:
        raise ContractError("KEY_UNSAFE", f"no suite has a public key of {len(public_raw)} bytes", field="public_key")
    return {
        "key_id": key_id("office", public_raw),
        "suite": suite,
        "public_key": public_raw[-_X25519_BYTES:],
        "mlkem_key": public_raw[:_MLKEM_BYTES] if suite == HYBRID else None,
    }


def _is_reduced(mlkem_public: bytes) -> bool:
    """Whether each 12-bit coefficient is below 3329; a key that says one twice has two encodings.

    Source: FIPS 203, section 7.2, modulus check; the last 32 bytes are a seed.
    """
    packed = mlkem_public[:-32]
    return all(
        (low | (middle & 15) << 8) < 3329 and (middle >> 4 | high << 4) < 3329
        for low, middle, high in zip(packed[::3], packed[1::3], packed[2::3], strict=True)
    )


def _not_ours(name: str) -> EvidenceError:
    return EvidenceError("PAYLOAD_INVALID", f"the content key is not wrapped to this key of {name} for this event")
