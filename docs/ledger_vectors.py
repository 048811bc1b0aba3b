"""Writes the vectors of the ledger's formats, for our tests and for other languages: `make vectors`.

    contracts/conformance/ledger/*.json       published: what is right, what is refused and why
    tests/vectors/<kind>/<defect>             the refused ones again, a file each

A test compares what stands there with what this makes, so neither can change alone.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from contracts.errors import ExchangeError
from contracts.event import Header, SealedRef, encode_event
from contracts.event import leaf_hash as event_leaf
from contracts.ids import EventId, Hash, KeyId, LeafIndex, OfficeId, RegionCode, StreamId, TreeSize, uuid7
from contracts.sealing import commitment
from contracts.signing import key_id, sign
from docs import ledger_anchors, ledger_key_chain
from docs.body_vectors import bodies_page
from docs.delivery_vectors import deliveries_page, sealing_page
from docs.exchange_vectors import batches_page, events_page, plain
from docs.ledger_defects import refused
from docs.ledger_evidence import samples
from docs.ledger_packs import pack_samples
from docs.ledger_parties import (
    BATCH_KEY,
    INPUTS,
    LEAVES,
    LOG,
    ML_DSA_WITNESS,
    NOTE,
    PUBLISHED,
    SECONDS,
    TEXT,
    WITNESS,
    cosigned,
    ml_dsa_line,
    request,
)
from docs.replay_vectors import replay_page
from ledger.batch import NO_BATCH, Batch, batch_hash, encode_tbs
from ledger.cosignature import cosigned_bytes, cosigned_subtree
from ledger.entry import (
    BatchEntry,
    GenesisEntry,
    Predecessor,
    Refused,
    encode_batch_entry,
    encode_event_entry,
    encode_genesis,
)
from ledger.evidence_file import format_evidence
from ledger.heads import HEAD_ZERO, head_next
from ledger.policy import parse_policy
from ledger.proof import TlogProof, format_proof
from ledger.tiles import entries_path, tile_path, tiles_of
from ledger.tree import (
    CompactRange,
    NodeReader,
    appended_node_reader,
    hash_leaf,
    hash_node,
    prove_consistency,
    prove_inclusion,
    prove_range,
    root_of,
)

ROOT: Final = Path(__file__).resolve().parents[1]
FROZEN: Final = ROOT / "tests" / "vectors"
KINDS: Final = ("notes", "checkpoints", "keys", "policies", "proofs", "bundles", "requests", "tile-names")
"""Folders of `FROZEN` that are written here, and nothing else is in them."""
_CREATED_MS: Final = 1_767_225_600_000


def made() -> Mapping[Path, bytes]:
    """Every file that is written, with its bytes."""
    files = {PUBLISHED / f"{name}.json": _json(make()) for name, make in _PAGES.items()}
    return files | {FROZEN / one.kind / one.defect: one.data for one in refused()}


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def _hex(hashes: object) -> Any:
    return hashes.hex() if isinstance(hashes, bytes) else [_hex(item) for item in hashes]  # type: ignore[attr-defined]


# -- the tree


def _tree() -> dict[str, Any]:
    return {
        "source": "RFC 6962 section 2.1, RFC 9162 section 2.1; inputs are those of RFC 6962's examples",
        "inputs": _hex(INPUTS),
        "leaves": _hex(LEAVES),
        "node": {"left": _hex(LEAVES[0]), "right": _hex(LEAVES[1]), "hash": _hex(hash_node(LEAVES[0], LEAVES[1]))},
        "roots": [_hex(root_of(LEAVES[:size])) for size in range(9)],
        "inclusion": list(_inclusion()),
        "consistency": list(_consistency()),
        "range": list(_ranges()),
        "tiles": [
            {"size": size, "hash_tiles": sum(1 for _ in tiles_of(size))}
            for size in (1, 255, 256, 257, 65_536, 70_000, 16_777_217)
        ],
        "tile_names": [
            {
                "index": index,
                "width": width,
                "hashes": tile_path(0, index, width),
                "entries": entries_path(index, width),
            }
            for index, width in ((0, 1), (0, 256), (999, 255), (1000, 256), (1_234_067, 256), (1_234_067, 7))
        ],
    }


def _nodes(size: int) -> NodeReader:
    return appended_node_reader(CompactRange(), LEAVES[:size])


def _inclusion() -> Iterator[dict[str, Any]]:
    for size in range(1, 9):
        for index in range(size):
            yield {
                "index": index,
                "size": size,
                "leaf": _hex(LEAVES[index]),
                "path": _hex(prove_inclusion(_nodes(size), index, size)),
                "root": _hex(root_of(LEAVES[:size])),
            }


def _consistency() -> Iterator[dict[str, Any]]:
    for new in range(9):
        for old in range(new + 1):
            yield {
                "old": old,
                "new": new,
                "path": _hex(prove_consistency(_nodes(new), old, new)) if new else [],
                "old_root": _hex(root_of(LEAVES[:old])),
                "new_root": _hex(root_of(LEAVES[:new])),
            }


def _ranges() -> Iterator[dict[str, Any]]:
    for start in range(8):
        for end in range(start + 1, 9):
            left, right = prove_range(_nodes(8), start, end, 8)
            yield {"start": start, "end": end, "size": 8, "left": _hex(left), "right": _hex(right)}


# -- notes


def _notes() -> dict[str, Any]:
    return {
        "log": {"vkey": LOG.verifier.vkey, "key_id": _hex(LOG.verifier.key_id)},
        "witnesses": [
            {"vkey": one.verifier.vkey, "key_id": _hex(one.verifier.key_id)} for one in (WITNESS, ML_DSA_WITNESS)
        ],
        "specification_key": "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "checkpoint": {
            "origin": LOG.name,
            "size": 8,
            "root": _hex(root_of(LEAVES)),
            "text": TEXT.decode(),
            "note": NOTE.decode(),
        },
        "unknown_keys_are_ignored": (NOTE + "\u2014 other.example AAAAAAA=\n".encode()).decode(),
        "forged": {
            "reason": "the known key signed another text: SIGNATURE_INVALID",
            "note": NOTE.replace(b"\n8\n", b"\n7\n").decode(),
        },
    }


def _cosignatures() -> dict[str, Any]:
    return {
        "text": TEXT.decode(),
        "seconds": SECONDS,
        "good": [
            {
                "algorithm": "Ed25519",
                "vkey": WITNESS.verifier.vkey,
                "signed": _hex(cosigned_bytes(TEXT, SECONDS)),
                "line": WITNESS.line(TEXT, seconds=SECONDS).decode(),
            },
            {
                "algorithm": "ML-DSA-44",
                "vkey": ML_DSA_WITNESS.verifier.vkey,
                "signed": _hex(cosigned_subtree(TEXT, SECONDS, ML_DSA_WITNESS.name)),
                "line": ml_dsa_line().decode(),
            },
        ],
    }


def _policies() -> dict[str, Any]:
    head = (
        f"log {LOG.verifier.vkey}\nwitness a {WITNESS.verifier.vkey}\n"
        f"witness b {ML_DSA_WITNESS.verifier.vkey} https://b.example/\n"
    )
    notes = {
        "nobody": NOTE,
        "a": cosigned(WITNESS),
        "b": cosigned(ML_DSA_WITNESS),
        "a and b": cosigned(WITNESS, ML_DSA_WITNESS),
    }
    rules = ["quorum none", "quorum a", *(f"group g {count} a b\nquorum g" for count in ("any", "all", "2"))]
    return {
        "notes": {name: note.decode() for name, note in notes.items()},
        "policies": [
            {
                "policy": f"{head}{rule}\n",
                "accepts": {
                    name: _code_of(partial(parse_policy(f"{head}{rule}\n".encode()).verify, note))
                    for name, note in notes.items()
                },
            }
            for rule in rules
        ],
    }


def _code_of(call: Callable[[], object]) -> str:
    try:
        call()
    except ExchangeError as error:
        return error.code
    return "accepted"


def _proofs() -> dict[str, Any]:
    node = _nodes(8)

    def proof(index: int, extra: bytes | None, note: bytes) -> str:
        path = tuple(prove_inclusion(node, index, 8))
        return format_proof(TlogProof(LeafIndex(index), path, note, extra)).decode()

    return {
        "vkey": LOG.verifier.vkey,
        "good": [{"index": at, "entry": _hex(INPUTS[at]), "file": proof(at, INPUTS[at], NOTE)} for at in range(8)],
        "without_extra": {"index": 5, "entry": _hex(INPUTS[5]), "file": proof(5, None, NOTE)},
        "cosigned": {"index": 3, "entry": _hex(INPUTS[3]), "file": proof(3, None, cosigned(WITNESS, ML_DSA_WITNESS))},
        "wrong": [
            {"reason": "another entry: PROOF_MALFORMED", "entry": "ff", "file": proof(1, INPUTS[1], NOTE)},
            {
                "reason": "another index: INCLUSION_INVALID",
                "entry": _hex(INPUTS[1]),
                "file": proof(1, INPUTS[1], NOTE).replace("index 1", "index 2"),
            },
        ],
    }


# -- entries, batches, events


def _an_id(number: int) -> bytes:
    return uuid7(unix_ms=_CREATED_MS + number, entropy=bytes((number,)) * 10)


def _entries() -> dict[str, Any]:
    opening, plaintext = bytes(range(64)), b"plaintext"
    promise = commitment(opening=opening, plaintext=plaintext)
    event = encode_event(
        Header(
            event_id=EventId(_an_id(1)),
            schema_id=bytes(range(8)),
            event_type="ResidenceNoticeSent",
            event_class="std",
            stream_id=StreamId(_an_id(2)),
            stream_seq=0,
            prev_hash=Hash(bytes(32)),
            procedure="RESIDENCE_NOTIFICATION",
            edition=1,
            producer_region=RegionCode("44"),
            producer_office=OfficeId("o1234abcd"),
            counterpart_region=RegionCode("45"),
            counterpart_office=OfficeId("o2345abcd"),
            occurred_at=_CREATED_MS,
            purpose="RESIDENCE_NOTICE",
            legal_basis="LB-RES-1",
            data_class="P2",
            body=b"\xc3\x01" + bytes(range(8)),
            sealed=(SealedRef("NP-RES-1", promise, bytes(32), 4, (OfficeId("o2345abcd"),)),),
            correlation_id=None,
            causation_id=None,
            sandbox=True,
        )
    )
    leaves = [event_leaf(event), event_leaf(b"refused")]
    batch = Batch("44-node", _an_id(3), 0, 2, _CREATED_MS, NO_BATCH, root_of(leaves))
    tbs = encode_tbs(batch)
    signature = sign(BATCH_KEY, tbs)
    public = BATCH_KEY.public_key().public_bytes_raw()
    genesis = encode_genesis(
        GenesisEntry(LOG.name, _CREATED_MS, LOG.verifier.vkey, public, 1, True, Hash(bytes(32)), 300_000)
    )
    end = Predecessor("pprd.example/vectors-before", TreeSize(8), root_of(LEAVES))
    successor = encode_genesis(
        GenesisEntry(LOG.name, _CREATED_MS, LOG.verifier.vkey, public, 1, True, Hash(bytes(32)), 300_000, end)
    )
    refusals = (Refused(1, leaves[1], "EVENT_MALFORMED"),)
    batch_entry = encode_batch_entry(
        BatchEntry(tbs, signature, KeyId(key_id("batch", public)), _CREATED_MS + 1, refusals)
    )
    event_entry = encode_event_entry(event)
    heads = [HEAD_ZERO]
    for n in (1, 2, 3):
        heads.append(head_next(heads[-1], n, leaves[0]))
    return {
        "event": {"bytes": _hex(event), "leaf": _hex(leaves[0])},
        "batch": {
            "producer": batch.producer,
            "batch_id": _hex(batch.batch_id),
            "batch_seq": batch.batch_seq,
            "n": batch.n,
            "created_ms": batch.created_ms,
            "prev_batch": _hex(batch.prev_batch),
            "event_leaves": _hex(leaves),
            "root": _hex(batch.root),
            "tbs": _hex(tbs),
            "hash": _hex(batch_hash(tbs)),
            "public_key": _hex(public),
            "key_id": _hex(key_id("batch", public)),
            "signature": _hex(signature),
        },
        "entries": [
            {"kind": kind, "bytes": _hex(data), "leaf": _hex(hash_leaf(data))}
            for kind, data in (
                ("genesis", genesis),
                ("batch", batch_entry),
                ("event", event_entry),
                ("genesis of a ledger that goes on from a closed one", successor),
            )
        ],
        "commitment": {"opening": _hex(opening), "plaintext": _hex(plaintext), "commitment": _hex(promise)},
        "heads": {"leaf": _hex(leaves[0]), "heads": _hex(heads)},
    }


# -- witnesses, and what is refused


def _witnessing() -> dict[str, Any]:
    path = tuple(prove_consistency(_nodes(8), 5, 8))
    body = request(old_size=5, path=path, note=NOTE)
    known = {"size": 5, "root": _hex(root_of(LEAVES[:5]))}
    fork = {"size": 5, "root": _hex(bytes(32))}
    none = {"size": 0, "root": _hex(root_of([]))}

    def row(status: int, why: str, known: dict[str, Any], body: bytes) -> dict[str, Any]:
        return {"status": status, "why": why, "known": known, "body": body.decode()}

    at_8 = {"size": 8, "root": _hex(root_of(LEAVES))}
    foreign = NOTE.replace(LOG.name.encode(), b"other.example")
    return {
        "log": LOG.verifier.vkey,
        "requests": [
            row(200, "the ledger grew", known, body),
            row(200, "the first checkpoint", none, request(old_size=0, path=(), note=NOTE)),
            row(200, "the same checkpoint again", at_8, request(old_size=8, path=(), note=NOTE)),
            row(400, "old above new", at_8, request(old_size=9, path=(), note=NOTE)),
            row(403, "a forged signature", known, body.replace(b"\n8\n", b"\n7\n")),
            row(404, "another ledger", known, request(old_size=0, path=(), note=foreign)),
            row(409, "another size was cosigned last", at_8, body),
            row(422, "a wrong proof", known, request(old_size=5, path=(*path[:-1], Hash(bytes(32))), note=NOTE)),
            row(422, "a proof from size 0", none, request(old_size=0, path=path, note=NOTE)),
            row(422, "equal size, another root", fork | {"size": 8}, request(old_size=8, path=(), note=NOTE)),
            row(422, "a fork", fork, body),
        ],
    }


def _refused() -> dict[str, Any]:
    return {
        "log": LOG.verifier.vkey,
        "witnesses": [WITNESS.verifier.vkey, ML_DSA_WITNESS.verifier.vkey],
        "refused": [
            {"kind": one.kind, "defect": one.defect, "code": one.code, "base64": base64.b64encode(one.data).decode()}
            for one in refused()
            if len(one.data) < 8_192
        ],
    }


def _evidence() -> dict[str, Any]:
    files = [
        {
            "name": sample.name,
            "claim": sample.evidence.claim,
            "is_shown": sample.is_shown,
            "file": format_evidence(sample.evidence).decode("ascii"),
        }
        for sample in samples()
    ]
    return {"log": LOG.verifier.vkey, "files": files}


def _packs() -> dict[str, Any]:
    """A refused pack is told by the lines in which it differs from the first one, if it has as many."""
    first, *rest = pack_samples()
    rows: list[dict[str, Any]] = [{"name": first.name, "pack": first.pack.decode()}]
    lines = first.pack.decode().split("\n")
    for sample in rest:
        own = sample.pack.decode().split("\n")
        changed = {str(at): line for at, (line, old) in enumerate(zip(own, lines, strict=False)) if line != old}
        row = {"name": sample.name, "check": sample.check} if sample.check else {"name": sample.name}
        is_close = len(own) == len(lines) and len(changed) < 3
        rows.append(row | ({"lines": changed} if is_close else {"pack": sample.pack.decode()}))
    good = [row for row in rows if "check" not in row]
    return {"good": good, "refused": [row for row in rows if "check" in row]}


_PAGES: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    "tree": _tree,
    "notes": _notes,
    "cosignatures": _cosignatures,
    "policies": _policies,
    "proofs": _proofs,
    "entries": _entries,
    "witnessing": _witnessing,
    "refused": _refused,
    "evidence": _evidence,
    "events": lambda: plain(events_page()),
    "batches": lambda: plain(batches_page()),
    "sealing": lambda: plain(sealing_page()),
    "deliveries": lambda: plain(deliveries_page()),
    "packs": _packs,
    "replay": lambda: plain(replay_page()),
    "log-keys": ledger_key_chain.page,
    "anchors": ledger_anchors.page,
    "bodies": lambda: plain(bodies_page()),
}


if __name__ == "__main__":
    files = made()
    for folder in (FROZEN / kind for kind in KINDS):
        for old in folder.glob("*"):
            if old not in files:
                old.unlink()
    for path, data in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    print(f"{len(files)} files of vectors written")
