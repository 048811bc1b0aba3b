"""What somebody makes of an export who knows what he does: forged, newer, of another log (DESIGN 2.8, LEDGER 3).

Every file with every mutation is in `test_mutated_exports`.
"""

import shutil
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from adapters.cli.audit import audit_command
from adapters.compose.auditing import run_audit, run_export
from contracts.ids import Hash, TreeSize
from hub.audit_report import Problem
from ledger.checkpoint import Checkpoint, sign_checkpoint
from tests.support.divided_audit import audited_both_ways
from tests.support.kept_ledger import KeptLedger, forge


def problem_of(out: Path) -> Problem:
    problem = audited_both_ways(str(out)).problem
    assert problem is not None
    return problem


@pytest.mark.parametrize(
    "name",
    [
        "extra",
        "log/extra",
        "log/tile/0/099",
        "log/tile/0/000.p/255",
        "log/tile/0/001.p/001",
        "log/tile/0/001.p/255",
        "log/tile/0/x000/000",
        "log/tile/7/000",
        "log/tile/9/000",
        "log/tile/entries/000.p/7",
        "log/tile/entries/009",
        "history/000000000003.checkpoint",
        "history/readme",
        "receipts/000000000001.tlog-proof",
        "receipts/.hidden",
    ],
)
def test_an_added_file_is_named(out: Path, name: str) -> None:
    path = out / name
    assert not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"added")

    assert problem_of(out).place == name


def test_a_narrower_tile_of_an_earlier_size_may_stay(out: Path) -> None:
    """LEDGER 3: partials exist for every published size."""
    wide = next(out.glob("log/tile/0/???.p/*"))
    (wide.parent / "5").write_bytes(wide.read_bytes()[: 5 * 32])

    assert run_audit(str(out)).problem is None


def test_a_checkpoint_of_another_root_in_the_history_is_named(honest: KeptLedger, out: Path) -> None:
    signer = honest.world.log_signer
    file = sorted((out / "history").iterdir())[3]
    size = TreeSize(int(file.name.partition(".")[0]))
    file.write_bytes(sign_checkpoint(Checkpoint(signer.name, size, Hash(bytes(range(32)))), signer))

    problem = problem_of(out)

    assert (problem.place, problem.code) == (f"history/{file.name}", "CHECKPOINT_INVALID")
    assert problem.index == size - 1


def test_a_checkpoint_newer_than_the_log_is_named(honest: KeptLedger, out: Path) -> None:
    """Somebody shows an old log together with a newer signed head."""
    signer = honest.world.log_signer
    size = TreeSize(len(honest.entries()) + 1)
    name = f"history/{size:012}.checkpoint"
    (out / name).write_bytes(sign_checkpoint(Checkpoint(signer.name, size, Hash(bytes(range(32)))), signer))

    problem = problem_of(out)

    assert (problem.place, problem.code) == (name, "CHECKPOINT_INVALID")


def test_the_policy_of_another_log_is_named(out: Path) -> None:
    vkey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    (out / "policy").write_text(f"log {vkey}\nquorum none\n")

    assert problem_of(out).place == "log/checkpoint"


def test_a_receipt_of_another_entry_is_named(out: Path) -> None:
    first, second = sorted((out / "receipts").iterdir())[:2]
    shutil.copyfile(second, first)

    assert problem_of(out).place == f"receipts/{first.name}"


def test_a_forged_entry_in_an_export_is_named_with_its_file(honest: KeptLedger, tmp_path: Path) -> None:
    """Tiles and checkpoint fit; the entry does not follow."""
    entries = honest.entries()
    del entries[40]
    forged = forge(honest, tmp_path / "forged", entries)
    run_export(forged.folder, tmp_path / "out")

    problem = problem_of(tmp_path / "out")

    assert problem.index is not None
    assert problem.index >= 40
    assert problem.place == f"log/tile/entries/{problem.index // 256:03}"


def test_the_command_says_file_reason_and_code_without_a_traceback(out: Path) -> None:
    app = Typer()
    app.command()(audit_command)
    (out / "log/tile/entries/000").write_bytes(b"\xff" * 9)

    result = CliRunner().invoke(app, [str(out)])

    assert result.exit_code == 1
    assert "log/tile/entries/000" in result.output
    assert "ENTRY_MALFORMED" in result.output
    assert "Traceback" not in result.output
