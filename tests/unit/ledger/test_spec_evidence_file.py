"""The page of the evidence file is enough to write a reader from: this one uses nothing of ours (docs/spec)."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ROOT = Path(__file__).resolve().parents[3]
VECTORS = json.loads((ROOT / "contracts" / "conformance" / "ledger" / "evidence.json").read_text("utf-8"))
HEADS_ONLY = ("TWO_ROOTS", "PREFIX_CHANGED", "TWO_ENTRIES", "LEDGER_SHORTER", "GROWTH_UNPROVED", "PROOF_FAILS")
"""Claims that need neither entries nor Avro."""


@pytest.mark.parametrize("row", [r for r in VECTORS["files"] if r["claim"] in HEADS_ONLY], ids=lambda row: row["name"])
def test_a_reader_written_from_the_page_says_what_the_vectors_say(row: dict[str, Any]) -> None:
    assert holds(row["file"], VECTORS["log"]) is row["is_shown"]


def holds(text: str, vkey: str) -> bool:
    """Whether the claim of a file is shown."""
    lines = text.split("\n")
    assert lines[0] == "pprd-evidence/v1"
    assert lines[2] == f"log {vkey}"
    claim = lines[1].removeprefix("claim ")
    parts = [line.split(" ") for line in lines[3:-1]]
    heads = [head(base64.b64decode(part[1]), vkey) for part in parts if part[0] == "checkpoint"]
    leaves = [part[1:] for part in parts if part[0] == "leaf"]
    shown = {part[1]: base64.b64decode(part[2]) for part in parts if part[0] == "shown"}
    folded = [fold(leaf, heads[int(leaf[0])][0]) for leaf in leaves]
    if claim != "PROOF_FAILS":
        assert all(new == heads[int(leaf[0])][1] for leaf, (new, _) in zip(leaves, folded, strict=True))
    match claim:
        case "TWO_ROOTS":
            return heads[0][0] == heads[1][0] and heads[0][1] != heads[1][1]
        case "PREFIX_CHANGED":
            if leaves:
                return heads[0][0] < heads[1][0] and folded[0][1] != heads[0][1]
            begins, whole = grown(shown["path"], heads)
            return whole == heads[1][1] and begins != heads[0][1]
        case "GROWTH_UNPROVED":
            proves = "path" in shown and grown(shown["path"], heads) == (heads[0][1], heads[1][1])
            return heads[0][0] < heads[1][0] and not proves
        case "TWO_ENTRIES":
            return leaves[0][1] == leaves[1][1] and leaves[0][2] != leaves[1][2]
        case "LEDGER_SHORTER":
            return heads[1][0] < heads[0][0]
        case _:
            return folded[0][0] != heads[0][1]


def head(note: bytes, vkey: str) -> tuple[int, bytes]:
    """Size and root of a checkpoint whose signature is good."""
    name, _, key = vkey.split("+", 2)
    text, _, signature = note.rpartition(b"\n\n")
    payload = base64.b64decode(signature.decode().rstrip("\n").rpartition(" ")[2])
    Ed25519PublicKey.from_public_bytes(base64.b64decode(key)[1:]).verify(payload[4:], text + b"\n")
    origin, size, root = text.decode().split("\n")
    assert origin == name
    return int(size), base64.b64decode(root)


def fold(leaf: list[str], size: int) -> tuple[bytes, bytes]:
    """The root that all siblings of a path lead to, and the one that only its left siblings lead to."""
    index, last = int(leaf[1]), size - 1
    whole = left = base64.b64decode(leaf[2])
    for item in leaf[3:]:
        sibling = base64.b64decode(item)
        while index == last and index % 2 == 0 and last:
            index, last = index // 2, last // 2
        if index % 2:
            whole, left = node(sibling, whole), node(sibling, left)
        else:
            whole = node(whole, sibling)
        index, last = index // 2, last // 2
    return whole, left


def grown(path: bytes, heads: list[tuple[int, bytes]]) -> tuple[bytes, bytes]:
    """The roots that a consistency path leads to, older and newer (RFC 9162, 2.1.4.2)."""
    (size, root), (size2, _) = heads
    hashes = [path[at : at + 32] for at in range(0, len(path), 32)]
    if size & (size - 1) == 0:
        hashes.insert(0, root)
    old_at, new_at = size - 1, size2 - 1
    while old_at & 1:
        old_at, new_at = old_at >> 1, new_at >> 1
    old = new = hashes[0]
    for item in hashes[1:]:
        if old_at & 1 or old_at == new_at:
            old, new = node(item, old), node(item, new)
            while old_at and not old_at & 1:
                old_at, new_at = old_at >> 1, new_at >> 1
        else:
            new = node(new, item)
        old_at, new_at = old_at >> 1, new_at >> 1
    return old, new


def node(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()
