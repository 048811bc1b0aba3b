"""Two regions compare the matters between them without showing one: counters, places and hashes, no content.

Each side writes what it holds; whoever has both files compares. A matter is between two regions when each made an event
of it, is named as its other side or is sealed to. What one side made and sealed to an office of the other must be held
there, as far as the other has received at all its points.

    {"format": "pprd-reconcile/v1", "region", "other", "through",
     "matters": {stream hex: [[seq, index, leaf hex, producer's region, sealed to the other]...]}}
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from contracts.errors import ContractError, EvidenceError
from contracts.ids import REGIONS, Hash, RegionCode

FORMAT: Final = "pprd-reconcile/v1"
MAX_BYTES: Final = 256 << 20
_HASH_HEX: Final = 64


class HeldEvent(NamedTuple):
    """One event of a matter as a side holds it.

    Attributes:
        seq: Its place in the matter.
        leaf_index: Ledger index of its entry.
        leaf: Leaf hash of its bytes.
        region: Who made it.
        is_for_other: Whether it holds content for an office of the other side.
    """

    seq: int
    leaf_index: int
    leaf: Hash
    region: RegionCode
    is_for_other: bool


class Side(NamedTuple):
    """What one region holds of the matters between it and another.

    Attributes:
        region: Whose file it is.
        other: The other side.
        through: Ledger index up to which all its delivery points have received.
        matters: Events by stream id, in the order of the matter.
    """

    region: RegionCode
    other: RegionCode
    through: int
    matters: Mapping[bytes, tuple[HeldEvent, ...]]


class Reconciled(NamedTuple):
    """What two sides have in common: how many matters, and how many events both hold."""

    matters: int
    events: int


def reconcile(one: Side, two: Side) -> Reconciled:
    """Compare two sides.

    Raises:
        ContractError: EVIDENCE_MALFORMED: the two files are not the two sides of one pair.
        EvidenceError: REGIONS_DISAGREE: names the first matter and event, by stream id and place.
    """
    if (one.region, one.other) != (two.other, two.region):
        raise _malformed(
            f"{one.region} with {one.other} and {two.region} with {two.other} are not two sides of one pair"
        )
    common = 0
    streams = sorted({*one.matters, *two.matters})
    for stream_id in streams:
        sides = [{event.seq: event for event in side.matters.get(stream_id, ())} for side in (one, two)]
        for seq in sorted({*sides[0], *sides[1]}):
            mine, theirs = sides[0].get(seq), sides[1].get(seq)
            where = f"matter {stream_id.hex()}, event {seq}"
            if mine is not None and theirs is not None:
                if (mine.leaf, mine.leaf_index) != (theirs.leaf, theirs.leaf_index):
                    raise _disagree(
                        f"{where}: {one.region} holds {mine.leaf.hex()} at {mine.leaf_index}, {two.region} holds"
                        f" {theirs.leaf.hex()} at {theirs.leaf_index}"
                    )
                common += 1
            elif mine is not None:
                _check_alone(where, mine, one, two)
            elif theirs is not None:
                _check_alone(where, theirs, two, one)
    return Reconciled(len(streams), common)


def _check_alone(where: str, event: HeldEvent, holder: Side, lacking: Side) -> None:
    """Judge an event that only one side holds."""
    if event.region == lacking.region:
        raise _disagree(f"{where}: {holder.region} holds an event of {lacking.region} that {lacking.region} never made")
    is_due = event.region == holder.region and event.is_for_other and event.leaf_index <= lacking.through
    if is_due:
        raise _disagree(f"{where}: {holder.region} sent entry {event.leaf_index}, {lacking.region} does not hold it")


def format_side(side: Side) -> bytes:
    """Write a side's file."""
    matters = {
        stream_id.hex(): [[e.seq, e.leaf_index, e.leaf.hex(), e.region, e.is_for_other] for e in events]
        for stream_id, events in sorted(side.matters.items())
    }
    value = {
        "format": FORMAT,
        "region": side.region,
        "other": side.other,
        "through": side.through,
        "matters": matters,
    }
    return (json.dumps(value) + "\n").encode()


def parse_side(data: bytes) -> Side:
    """Read a side's file.

    Raises:
        ContractError: EVIDENCE_MALFORMED.
    """
    if len(data) > MAX_BYTES:
        raise _malformed(f"{len(data)} bytes are more than such a file has")
    try:
        value = json.loads(data)
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise _malformed(f"the file does not say {FORMAT}")
        matters = {bytes.fromhex(name): tuple(_events(rows)) for name, rows in value["matters"].items()}
        return Side(_region(value["region"]), _region(value["other"]), _count(value["through"]), matters)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _malformed(f"{type(error).__name__}: a part is missing or of another kind") from error


def _events(rows: object) -> Iterator[HeldEvent]:
    if not isinstance(rows, list):
        raise TypeError
    for seq, index, leaf, region, is_for_other in rows:
        if not isinstance(leaf, str) or len(leaf) != _HASH_HEX or not isinstance(is_for_other, bool):
            raise TypeError
        yield HeldEvent(_count(seq), _count(index), Hash(bytes.fromhex(leaf)), _maker(region), is_for_other)


def _region(value: object) -> RegionCode:
    if value not in REGIONS:
        raise ValueError
    return RegionCode(str(value))


def _maker(value: object) -> RegionCode:
    """A region, or the hub, whose timers make events too."""
    return RegionCode("00") if value == "00" else _region(value)


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        raise TypeError
    return value


def _disagree(message: str) -> EvidenceError:
    return EvidenceError("REGIONS_DISAGREE", message)


def _malformed(message: str) -> ContractError:
    return ContractError("EVIDENCE_MALFORMED", message)
