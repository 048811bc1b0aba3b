"""What an evidence pack proves: that one event is recorded, who signed it, and that all heads in it are of one ledger.

Nothing is asked of a hub. Whose signatures count is a policy, and whoever judges brings his own or compares the keys of
the one in the pack. Rules kept here: sizes come from verified checkpoints only; the event is where its batch entry puts
it, under the root that its producer signed; the producer's key stands in the ledger before the batch. Not here: that
the key was not revoked in between and that the procedure allowed the event, which only an audit can tell; the form of a
pack (`ledger.pack`); how one is made (`hub.pack_making`).

Source: docs/spec/evidence-pack.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from contracts.errors import EvidenceError
from contracts.event import Header, decode_event
from contracts.event import leaf_hash as event_leaf
from contracts.ids import HUB_PRODUCER, Hash, LeafIndex
from contracts.signing import check_public_key, key_id, verify
from hub.hub_keys import HUB_KEY_REPLACED, follows_tbs
from hub.receipt_file import ProvedEntry, verify_receipt_file
from ledger.batch import Batch, decode_tbs
from ledger.checkpoint import Checkpoint
from ledger.entry import BatchEntry, EventEntry, GenesisEntry, decode_entry
from ledger.pack import EvidencePack
from ledger.placed import Placed, check_place
from ledger.policy import Policy, Witnessed
from ledger.proof import parse_proof
from ledger.receipt import accepted_positions
from ledger.tree import hash_leaf, verify_consistency, verify_inclusion

BodyReader = Callable[[bytes], Mapping[str, Any]]
"""Decodes the body of an event."""
EndOf = Callable[[Header, Mapping[str, Any]], bytes | None]
"""Given an event and its body: the stream or the event whose content it destroyed; None if it destroyed nothing."""


@dataclass(frozen=True, slots=True)
class ProvedPack:
    """What a pack proves.

    Attributes:
        proved: The event's own entry under its checkpoint.
        header: Of the event.
        body: Its decoded body.
        batch: What the producer signed.
        batch_entry: With the time of recording.
        producer_key: Ed25519 public key of the producer, 32 bytes.
        heads: Every checkpoint of the pack, sizes ascending.
        ends: Index and event type of what destroyed content of the event.
    """

    proved: ProvedEntry
    header: Header
    body: Mapping[str, Any]
    batch: Batch
    batch_entry: BatchEntry
    producer_key: bytes
    heads: tuple[Witnessed, ...]
    ends: tuple[tuple[LeafIndex, str], ...]


def verify_pack(pack: EvidencePack, policy: Policy, *, read_body: BodyReader, end_of: EndOf) -> ProvedPack:
    """Check a pack under a policy.

    Args:
        pack: What `parse_pack` gave.
        policy: Whose signatures count, from a source that is not the pack.
        read_body: Decodes bodies of events.
        end_of: Says what an event destroyed.

    Raises:
        ContractError: A part has a wrong form.
        EvidenceError: SIGNATURE_INVALID, CHECKPOINT_INVALID, INCLUSION_INVALID, CONSISTENCY_INVALID; RECEIPT_INVALID:
            a part belongs to another event, batch, key or ledger.
    """
    proved = verify_receipt_file(pack.receipt, policy)
    header = proved.header
    if header is None:
        raise _other(f"entry {proved.index} is no event")
    heads = _chain(pack, policy)
    checkpoints = [head.checkpoint for head in heads]
    for _, part in pack.entries:
        check_place(part, hash_leaf(part.content), checkpoints)
    genesis = _genesis(pack.genesis, proved.checkpoint)
    batch, entry = _batch(pack, proved)
    public = _producer_key(pack, batch, entry, genesis, read_body)
    verify(public, entry.signature, entry.tbs)
    ends = tuple(_end(part, proved, header, read_body, end_of) for part in pack.ends)
    return ProvedPack(proved, header, read_body(header.body), batch, entry, public, heads, ends)


def _chain(pack: EvidencePack, policy: Policy) -> tuple[Witnessed, ...]:
    """Every checkpoint is signed, each is the beginning of the next, and the receipt's is among them."""
    heads = tuple(policy.verify(one.note) for one in pack.checkpoints)
    for (old, new), one in zip(pairwise(head.checkpoint for head in heads), pack.checkpoints[1:], strict=True):
        if old.origin != new.origin or old.size >= new.size:
            raise EvidenceError("CONSISTENCY_INVALID", f"size {new.size} of {new.origin!r} does not follow {old.size}")
        verify_consistency(size1=old.size, size2=new.size, path=one.path, root1=old.root, root2=new.root)
    if parse_proof(pack.receipt).checkpoint not in [one.note for one in pack.checkpoints]:
        raise _other("the receipt's checkpoint is not among those of the pack")
    return heads


def _genesis(part: Placed, checkpoint: Checkpoint) -> GenesisEntry:
    entry = decode_entry(part.content)
    if part.index != 0 or not isinstance(entry, GenesisEntry) or entry.origin != checkpoint.origin:
        raise _other(f"entry {part.index} is not the beginning of {checkpoint.origin!r}")
    return entry


def _batch(pack: EvidencePack, proved: ProvedEntry) -> tuple[Batch, BatchEntry]:
    """The event is the entry that its batch entry puts there, and a leaf under the root that was signed."""
    entry = decode_entry(pack.batch.content)
    event = decode_entry(proved.entry)
    if not isinstance(entry, BatchEntry) or not isinstance(event, EventEntry):
        raise _other(f"entry {pack.batch.index} is no batch")
    batch = decode_tbs(entry.tbs)
    accepted = accepted_positions(entry)
    behind = proved.index - pack.batch.index - 1
    if not 0 <= behind < len(accepted) or accepted[behind] != pack.position:
        raise _other(f"entry {proved.index} is not at {pack.position} of the batch of entry {pack.batch.index}")
    verify_inclusion(
        leaf_hash=event_leaf(event.event),
        leaf_index=pack.position,
        tree_size=batch.n,
        path=pack.place,
        root=batch.root,
    )
    return batch, entry


def _producer_key(
    pack: EvidencePack, batch: Batch, entry: BatchEntry, genesis: GenesisEntry, read_body: BodyReader
) -> bytes:
    """The key that signed: the hub's first one from the genesis entry, any other from the event that registered it."""
    purpose = "hub-events" if batch.producer == HUB_PRODUCER else "batch"
    if purpose == "hub-events" and pack.key is None:
        public = genesis.hub_key
    else:
        public = _registered(pack, batch, purpose, read_body)
    if key_id(purpose, public) != entry.key_id:
        raise _other(f"the batch names key {entry.key_id.hex()}")
    check_public_key(public)
    return public


def _registered(pack: EvidencePack, batch: Batch, purpose: str, read_body: BodyReader) -> bytes:
    entry = None if pack.key is None else decode_entry(pack.key.content)
    if pack.key is None or not isinstance(entry, EventEntry) or pack.key.index >= pack.batch.index:
        raise _other("no event before the batch registers its key")
    header = decode_event(entry.event)
    body = read_body(header.body) if header.event_type in ("KeyRegistered", HUB_KEY_REPLACED) else {}
    if header.event_type == HUB_KEY_REPLACED:
        registered = ("hub-events", str(HUB_PRODUCER))
        verify(body["public_key"], body["signature"], follows_tbs(body["replaced"], body["public_key"]))
    else:
        registered = (body.get("purpose", ""), body.get("producer", ""))
    if registered != (purpose, batch.producer):
        raise _other(f"entry {pack.key.index} registers no key of {batch.producer} for batches")
    return Hash(body["public_key"])


def _end(
    part: Placed, proved: ProvedEntry, header: Header, read_body: BodyReader, end_of: EndOf
) -> tuple[LeafIndex, str]:
    entry = decode_entry(part.content)
    if part.index <= proved.index or not isinstance(entry, EventEntry):
        raise _other(f"entry {part.index} is no event after entry {proved.index}")
    end = decode_event(entry.event)
    if end_of(end, read_body(end.body)) not in (header.stream_id, header.event_id):
        raise _other(f"entry {part.index} destroyed nothing of this event")
    return part.index, end.event_type


def _other(message: str) -> EvidenceError:
    return EvidenceError("RECEIPT_INVALID", message)
