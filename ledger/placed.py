"""An entry or a leaf hash in a file of evidence, with the path that leads from it to the root of a checkpoint.

    <checkpoint> <index> <base64> <base64 hash>...

Items are parted by one space. Only the form is read here; `check_place` says whether the path holds.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.errors import ContractError
from contracts.ids import Hash, LeafIndex
from ledger.checkpoint import Checkpoint
from ledger.compact import HASH_BYTES, MAX_TREE_SIZE
from ledger.note_text import parse_base64, parse_decimal
from ledger.tree import MAX_PATH, verify_inclusion


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry or a leaf hash under a checkpoint.

    Attributes:
        checkpoint: Number of the checkpoint in the file, from 0.
        index: Index in the ledger, from 0.
        content: Bytes of the entry, or the 32 bytes of a leaf hash.
        path: Sibling hashes, leaf level first, at most 63.
    """

    checkpoint: int
    index: LeafIndex
    content: bytes
    path: tuple[Hash, ...]

    def words(self) -> str:
        """The items as they stand in a line."""
        return " ".join([str(self.checkpoint), str(self.index), *map(base64_text, (self.content, *self.path))])


def parse_placed(words: Sequence[str]) -> Placed:
    """Read the items of a line, at least three.

    Raises:
        ContractError: NOTE_MALFORMED.
    """
    number, index, content, *path = words
    return Placed(parse_decimal(number), LeafIndex(parse_decimal(index)), parse_base64(content), parse_hashes(path))


def parse_hashes(words: Sequence[str]) -> tuple[Hash, ...]:
    """Read hashes; raises as `parse_placed`."""
    return tuple(Hash(parse_base64(word)) for word in words)


def base64_text(data: bytes) -> str:
    """Base64 as `parse_base64` reads it."""
    return base64.b64encode(data).decode()


def check_form(part: Placed, checkpoints: int) -> None:
    """Check that a part can stand in a file of so many checkpoints.

    Raises:
        ContractError: EVIDENCE_MALFORMED.
    """
    if not 0 <= part.checkpoint < checkpoints or not 0 <= part.index < MAX_TREE_SIZE:
        raise malformed(f"entry {part.index} names checkpoint {part.checkpoint}, which is not in the file")
    check_path(part.path)


def check_path(path: Sequence[Hash]) -> None:
    """Check number and length of hashes; raises as `check_form`."""
    if len(path) > MAX_PATH or any(len(item) != HASH_BYTES for item in path):
        raise malformed(f"a path has at most {MAX_PATH} hashes of {HASH_BYTES} bytes")


def check_place(part: Placed, leaf: Hash, heads: Sequence[Checkpoint]) -> None:
    """Check that a leaf is where a part says, under its checkpoint.

    Raises:
        EvidenceError: INCLUSION_INVALID.
    """
    head = heads[part.checkpoint]
    verify_inclusion(leaf_hash=leaf, leaf_index=part.index, tree_size=head.size, path=part.path, root=head.root)


def malformed(message: str) -> ContractError:
    """The refusal of a file of evidence."""
    return ContractError("EVIDENCE_MALFORMED", message)
