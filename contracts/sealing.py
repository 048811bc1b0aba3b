"""Sealed payloads: one encrypted envelope, its content key wrapped to each office that may open it.

    envelope = SEALED_LABEL || len8 cipher || nonce[12] || AES-256-GCM(padded)
    padded   = opening[64] || u32 length || plaintext || zeros, up to bucket_kib * 1024 bytes

The content key is wrapped with HPKE (RFC 9180, base mode) to every recipient office and to the producing office, each
by the suite of its key (`contracts.suite`); there is no escrow key. Envelope and wrapped keys are bound to stream,
event and profile. AES-GCM alone does not commit, so the event carries a commitment over the plaintext (LEDGER 6).

`seal` is `lock`, all but the wrapping, and `LockedPayload.wrapped`, which costs most and says nothing that an event
does. Content key, nonce and opening are arguments. HPKE's one-time key is drawn inside the cryptography library, which
offers no other way: a key is wrapped differently each time, everything else is a function of the arguments.
"""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contracts.errors import ContractError, EvidenceError
from contracts.event import SealedRef
from contracts.event_fields import BUCKETS_KIB
from contracts.ids import EventId, KeyId, OfficeId, StreamId
from contracts.suite import X25519, SealingPrivateKey, suite_of, suite_of_key

SEALED_LABEL: Final = b"pprd-sealed/v1\n\0"
"""First bytes of every envelope, and of what binds it to its event."""
PAYLOAD_LABEL: Final = b"pprd-payload/v1\n\0"
"""First bytes of what a commitment covers."""
CIPHER: Final = b"AES-256-GCM"
"""Name of the one cipher of content."""

_HEAD: Final = SEALED_LABEL + bytes((len(CIPHER),)) + CIPHER
_NONCE_AT: Final = len(_HEAD)
_BOX_AT: Final = _NONCE_AT + 12
_TAG_BYTES: Final = 16
_INSIDE_BYTES: Final = 64 + 4


class Associated(NamedTuple):
    """What a payload belongs to: bound to its ciphertext and to its wrapped keys."""

    stream_id: StreamId
    event_id: EventId
    profile: str


class RecipientKey(NamedTuple):
    """An office's public key for sealing: of purpose `office` and a suite, checked when it was registered."""

    office: OfficeId
    key_id: KeyId
    public_raw: bytes
    suite: str = X25519


class WrappedKey(NamedTuple):
    """The content key of one payload, wrapped to one office."""

    office: OfficeId
    key_id: KeyId
    enc: bytes


class LockedPayload(NamedTuple):
    """A payload whose content key is not wrapped yet. It holds that key, so it stays in memory, and not for long.

    Attributes:
        ciphertext: The envelope.
        ref: The row for the event's header.
        keys: To whom the content key is to be wrapped, sorted by office.
        bound: What binds a wrapped key to its event.
        content_key: Secret.
    """

    ciphertext: bytes
    ref: SealedRef
    keys: tuple[RecipientKey, ...]
    bound: bytes
    content_key: bytes

    def __repr__(self) -> str:
        """Nothing of the key."""
        return f"LockedPayload({self.ref!r})"

    def wrapped(self) -> tuple[WrappedKey, ...]:
        """Wrap the content key to each office."""
        return tuple([WrappedKey(key.office, key.key_id, self._wrap(key)) for key in self.keys])

    def _wrap(self, key: RecipientKey) -> bytes:
        return suite_of(key.suite).wrap(self.content_key, key.public_raw, self.bound)


class SealedPayload(NamedTuple):
    """What `seal` makes: the envelope, one wrapped key an office, and the row for the event's header."""

    ciphertext: bytes
    wrapped: tuple[WrappedKey, ...]
    ref: SealedRef


def envelope_size(bucket_kib: int) -> int:
    """Exact number of bytes of an envelope of a bucket."""
    return _BOX_AT + bucket_kib * 1024 + _TAG_BYTES


def bucket_for(plaintext_bytes: int) -> int:
    """Smallest bucket that a plaintext of so many bytes fits.

    Raises:
        ContractError: PAYLOAD_FORM; more than the largest bucket holds.
    """
    for bucket_kib in BUCKETS_KIB:
        if plaintext_bytes + _INSIDE_BYTES <= bucket_kib * 1024:
            return bucket_kib
    raise ContractError("PAYLOAD_FORM", f"{plaintext_bytes} bytes do not fit the bucket of {BUCKETS_KIB[-1]} KiB")


def commitment(*, opening: bytes, plaintext: bytes) -> bytes:
    """Commit to a plaintext.

    Args:
        opening: Exactly 64 random bytes, kept inside the payload.
        plaintext: Any bytes.

    Returns:
        32 bytes.

    Source: LEDGER 6.
    """
    return hmac.digest(opening, PAYLOAD_LABEL + len(plaintext).to_bytes(8, "big") + plaintext, "sha256")


def lock(
    *,
    plaintext: bytes,
    associated: Associated,
    recipients: Sequence[RecipientKey],
    producer: RecipientKey,
    content_key: bytes,
    nonce: bytes,
    opening: bytes,
) -> LockedPayload:
    """Encrypt a plaintext for offices; its key is still to be wrapped to them.

    Args:
        plaintext: At most the largest bucket less 68 bytes.
        associated: The event that it goes with.
        recipients: Offices that receive it, each once, at least one besides the producing office.
        producer: The producing office; it gets a wrapped key and is not listed in the row.
        content_key: 32 random bytes, never used before.
        nonce: 12 random bytes.
        opening: 64 random bytes, never used before.

    Raises:
        ContractError: PAYLOAD_FORM; a length is wrong, the plaintext too long, or the offices are none or repeated.
    """
    if (len(content_key), len(nonce), len(opening)) != (32, 12, 64):
        raise ContractError("PAYLOAD_FORM", "content key, nonce and opening have 32, 12 and 64 bytes")
    keys = tuple(sorted({key.office: key for key in (*recipients, producer)}.values()))
    others = tuple([key.office for key in keys if key.office != producer.office])
    if not others or len(others) != sum([key.office != producer.office for key in recipients]):
        raise ContractError("PAYLOAD_FORM", "no recipient besides the producing office, or one stands twice")
    bucket_kib = bucket_for(len(plaintext))
    inside = opening + len(plaintext).to_bytes(4, "big") + plaintext
    bound = _bound(associated)
    box = AESGCM(content_key).encrypt(nonce, inside.ljust(bucket_kib * 1024, b"\0"), bound)
    envelope = _HEAD + nonce + box
    ref = SealedRef(
        associated.profile,
        commitment(opening=opening, plaintext=plaintext),
        hashlib.sha256(envelope).digest(),
        bucket_kib,
        others,
    )
    return LockedPayload(envelope, ref, keys, bound, content_key)


def seal(
    *,
    plaintext: bytes,
    associated: Associated,
    recipients: Sequence[RecipientKey],
    producer: RecipientKey,
    content_key: bytes,
    nonce: bytes,
    opening: bytes,
) -> SealedPayload:
    """Seal a plaintext to offices; arguments and errors as of `lock`."""
    locked = lock(
        plaintext=plaintext,
        associated=associated,
        recipients=recipients,
        producer=producer,
        content_key=content_key,
        nonce=nonce,
        opening=opening,
    )
    return SealedPayload(locked.ciphertext, locked.wrapped(), locked.ref)


def open_sealed(
    *, envelope: bytes, wrapped: WrappedKey, private: SealingPrivateKey, associated: Associated, ref: SealedRef
) -> bytes:
    """Open a payload and check that it is what its producer committed to.

    Args:
        envelope: As `seal` made it.
        wrapped: The key wrapped to the office that opens.
        private: The private key of that office.
        associated: From the event's header.
        ref: From the event's header.

    Returns:
        The plaintext.

    Raises:
        EvidenceError: PAYLOAD_INVALID; hash, form, key, event, padding or commitment does not hold.
    """
    if len(envelope) != envelope_size(ref.bucket_kib) or not envelope.startswith(_HEAD):
        raise _invalid("the envelope has not the form of its bucket")
    if hashlib.sha256(envelope).digest() != ref.ciphertext_hash:
        raise _invalid("the envelope has another hash than the event says")
    if associated.profile != ref.profile:
        raise _invalid("the profile is not the one that the event says")
    inside = _unlock(envelope, wrapped, private, _bound(associated))
    length = int.from_bytes(inside[64:68], "big")
    plaintext, padding = inside[68 : 68 + length], inside[68 + length :]
    if len(plaintext) != length or padding.count(0) != len(padding) or bucket_for(length) != ref.bucket_kib:
        raise _invalid("the inside is not padded as specified")
    if not hmac.compare_digest(commitment(opening=inside[:64], plaintext=plaintext), ref.commitment):
        raise _invalid("the plaintext is not the one committed to")
    return plaintext


def check_form(
    ref: SealedRef, envelope: bytes, wrapped_offices: Sequence[OfficeId], producing_office: OfficeId
) -> None:
    """Check of a submitted payload what needs no key; see `check_wrapped_keys` for the keys themselves.

    Args:
        ref: The row of the event's header.
        envelope: The bytes that came with the event.
        wrapped_offices: The office of each wrapped key that came with it.
        producing_office: From the event's header.

    Raises:
        ContractError: PAYLOAD_FORM; the envelope has not the form of its bucket, or the wrapped keys are not one each
            for exactly the recipients and the producing office. PAYLOAD_HASH; the envelope is not the one of the row.
    """
    if len(envelope) != envelope_size(ref.bucket_kib) or not envelope.startswith(_HEAD):
        raise ContractError("PAYLOAD_FORM", f"{len(envelope)} bytes are no envelope of {ref.bucket_kib} KiB")
    offices = sorted(wrapped_offices)
    if offices != sorted({*ref.recipients, producing_office}):
        raise ContractError(
            "PAYLOAD_FORM", f"keys are wrapped to {offices}, recipients and producer are others", field="wrapped"
        )
    found = hashlib.sha256(envelope).digest()
    if found != ref.ciphertext_hash:
        raise ContractError("PAYLOAD_HASH", f"the event says {ref.ciphertext_hash.hex()}, found {found.hex()}")


def check_wrapped_key(wrapped: WrappedKey, suite: str) -> None:
    """Check the lengths of a submitted wrapped key; only its office can tell whether it opens anything.

    Args:
        wrapped: As submitted.
        suite: Of the office's key.

    Raises:
        ContractError: PAYLOAD_FORM; it has not the length of its suite, or its key id not 8 bytes.
    """
    if len(wrapped.enc) != suite_of(suite).wrapped_bytes or len(wrapped.key_id) != 8:
        raise ContractError("PAYLOAD_FORM", f"{len(wrapped.enc)} bytes are no wrapped key of {suite}", field="wrapped")


def _bound(associated: Associated) -> bytes:
    # Fixed lengths but the last: two different triples never join to the same bytes.
    return SEALED_LABEL + associated.stream_id + associated.event_id + associated.profile.encode("ascii")


def _unlock(envelope: bytes, wrapped: WrappedKey, private: SealingPrivateKey, bound: bytes) -> bytes:
    content_key = suite_of_key(private).unwrap(wrapped.enc, private, bound)
    try:
        return AESGCM(content_key).decrypt(envelope[_NONCE_AT:_BOX_AT], envelope[_BOX_AT:], bound)
    except (InvalidTag, ValueError) as err:
        raise _invalid("the key or the event is not the one that it was sealed with") from err


def _invalid(reason: str) -> EvidenceError:
    return EvidenceError("PAYLOAD_INVALID", reason)
