"""Proof files: that one entry is in a ledger, in a text that other software reads too.

    c2sp.org/tlog-proof@v1\\n
    extra <base64>\\n                 optional; here the bytes of the entry
    index <decimal>\\n
    <base64 hash>\\n                  0 to 63 lines, the leaf's sibling first
    \\n
    <checkpoint with all its signatures>

The extension is `.tlog-proof`. The size of the tree is taken from the verified checkpoint only. The extra bytes are
believed only after their own leaf hash was checked, which `verify_proof` does.

Source: LEDGER, section 9; C2SP tlog-proof.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from contracts.errors import ContractError
from contracts.ids import Hash, LeafIndex
from ledger.checkpoint import Checkpoint, checkpoint_size
from ledger.compact import HASH_BYTES, MAX_TREE_SIZE
from ledger.note import MAX_NOTE_BYTES
from ledger.note_text import parse_base64, parse_decimal
from ledger.tiles import MAX_ENTRY_BYTES
from ledger.tree import MAX_PATH, hash_leaf, verify_inclusion

_HEADER: Final = "c2sp.org/tlog-proof@v1"
MAX_PROOF_BYTES: Final = MAX_NOTE_BYTES + 96 * 1024
"""Longest proof file: a note, the base64 of an entry, 63 hashes and two short lines."""

CheckpointReader = Callable[[bytes], Checkpoint]
"""Reads a signed note and checks its signatures: `parse_checkpoint` with the log's key, or a policy's `verify`."""


@dataclass(frozen=True, slots=True)
class TlogProof:
    """The content of a proof file; nothing in it is checked but its form.

    Attributes:
        index: Index of the entry, from 0.
        path: Its inclusion path, leaf level first, at most 63 hashes.
        checkpoint: The signed note.
        extra: The bytes of the entry, at most 65,535; None if the file has none.
    """

    index: LeafIndex
    path: tuple[Hash, ...]
    checkpoint: bytes
    extra: bytes | None = None


def format_proof(proof: TlogProof) -> bytes:
    """Write a proof file.

    Raises:
        ContractError: PROOF_MALFORMED or NOTE_MALFORMED, a part is out of its range.
    """
    _check(proof)
    lines = [_HEADER]
    if proof.extra is not None:
        lines.append(f"extra {base64.b64encode(proof.extra).decode()}")
    lines.append(f"index {proof.index}")
    lines += [base64.b64encode(item).decode() for item in proof.path]
    return "\n".join([*lines, "", ""]).encode() + proof.checkpoint


def parse_proof(data: bytes) -> TlogProof:
    """Read the form of a proof file.

    Raises:
        ContractError: PROOF_MALFORMED or NOTE_MALFORMED.
    """
    if len(data) > MAX_PROOF_BYTES:
        raise _malformed(f"a proof file has at most {MAX_PROOF_BYTES} bytes, not {len(data)}")
    head, blank, checkpoint = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as err:
        raise _malformed(f"byte {err.start} is not ASCII") from err
    if not blank or lines.pop(0) != _HEADER:
        raise _malformed(f"a proof file begins with {_HEADER} and has an empty line before its checkpoint")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = parse_base64(lines.pop(0).removeprefix("extra "))
    if not lines or not lines[0].startswith("index "):
        raise _malformed("the index is missing")
    index = parse_decimal(lines.pop(0).removeprefix("index "))
    proof = TlogProof(LeafIndex(index), tuple(Hash(parse_base64(line)) for line in lines), checkpoint, extra)
    _check(proof)
    return proof


def verify_proof(proof: TlogProof, entry: bytes, read_checkpoint: CheckpointReader) -> Checkpoint:
    """Check that an entry is in the ledger at the index that the proof says.

    Args:
        proof: What `parse_proof` gave.
        entry: The bytes of the entry.
        read_checkpoint: Checks the signatures, with keys that do not come from the proof.

    Returns:
        The verified checkpoint.

    Raises:
        ContractError: PROOF_MALFORMED, the extra bytes are not the entry; or what `read_checkpoint` raises.
        EvidenceError: INCLUSION_INVALID, or what `read_checkpoint` raises.
    """
    if proof.extra is not None and proof.extra != entry:
        raise _malformed("the extra bytes are not those of the entry")
    checkpoint = read_checkpoint(proof.checkpoint)
    verify_inclusion(
        leaf_hash=hash_leaf(entry),
        leaf_index=proof.index,
        tree_size=checkpoint.size,
        path=proof.path,
        root=checkpoint.root,
    )
    return checkpoint


def _check(proof: TlogProof) -> None:
    checkpoint_size(proof.checkpoint)
    if not 0 <= proof.index < MAX_TREE_SIZE:
        raise _malformed(f"index {proof.index} is out of range")
    if len(proof.path) > MAX_PATH or any(len(item) != HASH_BYTES for item in proof.path):
        raise _malformed(f"a path has at most {MAX_PATH} hashes of {HASH_BYTES} bytes")
    if proof.extra is not None and len(proof.extra) > MAX_ENTRY_BYTES:
        raise _malformed(f"the extra bytes are an entry of at most {MAX_ENTRY_BYTES} bytes")


def _malformed(message: str) -> ContractError:
    return ContractError("PROOF_MALFORMED", message)
