"""How a matter is stored: `pack`, `unpack`.

A fixed head in binary (form, stream id, head, next_seq, edition, opened_at), then eleven lines of text: procedure,
state, and the nine collections, each a flat list of words; who was told stands as places among the holders. Codes, ids
and dates hold no white space, so words need no quotes; ids inside lines are hexadecimal. This is the store's own form
and may change: the ledger can rebuild it.
"""

import struct
from functools import lru_cache
from typing import Final, NamedTuple

from contracts.errors import FatalError
from contracts.ids import EventId, OfficeId, RegionCode, StreamId
from hub.matter_types import ContentEnd, Duty, FactValue, Matter, Party

_FORM: Final = 4
_HEAD: Final = struct.Struct(">B16s32sIIq")


class PackedEnds(NamedTuple):
    """What a packed matter says about the retention of its content; see `Matter`."""

    stream_id: StreamId
    procedure: str
    edition: int
    regions: tuple[tuple[str, RegionCode], ...]
    ends: tuple[ContentEnd, ...]


def pack(matter: Matter) -> bytes:
    """Write a matter, about 250 bytes."""
    (
        stream_id,
        procedure,
        edition,
        state,
        next_seq,
        head,
        opened_at,
        parties,
        regions,
        counties,
        holders,
        duties,
        facts,
        sealers,
        told,
        ends,
    ) = matter
    # Every commit and every audit writes matters, and most collections are empty: those are passed by.
    open_ = known = waiting = kept = ""
    if duties:
        open_ = " ".join([f"{rule} {side} {type_} {at} {event.hex()}" for rule, side, type_, at, event in duties])
    if facts:
        known = " ".join([f"{name} {_fact_text(value)}" for name, value in facts])
    if told:
        waiting = " ".join([str(holders.index(office)) for office in told])
    if ends:
        kept = " ".join([f"{what} {at} {event.hex()}" for what, at, event in ends])
    who, held, sealed = _who(parties, regions, counties), " ".join(holders), " ".join(sealers)
    text = f"{procedure}\n{state}\n{who}\n{held}\n{open_}\n{known}\n{sealed}\n{waiting}\n{kept}"
    return _HEAD.pack(_FORM, stream_id, head, next_seq, edition, opened_at) + text.encode()


def unpack(data: bytes) -> Matter:
    """Read what `pack` wrote.

    Raises:
        FatalError: STORE_DAMAGED: these are not the bytes of a matter.
    """
    try:
        return _unpack(data)
    except (ValueError, IndexError, TypeError, struct.error) as error:
        raise _damaged(data) from error


def _damaged(data: bytes) -> FatalError:
    return FatalError("STORE_DAMAGED", f"a packed matter of {len(data)} bytes cannot be read")


def has_duties(data: bytes) -> bool:
    """Whether limits run in a packed matter; most matters are over, and are passed by without reading them whole."""
    return data[_HEAD.size :].split(b"\n", 7)[6] != b""


def has_ends(data: bytes) -> bool:
    """Whether the retention of content counts in a packed matter."""
    return not data.endswith(b"\n")


def ends_of(data: bytes) -> PackedEnds:
    """Read from a packed matter what its content's retention depends on; most of it is passed by.

    Raises:
        FatalError: STORE_DAMAGED: these are not the bytes of a matter.
    """
    try:
        _, stream_id, _, _, edition, _ = _HEAD.unpack_from(data)
        procedure, _, _, regions, *_, ends = data[_HEAD.size :].decode().split("\n")
        return PackedEnds(stream_id, procedure, edition, _regions(regions), _ends(ends))
    except (ValueError, TypeError, struct.error) as error:
        raise _damaged(data) from error


def _unpack(data: bytes) -> Matter:
    form, stream_id, head, next_seq, edition, opened_at = _HEAD.unpack_from(data)
    lines = data[_HEAD.size :].decode().split("\n")
    procedure, state, parties, regions, counties, holders, duties, facts, sealers, told, ends = lines
    if form != _FORM:
        raise ValueError("another form")
    held = tuple([OfficeId(office) for office in holders.split()]) if holders else ()
    return Matter(
        stream_id,
        procedure,
        edition,
        state,
        next_seq,
        head,
        opened_at,
        _parties(parties),
        _regions(regions),
        _counties(counties),
        held,
        tuple([_duty(*words) for words in _groups(duties, 5)]) if duties else (),
        tuple([(name, _fact(text)) for name, text in _groups(facts, 2)]) if facts else (),
        tuple([OfficeId(office) for office in sealers.split()]) if sealers else (),
        tuple([held[int(place)] for place in told.split()]) if told else (),
        _ends(ends) if ends else (),
    )


# Matters between the same offices share these lines, so that most are written and read once; the caches are bounded and
# hold codes.


@lru_cache(16_384)
def _who(
    parties: tuple[Party, ...], regions: tuple[tuple[str, RegionCode], ...], counties: tuple[tuple[str, str], ...]
) -> str:
    """The three lines of parties, regions and counties."""
    return "\n".join([" ".join([" ".join(row) for row in rows]) for rows in (parties, regions, counties)])


@lru_cache(16_384)
def _parties(line: str) -> tuple[Party, ...]:
    return tuple([Party._make(words) for words in _groups(line, 4)])


@lru_cache(4_096)
def _regions(line: str) -> tuple[tuple[str, RegionCode], ...]:
    return tuple([(side, RegionCode(region)) for side, region in _groups(line, 2)])


@lru_cache(16_384)
def _counties(line: str) -> tuple[tuple[str, str], ...]:
    return tuple([(side, county6) for side, county6 in _groups(line, 2)])


def _groups(line: str, size: int) -> "zip[tuple[str, ...]]":
    words = iter(line.split())
    return zip(*[words] * size, strict=True)


def _duty(rule: str, side: str, office_type: str, started_ms: str, started_by: str) -> Duty:
    return Duty(rule, side, office_type, int(started_ms), EventId(bytes.fromhex(started_by)))


def _ends(line: str) -> tuple[ContentEnd, ...]:
    rows = _groups(line, 3)
    return tuple([ContentEnd(what, int(since_ms), EventId(bytes.fromhex(since))) for what, since_ms, since in rows])


def _fact_text(value: FactValue) -> str:
    """The value behind a letter for its type."""
    if isinstance(value, str):
        return f"s{value}"
    if isinstance(value, bytes):
        return f"x{value.hex()}"
    return f"b{value:d}" if isinstance(value, bool) else f"i{value}"


def _fact(text: str) -> FactValue:
    match text[0]:
        case "s":
            return text[1:]
        case "x":
            return bytes.fromhex(text[1:])
        case "b":
            return text == "b1"
        case "i":
            return int(text[1:])
        case other:
            raise ValueError(f"no fact has the type {other}")
