"""The signed opening request: two requests that differ anywhere have different bytes."""

import hashlib
import hmac

import pytest

from contracts.opening import OPEN_LABEL, open_tbs, reason_commitment

FIELDS: dict[str, object] = {
    "request_id": bytes(range(16)),
    "event_id": bytes(range(16, 32)),
    "ciphertext_hash": b"\x11" * 32,
    "office": "o1234abcd",
    "officer": b"\x22" * 16,
    "role": "REGISTRAR",
    "purpose": "RESIDENCE_NOTICE",
    "reason": "TASK",
    "reason_commitment": b"\x33" * 32,
    "approval": b"\x44" * 32,
    "created_ms": 1_760_000_000_000,
    "producer": "44-node",
}


def tbs(**changed: object) -> bytes:
    return open_tbs(**{**FIELDS, **changed})  # type: ignore[arg-type]


def test_the_bytes_are_the_label_and_every_field_with_its_length() -> None:
    expected = OPEN_LABEL
    for name, value in FIELDS.items():
        field = value if isinstance(value, bytes) else str(value).encode()
        if name == "created_ms":
            field = (1_760_000_000_000).to_bytes(8, "big")
        expected += len(field).to_bytes(2, "big") + field

    assert tbs() == expected


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_a_change_of_any_field_changes_the_bytes(field: str) -> None:
    value = FIELDS[field]
    other = value + 1 if isinstance(value, int) else value[:-1]  # type: ignore[index]

    assert tbs(**{field: other}) != tbs()


def test_a_clearance_is_a_field_of_its_own_and_none_is_no_field() -> None:
    """What was signed for a task before there were clearances is signed the same way."""
    cleared = tbs(clearance=bytes(16))

    assert tbs(clearance=b"") == tbs()
    assert cleared == tbs() + (16).to_bytes(2, "big") + bytes(16)
    assert cleared != tbs(clearance=bytes(15) + b"\1")


def test_moving_a_letter_between_neighbours_changes_the_bytes() -> None:
    """Without the lengths, purpose `AB` with reason `C` would sign the same bytes as `A` with `BC`."""
    assert tbs(purpose="AB", reason="C") != tbs(purpose="A", reason="BC")


def test_a_time_outside_64_bits_is_refused() -> None:
    with pytest.raises(OverflowError):
        tbs(created_ms=-1)


def test_the_commitment_is_a_keyed_hash_of_the_reason() -> None:
    key = b"\x44" * 32

    commitment = reason_commitment(key=key, text="核对户籍")

    assert commitment == hmac.new(key, b"pprd-reason/v1\n\0" + "核对户籍".encode(), hashlib.sha256).digest()
    assert commitment != reason_commitment(key=b"\x45" * 32, text="核对户籍")
