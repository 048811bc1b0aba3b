"""What travels on the broker: runs and receipts both ways, sealed ones padded to few sizes, all else refused."""

from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from adapters._generated.pprd.v1 import notification_pb2 as pb
from adapters.nats.messages import (
    BUCKETS_KIB,
    MAX_MESSAGE_BYTES,
    decode_receipt,
    decode_run,
    encode_receipt,
    encode_run,
    is_sealed,
    open_run,
    seal_run,
)
from adapters.nats.subjects import ntf_subject, point_of_subject
from contracts.errors import ContractError, EvidenceError
from contracts.ids import Hash, KeyId, LeafIndex, PointId
from contracts.signing import key_id
from hub.delivery_receipt import DeliveryReceipt, sign_receipt
from hub.directory_values import AgreementKey
from hub.notification import BatchEvidence, Notification, NotificationRun

POINT = PointId("44-440106")
PRIVATE = X25519PrivateKey.from_private_bytes(b"\7" * 32)
PUBLIC = PRIVATE.public_key().public_bytes_raw()
KEY = AgreementKey(key_id("point", PUBLIC), PUBLIC, 0)


def run_of(event_bytes: int) -> NotificationRun:
    return NotificationRun(
        point=POINT,
        first_n=7,
        head_before=Hash(b"\1" * 32),
        head_after=Hash(b"\2" * 32),
        checkpoint=b"note",
        batches=(BatchEvidence(LeafIndex(3), b"entry"),),
        notifications=(Notification(LeafIndex(4), b"e" * event_bytes, b"p" * 32, 0, 0, b""),),
    )


def opened(data: bytes, *, point: PointId = POINT, private: X25519PrivateKey | None = PRIVATE) -> bytes:
    return open_run(data, point=point, private_of=lambda wanted: private if wanted == KEY.key_id else None)


def test_a_run_comes_back_as_it_was() -> None:
    assert decode_run(encode_run(run_of(300))) == run_of(300)
    assert not is_sealed(encode_run(run_of(300)))


@pytest.mark.parametrize("event_bytes", [0, 1, 100, 3_900, 16_000, 60_000, 250_000, 1_000_000, 3_000_000])
def test_a_sealed_run_opens_to_the_same_run(event_bytes: int) -> None:
    data = seal_run(encode_run(run_of(event_bytes)), point=POINT, key=KEY)

    assert is_sealed(data)
    assert decode_run(opened(data)) == run_of(event_bytes)


def test_every_size_is_padded_to_a_bucket_exactly() -> None:
    """DOMAIN 9.2: around every border of a bucket the size tells the bucket and nothing else."""
    empty = len(encode_run(run_of(0)))
    for border in (4 << 10, 16 << 10):
        for missing in range(-3, 140):
            encoded = encode_run(run_of(border - empty - missing))
            size = len(opened(seal_run(encoded, point=POINT, key=KEY)))
            assert size == min(kib << 10 for kib in BUCKETS_KIB if len(encoded) + 5 <= kib << 10)


def test_a_run_above_the_largest_bucket_is_padded_to_whole_mebibytes() -> None:
    data = seal_run(encode_run(run_of(3_000_000)), point=POINT, key=KEY)

    assert len(opened(data)) == 3 << 20
    assert len(data) < MAX_MESSAGE_BYTES


def test_a_sealed_run_opens_for_its_point_and_with_its_key_only() -> None:
    data = seal_run(encode_run(run_of(10)), point=POINT, key=KEY)

    for point, private in (
        (PointId("44-440103"), PRIVATE),
        (POINT, X25519PrivateKey.from_private_bytes(b"\10" * 32)),
        (POINT, None),
    ):
        with pytest.raises(EvidenceError, match="RUN_INVALID"):
            opened(data, point=point, private=private)


def test_a_sealed_run_of_another_suite_is_refused() -> None:
    data = pb.SealedRun(suite="ROT13", key_id=KEY.key_id, ciphertext=b"x").SerializeToString()

    with pytest.raises(ContractError, match="RUN_MALFORMED"):
        opened(data)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_run_a_receipt_or_a_refusal(data: bytes) -> None:
    """Anything but a ContractError fails this test."""
    with suppress(ContractError):
        assert isinstance(decode_run(data), NotificationRun)
    with suppress(ContractError):
        assert isinstance(decode_receipt(data), DeliveryReceipt)


def test_more_bytes_than_a_message_may_have_are_not_parsed() -> None:
    with pytest.raises(ContractError, match="RUN_MALFORMED"):
        decode_run(bytes(MAX_MESSAGE_BYTES + 1))


def test_a_receipt_comes_back_as_it_was() -> None:
    receipt = sign_receipt(
        point=POINT,
        n=9,
        head=Hash(b"\3" * 32),
        received_ms=1_772_416_800_000,
        key_id=KeyId(b"k" * 8),
        private=Ed25519PrivateKey.from_private_bytes(b"\4" * 32),
    )

    assert decode_receipt(encode_receipt(receipt)) == receipt


@pytest.mark.parametrize(
    ("point", "is_case", "subject"),
    [
        ("44-node", False, "pprd.v1.ntf.44.std.node"),
        ("44-440106", False, "pprd.v1.ntf.44.std.440106"),
        ("44-440106", True, "pprd.v1.ntf.44.cas.440106"),
    ],
)
def test_a_subject_names_region_class_and_point(point: str, is_case: bool, subject: str) -> None:
    """DOMAIN 9.1."""
    assert ntf_subject(PointId(point), is_case=is_case) == subject
    assert point_of_subject(subject) == point


@pytest.mark.parametrize(
    "subject", ["pprd.v1.ntf.44.std", "pprd.v1.rcp.44", "pprd.v1.ntf.44.oth.node", "a.b.c.d.std.e"]
)
def test_other_subjects_name_no_point(subject: str) -> None:
    assert point_of_subject(subject) is None
