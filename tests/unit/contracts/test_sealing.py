"""A payload opens to what was committed to, for those it was sealed to, with its own event (LEDGER 6, DOMAIN 5.3)."""

import hashlib
import hmac
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import ContractError, EvidenceError
from contracts.event import SealedRef
from contracts.ids import EventId, OfficeId, StreamId, uuid7
from contracts.sealing import (
    CIPHER,
    SEALED_LABEL,
    Associated,
    RecipientKey,
    SealedPayload,
    WrappedKey,
    bucket_for,
    check_form,
    check_wrapped_key,
    commitment,
    envelope_size,
    lock,
    open_sealed,
    seal,
)
from contracts.signing import key_id
from contracts.suite import SUITES, X25519

CONTENT_KEY, NONCE, OPENING = b"k" * 32, b"n" * 12, bytes(range(64))
ASSOCIATED = Associated(
    StreamId(uuid7(unix_ms=1, entropy=bytes(10))), EventId(uuid7(unix_ms=2, entropy=bytes(10))), "NP-COR-ASK"
)
PRIVATE = {name: X25519PrivateKey.from_private_bytes(name[-1:].encode() * 32) for name in ("o0000000a", "o0000000b")}
PRIVATE["o0000000z"] = X25519PrivateKey.from_private_bytes(b"z" * 32)


def recipient(name: str) -> RecipientKey:
    public = PRIVATE[name].public_key().public_bytes_raw()
    return RecipientKey(OfficeId(name), key_id("office", public), public)


A, B, PRODUCER = recipient("o0000000a"), recipient("o0000000b"), recipient("o0000000z")


ARGUMENTS: dict[str, Any] = {
    "plaintext": b"secret",
    "associated": ASSOCIATED,
    "recipients": [B, A],
    "producer": PRODUCER,
    "content_key": CONTENT_KEY,
    "nonce": NONCE,
    "opening": OPENING,
}


def sealed(plaintext: bytes = b"secret", **change: Any) -> SealedPayload:
    return seal(**ARGUMENTS | {"plaintext": plaintext} | change)


def opened(payload: SealedPayload, office: str = "o0000000a", **change: Any) -> bytes:
    arguments: dict[str, Any] = {
        "envelope": payload.ciphertext,
        "wrapped": next(key for key in payload.wrapped if key.office == office),
        "private": PRIVATE[office],
        "associated": ASSOCIATED,
        "ref": payload.ref,
    }
    return open_sealed(**arguments | change)


def refused(payload: SealedPayload, **change: Any) -> str:
    with pytest.raises(EvidenceError) as caught:
        opened(payload, **change)
    assert caught.value.code == "PAYLOAD_INVALID"
    return caught.value.message


@given(st.binary(max_size=1_100))
@settings(max_examples=30, deadline=None)
def test_every_recipient_and_the_producer_open_the_plaintext(plaintext: bytes) -> None:
    payload = sealed(plaintext)

    assert [opened(payload, office) for office in PRIVATE] == [plaintext] * 3


def test_the_row_names_the_recipients_sorted_and_without_the_producer() -> None:
    payload = sealed(recipients=[B, PRODUCER, A])

    assert payload.ref.recipients == ("o0000000a", "o0000000b")
    assert [key.office for key in payload.wrapped] == ["o0000000a", "o0000000b", "o0000000z"]
    assert {len(key.enc) for key in payload.wrapped} == {SUITES[X25519].wrapped_bytes}


def test_the_envelope_has_the_form_of_the_specification() -> None:
    payload = sealed()
    head = SEALED_LABEL + bytes((len(CIPHER),)) + CIPHER + NONCE
    bound = SEALED_LABEL + ASSOCIATED.stream_id + ASSOCIATED.event_id + b"NP-COR-ASK"

    assert payload.ciphertext.startswith(head)
    assert payload.ref.ciphertext_hash == hashlib.sha256(payload.ciphertext).digest()
    inside = AESGCM(CONTENT_KEY).decrypt(NONCE, payload.ciphertext[len(head) :], bound)
    assert inside == (OPENING + b"\0\0\0\x06secret").ljust(1024, b"\0")


def test_the_commitment_is_that_of_the_specification() -> None:
    """LEDGER 6: HMAC-SHA256(opening, label || u64 length || plaintext)."""
    expected = hmac.new(OPENING, b"pprd-payload/v1\n\0" + (6).to_bytes(8, "big") + b"secret", "sha256").digest()

    assert commitment(opening=OPENING, plaintext=b"secret") == expected
    assert sealed().ref.commitment == expected


@pytest.mark.parametrize(
    ("size", "bucket_kib"),
    [(0, 1), (956, 1), (957, 4), (4_028, 4), (4_029, 16), (16_317, 64), (65_469, 256), (262_076, 256)],
)
def test_a_plaintext_goes_into_the_smallest_bucket_and_shows_no_other_size(size: int, bucket_kib: int) -> None:
    payload = sealed(b"x" * size)

    assert payload.ref.bucket_kib == bucket_kib == bucket_for(size)
    assert len(payload.ciphertext) == envelope_size(bucket_kib)
    assert opened(payload) == b"x" * size


@pytest.mark.parametrize(
    "change",
    [
        {"plaintext": b"x" * 262_077},
        {"recipients": []},
        {"recipients": [PRODUCER]},
        {"recipients": [A, A]},
        {"content_key": b"k" * 31},
        {"nonce": b"n" * 11},
        {"opening": b"o" * 63},
    ],
)
def test_what_cannot_be_sealed_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ContractError) as caught:
        sealed(**change)

    assert caught.value.code == "PAYLOAD_FORM"


def test_the_key_of_another_office_does_not_open_it() -> None:
    assert "not wrapped to this key" in refused(sealed(), private=PRIVATE["o0000000b"])


@pytest.mark.parametrize("place", ["stream_id", "event_id"])
def test_it_does_not_open_with_another_event(place: str) -> None:
    change: dict[str, Any] = {place: uuid7(unix_ms=9, entropy=bytes(10))}
    moved = ASSOCIATED._replace(**change)

    assert "not wrapped to this key" in refused(sealed(), associated=moved)


def test_it_does_not_open_under_another_profile() -> None:
    payload = sealed()
    other = ASSOCIATED._replace(profile="NP-RES")

    assert "profile" in refused(payload, associated=other)
    assert "not wrapped to this key" in refused(payload, associated=other, ref=payload.ref._replace(profile="NP-RES"))


def test_every_changed_byte_of_the_envelope_is_noticed() -> None:
    payload = sealed()
    for at in (0, 16, 20, 47, 60, 500, len(payload.ciphertext) - 1):
        changed = bytearray(payload.ciphertext)
        changed[at] ^= 1
        envelope = bytes(changed)
        rehashed = payload.ref._replace(ciphertext_hash=hashlib.sha256(envelope).digest())

        assert "has" in refused(payload, envelope=envelope)
        refused(payload, envelope=envelope, ref=rehashed)


def test_a_changed_wrapped_key_is_noticed() -> None:
    key = sealed().wrapped[0]
    for enc in (b"", key.enc[:-1], key.enc[:-1] + bytes((key.enc[-1] ^ 1,)), bytes(32) + key.enc[32:]):
        assert "not wrapped to this key" in refused(sealed(), wrapped=key._replace(enc=enc))


def resealed(inside: bytes, ref: SealedRef) -> tuple[bytes, SealedRef]:
    """An envelope that a dishonest producer made: right cipher, any inside."""
    head = SEALED_LABEL + bytes((len(CIPHER),)) + CIPHER + NONCE
    bound = SEALED_LABEL + ASSOCIATED.stream_id + ASSOCIATED.event_id + b"NP-COR-ASK"
    envelope = head + AESGCM(CONTENT_KEY).encrypt(NONCE, inside, bound)
    return envelope, ref._replace(ciphertext_hash=hashlib.sha256(envelope).digest())


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        (OPENING + b"\0\0\0\x06SECRET", "committed"),
        (b"other opening".ljust(64) + b"\0\0\0\x06secret", "committed"),
        ((OPENING + b"\0\0\0\x06secret").ljust(1023, b"\0") + b"x", "padded"),
        (OPENING + b"\0\0\xff\xffsecret", "padded"),
        (OPENING + b"\xff\xff\xff\xffsecret", "padded"),
    ],
)
def test_a_producer_cannot_deliver_another_inside_than_it_committed_to(inside: bytes, reason: str) -> None:
    payload = sealed()
    envelope, ref = resealed(inside.ljust(1024, b"\0"), payload.ref)

    assert reason in refused(payload, envelope=envelope, ref=ref)


def test_a_larger_bucket_than_needed_is_refused() -> None:
    payload = sealed()
    envelope, ref = resealed((OPENING + b"\0\0\0\x06secret").ljust(4096, b"\0"), payload.ref._replace(bucket_kib=4))

    assert "padded" in refused(payload, envelope=envelope, ref=ref)


OFFICES = [OfficeId(name) for name in PRIVATE]


def test_the_form_of_an_honest_payload_passes_without_a_key() -> None:
    payload = sealed()

    check_form(payload.ref, payload.ciphertext, OFFICES, PRODUCER.office)
    for wrapped in payload.wrapped:
        check_wrapped_key(wrapped, X25519)


@pytest.mark.parametrize(
    ("envelope", "code"),
    [
        (b"", "PAYLOAD_FORM"),
        (sealed().ciphertext + b"\0", "PAYLOAD_FORM"),
        (b"X" + sealed().ciphertext[1:], "PAYLOAD_FORM"),
        (sealed(b"other").ciphertext, "PAYLOAD_HASH"),
    ],
)
def test_another_envelope_is_refused_without_a_key(envelope: bytes, code: str) -> None:
    with pytest.raises(ContractError) as caught:
        check_form(sealed().ref, envelope, OFFICES, PRODUCER.office)

    assert caught.value.code == code


@pytest.mark.parametrize("offices", [OFFICES[:2], OFFICES[1:], [*OFFICES, OFFICES[0]], [*OFFICES, "o0000000c"], []])
def test_keys_wrapped_to_others_than_recipients_and_producer_are_refused(offices: list[OfficeId]) -> None:
    payload = sealed()

    with pytest.raises(ContractError, match="PAYLOAD_FORM"):
        check_form(payload.ref, payload.ciphertext, offices, PRODUCER.office)


@pytest.mark.parametrize("change", [{"enc": b""}, {"enc": bytes(81)}, {"key_id": bytes(7)}])
def test_wrapped_keys_of_another_length_are_refused(change: dict[str, Any]) -> None:
    key: WrappedKey = sealed().wrapped[0]._replace(**change)

    with pytest.raises(ContractError, match="PAYLOAD_FORM"):
        check_wrapped_key(key, X25519)


def test_a_locked_payload_is_the_sealed_one_once_its_key_is_wrapped() -> None:
    locked = lock(**ARGUMENTS)
    wrapped = locked.wrapped()

    assert (locked.ciphertext, locked.ref) == (sealed().ciphertext, sealed().ref)
    assert [(one.office, one.key_id) for one in wrapped] == [(key.office, key.key_id) for key in (A, B, PRODUCER)]
    for one in wrapped:
        opened = open_sealed(
            envelope=locked.ciphertext,
            wrapped=one,
            private=PRIVATE[one.office],
            associated=ASSOCIATED,
            ref=locked.ref,
        )
        assert opened == b"secret"


def test_a_locked_payload_in_words_does_not_tell_its_key() -> None:
    assert repr(CONTENT_KEY) not in repr(lock(**ARGUMENTS))
