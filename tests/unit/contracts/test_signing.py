"""A signature means one key, one purpose, one message (LEDGER 2 and 5)."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import ContractError, EvidenceError
from contracts.signing import (
    SEALING_PURPOSES,
    SIGNING_PURPOSES,
    check_public_key,
    check_sealing_key,
    key_id,
    sign,
    verify,
)

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
SIGN_BIT = 1 << 255
# RFC 8032, section 7.1, test 2.
PRIVATE = Ed25519PrivateKey.from_private_bytes(
    bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
)
PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)

Point = tuple[int, int]


def add(one: Point, two: Point) -> Point:
    """Sum of two points of edwards25519, RFC 8032, section 5.1.4, in affine form."""
    (x1, y1), (x2, y2) = one, two
    twist = D * x1 * x2 * y1 * y2
    return (x1 * y2 + x2 * y1) * pow(1 + twist, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - twist, -1, P) % P


def raw(number: int) -> bytes:
    return number.to_bytes(32, "little")


def order_of(point: Point) -> int:
    total, count = point, 1
    while total != (0, 1):
        total, count = add(total, point), count + 1
        assert count <= 8
    return count


def root(square: int) -> int | None:
    """Square root modulo P, RFC 8032, section 5.1.3."""
    candidate = pow(square, (P + 3) // 8, P)
    for value in (candidate, candidate * pow(2, (P - 1) // 4, P) % P):
        if value * value % P == square % P:
            return value
    return None


def small_order_points() -> set[Point]:
    """The eight points of order 1, 2, 4 and 8, derived from the curve: one of order 8 doubles to a point with y = 0."""
    found: set[Point] = {(0, 1), (0, P - 1)}
    # 2P has y = 0 exactly if y*y = -x*x; on the curve that is D*t*t + 2*t - 1 = 0 for t = y*y.
    inner = root(1 + D)
    assert inner is not None
    squares = [0] + [(-1 + sign * inner) * pow(D, -1, P) % P for sign in (1, -1)]
    for square in squares:
        y = root(square)
        if y is not None:
            x = root((y * y - 1) * pow(D * y * y + 1, -1, P) % P)
            assert x is not None
            found |= {(a, b) for a in (x, P - x) for b in (y, (P - y) % P)}
    return found


def test_the_signature_of_the_rfc_is_made_and_verified() -> None:
    """RFC 8032, section 7.1, test 2."""
    assert sign(PRIVATE, b"\x72") == SIGNATURE

    verify(PUBLIC, SIGNATURE, b"\x72")


@pytest.mark.parametrize(
    ("public", "signature", "message"),
    [
        (PUBLIC, SIGNATURE, b"\x73"),
        (PUBLIC, SIGNATURE[:63], b"\x72"),
        (PUBLIC, SIGNATURE + b"\0", b"\x72"),
        (PUBLIC, b"", b"\x72"),
        (PUBLIC, bytes(64), b"\x72"),
        (PUBLIC[:31], SIGNATURE, b"\x72"),
        (PUBLIC[:31] + b"\xff", SIGNATURE, b"\x72"),
        (b"", SIGNATURE, b"\x72"),
    ],
)
def test_any_other_key_signature_or_message_is_refused(public: bytes, signature: bytes, message: bytes) -> None:
    with pytest.raises(EvidenceError) as caught:
        verify(public, signature, message)

    assert caught.value.code == "SIGNATURE_INVALID"


def test_a_signature_with_its_number_above_the_order_is_refused() -> None:
    """RFC 8032, section 5.1.7: S below L, else a second signature could be made from the first."""
    order = 2**252 + 27742317777372353535851937790883648493
    other = SIGNATURE[:32] + raw(int.from_bytes(SIGNATURE[32:], "little") + order)

    with pytest.raises(EvidenceError):
        verify(PUBLIC, other, b"\x72")


def test_a_key_id_depends_on_the_purpose() -> None:
    ids = {key_id(purpose, PUBLIC) for purpose in (*SIGNING_PURPOSES, *SEALING_PURPOSES)}

    assert len(ids) == len((*SIGNING_PURPOSES, *SEALING_PURPOSES))
    assert key_id("batch", PUBLIC) == hashlib.sha256(b"pprd-key/v1\n\0batch\0" + PUBLIC).digest()[:8]


@given(st.binary(min_size=32, max_size=32))
@settings(max_examples=30, deadline=None)
def test_every_generated_key_is_taken(seed: bytes) -> None:
    check_public_key(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())
    check_sealing_key(X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


def refused(check: object, public: bytes) -> str:
    assert callable(check)
    with pytest.raises(ContractError) as caught:
        check(public)
    assert caught.value.code == "KEY_UNSAFE"
    return caught.value.message


def test_the_eight_points_of_small_order_are_refused_in_every_encoding() -> None:
    points = small_order_points()

    assert sorted(order_of(point) for point in points) == [1, 2, 4, 4, 8, 8, 8, 8]
    for _, y in points:
        for encoded in (y, y + SIGN_BIT):
            assert "small order" in refused(check_public_key, raw(encoded))


@pytest.mark.parametrize("y", range(19))
def test_every_encoding_above_the_field_is_refused(y: int) -> None:
    for encoded in (P + y, P + y + SIGN_BIT):
        assert "canonically" in refused(check_public_key, raw(encoded))


def test_half_of_all_numbers_are_no_point_of_the_curve_and_are_refused() -> None:
    on_curve = [root((y * y - 1) * pow(D * y * y + 1, -1, P) % P) is not None for y in range(2, 60)]

    assert 15 < sum(on_curve) < 45
    for y, is_point in zip(range(2, 60), on_curve, strict=True):
        if is_point:
            check_public_key(raw(y))
        else:
            assert "no point" in refused(check_public_key, raw(y))


LOW_ORDER_U = [
    0,
    1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
    P - 1,
    P,
    P + 1,
]


@pytest.mark.parametrize("u", LOW_ORDER_U)
def test_sealing_keys_whose_secret_everyone_knows_are_refused(u: int) -> None:
    """The known points of low order of X25519: the library itself finds their shared secret to be zero."""
    private = X25519PrivateKey.from_private_bytes(bytes(range(32)))

    with pytest.raises(ValueError, match="shared"):
        private.exchange(X25519PublicKey.from_public_bytes(raw(u)))
    refused(check_sealing_key, raw(u))
    refused(check_sealing_key, raw(u + SIGN_BIT))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_keys_of_another_length_are_refused(length: int) -> None:
    assert "32 bytes" in refused(check_public_key, bytes(length))
    assert "32 bytes" in refused(check_sealing_key, bytes(length))
