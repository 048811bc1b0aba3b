"""A reader written from the pages of `docs/spec` alone reads each vector, makes it again, and refuses what is wrong."""

from __future__ import annotations

import ast
import base64
import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from docs.spec.reference import broker, records, sealing, tree, witness
from docs.spec.reference.avro import Record, Schemas, canonical, fingerprint
from docs.spec.reference.directory import Key
from docs.spec.reference.log_keys import read_chain
from docs.spec.reference.note import (
    LogKey,
    Proof,
    check_proof,
    parse_proof,
    parse_typed,
    parse_vkey,
    read_checkpoint,
    verify,
)
from docs.spec.reference.unproved import UnprovedError, expect

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT / "docs" / "spec" / "reference"
PUBLISHED = ROOT / "contracts" / "conformance" / "ledger"
SCHEMAS = Schemas(ROOT / "contracts" / "avro")


def page(name: str) -> Any:
    return json.loads((PUBLISHED / f"{name}.json").read_text(encoding="utf-8"))


EVENTS, BATCHES, SEALING, DELIVERIES, TREE = map(page, ("events", "batches", "sealing", "deliveries", "tree"))
unhex = bytes.fromhex
KEYS = {row["key_id"]: row for row in BATCHES["keys"]}


def hashes(values: list[str]) -> list[bytes]:
    return [unhex(value) for value in values]


def like(value: Any, said: Any) -> Any:
    """A value as the vectors say it: bytes in hex, the same names."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: like(item, said) for name, item in value.items()}
    return [like(item, said) for item in value] if isinstance(value, list) else value


def test_the_reader_uses_nothing_that_it_checks() -> None:
    """Standard library, `cryptography` and its own files."""
    allowed = sys.stdlib_module_names | {"cryptography", "docs.spec.reference"}
    imported = {
        name
        for file in REFERENCE.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert len(imported) > 10
    assert [
        name for name in imported if name.split(".")[0] not in allowed and not name.startswith("docs.spec.reference")
    ] == []


# -- the tree


def test_roots_and_all_proofs_of_the_tree() -> None:
    leaves = [tree.leaf_hash(unhex(data)) for data in TREE["inputs"]]
    assert [leaf.hex() for leaf in leaves] == TREE["leaves"]
    assert [tree.root_of(leaves[:size]).hex() for size in range(9)] == TREE["roots"]
    for row in TREE["inclusion"]:
        tree.check_inclusion(unhex(row["leaf"]), row["index"], row["size"], hashes(row["path"]), unhex(row["root"]))
    for row in TREE["consistency"]:
        old, new = unhex(row["old_root"]), unhex(row["new_root"])
        tree.check_consistency(row["old"], row["new"], hashes(row["path"]), old, new)
    for row in TREE["range"]:
        run = leaves[row["start"] : row["end"]]
        tree.check_range(row["start"], run, 8, hashes(row["left"]), hashes(row["right"]), tree.root_of(leaves))


def test_outside_vectors_of_proofs_are_judged_as_they_say() -> None:
    """Those of transparency-dev/merkle; two rows use roots that are not hashes, which are refused here."""
    seen = {"inclusion": 0, "consistency": 0}
    for kind in seen:
        for line in (ROOT / "tests" / "vectors" / f"merkle_{kind}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            values = [base64.b64decode(row[name] or "") for name in _ROOTS[kind]]
            path = [base64.b64decode(item) for item in row["proof"] or []]
            good = not row["wantErr"] and all(len(value) == 32 for value in (*values, *path))
            assert holds(kind, row, path, values) is good, row["desc"]
            seen[kind] += 1
    assert min(seen.values()) > 90


_ROOTS = {"inclusion": ("leafHash", "root"), "consistency": ("root1", "root2")}


def holds(kind: str, row: dict[str, Any], path: list[bytes], values: list[bytes]) -> bool:
    if any(len(value) != 32 for value in (*values, *path)):
        return False
    try:
        if kind == "inclusion":
            tree.check_inclusion(values[0], row["leafIdx"], row["treeSize"], path, values[1])
        else:
            tree.check_consistency(row["size1"], row["size2"], path, *values)
    except UnprovedError:
        return False
    return True


# -- notes


def read_proof(data: bytes, key: LogKey) -> Proof:
    """A proof file that holds under one key."""
    proof = parse_proof(data)
    check_proof(proof, read_checkpoint(proof.note, key))
    return proof


def test_checkpoints_and_proof_files() -> None:
    notes, proofs = page("notes"), page("proofs")
    key = parse_vkey(notes["log"]["vkey"])
    said = notes["checkpoint"]

    assert read_checkpoint(said["note"].encode(), key) == (said["origin"], said["size"], unhex(said["root"]))
    assert read_checkpoint(notes["unknown_keys_are_ignored"].encode(), key).size == said["size"]
    with pytest.raises(UnprovedError):
        read_checkpoint(notes["forged"]["note"].encode(), key)
    for row in proofs["good"]:
        proof = read_proof(row["file"].encode(), key)
        assert (proof.leaf_index, proof.entry.hex()) == (row["index"], row["entry"])
    with pytest.raises(UnprovedError):
        read_proof(proofs["wrong"][1]["file"].encode(), key)


REFUSED = page("refused")


def read_note(note: bytes) -> object:
    """A note as one reads it who knows the log and both witnesses."""
    for text in REFUSED["witnesses"]:
        witness.cosigned_at(note, witness.parse_witness(text))
    return read_checkpoint(note, parse_vkey(REFUSED["log"]))


def read_key(text: bytes) -> object:
    kind = parse_typed(text.decode())[2][0]
    return (parse_vkey if kind == 1 else witness.parse_witness)(text.decode())


def read_asked(body: bytes) -> None:
    expect(witness.answer(body, [parse_vkey(REFUSED["log"])], 0, tree.sha256(b"")) == 200, "answered with a refusal")


def test_notes_checkpoints_keys_policies_requests_and_proofs_that_are_refused() -> None:
    readers: Mapping[str, Callable[[bytes], object]] = {
        "notes": read_note,
        "checkpoints": read_note,
        "keys": read_key,
        "policies": witness.parse_policy,
        "requests": read_asked,
        "proofs": lambda data: read_proof(data, parse_vkey(REFUSED["log"])),
    }
    rows = [row for row in REFUSED["refused"] if row["kind"] in readers]

    assert {row["kind"] for row in rows} == set(readers)
    believed = [
        row["defect"] for row in rows if accepts(partial(readers[row["kind"]], base64.b64decode(row["base64"])))
    ]
    assert believed == []


# -- witnesses


@pytest.mark.parametrize("row", page("cosignatures")["good"], ids=lambda row: row["algorithm"])
def test_a_cosignature_is_over_the_bytes_of_the_page(row: dict[str, Any]) -> None:
    told = page("cosignatures")
    text, key = told["text"].encode(), witness.parse_witness(row["vkey"])
    note = text + b"\n" + row["line"].encode()

    assert witness.cosigned_bytes(text, told["seconds"], key).hex() == row["signed"]
    assert witness.cosigned_at(note, key) == told["seconds"]
    with pytest.raises(UnprovedError):
        witness.cosigned_at(note.replace(b"\n8\n", b"\n7\n"), key)


def test_a_policy_accepts_what_its_row_says() -> None:
    told = page("policies")
    for row in told["policies"]:
        policy = witness.parse_policy(row["policy"].encode())
        found = {
            name: accepts(lambda note=note, policy=policy: witness.accept(note.encode(), policy))  # type: ignore[misc]
            for name, note in told["notes"].items()
        }
        assert found == {name: said == "accepted" for name, said in row["accepts"].items()}


@pytest.mark.parametrize("row", page("witnessing")["requests"], ids=lambda row: f"{row['status']} {row['why']}")
def test_a_witness_answers_with_the_status_of_its_row(row: dict[str, Any]) -> None:
    logs = [parse_vkey(page("witnessing")["log"])]
    known = row["known"]

    assert witness.answer(row["body"].encode(), logs, known["size"], unhex(known["root"])) == row["status"]


def accepts(read: Callable[[], object]) -> bool:
    """Whether something is read without a finding."""
    try:
        read()
    except UnprovedError:
        return False
    return True


def test_the_chain_of_keys_of_a_log() -> None:
    """Every key of it leads to all, every checkpoint is judged by its size, and no other chain is believed."""
    told = page("log-keys")
    chain = told["chain"].encode()
    keys = read_chain(chain, parse_vkey(told["keys"][-1]["vkey"]), SCHEMAS)

    assert [span.key for span in keys.spans] == [parse_vkey(row["vkey"]) for row in told["keys"]]
    assert [(span.since, span.until) for span in keys.spans] == [(row["since"], row["until"]) for row in told["keys"]]
    for row in told["trusted"]:
        assert accepts(lambda row=row: read_chain(chain, parse_vkey(row["vkey"]), SCHEMAS)) is (  # type: ignore[misc]
            row["result"] == "accepted"
        )
    for row in told["checkpoints"]:
        assert accepts(lambda row=row: keys.read(row["note"].encode())) is (row["result"] == "accepted")  # type: ignore[misc]
    for row in told["refused"]:
        with pytest.raises(UnprovedError):
            read_chain(row["chain"].encode(), parse_vkey(told["keys"][0]["vkey"]), SCHEMAS)


# -- events


def test_the_schema_of_a_header_has_its_fingerprint() -> None:
    schema = json.loads((ROOT / "contracts" / "avro" / "event_header.avsc").read_text(encoding="utf-8"))

    assert canonical(schema) == EVENTS["schema"]["canonical"]
    assert fingerprint(schema).hex() == EVENTS["schema"]["fingerprint"]


@pytest.mark.parametrize("row", EVENTS["good"], ids=lambda row: row["name"])
def test_an_event_is_read_and_made_again(row: dict[str, Any]) -> None:
    event = unhex(row["bytes"])
    header = records.read_event(event, SCHEMAS)

    assert like(header, row["fields"]) == row["fields"]
    assert records.write_event(header, SCHEMAS) == event
    assert "".join(piece["hex"] for piece in row["pieces"]) == row["bytes"]
    assert tree.leaf_hash(event).hex() == row["leaf"]
    assert SCHEMAS.read(header["body"]).name == header["event_type"] + "Body"


@pytest.mark.parametrize("row", EVENTS["refused"], ids=lambda row: row["defect"])
def test_an_event_with_a_defect_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(UnprovedError):
        records.read_event(unhex(row["bytes"]), SCHEMAS)


# -- batches, entries, receipts


@pytest.mark.parametrize("row", BATCHES["batches"], ids=lambda row: row["index"])
def test_a_batch_is_read_checked_and_signed_again(row: dict[str, Any]) -> None:
    tbs, leaves = unhex(row["tbs"]), hashes(row["leaves"])
    batch, key = records.read_batch(tbs), KEYS[row["key_id"]]

    assert like(batch._asdict(), row) == {name: row[name] for name in batch._fields}
    assert records.write_batch(batch) == tbs == unhex("".join(piece["hex"] for piece in row["pieces"]))
    assert tree.sha256(tbs).hex() == row["hash"]
    assert records.key_id(key["purpose"], unhex(key["public_key"])).hex() == row["key_id"]
    verify(unhex(key["public_key"]), unhex(row["signature"]), tbs)
    assert Ed25519PrivateKey.from_private_bytes(unhex(key["seed"])).sign(tbs).hex() == row["signature"]
    assert tree.root_of(leaves) == batch.root
    for at, leaf in enumerate(leaves):
        tree.check_inclusion(leaf, at, batch.n, hashes(row["paths"][at]), batch.root)


def test_batches_of_one_producer_are_chained() -> None:
    first, second = (row for row in BATCHES["batches"] if row["producer"] == "44-node")

    assert first["prev_batch"] == BATCHES["no_batch"] == bytes(32).hex()
    assert (second["batch_seq"], second["prev_batch"]) == (1, first["hash"])


@pytest.mark.parametrize("row", BATCHES["refused"], ids=lambda row: row["defect"])
def test_what_is_no_batch_header_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(UnprovedError):
        records.read_batch(unhex(row["tbs"]))


def test_entries_are_read_made_again_and_stand_under_their_checkpoints() -> None:
    entries = hashes([row["bytes"] for row in BATCHES["entries"]])
    key = parse_vkey(page("notes")["log"]["vkey"])
    for row, entry in zip(BATCHES["entries"], entries, strict=True):
        record = records.read_entry(entry, SCHEMAS)
        assert record.name == row["kind"]
        assert records.write_entry(record, SCHEMAS) == entry
        assert tree.leaf_hash(entry).hex() == row["leaf"]
        for damaged in (entry[:-1], entry + b"\0", b"x" + entry[1:]):
            with pytest.raises(UnprovedError):
                records.read_entry(damaged, SCHEMAS)
    leaves = [tree.leaf_hash(entry) for entry in entries]
    for size, note in BATCHES["checkpoints"].items():
        assert read_checkpoint(note.encode(), key).root == tree.root_of(leaves[: int(size)])
    for row in BATCHES["receipts"]:
        run, root = leaves[row["start"] : row["end"]], tree.root_of(leaves[: row["size"]])
        tree.check_range(row["start"], run, row["size"], hashes(row["left"]), hashes(row["right"]), root)


def test_the_entry_of_a_batch_names_what_was_refused_so_that_its_root_can_be_made_again() -> None:
    entry = records.read_entry(unhex(BATCHES["entries"][1]["bytes"]), SCHEMAS).fields
    batch = records.read_batch(entry["tbs"])
    accepted = [
        records.event_leaf(records.read_entry(unhex(BATCHES["entries"][at]["bytes"]), SCHEMAS)) for at in (2, 3)
    ]

    assert records.batch_root(batch, accepted, entry["refused"]) == batch.root
    assert entry["refused"][0]["leaf_hash"] == tree.leaf_hash(unhex(BATCHES["refused_event"]))
    with pytest.raises(UnprovedError):
        records.batch_root(batch, accepted[:1], entry["refused"])


# -- bodies

BODIES = page("bodies")


@pytest.mark.parametrize("row", BODIES["good"], ids=lambda row: f"{row['name']} {len(row['bytes']) // 2}")
def test_a_body_of_the_hub_is_read_and_made_again(row: dict[str, Any]) -> None:
    record = SCHEMAS.read(unhex(row["bytes"]))

    assert record.name == row["name"]
    assert like(record.fields, row) == row["fields"]
    assert SCHEMAS.write(record).hex() == row["bytes"]


@pytest.mark.parametrize("row", BODIES["refused"], ids=lambda row: row["defect"])
def test_a_body_with_a_defect_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(UnprovedError):
        SCHEMAS.read(unhex(row["bytes"]))


def test_schemas_of_bodies_have_their_fingerprints() -> None:
    for row in BODIES["schemas"]:
        assert fingerprint(json.loads(row["canonical"])).hex() == row["fingerprint"]
        assert any(one["bytes"][4:20] == row["fingerprint"] for one in BODIES["good"])


def test_a_month_has_one_id_and_its_rows_one_digest() -> None:
    """By hand, from the page."""
    told = BODIES["month"]
    entropy = tree.sha256(b"pprd-digests/v1\0" + told["month"].encode())[:10]
    assert unhex(told["id"])[8:] == bytes((0x80 | entropy[2] & 0x3F,)) + entropy[3:]
    data = b"pprd-projection/v1\n\0" + len(told["name"]).to_bytes(2, "big") + told["name"].encode()
    data += told["position"].to_bytes(8, "big")
    for key, region, count in told["rows"]:
        values = (b"x" + unhex(key), b"s" + region.encode(), b"i%d" % count)
        row = b"".join(len(value).to_bytes(4, "big") + value for value in values)
        data += len(row).to_bytes(4, "big") + row

    assert tree.sha256(data).hex() == told["digest"]


# -- payloads


BINDING = unhex(SEALING["bound"])
REF = sealing.Sealed(
    SEALING["profile"], unhex(SEALING["commitment"]), unhex(SEALING["ciphertext_hash"]), SEALING["bucket_kib"]
)


def test_a_payload_is_sealed_again_and_opened() -> None:
    plaintext, key, opening = (unhex(SEALING[name]) for name in ("plaintext", "content_key", "opening"))

    assert sealing.bound(unhex(SEALING["stream_id"]), unhex(SEALING["event_id"]), SEALING["profile"]) == BINDING
    assert sealing.commitment(opening, plaintext) == REF.commitment
    assert sealing.envelope(plaintext, BINDING, key, unhex(SEALING["nonce"]), opening).hex() == SEALING["envelope"]
    assert sealing.open_envelope(unhex(SEALING["envelope"]), key, BINDING, REF) == plaintext


def test_a_content_key_is_wrapped_again_step_by_step() -> None:
    row = SEALING["wrapped"][0]
    ephemeral = X25519PrivateKey.from_private_bytes(unhex(row["ephemeral_seed"]))
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(unhex(row["public_key"])))
    secret = sealing.dh_secret(shared, unhex(row["enc"]), unhex(row["public_key"]))
    steps = sealing.schedule(sealing.X25519_KEM, secret, BINDING)

    assert shared.hex() == row["dh"]
    assert {name: value.hex() for name, value in steps._asdict().items()} == {name: row[name] for name in steps._fields}
    made = sealing.hpke_seal(
        unhex(row["public_key"]), BINDING, unhex(SEALING["content_key"]), unhex(row["ephemeral_seed"])
    )
    assert made.hex() == row["wrapped"]
    assert sealing.hpke_open(unhex(row["seed"]), BINDING, made).hex() == SEALING["content_key"]
    with pytest.raises(UnprovedError):
        sealing.hpke_open(unhex(row["seed"]), BINDING + b"x", made)


def test_the_hybrid_suite_opens_too() -> None:
    row = SEALING["wrapped"][1]
    seeds = unhex(row["mlkem_seed"]), unhex(row["seed"])

    assert len(unhex(row["wrapped"])) == 1_168
    assert sealing.hpke_open_hybrid(*seeds, BINDING, unhex(row["wrapped"])).hex() == SEALING["content_key"]
    with pytest.raises(UnprovedError):
        sealing.hpke_open_hybrid(*seeds, BINDING + b"x", unhex(row["wrapped"]))


def test_buckets() -> None:
    for row in SEALING["buckets"]:
        assert sealing.bucket_of(row["plaintext_bytes"]) == row["bucket_kib"]
        assert len(sealing.HEAD) + 12 + row["bucket_kib"] * 1024 + 16 == row["envelope_bytes"]
    with pytest.raises(UnprovedError):
        sealing.bucket_of(SEALING["too_long"])


@pytest.mark.parametrize("row", SEALING["refused"], ids=lambda row: row["defect"])
def test_a_payload_that_is_not_what_its_event_says_is_not_opened(row: dict[str, Any]) -> None:
    ref = sealing.Sealed(SEALING["profile"], unhex(row["commitment"]), unhex(row["ciphertext_hash"]), row["bucket_kib"])

    with pytest.raises(UnprovedError):
        sealing.open_envelope(unhex(row["envelope"]), unhex(SEALING["content_key"]), BINDING, ref)


# -- deliveries


def key_at(key: bytes, _: int) -> Key:
    row = KEYS.get(key.hex())
    if row is None or row["purpose"] not in ("batch", "hub-events"):
        raise UnprovedError("no such key")
    return Key(row["purpose"], row["holder"], row["holder"][:2], unhex(row["public_key"]), 0, None)


def test_running_hashes() -> None:
    for row in DELIVERIES["heads"]:
        head = bytes(32)
        for n, (leaf, told) in enumerate(zip(row["leaves"], row["heads"], strict=True), 1):
            head = records.next_head(head, n, unhex(leaf))
            assert head.hex() == told


@pytest.mark.parametrize("row", DELIVERIES["runs"], ids=lambda row: f"{row['point']}:{row['first_n']}")
def test_a_run_is_read_checked_and_made_again(row: dict[str, Any]) -> None:
    run = broker.read_run(unhex(row["bytes"]))
    head = unhex(row["head_before"])

    after = broker.verify_run(run, row["point"], head, parse_vkey(DELIVERIES["vkey"]), key_at, SCHEMAS)

    assert broker.write_run(run).hex() == row["bytes"]
    assert after.hex() == row["head_after"]
    assert (run.point, run.first_n) == (row["point"], row["first_n"])


@pytest.mark.parametrize("row", DELIVERIES["refused"], ids=lambda row: row["defect"])
def test_a_run_with_a_defect_stops_the_line(row: dict[str, Any]) -> None:
    with pytest.raises(UnprovedError):
        broker.verify_run(
            broker.read_run(unhex(row["bytes"])),
            "45-node",
            bytes(32),
            parse_vkey(DELIVERIES["vkey"]),
            key_at,
            SCHEMAS,
        )


def test_a_case_run_is_sealed_again_and_opened() -> None:
    row = DELIVERIES["sealed_run"]
    encoded, sealed = unhex(row["encoded"]), unhex(row["bytes"])
    key = unhex(row["public_key"]), unhex(row["key_id"])

    assert broker.seal_run(encoded, row["point"], *key, unhex(row["ephemeral_seed"])) == sealed
    opened = broker.open_run(sealed, row["point"], unhex(row["seed"]))
    assert len(opened) == row["bucket_kib"] * 1024
    assert opened.startswith(encoded)
    assert broker.read_run(opened) == broker.read_run(encoded)
    with pytest.raises(UnprovedError):
        broker.open_run(sealed, "45-node", unhex(row["seed"]))


def test_a_delivery_receipt_is_read_checked_and_signed_again() -> None:
    row = DELIVERIES["receipt"]
    receipt, key = broker.read_receipt(unhex(row["bytes"])), KEYS[row["key_id"]]
    holder = Key(key["purpose"], key["holder"], "45", unhex(key["public_key"]), 0, None)

    broker.verify_receipt(receipt, holder)

    tbs = broker.receipt_tbs(receipt)
    assert tbs.hex() == row["tbs"]
    assert Ed25519PrivateKey.from_private_bytes(unhex(key["seed"])).sign(tbs) == receipt.signature
    assert broker.write_receipt(receipt).hex() == row["bytes"]
    for other in (receipt._replace(n=3), receipt._replace(head=bytes(32)), receipt._replace(point="45-450103")):
        with pytest.raises(UnprovedError):
            broker.verify_receipt(other, holder)
    with pytest.raises(UnprovedError):
        broker.verify_receipt(receipt, holder._replace(region="44"))


def test_a_record_of_another_schema_is_no_event() -> None:
    """Only the label and the one schema make an event."""
    other = records.EVENT_LABEL + SCHEMAS.write(Record("EventEntry", {"event": b""}))

    with pytest.raises(UnprovedError, match="no event header"):
        records.read_event(other, SCHEMAS)
