"""A chain of keys for the published vectors: a small ledger that announces its next key and switches to it.

Entries: genesis; then a batch and its event four times: announcement and switch, another announcement and its
withdrawal. A checkpoint is signed over the genesis record and after each event.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.errors import ExchangeError
from contracts.event import Header, encode_event, leaf_hash
from contracts.ids import HUB_OFFICE, HUB_PRODUCER, HUB_REGION, EventId, Hash, LeafIndex, StreamId, TreeSize, uuid7
from contracts.schema import load_registry
from contracts.signing import key_id, sign
from docs.ledger_parties import BATCH_KEY, LOG
from hub.log_key_chain import format_chain, verify_chain
from hub.log_key_changes import ANNOUNCED, SWITCHED, WITHDRAWN
from ledger.batch import NO_BATCH, Batch, batch_hash, encode_tbs
from ledger.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from ledger.entry import BatchEntry, GenesisEntry, encode_batch_entry, encode_event_entry, encode_genesis
from ledger.note import NoteSigner
from ledger.proof import TlogProof, format_proof
from ledger.tree import CompactRange, appended_node_reader, prove_inclusion, root_of
from ledger.tree import hash_leaf as entry_leaf

SECOND: Final = NoteSigner(LOG.name, Ed25519PrivateKey.from_private_bytes((11).to_bytes(32, "big")))
THIRD: Final = NoteSigner(LOG.name, Ed25519PrivateKey.from_private_bytes((12).to_bytes(32, "big")))
_MS: Final = 1_767_225_600_000
_STEPS: Final = ((ANNOUNCED, SECOND), (SWITCHED, SECOND), (ANNOUNCED, THIRD), (WITHDRAWN, THIRD))
_SIGNERS: Final = ((LOG,), (LOG, SECOND), (SECOND,), (SECOND, THIRD), (SECOND,))
"""Who signs the checkpoint over the genesis record, and after each step."""


class _Ledger(NamedTuple):
    entries: list[bytes]
    sizes: list[int]


@cache
def _ledger() -> _Ledger:
    public = BATCH_KEY.public_key().public_bytes_raw()
    genesis = GenesisEntry(LOG.name, _MS, LOG.verifier.vkey, public, 1, True, Hash(bytes(32)), 300_000)
    entries, sizes = [encode_genesis(genesis)], [1]
    prev, heads = NO_BATCH, dict[bytes, Hash]()
    for number, (event_type, signer) in enumerate(_STEPS):
        event = _event(number, event_type, signer, heads)
        batch_id = uuid7(unix_ms=_MS + number, entropy=bytes(10))
        batch = Batch(HUB_PRODUCER, batch_id, number, 1, _MS + number, prev, root_of([leaf_hash(event)]))
        tbs = encode_tbs(batch)
        prev = batch_hash(tbs)
        entry = BatchEntry(tbs, sign(BATCH_KEY, tbs), key_id("hub-events", public), _MS + number, ())
        entries += [encode_batch_entry(entry), encode_event_entry(event)]
        sizes.append(len(entries))
    return _Ledger(entries, sizes)


def _event(number: int, event_type: str, signer: NoteSigner, heads: dict[bytes, Hash]) -> bytes:
    public_key = signer.verifier.public_key
    name = key_id("log", public_key)
    body: dict[str, Any] = {"key_id": name} | ({"public_key": public_key} if event_type == ANNOUNCED else {})
    stream_id = uuid7(unix_ms=_MS, entropy=name.ljust(10, b"\0"))
    data = load_registry().encode_body(f"pprd.v1.{event_type}Body", body)
    event = encode_event(
        Header(
            event_id=EventId(uuid7(unix_ms=_MS + number, entropy=b"event".ljust(10, b"\0"))),
            schema_id=data[2:10],
            event_type=event_type,
            event_class="dir",
            stream_id=StreamId(stream_id),
            stream_seq=int(stream_id in heads),
            prev_hash=heads.get(stream_id, Hash(bytes(32))),
            procedure="DIRECTORY",
            edition=1,
            producer_region=HUB_REGION,
            producer_office=HUB_OFFICE,
            counterpart_region=None,
            counterpart_office=None,
            occurred_at=_MS,
            purpose="DIRECTORY",
            legal_basis="LB-DIR",
            data_class="P0",
            body=data,
            sealed=(),
            correlation_id=None,
            causation_id=None,
            sandbox=True,
        )
    )
    heads[stream_id] = leaf_hash(event)
    return event


def _note(size: int, *signers: NoteSigner) -> bytes:
    leaves = [entry_leaf(entry) for entry in _ledger().entries[:size]]
    return sign_checkpoint(Checkpoint(LOG.name, TreeSize(size), root_of(leaves)), *signers)


def _proof(step: int, *signers: NoteSigner) -> TlogProof:
    """What the entry of a step proves under the first checkpoint over it."""
    size = _ledger().sizes[step]
    leaves = [entry_leaf(entry) for entry in _ledger().entries[:size]]
    path = prove_inclusion(appended_node_reader(CompactRange(), leaves), size - 1, size)
    note = _note(size, *(signers or _SIGNERS[step]))
    return TlogProof(LeafIndex(size - 1), tuple(path), note, _ledger().entries[size - 1])


def chain() -> bytes:
    """The chain of the small ledger."""
    return format_chain(map(format_proof, _proofs()))


def _proofs() -> list[TlogProof]:
    return [_proof(step) for step in range(len(_SIGNERS))]


def page() -> dict[str, Any]:
    """The published page."""
    keys = verify_chain(chain(), LOG.verifier, load_registry())
    return {
        "source": "ADR 0057; docs/spec/log-keys.md",
        "chain": chain().decode(),
        "keys": [{"vkey": key.verifier.vkey, "since": key.since, "until": key.until} for key in keys.keys],
        "trusted": [
            {"vkey": signer.verifier.vkey, "result": _code_of(chain(), signer)}
            for signer in (LOG, SECOND, THIRD, NoteSigner(LOG.name, BATCH_KEY))
        ],
        "checkpoints": list(_checkpoints()),
        "refused": [
            {"reason": reason, "chain": bad.decode(), "result": _code_of(bad, LOG)} for reason, bad in _refused()
        ],
    }


def _checkpoints() -> Iterator[dict[str, Any]]:
    keys = verify_chain(chain(), LOG.verifier, load_registry())
    for size in _ledger().sizes:
        for signers in ((LOG,), (SECOND,), (LOG, SECOND), (SECOND, THIRD)):
            note = _note(size, *signers)
            try:
                parse_checkpoint(note, keys)
                result = "accepted"
            except ExchangeError as error:
                result = error.code
            yield {"size": size, "note": note.decode(), "result": result}


def _refused() -> Iterator[tuple[str, bytes]]:
    good = _proofs()
    files = [format_proof(proof) for proof in good]
    yield "without the genesis record", format_chain(files[1:])
    yield "the announcement is left out", format_chain([files[0], *files[2:]])
    yield "two lines are exchanged", format_chain([files[0], files[2], files[1], *files[3:]])
    yield "a line stands twice", format_chain([*files[:2], *files[1:]])
    yield "the announced key has not signed", format_chain([files[0], format_proof(_proof(1, LOG)), *files[2:]])
    yield "the key before has not signed", format_chain([files[0], format_proof(_proof(1, SECOND)), *files[2:]])
    yield "the switch is signed by the key before", format_chain([*files[:2], format_proof(_proof(2, LOG)), *files[3:]])
    moved = replace(good[1], index=LeafIndex(1))
    yield "the proof is for another index", format_chain([files[0], format_proof(moved), *files[2:]])
    other = replace(good[1], extra=_ledger().entries[1])
    yield "a batch entry in place of an event", format_chain([files[0], format_proof(other), *files[2:]])
    yield "another first line", chain().replace(b"/v1", b"/v2")
    yield "no final newline", chain()[:-1]
    first = base64.b64encode(files[0])
    yield "base64 that does not encode back", chain().replace(first, first + b"=")


def _code_of(data: bytes, trusted: NoteSigner) -> str:
    try:
        verify_chain(data, trusted.verifier, load_registry())
    except ExchangeError as error:
        return error.code
    return "accepted"
