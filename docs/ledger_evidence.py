"""Evidence files for the published vectors: for every claim one that shows it, and one that shows nothing.

A ledger of a few made-up entries signs here whatever it is told to: what a ledger that lies would sign.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final, NamedTuple

from contracts.event import Header, SealedRef, encode_event
from contracts.ids import EventId, Hash, KeyId, LeafIndex, OfficeId, PointId, RegionCode, StreamId, TreeSize, uuid7
from contracts.schema import SchemaRegistry, load_registry
from contracts.signing import key_id, sign
from docs.ledger_parties import BATCH_KEY, LOG
from ledger.batch import NO_BATCH, Batch, batch_hash, encode_tbs
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.entry import BatchEntry, GenesisEntry, encode_batch_entry, encode_event_entry, encode_genesis
from ledger.evidence_file import EvidenceFile, Shown
from ledger.exhibit import number
from ledger.heads import receipt_tbs
from ledger.placed import Placed
from ledger.tree import (
    CompactRange,
    appended_node_reader,
    hash_leaf,
    prove_consistency,
    prove_inclusion,
    prove_range,
    root_of,
)

_MS: Final = 1_767_225_600_000
_PUBLIC: Final = BATCH_KEY.public_key().public_bytes_raw()
_KEY_ID: Final = key_id("batch", _PUBLIC)
_SKEW_MS: Final = 300_000
_HEAD: Final = Hash(b"\x11" * 32)
_OTHER: Final = Hash(b"\x22" * 32)


class Sample(NamedTuple):
    """An evidence file and what is to come of it.

    Attributes:
        name: What it is.
        evidence: The file's content.
        is_shown: Whether the claim holds.
    """

    name: str
    evidence: EvidenceFile
    is_shown: bool


@dataclass(frozen=True)
class SmallLog:
    """Some entries under the vectors' log key.

    Attributes:
        entries: Bytes of all entries.
    """

    entries: Sequence[bytes]

    def note(self, size: int | None = None) -> bytes:
        """The signed head of a size; of all entries if none is given."""
        leaves = [hash_leaf(entry) for entry in self.entries[:size]]
        return sign_checkpoint(Checkpoint(LOG.name, TreeSize(len(leaves)), root_of(leaves)), LOG)

    def entry(self, index: int, *, under: int = 0) -> Placed:
        """An entry under the newest head, which is checkpoint `under` of the file."""
        return Placed(under, LeafIndex(index), self.entries[index], self._path(index))

    def leaf(self, index: int, *, under: int = 0) -> Placed:
        """A leaf hash under the newest head."""
        return Placed(under, LeafIndex(index), hash_leaf(self.entries[index]), self._path(index))

    def consistency(self, size: int) -> tuple[Hash, ...]:
        """The consistency path from a size to all entries."""
        leaves = [hash_leaf(entry) for entry in self.entries]
        return tuple(prove_consistency(appended_node_reader(CompactRange(), leaves), size, len(leaves)))

    def _path(self, index: int) -> tuple[Hash, ...]:
        leaves = [hash_leaf(entry) for entry in self.entries]
        return tuple(prove_inclusion(appended_node_reader(CompactRange(), leaves), index, len(leaves)))


def samples() -> Iterator[Sample]:
    """All of them; those of one claim stand together."""
    yield from _heads()
    yield from _batches()
    yield from _events()
    yield from _shown()


def _heads() -> Iterator[Sample]:
    true = SmallLog([bytes([number]) for number in range(7)])
    forked = SmallLog([b"forked" if number == 2 else entry for number, entry in enumerate(true.entries)])
    yield Sample("two roots of one size", _file("TWO_ROOTS", (true.note(), forked.note())), True)
    yield Sample("one root signed twice", _file("TWO_ROOTS", (true.note(), true.note())), False)
    yield Sample("roots of two sizes", _file("TWO_ROOTS", (true.note(5), true.note())), False)
    for size in (3, 4, 6):
        changed = _file("PREFIX_CHANGED", (true.note(size), forked.note()), leaves=(forked.leaf(size - 1, under=1),))
        yield Sample(f"the first {size} of 7 entries were changed", changed, True)
        grown = _file("PREFIX_CHANGED", (true.note(size), true.note()), leaves=(true.leaf(size - 1, under=1),))
        yield Sample(f"a tree that grew from {size} to 7", grown, False)
    for size, is_shown in ((3, True), (6, True), (4, False)):
        path = _path(forked.consistency(size))
        yield Sample(
            f"a path on which the first {size} of 7 entries have " + ("another root" if is_shown else "any root"),
            _file("PREFIX_CHANGED", (true.note(size), forked.note()), shown=path),
            is_shown,
        )
    grown = _file("PREFIX_CHANGED", (true.note(3), true.note()), shown=_path(true.consistency(3)))
    yield Sample("a path of a tree that grew from 3 to 7", grown, False)
    lost = _file("PREFIX_CHANGED", (true.note(3), forked.note()), shown=_path(true.consistency(3)))
    yield Sample("a path to the root of another tree", lost, False)
    yield Sample("growth without a proof", _file("GROWTH_UNPROVED", (true.note(3), true.note())), True)
    wrong = _file("GROWTH_UNPROVED", (true.note(4), forked.note()), shown=_path(forked.consistency(4)))
    yield Sample("growth with a wrong proof", wrong, True)
    yield Sample(
        "growth with its proof",
        _file("GROWTH_UNPROVED", (true.note(3), true.note()), shown=_path(true.consistency(3))),
        False,
    )
    yield Sample("growth to the same size", _file("GROWTH_UNPROVED", (true.note(), true.note())), False)
    two = (true.leaf(2), forked.leaf(2, under=1))
    yield Sample("two entries at one index", _file("TWO_ENTRIES", (true.note(), forked.note()), leaves=two), True)
    same = (true.leaf(3), forked.leaf(3, under=1))
    yield Sample("one entry under two heads", _file("TWO_ENTRIES", (true.note(), forked.note()), leaves=same), False)
    yield Sample("a shorter head after a longer one", _file("LEDGER_SHORTER", (true.note(), true.note(4))), True)
    yield Sample("a longer head after a shorter one", _file("LEDGER_SHORTER", (true.note(4), true.note())), False)


def _path(hashes: Sequence[Hash]) -> tuple[Shown, ...]:
    return (Shown("path", b"".join(hashes)),)


def _batches() -> Iterator[Sample]:
    first, second = _batch_header(0, NO_BATCH), _batch_header(1, NO_BATCH)
    chained = _behind(second, batch_hash(encode_tbs(first)))
    for claim, name, entries, is_shown in (
        ("TIME_BACKWARDS", "recorded before what stands in front", (_batch(first, 5), _batch(chained, 4)), True),
        ("TIME_BACKWARDS", "recorded in one millisecond", (_batch(first, 5), _batch(chained, 5)), False),
        ("BATCHES_DISORDERED", "a lower number behind", (_batch(chained, 5), _batch(first, 5)), True),
        ("BATCHES_DISORDERED", "the same number twice", (_batch(first, 5), _batch(first, 6)), True),
        ("BATCHES_DISORDERED", "the next number, another chain", (_batch(first, 5), _batch(second, 5)), True),
        ("BATCHES_DISORDERED", "the next batch of the chain", (_batch(first, 5), _batch(chained, 5)), False),
    ):
        yield Sample(name, _entries(claim, entries), is_shown)
    registered = _event(1, "KeyRegistered", _key_body(_KEY_ID))
    revoked = _event(2, "KeyRevoked", {"key_id": _KEY_ID, "reason": "COMPROMISED"})
    other = _event(3, "KeyRevoked", {"key_id": KeyId(bytes(8)), "reason": "COMPROMISED"})
    forged = _batch(first, 5, signature=bytes(64))
    yield Sample("a batch that its key did not sign", _entries("BATCH_FORGED", (registered, forged)), True)
    yield Sample("a batch that its key signed", _entries("BATCH_FORGED", (registered, _batch(first, 5))), False)
    early, late = _batch(first, -_SKEW_MS - 1), _batch(first, -_SKEW_MS)
    yield Sample("recorded before it was made", _from_genesis("RECORDED_EARLY", early), True)
    yield Sample("recorded as early as clocks differ", _from_genesis("RECORDED_EARLY", late), False)
    yield Sample("a batch under a revoked key", _entries("KEY_REVOKED", (revoked, _batch(first, 5))), True)
    yield Sample("another key was revoked", _entries("KEY_REVOKED", (other, _batch(first, 5))), False)


def _events() -> Iterator[Sample]:
    one, two = _event(4, "HeadsPublished", _heads_body(_HEAD)), _event(5, "HeadsPublished", _heads_body(_OTHER))
    yield Sample("one event at two places", _entries("EVENT_TWICE", (one, one)), True)
    yield Sample("two events", _entries("EVENT_TWICE", (one, two)), False)
    yield Sample("two heads of one counter", _entries("TWO_COUNTS", (one, two)), True)
    back = _event(6, "HeadsPublished", _heads_body(_HEAD, n=2))
    yield Sample("a count that went back", _entries("TWO_COUNTS", (one, back)), True)
    yield Sample("a count that went on", _entries("TWO_COUNTS", (back, two)), False)
    yield Sample("one head told twice", _entries("TWO_COUNTS", (one, one)), False)


def _shown() -> Iterator[Sample]:
    log = SmallLog([bytes([number]) for number in range(7)])
    good = log.leaf(2)
    yield Sample("a path that does not lead", _file("PROOF_FAILS", (log.note(),), leaves=(_at(good, 3),)), True)
    yield Sample("a path that leads", _file("PROOF_FAILS", (log.note(),), leaves=(good,)), False)
    leaves = [hash_leaf(entry) for entry in log.entries]
    run = tuple(Placed(0, LeafIndex(at), leaves[at], ()) for at in (2, 3, 4))
    moved = tuple(_at(leaf, leaf.index + 1) for leaf in run)
    left, right = prove_range(appended_node_reader(CompactRange(), leaves), 2, 5, 7)
    proof = (Shown("proof", b"".join(bytes([len(part)]) + b"".join(part) for part in (left, right))),)
    yield Sample("a run that does not lead", _file("RANGE_FAILS", (log.note(),), leaves=moved, shown=proof), True)
    yield Sample("a run that leads", _file("RANGE_FAILS", (log.note(),), leaves=run, shown=proof), False)
    told = _event(6, "HeadsPublished", _heads_body(_HEAD))
    counted = (Shown("point", b"44-node"), Shown("counter", (3).to_bytes(8, "big")))
    yield Sample("another head", _entries("HEAD_DISAGREES", (told,), (*counted, Shown("head", _OTHER))), True)
    yield Sample("the same head", _entries("HEAD_DISAGREES", (told,), (*counted, Shown("head", _HEAD))), False)
    brought = (*counted, Shown("head", _OTHER))
    yield Sample("a run with another head", _entries("HEAD_DISAGREES", (told,), (*brought, Shown("told", _HEAD))), True)
    yield Sample(
        "a run with the same head", _entries("HEAD_DISAGREES", (told,), (*brought, Shown("told", _OTHER))), False
    )
    yield from _recipients(told)
    for name, code, is_shown in (
        ("an entry that an audit names", "TRANSITION_FORBIDDEN", True),
        ("a code that nobody knows", "BECAUSE", False),
    ):
        yield Sample(name, _entries("ENTRY_UNEXPLAINED", (told,), (Shown("code", code.encode()),)), is_shown)
    sealing = _event(7, "HeadsPublished", _heads_body(_HEAD), sealed=_HEAD)
    swapped = (Shown("wanted", _HEAD), Shown("given", _OTHER))
    yield Sample("other bytes than recorded", _entries("PAYLOAD_SWAPPED", (sealing,), swapped), True)
    kept = (Shown("wanted", _HEAD), Shown("given", _HEAD))
    yield Sample("the recorded bytes", _entries("PAYLOAD_SWAPPED", (sealing,), kept), False)
    request = (Shown("request", bytes(16)), Shown("given", _HEAD))
    yield Sample("handed out without a record", _entries("OPENING_UNRECORDED", (sealing,), request), True)
    strange = (Shown("request", bytes(16)), Shown("given", _OTHER))
    yield Sample("other bytes were handed out", _entries("OPENING_UNRECORDED", (sealing,), strange), False)


def _recipients(told: bytes) -> Iterator[Sample]:
    """What a delivery point got, against what the ledger says: its head after notification 3 is published in `told`."""
    point = Shown("point", b"44-node")
    three = (point, Shown("counter", number(3)))
    for head, is_shown in ((_OTHER, True), (_HEAD, False)):
        tbs = receipt_tbs(point=PointId("44-node"), n=3, head=head, received_ms=_MS)
        signed = (Shown("head", head), Shown("received", number(_MS)), Shown("signature", sign(BATCH_KEY, tbs)))
        key = _event(1, "KeyRegistered", _key_body(_KEY_ID, purpose="receipt"))
        name = "a region that signed for another head" if is_shown else "a region that signed for the same head"
        yield Sample(name, _entries("RECEIPT_DISAGREES", (key, told), (*three, *signed)), is_shown)
    for held, is_shown in ((2, True), (3, False)):
        missing = (*three, Shown("held", number(held)))
        yield Sample(f"{held} of 3 published", _entries("DELIVERY_MISSING", (told,), missing), is_shown)
    event = _event(8, "KeyRevoked", {"key_id": _KEY_ID, "reason": "COMPROMISED"})
    for held, is_shown in ((1, True), (2, False)):
        missing = (*three, Shown("held", number(held)))
        yield Sample(f"number 3 after number {held}", _entries("DELIVERY_MISSING", (event,), missing), is_shown)
    for entries, counters, name, is_shown in (
        ((event, told), (3, 2), "an entry after a later one", True),
        ((event, told), (2, 3), "two entries in their order", False),
        ((event,), (2, 3), "an entry that came twice", True),
        ((event,), (2, 2), "an entry that came once", False),
    ):
        shown = (point, Shown("counters", b"".join(map(number, counters))))
        yield Sample(name, _entries("DELIVERY_DISORDERED", entries, shown), is_shown)
    for entries, due, held_at, name, is_shown in (
        ((event, told), number(1), number(2), "another entry than was due", True),
        ((event,), number(1), b"", "what was due did not come", True),
        ((event,), b"", number(1), "what was not due came", True),
        ((event,), number(1), number(1), "what was due came", False),
    ):
        wrong = (*three, Shown("due", due), Shown("held", held_at))
        yield Sample(name, _entries("DELIVERY_WRONG", entries, wrong), is_shown)


def _from_genesis(claim: str, entry: bytes) -> EvidenceFile:
    genesis = GenesisEntry(
        origin=LOG.name,
        created_at=_MS - 2 * _SKEW_MS,
        log_key=LOG.verifier.vkey,
        hub_key=_PUBLIC,
        edition=1,
        sandbox=True,
        divisions_hash=_HEAD,
        clock_skew_ms=_SKEW_MS,
    )
    log = SmallLog([encode_genesis(genesis), entry])
    return EvidenceFile(claim, LOG.verifier, (log.note(),), (log.entry(0), log.entry(1)))


def _file(
    claim: str, notes: tuple[bytes, ...], *, leaves: tuple[Placed, ...] = (), shown: tuple[Shown, ...] = ()
) -> EvidenceFile:
    return EvidenceFile(claim, LOG.verifier, notes, leaves=leaves, shown=shown)


def _entries(claim: str, entries: Sequence[bytes], shown: tuple[Shown, ...] = ()) -> EvidenceFile:
    log = SmallLog([b"genesis", *entries, b"end"])
    placed = tuple(log.entry(at) for at in range(1, 1 + len(entries)))
    return EvidenceFile(claim, LOG.verifier, (log.note(),), placed, shown=shown)


def _at(leaf: Placed, index: int) -> Placed:
    return replace(leaf, index=LeafIndex(index))


def _batch_header(seq: int, prev: Hash) -> Batch:
    return Batch("44-node", _an_id(100 + seq), seq, 1, _MS, prev, Hash(bytes([seq]) * 32))


def _behind(batch: Batch, prev: Hash) -> Batch:
    return batch._replace(prev_batch=prev)


def _batch(header: Batch, recorded_ms: int, *, signature: bytes | None = None) -> bytes:
    tbs = encode_tbs(header)
    return encode_batch_entry(BatchEntry(tbs, signature or sign(BATCH_KEY, tbs), _KEY_ID, _MS + recorded_ms, ()))


def _an_id(number: int) -> bytes:
    return uuid7(unix_ms=_MS, entropy=bytes([number]) * 10)


def _heads_body(head: Hash, *, n: int = 3) -> dict[str, Any]:
    return {"heads": [{"point": "44-node", "n": n, "head": head}]}


def _key_body(name: KeyId, *, purpose: str = "batch") -> dict[str, Any]:
    return {"key_id": name, "purpose": purpose, "producer": "44-node", "region": "44", "public_key": _PUBLIC}


@cache
def _registry() -> SchemaRegistry:
    return load_registry()


def _event(number: int, event_type: str, body: Mapping[str, Any], *, sealed: Hash | None = None) -> bytes:
    """An event entry with a header that is well formed and says nothing else."""
    encoded = _registry().encode_body(f"pprd.v1.{event_type}Body", body)
    refs = () if sealed is None else (SealedRef("NP-RES", bytes(32), sealed, 4, (OfficeId("o2345abcd"),)),)
    header = Header(
        event_id=EventId(_an_id(number)),
        schema_id=encoded[2:10],
        event_type=event_type,
        event_class="dir",
        stream_id=StreamId(_an_id(50 + number)),
        stream_seq=0,
        prev_hash=Hash(bytes(32)),
        procedure="HEADS",
        edition=1,
        producer_region=RegionCode("44"),
        producer_office=OfficeId("o1234abcd"),
        counterpart_region=None,
        counterpart_office=None,
        occurred_at=_MS,
        purpose="LEDGER",
        legal_basis="LB-LOG",
        data_class="P0",
        body=encoded,
        sealed=refs,
        correlation_id=None,
        causation_id=None,
        sandbox=True,
    )
    return encode_event_entry(encode_event(header))
