"""One honest ledger for all audits; each test damages a copy of its own."""

import shutil
from pathlib import Path

import pytest

from adapters.compose.auditing import run_export
from tests.support.kept_ledger import KeptLedger, make_ledger


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> KeptLedger:
    """A data folder that nobody may change, and whose chains of batches nobody steps."""
    made = make_ledger(tmp_path_factory.mktemp("honest") / "data")
    for chain in made.world.batches.values():
        chain.is_shared = True
    return made


@pytest.fixture(scope="session")
def honest_export(honest: KeptLedger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its export, which nobody may change."""
    out = tmp_path_factory.mktemp("export") / "out"
    run_export(honest.folder, out)
    return out


@pytest.fixture
def kept(honest: KeptLedger, tmp_path: Path) -> KeptLedger:
    """A copy of the data folder, to be damaged."""
    return honest._replace(folder=Path(shutil.copytree(honest.folder, tmp_path / "data")))


@pytest.fixture
def out(honest_export: Path, tmp_path: Path) -> Path:
    """A copy of the export, to be damaged."""
    return Path(shutil.copytree(honest_export, tmp_path / "out"))
