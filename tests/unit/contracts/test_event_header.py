"""The header read by hand is the header of the schema, with the rules of its fields (DOMAIN 5.2, LEDGER 5)."""

import hashlib
import re
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.avro import Codec
from contracts.errors import ContractError
from contracts.event import (
    DATA_CLASSES,
    EVENT_CLASSES,
    EVENT_LABEL,
    HEADER_FINGERPRINT,
    MAX_EVENT_BYTES,
    Header,
    SealedRef,
    decode_event,
    encode_event,
    leaf_hash,
)
from contracts.ids import HUB_OFFICE, HUB_REGION, REGIONS, EventId, Hash, OfficeId, RegionCode, StreamId, uuid7
from contracts.instant import rounded
from contracts.schema import load_registry

START = len(EVENT_LABEL) + 10
DAY = 86_400_000
SOME_DAY_MS = rounded("cas", 20_000 * DAY)
SCHEMA = bytes(range(8))


@cache
def codec() -> Codec:
    return load_registry().by_name("pprd.v1.EventHeader")


def an_id(number: int) -> bytes:
    return uuid7(unix_ms=1_767_225_600_000 + number, entropy=bytes([number]) * 10)


HEADER = Header(
    event_id=EventId(an_id(1)),
    schema_id=SCHEMA,
    event_type="ResidenceNoticeSent",
    event_class="std",
    stream_id=StreamId(an_id(2)),
    stream_seq=1,
    prev_hash=Hash(b"\x05" * 32),
    procedure="RESIDENCE_NOTIFICATION",
    edition=1,
    producer_region=RegionCode("44"),
    producer_office=OfficeId("o1234abcd"),
    counterpart_region=RegionCode("45"),
    counterpart_office=OfficeId("o2345abcd"),
    occurred_at=1_767_225_660_000,
    purpose="RESIDENCE_NOTICE",
    legal_basis="LB-RES-07",
    data_class="P2",
    body=b"\xc3\x01" + SCHEMA + b"x" * 14,
    sealed=(SealedRef("NP-RES", b"c" * 32, b"d" * 32, 1, (OfficeId("o2345abcd"),)),),
    correlation_id=an_id(3),
    causation_id=None,
    sandbox=True,
)
OFFICE_IDS = st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=8, max_size=8).map(lambda text: OfficeId(f"o{text}"))
LIVE_OFFICE_IDS = OFFICE_IDS.filter(lambda office: office != HUB_OFFICE)
UUIDS = st.builds(
    lambda ms, entropy: uuid7(unix_ms=ms, entropy=entropy),
    st.integers(0, 2**48 - 1),
    st.binary(min_size=10, max_size=10),
)
HASHES = st.binary(min_size=32, max_size=32)
REFS = st.builds(
    SealedRef,
    st.from_regex(r"\ANP-[A-Z0-9-]{1,60}\Z"),
    HASHES,
    HASHES,
    st.sampled_from([1, 4, 16, 64, 256]),
    st.sets(OFFICE_IDS, min_size=1, max_size=63).map(lambda offices: tuple(sorted(offices))),
)
PARTIES = st.just((HUB_REGION, HUB_OFFICE)) | st.tuples(st.sampled_from(REGIONS), LIVE_OFFICE_IDS)
OTHERS = (
    st.just((None, None))
    | st.tuples(st.sampled_from(REGIONS), st.none())
    | st.tuples(st.sampled_from(REGIONS), OFFICE_IDS)
)
TIMES = st.integers(1, 2_932_896).map(lambda day: day * DAY) | st.just(1_767_225_660_000)
CODES = st.from_regex(r"\A[A-Z][A-Z0-9_]{0,62}\Z")


@st.composite
def headers(draw: st.DrawFn) -> Header:
    event_class = draw(st.sampled_from(EVENT_CLASSES))
    occurred_at = draw(TIMES)
    schema_id = draw(st.binary(min_size=8, max_size=8))
    region, office = draw(PARTIES)
    other_region, other_office = draw(OTHERS)
    return Header(
        EventId(draw(UUIDS)),
        schema_id,
        draw(st.from_regex(r"\A[A-Z][A-Za-z0-9]{0,62}\Z")),
        event_class,
        StreamId(draw(UUIDS)),
        draw(st.integers(0, 2**31 - 1)),
        Hash(draw(HASHES)),
        draw(CODES),
        draw(st.integers(1, 2**31 - 1)),
        region,
        office,
        other_region,
        other_office,
        rounded(event_class, occurred_at),
        draw(CODES),
        draw(st.from_regex(r"\ALB-[A-Z0-9-]{1,60}\Z")),
        draw(st.sampled_from(DATA_CLASSES)),
        b"\xc3\x01" + schema_id + draw(st.binary(max_size=300)),
        tuple(draw(st.lists(REFS, max_size=4))),
        draw(st.none() | UUIDS),
        draw(st.none() | UUIDS),
        draw(st.booleans()),
    )


def as_record(header: Header) -> dict[str, Any]:
    """The value of the Avro schema that a header stands for."""
    row = header._asdict()
    row["sealed"] = [{**ref._asdict(), "recipients": list(ref.recipients)} for ref in header.sealed]
    return {"class" if name == "event_class" else name: value for name, value in row.items()}


def is_lawful(row: dict[str, Any]) -> bool:
    """The rules of the fields, written a second time and slowly."""

    def is_id(value: bytes | None) -> bool:
        return value is None or (value[6] >> 4 == 7 and value[8] >> 6 == 2)

    def fits(pattern: str, text: str) -> bool:
        return re.fullmatch(pattern, text) is not None

    office = "o[0-9a-hjkmnp-tv-z]{8}"
    hub = row["producer_region"] == "00", row["producer_office"] == "o00000000"
    past = {"std": row["occurred_at"] % 60_000, "cas": (row["occurred_at"] + 8 * 3_600_000) % DAY}.get(row["class"], 0)
    return (
        all(is_id(row[name]) for name in ("event_id", "stream_id", "correlation_id", "causation_id"))
        and fits("[A-Z][A-Za-z0-9]{0,62}", row["event_type"])
        and all(fits("[A-Z][A-Z0-9_]{0,62}", row[name]) for name in ("procedure", "purpose"))
        and fits("LB-[A-Z0-9-]{1,60}", row["legal_basis"])
        and row["stream_seq"] >= 0
        and row["edition"] >= 1
        and hub[0] == hub[1]
        and row["producer_region"] in (*REGIONS, "00")
        and fits(office, row["producer_office"])
        and row["counterpart_region"] in (*REGIONS, None)
        and (row["counterpart_office"] is None or fits(office, row["counterpart_office"]))
        and (row["counterpart_office"] is None or row["counterpart_region"] is not None)
        and 0 <= row["occurred_at"] <= 253_402_300_799_999
        and past == 0
        and row["body"][:10] == b"\xc3\x01" + row["schema_id"]
        and len(row["sealed"]) <= 63
        and all(
            fits("NP-[A-Z0-9-]{1,60}", ref["profile"])
            and ref["bucket_kib"] in (1, 4, 16, 64, 256)
            and 1 <= len(ref["recipients"]) <= 63
            and ref["recipients"] == sorted(set(ref["recipients"]))
            and all(fits(office, one) for one in ref["recipients"])
            for ref in row["sealed"]
        )
    )


def record_or_none(event: bytes) -> dict[str, Any] | None:
    try:
        row: dict[str, Any] = codec().decode(event[START:])
    except ContractError:
        return None
    return row


def refusal(event: bytes) -> ContractError:
    with pytest.raises(ContractError) as caught:
        decode_event(event)
    return caught.value


def test_the_prefix_names_the_schema_of_the_header() -> None:
    assert codec().fingerprint == HEADER_FINGERPRINT
    assert encode_event(HEADER)[:START] == b"pprd-event/v1\n\0\xc3\x01" + codec().fingerprint


def test_the_fields_of_the_header_are_those_of_the_schema_in_its_order() -> None:
    names = ["event_class" if field["name"] == "class" else field["name"] for field in codec().schema["fields"]]
    enums = {field["name"]: field["type"] for field in codec().schema["fields"] if field["name"].endswith("class")}

    assert tuple(names) == Header._fields
    assert enums["class"]["symbols"] == list(EVENT_CLASSES)
    assert enums["data_class"]["symbols"] == list(DATA_CLASSES)


@given(headers())
@settings(max_examples=150, deadline=None)
def test_a_header_comes_back_and_its_bytes_are_those_of_the_codec(header: Header) -> None:
    event = encode_event(header)

    assert event[START:] == codec().encode(as_record(header))
    assert decode_event(event) == header


EVENTS = [
    encode_event(header)
    for header in (
        HEADER,
        HEADER._replace(sealed=(), counterpart_office=None, correlation_id=None, causation_id=an_id(9)),
        HEADER._replace(
            event_class="cas", occurred_at=rounded("cas", 20_000 * DAY), sealed=HEADER.sealed * 2, sandbox=False
        ),
        HEADER._replace(event_class="acc", producer_region=HUB_REGION, producer_office=HUB_OFFICE, stream_seq=70),
        HEADER._replace(counterpart_region=None, counterpart_office=None, body=HEADER.body + bytes(60), edition=300),
    )
]
EDITS = st.tuples(st.sampled_from(["set", "add", "insert", "delete"]), st.integers(0, 10_000), st.integers(0, 255))


@given(st.sampled_from(EVENTS), st.lists(EDITS, min_size=1, max_size=3))
@settings(max_examples=1_500, deadline=None)
def test_changed_bytes_are_read_exactly_if_the_codec_reads_them_and_the_rules_hold(event: bytes, edits: Any) -> None:
    data = bytearray(event)
    for what, place, byte in edits:
        at = START + place % (len(data) - START)
        if what == "insert":
            data.insert(at, byte)
        elif what == "delete":
            del data[at]
        else:
            data[at] = byte if what == "set" else (data[at] + (byte | 1)) % 256
    event = bytes(data)
    row = record_or_none(event)

    if row is not None and is_lawful(row):
        assert as_record(decode_event(event)) == row
    else:
        assert refusal(event).code == "EVENT_MALFORMED"


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_a_header_or_a_refusal(tail: bytes) -> None:
    for event in (tail, EVENT_LABEL + tail, encode_event(HEADER)[:START] + tail):
        assert refusal(event).code == "EVENT_MALFORMED"


def test_every_beginning_of_an_event_is_refused() -> None:
    event = encode_event(HEADER)

    assert {refusal(event[:end]).code for end in range(len(event))} == {"EVENT_MALFORMED"}


def piece(name: str) -> tuple[int, bytes]:
    """Place and bytes of one field of HEADER, found by encoding the fields before it."""
    schema = codec().schema
    at = next(n for n, field in enumerate(schema["fields"]) if field["name"] == name)

    def part(fields: list[Any]) -> bytes:
        names = {field["name"] for field in fields}
        row = {key: value for key, value in as_record(HEADER).items() if key in names}
        return Codec.of({**schema, "fields": fields}).encode(row)

    before, through = part(schema["fields"][:at]), part(schema["fields"][: at + 1])
    return START + len(before), through[len(before) :]


def replaced(name: str, new: bytes) -> bytes:
    at, old = piece(name)
    event = encode_event(HEADER)
    assert event[at : at + len(old)] == old
    return event[:at] + new + event[at + len(old) :]


REF = b"\x0cNP-RES" + b"c" * 32 + b"d" * 32
ONE_OFFICE = b"\x12o2345abcd"


@pytest.mark.parametrize(
    ("name", "new"),
    [
        ("stream_seq", b"\x82\x00"),
        ("stream_seq", b"\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00"),
        ("stream_seq", b"\x80" * 40),
        ("stream_seq", b"\x01"),
        ("stream_seq", b"\x80\x80\x80\x80\x10"),
        ("edition", b"\x00"),
        ("event_type", b"\xa6\x00ResidenceNoticeSent"),
        ("event_type", b"\x00"),
        ("class", b"\x0c"),
        ("class", b"\x01"),
        ("class", b"\x80\x00"),
        ("data_class", b"\x08"),
        ("producer_region", b"\x0444"[:2] + b"9"),
        ("occurred_at", b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x03"),
        ("counterpart_office", b"\x00\x00"),
        ("counterpart_office", b"\x01\x12o2345abcd"),
        ("counterpart_region", b"\x00"),
        ("correlation_id", b"\x01" + an_id(3)),
        ("correlation_id", b"\x02" + bytes(16)),
        ("sealed", b"\x01\x90\x01" + REF + b"\x02\x02" + ONE_OFFICE + b"\x00\x00"),
        ("sealed", b"\x02" + REF + b"\x02\x02" + ONE_OFFICE + b"\x00"),
        ("sealed", b"\x02" + REF + b"\x02\x00\x00"),
        ("sealed", b"\x02" + REF + b"\x04\x02" + ONE_OFFICE + b"\x00\x00"),
        ("sealed", b"\x02" + REF + b"\x82\x00\x02" + ONE_OFFICE + b"\x00\x00"),
        ("sealed", b"\x02" + REF + b"\x02\x04" + ONE_OFFICE * 2 + b"\x00\x00"),
        ("sealed", b"\x02" + REF + b"\x02\x02" + ONE_OFFICE + b"\x02" + ONE_OFFICE + b"\x00\x00"),
        ("sandbox", b"\x02"),
        ("sandbox", b"\x01\x00"),
    ],
)
def test_each_other_encoding_or_unlawful_value_is_refused(name: str, new: bytes) -> None:
    assert refusal(replaced(name, new)).code == "EVENT_MALFORMED"


def test_a_negative_count_of_64_recipients_is_refused_although_it_is_as_long_as_the_canonical_one() -> None:
    offices = sorted(f"o{n:08}" for n in range(64))
    items = b"".join(b"\x12" + office.encode() for office in offices)

    assert refusal(replaced("sealed", b"\x02" + REF + b"\x02\x7f\x00" + items + b"\x00\x00")).code == "EVENT_MALFORMED"
    assert refusal(replaced("sealed", b"\x02" + REF + b"\x02\x80\x01" + items + b"\x00\x00")).code == "EVENT_MALFORMED"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"event_id": bytes(16)}, "event_id"),
        ({"stream_id": bytes(16)}, "stream_id"),
        ({"event_class": "xyz"}, None),
        ({"occurred_at": 1_767_225_660_001}, "occurred_at"),
        ({"event_class": "cas"}, "occurred_at"),
        ({"producer_region": "11"}, "producer_office"),
        ({"producer_office": "o00000000"}, "producer_office"),
        ({"producer_region": "00"}, "producer_office"),
        ({"producer_office": "office"}, "producer_office"),
        ({"counterpart_region": "00"}, "counterpart_region"),
        ({"procedure": "residence"}, "procedure"),
        ({"procedure": "张三"}, None),
        ({"purpose": "A" * 64}, None),
        ({"legal_basis": "RES-07"}, "legal_basis"),
        ({"body": b"\xc3\x01" + bytes(8)}, "body"),
        ({"body": b""}, "body"),
        ({"schema_id": SCHEMA + b"\x26"}, "event_type"),
        ({"schema_id": b"xyz"}, "event_type"),
        ({"prev_hash": b"\x05" * 31}, "prev_hash"),
        ({"prev_hash": None}, None),
        ({"edition": True}, None),
        ({"edition": 1.0}, None),
        ({"edition": 0}, "edition"),
        ({"edition": 1 << 31}, "edition"),
        ({"counterpart_region": None}, "counterpart_region"),
        ({"occurred_at": 1_767_225_660_000.0}, None),
        ({"occurred_at": 253_402_300_800_000}, "occurred_at"),
        ({"correlation_id": bytes(16)}, "correlation_id"),
        ({"causation_id": an_id(3)[:15]}, "causation_id"),
        ({"sealed": HEADER.sealed * 64}, "sealed"),
        ({"sealed": (HEADER.sealed[0]._replace(profile="RES"),)}, "profile"),
        ({"sealed": (HEADER.sealed[0]._replace(commitment=b"c" * 31),)}, "sealed.commitment"),
        ({"sealed": (HEADER.sealed[0]._replace(ciphertext_hash=b"d" * 33),)}, "sealed.ciphertext_hash"),
        ({"sealed": (SealedRef._make((*HEADER.sealed[0][:4], ["o2345abcd"])),)}, None),
        ({"sealed": (HEADER.sealed[0]._replace(bucket_kib=True),)}, None),
        ({"stream_seq": True}, None),
        ({"stream_seq": 1.0}, None),
        ({"stream_seq": -1}, None),
        ({"stream_seq": 1 << 31}, "stream_seq"),
        ({"sandbox": 1}, "sandbox"),
        ({"sealed": [SealedRef("NP-RES", b"c" * 32, b"d" * 32, 1, (OfficeId("o2345abcd"),))]}, "sealed"),
        ({"sealed": (SealedRef("NP-RES", b"c" * 32, b"d" * 32, 2, (OfficeId("o2345abcd"),)),)}, None),
        ({"sealed": (SealedRef("NP-RES", b"c" * 32, b"d" * 32, 1, ()),)}, "sealed.recipients"),
        (
            {"sealed": (SealedRef("NP-RES", b"c" * 32, b"d" * 32, 1, (OfficeId("o2"), OfficeId("o1"))),)},
            "sealed.recipients",
        ),
    ],
)
def test_a_header_that_breaks_a_rule_is_not_written(change: dict[str, Any], field: str | None) -> None:
    """Also where a header with an equal value, but of the right type, was written before."""
    encode_event(HEADER)

    with pytest.raises(ContractError) as caught:
        encode_event(HEADER._replace(**change))

    assert (caught.value.code, caught.value.field) == ("EVENT_MALFORMED", field)


def test_a_refusal_never_quotes_what_it_refuses() -> None:
    event = replaced("purpose", b"\x24ZHANGSAN 13800138000"[:19])

    assert "ZHANG" not in str(refusal(event))


def test_classes_without_rounding_take_any_millisecond() -> None:
    header = HEADER._replace(event_class="acc", occurred_at=1_767_225_660_001)

    assert decode_event(encode_event(header)) == header


def test_an_event_above_the_limit_is_refused_and_one_at_the_limit_is_taken() -> None:
    room = MAX_EVENT_BYTES - len(encode_event(HEADER)) + len(HEADER.body) - 2
    largest = HEADER._replace(body=HEADER.body.ljust(room, b"x"))

    assert len(encode_event(largest)) == MAX_EVENT_BYTES
    assert refusal(encode_event(largest) + b"x").code == "EVENT_TOO_LARGE"
    with pytest.raises(ContractError, match="EVENT_TOO_LARGE"):
        encode_event(largest._replace(body=largest.body + b"x"))


def test_the_leaf_hash_is_that_of_rfc_6962() -> None:
    event = encode_event(HEADER)

    assert leaf_hash(event) == hashlib.sha256(b"\x00" + event).digest()
