"""Claims that leave no honest explanation: everything in them is signed. No ledger that keeps the rules signed it all.

Each function takes a checked file, gives the sentence of what disagrees, and raises CLAIM_UNPROVED where nothing does.

Source: docs/spec/evidence-file.md; LEDGER 1, 2, 4, 5, 7, 10.
"""

from __future__ import annotations

from contracts.errors import EvidenceError
from contracts.ids import Hash
from contracts.signing import key_id, verify
from ledger.batch import batch_hash
from ledger.case import Case, batch_of, header_of, split_hashes, unproved
from ledger.checkpoint import Checkpoint
from ledger.compact import hash_node
from ledger.entry import GenesisEntry, decode_entry
from ledger.tree import fold_consistency


def two_roots(case: Case) -> str:
    """One size, two roots: the ledger has two histories (fork, rewind, split view)."""
    a, b = case.two_heads()
    if a.size != b.size or a.root == b.root:
        raise unproved(f"sizes {a.size} and {b.size} with roots {a.root.hex()} and {b.root.hex()} may both be true")
    return f"size {a.size} is signed with root {a.root.hex()} and with root {b.root.hex()}"


def prefix_changed(case: Case) -> str:
    """The older tree is not the beginning of the newer one: what the newer one begins with has another root."""
    old, new = case.two_heads()
    if not 0 < old.size < new.size:
        raise unproved("the claim takes an older and a newer checkpoint")
    begins = _root_by_path(case, old, new) if case.shows("path") else _root_by_leaf(case, old, new)
    if begins == old.root:
        raise unproved(f"the tree of {new.size} begins with the tree of {old.size}")
    return f"size {old.size} was signed with root {old.root.hex()}, in the tree of {new.size} it has {begins.hex()}"


def _root_by_leaf(case: Case, old: Checkpoint, new: Checkpoint) -> Hash:
    """The older root in the newer tree, from the last leaf of the older size.

    The left siblings of its path in the newer tree are the subtrees that make up the older one: they fold to its root.
    """
    if len(case.file.leaves) != 1:
        raise unproved("the claim takes one leaf, or shows a path")
    (leaf,) = case.file.leaves
    if leaf.checkpoint != 1 or leaf.index != old.size - 1:
        raise unproved(f"the leaf is not the last one of size {old.size} in the newer tree")
    inner = (leaf.index ^ (new.size - 1)).bit_length()
    folded = Hash(leaf.content)
    for level, sibling in enumerate(leaf.path):
        if level >= inner or leaf.index >> level & 1:
            folded = hash_node(sibling, folded)
    return folded


def _root_by_path(case: Case, old: Checkpoint, new: Checkpoint) -> Hash:
    """The older root in the newer tree, from a consistency proof that leads to the newer root: it proves itself."""
    (path,) = case.shown("path")
    begins, folded = fold_consistency(old.size, new.size, split_hashes(path), old.root)
    if folded != new.root:
        raise unproved(f"the path does not lead to the root of {new.size}")
    return begins


def two_entries(case: Case) -> str:
    """One index, two entries: something that was proved to be recorded was taken away or replaced."""
    case.two_heads()
    leaves = case.file.leaves
    if len(leaves) != 2 or [leaf.checkpoint for leaf in leaves] != [0, 1]:
        raise unproved("the claim takes a leaf under each of two checkpoints")
    a, b = leaves
    if a.index != b.index or a.content == b.content:
        raise unproved("the two leaves do not contradict each other")
    return f"entry {a.index} is {a.content.hex()} and is {b.content.hex()}"


def event_twice(case: Case) -> str:
    """One event stands at two places: it would count twice."""
    a, b = case.entries(2)
    one, two = header_of(a), header_of(b)
    if one.event_id != two.event_id:
        raise unproved("the two events have different ids")
    return f"event {one.event_id.hex()} stands at {a.index} and at {b.index}"


def time_backwards(case: Case) -> str:
    """A batch is said to be recorded before a batch that stands in front of it."""
    a, b = case.entries(2)
    first, second = batch_of(a)[0], batch_of(b)[0]
    if second.recorded_at >= first.recorded_at:
        raise unproved("the later batch was not recorded earlier")
    return f"batch {b.index} is dated {first.recorded_at - second.recorded_at} ms before batch {a.index}"


def recorded_early(case: Case) -> str:
    """A batch is said to be recorded before its producer made it, by more than the ledger's clocks may differ."""
    start, placed = case.entries(2)
    genesis = decode_entry(start.content)
    if start.index != 0 or not isinstance(genesis, GenesisEntry):
        raise unproved("the claim takes the genesis record, which stands at index 0")
    entry, batch = batch_of(placed)
    early_ms = batch.created_ms - entry.recorded_at
    if early_ms <= genesis.clock_skew_ms:
        raise unproved(f"the batch was made {early_ms} ms after it was recorded, clocks may differ that much")
    return f"batch {placed.index} is dated {early_ms} ms before {batch.producer} made it"


def batches_disordered(case: Case) -> str:
    """The batches of a producer stand in another order than it chained them."""
    a, b = case.entries(2)
    (first, one), (_, two) = batch_of(a), batch_of(b)
    follows = two.batch_seq > one.batch_seq
    is_next = two.batch_seq == one.batch_seq + 1
    if one.producer != two.producer or (follows and not (is_next and two.prev_batch != batch_hash(first.tbs))):
        raise unproved("the two batches follow each other or are of different producers")
    return f"batch {two.batch_seq} of {two.producer} at {b.index} does not follow batch {one.batch_seq} at {a.index}"


def batch_forged(case: Case) -> str:
    """A batch stands in the ledger whose signature is not that of its key, which genesis or a `dir` event names."""
    key, placed = case.entries(2)
    entry, _ = batch_of(placed)
    known = decode_entry(key.content)
    if isinstance(known, GenesisEntry):
        if key.index != 0:
            raise unproved("a genesis record stands at index 0")
        public = known.hub_key
        if key_id("hub-events", public) != entry.key_id:
            raise unproved("the batch names another key than the hub's")
    else:
        body = case.body(key, "KeyRegistered", "HubKeyReplaced")
        public = body["public_key"]
        if body["key_id"] != entry.key_id:
            raise unproved("the batch names another key than the registered one")
    try:
        verify(public, entry.signature, entry.tbs)
    except EvidenceError:
        return f"batch {placed.index} is not signed by key {entry.key_id.hex()} that it names"
    raise unproved("the signature of the batch is good")


def key_revoked(case: Case) -> str:
    """A batch was recorded under a key after the ledger itself had recorded that the key is revoked."""
    revoked, placed = case.entries(2)
    entry, batch = batch_of(placed)
    ended = case.body(revoked, "KeyRevoked", "HubKeyReplaced")
    if ended.get("replaced", ended["key_id"]) != entry.key_id:
        raise unproved("another key was revoked")
    return f"batch {placed.index} of {batch.producer} is signed by key {entry.key_id.hex()}, revoked at {revoked.index}"


def two_counts(case: Case) -> str:
    """Two heads were published for one counter of one delivery point, or a count that went back."""
    a, b = case.entries(2)
    first = {row["point"]: row for row in case.body(a, "HeadsPublished")["heads"]}
    for row in case.body(b, "HeadsPublished")["heads"]:
        known = first.get(row["point"])
        if known is None:
            continue
        if row["n"] < known["n"]:
            return f"{row['point']} was sent {known['n']} notifications at {a.index} and only {row['n']} at {b.index}"
        if row["n"] == known["n"] and row["head"] != known["head"]:
            heads = f"{known['head'].hex()} at {a.index} and {row['head'].hex()} at {b.index}"
            return f"{row['point']} {row['n']} has head {heads}"
    raise unproved("no counter has two heads and none went back")
