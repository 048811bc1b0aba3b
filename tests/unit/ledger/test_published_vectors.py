"""The published vectors are right by other code: the texts of RFC 6962, FIPS 204 and C2SP, written again here."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from contracts.errors import ExchangeError
from contracts.ids import Hash, TreeSize
from docs.ledger_parties import PUBLISHED
from ledger.note import NoteVerifier
from ledger.policy import parse_policy
from ledger.proof import parse_proof, verify_proof
from ledger.tree import verify_consistency, verify_inclusion, verify_range
from ledger.witness import Known, check_growth, open_request

_STATUS = {
    "WITNESS_REQUEST_MALFORMED": 400,
    "LOG_SIGNATURE_INVALID": 403,
    "LOG_UNKNOWN": 404,
    "WITNESS_MOVED": 409,
    "CONSISTENCY_INVALID": 422,
}


def page(name: str) -> Any:
    return json.loads((PUBLISHED / f"{name}.json").read_text(encoding="utf-8"))


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word by word."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + root(leaves[:k]) + root(leaves[k:]))


def unhex(values: list[str]) -> list[Hash]:
    return [Hash(bytes.fromhex(value)) for value in values]


def test_leaves_and_roots_are_those_of_rfc_6962() -> None:
    tree = page("tree")
    leaves = [sha256(b"\0" + bytes.fromhex(data)) for data in tree["inputs"]]

    assert tree["leaves"] == [leaf.hex() for leaf in leaves]
    assert tree["roots"] == [root(leaves[:size]).hex() for size in range(9)]
    assert [f"{text[:8]} {text[-4:]}" for text in tree["roots"][1:]] == [
        "6e340b9c a01d",
        "fac54203 c125",
        "aeb6bcfe 6e77",
        "d37ee418 14b7",
        "4e3bbb1f 64d4",
        "76e67dad 87ef",
        "ddb89be4 4c8c",
        "5dc9da79 4328",
    ]
    assert {row["size"]: row["hash_tiles"] for row in tree["tiles"]}[70_000] == 277


def test_every_proof_of_the_tree_holds() -> None:
    tree = page("tree")

    for row in tree["inclusion"]:
        (leaf, of), path = unhex([row["leaf"], row["root"]]), unhex(row["path"])
        verify_inclusion(leaf_hash=leaf, leaf_index=row["index"], tree_size=row["size"], path=path, root=of)
    for row in tree["consistency"]:
        old, new = unhex([row["old_root"], row["new_root"]])
        verify_consistency(size1=row["old"], size2=row["new"], path=unhex(row["path"]), root1=old, root2=new)
    leaves, (whole,) = unhex(tree["leaves"]), unhex(tree["roots"][8:])
    for row in tree["range"]:
        start, end = row["start"], row["end"]
        left, right = unhex(row["left"]), unhex(row["right"])
        verify_range(
            start=start, end=end, leaf_hashes=leaves[start:end], tree_size=8, left=left, right=right, root=whole
        )


def signed_line(line: str, key_type: int, vkey: str) -> tuple[bytes, bytes]:
    """Payload of a signature line and the public key, read by hand; the key id is checked."""
    name, written, typed = vkey.split("+", 2)
    key = base64.b64decode(typed)
    dash, of, encoded = line.rstrip("\n").split(" ")
    payload = base64.b64decode(encoded)
    assert (dash, of, key[0]) == ("\u2014", name, key_type)
    assert payload[:4].hex() == written == sha256(name.encode() + b"\n" + key).hex()[:8]
    return payload[4:], key[1:]


def test_a_checkpoint_and_both_cosignatures_verify_by_hand() -> None:
    notes, cosignatures = page("notes"), page("cosignatures")
    text, seconds = notes["checkpoint"]["text"], cosignatures["seconds"]
    ed25519, ml_dsa = cosignatures["good"]

    payload, key = signed_line(notes["checkpoint"]["note"].split("\n\n")[1], 0x01, notes["log"]["vkey"])
    Ed25519PublicKey.from_public_bytes(key).verify(payload, text.encode())

    payload, key = signed_line(ed25519["line"], 0x04, ed25519["vkey"])
    assert (len(payload), int.from_bytes(payload[:8], "big")) == (72, seconds)
    Ed25519PublicKey.from_public_bytes(key).verify(payload[8:], f"cosignature/v1\ntime {seconds}\n{text}".encode())

    payload, key = signed_line(ml_dsa["line"], 0x06, ml_dsa["vkey"])
    assert (len(payload), len(key), int.from_bytes(payload[:8], "big")) == (2428, 1312, seconds)
    origin, size, encoded = text.splitlines()
    name = ml_dsa["vkey"].split("+")[0]
    message = b"subtree/v1\n\0" + bytes([len(name)]) + name.encode() + seconds.to_bytes(8, "big")
    message += bytes([len(origin)]) + origin.encode() + bytes(8) + int(size).to_bytes(8, "big")
    message += base64.b64decode(encoded)
    assert ml_dsa["signed"] == message.hex()
    MLDSA44PublicKey.from_public_bytes(key).verify(payload[8:], message)


def test_policies_say_what_is_published() -> None:
    policies = page("policies")
    seen = []
    for row in policies["policies"]:
        policy = parse_policy(row["policy"].encode())
        for name, expected in row["accepts"].items():
            try:
                policy.verify(policies["notes"][name].encode())
                found = "accepted"
            except ExchangeError as error:
                found = error.code
            assert found == expected
            seen.append(found)

    assert seen == [
        *("accepted", "accepted", "accepted", "accepted"),
        *("CHECKPOINT_INVALID", "accepted", "CHECKPOINT_INVALID", "accepted"),
        *("CHECKPOINT_INVALID", "accepted", "accepted", "accepted"),
        *("CHECKPOINT_INVALID", "CHECKPOINT_INVALID", "CHECKPOINT_INVALID", "accepted"),
        *("CHECKPOINT_INVALID", "CHECKPOINT_INVALID", "CHECKPOINT_INVALID", "accepted"),
    ]


def test_proof_files_prove_their_entry_and_no_other() -> None:
    proofs, policies = page("proofs"), page("policies")
    quorum_of_both = parse_policy(policies["policies"][-1]["policy"].encode())
    of_the_log = parse_policy(f"log {proofs['vkey']}\nquorum none\n".encode())

    for row in (*proofs["good"], proofs["without_extra"]):
        proof = parse_proof(row["file"].encode())
        verify_proof(proof, bytes.fromhex(row["entry"]), lambda note: of_the_log.verify(note).checkpoint)
    row = proofs["cosigned"]
    verify_proof(
        parse_proof(row["file"].encode()),
        bytes.fromhex(row["entry"]),
        lambda note: quorum_of_both.verify(note).checkpoint,
    )
    for row in proofs["wrong"]:
        with pytest.raises(ExchangeError) as caught:
            verify_proof(
                parse_proof(row["file"].encode()),
                bytes.fromhex(row["entry"]),
                lambda note: of_the_log.verify(note).checkpoint,
            )
        assert row["reason"].endswith(caught.value.code)


def test_batch_event_entries_commitment_and_heads_follow_the_text() -> None:
    """LEDGER 4 to 6 and 10, with nothing of ours."""
    found = page("entries")
    batch, event = found["batch"], bytes.fromhex(found["event"]["bytes"])
    leaves = [bytes.fromhex(leaf) for leaf in batch["event_leaves"]]

    assert event.startswith(b"pprd-event/v1\n\0\xc3\x01")
    assert sha256(b"\0" + event) == leaves[0]
    tbs = b"pprd-batch/v1\n\0" + bytes([len(batch["producer"])]) + batch["producer"].encode()
    tbs += bytes.fromhex(batch["batch_id"]) + batch["batch_seq"].to_bytes(8, "big") + batch["n"].to_bytes(4, "big")
    tbs += batch["created_ms"].to_bytes(8, "big") + bytes(32) + root(leaves)
    assert (batch["tbs"], batch["hash"]) == (tbs.hex(), sha256(tbs).hex())
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(batch["public_key"])).verify(
        bytes.fromhex(batch["signature"]), tbs
    )
    for entry in found["entries"]:
        data = bytes.fromhex(entry["bytes"])
        assert data.startswith(b"pprd-entry/v1\n\0\xc3\x01")
        assert entry["leaf"] == sha256(b"\0" + data).hex()
    assert tbs in bytes.fromhex(found["entries"][1]["bytes"])
    assert bytes.fromhex(found["entries"][2]["bytes"]).endswith(event)
    promise = found["commitment"]
    opening, plaintext = bytes.fromhex(promise["opening"]), bytes.fromhex(promise["plaintext"])
    message = b"pprd-payload/v1\n\0" + len(plaintext).to_bytes(8, "big") + plaintext
    assert promise["commitment"] == hmac.digest(opening, message, "sha256").hex()
    head = bytes(32)
    for n, told in enumerate(found["heads"]["heads"][1:], 1):
        head = sha256(b"pprd-head/v1\n\0" + head + n.to_bytes(8, "big") + leaves[0])
        assert told == head.hex()


@pytest.mark.parametrize("number", range(11))
def test_a_witness_answers_as_published(number: int) -> None:
    witnessing = page("witnessing")
    row = witnessing["requests"][number]
    log = NoteVerifier.parse(witnessing["log"])
    known = Known(TreeSize(row["known"]["size"]), Hash(bytes.fromhex(row["known"]["root"])))

    status = 200
    try:
        check_growth(open_request(row["body"].encode(), {log.name: [log]}), known)
    except ExchangeError as error:
        status = _STATUS[error.code]

    assert status == row["status"], row["why"]
