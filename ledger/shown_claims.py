"""Claims of which a part was only shown: they prove what the ledger signed, and say what it owes an answer to.

Each function takes a checked file, gives the sentence of what disagrees, and raises CLAIM_UNPROVED where nothing does.
What clears the ledger stands in each docstring and in the table of the specification.

Source: docs/spec/evidence-file.md; LEDGER 1, 7, 10.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from contracts.codes import CODES
from contracts.errors import EvidenceError
from contracts.ids import Hash, PointId, is_point_id
from contracts.signing import verify
from ledger.case import Case, counted_hashes, header_of, split_hashes, unproved
from ledger.heads import HEADS_PUBLISHED, receipt_tbs
from ledger.placed import Placed, check_place
from ledger.tree import verify_consistency, verify_range

COUNTER_BYTES: Final = 8
"""Of a counter, an index or a time that is shown: u64 big-endian."""
_ID_BYTES: Final = 16


def ledger_shorter(case: Case) -> str:
    """A head was shown later than a longer one. The ledger clears itself by going on from the longer one."""
    longer, shorter = case.two_heads()
    if shorter.size >= longer.size:
        raise unproved("the later head is not shorter")
    return f"size {longer.size} was signed, size {shorter.size} was shown as the last one after it"


def growth_unproved(case: Case) -> str:
    """A longer head was shown and not proved to extend the earlier one. The ledger clears itself by that proof.

    Shown may be the path that was given; it must not be the proof.
    """
    old, new = case.two_heads()
    if not 0 < old.size < new.size:
        raise unproved("the claim takes an older and a newer checkpoint")
    if not case.shows("path"):
        case.shown()
        return f"size {new.size} was signed after size {old.size}, and no proof was given that it extends it"
    (path,) = case.shown("path")
    try:
        verify_consistency(size1=old.size, size2=new.size, path=split_hashes(path), root1=old.root, root2=new.root)
    except EvidenceError:
        return f"size {new.size} was signed after size {old.size}, and the proof given leads to other roots"
    raise unproved(f"the tree of {new.size} is proved to extend the tree of {old.size}")


def entry_unexplained(case: Case) -> str:
    """An auditor replayed the ledger, and this entry did not follow. The ledger clears itself by a replay that passes.

    Shown is the code of what was found: whoever replays the entries in front of it finds it again.
    """
    (placed,) = case.entries(1)
    (code,) = case.shown("code")
    if CODES.get(code.decode("ascii", "replace")) is None:
        raise unproved("the file does not say by a known code what was found")
    return f"entry {placed.index} is in the ledger and does not follow from those in front of it: {code.decode()}"


def proof_fails(case: Case) -> str:
    """A path was shown that does not lead to the signed root. The ledger clears itself by the path that does."""
    if len(case.file.leaves) != 1:
        raise unproved("the claim takes one leaf")
    (leaf,) = case.file.leaves
    try:
        check_place(leaf, Hash(leaf.content), case.heads)
    except EvidenceError:
        return f"leaf {leaf.content.hex()} was said to be entry {leaf.index} of {case.heads[leaf.checkpoint].size}"
    raise unproved("the path leads to the root")


def range_fails(case: Case) -> str:
    """A receipt was shown whose run does not lead to the signed root. The ledger clears itself by one that does.

    The leaves are those of the run, without paths; `proof` holds the hashes left of it and right of it, as
    u8 count || hashes, twice.
    """
    (proof,) = case.shown("proof")
    left, rest = counted_hashes(proof)
    right, rest = counted_hashes(rest)
    leaves = case.file.leaves
    if rest or not leaves or any(leaf.index != leaves[0].index + at for at, leaf in enumerate(leaves)):
        raise unproved("the claim takes the leaves of one run and its proof")
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
    raise unproved("the run is in the tree")


def head_disagrees(case: Case) -> str:
    """What a point received has another running hash than was published, or than the run said that brought it.

    The entry is the `HeadsPublished` that gives the other head, or the last event of the run, whose head is then shown
    as `told`. The ledger clears itself by the notifications 1 to n; whoever replays it finds who is right.
    """
    (placed,) = case.entries(1)
    if case.shows("point", "counter", "head", "told"):
        point, counter, head, told = case.shown("point", "counter", "head", "told")
        header_of(placed)
        if told == head:
            raise unproved("the two heads are the same")
        which = f"{_name(point)} {_number(counter)}, entry {placed.index}"
        return f"{which}, came with head {told.hex()}, received up to it was {head.hex()}"
    point, counter, head = case.shown("point", "counter", "head")
    published = _published(case, placed).get(_name(point), (0, head))
    if published[0] != _number(counter) or published[1] == head:
        raise unproved("the published heads do not contradict the received one")
    return f"{_name(point)} {published[0]} is published with head {published[1].hex()}, received was {head.hex()}"


def receipt_disagrees(case: Case) -> str:
    """The region signed that it holds another head than the ledger published: both signed, one of them is wrong.

    The entries are the `KeyRegistered` of the key and the `HeadsPublished`. The ledger clears itself by the
    notifications 1 to n that lead to its head, and then it is the region that owes an answer.
    """
    key, placed = case.entries(2)
    point, counter, head, received, signature = case.shown("point", "counter", "head", "received", "signature")
    body = case.body(key, "KeyRegistered")
    if body["purpose"] != "receipt" or body["region"] != _name(point)[:2]:
        raise unproved("the key is not one that signs receipts of the point's region")
    tbs = receipt_tbs(point=PointId(_name(point)), n=_number(counter), head=Hash(head), received_ms=_number(received))
    verify(body["public_key"], signature, tbs)
    published = _published(case, placed).get(_name(point), (0, head))
    if published[0] != _number(counter) or published[1] == head:
        raise unproved("the published heads do not contradict the receipt")
    return f"{_name(point)} {published[0]} is published with head {published[1].hex()}, its region signed {head.hex()}"


def delivery_missing(case: Case) -> str:
    """The ledger counts more notifications of a point than came. It clears itself by those that are missing.

    The entry is a `HeadsPublished`, or an event that came as notification `counter` when only `held` were there and
    those between them were not given.
    """
    (placed,) = case.entries(1)
    point, counter, held = case.shown("point", "counter", "held")
    count = _number(counter)
    if header_of(placed).event_type == HEADS_PUBLISHED:
        count = _published(case, placed).get(_name(point), (0, b""))[0]
        if count != _number(counter):
            raise unproved("the published head counts another number of notifications")
        is_missing = _number(held) < count
    else:
        is_missing = _number(held) + 1 < count
    if not is_missing:
        raise unproved("no notification is missing")
    return f"{_name(point)} was sent {count} notifications by entry {placed.index}, and only {_number(held)} came"


def delivery_disordered(case: Case) -> str:
    """A point got one entry twice, or an entry after a later one. The ledger clears itself by the true notifications.

    Shown are the counters under which the entries came, 8 bytes each: of one entry two, of two entries one each.
    """
    placed = case.entries(1, 2)
    point, counters = case.shown("point", "counters")
    first, second = _number(counters[:8]), _number(counters[8:])
    for one in placed:
        header_of(one)
    if len(placed) == 1:
        if first == second:
            raise unproved("the entry came once")
        return f"{_name(point)} got entry {placed[0].index} as notification {first} and as {second}"
    if first <= second:
        raise unproved("the entries came in the order of the ledger")
    a, b = placed
    return f"{_name(point)} got entry {b.index} as notification {second}, entry {a.index} only after it as {first}"


def delivery_wrong(case: Case) -> str:
    """A point holds another notification than follows from the ledger. A replay that gives that one clears the ledger.

    The entries are what was due and what is held, in the order of the ledger, or the one of them that there is; `due`
    and `held` are their indexes in 8 bytes, empty where nothing was due or nothing is held.
    """
    placed = case.entries(1, 2)
    point, counter, due, held = case.shown("point", "counter", "due", "held")
    for one in placed:
        header_of(one)
    if due == held or sorted(_number(part) for part in (due, held) if part) != [one.index for one in placed]:
        raise unproved("what is held is what was due, or the entries are others")
    was_due = f"entry {_number(due)}" if due else "nothing"
    is_held = f"entry {_number(held)}" if held else "nothing"
    return f"notification {_number(counter)} of {_name(point)} had to be {was_due}, held is {is_held}"


def payload_swapped(case: Case) -> str:
    """Bytes were handed out as a payload that are not those of the recorded hash. Only their hash is in the file."""
    (placed,) = case.entries(1)
    wanted, given = case.shown("wanted", "given")
    if wanted == given or wanted not in {ref.ciphertext_hash for ref in header_of(placed).sealed}:
        raise unproved("the event names no other hash than that of the bytes")
    return f"entry {placed.index} commits to {wanted.hex()}, handed out was {given.hex()}"


def opening_unrecorded(case: Case) -> str:
    """A payload was handed out for a request of which no `AccessRecorded` was shown.

    The ledger clears itself by the entry that records the request, at an index in front of the answer.
    """
    (placed,) = case.entries(1)
    request, given = case.shown("request", "given")
    if len(request) != _ID_BYTES or given not in {ref.ciphertext_hash for ref in header_of(placed).sealed}:
        raise unproved("the event names no payload with the hash of what was handed out")
    return f"entry {placed.index}: {given.hex()} was handed out, request {request.hex()} was not shown as recorded"


def _published(case: Case, placed: Placed) -> Mapping[str, tuple[int, bytes]]:
    """Counter and head of each point in a `HeadsPublished`."""
    return {row["point"]: (row["n"], row["head"]) for row in case.body(placed, HEADS_PUBLISHED)["heads"]}


def _name(point: bytes) -> str:
    name = point.decode("ascii", "replace")
    if not is_point_id(name):
        raise unproved("what is shown names no delivery point")
    return name


def _number(data: bytes) -> int:
    if len(data) != COUNTER_BYTES:
        raise unproved(f"a number has {COUNTER_BYTES} bytes, not {len(data)}")
    return int.from_bytes(data, "big")
