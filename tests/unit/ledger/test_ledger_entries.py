"""An entry is one of three records in one encoding each, at most 65,535 bytes long (LEDGER 4)."""

import io
import json
from contextlib import suppress
from importlib.resources import files
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import CODES
from contracts.errors import ContractError, ExchangeError
from contracts.ids import Hash, KeyId
from ledger.batch import MAX_BATCH, MAX_TBS_BYTES
from ledger.entry import (
    ENTRY_LABEL,
    MAX_CODE_LENGTH,
    MAX_EVENT_ENTRY_BYTES,
    BatchEntry,
    EventEntry,
    GenesisEntry,
    Refused,
    decode_entry,
    encode_batch_entry,
    encode_event_entry,
    encode_genesis,
)
from ledger.tiles import MAX_ENTRY_BYTES

_GENESIS = GenesisEntry(
    origin="pprd.example/test",
    created_at=1_700_000_000_000,
    log_key="example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    hub_key=b"\x01" * 32,
    edition=1,
    sandbox=True,
    divisions_hash=Hash(b"\x02" * 32),
    clock_skew_ms=300_000,
)
_BATCH = BatchEntry(
    tbs=b"signed bytes",
    signature=b"\x03" * 64,
    key_id=KeyId(b"\x04" * 8),
    recorded_at=1_700_000_000_500,
    refused=(Refused(1, Hash(b"\x05" * 32), "GUARD_FAILED"), Refused(4, Hash(b"\x06" * 32), "EVENT_REPEATED")),
)


def _schema(name: str) -> Any:
    return json.loads(files("contracts").joinpath("avro", name).read_text("utf-8"))


def _avro(name: str, value: dict[str, Any]) -> bytes:
    """What fastavro makes of a record, in single-object encoding behind the label."""
    schema = _schema(name)
    canonical = fastavro.schema.to_parsing_canonical_form(schema)
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return (
        ENTRY_LABEL
        + b"\xc3\x01"
        + bytes.fromhex(fastavro.schema.fingerprint(canonical, "CRC-64-AVRO"))
        + out.getvalue()
    )


@given(size=st.one_of(st.integers(0, 200), st.integers(8000, 8400), st.integers(0, MAX_EVENT_ENTRY_BYTES)))
def test_an_event_entry_is_to_the_byte_what_avro_writes(size: int) -> None:
    event = b"\xee" * size
    entry = encode_event_entry(event)

    assert entry == _avro("entry_event.avsc", {"event": event})
    assert decode_entry(entry) == EventEntry(event)


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 8191, 8192, 8193, MAX_EVENT_ENTRY_BYTES])
def test_the_length_of_an_event_is_right_at_each_border(size: int) -> None:
    event = bytes(size)

    assert encode_event_entry(event) == _avro("entry_event.avsc", {"event": event})
    assert decode_entry(encode_event_entry(event)) == EventEntry(event)


def test_batch_and_genesis_entries_are_what_avro_writes() -> None:
    refused = [item._asdict() for item in _BATCH.refused]

    assert encode_batch_entry(_BATCH) == _avro("entry_batch.avsc", _BATCH._asdict() | {"refused": refused})
    assert encode_genesis(_GENESIS) == _avro("entry_genesis.avsc", _GENESIS._asdict())
    assert decode_entry(encode_batch_entry(_BATCH)) == _BATCH
    assert decode_entry(encode_genesis(_GENESIS)) == _GENESIS


def test_a_batch_of_refused_events_only_fits_into_one_entry() -> None:
    longest = "A" * MAX_CODE_LENGTH
    entry = _BATCH._replace(
        tbs=bytes(MAX_TBS_BYTES),
        refused=tuple(Refused(position, Hash(bytes(32)), longest) for position in range(MAX_BATCH)),
    )

    assert len(encode_batch_entry(entry)) <= MAX_ENTRY_BYTES
    assert max(map(len, CODES)) <= MAX_CODE_LENGTH


def test_an_event_longer_than_an_entry_is_refused() -> None:
    for size in (MAX_EVENT_ENTRY_BYTES + 1, 1 << 21):
        with pytest.raises(ContractError, match="ENTRY_MALFORMED"):
            encode_event_entry(bytes(size))


def test_a_batch_entry_longer_than_an_entry_is_refused() -> None:
    with pytest.raises(ContractError, match="ENTRY_MALFORMED"):
        encode_batch_entry(_BATCH._replace(tbs=bytes(MAX_ENTRY_BYTES)))
    with pytest.raises(ContractError, match="ENTRY_MALFORMED"):
        decode_entry(encode_batch_entry(_BATCH) + bytes(MAX_ENTRY_BYTES))


@pytest.mark.parametrize("positions", [(4, 1), (1, 1), (-1,), (MAX_BATCH,)])
def test_refused_events_stand_in_order_of_position(positions: tuple[int, ...]) -> None:
    refused = tuple(Refused(position, Hash(bytes(32)), "GUARD_FAILED") for position in positions)
    entry = _BATCH._replace(refused=refused)
    written = _avro("entry_batch.avsc", entry._asdict() | {"refused": [item._asdict() for item in refused]})

    with pytest.raises(ContractError, match="ENTRY_MALFORMED"):
        encode_batch_entry(entry)
    with pytest.raises(ContractError, match="ENTRY_MALFORMED"):
        decode_entry(written)


@pytest.mark.parametrize("code", ["", "guard_failed", "GUARD FAILED", "A" * (MAX_CODE_LENGTH + 1), "G\n", "_A"])
def test_a_reason_is_a_code(code: str) -> None:
    with pytest.raises(ContractError, match="ENTRY_MALFORMED"):
        encode_batch_entry(_BATCH._replace(refused=(Refused(0, Hash(bytes(32)), code),)))


@pytest.mark.parametrize(
    "change", [{"signature": bytes(63)}, {"key_id": bytes(9)}, {"recorded_at": 1 << 63}, {"tbs": "text"}]
)
def test_a_batch_entry_with_a_field_of_another_form_is_not_written(change: dict[str, object]) -> None:
    with pytest.raises(ContractError, match="ENTRY_MALFORMED"):
        encode_batch_entry(_BATCH._replace(**change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(encode_event_entry(b"event")[1:], id="no label"),
        pytest.param(encode_event_entry(b"event")[:25], id="no length"),
        pytest.param(encode_event_entry(b"event")[:-1], id="one byte short"),
        pytest.param(encode_event_entry(b"event") + b"\0", id="one byte more"),
        pytest.param(encode_event_entry(b"")[:-1] + b"\x80\x00", id="over-long length of nothing"),
        pytest.param(encode_event_entry(b"")[:-1] + b"\x8a\x00event", id="over-long length"),
        pytest.param(encode_event_entry(b"")[:-1] + b"\x09event", id="negative length"),
        pytest.param(encode_event_entry(b"").replace(b"v1", b"v2"), id="another label"),
        pytest.param(encode_event_entry(b"").replace(b"\xc3\x01", b"\xc3\x02"), id="another encoding"),
        pytest.param(encode_batch_entry(_BATCH)[:-1], id="batch, one byte short"),
        pytest.param(encode_batch_entry(_BATCH) + b"\0", id="batch, one byte more"),
        pytest.param(encode_genesis(_GENESIS)[:-1], id="genesis, one byte short"),
        pytest.param(encode_genesis(_GENESIS) + b"\0", id="genesis, one byte more"),
    ],
)
def test_bytes_of_another_form_are_refused(data: bytes) -> None:
    with pytest.raises(ContractError, match="ENTRY_MALFORMED"):
        decode_entry(data)


_STARTS = [encode_event_entry(b"")[:25], encode_batch_entry(_BATCH)[:25], encode_genesis(_GENESIS)[:25], b""]


def _encode(entry: GenesisEntry | BatchEntry | EventEntry) -> bytes:
    match entry:
        case GenesisEntry():
            return encode_genesis(entry)
        case BatchEntry():
            return encode_batch_entry(entry)
        case EventEntry():
            return encode_event_entry(entry.event)


@given(start=st.sampled_from(_STARTS), rest=st.binary(max_size=300))
def test_any_bytes_are_an_entry_or_refused(start: bytes, rest: bytes) -> None:
    data = start + rest
    with suppress(ExchangeError):
        assert _encode(decode_entry(data)) == data


@given(
    entry=st.sampled_from([encode_event_entry(b"event" * 20), encode_batch_entry(_BATCH), encode_genesis(_GENESIS)]),
    at=st.integers(0, 400),
    new=st.binary(max_size=2),
)
def test_no_two_encodings_are_the_same_entry(entry: bytes, at: int, new: bytes) -> None:
    changed = entry[:at] + new + entry[at + 1 :]
    with suppress(ExchangeError):
        assert (decode_entry(changed) == decode_entry(entry)) == (changed == entry)
