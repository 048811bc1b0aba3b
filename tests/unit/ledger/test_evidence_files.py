"""What somebody keeps of a lie can be checked by a third party; what shows nothing is refused.

Rule: docs/spec/evidence-file.md. For every claim there is a file that shows it and one that does not.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError, EvidenceError, ExchangeError
from contracts.ids import Hash
from contracts.schema import load_registry
from docs.ledger_evidence import Sample, samples
from docs.ledger_parties import LOG
from ledger.claim import CLAIMS, Finding, is_conclusive, verify_evidence
from ledger.evidence_file import EvidenceFile, format_evidence, parse_evidence
from ledger.note import NoteSigner, NoteVerifier
from tests.unit.ledger.conftest import private_key

REGISTRY = load_registry()
ALL = tuple(samples())
TOLD = [sample for sample in ALL if sample.is_shown]


def judge(evidence: EvidenceFile, log: NoteVerifier = LOG.verifier) -> Finding:
    """Check a file that went through its own bytes."""
    again = parse_evidence(format_evidence(evidence))
    return verify_evidence(again, log=log, read_body=lambda body: REGISTRY.decode_body(body)[1])


@pytest.mark.parametrize("sample", TOLD, ids=lambda sample: sample.name)
def test_a_claim_that_holds_is_told_with_the_values_that_disagree(sample: Sample) -> None:
    finding = judge(sample.evidence)

    assert (finding.claim, finding.origin) == (sample.evidence.claim, LOG.name)
    assert finding.is_conclusive is is_conclusive(sample.evidence.claim)
    assert len(finding.sentence) > 20


@pytest.mark.parametrize("sample", [s for s in ALL if not s.is_shown], ids=lambda sample: sample.name)
def test_what_may_be_true_shows_nothing(sample: Sample) -> None:
    """A ledger that keeps the rules cannot be accused."""
    with pytest.raises(EvidenceError) as error:
        judge(sample.evidence)

    assert error.value.code == "CLAIM_UNPROVED"


def test_every_claim_has_a_file_that_shows_it_and_one_that_does_not() -> None:
    for is_shown in (True, False):
        assert {s.evidence.claim for s in ALL if s.is_shown is is_shown} == set(CLAIMS)


@pytest.mark.parametrize("sample", TOLD, ids=lambda sample: sample.name)
def test_what_the_log_did_not_sign_accuses_nobody(sample: Sample) -> None:
    """Whoever has another key can sign what he likes."""
    stranger = NoteSigner(LOG.name, private_key(99)).verifier

    with pytest.raises(EvidenceError):
        judge(sample.evidence, log=stranger)
    with pytest.raises(EvidenceError):
        judge(replace(sample.evidence, log=stranger), log=stranger)


@pytest.mark.parametrize("sample", TOLD, ids=lambda sample: sample.name)
def test_an_entry_that_is_not_in_the_tree_accuses_nobody(sample: Sample) -> None:
    for at, part in enumerate(sample.evidence.entries):
        moved = replace(part, path=(*part.path[:-1], Hash(bytes(32))))
        entries = (*sample.evidence.entries[:at], moved, *sample.evidence.entries[at + 1 :])
        with pytest.raises(EvidenceError) as error:
            judge(replace(sample.evidence, entries=entries))

        assert error.value.code == "INCLUSION_INVALID"


@pytest.mark.parametrize("claim", ["NO_SUCH_CLAIM", "TWO_COUNTS", "BATCH_FORGED", "RANGE_FAILS"])
def test_a_file_under_the_name_of_another_claim_shows_nothing(claim: str) -> None:
    with pytest.raises(ExchangeError):
        judge(replace(TOLD[0].evidence, claim=claim))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"pprd-evidence/v1", b"pprd-evidence/v2"),
        (b"claim TWO_ROOTS", b"claim two_roots"),
        (b"claim TWO_ROOTS\n", b""),
        (b"log ", b"vkey "),
        (b"checkpoint ", b"Checkpoint "),
        (b"checkpoint ", b"checkpoint  "),
        (b"=\n", b"\n"),
        (b"\n", b"\r\n"),
    ],
)
def test_a_file_of_another_form_is_refused(old: bytes, new: bytes) -> None:
    data = format_evidence(TOLD[0].evidence)
    assert old in data

    with pytest.raises(ContractError):
        parse_evidence(data.replace(old, new, 1))


@pytest.mark.parametrize("data", [b"", b"\n", b"pprd-evidence/v1\n", b"\xff", b"x" * ((1 << 20) + 1)])
def test_bytes_that_are_no_file_are_refused(data: bytes) -> None:
    with pytest.raises(ContractError) as error:
        parse_evidence(data)

    assert error.value.code == "EVIDENCE_MALFORMED"


def test_parts_in_another_order_are_refused() -> None:
    data = format_evidence(next(s.evidence for s in TOLD if s.evidence.claim == "HEAD_DISAGREES"))
    *lines, one, two, end = data.split(b"\n")

    with pytest.raises(ContractError):
        parse_evidence(b"\n".join([*lines[:3], one, *lines[3:], two, end]))


@given(st.data())
def test_a_changed_byte_is_refused_or_leaves_the_file_as_it_reads(data: st.DataObject) -> None:
    """There is one form of each content: what is read writes itself again."""
    raw = bytearray(format_evidence(data.draw(st.sampled_from(TOLD)).evidence))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        evidence = parse_evidence(bytes(raw))
    except ContractError:
        return

    assert format_evidence(evidence) == bytes(raw)
