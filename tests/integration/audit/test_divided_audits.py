"""An audit in two processes says what the audit in one says; planted faults are held to it where they stand."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.compose import audit_jobs
from adapters.compose.auditing import audit_in_two, run_audit
from tests.support.divided_audit import audited_both_ways, reader_here
from tests.support.kept_ledger import KeptLedger


@pytest.mark.sqlite_file
@pytest.mark.parametrize("hashes_only", [False, True])
@pytest.mark.parametrize("source", ["folder", "export"])
def test_two_processes_give_the_report_of_one(
    honest: KeptLedger, honest_export: Path, source: str, hashes_only: bool
) -> None:
    named = str(honest.folder if source == "folder" else honest_export)

    divided = audit_in_two(named, hashes_only=hashes_only)

    assert divided is not None
    assert divided == run_audit(named, jobs=1, hashes_only=hashes_only)


@pytest.mark.sqlite_file
def test_a_fault_is_told_by_the_audit_in_one_process(kept: KeptLedger) -> None:
    kept.change("UPDATE heads SET n=n+1 WHERE point='45-node'")

    assert run_audit(str(kept.folder), jobs=2) == run_audit(str(kept.folder), jobs=1)
    assert audit_in_two(str(kept.folder), reader=reader_here) is None


def test_a_reader_that_dies_is_no_finding(honest: KeptLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it began is left out, and the audit in one process answers."""
    monkeypatch.setattr(audit_jobs, "_READER", "adapters.compose.no_such_module")

    assert audit_in_two(str(honest.folder)) is None
    assert run_audit(str(honest.folder), jobs=2).problem is None


@pytest.mark.parametrize("hashes_only", [False, True])
@pytest.mark.parametrize("left_out", [-1, -2, 5])
def test_a_reader_that_leaves_a_frame_out_is_not_believed(honest: KeptLedger, left_out: int, hashes_only: bool) -> None:
    @contextmanager
    def some(name: str, size: int, vkey: str, what: str) -> Iterator[Iterator[Any]]:
        with reader_here(name, size, vkey, what) as frames:
            kept = list(frames)
            del kept[left_out]
            yield iter(kept)

    assert audit_in_two(str(honest.folder), reader=some, hashes_only=hashes_only) is None


def test_a_short_ledger_is_not_divided_by_itself(honest: KeptLedger) -> None:
    assert audit_in_two(str(honest.folder), worth_entries=1_000_000) is None


def test_an_honest_ledger_is_the_same_both_ways(honest: KeptLedger, honest_export: Path) -> None:
    assert audited_both_ways(str(honest.folder)).problem is None
    assert audited_both_ways(str(honest_export)).problem is None
