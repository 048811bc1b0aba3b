"""The vectors of what the exchange itself defines, told by `docs.exchange_story`; `docs.ledger_vectors` writes them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from contracts.errors import ExchangeError
from contracts.event import HEADER_FINGERPRINT, decode_event
from contracts.event import leaf_hash as event_leaf
from contracts.ids import OfficeId
from contracts.schema import load_schemas
from contracts.signing import key_id
from docs import exchange_story as told
from docs.spec.reference.avro import canonical, encode
from docs.spec.reference.records import EVENT_LABEL
from ledger.batch import NO_BATCH, batch_hash, decode_tbs
from ledger.compact import CompactRange
from ledger.entry import decode_entry
from ledger.tree import NodeReader, appended_node_reader, batch_paths, hash_leaf, hash_node, prove_range

_HEADER_SCHEMA: Final = load_schemas()["event_header.avsc"]


def plain(value: Any) -> Any:
    """A value as JSON holds it: bytes in hex."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def code_of(call: Callable[[], object]) -> dict[str, str | None]:
    """Code and field with which something is refused."""
    try:
        call()
    except ExchangeError as error:
        return {"code": error.code, "field": error.field}
    raise AssertionError("a vector of what is refused is not refused")


def keys() -> list[dict[str, Any]]:
    """The keys of the story, private sides too."""
    signing = [("44-node", told.GATEWAY), ("00-hub", told.HUB), ("45-node", told.RECEIPTS)]
    rows = [
        {"holder": holder, "purpose": one.purpose, "seed": one.seed, "public_key": one.public, "key_id": one.key_id}
        for holder, one in signing
    ]
    opening = [
        (told.COUNTY, "point", told.POINT_SEED),
        (told.RECEIVER, "office", told.OFFICE_SEED),
        (told.SENDER, "office", told.SENDER_SEED),
    ]
    for holder, purpose, seed in opening:
        public = told.x25519_public(seed)
        rows.append(
            {
                "holder": str(holder),
                "purpose": purpose,
                "seed": seed,
                "public_key": public,
                "key_id": key_id(purpose, public),
            }
        )
    return rows


# -- events


def _fields(event: bytes) -> dict[str, Any]:
    """The header by the names of the schema."""
    header = decode_event(event)._asdict()
    fields = {"class" if name == "event_class" else name: value for name, value in header.items()}
    return fields | {"sealed": [ref._asdict() | {"recipients": list(ref.recipients)} for ref in fields["sealed"]]}


def _pieces(event: bytes) -> list[dict[str, str]]:
    """The bytes of an event, one piece a field."""
    fields = _fields(event)
    named = {"Id16": {"type": "fixed", "name": "Id16", "size": 16}}
    named["Hash32"] = {"type": "fixed", "name": "Hash32", "size": 32}
    pieces = [("label", EVENT_LABEL), ("marker", b"\xc3\x01"), ("fingerprint", HEADER_FINGERPRINT)]
    pieces += [
        (one["name"], encode(_whole(one["type"], named), fields[one["name"]])) for one in _HEADER_SCHEMA["fields"]
    ]
    if b"".join(data for _, data in pieces) != event:
        raise AssertionError("the pieces of an event are not its bytes")
    return [{"field": name, "hex": data.hex()} for name, data in pieces]


def _whole(schema: Any, named: Mapping[str, Any]) -> Any:
    """A type of the header without references to other fields' types."""
    if isinstance(schema, str):
        return named.get(schema, schema)
    if isinstance(schema, list):
        return [_whole(one, named) for one in schema]
    if schema["type"] == "array":
        return schema | {"items": _whole(schema["items"], named)}
    if schema["type"] == "record":
        return schema | {"fields": [one | {"type": _whole(one["type"], named)} for one in schema["fields"]]}
    return schema


def events_page() -> dict[str, Any]:
    """Three events field by field, and what is refused with which code."""
    events = told.story().events
    return {
        "schema": {"canonical": canonical(_HEADER_SCHEMA), "fingerprint": HEADER_FINGERPRINT},
        "good": [
            {
                "name": name,
                "bytes": events[at],
                "leaf": event_leaf(events[at]),
                "fields": _fields(events[at]),
                "pieces": _pieces(events[at]),
            }
            for name, at in (("notice", 2), ("case step", 3), ("heads", 5))
        ],
        "refused": [
            {"defect": defect, **code_of(lambda data=data: decode_event(data)), "bytes": data}  # type: ignore[misc]
            for defect, data in _bad_events()
        ],
    }


def _bad_events() -> Iterator[tuple[str, bytes]]:
    notice, case = told.story().events[2], told.story().events[3]
    yield "label-missing", notice[len(EVENT_LABEL) :]
    yield "one-byte-short", notice[:-1]
    yield "one-byte-left-over", notice + b"\0"
    yield "fingerprint-of-another-schema", notice.replace(HEADER_FINGERPRINT, bytes(8))
    yield "boolean-of-2", notice[:-1] + b"\x02"
    yield "number-in-two-bytes-for-one", _swap(notice, "stream_seq", b"\x06", b"\x86\x00")
    yield "payloads-in-two-blocks", _swap(case, "sealed", b"\x02", b"\x01\xce\x02", first=1)
    for defect, fields in _BAD_FIELDS.items():
        yield (
            defect,
            EVENT_LABEL + b"\xc3\x01" + HEADER_FINGERPRINT + encode(_HEADER_SCHEMA, _fields(notice) | dict(fields)),
        )
    for defect, fields in _BAD_PAYLOADS.items():
        whole = _fields(case)
        changed = whole | {"sealed": [whole["sealed"][0] | fields]}
        yield defect, EVENT_LABEL + b"\xc3\x01" + HEADER_FINGERPRINT + encode(_HEADER_SCHEMA, changed)
    case_fields = _fields(case) | {"occurred_at": told.CREATED_MS}
    prefix = EVENT_LABEL + b"\xc3\x01" + HEADER_FINGERPRINT
    yield "class-cas-not-a-whole-day", prefix + encode(_HEADER_SCHEMA, case_fields)


_BAD_FIELDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "event-id-of-another-version": {"event_id": bytes.fromhex("019b76da280040008101010101010101")},
    "event-type-with-a-space": {"event_type": "Notice Sent"},
    "stream-seq-negative": {"stream_seq": -1},
    "edition-0": {"edition": 0},
    "class-std-not-a-whole-minute": {"occurred_at": told.CREATED_MS + 1},
    "producer-of-an-unknown-region": {"producer_region": "11"},
    "the-hub-of-a-region": {"producer_office": OfficeId("o00000000")},
    "office-id-in-upper-case": {"producer_office": "O1234ABCD"},
    "counterpart-without-its-region": {"counterpart_region": None, "counterpart_office": told.RECEIVER},
    "legal-basis-without-prefix": {"legal_basis": "RES-07"},
    "body-of-another-schema": {"schema_id": bytes(8)},
    "occurred-after-the-year-9999": {"occurred_at": 253_402_300_800_000},
}
_BAD_PAYLOADS: Final[Mapping[str, Mapping[str, Any]]] = {
    "bucket-of-2": {"bucket_kib": 2},
    "nobody-receives": {"recipients": []},
    "recipient-twice": {"recipients": [told.RECEIVER, told.RECEIVER]},
    "recipients-not-sorted": {"recipients": [told.RECEIVER, told.SENDER]},
    "profile-of-another-form": {"profile": "COR-STATUS"},
}


def _swap(event: bytes, field: str, old: bytes, new: bytes, *, first: int | None = None) -> bytes:
    """An event with the bytes of one field written another way."""
    out = b""
    for piece in _pieces(event):
        data = bytes.fromhex(piece["hex"])
        if piece["field"] == field:
            size = len(data) if first is None else first
            if data[:size] != old:
                raise AssertionError(f"{field} begins with other bytes")
            data = new + data[size:]
        out += data
    return out


# -- batches, entries, receipts


def batches_page() -> dict[str, Any]:
    """Three batches step by step, the eight entries, checkpoints and range proofs, what is no batch header."""
    story = told.story()
    return {
        "keys": keys(),
        "no_batch": NO_BATCH,
        "refused_event": told.REFUSED_EVENT,
        "batches": [_batch(at, one) for at, one in story.batches.items()],
        "entries": [
            {"index": at, "kind": type(decode_entry(entry)).__name__, "bytes": entry, "leaf": hash_leaf(entry)}
            for at, entry in enumerate(story.entries)
        ],
        "checkpoints": {str(size): story.note(size).decode() for size in (4, 6, 8)},
        "receipts": [_receipt(1, 4, 4), _receipt(4, 6, 6), _receipt(6, 8, 8)],
        "refused": [
            {"defect": defect, "code": code_of(lambda data=data: decode_tbs(data))["code"], "tbs": data}  # type: ignore[misc]
            for defect, data in _bad_batches(story.batches[1].tbs)
        ],
    }


def _batch(at: int, one: told.Signed) -> dict[str, Any]:
    batch, tbs = one.batch, one.tbs
    name = batch.producer.encode()
    sizes = (("label", 15), ("length", 1), ("producer", len(name)), ("batch_id", 16), ("batch_seq", 8), ("n", 4))
    pieces, start = [], 0
    for field, size in (*sizes, ("created_ms", 8), ("prev_batch", 32), ("root", 32)):
        pieces.append({"field": field, "hex": tbs[start : start + size].hex()})
        start += size
    return {
        "index": at,
        **batch._asdict(),
        "leaves": one.leaves,
        "nodes": [hash_node(*one.leaves[:2])] if len(one.leaves) == 3 else [],
        "paths": batch_paths(list(one.leaves)),
        "pieces": pieces,
        "tbs": tbs,
        "hash": batch_hash(tbs),
        "key_id": one.party.key_id,
        "signature": one.signature,
        "refused": [item._asdict() for item in one.refused],
    }


def _receipt(start: int, end: int, size: int) -> dict[str, Any]:
    left, right = prove_range(nodes(size), start, end, size)
    return {"start": start, "end": end, "size": size, "left": left, "right": right}


def nodes(size: int) -> NodeReader:
    """The tree over the first entries."""
    return appended_node_reader(CompactRange(), [hash_leaf(entry) for entry in told.story().entries[:size]])


def _bad_batches(tbs: bytes) -> Iterator[tuple[str, bytes]]:
    n_at = tbs.index(b"\0\0\0\x03")
    yield "label-of-another-version", tbs.replace(b"v1", b"v2")
    yield "no-events", tbs[:n_at] + bytes(4) + tbs[n_at + 4 :]
    yield "events-1025", tbs[:n_at] + (1_025).to_bytes(4, "big") + tbs[n_at + 4 :]
    yield "number-above-63-bits", tbs[: n_at - 8] + b"\xff" * 8 + tbs[n_at:]
    yield "producer-in-upper-case", tbs.replace(b"44-node", b"44-NODE")
    yield "producer-empty", tbs[:15] + b"\0" + tbs[23:]
    yield "length-beyond-the-end", tbs[:15] + b"\xff" + tbs[16:]
    yield "one-byte-short", tbs[:-1]
    yield "one-byte-left-over", tbs + b"\0"
    yield "empty", b""
