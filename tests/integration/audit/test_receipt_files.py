"""A receipt is a file that anybody checks without a hub, under keys of his own (LEDGER 8 and 9)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.compose.folder import DataFolder
from adapters.settings import DEPLOY, RegionSettings
from contracts.errors import ContractError, EvidenceError
from contracts.ids import Hash, TreeSize
from hub.receipt_file import verify_receipt_file
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.note import Cosigner, NoteSigner, add_lines
from ledger.policy import NO_QUORUM, Group, Log, Policy, Witness, format_policy
from ledger.proof import TlogProof, format_proof, parse_proof
from tests.support.kept_ledger import KeptLedger


def said(*arguments: object) -> tuple[int, str]:
    """Exit code and words of the program."""
    result = CliRunner().invoke(app, ["receipt", *map(str, arguments)])
    assert "Traceback" not in result.output
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def receipt(honest: KeptLedger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The receipt of one event."""
    out = tmp_path_factory.mktemp("receipt") / "one.tlog-proof"
    event_id = UUID(bytes=honest.sent.header.event_id)
    code, text = said("get", event_id, "--data", honest.folder, "--out", out)
    assert code == 0, text
    return out


@pytest.fixture(scope="module")
def alone(honest: KeptLedger) -> Policy:
    """The ledger's key and no witness."""
    return Policy((Log(honest.world.verifier),), (), (), NO_QUORUM)


def witness(number: int) -> Cosigner:
    """A witness with a key of its own."""
    return Cosigner(f"witness-{number}.example", Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


def cosigned(data: bytes, cosigners: Sequence[Cosigner]) -> bytes:
    """The receipt with cosignatures under its checkpoint."""
    proof = parse_proof(data)
    text = proof.checkpoint.rpartition(b"\n\n")[0] + b"\n"
    lines = [cosigner.line(text, seconds=1_700_000_000 + at) for at, cosigner in enumerate(cosigners)]
    return format_proof(TlogProof(proof.index, proof.path, add_lines(proof.checkpoint, lines), proof.extra))


def demanding(honest: KeptLedger, threshold: int, cosigners: Sequence[Cosigner]) -> Policy:
    """A policy that wants so many of these witnesses."""
    members = tuple(Witness(f"w{at}", cosigner.verifier) for at, cosigner in enumerate(cosigners))
    group = Group("all-of-them", threshold, tuple(member.name for member in members))
    return Policy((Log(honest.world.verifier),), members, (group,), "all-of-them")


def test_a_receipt_holds_for_who_knows_the_key(honest: KeptLedger, receipt: Path) -> None:
    code, text = said("verify", receipt, "--vkey", honest.world.verifier.vkey)

    assert code == 0
    assert honest.sent.header.event_type in text
    assert "the receipt holds" in text


def test_machines_are_told_what_it_proves(honest: KeptLedger, receipt: Path) -> None:
    code, text = said("verify", receipt, "--vkey", honest.world.verifier.vkey, "--json")

    told = json.loads(text)
    assert code == 0
    assert told["event"]["event_id"] == str(UUID(bytes=honest.sent.header.event_id))
    assert told["origin"] == honest.world.verifier.name
    assert told["index"] < told["size"]


def test_no_changed_byte_of_a_receipt_is_believed(receipt: Path, alone: Policy) -> None:
    data = receipt.read_bytes()
    believed = []

    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1
        try:
            verify_receipt_file(bytes(changed), alone)
        except (ContractError, EvidenceError):
            continue
        believed.append(at)

    assert believed == []


def test_a_quorum_of_witnesses_is_told_with_its_times(honest: KeptLedger, receipt: Path, tmp_path: Path) -> None:
    witnesses = [witness(1), witness(2), witness(3)]
    file, policy = tmp_path / "r.tlog-proof", tmp_path / "policy"
    file.write_bytes(cosigned(receipt.read_bytes(), witnesses[:2]))
    policy.write_bytes(format_policy(demanding(honest, 2, witnesses)))

    code, text = said("verify", file, "--policy", policy)

    assert code == 0
    assert "cosigned by w0" in text
    assert "cosigned by w1" in text


def test_a_quorum_that_is_not_reached_refuses_the_receipt(honest: KeptLedger, receipt: Path) -> None:
    witnesses = [witness(1), witness(2), witness(3)]
    data = cosigned(receipt.read_bytes(), witnesses[:1])

    with pytest.raises(EvidenceError, match="CHECKPOINT_INVALID"):
        verify_receipt_file(data, demanding(honest, 2, witnesses))


def test_one_key_under_two_names_is_no_quorum_of_two(honest: KeptLedger) -> None:
    same = Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)

    with pytest.raises(ContractError, match="POLICY_MALFORMED"):
        demanding(honest, 2, [Cosigner("one.example", same), Cosigner("two.example", same)])


def test_a_receipt_without_its_entry_says_that_it_carries_none(receipt: Path, alone: Policy) -> None:
    proof = parse_proof(receipt.read_bytes())
    bare = format_proof(TlogProof(proof.index, proof.path, proof.checkpoint))

    with pytest.raises(ContractError, match="carries no entry"):
        verify_receipt_file(bare, alone)


def test_a_checkpoint_that_another_key_signed_is_refused(receipt: Path, alone: Policy) -> None:
    proof = parse_proof(receipt.read_bytes())
    lines = proof.checkpoint.decode().split("\n")
    stranger = NoteSigner(lines[0], Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32))
    note = sign_checkpoint(Checkpoint(lines[0], TreeSize(int(lines[1])), Hash(bytes(32))), stranger)

    with pytest.raises(EvidenceError, match="SIGNATURE_INVALID"):
        verify_receipt_file(format_proof(TlogProof(proof.index, proof.path, note, proof.extra)), alone)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "PROOF_MALFORMED"),
        (b"\xff\xfe", "PROOF_MALFORMED"),
        (b"c2sp.org/tlog-proof@v1\nindex -1\n\n", "PROOF_MALFORMED"),
        (b"x" * 400_000, "PROOF_MALFORMED"),
    ],
)
def test_what_is_no_receipt_ends_with_a_code_and_one(
    honest: KeptLedger, tmp_path: Path, content: bytes, code: str
) -> None:
    file = tmp_path / "r.tlog-proof"
    file.write_bytes(content)

    exit_code, text = said("verify", file, "--vkey", honest.world.verifier.vkey)

    assert exit_code == 1
    assert code in text or "NOTE_MALFORMED" in text


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], "SETTINGS_INVALID"),
        (["--vkey", "none"], "NOTE_MALFORMED"),
        (["--policy", "{folder}/absent"], "SOURCE_UNREADABLE"),
        (["--policy", "{folder}/wrong"], "POLICY_MALFORMED"),
    ],
)
def test_who_names_no_key_that_can_be_read_is_told_so(
    receipt: Path, tmp_path: Path, options: list[str], code: str
) -> None:
    (tmp_path / "wrong").write_bytes(b"trust everybody\n")

    exit_code, text = said("verify", receipt, *[option.format(folder=tmp_path) for option in options])

    assert exit_code == 1
    assert code in text


def test_a_receipt_is_judged_by_the_policy_of_a_region(
    honest: KeptLedger, receipt: Path, alone: Policy, tmp_path: Path
) -> None:
    """The same file by which its gateway and inbox judge heads; without one the ledger's key alone."""
    folder, file = DataFolder(tmp_path), tmp_path / "region.policy"
    settings = RegionSettings.load(
        DEPLOY / "region.toml", region="44", data_dir=folder.region("44"), log_vkey=honest.world.verifier.vkey
    )
    folder.region("44").mkdir(parents=True)
    witnesses = [witness(1), witness(2)]
    whole = tmp_path / "whole.tlog-proof"
    whole.write_bytes(cosigned(receipt.read_bytes(), witnesses))
    asked = ("--data", tmp_path, "--region", "44")

    folder.write_region(settings)
    assert said("verify", receipt, *asked)[0] == 0
    folder.write_region(settings.model_copy(update={"witness_policy": file}))
    file.write_bytes(format_policy(demanding(honest, 2, witnesses)))
    code, text = said("verify", receipt, *asked)
    assert (code, "CHECKPOINT_INVALID" in text) == (1, True)
    assert said("verify", whole, *asked)[0] == 0
    for wrong in (asked[:2], asked[2:], (*asked, "--policy", file), (*asked, "--vkey", honest.world.verifier.vkey)):
        code, text = said("verify", whole, *wrong)
        assert (code, "SETTINGS_INVALID" in text) == (1, True), text
