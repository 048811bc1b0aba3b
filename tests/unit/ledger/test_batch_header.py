"""The bytes that a producer signs for a batch are fixed, and one batch has one encoding (LEDGER 5)."""

import struct
from contextlib import suppress
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError, ExchangeError
from contracts.ids import Hash
from ledger.batch import MAX_BATCH, NO_BATCH, Batch, batch_hash, decode_tbs, encode_tbs

_BATCH = Batch(
    producer="44-node",
    batch_id=bytes(range(16)),
    batch_seq=1,
    n=2,
    created_ms=1_700_000_000_000,
    prev_batch=Hash(b"\x11" * 32),
    root=Hash(b"\x22" * 32),
)
_TBS = encode_tbs(_BATCH)
_hashes = st.binary(min_size=32, max_size=32).map(Hash)
_batches = st.builds(
    Batch,
    producer=st.from_regex("[0-9a-z][0-9a-z-]{0,63}", fullmatch=True),
    batch_id=st.binary(min_size=16, max_size=16),
    batch_seq=st.integers(0, (1 << 63) - 1),
    n=st.integers(1, MAX_BATCH),
    created_ms=st.integers(0, (1 << 63) - 1),
    prev_batch=_hashes,
    root=_hashes,
)


def test_the_signed_bytes_are_those_of_the_specification() -> None:
    header = [b"pprd-batch/v1\n\0", b"\x0744-node", bytes(range(16)), struct.pack(">Q", 1), struct.pack(">I", 2)]
    rest = [struct.pack(">Q", 1_700_000_000_000), b"\x11" * 32, b"\x22" * 32]

    assert encode_tbs(_BATCH) == b"".join(header + rest)


def test_the_next_batch_names_the_hash_of_the_signed_bytes() -> None:
    assert batch_hash(_TBS) == sha256(_TBS).digest()
    assert bytes(32) == NO_BATCH


@given(batch=_batches)
def test_a_batch_is_read_back(batch: Batch) -> None:
    assert decode_tbs(encode_tbs(batch)) == batch


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"n": 0}, "BATCH_EMPTY"),
        ({"n": MAX_BATCH + 1}, "BATCH_TOO_LARGE"),
        ({"n": -1}, "BATCH_MALFORMED"),
        ({"batch_seq": -1}, "BATCH_MALFORMED"),
        ({"batch_seq": 1 << 63}, "BATCH_MALFORMED"),
        ({"created_ms": 1 << 63}, "BATCH_MALFORMED"),
        ({"producer": ""}, "BATCH_MALFORMED"),
        ({"producer": "44-NODE"}, "BATCH_MALFORMED"),
        ({"producer": "44-node\n"}, "BATCH_MALFORMED"),
        ({"producer": "4" * 65}, "BATCH_MALFORMED"),
        ({"producer": "\u0664\u0664-node"}, "BATCH_MALFORMED"),
        ({"batch_id": bytes(15)}, "BATCH_MALFORMED"),
        ({"prev_batch": bytes(31)}, "BATCH_MALFORMED"),
        ({"root": bytes(33)}, "BATCH_MALFORMED"),
    ],
)
def test_a_field_out_of_its_range_is_not_signed(change: dict[str, object], code: str) -> None:
    with pytest.raises(ContractError) as caught:
        encode_tbs(_BATCH._replace(**change))  # type: ignore[arg-type]
    assert caught.value.code == code
    assert caught.value.field == next(iter(change))


def test_a_field_out_of_its_range_is_not_read() -> None:
    at = len(b"pprd-batch/v1\n\0") + 1 + len("44-node") + 16
    for offset, new, code in (
        (at, b"\x80", "BATCH_MALFORMED"),
        (at + 8, struct.pack(">I", 0), "BATCH_EMPTY"),
        (at + 8, struct.pack(">I", 1025), "BATCH_TOO_LARGE"),
        (at + 12, b"\xff", "BATCH_MALFORMED"),
    ):
        with pytest.raises(ContractError) as caught:
            decode_tbs(_TBS[:offset] + new + _TBS[offset + len(new) :])
        assert caught.value.code == code


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(_TBS[1:], id="no label"),
        pytest.param(_TBS[:15], id="label only"),
        pytest.param(_TBS[:-1], id="one byte short"),
        pytest.param(_TBS + b"\0", id="one byte more"),
        pytest.param(_TBS.replace(b"v1", b"v2"), id="another label"),
        pytest.param(_TBS.replace(b"\x0744", b"\x0644"), id="shorter name"),
        pytest.param(_TBS.replace(b"\x0744", b"\xff44"), id="longer name"),
        pytest.param(_TBS + bytes(1000), id="much too long"),
    ],
)
def test_bytes_of_another_form_are_refused(data: bytes) -> None:
    with pytest.raises(ContractError, match="BATCH_MALFORMED"):
        decode_tbs(data)


@given(data=st.binary(max_size=400), has_label=st.booleans())
def test_any_bytes_are_a_batch_header_or_refused(data: bytes, has_label: bool) -> None:
    tbs = b"pprd-batch/v1\n\0" + data if has_label else data
    with suppress(ExchangeError):
        assert encode_tbs(decode_tbs(tbs)) == tbs


@given(at=st.integers(0, len(_TBS) - 1), new=st.binary(min_size=1, max_size=1))
def test_another_header_is_another_batch(at: int, new: bytes) -> None:
    tbs = _TBS[:at] + new + _TBS[at + 1 :]
    with suppress(ExchangeError):
        assert (decode_tbs(tbs) == _BATCH) == (tbs == _TBS)
