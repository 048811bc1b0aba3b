"""What an evidence file proves: the claims, each with the rule that it shows to be broken.

A claim is *conclusive* when everything in it is signed: no ledger that keeps the rules can have signed it. It is *open*
when a part of it was only shown: the file then proves what the ledger signed and says what it owes an answer to; it
clears itself by showing the true thing, which the table of docs/spec/evidence-file.md names.

Checking is pure and needs the file, the ledger's key from a source of one's own, and the schemas of the bodies.

Source: docs/spec/evidence-file.md; LEDGER 1, 2, 4, 5, 7, 10.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from contracts.ids import Hash
from ledger import shown_claims, signed_claims
from ledger.case import BodyReader, Case, unproved
from ledger.checkpoint import parse_checkpoint
from ledger.compact import hash_leaf
from ledger.evidence_file import EvidenceFile
from ledger.note import NoteVerifier
from ledger.placed import check_place

_LOOSE_LEAVES: Final = ("PROOF_FAILS", "RANGE_FAILS")
"""Claims whose leaves need not be in the tree: that they are not is the claim."""


class Finding(NamedTuple):
    """What a checked evidence file shows.

    Attributes:
        claim: Its name.
        is_conclusive: True if no honest ledger can have signed it; False if the ledger owes an answer.
        origin: Which ledger.
        sentence: What disagrees, in values.
    """

    claim: str
    is_conclusive: bool
    origin: str
    sentence: str


def verify_evidence(evidence: EvidenceFile, *, log: NoteVerifier, read_body: BodyReader) -> Finding:
    """Check that an evidence file shows what it claims.

    Args:
        evidence: What `parse_evidence` gave.
        log: The ledger's key, from a source that is not the file.
        read_body: Decodes bodies of events.

    Raises:
        ContractError: A part has a wrong form.
        EvidenceError: CLAIM_UNPROVED: the file does not show it, is about another ledger, or knows no such claim;
            SIGNATURE_INVALID, CHECKPOINT_INVALID or INCLUSION_INVALID: a part does not hold.
    """
    rule = _CLAIMS.get(evidence.claim)
    if rule is None:
        raise unproved(f"no claim is called {evidence.claim}")
    if evidence.log != log:
        raise unproved(f"the file is about {evidence.log.vkey}, asked was {log.vkey}")
    heads = tuple(parse_checkpoint(note, log) for note in evidence.checkpoints)
    if not heads:
        raise unproved("the file holds no checkpoint of the ledger")
    for part in evidence.entries:
        check_place(part, hash_leaf(part.content), heads)
    if evidence.claim not in _LOOSE_LEAVES:
        for part in evidence.leaves:
            check_place(part, Hash(part.content), heads)
    sentence = rule.check(Case(evidence, heads, read_body))
    return Finding(evidence.claim, rule.is_conclusive, log.name, sentence)


def is_conclusive(claim: str) -> bool:
    """Say whether a claim, when it is shown, leaves no honest explanation."""
    return _CLAIMS[claim].is_conclusive


class _Rule(NamedTuple):
    is_conclusive: bool
    check: Callable[[Case], str]


_CLAIMS: Final[Mapping[str, _Rule]] = MappingProxyType(
    {
        "TWO_ROOTS": _Rule(True, signed_claims.two_roots),
        "PREFIX_CHANGED": _Rule(True, signed_claims.prefix_changed),
        "TWO_ENTRIES": _Rule(True, signed_claims.two_entries),
        "EVENT_TWICE": _Rule(True, signed_claims.event_twice),
        "RECORDED_EARLY": _Rule(True, signed_claims.recorded_early),
        "TIME_BACKWARDS": _Rule(True, signed_claims.time_backwards),
        "BATCHES_DISORDERED": _Rule(True, signed_claims.batches_disordered),
        "BATCH_FORGED": _Rule(True, signed_claims.batch_forged),
        "KEY_REVOKED": _Rule(True, signed_claims.key_revoked),
        "TWO_COUNTS": _Rule(True, signed_claims.two_counts),
        "LEDGER_SHORTER": _Rule(False, shown_claims.ledger_shorter),
        "GROWTH_UNPROVED": _Rule(False, shown_claims.growth_unproved),
        "ENTRY_UNEXPLAINED": _Rule(False, shown_claims.entry_unexplained),
        "PROOF_FAILS": _Rule(False, shown_claims.proof_fails),
        "RANGE_FAILS": _Rule(False, shown_claims.range_fails),
        "HEAD_DISAGREES": _Rule(False, shown_claims.head_disagrees),
        "RECEIPT_DISAGREES": _Rule(False, shown_claims.receipt_disagrees),
        "DELIVERY_MISSING": _Rule(False, shown_claims.delivery_missing),
        "DELIVERY_DISORDERED": _Rule(False, shown_claims.delivery_disordered),
        "DELIVERY_WRONG": _Rule(False, shown_claims.delivery_wrong),
        "PAYLOAD_SWAPPED": _Rule(False, shown_claims.payload_swapped),
        "OPENING_UNRECORDED": _Rule(False, shown_claims.opening_unrecorded),
    }
)
CLAIMS: Final = tuple(_CLAIMS)
"""Names of all claims, the conclusive ones first."""
