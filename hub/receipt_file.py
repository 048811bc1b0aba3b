"""A receipt as a file, checked by whoever has it: no hub is asked, nothing but the file and a policy is read.

The file carries the bytes of the entry, so it says by itself what was recorded. Not here: the form of the file
(`ledger.proof`), whose signatures count (`ledger.policy`), and that the producer signed: that stands in the batch
entry, which an evidence pack brings along and an audit checks for every entry.

Source: LEDGER, sections 8 and 9.
"""

from __future__ import annotations

from dataclasses import dataclass

from contracts.errors import ContractError
from contracts.event import Header, decode_event
from contracts.ids import LeafIndex
from ledger.checkpoint import Checkpoint
from ledger.entry import EventEntry, decode_entry
from ledger.policy import Policy, Witnessed
from ledger.proof import parse_proof, verify_proof


@dataclass(frozen=True, slots=True)
class ProvedEntry:
    """What a receipt file proves.

    Attributes:
        index: Index of the entry.
        entry: Its bytes.
        header: Of the event, if the entry is one; None for a batch entry and for the genesis entry.
        checkpoint: What was signed.
        cosigned_at: Witnesses of the policy that cosigned, each with the seconds since the epoch.
    """

    index: LeafIndex
    entry: bytes
    header: Header | None
    checkpoint: Checkpoint
    cosigned_at: tuple[tuple[str, int], ...]


def verify_receipt_file(data: bytes, policy: Policy) -> ProvedEntry:
    """Check a receipt file under a policy.

    Args:
        data: The file.
        policy: Which logs are known and which quorum of witnesses must have cosigned.

    Raises:
        ContractError: PROOF_MALFORMED (also: the file carries no entry), NOTE_MALFORMED, ENTRY_MALFORMED,
            EVENT_MALFORMED.
        EvidenceError: SIGNATURE_INVALID, CHECKPOINT_INVALID, INCLUSION_INVALID.
    """
    proof = parse_proof(data)
    if proof.extra is None:
        raise ContractError("PROOF_MALFORMED", "the file carries no entry, so it does not say what was recorded")
    seen: list[Witnessed] = []

    def read(note: bytes) -> Checkpoint:
        seen.append(policy.verify(note))
        return seen[-1].checkpoint

    checkpoint = verify_proof(proof, proof.extra, read)
    entry = decode_entry(proof.extra)
    header = decode_event(entry.event) if isinstance(entry, EventEntry) else None
    return ProvedEntry(proof.index, proof.extra, header, checkpoint, seen[-1].cosigned_at)
