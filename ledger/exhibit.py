"""Making evidence files from what somebody has in hand: heads that contradict each other, entries with their proofs.

Whoever notices something calls one of these, checks the file with `ledger.claim` and keeps it before he raises the
alarm. Nothing is fetched here and nothing believed: a file that does not show its claim is refused by the check.

Source: docs/spec/evidence-file.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.errors import EvidenceError
from contracts.ids import Hash, LeafIndex
from ledger.case import BodyReader
from ledger.checkpoint import parse_checkpoint
from ledger.claim import verify_evidence
from ledger.evidence_file import EvidenceFile, Shown, format_evidence
from ledger.note import NoteVerifier
from ledger.placed import Placed
from ledger.tree import fold_consistency


@dataclass(frozen=True, slots=True)
class Proved:
    """An entry with the proof that it is in the ledger.

    Attributes:
        index: Its index.
        entry: Its bytes.
        path: Inclusion path.
        note: The signed checkpoint that the path leads to.
    """

    index: LeafIndex
    entry: bytes
    path: tuple[Hash, ...]
    note: bytes


def of_heads(log: NoteVerifier, known: bytes, shown: bytes, path: Sequence[Hash] | None = None) -> EvidenceFile | None:
    """The file of two heads that do not go together.

    Args:
        log: Who signed both.
        known: The note that was seen first.
        shown: The note that was seen later.
        path: What was given as the proof that the longer one extends the other; None if nothing was given.

    Returns:
        The strongest claim that holds of them; None if nothing speaks against the ledger: two equal heads.
    """
    old, new = parse_checkpoint(known, log), parse_checkpoint(shown, log)
    if old.size == new.size:
        return None if old.root == new.root else EvidenceFile("TWO_ROOTS", log, (known, shown))
    if new.size < old.size:
        return EvidenceFile("LEDGER_SHORTER", log, (known, shown))
    given = () if path is None else (Shown("path", b"".join(path)),)
    try:
        begins, folded = fold_consistency(old.size, new.size, path or (), old.root)
    except EvidenceError:
        return EvidenceFile("GROWTH_UNPROVED", log, (known, shown), shown=given)
    if folded == new.root and begins == old.root:
        return None
    claim = "PREFIX_CHANGED" if folded == new.root else "GROWTH_UNPROVED"
    return EvidenceFile(claim, log, (known, shown), shown=given)


def of_prefix(log: NoteVerifier, known: bytes, shown: bytes, leaf: Hash, path: Sequence[Hash]) -> EvidenceFile:
    """The file that an earlier tree is not the beginning of a later one, from its last leaf with its later path."""
    last = LeafIndex(parse_checkpoint(known, log).size - 1)
    return EvidenceFile("PREFIX_CHANGED", log, (known, shown), leaves=(Placed(1, last, leaf, tuple(path)),))


def of_entries(claim: str, log: NoteVerifier, entries: Sequence[Proved], shown: Sequence[Shown] = ()) -> EvidenceFile:
    """The file of a claim about entries, which are put in the order of the ledger."""
    notes = list(dict.fromkeys(one.note for one in entries))
    placed = [Placed(notes.index(one.note), one.index, one.entry, one.path) for one in entries]
    ordered = tuple(sorted(placed, key=lambda part: part.index))
    return EvidenceFile(claim, log, tuple(notes), ordered, shown=tuple(shown))


def of_path(log: NoteVerifier, note: bytes, index: LeafIndex, leaf: Hash, path: Sequence[Hash]) -> EvidenceFile:
    """The file of an inclusion path that does not lead to the signed root."""
    return EvidenceFile("PROOF_FAILS", log, (note,), leaves=(Placed(0, index, leaf, tuple(path)),))


def of_range(
    log: NoteVerifier,
    note: bytes,
    start: LeafIndex,
    leaves: Sequence[Hash],
    left: Sequence[Hash],
    right: Sequence[Hash],
) -> EvidenceFile:
    """The file of a receipt whose run does not lead to the signed root."""
    placed = tuple(Placed(0, LeafIndex(start + at), leaf, ()) for at, leaf in enumerate(leaves))
    proof = b"".join(bytes([len(part)]) + b"".join(part) for part in (left, right))
    return EvidenceFile("RANGE_FAILS", log, (note,), leaves=placed, shown=(Shown("proof", proof),))


def number(value: int) -> bytes:
    """A counter, an index or a time as it is shown."""
    return value.to_bytes(8, "big")


def checked(evidence: EvidenceFile, *, log: NoteVerifier, read_body: BodyReader) -> bytes:
    """Write a file that is sure to convince: whoever accuses with what shows nothing is not heard again.

    Raises:
        ContractError, EvidenceError: As `ledger.claim.verify_evidence`.
    """
    verify_evidence(evidence, log=log, read_body=read_body)
    return format_evidence(evidence)
