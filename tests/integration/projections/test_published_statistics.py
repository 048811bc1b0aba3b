"""A month's tables are made when it has closed, recorded once, safe to show, and counted again (DOMAIN 8.3)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.compose.projecting import projections_file, rebuild, unpublished
from adapters.compose.projection_auditing import ProjectionReport, run_projection_audit
from adapters.store.ledger_store import LedgerStore
from adapters.store.opening import open_store
from adapters.store.projection_store import ProjectionStore
from contracts.errors import EvidenceError
from contracts.event import decode_event
from contracts.instant import DAY_MS
from hub.application import Application
from hub.own_batch import HubDraft
from hub.projections.published import drafts_of
from hub.submission import Outcome
from ledger.entry import EventEntry, decode_entry
from tests.support.audit import audit
from tests.support.matters import notification
from tests.support.projections import follow, open_projections
from tests.support.world import World

NOTICES = 23


class Month(NamedTuple):
    """A ledger whose first month has closed."""

    world: World
    folder: Path
    store: LedgerStore
    application: Application
    rows: ProjectionStore

    def follow(self) -> None:
        follow(self.store, self.rows, self.world.rules)

    def unpublished(self) -> list[list[HubDraft]]:
        return unpublished(projections_file(self.folder), self.store, self.world.rules)

    def bodies(self) -> list[dict[str, Any]]:
        """Every published part."""
        found = []
        for data in self.store.entries(0, self.store.size()):  # type: ignore[arg-type]
            entry = decode_entry(data)
            if isinstance(entry, EventEntry):
                header = decode_event(entry.event)
                if header.event_class == "stt":
                    found.append(dict(self.world.rules.registry.decode_body(header.body)[1]))
        return found


@pytest.fixture
def month(tmp_path: Path) -> Iterator[Month]:
    world = World()
    (tmp_path / "hub").mkdir()
    store = open_store(tmp_path / "hub" / "ledger.sqlite")
    application = world.found(store)
    notices = [notification(world, "44", "45")[:2] for _ in range(NOTICES)]
    notices.append(notification(world, "43", "45")[:2])
    for events in notices:
        (answer,) = application.submit([world.batches[events[0].region].batch(events)])
        assert {result.outcome for result in answer.results} == {Outcome.ACCEPTED}
    rows = open_projections(projections_file(tmp_path))
    yield Month(world, tmp_path, store, application, rows)
    rows.close()
    store.close()


def close_the_month(month: Month) -> None:
    month.world.clock.advance(31 * DAY_MS)
    (answer,) = month.application.submit([month.world.batches["44"].batch(notification(month.world, "44", "45")[:1])])
    assert answer.results[0].outcome is Outcome.ACCEPTED
    month.follow()


def test_nothing_is_made_of_a_month_that_is_open(month: Month) -> None:
    month.follow()

    assert month.unpublished() == []


def test_a_closed_month_is_published_once_and_the_audit_follows(month: Month) -> None:
    close_the_month(month)
    for parts in month.unpublished():
        month.application.record(parts)
    month.follow()

    assert {body["table"] for body in month.bodies()} == {
        "OD_MONTH",
        "MOVE_MONTH",
        "PERMIT_MONTH",
        "DUTY_MONTH",
        "CASE_MONTH",
    }
    assert {body["month"] for body in month.bodies()} == {"2026-03"}
    assert month.unpublished() == []
    assert month.rows.findings() == []
    audit(month.store, month.world)


def test_the_lone_notice_is_withheld_and_so_is_what_would_give_it_away(month: Month) -> None:
    """23 and 1 notices from one origin: with the total and the 23 shown, the 1 would be known."""
    close_the_month(month)
    for parts in month.unpublished():
        month.application.record(parts)

    (table,) = [body for body in month.bodies() if body["table"] == "OD_MONTH"]
    shown = {(cell["row"], cell["column"]): cell["n"] for cell in table["cells"]}
    assert ("45", "4301") not in shown
    assert len({("45", "4401"), ("45", "TOTAL")} & shown.keys()) < 2
    assert all(n % 5 == 0 and n >= 10 for n in shown.values())


def test_a_table_that_is_not_what_the_ledger_counts_is_found_by_who_counts_again(month: Month) -> None:
    close_the_month(month)
    month.rows.close()
    first, *rest = month.unpublished()
    body = dict(first[0].body)
    body["cells"] = [{"row": "45", "column": "4301", "n": 10}, *body["cells"]]
    month.application.record(drafts_of([body]))
    for parts in rest:
        month.application.record(parts)

    with pytest.raises(EvidenceError) as caught:
        rebuild(month.folder)

    assert caught.value.code == "STATISTICS_MISMATCH"
    assert "1 such" in caught.value.message


def test_a_table_of_an_open_month_is_a_finding(month: Month) -> None:
    close_the_month(month)
    body = dict(month.unpublished()[0][0].body) | {"month": "2026-04"}
    month.application.record(drafts_of([body]))
    month.follow()

    ((_, what),) = month.rows.findings()
    assert what.endswith("is no table of a closed month")


# -- digests, and the audit that is asked for them


def publish(month: Month) -> None:
    """Close the month and record whatever is due."""
    close_the_month(month)
    for parts in month.unpublished():
        month.application.record(parts)


def recount(month: Month) -> ProjectionReport:
    return run_projection_audit(str(month.folder), size=month.store.size())


def digests_of(month: Month) -> HubDraft:
    """The digests that are due."""
    (draft,) = month.unpublished()[-1]
    assert draft.event_type == "DigestsPublished"
    return draft


def test_a_month_that_has_closed_has_its_digests_once_and_an_audit_derives_them_again(month: Month) -> None:
    publish(month)
    assert month.unpublished() == []
    notices = notification(month.world, "44", "45")
    for one in notices:
        month.application.submit([month.world.batches[one.region].batch([one])])

    assert recount(month) == ProjectionReport(digests=1, skipped=0, tables=len(month.bodies()), problem=None)
    audit(month.store, month.world)


def test_a_wrong_digest_is_named_with_its_projection(month: Month) -> None:
    close_the_month(month)
    draft = digests_of(month)
    rows = [dict(row) for row in draft.body["digests"]]
    rows[1]["digest"] = bytes(32)
    (index,) = month.application.record([replace(draft, body={**draft.body, "digests": rows})])

    problem = recount(month).problem

    assert problem is not None
    assert (problem.code, problem.index) == ("DIGEST_MISMATCH", index)
    assert rows[1]["projection"] in problem.reason


@pytest.mark.parametrize("change", ["position", "later", "missing"])
def test_digests_of_another_place_or_of_fewer_projections_are_named(month: Month, change: str) -> None:
    close_the_month(month)
    draft = digests_of(month)
    position = draft.body["position"]
    changed = {
        "position": {"position": position - 3},
        "later": {"position": month.store.size() + 5},
        "missing": {"digests": draft.body["digests"][:2]},
    }[change]
    (index,) = month.application.record([replace(draft, body={**draft.body, **changed})])

    problem = recount(month).problem

    assert problem is not None
    assert (problem.code, problem.index) == ("DIGEST_MISMATCH", index)


def test_digests_under_other_tables_are_told_as_left_out(month: Month) -> None:
    close_the_month(month)
    draft = digests_of(month)
    month.application.record([replace(draft, body={**draft.body, "form": "1:0123456789abcdef"})])

    assert recount(month) == ProjectionReport(digests=0, skipped=1, tables=0, problem=None)


def test_an_audit_names_a_table_that_is_not_what_the_ledger_counts(month: Month) -> None:
    close_the_month(month)
    body = dict(month.unpublished()[0][0].body)
    body["cells"] = [{"row": "45", "column": "4301", "n": 10}, *body["cells"]]
    (index,) = month.application.record(drafts_of([body]))

    done = CliRunner().invoke(app, ["audit", str(month.folder), "--projections", "--json"])

    told = json.loads(done.output.splitlines()[-1])
    assert done.exit_code == 1
    assert (told["unexplained"], told["projections"]["problem"]["code"]) == (0, "STATISTICS_MISMATCH")
    assert told["projections"]["problem"]["entry"] == index
