"""What a gateway kept of a lie reaches a third party as a file, and the program judges it without a hub."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.region.database import RegionDatabase
from adapters.region.evidence_store import EvidenceStore
from adapters.region.region_store import RegionStore
from contracts.schema import load_registry
from docs.ledger_evidence import samples
from docs.ledger_parties import LOG
from ledger.evidence_file import format_evidence

pytestmark = pytest.mark.integration

SHOWN = next(sample.evidence for sample in samples() if sample.is_shown)
NOT_SHOWN = next(sample.evidence for sample in samples() if not sample.is_shown)


def test_a_kept_file_is_written_out_and_verified(tmp_path: Path) -> None:
    with closing(RegionDatabase(tmp_path / "regions" / "44" / "region.sqlite")) as database:
        registry = load_registry()
        kept = EvidenceStore(
            store=RegionStore(database), verifier=LOG.verifier, read_body=lambda body: registry.decode_body(body)[1]
        )
        assert kept.keep(SHOWN)
        assert not kept.keep(NOT_SHOWN)
    out = tmp_path / "out"

    got = CliRunner().invoke(
        app, ["evidence", "get", "--data", str(tmp_path), "--region", "44", "--out", str(out), "--json"]
    )
    (file,) = out.iterdir()
    told = CliRunner().invoke(app, ["evidence", "verify", str(file), "--vkey", LOG.verifier.vkey, "--json"])

    assert json.loads(got.stdout) == {"region": "44", "claims": [SHOWN.claim]}
    assert told.exit_code == 0
    assert json.loads(told.stdout)["is_conclusive"] is True


def test_a_file_that_shows_nothing_ends_with_one(tmp_path: Path) -> None:
    file = tmp_path / "a.pprd-evidence"
    file.write_bytes(format_evidence(NOT_SHOWN))

    told = CliRunner().invoke(app, ["evidence", "verify", str(file), "--json"])

    assert told.exit_code == 1
    assert json.loads(told.stdout)["error"]["code"] == "CLAIM_UNPROVED"


def test_bytes_that_are_no_evidence_file_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.pprd-evidence"
    file.write_bytes(b"anything\n")

    told = CliRunner().invoke(app, ["evidence", "verify", str(file), "--json"])

    assert told.exit_code == 3
    assert json.loads(told.stdout)["error"]["code"] == "EVIDENCE_MALFORMED"
