"""Sealed payloads: envelope, HPKE, commitment (`docs/spec/sealed-payload.md`; RFC 9180, RFC 5869, LEDGER 6).

HPKE is written out, so that each step can be compared with the vectors; a program uses a library's.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from docs.spec.reference.tree import sha256
from docs.spec.reference.unproved import UnprovedError, expect

SEALED_LABEL = b"pprd-sealed/v1\n\0"
PAYLOAD_LABEL = b"pprd-payload/v1\n\0"
HEAD = SEALED_LABEL + b"\x0bAES-256-GCM"
BUCKETS_KIB = (1, 4, 16, 64, 256)
X25519_KEM, XWING_KEM = 0x0020, 0x647A
"""HPKE's numbers of the two ways to wrap a key."""
_XWING_LABEL = b"\\.//^\\"


class Keys(NamedTuple):
    """What HPKE's key schedule gives, with what it was given."""

    shared_secret: bytes
    key_schedule_context: bytes
    secret: bytes
    key: bytes
    base_nonce: bytes


class Sealed(NamedTuple):
    """What an event says of a payload."""

    profile: str
    commitment: bytes
    ciphertext_hash: bytes
    bucket_kib: int


def bound(stream_id: bytes, event_id: bytes, profile: str) -> bytes:
    """What envelope and wrapped keys are bound to: associated data of the one, `info` of the others."""
    return SEALED_LABEL + stream_id + event_id + profile.encode("ascii")


def commitment(opening: bytes, plaintext: bytes) -> bytes:
    """What the event promises about a plaintext."""
    return hmac.digest(opening, PAYLOAD_LABEL + len(plaintext).to_bytes(8, "big") + plaintext, "sha256")


def bucket_of(plaintext_bytes: int) -> int:
    """The smallest bucket that a plaintext fits with its 68 bytes of opening and length, in KiB."""
    for bucket_kib in BUCKETS_KIB:
        if plaintext_bytes + 68 <= bucket_kib * 1024:
            return bucket_kib
    raise UnprovedError(f"{plaintext_bytes} bytes fit no bucket")


def envelope(plaintext: bytes, binding: bytes, content_key: bytes, nonce: bytes, opening: bytes) -> bytes:
    """Seal a plaintext."""
    inside = opening + len(plaintext).to_bytes(4, "big") + plaintext
    padded = inside.ljust(bucket_of(len(plaintext)) * 1024, b"\0")
    return HEAD + nonce + AESGCM(content_key).encrypt(nonce, padded, binding)


def open_envelope(sealed: bytes, content_key: bytes, binding: bytes, ref: Sealed) -> bytes:
    """Open a payload and hold it to what its event says.

    Raises:
        UnprovedError: Hash, form, key, event, padding or commitment does not hold.
    """
    expect(sha256(sealed) == ref.ciphertext_hash, "the envelope has another hash")
    expect(len(sealed) == len(HEAD) + 12 + ref.bucket_kib * 1024 + 16, "the envelope is not of its bucket")
    expect(sealed.startswith(HEAD), "the envelope has another head")
    nonce, box = sealed[len(HEAD) : len(HEAD) + 12], sealed[len(HEAD) + 12 :]
    try:
        inside = AESGCM(content_key).decrypt(nonce, box, binding)
    except InvalidTag:
        raise UnprovedError("the key or the event is another one") from None
    opening, length = inside[:64], int.from_bytes(inside[64:68], "big")
    plaintext, padding = inside[68 : 68 + length], inside[68 + length :]
    expect(len(plaintext) == length and not any(padding), "the inside is not padded with zeros")
    expect(bucket_of(length) == ref.bucket_kib, "a smaller bucket would do")
    expect(commitment(opening, plaintext) == ref.commitment, "the plaintext is not the one promised")
    return plaintext


# -- HPKE, base mode, one message


def hpke_seal(public_key: bytes, info: bytes, plaintext: bytes, ephemeral: bytes) -> bytes:
    """Seal to an X25519 key; `ephemeral` is a private key that is drawn for this message and forgotten."""
    private = X25519PrivateKey.from_private_bytes(ephemeral)
    shared = private.exchange(X25519PublicKey.from_public_bytes(public_key))
    enc = private.public_key().public_bytes_raw()
    keys = schedule(X25519_KEM, dh_secret(shared, enc, public_key), info)
    return enc + AESGCM(keys.key).encrypt(keys.base_nonce, plaintext, b"")


def hpke_open(private_key: bytes, info: bytes, sealed: bytes) -> bytes:
    """Open what was sealed to an X25519 key.

    Raises:
        UnprovedError: It was sealed to another one, or bound to something else.
    """
    private, enc = X25519PrivateKey.from_private_bytes(private_key), sealed[:32]
    shared = private.exchange(X25519PublicKey.from_public_bytes(enc))
    secret = dh_secret(shared, enc, private.public_key().public_bytes_raw())
    return _open(schedule(X25519_KEM, secret, info), sealed[32:])


def hpke_open_hybrid(mlkem_seed: bytes, x25519_private: bytes, info: bytes, sealed: bytes) -> bytes:
    """Open what was sealed to a key of ML-KEM-768 and X25519 (X-Wing): the secret is the hash of both secrets."""
    ciphertext, enc = sealed[:1088], sealed[1088:1120]
    private = X25519PrivateKey.from_private_bytes(x25519_private)
    one = MLKEM768PrivateKey.from_seed_bytes(mlkem_seed).decapsulate(ciphertext)
    two = private.exchange(X25519PublicKey.from_public_bytes(enc))
    public = private.public_key().public_bytes_raw()
    secret = hashlib.sha3_256(one + two + enc + public + _XWING_LABEL).digest()
    return _open(schedule(XWING_KEM, secret, info), sealed[1120:])


def dh_secret(shared: bytes, enc: bytes, public_key: bytes) -> bytes:
    """The secret of DHKEM(X25519, HKDF-SHA256): RFC 9180, section 4.1."""
    suite = b"KEM" + X25519_KEM.to_bytes(2, "big")
    prk = _extract(suite, b"", b"eae_prk", shared)
    return _expand(suite, prk, b"shared_secret", enc + public_key, 32)


def schedule(kem: int, shared_secret: bytes, info: bytes) -> Keys:
    """Key and nonce of AES-256-GCM from the shared secret: RFC 9180, section 5.1, mode base."""
    suite = b"HPKE" + kem.to_bytes(2, "big") + b"\0\x01" + b"\0\x02"
    context = b"\0" + _extract(suite, b"", b"psk_id_hash", b"") + _extract(suite, b"", b"info_hash", info)
    secret = _extract(suite, shared_secret, b"secret", b"")
    key, nonce = _expand(suite, secret, b"key", context, 32), _expand(suite, secret, b"base_nonce", context, 12)
    return Keys(shared_secret, context, secret, key, nonce)


def _open(keys: Keys, ciphertext: bytes) -> bytes:
    try:
        return AESGCM(keys.key).decrypt(keys.base_nonce, ciphertext, b"")
    except (InvalidTag, ValueError):
        raise UnprovedError("it is sealed to another key, or bound to something else") from None


def _extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, "sha256")


def _expand(suite: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand of at most one block of SHA-256."""
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.digest(prk, labelled + b"\x01", "sha256")[:length]
