"""Who signs in the published vectors: a log and two witnesses with keys made of numbers, for nothing else."""

import json
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from contracts.errors import ExchangeError
from contracts.ids import Hash, TreeSize
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.note import Cosigner, NoteSigner, add_lines, parse_note
from ledger.tree import hash_leaf, root_of
from ledger.witness import AddCheckpoint, format_request

PUBLISHED: Final = Path(__file__).resolve().parents[1] / "contracts" / "conformance" / "ledger"
"""The folder of the published vectors."""
INPUTS: Final = tuple(
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
)
"""Leaf inputs of RFC 6962's own examples."""
LEAVES: Final = [hash_leaf(data) for data in INPUTS]
SECONDS: Final = 1_767_225_600
"""When the witnesses cosign."""


def _ed25519(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))


LOG: Final = NoteSigner("pprd.example/vectors", _ed25519(1))
BATCH_KEY: Final = _ed25519(2)
WITNESS: Final = Cosigner("44.witness.example", _ed25519(101))
ML_DSA_WITNESS: Final = Cosigner("45.witness.example", MLDSA44PrivateKey.from_seed_bytes((102).to_bytes(32, "big")))

TEXT: Final = Checkpoint(LOG.name, TreeSize(8), root_of(LEAVES)).text()
NOTE: Final = sign_checkpoint(Checkpoint(LOG.name, TreeSize(8), root_of(LEAVES)), LOG)


def ml_dsa_line() -> bytes:
    """The ML-DSA-44 witness's line under `TEXT`.

    ML-DSA signs with fresh randomness, so a line that is published already is kept as long as it is good.
    """
    try:
        published = json.loads((PUBLISHED / "cosignatures.json").read_text(encoding="utf-8"))
        (line,) = (str(row["line"]).encode() for row in published["good"] if row["algorithm"] == "ML-DSA-44")
        parse_note(add_lines(NOTE, [line]), [ML_DSA_WITNESS.verifier])
    except (OSError, ValueError, KeyError, ExchangeError):
        return ML_DSA_WITNESS.line(TEXT, seconds=SECONDS)
    return line


def cosigned(*witnesses: Cosigner) -> bytes:
    """`NOTE` with the lines of some witnesses."""
    lines = [ml_dsa_line() if one is ML_DSA_WITNESS else one.line(TEXT, seconds=SECONDS) for one in witnesses]
    return add_lines(NOTE, lines)


def request(*, old_size: int, path: tuple[Hash, ...], note: bytes) -> bytes:
    """The body of a request to a witness."""
    return format_request(AddCheckpoint(TreeSize(old_size), path, note))
