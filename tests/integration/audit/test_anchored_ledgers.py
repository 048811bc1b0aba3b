"""`pprd ledger anchor` derives both roots from the entries, goes on after an interruption, and names what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.compose import anchoring
from adapters.compose.anchoring import anchor_ledger
from ledger.anchor import SHA3_256, format_anchor, parse_anchor
from tests.support.kept_ledger import KeptLedger

pytestmark = pytest.mark.integration

RUNNER = CliRunner()


def run(*words: str | Path, code: int = 0) -> Any:
    done = RUNNER.invoke(app, ["ledger", "anchor", *(str(word) for word in words), "--json"])
    assert done.exit_code == code, done.output
    return json.loads(done.output.splitlines()[-1])


def test_two_signers_anchor_one_ledger_and_a_changed_file_is_named(honest: KeptLedger, tmp_path: Path) -> None:
    file, source = tmp_path / "kept.pprd-anchor", ("--source", honest.folder)
    first = run(file, *source, "--name", "44.archive.example", "--keys", tmp_path / "a", "--algorithm", SHA3_256)
    second = run(file, *source, "--name", "45.archive.example", "--keys", tmp_path / "b")
    checked = run(file, *source, "--verify")
    alone = run(file, "--verify")
    anchor = parse_anchor(file.read_bytes())
    forged = anchor.__class__(SHA3_256, bytes(32), anchor.checkpoint, anchor.note)
    file.write_bytes(format_anchor(forged))
    named = run(file, *source, "--verify", code=1)
    refused = run(file, *source, "--name", "46.archive.example", "--keys", tmp_path / "c", code=1)

    assert first["anchored_root"] == second["anchored_root"] == checked["anchored_root"]
    assert [one["algorithm"] for one in second["signers"]] == ["Ed25519", "ML-DSA-44"] * 2
    assert (checked["derived"], alone["derived"]) == (True, False)
    assert named["error"]["code"] == refused["error"]["code"] == "ANCHOR_INVALID"
    assert not (tmp_path / "c").exists()


def test_an_interrupted_run_goes_on_and_gives_the_same_root(
    honest: KeptLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anchoring, "KEEP_SECONDS", 0.0)
    monkeypatch.setattr(anchoring, "_AT_ONCE", 10)
    whole = anchor(honest, tmp_path / "whole.pprd-anchor")
    monkeypatch.setattr(anchoring, "_Trees", stopping_after(55))
    with pytest.raises(KeyboardInterrupt):
        anchor(honest, tmp_path / "cut.pprd-anchor")
    monkeypatch.undo()
    cut = anchor(honest, tmp_path / "cut.pprd-anchor")

    assert (whole.resumed_at, cut.resumed_at) == (0, 50)
    assert cut.anchor.root == whole.anchor.root
    assert sorted(path.name for path in tmp_path.glob("*.pprd-anchor*")) == ["cut.pprd-anchor", "whole.pprd-anchor"]


def anchor(kept: KeptLedger, file: Path) -> anchoring.Anchored:
    keys = file.parent / "keys"
    return anchor_ledger(str(kept.folder), file, algorithm="SHA-512", name="archive.example", keys=keys)


def stopping_after(count: int) -> type[anchoring._Trees]:
    class Stopping(anchoring._Trees):
        def append(self, entry: bytes) -> None:
            super().append(entry)
            if self.known.size > count:
                raise KeyboardInterrupt

    return Stopping
