"""A checkpoint is three lines in one form, and the key that signs it has the name of its ledger (LEDGER 2)."""

import base64
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError, EvidenceError, ExchangeError
from contracts.ids import Hash, TreeSize
from ledger.checkpoint import (
    Checkpoint,
    checkpoint_size,
    parse_checkpoint,
    parse_checkpoint_text,
    sign_checkpoint,
)
from ledger.note import Cosigner, NoteSigner, add_lines, sign_note
from ledger.note_text import parse_decimal
from ledger.tree import EMPTY_ROOT

_ROOT = Hash(bytes(range(32)))
_ROOT64 = base64.b64encode(_ROOT)


def test_a_signed_checkpoint_is_read_back(log: NoteSigner) -> None:
    checkpoint = Checkpoint(log.name, TreeSize(70_000), _ROOT)
    note = sign_checkpoint(checkpoint, log)

    assert checkpoint.text() == b"pprd.example/test\n70000\n" + _ROOT64 + b"\n"
    assert note.startswith(checkpoint.text() + b"\n")
    assert parse_checkpoint(note, log.verifier) == checkpoint
    assert checkpoint_size(note) == 70_000


def test_cosignatures_beside_the_logs_signature_change_nothing(log: NoteSigner, witnesses: list[Cosigner]) -> None:
    checkpoint = Checkpoint(log.name, TreeSize(1), _ROOT)
    note = add_lines(sign_checkpoint(checkpoint, log), [w.line(checkpoint.text(), seconds=5) for w in witnesses])

    assert parse_checkpoint(note, log.verifier) == checkpoint


def test_a_checkpoint_of_another_ledger_is_refused(log: NoteSigner) -> None:
    foreign = Checkpoint("pprd.example/other", TreeSize(1), _ROOT)

    with pytest.raises(EvidenceError, match="CHECKPOINT_INVALID"):
        parse_checkpoint(sign_note(foreign.text(), [log]), log.verifier)
    with pytest.raises(ContractError, match="NOTE_MALFORMED"):
        sign_checkpoint(foreign, log)


def test_a_checkpoint_that_only_a_witness_signed_is_refused(log: NoteSigner, witnesses: list[Cosigner]) -> None:
    checkpoint = Checkpoint(witnesses[0].name, TreeSize(1), _ROOT)
    note = checkpoint.text() + b"\n" + witnesses[0].line(checkpoint.text(), seconds=5)

    with pytest.raises(EvidenceError, match="CHECKPOINT_INVALID"):
        parse_checkpoint(note, witnesses[0].verifier)
    with pytest.raises(EvidenceError, match="SIGNATURE_INVALID"):
        parse_checkpoint(note, log.verifier)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"pprd.example/test\n1\n",
        b"pprd.example/test\n1\n" + _ROOT64,
        b"pprd.example/test\n1\n" + _ROOT64 + b"\nextension\n",
        b"pprd.example/test\n1\n" + _ROOT64 + b"\n\n",
        b"\n1\n" + _ROOT64 + b"\n",
        b"pprd example\n1\n" + _ROOT64 + b"\n",
        b"pprd.example/test\n1\n" + _ROOT64[:-1] + b"\n",
        b"pprd.example/test\n1\n" + _ROOT64[:-2] + b"9=\n",
        b"pprd.example/test\n1\n" + _ROOT64 + b" \n",
        b"pprd.example/test\n1\n" + base64.b64encode(bytes(31)) + b"\n",
        b"pprd.example/test\n1\n" + base64.b64encode(bytes(33)) + b"\n",
        b"pprd.example/test\n1\n" + _ROOT.hex().encode() + b"\n",
        b"pprd.example/test\n0\n" + _ROOT64 + b"\n",
        b"pprd.example/\xff\n1\n" + _ROOT64 + b"\n",
        b"pprd.example/test\r\n1\r\n" + _ROOT64 + b"\r\n",
    ],
)
def test_a_text_of_another_form_is_refused(text: bytes) -> None:
    with pytest.raises(ContractError, match="NOTE_MALFORMED"):
        parse_checkpoint_text(text)


@pytest.mark.parametrize(
    "size",
    ["", "+1", "-1", " 1", "1 ", "1_000", "01", "00", "1.0", "1e3", "0x1", "\u0661", "9223372036854775808", "9" * 400],
)
def test_a_size_in_another_form_is_refused(size: str) -> None:
    with pytest.raises(ContractError, match="NOTE_MALFORMED"):
        parse_checkpoint_text(b"pprd.example/test\n" + size.encode() + b"\n" + _ROOT64 + b"\n")


@given(number=st.integers(0, (1 << 63) - 1))
def test_a_number_has_one_decimal_form(number: int) -> None:
    assert parse_decimal(str(number)) == number


def test_the_empty_ledger_has_the_empty_root() -> None:
    empty = Checkpoint("pprd.example/test", TreeSize(0), EMPTY_ROOT)

    assert parse_checkpoint_text(empty.text()) == empty


@pytest.mark.parametrize(("size", "root"), [(-1, _ROOT), (1 << 63, _ROOT), (1, Hash(b"short")), (0, _ROOT)])
def test_a_state_that_no_ledger_can_be_in_is_refused(size: int, root: Hash) -> None:
    with pytest.raises(ContractError, match="NOTE_MALFORMED"):
        Checkpoint("pprd.example/test", TreeSize(size), root)


@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_checkpoint_text_or_refused(data: bytes) -> None:
    with suppress(ExchangeError):
        assert parse_checkpoint_text(data).text() == data


@given(seed=st.binary(min_size=32, max_size=32))
def test_the_signature_of_another_key_with_the_same_name_is_refused(log: NoteSigner, seed: bytes) -> None:
    other = NoteSigner(log.name, Ed25519PrivateKey.from_private_bytes(seed))
    note = sign_checkpoint(Checkpoint(log.name, TreeSize(1), _ROOT), other)

    with pytest.raises(EvidenceError, match="SIGNATURE_INVALID"):
        parse_checkpoint(note, log.verifier)
