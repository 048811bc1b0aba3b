"""One run with people who carry marks, for all tests here: it is played once and only looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from tests.support.canary_marks import Found
from tests.support.canary_run import CanaryRun
from tests.support.canary_stranger import Stranger, Told


@dataclass(frozen=True, slots=True)
class Canary:
    """What a run left.

    Attributes:
        run: Its files and lines.
        strange: What was told to somebody with keys and without our programs.
        found_while_running: Marks outside the regions' folders before anything was stopped.
        found_at_the_end: The same after the audit and the export.
        wal_bytes: Size of the hub's write-ahead log when it was searched.
    """

    run: CanaryRun
    strange: Sequence[Told]
    found_while_running: Sequence[Found]
    found_at_the_end: Sequence[Found]
    wal_bytes: int


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canary]:
    """Play, let a stranger try, search, stop, audit, export, search again."""
    with CanaryRun(tmp_path_factory.mktemp("canary")) as run:
        run.play()
        strange = asyncio.run(Stranger(run.world, run.hub_address).refusals())
        run.wait_until_delivered()
        wal_bytes = (run.folder / "hub" / "ledger.sqlite-wal").stat().st_size
        while_running = run.find()
        run.finish()
        yield Canary(run, strange, while_running, run.find(), wal_bytes)
