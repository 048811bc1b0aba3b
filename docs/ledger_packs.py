"""Evidence packs for the published vectors: good ones, and for each check of a reader some that it refuses.

A ledger of eight made-up entries: its beginning, a registered key, a batch of which one event was refused, and the
end of what that batch had sealed. Ledgers that lie are signed here too, so that each check is the only one that can
see it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.errors import ExchangeError
from contracts.event import Header, SealedRef, decode_event, encode_event
from contracts.event import leaf_hash as event_leaf
from contracts.ids import EventId, Hash, KeyId, LeafIndex, OfficeId, RegionCode, StreamId, TreeSize, uuid7
from contracts.schema import load_registry
from contracts.signing import key_id, sign
from docs.ledger_parties import BATCH_KEY, LOG, SECONDS, WITNESS
from hub.pack_making import make_pack
from hub.submission import EventReceipt
from ledger.batch import NO_BATCH, Batch, encode_tbs
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.entry import (
    BatchEntry,
    EventEntry,
    GenesisEntry,
    Refused,
    decode_entry,
    encode_batch_entry,
    encode_event_entry,
    encode_genesis,
)
from ledger.note import NoteSigner, add_lines
from ledger.pack import EvidencePack, Linked, format_pack
from ledger.placed import Placed
from ledger.proof import format_proof, parse_proof
from ledger.tree import CompactRange, appended_node_reader, hash_leaf, prove_consistency, prove_inclusion, root_of

_MS: Final = 1_767_225_600_000
_HUB_KEY: Final = Ed25519PrivateKey.from_private_bytes((3).to_bytes(32, "big"))
_STRANGER: Final = NoteSigner(LOG.name, Ed25519PrivateKey.from_private_bytes((4).to_bytes(32, "big")))
POLICY: Final = f"log {LOG.verifier.vkey}\nwitness a {WITNESS.verifier.vkey}\nquorum a\n".encode()
"""The ledger's key, and one witness that must have signed."""
ALONE: Final = f"log {LOG.verifier.vkey}\nquorum none\n".encode()
"""The ledger's key, and no witness."""


class PackSample(NamedTuple):
    """The text of a pack and what is to come of it.

    Attributes:
        name: What it is; of a refused one its defect.
        pack: Its text.
        check: The first check that refuses it; None if all pass.
    """

    name: str
    pack: bytes
    check: str | None


@dataclass(frozen=True)
class PackLog:
    """A ledger of a few entries, asked as `hub.pack_making` asks.

    Attributes:
        all_entries: Bytes of all entries.
        signer: Who signs its checkpoints.
    """

    all_entries: Sequence[bytes]
    signer: NoteSigner = LOG

    def note(self, size: int, *, is_cosigned: bool = True) -> bytes:
        """The signed checkpoint of a size."""
        leaves = [hash_leaf(entry) for entry in self.all_entries[:size]]
        checkpoint = Checkpoint(self.signer.name, TreeSize(size), root_of(leaves))
        note = sign_checkpoint(checkpoint, self.signer)
        return add_lines(note, [WITNESS.line(checkpoint.text(), seconds=SECONDS)]) if is_cosigned else note

    def receipt(self, event_id: bytes) -> EventReceipt:
        """See `PackSource`: under the checkpoint of six entries."""
        at = next(index for index, event in self._events() if decode_event(event).event_id == event_id)
        return EventReceipt(self.all_entries[at], at, self.inclusion(at, TreeSize(6)), self.note(6))

    def entries(self, start: LeafIndex, end: LeafIndex) -> Sequence[bytes]:
        """See `PackSource`."""
        return self.all_entries[start:end]

    def inclusion(self, index: LeafIndex, size: TreeSize) -> tuple[Hash, ...]:
        """See `PackSource`."""
        leaves = [hash_leaf(entry) for entry in self.all_entries[:size]]
        return tuple(prove_inclusion(appended_node_reader(CompactRange(), leaves), index, size))

    def consistency(self, size1: TreeSize, size2: TreeSize) -> tuple[Hash, ...]:
        """See `PackSource`."""
        leaves = [hash_leaf(entry) for entry in self.all_entries[:size2]]
        return tuple(prove_consistency(appended_node_reader(CompactRange(), leaves), size1, size2))

    def directory_events(self) -> Iterator[tuple[LeafIndex, bytes]]:
        """See `PackSource`."""
        return self._events()

    def ends(self, stream_id: bytes, after: LeafIndex) -> Sequence[LeafIndex]:
        """See `PackSource`."""
        found = [at for at, event in self._events() if decode_event(event).event_type == "ContentEnded"]
        return [at for at in found if at > after]

    def _events(self) -> Iterator[tuple[LeafIndex, bytes]]:
        for at, data in enumerate(self.all_entries):
            if isinstance(entry := decode_entry(data), EventEntry):
                yield LeafIndex(at), entry.event


def pack_samples() -> Iterator[PackSample]:
    """All of them, good ones first."""
    yield from _good()
    for name, check, pack in _wrong():
        yield PackSample(name, format_pack(pack), check)
    yield from _misformed()


# -- the ledger


def _an_id(number: int) -> bytes:
    return uuid7(unix_ms=_MS + number, entropy=bytes((number,)) * 10)


SENT: Final = EventId(_an_id(13))
"""The event of the packs: the third of its batch, the second that was accepted."""


def _event(
    number: int, event_type: str, body: Mapping[str, Any], *, procedure: str, region: str = "44", stream: int = 0
) -> bytes:
    encoded = load_registry().encode_body(f"pprd.v1.{event_type}Body", body)
    is_sealed = event_type == "ResidenceNoticeSent"
    refs = (SealedRef("NP-RES", bytes(32), Hash(b"\x11" * 32), 4, (OfficeId("o2345abcd"),)),) if is_sealed else ()
    return encode_event(
        Header(
            event_id=EventId(_an_id(number)),
            schema_id=encoded[2:10],
            event_type=event_type,
            event_class="std" if is_sealed else "dir",
            stream_id=StreamId(_an_id(stream or 50 + number)),
            stream_seq=0,
            prev_hash=Hash(bytes(32)),
            procedure=procedure,
            edition=1,
            producer_region=RegionCode(region),
            producer_office=OfficeId("o00000000" if region == "00" else "o1234abcd"),
            counterpart_region=RegionCode("45") if is_sealed else None,
            counterpart_office=OfficeId("o2345abcd") if is_sealed else None,
            occurred_at=_MS,
            purpose="RESIDENCE_NOTICE" if is_sealed else "LEDGER",
            legal_basis="LB-RES-07" if is_sealed else "LB-LOG",
            data_class="P2" if is_sealed else "P0",
            body=encoded,
            sealed=refs,
            correlation_id=None,
            causation_id=None,
            sandbox=True,
        )
    )


def _public(private: Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes_raw()


def _batch(
    producer: str,
    events: Sequence[bytes],
    private: Ed25519PrivateKey,
    *,
    refused: Sequence[int] = (),
    is_bad: bool = False,
) -> list[bytes]:
    """The entries that a batch makes."""
    leaves = [event_leaf(event) for event in events]
    tbs = encode_tbs(Batch(producer, _an_id(40), 0, len(events), _MS, NO_BATCH, root_of(leaves)))
    purpose = "hub-events" if producer == "00-hub" else "batch"
    rows = tuple(Refused(at, leaves[at], "EVENT_MALFORMED") for at in refused)
    signature = bytes(64) if is_bad else sign(private, tbs)
    name = KeyId(key_id(purpose, _public(private)))
    accepted = [encode_event_entry(event) for at, event in enumerate(events) if at not in refused]
    return [encode_batch_entry(BatchEntry(tbs, signature, name, _MS + 1, rows)), *accepted]


def _registered(private: Ed25519PrivateKey = BATCH_KEY, **changes: str | bytes) -> list[bytes]:
    public = _public(private)
    body: dict[str, str | bytes] = {"key_id": key_id("batch", public), "public_key": public}
    body |= {"purpose": "batch", "producer": "44-node", "region": "44"} | changes
    return _batch("00-hub", [_event(10, "KeyRegistered", body, procedure="DIRECTORY", region="00")], _HUB_KEY)


def _sent(*, is_bad: bool = False) -> list[bytes]:
    events = [_event(at, "ResidenceNoticeSent", {}, procedure="RESIDENCE_NOTIFICATION") for at in (11, 12, 13)]
    return _batch("44-node", events, BATCH_KEY, refused=(1,), is_bad=is_bad)


def _ended(target: int = 63) -> list[bytes]:
    body = {"target": _an_id(target), "due_ms": _MS}
    return _batch("00-hub", [_event(14, "ContentEnded", body, procedure="CONTENT_END", region="00")], _HUB_KEY)


def _genesis(origin: str = LOG.name) -> bytes:
    key = _public(_HUB_KEY)
    return encode_genesis(GenesisEntry(origin, _MS, LOG.verifier.vkey, key, 1, True, Hash(bytes(32)), 300_000))


def _log(
    *,
    genesis: bytes | None = None,
    registered: list[bytes] | None = None,
    sent: list[bytes] | None = None,
    ended: list[bytes] | None = None,
) -> PackLog:
    return PackLog(
        [
            genesis or _genesis(),
            *(registered or _registered()),
            *(sent or _sent()),
            *(ended or _ended()),
        ]
    )


def read_body(body: bytes) -> Mapping[str, Any]:
    """The value of an event's body."""
    return load_registry().decode_body(body)[1]


def _made(
    log: PackLog, *, event_id: bytes = SENT, sizes: Sequence[int] = (3, 8), policy: bytes = POLICY
) -> EvidencePack:
    heads = [log.note(size) for size in sizes]
    return make_pack(log, event_id, policy=policy, heads=heads, read_body=read_body)


@cache
def good_pack() -> EvidencePack:
    """The pack that the refused ones are made from: three checkpoints, a key, the end of the content."""
    return _made(_log())


# -- packs


def _good() -> Iterator[PackSample]:
    log = _log()
    yield PackSample("an event with what it rests on and its end", format_pack(good_pack()), None)
    yield PackSample("the receipt's checkpoint alone", format_pack(_made(log, sizes=())), None)
    yield PackSample("a policy without witnesses", format_pack(_made(log, policy=ALONE)), None)
    hub_made = _made(log, event_id=_an_id(10), sizes=(8,))
    yield PackSample("an event that the hub made", format_pack(hub_made), None)


def _wrong() -> Iterator[tuple[str, str, EvidencePack]]:
    pack = good_pack()
    yield "the key id in the policy is another", "policy", replace(pack, policy=POLICY.replace(b"+", b"+0", 1))
    yield "the policy has no quorum", "policy", replace(pack, policy=POLICY.rpartition(b"quorum")[0])
    yield from _wrong_receipts(pack)
    yield from _wrong_chains(pack)
    yield from _wrong_entries(pack)
    yield from _lies()


def _wrong_receipts(pack: EvidencePack) -> Iterator[tuple[str, str, EvidencePack]]:
    proof = parse_proof(pack.receipt)

    def receipt(**changes: Any) -> EvidencePack:
        return replace(pack, receipt=format_proof(replace(proof, **changes)))

    def text(old: bytes, new: bytes) -> EvidencePack:
        return replace(pack, receipt=pack.receipt.replace(old, new))

    yield "the receipt carries no entry", "receipt", receipt(extra=None)
    yield "the receipt's index has a leading zero", "receipt", text(b"index 5", b"index 05")
    yield "the receipt is of a batch", "event", receipt(index=LeafIndex(3), extra=_log().all_entries[3])
    yield "a byte of the event is another", "inclusion", receipt(extra=_flipped(proof.extra or b"", 300))
    yield "the index is another", "inclusion", receipt(index=LeafIndex(4))
    yield "a hash of the path is another", "inclusion", receipt(path=_other_path(proof.path))
    yield "the path has a hash too many", "inclusion", receipt(path=(*proof.path, Hash(bytes(32))))
    yield "the path has a hash too few", "inclusion", receipt(path=proof.path[:-1])
    yield "the size that was signed is another", "signature", text(b"\n6\n", b"\n7\n")
    yield "the root that was signed is another", "signature", receipt(checkpoint=_note(proof.checkpoint, "root"))
    yield "the ledger's signature is another", "signature", receipt(checkpoint=_note(proof.checkpoint, "log"))
    yield "nobody known signed", "signature", receipt(checkpoint=PackLog(_log().all_entries, _STRANGER).note(6))
    yield "a cosignature is another", "witnesses", receipt(checkpoint=_note(proof.checkpoint, "witness"))
    yield "no witness signed", "witnesses", receipt(checkpoint=_log().note(6, is_cosigned=False))
    line = proof.checkpoint.splitlines(keepends=True)[-1]
    yield "a witness signed twice", "witnesses", receipt(checkpoint=add_lines(proof.checkpoint, [line]))


def _wrong_chains(pack: EvidencePack) -> Iterator[tuple[str, str, EvidencePack]]:
    first, own, last = pack.checkpoints

    def chain(*checkpoints: Linked) -> EvidencePack:
        return replace(pack, checkpoints=checkpoints)

    forked = _log(ended=_ended(target=61)).note(8)
    yield (
        "a hash between two checkpoints is another",
        "chain",
        chain(first, own, Linked(last.note, _other_path(last.path))),
    )
    yield "a hash between two checkpoints is missing", "chain", chain(first, own, Linked(last.note, last.path[:-1]))
    yield "a later checkpoint is of a fork", "chain", chain(first, own, Linked(forked, last.path))
    yield (
        "a later checkpoint has no quorum",
        "chain",
        chain(first, own, Linked(_log().note(8, is_cosigned=False), last.path)),
    )
    yield "the sizes fall", "chain", chain(Linked(last.note), Linked(own.note, own.path), Linked(first.note, last.path))
    away = chain(first, Linked(last.note, _log().consistency(TreeSize(3), TreeSize(8))))
    ends = tuple(replace(part, checkpoint=1) for part in pack.ends)
    yield "the receipt's checkpoint is not in the chain", "chain", replace(away, ends=ends)


def _wrong_entries(pack: EvidencePack) -> Iterator[tuple[str, str, EvidencePack]]:
    log, genesis, batch, key = _log(), pack.genesis, pack.batch, pack.key

    def placed(index: int) -> Placed:
        path = log.inclusion(LeafIndex(index), TreeSize(6))
        return Placed(1, LeafIndex(index), log.all_entries[index], path)

    yield "a byte of the genesis entry is another", "genesis", replace(pack, genesis=_content(genesis, 60))
    yield "another entry stands for the genesis", "genesis", replace(pack, genesis=placed(2))
    yield "a byte of the batch entry is another", "batch", replace(pack, batch=_content(batch, 60))
    yield "another batch", "batch", replace(pack, batch=placed(1))
    yield "the place in the batch is that of a refused event", "batch", replace(pack, position=1)
    yield "the place in the batch is that of another event", "batch", replace(pack, position=0)
    yield "a hash of the path in the batch is another", "batch", replace(pack, place=_other_path(pack.place))
    yield "a hash of the path in the batch is missing", "batch", replace(pack, place=())
    yield "no key", "key", replace(pack, key=None)
    yield "another entry stands for the key", "key", replace(pack, key=placed(4))
    if key is not None:
        yield "a byte of the key's entry is another", "key", replace(pack, key=_content(key, 60))
    (end,) = pack.ends
    yield "a byte of what ended the content is another", "ends", replace(pack, ends=(_content(end, 60),))
    early = Placed(2, LeafIndex(2), log.all_entries[2], log.inclusion(LeafIndex(2), TreeSize(8)))
    yield "another event stands for the end of the content", "ends", replace(pack, ends=(early,))


def _lies() -> Iterator[tuple[str, str, EvidencePack]]:
    """What a ledger that lies signs: every path leads where it should."""
    stranger = Ed25519PrivateKey.from_private_bytes((5).to_bytes(32, "big"))
    yield "the ledger began under another name", "genesis", _made(_log(genesis=_genesis("other.example/vectors")))
    yield "the producer did not sign", "producer", _made(_log(sent=_sent(is_bad=True)))
    for_another = _made(_log(registered=_registered(producer="45-node")))
    yield "the key is another producer's", "key", for_another
    yield "the key is for another purpose", "key", _made(_log(registered=_registered(purpose="receipt")))
    wrong_key = _registered(stranger, key_id=key_id("batch", _public(BATCH_KEY)))
    yield "the key has not the id that the batch names", "key", _made(_log(registered=wrong_key))
    late = PackLog([_genesis(), *_sent(), *_registered(), *_ended()])
    yield "the key was registered after the batch", "key", _made(late, event_id=SENT, sizes=(8,))
    yield "what ended the content ended another's", "ends", _made(_log(ended=_ended(target=61)))


def _misformed() -> Iterator[PackSample]:
    text = format_pack(good_pack())
    lines = text.splitlines(keepends=True)

    def form(name: str, changed: Sequence[bytes]) -> PackSample:
        return PackSample(name, b"".join(changed), "form")

    yield form("another version", [b"pprd-pack/v2\n", *lines[1:]])
    yield form("no final newline", [text[:-1]])
    yield form("an empty line at the end", [*lines, b"\n"])
    yield form("carriage returns", [text.replace(b"\n", b"\r\n")])
    yield form("nothing", [])
    yield form("the policy is missing", [lines[0], *lines[2:]])
    yield form("the receipt stands twice", [*lines[:3], *lines[2:]])
    yield form("the receipt stands before the policy", [lines[0], lines[2], lines[1], *lines[3:]])
    yield form("no checkpoint", [line for line in lines if not line.startswith(b"checkpoint ")])
    yield form("the batch is missing", [line for line in lines if not line.startswith(b"entry batch ")])
    yield form("an unknown role", [*lines, lines[-1].replace(b"entry end", b"entry start")])
    yield form("five ends", [*lines, *[lines[-1]] * 4])
    yield form(
        "a path leads to the first checkpoint", [text.replace(b"\ncheckpoint", b" " + _HASH + b"\ncheckpoint", 2)]
    )
    yield form("a checkpoint that is not there", [text.replace(b"entry genesis 1 0 ", b"entry genesis 3 0 ")])
    yield form("an index with a leading zero", [text.replace(b"entry genesis 1 0 ", b"entry genesis 1 00 ")])
    yield form("two spaces", [text.replace(b"place ", b"place  ")])
    yield form("a space at the end", [text.replace(b"\ncheckpoint", b" \ncheckpoint", 1)])
    yield form("a place above the largest batch", [text.replace(b"\nplace 2 ", b"\nplace 1024 ")])
    yield form("a hash of 31 bytes", [text.replace(b"\nplace 2 ", b"\nplace 2 " + base64.b64encode(bytes(31)) + b" ")])
    yield form("base64 without padding", [text.replace(b"=\nentry batch", b"\nentry batch")])


_HASH: Final = base64.b64encode(bytes(32))


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


def _content(part: Placed, at: int) -> Placed:
    return replace(part, content=_flipped(part.content, at))


def _other_path(path: Sequence[Hash]) -> tuple[Hash, ...]:
    return (Hash(_flipped(path[0], 0)), *path[1:])


def _note(note: bytes, part: str) -> bytes:
    """A checkpoint with one byte of its root or of a signature changed, in good form."""
    lines = note.decode().split("\n")
    at = {"root": 2, "log": 4, "witness": 5}[part]
    *before, encoded = lines[at].split(" ")
    changed = _flipped(base64.b64decode(encoded), 20)
    lines[at] = " ".join([*before, base64.b64encode(changed).decode()])
    return "\n".join(lines).encode()


def code_of(call: Callable[[], object]) -> str | None:
    """The code with which something is refused; None if it is not."""
    try:
        call()
    except ExchangeError as error:
        return error.code
    return None
