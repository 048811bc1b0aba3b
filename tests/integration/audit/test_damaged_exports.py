"""Whatever happens to a file of an export, its audit ends with that file's name and a reason (DESIGN 2.8, LEDGER 3)."""

import json
import shutil
from collections.abc import Callable
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

KINDS = {
    "checkpoint": "log/checkpoint",
    "full tile": "log/tile/0/000",
    "partial tile": "log/tile/0/???.p/*",
    "upper tile": "log/tile/1/000.p/*",
    "full bundle": "log/tile/entries/000",
    "partial bundle": "log/tile/entries/???.p/*",
    "policy": "policy",
    "manifest": "manifest",
    "first history": "history/*1.checkpoint",
    "last receipt": "receipts/*.tlog-proof",
}


def flip(file: Path, at: int) -> None:
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(bytes(data))


def as_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def beside(file: Path, name: str) -> None:
    file.rename(file.with_name(name))


MUTATIONS: dict[str, Callable[[Path], object]] = {
    "first bit": lambda file: flip(file, 0),
    "middle bit": lambda file: flip(file, file.stat().st_size // 2),
    "last bit": lambda file: flip(file, -1),
    "one byte short": lambda file: file.write_bytes(file.read_bytes()[:-1]),
    "half of it": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "emptied": lambda file: file.write_bytes(b""),
    "longer": lambda file: file.write_bytes(file.read_bytes() + b"\n"),
    "twice": lambda file: file.write_bytes(file.read_bytes() * 2),
    "zeros": lambda file: file.write_bytes(bytes(file.stat().st_size)),
    "deleted": lambda file: file.unlink(),
    "renamed": lambda file: beside(file, f"{file.name}x"),
    "a folder": as_folder,
}


def problem_of(out: Path) -> Problem:
    problem = audited_both_ways(str(out)).problem
    assert problem is not None
    return problem


def file_of(out: Path, kind: str) -> Path:
    return sorted(out.glob(KINDS[kind]))[-1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_named(honest_export: Path, tmp_path: Path, kind: str) -> None:
    for number, (mutation, damage) in enumerate(MUTATIONS.items()):
        out = tmp_path / str(number)
        shutil.copytree(honest_export, out)
        file = file_of(out, kind)
        damage(file)

        problem = problem_of(out)

        name = str(file.relative_to(out))
        if kind == "manifest":
            assert "manifest" in str(problem), mutation
            continue
        places = {name, f"{name}x"}
        if kind.endswith("bundle"):
            # The bundle and the tile of its hashes disagree: the tile names the entry, and so the bundle.
            places.add(name.replace("/entries/", "/0/"))
        assert problem.place in places, f"{mutation}: {problem}"
        assert problem.reason, mutation


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("log/tile/0/000", "log/tile/entries/000"),
        ("policy", "manifest"),
        ("history/*", "receipts/*"),
        ("history/*1.checkpoint", "history/*2.checkpoint"),
        ("receipts/*", "receipts/*"),
    ],
)
def test_swapped_files_are_named(out: Path, one: str, other: str) -> None:
    first, second = sorted(out.glob(one))[0], sorted(out.glob(other))[-1]
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)

    problem = problem_of(out)

    assert problem.place in {str(first.relative_to(out)), str(second.relative_to(out))}


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
    wide = next(out.glob(KINDS["partial tile"]))
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


@pytest.mark.parametrize("kind", KINDS)
def test_every_damage_ends_with_exit_1_file_and_reason(honest_export: Path, tmp_path: Path, kind: str) -> None:
    """Never a pass and never a traceback, by the verb that people use."""
    app = Typer()
    app.command()(audit_command)
    out = Path(shutil.copytree(honest_export, tmp_path / "out"))
    file = file_of(out, kind)
    file.write_bytes(file.read_bytes()[:-1])

    result = CliRunner().invoke(app, [str(out), "--json"])

    assert result.exit_code == 1
    assert "Traceback" not in result.output
    problem = json.loads(result.stdout)["problem"]
    name = str(file.relative_to(out))
    assert problem["reason"]
    assert name.rpartition("/")[2] in f"{problem['place']} {problem['reason']}" or problem["entry"] is not None
