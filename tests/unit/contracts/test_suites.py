"""Suites of sealing keys: each payload opens for recipients of every suite, and for nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from contracts.errors import ContractError, EvidenceError
from contracts.ids import EventId, OfficeId, StreamId, uuid7
from contracts.sealing import Associated, RecipientKey, SealedPayload, check_wrapped_key, open_sealed, seal
from contracts.signing import key_id
from contracts.suite import (
    HYBRID,
    SUITES,
    X25519,
    HybridPrivateKey,
    SealingPrivateKey,
    new_sealing_key,
    office_key,
    public_of,
    suite_of,
    suite_of_key,
)

ASSOCIATED = Associated(
    StreamId(uuid7(unix_ms=1, entropy=bytes(10))), EventId(uuid7(unix_ms=2, entropy=bytes(10))), "NP-COR-ASK"
)
OLD = X25519PrivateKey.from_private_bytes(b"o" * 32)
HYBRID_KEY = HybridPrivateKey(
    MLKEM768PrivateKey.from_seed_bytes(bytes(range(64))), X25519PrivateKey.from_private_bytes(b"h" * 32)
)
PRODUCER = X25519PrivateKey.from_private_bytes(b"p" * 32)


def recipient(name: str, private: SealingPrivateKey) -> RecipientKey:
    public = public_of(private)
    return RecipientKey(OfficeId(name), key_id("office", public), public, suite_of_key(private).name)


def sealed() -> SealedPayload:
    return seal(
        plaintext=b"secret",
        associated=ASSOCIATED,
        recipients=[recipient("o0000000a", OLD), recipient("o0000000b", HYBRID_KEY)],
        producer=recipient("o0000000z", PRODUCER),
        content_key=b"k" * 32,
        nonce=b"n" * 12,
        opening=bytes(range(64)),
    )


def opened(payload: SealedPayload, at: int, private: SealingPrivateKey, **change: Any) -> bytes:
    said = {"envelope": payload.ciphertext, "wrapped": payload.wrapped[at], "private": private}
    return open_sealed(**said | {"associated": ASSOCIATED, "ref": payload.ref} | change)


def test_one_payload_opens_for_recipients_of_both_suites() -> None:
    payload = sealed()

    keys: list[SealingPrivateKey] = [OLD, HYBRID_KEY, PRODUCER]
    assert [opened(payload, at, key) for at, key in enumerate(keys)] == [b"secret"] * 3
    assert [len(one.enc) for one in payload.wrapped] == [
        SUITES[name].wrapped_bytes for name in (X25519, HYBRID, X25519)
    ]


@pytest.mark.parametrize("half", ["mlkem", "x25519"])
def test_one_half_of_a_hybrid_key_opens_nothing(half: str) -> None:
    other: dict[str, Any] = {"mlkem": MLKEM768PrivateKey.generate(), "x25519": X25519PrivateKey.generate()}
    with pytest.raises(EvidenceError) as error:
        opened(sealed(), 1, HYBRID_KEY._replace(**{half: other[half]}))

    assert error.value.code == "PAYLOAD_INVALID"


def test_a_key_of_another_suite_opens_nothing() -> None:
    payload = sealed()
    wrong: list[tuple[int, SealingPrivateKey]] = [(0, HYBRID_KEY), (1, OLD), (1, HYBRID_KEY.x25519)]
    for at, private in wrong:
        with pytest.raises(EvidenceError):
            opened(payload, at, private)


def test_a_hybrid_key_is_bound_to_its_event() -> None:
    elsewhere = ASSOCIATED._replace(event_id=EventId(uuid7(unix_ms=3, entropy=bytes(10))))
    with pytest.raises(EvidenceError):
        opened(sealed(), 1, HYBRID_KEY, associated=elsewhere)


def test_a_wrapped_key_has_the_length_of_its_suite() -> None:
    payload = sealed()
    for at, right, wrong in ((0, X25519, HYBRID), (1, HYBRID, X25519)):
        check_wrapped_key(payload.wrapped[at], right)
        with pytest.raises(ContractError) as error:
            check_wrapped_key(payload.wrapped[at], wrong)
        assert error.value.code == "PAYLOAD_FORM"


@pytest.mark.parametrize("suite", SUITES)
def test_a_fresh_key_is_safe_and_registered_under_its_suite(suite: str) -> None:
    public = public_of(new_sealing_key(suite))
    SUITES[suite].check_public(public)
    body = office_key(public)

    assert body["suite"] == suite
    assert (body["mlkem_key"] or b"") + body["public_key"] == public
    assert body["key_id"] == key_id("office", public)


@pytest.mark.parametrize(
    "public",
    [
        public_of(HYBRID_KEY)[:-1],
        public_of(HYBRID_KEY)[:-32] + bytes(32),
        public_of(HYBRID_KEY)[:-32] + b"\xff" * 32,
        b"\xff\xff\xff" + public_of(HYBRID_KEY)[3:],
        b"\x01\x0d\x00" + public_of(HYBRID_KEY)[3:],
    ],
    ids=["short", "X25519 of small order", "X25519 not canonical", "ML-KEM not reduced", "a coefficient of 3329"],
)
def test_an_unsafe_hybrid_key_is_refused(public: bytes) -> None:
    with pytest.raises(ContractError) as error:
        SUITES[HYBRID].check_public(public)

    assert error.value.code == "KEY_UNSAFE"


def test_a_coefficient_just_below_the_modulus_is_taken() -> None:
    SUITES[HYBRID].check_public(b"\x00\x0d\x00" + public_of(HYBRID_KEY)[3:])


@pytest.mark.parametrize("name", ["", "HPKE_SM2", "hpke_x25519"])
def test_an_unknown_suite_is_refused(name: str) -> None:
    with pytest.raises(ContractError) as error:
        suite_of(name)

    assert error.value.code == "SUITE_UNKNOWN"


def test_no_suite_has_a_key_of_another_length() -> None:
    with pytest.raises(ContractError) as error:
        office_key(bytes(33))

    assert error.value.code == "KEY_UNSAFE"
