"""What a region's gateway has kept of a ledger that contradicted itself."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from adapters.compose.folder import DataFolder
from adapters.compose.parts import REGION_FILE
from adapters.region.database import RegionDatabase
from adapters.region.evidence_store import kept_files
from adapters.region.region_store import RegionStore
from contracts.errors import UnavailableError


def kept_evidence(data: Path, region: str) -> Sequence[tuple[str, bytes]]:
    """Claims and evidence files of a region.

    Raises:
        UnavailableError: STORE_MISSING: the region has no file there.
    """
    path = DataFolder(data).region(region) / REGION_FILE
    if not path.exists():
        raise UnavailableError("STORE_MISSING", f"region {region} keeps nothing in {data}")
    with closing(RegionDatabase(path)) as database:
        return kept_files(RegionStore(database))
