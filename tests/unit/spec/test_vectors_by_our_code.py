"""What the vectors of payloads and deliveries say is what the exchange's own code does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from adapters.nats.messages import decode_receipt, decode_run, encode_receipt, encode_run, is_sealed, open_run
from contracts.errors import ContractError
from contracts.event import decode_event, leaf_hash
from contracts.ids import KeyId, LeafIndex, OfficeId, PointId, RegionCode
from contracts.profile import decode_payload
from contracts.schema import load_registry
from contracts.sealing import Associated, WrappedKey, open_sealed
from contracts.suite import HYBRID, HybridPrivateKey
from docs.exchange_vectors import plain
from docs.ledger_parties import PUBLISHED
from hub.delivery_receipt import verify_delivery
from hub.directory_values import SigningKey
from ledger.entry import BatchEntry, decode_entry
from ledger.note import NoteVerifier
from ledger.receipt import Receipt, verify_receipt


def page(name: str) -> Any:
    return json.loads((PUBLISHED / f"{name}.json").read_text(encoding="utf-8"))


SEALING, DELIVERIES, BATCHES = map(page, ("sealing", "deliveries", "batches"))
unhex = bytes.fromhex


def private_of(row: dict[str, Any]) -> X25519PrivateKey | HybridPrivateKey:
    key = X25519PrivateKey.from_private_bytes(unhex(row["seed"]))
    if row["suite"] != HYBRID:
        return key
    return HybridPrivateKey(MLKEM768PrivateKey.from_seed_bytes(unhex(row["mlkem_seed"])), key)


@pytest.mark.parametrize("row", SEALING["wrapped"], ids=lambda row: row["suite"])
def test_our_code_opens_the_payload_of_the_vectors(row: dict[str, Any]) -> None:
    header = decode_event(unhex(page("events")["good"][1]["bytes"]))
    (ref,) = header.sealed

    plaintext = open_sealed(
        envelope=unhex(SEALING["envelope"]),
        wrapped=WrappedKey(OfficeId(row["office"]), KeyId(unhex(row["key_id"])), unhex(row["wrapped"])),
        private=private_of(row),
        associated=Associated(header.stream_id, header.event_id, ref.profile),
        ref=ref,
    )

    assert plaintext.hex() == SEALING["plaintext"]
    assert decode_payload(ref.profile, plaintext)["state"] == "REPORTED"


def test_our_code_frames_the_runs_of_the_vectors() -> None:
    for row in DELIVERIES["runs"]:
        run = decode_run(unhex(row["bytes"]))
        assert encode_run(run).hex() == row["bytes"]
        assert (run.point, run.first_n, run.head_after.hex()) == (row["point"], row["first_n"], row["head_after"])


def test_our_code_opens_the_sealed_run_of_the_vectors() -> None:
    row = DELIVERIES["sealed_run"]
    private = X25519PrivateKey.from_private_bytes(unhex(row["seed"]))
    keys = {KeyId(unhex(row["key_id"])): private}

    opened = open_run(unhex(row["bytes"]), point=PointId(row["point"]), private_of=keys.get)

    assert is_sealed(unhex(row["bytes"]))
    assert encode_run(decode_run(opened)).hex() == row["encoded"]
    assert len(opened) == row["bucket_kib"] * 1024 == len(unhex(row["encoded"])) + 5 + row["padding"]


def test_our_code_checks_the_delivery_receipt_of_the_vectors() -> None:
    row = DELIVERIES["receipt"]
    key = next(one for one in DELIVERIES["keys"] if one["key_id"] == row["key_id"])
    receipt = decode_receipt(unhex(row["bytes"]))

    verify_delivery(
        receipt,
        SigningKey(
            *(receipt.key_id, key["purpose"], PointId(key["holder"]), RegionCode("45")),
            *(unhex(key["public_key"]), LeafIndex(0), None),
        ),
    )

    assert encode_receipt(receipt).hex() == row["bytes"]


def test_our_code_checks_the_receipts_of_the_vectors() -> None:
    verifier = NoteVerifier.parse(DELIVERIES["vkey"])
    entries = [unhex(row["bytes"]) for row in BATCHES["entries"]]
    for row in BATCHES["receipts"]:
        start, end = row["start"], row["end"]
        left, right = (tuple(map(unhex, row[side])) for side in ("left", "right"))
        note = BATCHES["checkpoints"][str(row["size"])].encode()
        events = [decode_entry(entry).event for entry in entries[start + 1 : end]]  # type: ignore[union-attr]
        batch = decode_entry(entries[start])
        assert isinstance(batch, BatchEntry)
        receipt = Receipt(entries[start], start, end, left, right, note)  # type: ignore[arg-type]

        checkpoint = verify_receipt(receipt, tbs=batch.tbs, events=events, verifier=verifier)

        assert checkpoint.size == row["size"]


def test_the_heads_of_the_vectors_are_those_that_the_ledger_publishes() -> None:
    published = page("events")["good"][2]["pieces"]
    body = unhex(next(piece["hex"] for piece in published if piece["field"] == "body"))

    for row in DELIVERIES["heads"]:
        assert unhex(row["heads"][0]) in body
    assert page("events")["good"][0]["leaf"] == DELIVERIES["heads"][0]["leaves"][0]
    assert leaf_hash(unhex(page("events")["good"][0]["bytes"])).hex() == DELIVERIES["heads"][0]["leaves"][0]


def test_our_code_reads_the_bodies_of_the_vectors_and_refuses_the_others() -> None:
    bodies, registry = page("bodies"), load_registry()
    for row in bodies["good"]:
        name, value = registry.decode_body(unhex(row["bytes"]))
        assert name == f"pprd.v1.{row['name']}"
        assert plain(value) == row["fields"]
    for row in bodies["refused"]:
        with pytest.raises(ContractError):
            registry.decode_body(unhex(row["bytes"]))
