"""A receipt proves that exactly this batch was recorded, with exactly these events, under a signed checkpoint."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import EvidenceError, ExchangeError, RuleError
from contracts.ids import Hash, LeafIndex, TreeSize
from ledger.batch import decode_tbs
from ledger.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from ledger.entry import Refused, encode_batch_entry, encode_event_entry
from ledger.note import NoteSigner
from ledger.proof import parse_proof, verify_proof
from ledger.receipt import Receipt, accepted_positions, receipt_to_tlog_proof, verify_batch_root, verify_receipt
from ledger.tree import hash_leaf

_Recorded = Any
_Record = Callable[..., _Recorded]
_refusals = st.sets(st.integers(0, 8), max_size=9).map(lambda positions: tuple(sorted(positions)))


def _verify(recorded: _Recorded, receipt: Receipt, log: NoteSigner) -> Checkpoint:
    return verify_receipt(receipt, tbs=recorded.tbs, events=recorded.accepted, verifier=log.verifier)


@given(refused=_refusals, before=st.integers(1, 40), after=st.integers(0, 40))
def test_a_receipt_of_any_mixed_batch_at_any_place_is_good(
    record: _Record, log: NoteSigner, refused: tuple[int, ...], before: int, after: int
) -> None:
    recorded = record(n=9, refused=refused, before=before, after=after)

    checkpoint = _verify(recorded, recorded.receipt, log)

    assert checkpoint.size == before + 1 + len(recorded.accepted) + after
    assert accepted_positions(recorded.entry) == recorded.positions


@pytest.mark.parametrize("refused", [(), (0,), (1, 3), (4,)])
def test_each_accepted_event_gets_a_proof_file_that_stands_alone(
    record: _Record, log: NoteSigner, refused: tuple[int, ...]
) -> None:
    recorded = record(refused=refused)

    for order, position in enumerate(recorded.positions):
        file = receipt_to_tlog_proof(
            recorded.receipt, position=position, events=recorded.accepted, verifier=log.verifier
        )
        proof = parse_proof(file)
        entry = encode_event_entry(recorded.accepted[order])
        assert proof.extra == entry
        assert proof.index == recorded.receipt.start + 1 + order
        assert verify_proof(proof, entry, lambda note: parse_checkpoint(note, log.verifier)).origin == log.name


@pytest.mark.parametrize("position", [1, 5, -1])
def test_a_refused_or_unknown_position_has_no_proof_file(record: _Record, log: NoteSigner, position: int) -> None:
    recorded = record(refused=(1,))

    with pytest.raises(RuleError, match="NOT_FOUND"):
        receipt_to_tlog_proof(recorded.receipt, position=position, events=recorded.accepted, verifier=log.verifier)


def test_a_receipt_for_another_batch_is_refused(record: _Record, log: NoteSigner) -> None:
    recorded, other = record(n=5), record(n=4)

    with pytest.raises(EvidenceError, match="RECEIPT_INVALID"):
        verify_receipt(other.receipt, tbs=recorded.tbs, events=other.accepted, verifier=log.verifier)


def test_a_receipt_that_shows_no_batch_entry_is_refused(record: _Record, log: NoteSigner) -> None:
    recorded = record()
    receipt = recorded.receipt._replace(batch_entry=encode_event_entry(recorded.accepted[0]))

    with pytest.raises(EvidenceError, match="RECEIPT_INVALID"):
        _verify(recorded, receipt, log)


@given(data=st.data())
def test_missing_added_changed_or_swapped_events_are_refused(
    record: _Record, log: NoteSigner, data: st.DataObject
) -> None:
    recorded = record(n=9, refused=(2, 5))
    events: list[bytes] = recorded.accepted
    at = data.draw(st.integers(0, len(events) - 2))
    wrong = [
        events[:at] + events[at + 1 :],
        [*events[:at], b"added", *events[at:]],
        [*events[:at], b"changed", *events[at + 1 :]],
        [*events[:at], events[at + 1], events[at], *events[at + 2 :]],
    ]

    for changed in wrong:
        with pytest.raises(EvidenceError, match="RECEIPT_INVALID"):
            verify_receipt(recorded.receipt, tbs=recorded.tbs, events=changed, verifier=log.verifier)


def test_an_accepted_event_cannot_be_called_refused(record: _Record, log: NoteSigner) -> None:
    recorded = record()
    leaf = hash_leaf(recorded.accepted[0])
    entry = recorded.entry._replace(refused=(Refused(0, leaf, "GUARD_FAILED"),))
    receipt = recorded.receipt._replace(batch_entry=encode_batch_entry(entry), end=LeafIndex(recorded.receipt.end - 1))

    # The batch is whole, but this is not what the ledger holds.
    with pytest.raises(EvidenceError, match="RANGE_INVALID"):
        verify_receipt(receipt, tbs=recorded.tbs, events=recorded.accepted[1:], verifier=log.verifier)


@pytest.mark.parametrize("position", [4, 5, 1023])
def test_a_refused_position_outside_of_the_batch_is_refused(record: _Record, position: int) -> None:
    recorded = record(n=4)
    leaves = [hash_leaf(event) for event in recorded.accepted]
    entry = recorded.entry._replace(refused=(Refused(position, leaves[3], "GUARD_FAILED"),))

    with pytest.raises(EvidenceError, match="RECEIPT_INVALID"):
        verify_batch_root(entry, leaves[:3])


def test_a_whole_batch_leads_to_its_signed_header(record: _Record) -> None:
    recorded = record(refused=(0, 4))

    batch = verify_batch_root(recorded.entry, [hash_leaf(event) for event in recorded.accepted])

    assert batch == decode_tbs(recorded.tbs)


def test_a_shifted_range_or_a_changed_proof_is_refused(record: _Record, log: NoteSigner) -> None:
    recorded = record()
    receipt: Receipt = recorded.receipt
    wrong = Hash(bytes(32))
    changes = [
        receipt._replace(start=LeafIndex(receipt.start + 1), end=LeafIndex(receipt.end + 1)),
        receipt._replace(end=LeafIndex(receipt.end + 1)),
        receipt._replace(end=receipt.start),
        receipt._replace(left=receipt.left[1:]),
        receipt._replace(left=(wrong, *receipt.left[1:])),
        receipt._replace(right=(*receipt.right, wrong)),
    ]

    for changed in changes:
        with pytest.raises(EvidenceError, match="RANGE_INVALID"):
            _verify(recorded, changed, log)


def test_size_and_root_come_from_the_signed_checkpoint_only(record: _Record, log: NoteSigner) -> None:
    recorded = record()
    good = parse_checkpoint(recorded.receipt.checkpoint, log.verifier)
    other_root = Checkpoint(log.name, good.size, Hash(bytes(32)))
    other_size = Checkpoint(log.name, TreeSize(recorded.receipt.end), good.root)
    forged = recorded.receipt.checkpoint.replace(b"\n%d\n" % good.size, b"\n%d\n" % (good.size + 1))

    for checkpoint in (other_root, other_size):
        with pytest.raises(EvidenceError, match="RANGE_INVALID"):
            _verify(recorded, recorded.receipt._replace(checkpoint=sign_checkpoint(checkpoint, log)), log)
    with pytest.raises(EvidenceError, match="SIGNATURE_INVALID"):
        _verify(recorded, recorded.receipt._replace(checkpoint=forged), log)


@given(batch_entry=st.binary(max_size=100), checkpoint=st.binary(max_size=100), is_good=st.booleans())
def test_any_bytes_in_a_receipt_are_refused(
    record: _Record, log: NoteSigner, batch_entry: bytes, checkpoint: bytes, is_good: bool
) -> None:
    recorded = record()
    receipt = recorded.receipt._replace(checkpoint=checkpoint)

    with pytest.raises(ExchangeError):
        _verify(recorded, receipt if is_good else receipt._replace(batch_entry=batch_entry), log)
