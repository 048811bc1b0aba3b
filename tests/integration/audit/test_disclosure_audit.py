"""Who was given what is compared with who may get it: nothing in a right ledger, each by name in a wrong one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.store.ledger_store import LedgerStore
from adapters.store.opening import open_store
from contracts.event import decode_event
from contracts.ids import LeafIndex
from contracts.procedure_types import NotifyRow, Procedure, Transition
from hub.disclosure import OVER, UNDER, DisclosureAudit, DisclosureReport
from hub.own_batch import HubDraft
from hub.submission import Outcome
from ledger.entry import event_of
from tests.support.all_matters import one_of_each
from tests.support.audit import MemoryShelf
from tests.support.batches import Made
from tests.support.clearances import ClearanceMaker
from tests.support.matters import MatterMaker, Sealed, notification, synthetic_person
from tests.support.world import World

Notify = tuple[NotifyRow, ...]


def recorded(path: Path, world: World, matters: list[list[Made]], drafts: Sequence[HubDraft] = ()) -> LedgerStore:
    store = open_store(path / "ledger.sqlite")
    application = world.found(store)
    if drafts:
        application.record(drafts)
    for matter in matters:
        for made in matter:
            (answer,) = application.submit([world.batches[made.region].batch([made])])
            assert [result.outcome for result in answer.results] == [Outcome.ACCEPTED], answer
    return store


def compared(store: LedgerStore, world: World) -> DisclosureReport:
    audit = DisclosureAudit(rules=world.rules, shelf=MemoryShelf())
    for _ in audit.read(store.entries(LeafIndex(0), LeafIndex(store.size()))):
        pass
    audit.compare_runs(run for _, run in store.runs_after(0, 1_000_000))
    return audit.report


def test_a_matter_of_every_procedure_gives_everybody_what_he_may_have_and_nobody_more(tmp_path: Path) -> None:
    world = World()
    report = compared(recorded(tmp_path, world, list(one_of_each(world).values())), world)

    assert report.findings == []
    assert report.events > 30
    assert report.payloads >= report.events
    assert report.notified == report.payloads


def mutated(
    world: World, procedure: str, event: str, change: Callable[[Notify], Notify]
) -> Mapping[tuple[str, int], Procedure]:
    """The world's procedures with another routing row in one of them."""
    old = world.rules.procedures[procedure, 1]

    def changed(row: Transition) -> Transition:
        return replace(row, notify=change(row.notify)) if row.event == event else row

    new: Procedure = replace(old, transitions=tuple(map(changed, old.transitions)))
    return MappingProxyType({**world.rules.procedures, (procedure, 1): new})


def notice_to(world: World, office_type: str) -> list[Made]:
    """A residence notice whose content is sealed to an office of another type at the origin."""
    matter = MatterMaker(world, "RESIDENCE_NOTIFICATION")
    at, origin = world.office("44", "COUNTY_PSB_HOUSEHOLD"), world.office("45", "COUNTY_PSB_HOUSEHOLD")
    content = {
        "identity": synthetic_person(world, "45"),
        "county": "440106",
        "date": matter.day(),
        "change": "STARTED",
    }
    return [
        matter.event("ResidenceNoticePrepared", at, {"notice_id": world.fresh_id()}, counterpart=origin),
        matter.event("ResidenceNoticeSent", at, sealed=[Sealed("NP-RES", (world.office("45", office_type),), content)]),
    ]


def test_one_changed_routing_row_is_found_on_both_sides_by_name(tmp_path: Path) -> None:
    """A copy of the procedure gives a residence notice to the police station instead of the household police."""
    world = World()
    right = world.rules

    def elsewhere(notify: Notify) -> Notify:
        return tuple(replace(one, office="POLICE_STATION") for one in notify)

    world.rules = replace(right, procedures=mutated(world, "RESIDENCE_NOTIFICATION", "ResidenceNoticeSent", elsewhere))
    like = next(
        draft
        for label, draft in world.directory.items()
        if label.startswith("mandate 45 COUNTY_PSB_HOUSEHOLD RECEIVE RESIDENCE_NOTIFICATION")
    )
    body = dict(like.body) | {"mandate": bytes(8), "office_type": "POLICE_STATION"}
    granted = HubDraft("MandateGranted", "DIRECTORY", body)
    store = recorded(tmp_path, world, [notice_to(world, "POLICE_STATION")], [granted])
    world.rules = right
    report = compared(store, world)
    station = world.office("45", "POLICE_STATION").office

    assert [(one.kind, one.event_type, one.profile, one.office) for one in report.findings] == [
        (OVER, "ResidenceNoticeSent", "NP-RES", station),
        (UNDER, "ResidenceNoticeSent", "NP-RES", ""),
    ]
    assert "POLICE_STATION" in report.findings[0].reason
    assert "COUNTY_PSB_HOUSEHOLD of ORIGIN" in report.findings[1].reason


def after_one_approval(world: World) -> Mapping[tuple[str, int], Procedure]:
    """The world's procedures with an emergency that is opened after one approval."""
    old = world.rules.procedures["EMERGENCY_OPENING", 1]

    def changed(row: Transition) -> Transition:
        return replace(row, source="APPROVED_BY_ONE") if row.event == "AccessRecorded" else row

    new: Procedure = replace(old, transitions=tuple(map(changed, old.transitions)))
    return MappingProxyType({**world.rules.procedures, ("EMERGENCY_OPENING", 1): new})


@pytest.mark.parametrize("approvals", [1, 2])
def test_an_opening_without_a_task_is_counted_and_named_where_two_offices_did_not_approve_it(
    tmp_path: Path, approvals: int
) -> None:
    """A copy of the procedure lets one approval do; the second look counts the offices."""
    world = World()
    if approvals == 1:
        world.rules = replace(world.rules, procedures=after_one_approval(world))
    sent, asker = notification(world, "44", "45"), world.office("45", "COUNTY_PSB_HOUSEHOLD")
    clearance = ClearanceMaker(world, "EMERGENCY", asker, sent[1].header)
    first, second = world.office("45", "TOWN_OFFICE"), world.office("44", "TOWN_OFFICE")
    cleared = [clearance.asked(first, second), clearance.approved(first), clearance.approved(second)]
    store = open_store(tmp_path / "ledger.sqlite")
    application = world.found(store)
    for made in (*sent, *cleared[: approvals + 1]):
        application.submit([world.batches[made.region].batch([made])])
    application.open_payload(clearance.request())

    report = compared(store, world)

    found = [(one.kind, one.office, one.reason) for one in report.findings]
    if approvals == 2:
        assert (found, report.cleared) == ([], {"EMERGENCY": 1})
    else:
        assert found == [(OVER, asker.office, "opened without a task what two other offices had not approved")]


def test_a_notification_that_was_withheld_is_found(tmp_path: Path) -> None:
    world = World()
    store = recorded(tmp_path, world, [notification(world, "44", "45")])
    audit = DisclosureAudit(rules=world.rules, shelf=MemoryShelf())
    for _ in audit.read(store.entries(LeafIndex(0), LeafIndex(store.size()))):
        pass
    audit.compare_runs([run for _, run in store.runs_after(0, 1_000) if run.point != "45-node"])

    (found,) = audit.report.findings
    assert (found.kind, found.office) == (UNDER, world.office("45", "COUNTY_PSB_HOUSEHOLD").office)
    assert "45-node was never notified" in found.reason


def test_who_has_no_mandate_was_given_too_much(tmp_path: Path) -> None:
    """The same ledger without the entry that granted it."""
    world = World()
    store = recorded(tmp_path, world, [notification(world, "44", "45")[:2]])
    granted = next(
        event_of(entry)
        for _, entry in store.directory_entries(LeafIndex(0))
        if (body := decoded(world, entry)).get("direction") == "RECEIVE"
        and (body["region"], body["office_type"]) == ("45", "COUNTY_PSB_HOUSEHOLD")
        and "ResidenceNoticeSent" in body["event_types"]
    )
    audit = DisclosureAudit(rules=world.rules, shelf=MemoryShelf())
    entries = store.entries(LeafIndex(0), LeafIndex(store.size()))
    for _ in audit.read(entry for entry in entries if event_of(entry) != granted):
        pass

    (found,) = audit.report.findings
    assert found.kind == OVER
    assert "no mandate" in found.reason


def decoded(world: World, entry: bytes) -> Mapping[str, Any]:
    event = event_of(entry)
    assert event is not None
    return world.rules.registry.decode_body(decode_event(event).body)[1]


def test_the_verb_tells_people_and_machines_and_exits_by_it(tmp_path: Path) -> None:
    world = World()
    recorded(tmp_path, world, [notification(world, "44", "45")]).close()
    source = str(tmp_path / "ledger.sqlite")
    people = CliRunner().invoke(app, ["audit", source, "--disclosure"])
    machines = CliRunner().invoke(app, ["audit", source, "--disclosure", "--json"])

    assert people.exit_code == machines.exit_code == 0
    assert "0 over-disclosed, 0 under-disclosed" in " ".join(people.output.split())
    found = json.loads(machines.stdout.splitlines()[-1])["disclosure"]
    assert (found["payloads"], found["notified"], found["over"], found["under"], found["findings"]) == (1, 1, 0, 0, [])
