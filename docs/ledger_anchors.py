"""Anchors for the published vectors: roots of RFC 6962's own inputs under both algorithms, and signed files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from contracts.errors import ExchangeError
from docs.ledger_parties import INPUTS, NOTE, PUBLISHED, SECONDS
from ledger.anchor import ALGORITHMS, Anchor, AnchorTree, format_anchor, parse_anchor
from ledger.checkpoint import parse_checkpoint_text
from ledger.note import split_note

_NAME: Final = "archive.example/vectors"
_ED25519: Final = Ed25519PrivateKey.from_private_bytes((21).to_bytes(32, "big"))
_ML_DSA: Final = MLDSA44PrivateKey.from_seed_bytes((22).to_bytes(32, "big"))


def page() -> dict[str, Any]:
    """The published page."""
    return {
        "source": "ADR 0057; docs/spec/anchor.md; inputs are those of tree.json",
        "roots": {name: [_tree(name, size).root().hex() for size in range(len(INPUTS) + 1)] for name in ALGORITHMS},
        "files": [_file(name) for name in ALGORITHMS],
        "refused": list(_refused()),
    }


def _tree(algorithm: str, size: int) -> AnchorTree:
    tree = AnchorTree(algorithm)
    for entry in INPUTS[:size]:
        tree.append(entry)
    return tree


def _bare(algorithm: str) -> Anchor:
    checkpoint = parse_checkpoint_text(split_note(NOTE)[0])
    return Anchor(algorithm, _tree(algorithm, len(INPUTS)).root(), checkpoint, NOTE)


def _file(algorithm: str) -> dict[str, str]:
    return {
        "algorithm": algorithm,
        "tbs": _bare(algorithm).tbs(_NAME, SECONDS).hex(),
        "file": format_anchor(_signed(algorithm)).decode(),
    }


def _signed(algorithm: str) -> Anchor:
    """Both signatures. ML-DSA signs with fresh randomness: one that is published is kept as long as it is good."""
    try:
        published = json.loads((PUBLISHED / "anchors.json").read_text(encoding="utf-8"))
        (data,) = (row["file"] for row in published["files"] if row["algorithm"] == algorithm)
        anchor = parse_anchor(data.encode())
        anchor.verify_signatures()
        if _with_ed25519(algorithm).signatures[0] == anchor.signatures[0] and anchor.note == NOTE:
            return anchor
    except (OSError, ValueError, KeyError, IndexError, ExchangeError):
        pass
    return _with_ed25519(algorithm).signed(_NAME, _ML_DSA, SECONDS)


def _with_ed25519(algorithm: str) -> Anchor:
    return _bare(algorithm).signed(_NAME, _ED25519, SECONDS)


def _refused() -> Iterator[dict[str, str]]:
    good = format_anchor(_with_ed25519(ALGORITHMS[0])).decode()
    first, second, third, *_ = good.split("\n")
    for reason, bad in (
        ("another version", good.replace("/v1", "/v2", 1)),
        ("an algorithm that is none of ours", good.replace("SHA-512", "SHA-256", 1)),
        ("a root of another length", good.replace(third, "root AAAA", 1)),
        ("lines in another order", good.replace(f"{second}\n{third}", f"{third}\n{second}", 1)),
        ("a time with a leading zero", good.replace(f" {SECONDS} ", f" 0{SECONDS} ", 1)),
        ("a signature twice", _twice(good)),
        ("no empty line", good.replace("\n\n", "\n", 1)),
        ("another first line", good.replace(first, f" {first}", 1)),
        ("a time that was not signed", good.replace(f" {SECONDS} ", f" {SECONDS + 1} ", 1)),
        ("a root that was not signed", _other_root(good)),
    ):
        yield {"reason": reason, "file": bad, "result": _code_of(bad)}


def _twice(good: str) -> str:
    line = next(line for line in good.split("\n") if line.startswith("signed "))
    return good.replace(line, f"{line}\n{line}", 1)


def _other_root(good: str) -> str:
    line = good.split("\n")[2]
    return good.replace(line, f"{line[:5]}{'B' if line[5] == 'A' else 'A'}{line[6:]}", 1)


def _code_of(data: str) -> str:
    try:
        parse_anchor(data.encode()).verify_signatures()
    except ExchangeError as error:
        return error.code
    return "accepted"
