"""What an evidence file proves: the claims, each with the rule that it shows to be broken.

A claim is *conclusive* when everything in it is signed: no ledger that keeps the rules can have signed it. It is *open*
when a part of it was only shown: the file then proves what the ledger signed and says what it owes an answer to; it
clears itself by showing the true thing, which the table of docs/spec/evidence-file.md names.

Checking is pure and needs the file, the ledger's key from a source of one's own, and the schemas of the bodies.

Source: docs/spec/evidence-file.md; LEDGER 1, 2, 4, 5, 7, 10.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from contracts.errors import ContractError, EvidenceError
from contracts.event import Header, decode_event
from contracts.ids import Hash
from contracts.signing import key_id, verify
from ledger.batch import Batch, batch_hash, decode_tbs
from ledger.checkpoint import Checkpoint, parse_checkpoint
from ledger.compact import hash_leaf, hash_node
from ledger.entry import BatchEntry, EventEntry, GenesisEntry, decode_entry
from ledger.evidence_file import EvidenceFile, Placed
from ledger.note import NoteVerifier
from ledger.tree import verify_inclusion, verify_range

_ID_BYTES: Final = 16
BodyReader = Callable[[bytes], Mapping[str, Any]]
"""Decodes the body of an event."""


class Finding(NamedTuple):
    """What a checked evidence file shows.

    Attributes:
        claim: Its name.
        is_conclusive: True if no honest ledger can have signed it; False if the ledger owes an answer.
        origin: Which ledger.
        sentence: What disagrees, in values.
    """

    claim: str
    is_conclusive: bool
    origin: str
    sentence: str


class _Case(NamedTuple):
    """An evidence file whose checkpoints and paths were checked."""

    file: EvidenceFile
    heads: tuple[Checkpoint, ...]
    read_body: BodyReader

    def two_heads(self) -> tuple[Checkpoint, Checkpoint]:
        if len(self.heads) != 2:
            raise _unproved(f"the claim takes two checkpoints, not {len(self.heads)}")
        return self.heads[0], self.heads[1]

    def entries(self, count: int) -> tuple[Placed, ...]:
        placed = self.file.entries
        if len(placed) != count or any(a.index >= b.index for a, b in pairwise(placed)):
            raise _unproved(f"the claim takes {count} entries in the order of the ledger, not {len(placed)}")
        return placed

    def shown(self, *names: str) -> tuple[bytes, ...]:
        if tuple(item.name for item in self.file.shown) != names:
            raise _unproved(f"the claim shows {', '.join(names)}")
        return tuple(item.content for item in self.file.shown)


def verify_evidence(evidence: EvidenceFile, *, log: NoteVerifier, read_body: BodyReader) -> Finding:
    """Check that an evidence file shows what it claims.

    Args:
        evidence: What `parse_evidence` gave.
        log: The ledger's key, from a source that is not the file.
        read_body: Decodes bodies of events.

    Raises:
        ContractError: A part has a wrong form.
        EvidenceError: CLAIM_UNPROVED: the file does not show it, is about another ledger, or knows no such claim;
            SIGNATURE_INVALID, CHECKPOINT_INVALID or INCLUSION_INVALID: a part does not hold.
    """
    rule = _CLAIMS.get(evidence.claim)
    if rule is None:
        raise _unproved(f"no claim is called {evidence.claim}")
    if evidence.log != log:
        raise _unproved(f"the file is about {evidence.log.vkey}, asked was {log.vkey}")
    heads = tuple(parse_checkpoint(note, log) for note in evidence.checkpoints)
    if not heads:
        raise _unproved("the file holds no checkpoint of the ledger")
    for part in evidence.entries:
        _check_place(part, hash_leaf(part.content), heads)
    if evidence.claim not in ("PROOF_FAILS", "RANGE_FAILS"):
        for part in evidence.leaves:
            _check_place(part, Hash(part.content), heads)
    sentence = rule.check(_Case(evidence, heads, read_body))
    return Finding(evidence.claim, rule.is_conclusive, log.name, sentence)


def is_conclusive(claim: str) -> bool:
    """Say whether a claim, when it is shown, leaves no honest explanation."""
    return _CLAIMS[claim].is_conclusive


def _check_place(part: Placed, leaf: Hash, heads: tuple[Checkpoint, ...]) -> None:
    head = heads[part.checkpoint]
    verify_inclusion(leaf_hash=leaf, leaf_index=part.index, tree_size=head.size, path=part.path, root=head.root)


# -- conclusive: everything is signed


def _two_roots(case: _Case) -> str:
    """One size, two roots: the ledger has two histories (fork, rewind, split view)."""
    a, b = case.two_heads()
    if a.size != b.size or a.root == b.root:
        raise _unproved(f"sizes {a.size} and {b.size} with roots {a.root.hex()} and {b.root.hex()} may both be true")
    return f"size {a.size} is signed with root {a.root.hex()} and with root {b.root.hex()}"


def _prefix_changed(case: _Case) -> str:
    """The older tree is not the beginning of the newer one.

    The leaf is the last one of the older size, with its path in the newer tree: its left siblings are the subtrees that
    make up the older tree, so they fold to the root that the older tree would have had.
    """
    old, new = case.two_heads()
    if len(case.file.leaves) != 1 or not 0 < old.size < new.size:
        raise _unproved("the claim takes an older and a newer checkpoint and one leaf")
    (leaf,) = case.file.leaves
    if leaf.checkpoint != 1 or leaf.index != old.size - 1:
        raise _unproved(f"the leaf is not the last one of size {old.size} in the newer tree")
    inner = (leaf.index ^ (new.size - 1)).bit_length()
    folded = Hash(leaf.content)
    for level, sibling in enumerate(leaf.path):
        if level >= inner or leaf.index >> level & 1:
            folded = hash_node(sibling, folded)
    if folded == old.root:
        raise _unproved(f"the tree of {new.size} begins with the tree of {old.size}")
    return f"size {old.size} was signed with root {old.root.hex()}, in the tree of {new.size} it has {folded.hex()}"


def _two_entries(case: _Case) -> str:
    """One index, two entries: something that was proved to be recorded was taken away or replaced."""
    case.two_heads()
    leaves = case.file.leaves
    if len(leaves) != 2 or [leaf.checkpoint for leaf in leaves] != [0, 1]:
        raise _unproved("the claim takes a leaf under each of two checkpoints")
    a, b = leaves
    if a.index != b.index or a.content == b.content:
        raise _unproved("the two leaves do not contradict each other")
    return f"entry {a.index} is {a.content.hex()} and is {b.content.hex()}"


def _event_twice(case: _Case) -> str:
    """One event stands at two places: it would count twice."""
    a, b = case.entries(2)
    one, two = _header(a), _header(b)
    if one.event_id != two.event_id:
        raise _unproved("the two events have different ids")
    return f"event {one.event_id.hex()} stands at {a.index} and at {b.index}"


def _time_backwards(case: _Case) -> str:
    """A batch is said to be recorded before a batch that stands in front of it."""
    a, b = case.entries(2)
    first, second = _batch(a)[0], _batch(b)[0]
    if second.recorded_at >= first.recorded_at:
        raise _unproved("the later batch was not recorded earlier")
    return f"batch {b.index} is dated {first.recorded_at - second.recorded_at} ms before batch {a.index}"


def _batches_disordered(case: _Case) -> str:
    """The batches of a producer stand in another order than it chained them."""
    a, b = case.entries(2)
    (first, one), (_, two) = _batch(a), _batch(b)
    follows = two.batch_seq > one.batch_seq
    is_next = two.batch_seq == one.batch_seq + 1
    if one.producer != two.producer or (follows and not (is_next and two.prev_batch != batch_hash(first.tbs))):
        raise _unproved("the two batches follow each other or are of different producers")
    return f"batch {two.batch_seq} of {two.producer} at {b.index} does not follow batch {one.batch_seq} at {a.index}"


def _batch_forged(case: _Case) -> str:
    """A batch stands in the ledger whose signature is not that of its key; genesis or `KeyRegistered` names the key."""
    key, placed = case.entries(2)
    entry, _ = _batch(placed)
    known = decode_entry(key.content)
    if isinstance(known, GenesisEntry):
        if key.index != 0:
            raise _unproved("a genesis record stands at index 0")
        public = known.hub_key
        if key_id("hub-events", public) != entry.key_id:
            raise _unproved("the batch names another key than the hub's")
    else:
        body = _body(case, key, "KeyRegistered")
        public = body["public_key"]
        if body["key_id"] != entry.key_id:
            raise _unproved("the batch names another key than the registered one")
    try:
        verify(public, entry.signature, entry.tbs)
    except EvidenceError:
        return f"batch {placed.index} is not signed by key {entry.key_id.hex()} that it names"
    raise _unproved("the signature of the batch is good")


def _key_revoked(case: _Case) -> str:
    """A batch was recorded under a key after the ledger itself had recorded that the key is revoked."""
    revoked, placed = case.entries(2)
    entry, batch = _batch(placed)
    if _body(case, revoked, "KeyRevoked")["key_id"] != entry.key_id:
        raise _unproved("another key was revoked")
    return f"batch {placed.index} of {batch.producer} is signed by key {entry.key_id.hex()}, revoked at {revoked.index}"


def _two_counts(case: _Case) -> str:
    """Two heads were published for one counter of one delivery point."""
    a, b = case.entries(2)
    first = {(row["point"], row["n"]): row["head"] for row in _body(case, a, "HeadsPublished")["heads"]}
    for row in _body(case, b, "HeadsPublished")["heads"]:
        known = first.get((row["point"], row["n"]))
        if known is not None and known != row["head"]:
            return f"{row['point']} {row['n']} has head {known.hex()} at {a.index} and {row['head'].hex()} at {b.index}"
    raise _unproved("no counter has two heads")


# -- open: a part was only shown


def _ledger_shorter(case: _Case) -> str:
    """A head was shown later than a longer one. The ledger clears itself by going on from the longer one."""
    longer, shorter = case.two_heads()
    if shorter.size >= longer.size:
        raise _unproved("the later head is not shorter")
    return f"size {longer.size} was signed, size {shorter.size} was shown as the last one after it"


def _proof_fails(case: _Case) -> str:
    """A path was shown that does not lead to the signed root. The ledger clears itself by the path that does."""
    if len(case.file.leaves) != 1:
        raise _unproved("the claim takes one leaf")
    (leaf,) = case.file.leaves
    try:
        _check_place(leaf, Hash(leaf.content), case.heads)
    except EvidenceError:
        return f"leaf {leaf.content.hex()} was said to be entry {leaf.index} of {case.heads[leaf.checkpoint].size}"
    raise _unproved("the path leads to the root")


def _range_fails(case: _Case) -> str:
    """A receipt was shown whose run does not lead to the signed root. The ledger clears itself by one that does.

    The leaves are those of the run, without paths; `proof` holds the hashes left of it and right of it, as
    u8 count || hashes, twice.
    """
    (proof,) = case.shown("proof")
    left, rest = _hashes(proof)
    right, rest = _hashes(rest)
    leaves = case.file.leaves
    if rest or not leaves or any(leaf.index != leaves[0].index + at for at, leaf in enumerate(leaves)):
        raise _unproved("the claim takes the leaves of one run and its proof")
    head = case.heads[leaves[0].checkpoint]
    start = leaves[0].index
    try:
        verify_range(
            start=start,
            end=start + len(leaves),
            leaf_hashes=[Hash(leaf.content) for leaf in leaves],
            tree_size=head.size,
            left=left,
            right=right,
            root=head.root,
        )
    except EvidenceError:
        return f"the run [{start}, {start + len(leaves)}) was said to be in the tree of {head.size}"
    raise _unproved("the run is in the tree")


def _head_disagrees(case: _Case) -> str:
    """The published head of a point is not the one that its notifications lead to.

    The ledger clears itself by the notifications 1 to n; whoever replays it finds who is right.
    """
    (placed,) = case.entries(1)
    point, counter, head = case.shown("point", "counter", "head")
    n = int.from_bytes(counter, "big")
    for row in _body(case, placed, "HeadsPublished")["heads"]:
        if (row["point"].encode(), row["n"]) == (point, n) and row["head"] != head:
            return f"{row['point']} {n} is published with head {row['head'].hex()}, received was {head.hex()}"
    raise _unproved("the published heads do not contradict the received one")


def _payload_swapped(case: _Case) -> str:
    """Bytes were handed out as a payload that are not those of the recorded hash. Only their hash is in the file."""
    (placed,) = case.entries(1)
    wanted, given = case.shown("wanted", "given")
    if wanted == given or wanted not in {ref.ciphertext_hash for ref in _header(placed).sealed}:
        raise _unproved("the event names no other hash than that of the bytes")
    return f"entry {placed.index} commits to {wanted.hex()}, handed out was {given.hex()}"


def _opening_unrecorded(case: _Case) -> str:
    """A payload was handed out for a request of which no `AccessRecorded` was shown.

    The ledger clears itself by the entry that records the request, at an index in front of the answer.
    """
    (placed,) = case.entries(1)
    request, given = case.shown("request", "given")
    if len(request) != _ID_BYTES or given not in {ref.ciphertext_hash for ref in _header(placed).sealed}:
        raise _unproved("the event names no payload with the hash of what was handed out")
    return f"entry {placed.index}: {given.hex()} was handed out, request {request.hex()} was not shown as recorded"


class _Rule(NamedTuple):
    is_conclusive: bool
    check: Callable[[_Case], str]


_CLAIMS: Final[Mapping[str, _Rule]] = MappingProxyType(
    {
        "TWO_ROOTS": _Rule(True, _two_roots),
        "PREFIX_CHANGED": _Rule(True, _prefix_changed),
        "TWO_ENTRIES": _Rule(True, _two_entries),
        "EVENT_TWICE": _Rule(True, _event_twice),
        "TIME_BACKWARDS": _Rule(True, _time_backwards),
        "BATCHES_DISORDERED": _Rule(True, _batches_disordered),
        "BATCH_FORGED": _Rule(True, _batch_forged),
        "KEY_REVOKED": _Rule(True, _key_revoked),
        "TWO_COUNTS": _Rule(True, _two_counts),
        "LEDGER_SHORTER": _Rule(False, _ledger_shorter),
        "PROOF_FAILS": _Rule(False, _proof_fails),
        "RANGE_FAILS": _Rule(False, _range_fails),
        "HEAD_DISAGREES": _Rule(False, _head_disagrees),
        "PAYLOAD_SWAPPED": _Rule(False, _payload_swapped),
        "OPENING_UNRECORDED": _Rule(False, _opening_unrecorded),
    }
)
CLAIMS: Final = tuple(_CLAIMS)
"""Names of all claims, the conclusive ones first."""


def _header(placed: Placed) -> Header:
    entry = decode_entry(placed.content)
    if not isinstance(entry, EventEntry):
        raise _unproved(f"entry {placed.index} is no event")
    return decode_event(entry.event)


def _body(case: _Case, placed: Placed, event_type: str) -> Mapping[str, Any]:
    header = _header(placed)
    if header.event_type != event_type:
        raise _unproved(f"entry {placed.index} is {header.event_type}, not {event_type}")
    return case.read_body(header.body)


def _batch(placed: Placed) -> tuple[BatchEntry, Batch]:
    entry = decode_entry(placed.content)
    if not isinstance(entry, BatchEntry):
        raise _unproved(f"entry {placed.index} is no batch")
    return entry, decode_tbs(entry.tbs)


def _hashes(data: bytes) -> tuple[list[Hash], bytes]:
    count = data[0] if data else -1
    end = 1 + 32 * count
    if count < 0 or len(data) < end:
        raise ContractError("EVIDENCE_MALFORMED", "the hashes of a proof are cut short")
    return [Hash(data[at : at + 32]) for at in range(1, end, 32)], data[end:]


def _unproved(message: str) -> EvidenceError:
    return EvidenceError("CLAIM_UNPROVED", message)
