"""The vectors of sealed payloads, runs and delivery receipts; see `docs.exchange_vectors`."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contracts.errors import ExchangeError
from contracts.event import SealedRef, decode_event
from contracts.event import leaf_hash as event_leaf
from contracts.ids import EventId, Hash, KeyId, LeafIndex, PointId, RegionCode, StreamId
from contracts.sealing import Associated, WrappedKey, bucket_for, envelope_size, open_sealed
from contracts.signing import key_id, sign
from contracts.suite import HYBRID, SUITES, X25519, HybridPrivateKey, public_of
from docs import exchange_story as told
from docs.exchange_vectors import code_of, keys, nodes
from docs.ledger_parties import LOG, PUBLISHED
from docs.spec.reference import broker, sealing
from hub.directory_values import SigningKey
from hub.notification import BatchEvidence, Notification, NotificationRun, verify_run
from ledger.heads import receipt_tbs
from ledger.tree import batch_paths, prove_inclusion

# -- payloads


def sealing_page() -> dict[str, Any]:
    """One payload step by step, its content key wrapped by both suites, buckets, what does not open."""
    event = decode_event(told.story().events[3])
    (ref,) = event.sealed
    box = told.sealed_envelope()
    return {
        "stream_id": event.stream_id,
        "event_id": event.event_id,
        "profile": ref.profile,
        "bound": told.bound(),
        "plaintext": told.plaintext(),
        "content_key": told.CONTENT_KEY,
        "nonce": told.NONCE,
        "opening": told.OPENING,
        "commitment": ref.commitment,
        "bucket_kib": ref.bucket_kib,
        "inside": {"opening": told.OPENING, "length": len(told.plaintext()).to_bytes(4, "big"), "zeros": _zeros()},
        "envelope": box,
        "ciphertext_hash": ref.ciphertext_hash,
        "buckets": [
            {"plaintext_bytes": size, "bucket_kib": bucket_for(size), "envelope_bytes": envelope_size(bucket_for(size))}
            for size in (0, 956, 957, 4_028, 4_029, 16_316, 16_317, 65_468, 65_469, 262_076)
        ],
        "too_long": 262_077,
        "wrapped": [_x25519(), _hybrid()],
        "refused": list(_bad_payloads(ref)),
    }


def _zeros() -> int:
    return 1_024 - 64 - 4 - len(told.plaintext())


def _x25519() -> dict[str, Any]:
    public = told.x25519_public(told.OFFICE_SEED)
    wrapped = sealing.hpke_seal(public, told.bound(), told.CONTENT_KEY, told.EPHEMERAL_SEED)
    ephemeral = X25519PrivateKey.from_private_bytes(told.EPHEMERAL_SEED)
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(public))
    enc = ephemeral.public_key().public_bytes_raw()
    steps = sealing.schedule(sealing.X25519_KEM, sealing.dh_secret(shared, enc, public), told.bound())
    return {
        "suite": X25519,
        "office": told.RECEIVER,
        "seed": told.OFFICE_SEED,
        "public_key": public,
        "key_id": key_id("office", public),
        "ephemeral_seed": told.EPHEMERAL_SEED,
        "enc": enc,
        "dh": shared,
        **steps._asdict(),
        "wrapped": wrapped,
    }


def _hybrid() -> dict[str, Any]:
    """The hybrid suite draws inside the library, so what is published already is kept as long as it opens."""
    private = HybridPrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(told.HYBRID_SEED * 2), X25519PrivateKey.from_private_bytes(told.HYBRID_SEED)
    )
    public = public_of(private)
    try:
        published = json.loads((PUBLISHED / "sealing.json").read_text(encoding="utf-8"))["wrapped"][1]["wrapped"]
        wrapped = bytes.fromhex(published)
        SUITES[HYBRID].unwrap(wrapped, private, told.bound())
    except (OSError, ValueError, KeyError, IndexError, ExchangeError):
        wrapped = SUITES[HYBRID].wrap(told.CONTENT_KEY, public, told.bound())
    return {
        "suite": HYBRID,
        "office": told.RECEIVER,
        "mlkem_seed": told.HYBRID_SEED * 2,
        "seed": told.HYBRID_SEED,
        "public_key": public,
        "key_id": key_id("office", public),
        "wrapped": wrapped,
    }


def _bad_payloads(ref: SealedRef) -> Iterator[dict[str, Any]]:
    good = told.sealed_envelope()
    inside = told.OPENING + len(told.plaintext()).to_bytes(4, "big") + told.plaintext()
    padded = inside.ljust(1_024, b"\0")

    def box(data: bytes) -> bytes:
        nonce = told.NONCE
        return sealing.HEAD + nonce + AESGCM(told.CONTENT_KEY).encrypt(nonce, data, told.bound())

    wrapped = WrappedKey(told.RECEIVER, KeyId(bytes(8)), _x25519()["wrapped"])

    def row(defect: str, data: bytes, **changes: Any) -> dict[str, Any]:
        said = ref._replace(ciphertext_hash=Hash(hashlib.sha256(data).digest()))._replace(**changes)
        private = X25519PrivateKey.from_private_bytes(told.OFFICE_SEED)
        associated = Associated(StreamId(told.an_id(103)), EventId(told.an_id(3)), ref.profile)
        code = code_of(
            lambda: open_sealed(envelope=data, wrapped=wrapped, private=private, associated=associated, ref=said)
        )["code"]
        named = {name: getattr(said, name) for name in ("commitment", "ciphertext_hash", "bucket_kib")}
        return {"defect": defect, "code": code, "envelope": data, **named}

    yield row("hash-of-another-envelope", good, ciphertext_hash=bytes(32))
    yield row("last-bit-flipped", good[:-1] + bytes((good[-1] ^ 1,)))
    yield row("one-byte-short", good[:-1])
    yield row("another-cipher-named", good.replace(b"AES-256", b"AES-128"))
    yield row("bucket-of-4", good, bucket_kib=4)
    yield row("padded-with-ones", box(inside.ljust(1_024, b"\x01")))
    yield row("length-beyond-the-end", box(padded[:64] + b"\0\0\xff\xff" + padded[68:]))
    yield row("larger-bucket-than-needed", box(inside.ljust(4_096, b"\0")), bucket_kib=4)
    yield row("another-text-than-promised", box(padded.replace(b"REPORTED", b"RECEIVED").replace(b"2026", b"2025")))


# -- deliveries


def _run(index: int, batch_at: int, position: int, size: int, n: int) -> NotificationRun:
    story = told.story()
    point = told.COUNTY if index == 3 else told.NODE
    heads = (Hash(bytes(32)), *story.heads[point])
    batch = story.batches[batch_at]
    return NotificationRun(
        point,
        n,
        heads[n - 1],
        heads[n],
        story.note(size),
        (BatchEvidence(LeafIndex(batch_at), story.entries[batch_at]),),
        (
            Notification(
                LeafIndex(index),
                story.events[index],
                b"".join(prove_inclusion(nodes(size), index, size)),
                0,
                position,
                b"".join(batch_paths(list(batch.leaves))[position]),
            ),
        ),
    )


def _encoded(run: NotificationRun) -> bytes:
    """The run as `adapters.nats.messages` frames it; a test compares."""
    notifications = [
        broker.Notification(one.leaf_index, one.event, _cut(one.path), one.batch, one.position, _cut(one.batch_path))
        for one in run.notifications
    ]
    batches = [(one.leaf_index, one.entry) for one in run.batches]
    cut = broker.Run(run.point, run.first_n, run.head_before, run.head_after, run.checkpoint, batches, notifications)
    return broker.write_run(cut)


def _cut(joined: bytes) -> list[bytes]:
    return [joined[at : at + 32] for at in range(0, len(joined), 32)]


def _key_at(key: KeyId, at: LeafIndex) -> SigningKey | None:
    one = told.GATEWAY
    if key != one.key_id:
        return None
    return SigningKey(one.key_id, one.purpose, PointId("44-node"), RegionCode("44"), one.public, LeafIndex(0), None)


def deliveries_page() -> dict[str, Any]:
    """Running hashes, runs, a sealed run, a delivery receipt, runs that stop the line."""
    story = told.story()
    first, second, case = _run(2, 1, 0, 4, 1), _run(7, 6, 0, 8, 2), _run(3, 1, 2, 4, 1)
    encoded = _encoded(case)
    point_public = told.x25519_public(told.POINT_SEED)
    sealed = broker.seal_run(encoded, told.COUNTY, point_public, key_id("point", point_public), told.EPHEMERAL_SEED)
    return {
        "keys": keys(),
        "vkey": LOG.verifier.vkey,
        "heads": [
            {"point": point, "leaves": [event_leaf(story.events[at]) for at in indexes], "heads": heads}
            for (point, heads), indexes in zip(story.heads.items(), ((2, 7), (3,)), strict=True)
        ],
        "runs": [_told_run(run) for run in (first, second, case)],
        "sealed_run": {
            "point": told.COUNTY,
            "seed": told.POINT_SEED,
            "public_key": point_public,
            "key_id": key_id("point", point_public),
            "ephemeral_seed": told.EPHEMERAL_SEED,
            "info": broker.RUN_LABEL + told.COUNTY.encode(),
            "bucket_kib": 4,
            "encoded": encoded,
            "padding": (4_096 - len(encoded) - 5),
            "bytes": sealed,
        },
        "receipt": _delivery_receipt(),
        "refused": list(_bad_runs(first)),
    }


def _told_run(run: NotificationRun) -> dict[str, Any]:
    names = ("point", "first_n", "head_before", "head_after")
    batches = [{"index": one.leaf_index, "entry": one.entry} for one in run.batches]
    notifications = [one._asdict() for one in run.notifications]
    said = {name: getattr(run, name) for name in names} | {"checkpoint": run.checkpoint.decode()}
    return said | {"batches": batches, "notifications": notifications, "bytes": _encoded(run)}


def _delivery_receipt() -> dict[str, Any]:
    head = told.story().heads[told.NODE][1]
    received_ms = told.CREATED_MS + 7_000
    tbs = receipt_tbs(point=told.NODE, n=2, head=head, received_ms=received_ms)
    one = told.RECEIPTS
    receipt = broker.DeliveryReceipt(told.NODE, 2, head, received_ms, one.key_id, sign(one.private, tbs))
    return receipt._asdict() | {"tbs": tbs, "bytes": broker.write_receipt(receipt)}


def _bad_runs(good: NotificationRun) -> Iterator[dict[str, Any]]:
    (one,) = good.notifications
    (batch,) = good.batches
    other = told.story().events[7]
    changed = {
        "head-before-of-another": good._replace(head_before=Hash(bytes(31) + b"\x01")),
        "head-after-of-another": good._replace(head_after=Hash(bytes(32))),
        "counter-of-another": good._replace(first_n=2),
        "point-of-another": good._replace(point=told.COUNTY),
        "no-notifications": good._replace(notifications=()),
        "another-event": good._replace(notifications=(one._replace(event=other),)),
        "another-index": good._replace(notifications=(one._replace(leaf_index=LeafIndex(3)),)),
        "another-position": good._replace(notifications=(one._replace(position=2),)),
        "path-one-hash-short": good._replace(notifications=(one._replace(path=one.path[:-32]),)),
        "path-not-of-whole-hashes": good._replace(notifications=(one._replace(path=one.path[:-1]),)),
        "batch-that-is-not-there": good._replace(notifications=(one._replace(batch=1),)),
        "batch-of-another-producer": good._replace(batches=(BatchEvidence(LeafIndex(1), told.story().entries[4]),)),
        "batch-signature-changed": good._replace(batches=(_resigned(batch),)),
        "checkpoint-signature-changed": good._replace(checkpoint=good.checkpoint.replace(b"\n4\n", b"\n5\n")),
    }
    for defect, run in changed.items():
        code = code_of(
            lambda run=run: verify_run(  # type: ignore[misc]
                run, point=told.NODE, known_head=Hash(bytes(32)), verifier=LOG.verifier, key_at=_key_at
            )
        )["code"]
        yield {"defect": defect, "code": code, "bytes": _encoded(run)}


def _resigned(batch: BatchEvidence) -> BatchEvidence:
    signature = told.story().batches[1].signature
    return batch._replace(entry=batch.entry.replace(signature, signature[:-1] + bytes((signature[-1] ^ 1,))))
