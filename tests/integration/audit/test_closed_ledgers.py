"""A ledger ends with one event, and the next one names how it ended (ADR 0057); what does not fit is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.compose.auditing import run_audit, run_export
from docs.spec.reference.audit import Contracts, audit
from docs.spec.reference.unproved import UnprovedError
from hub.closing import CLOSED
from hub.own_batch import HubDraft
from tests.support.divided_audit import audited_both_ways
from tests.support.kept_ledger import KeptLedger, forge, hub_batch, recorded
from tests.support.matters import declaration

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[3]


def end(open_matters: int) -> HubDraft:
    return HubDraft(CLOSED, "DIRECTORY", {"open_matters": open_matters, "successor": None})


def open_in(kept: KeptLedger, tmp_path: Path) -> int:
    """How many matters are open, as the audit of a wrong number tells."""
    problem = run_audit(
        str(forge(kept, tmp_path / "probe", [*kept.entries(), *hub_batch(kept, end(-1))]).folder)
    ).problem
    assert problem is not None
    return int(problem.reason.split(" to be open, ")[1].split()[0])


def test_a_wrong_number_of_open_matters_and_anything_after_the_end_are_named(kept: KeptLedger, tmp_path: Path) -> None:
    count = open_in(kept, tmp_path)
    entries = [*kept.entries(), *hub_batch(kept, end(count))]
    ended = forge(kept, tmp_path / "ended", entries)
    told_less = forge(kept, tmp_path / "less", [*kept.entries(), *hub_batch(kept, end(count - 1))])
    batch = kept.world.batches["44"].batch([declaration(kept.world, "44")], step=False)
    gone_on = forge(kept, tmp_path / "on", [*entries, *recorded(kept.world, batch)])

    assert count > 0
    named = [audited_both_ways(str(one.folder)).problem for one in (told_less, gone_on)]
    assert [None if one is None else (one.index, one.code) for one in named] == [
        (len(entries) - 1, "ENTRY_UNEXPLAINED"),
        (len(entries), "LEDGER_CLOSED"),
    ]
    run_export(ended.folder, tmp_path / "ended-out")
    assert run_audit(str(tmp_path / "ended-out"), hashes_only=True).problem is None
    problem = run_audit(str(gone_on.folder), hashes_only=True).problem
    assert problem is not None
    assert (problem.index, problem.code) == (len(entries), "LEDGER_CLOSED")


def test_the_second_reader_follows_a_ledger_to_its_end_and_no_further(kept: KeptLedger, tmp_path: Path) -> None:
    entries = [*kept.entries(), *hub_batch(kept, end(open_in(kept, tmp_path)))]
    batch = kept.world.batches["44"].batch([declaration(kept.world, "44")], step=False)
    gone_on = [*entries, *recorded(kept.world, batch)]
    for name, some in (("ended", entries), ("on", gone_on)):
        run_export(forge(kept, tmp_path / name, some).folder, tmp_path / f"{name}-out")
    contracts = Contracts.of(ROOT / "contracts")

    assert audit(tmp_path / "ended-out", contracts).size == len(entries)
    with pytest.raises(UnprovedError, match="was closed by the entry before"):
        audit(tmp_path / "on-out", contracts)
