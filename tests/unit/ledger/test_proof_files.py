"""A proof file has one form, and proves one entry under a checkpoint checked with keys of one's own (LEDGER 9)."""

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError, EvidenceError, ExchangeError
from contracts.ids import Hash, LeafIndex, TreeSize
from ledger.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from ledger.note import NoteSigner
from ledger.proof import MAX_PROOF_BYTES, TlogProof, format_proof, parse_proof, verify_proof
from ledger.tiles import MAX_ENTRY_BYTES
from ledger.tree import batch_paths, hash_leaf, root_of

_ENTRIES = [b"entry %d" % number for number in range(6)]
_LEAVES = [hash_leaf(entry) for entry in _ENTRIES]


@pytest.fixture(scope="module")
def proof(log: NoteSigner) -> TlogProof:
    """The proof of entry 4 of 6."""
    note = sign_checkpoint(Checkpoint(log.name, TreeSize(6), root_of(_LEAVES)), log)
    return TlogProof(LeafIndex(4), tuple(batch_paths(_LEAVES)[4]), note, _ENTRIES[4])


@pytest.fixture(scope="module")
def data(proof: TlogProof) -> bytes:
    """The same as a file."""
    return format_proof(proof)


def test_a_proof_file_is_written_as_the_specification_says(proof: TlogProof, data: bytes) -> None:
    lines = ["c2sp.org/tlog-proof@v1", f"extra {base64.b64encode(_ENTRIES[4]).decode()}", "index 4"]
    lines += [base64.b64encode(item).decode() for item in proof.path]

    assert len(proof.path) == 2
    assert data == "\n".join([*lines, "", ""]).encode() + proof.checkpoint


def test_a_proof_file_is_read_back_with_and_without_extra_bytes(proof: TlogProof, data: bytes) -> None:
    bare = TlogProof(proof.index, proof.path, proof.checkpoint)
    empty = TlogProof(proof.index, (), proof.checkpoint, b"")

    assert parse_proof(data) == proof
    assert parse_proof(format_proof(bare)) == bare
    assert b"extra" not in format_proof(bare)
    assert parse_proof(format_proof(empty)) == empty


def test_a_proof_file_proves_its_entry_and_no_other(proof: TlogProof, log: NoteSigner) -> None:
    def read(note: bytes) -> Checkpoint:
        return parse_checkpoint(note, log.verifier)

    assert verify_proof(proof, _ENTRIES[4], read).size == 6
    with pytest.raises(ContractError, match="PROOF_MALFORMED"):
        verify_proof(proof, _ENTRIES[5], read)
    for index, entry in ((4, _ENTRIES[5]), (5, _ENTRIES[4]), (6, _ENTRIES[4])):
        with pytest.raises(EvidenceError, match="INCLUSION_INVALID"):
            verify_proof(TlogProof(LeafIndex(index), proof.path, proof.checkpoint), entry, read)


def test_the_largest_proof_file_is_read() -> None:
    text = Checkpoint("a" * 65_000, TreeSize(1), Hash(bytes(32))).text()
    checkpoint = text + "\n— x.example AAAAAAA=\n".encode()
    proof = TlogProof(LeafIndex((1 << 63) - 2), (Hash(bytes(32)),) * 63, checkpoint, bytes(MAX_ENTRY_BYTES))

    assert parse_proof(format_proof(proof)) == proof


def test_parts_out_of_range_are_not_written(proof: TlogProof) -> None:
    for wrong in (
        TlogProof(LeafIndex(-1), proof.path, proof.checkpoint),
        TlogProof(LeafIndex((1 << 63) - 1), proof.path, proof.checkpoint),
        TlogProof(proof.index, (Hash(bytes(32)),) * 64, proof.checkpoint),
        TlogProof(proof.index, (Hash(bytes(31)),), proof.checkpoint),
        TlogProof(proof.index, proof.path, proof.checkpoint, bytes(MAX_ENTRY_BYTES + 1)),
    ):
        with pytest.raises(ContractError, match="PROOF_MALFORMED"):
            format_proof(wrong)
    with pytest.raises(ContractError, match="NOTE_MALFORMED"):
        format_proof(TlogProof(proof.index, proof.path, b"no note"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b"@v1", b"@v2", id="another version"),
        pytest.param(b"c2sp", b" c2sp", id="space before the header"),
        pytest.param(b"extra ", b"extra", id="no space after extra"),
        pytest.param(b"extra ", b"extra  ", id="two spaces after extra"),
        pytest.param(b"index 4\n", b"", id="no index"),
        pytest.param(b"index 4", b"index 04", id="leading zero"),
        pytest.param(b"index 4", b"index +4", id="sign"),
        pytest.param(b"index 4", b"index 1_0", id="underscore"),
        pytest.param(b"index 4", b"index 4 ", id="space after the index"),
        pytest.param(b"index 4", b"index  4", id="space before the index"),
        pytest.param(b"index 4", b"Index 4", id="another word"),
        pytest.param(b"index 4", b"index 9223372036854775808", id="index above 63 bits"),
        pytest.param(b"index 4", b"index 4\nindex 4", id="index twice"),
        pytest.param(b"index 4", b"index 4\r", id="carriage return"),
        pytest.param(b"=\n\n", b"\n\n", id="hash without padding"),
        pytest.param(b"=\n\n", b"= \n\n", id="space after a hash"),
        pytest.param(b"=\n\n", b"=\nAAAA\n\n", id="short hash"),
        pytest.param(b"=\n\n", b"=\n", id="no empty line"),
        pytest.param(b"\n\n", b"\n\n\n", id="two empty lines"),
    ],
)
def test_a_file_of_another_form_is_refused(data: bytes, old: bytes, new: bytes) -> None:
    changed = data.replace(old, new, 1)
    assert changed != data

    with pytest.raises(ContractError) as caught:
        parse_proof(changed)
    assert caught.value.code in ("PROOF_MALFORMED", "NOTE_MALFORMED")


def test_a_path_above_63_hashes_or_a_file_too_long_is_refused(data: bytes) -> None:
    line = base64.b64encode(bytes(32)) + b"\n"

    with pytest.raises(ContractError, match="PROOF_MALFORMED"):
        parse_proof(data.replace(b"index 4\n", b"index 4\n" + line * 62))
    with pytest.raises(ContractError, match="PROOF_MALFORMED"):
        parse_proof(data + b"a" * MAX_PROOF_BYTES)


@given(content=st.binary(max_size=200), has_header=st.booleans())
def test_any_bytes_are_a_proof_file_or_refused(content: bytes, has_header: bool) -> None:
    file = b"c2sp.org/tlog-proof@v1\n" + content if has_header else content
    with suppress(ExchangeError):
        assert format_proof(parse_proof(file)) == file


@given(at=st.integers(0, 250), new=st.binary(max_size=2))
def test_a_file_with_one_change_is_another_file_or_refused(data: bytes, at: int, new: bytes) -> None:
    changed = data[:at] + new + data[at + 1 :]
    with suppress(ExchangeError):
        assert format_proof(parse_proof(changed)) == changed
