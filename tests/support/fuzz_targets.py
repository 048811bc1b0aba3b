"""Every parser of bytes that come from outside, with inputs that it accepts. Pure of pytest."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from adapters.store.export_layout import format_manifest, parse_manifest
from contracts.event import MAX_EVENT_BYTES, decode_event, encode_event
from contracts.ids import KeyId, OfficeId
from contracts.schema import load_registry
from contracts.sealing import Associated, RecipientKey, WrappedKey, check_form, check_wrapped_key, open_sealed, seal
from contracts.suite import X25519
from docs.ledger_key_chain import chain
from docs.ledger_packs import pack_samples
from docs.ledger_parties import INPUTS, LOG, ML_DSA_WITNESS, NOTE, PUBLISHED, TEXT, WITNESS, cosigned, request
from hub.log_key_chain import format_chain, parse_chain, verify_chain
from ledger.anchor import MAX_ANCHOR_BYTES, format_anchor, parse_anchor
from ledger.batch import MAX_TBS_BYTES, decode_tbs, encode_tbs
from ledger.checkpoint import parse_checkpoint, parse_checkpoint_text, parse_foreign_text
from ledger.entry import (
    BatchEntry,
    EventEntry,
    GenesisEntry,
    decode_entry,
    encode_batch_entry,
    encode_event_entry,
    encode_genesis,
)
from ledger.note import MAX_VKEY_LENGTH, NoteVerifier, parse_note, split_note
from ledger.pack import MAX_PACK_BYTES, format_pack, parse_pack
from ledger.policy import MAX_POLICY_BYTES, Policy, format_policy, parse_policy
from ledger.proof import MAX_PROOF_BYTES, TlogProof, format_proof, parse_proof
from ledger.tiles import MAX_PATH_LENGTH, decode_bundle, encode_bundle, parse_tile_path
from ledger.tree import CompactRange, appended_node_reader, hash_leaf, prove_consistency, prove_inclusion
from ledger.witness import MAX_BODY_BYTES, format_request, open_request, parse_lines, parse_request
from tests.support.all_matters import one_of_each
from tests.support.fuzz import Target
from tests.support.world import World

NAMES: Final = (
    "note", "known note", "checkpoint", "checkpoint text", "foreign text", "verifier key",
    "cosignature line", "ed25519 cosignature",
    "ml-dsa-44 cosignature", "add-checkpoint body", "add-checkpoint request", "policy", "proof file", "tile path",
    "entries bundle", "entry", "event", "batch header", "body", "envelope and wrapped key", "manifest", "evidence pack",
)  # fmt: skip
"""Names of all targets; making them takes a second, naming them nothing."""


def target(name: str) -> Target:
    """One of `NAMES`."""
    return _all()[name]


@cache
def _all() -> dict[str, Target]:
    return {one.name: one for one in (*_notes(), *_files(), *_records(), *_sealed())}


def _text(read: Any) -> Any:
    """A parser of text is fed bytes: those that are no UTF-8 become other characters."""
    return lambda data: read(data.decode("utf-8", "replace"))


def _notes() -> Iterator[Target]:
    keys = [LOG.verifier, WITNESS.verifier, ML_DSA_WITNESS.verifier]
    both = cosigned(WITNESS, ML_DSA_WITNESS)
    seeds = (NOTE, cosigned(WITNESS), both, b"text\n\n" + both)
    yield Target("note", seeds, split_note)
    yield Target("known note", seeds[:3], lambda data: parse_note(data, keys))
    yield Target("checkpoint", seeds[:3], lambda data: parse_checkpoint(data, LOG.verifier))
    yield Target("checkpoint text", (TEXT,), parse_checkpoint_text, lambda value: value.text())
    yield Target("foreign text", (TEXT, TEXT + b"an extension\nand another\n"), parse_foreign_text)
    vkeys = tuple(key.vkey.encode() for key in keys)
    yield Target(
        "verifier key", vkeys, _text(NoteVerifier.parse), lambda value: value.vkey.encode(), max_bytes=MAX_VKEY_LENGTH
    )
    lines = tuple(note[len(NOTE) :] for note in (cosigned(WITNESS), cosigned(ML_DSA_WITNESS), both))
    yield Target("cosignature line", lines, parse_lines, lambda value: b"".join(line for line, _ in value))
    for name, line, key in (("ed25519", lines[0], keys[1]), ("ml-dsa-44", lines[1], keys[2])):
        payload = base64.b64decode(line.split(b" ")[2])[4:]
        yield Target(f"{name} cosignature", (payload,), lambda data, key=key: key.verify(TEXT, data))  # type: ignore[misc]


def _files() -> Iterator[Target]:
    node = appended_node_reader(CompactRange(), [hash_leaf(data) for data in INPUTS])
    path = tuple(prove_consistency(node, 5, 8))
    bodies = (request(old_size=0, path=(), note=NOTE), request(old_size=5, path=path, note=NOTE))
    yield Target("add-checkpoint body", bodies, parse_request, format_request, max_bytes=MAX_BODY_BYTES)
    logs = {LOG.name: [LOG.verifier]}
    yield Target("add-checkpoint request", bodies, lambda data: open_request(data, logs), max_bytes=MAX_BODY_BYTES)
    policies = (
        f"log {LOG.verifier.vkey} https://log.example/\n\n# who\nwitness a {WITNESS.verifier.vkey}\n"
        f"witness b {ML_DSA_WITNESS.verifier.vkey} https://b.example/\ngroup g 1 a b\nquorum g\n",
        f"log {LOG.verifier.vkey}\nquorum none\n",
    )
    yield Target("policy", [text.encode() for text in policies], _policy, max_bytes=MAX_POLICY_BYTES)
    proofs = [
        format_proof(TlogProof(index, tuple(prove_inclusion(node, index, 8)), NOTE, INPUTS[index]))  # type: ignore[arg-type]
        for index in (0, 5, 7)
    ]
    yield Target("proof file", proofs, parse_proof, format_proof, max_bytes=MAX_PROOF_BYTES)
    keys, known = chain(), load_registry()
    yield Target("chain of keys", (keys,), parse_chain, lambda value: format_chain(map(format_proof, value)))
    yield Target("verified chain of keys", (keys,), lambda data: verify_chain(data, LOG.verifier, known))
    anchors = [row["file"].encode() for row in json.loads((PUBLISHED / "anchors.json").read_text("utf-8"))["files"]]
    yield Target("anchor", anchors, parse_anchor, format_anchor, max_bytes=MAX_ANCHOR_BYTES)
    packs = [sample.pack for sample in pack_samples() if sample.check is None]
    yield Target("evidence pack", packs, parse_pack, format_pack, max_bytes=MAX_PACK_BYTES)
    names = (b"tile/0/000", b"tile/3/x001/x234/067.p/9", b"tile/entries/x001/000", b"tile/entries/000.p/255")
    yield Target(
        "tile path", names, _text(parse_tile_path), lambda place: place.path.encode(), max_bytes=MAX_PATH_LENGTH
    )
    bundles = [encode_bundle(entries) for entries in ([b"one"], [b"", b"two" * 100], [b"x"] * 256)]
    yield Target("entries bundle", bundles, decode_bundle, encode_bundle)
    manifest = format_manifest(
        {"policy": "0" * 64, "log/checkpoint": "a" * 64, "history/000000000007.checkpoint": "1" * 64}
    )
    yield Target("manifest", (manifest,), parse_manifest, format_manifest)


def _policy(data: bytes) -> Policy:
    """A policy that is read reads the same when it is written."""
    policy = parse_policy(data)
    if parse_policy(format_policy(policy)) != policy:
        raise AssertionError("another policy is written")
    return policy


def _records() -> Iterator[Target]:
    vectors = json.loads((PUBLISHED / "entries.json").read_text(encoding="utf-8"))
    entries = [bytes.fromhex(row["bytes"]) for row in vectors["entries"]]
    yield Target("entry", entries, decode_entry, _write_entry)
    yield Target(
        "batch header", [bytes.fromhex(vectors["batch"]["tbs"])], decode_tbs, encode_tbs, max_bytes=MAX_TBS_BYTES
    )
    events = [made.event for some in one_of_each(World()).values() for made in some]
    yield Target("event", events, decode_event, encode_event, max_bytes=MAX_EVENT_BYTES)
    registry = load_registry()
    bodies = sorted({decode_event(event).body for event in events})
    yield Target("body", bodies, registry.decode_body, lambda value: registry.encode_body(value[0], dict(value[1])))


def _write_entry(entry: GenesisEntry | BatchEntry | EventEntry) -> bytes:
    match entry:
        case GenesisEntry():
            return encode_genesis(entry)
        case BatchEntry():
            return encode_batch_entry(entry)
        case EventEntry():
            return encode_event_entry(entry.event)


def _sealed() -> Iterator[Target]:
    private = X25519PrivateKey.from_private_bytes(bytes(range(32)))
    office, producer = OfficeId("o2345abcd"), OfficeId("o1234abcd")
    public = private.public_key().public_bytes_raw()
    keys = [RecipientKey(one, KeyId(bytes(8)), public) for one in (office, producer)]
    associated = Associated(stream_id=bytes(16), event_id=bytes(16), profile="NP-RES-1")  # type: ignore[arg-type]
    sealed = seal(
        plaintext=b"plain",
        associated=associated,
        recipients=keys[:1],
        producer=keys[1],
        content_key=bytes(32),
        nonce=bytes(12),
        opening=bytes(64),
    )
    (enc,) = (key.enc for key in sealed.wrapped if key.office == office)

    def read(data: bytes) -> bytes:
        wrapped = WrappedKey(office, KeyId(bytes(8)), data[: len(enc)])
        envelope = data[len(enc) :]
        check_wrapped_key(wrapped, X25519)
        if len(envelope) % 2:
            check_form(sealed.ref, envelope, [office, producer], producer)
        return open_sealed(envelope=envelope, wrapped=wrapped, private=private, associated=associated, ref=sealed.ref)

    yield Target(
        "envelope and wrapped key", [enc + sealed.ciphertext], read, max_bytes=len(enc) + len(sealed.ciphertext)
    )
