"""Every packaged procedure holds what it promises, in every situation with losses, repeats and crossing messages."""

import json
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters.cli.main import app
from contracts.errors import ContractError
from contracts.invariants import load_invariants, parse_invariants
from contracts.procedure import Procedure, load_procedures
from contracts.procedure_check import load_known
from contracts.procedure_types import is_restricted
from hub.abstract_matter import Machine
from hub.exploration import Message, Situation, View, deliver, explore
from hub.procedure_properties import check_properties

PROCEDURES = list(load_procedures().values())
TRANSFER = load_procedures()["CORRECTION_TRANSFER", 1]
NOTIFICATION = load_procedures()["RESIDENCE_NOTIFICATION", 1]


@pytest.mark.parametrize("procedure", PROCEDURES, ids=[procedure.id for procedure in PROCEDURES])
def test_a_packaged_procedure_has_no_fault(procedure: Procedure) -> None:
    """Run `pprd procedure check FILE` to see the way to a fault."""
    checked = check_properties(procedure, load_known(), load_invariants())

    assert [(fault.rule, fault.reason, fault.steps) for fault in checked.faults] == []


@pytest.mark.parametrize("procedure", PROCEDURES, ids=[procedure.id for procedure in PROCEDURES])
def test_every_row_is_taken_somewhere(procedure: Procedure) -> None:
    machine = Machine(procedure, load_known())
    taken = {move.row.row for moves in (machine.starts, *machine.moves.values()) for move in moves}
    restrictions = {
        row.row for row in procedure.transitions if row.event == "MatterRestricted" or is_restricted(row.source or "")
    }

    assert taken | restrictions == {row.row for row in procedure.transitions}


def situations() -> list[Situation]:
    return list(explore(Machine(TRANSFER, load_known())).ways)


def test_messages_cross() -> None:
    """Each side knows a state that the other has left, and one acts: the hub sends it to load the matter."""
    ways = explore(Machine(TRANSFER, load_known())).ways

    assert any(sum(view.state is not None and not view.is_current for view in now.views) > 1 for now in ways)
    assert any(step.kind == "loads" for steps in ways.values() for step, _ in steps)


def test_messages_wait_while_the_matter_goes_on() -> None:
    assert max(len(view.waiting) for situation in situations() for view in situation.views) >= 2


def test_explored_repeats_and_losses_change_nothing_but_the_time() -> None:
    view = View("DECIDED", False, (Message("DECIDED", False), Message("FILE_SENT", True)))

    assert deliver(view, is_repeat=True) == view
    assert deliver(deliver(view)) == View("FILE_SENT", True, ())
    assert deliver(View("FILE_SENT", True, ())) == View("FILE_SENT", True, ())


def test_a_timer_fires_at_every_moment_at_which_its_limit_runs() -> None:
    found = explore(Machine(NOTIFICATION, load_known()))
    fires = {now for now, ways in found.ways.items() if any(step.kind == "timer" for step, _ in ways)}

    assert fires == {now for now in found.ways if now.config.state == "ACKNOWLEDGED"}


def test_a_rule_that_names_what_a_procedure_lacks_is_a_fault() -> None:
    text = (
        '[[never]]\nprocedure = "CORRECTION_TRANSFER"\nfrom = "NOWHERE"\nto = "DECIDED"\nwithout = "X"\nbasis = "-"\n'
    )
    rules = parse_invariants(text, files("contracts").joinpath("rules/recipients.csv").read_text(encoding="utf-8"))

    faults = check_properties(TRANSFER, load_known(), rules).faults

    assert "never-without" in {fault.rule for fault in faults}


@pytest.mark.parametrize("text", ["[[never]]\nprocedure = 1", "[[never]", "never = 1"])
def test_rules_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ContractError) as caught:
        parse_invariants(text, "profile,office_types\n")

    assert caught.value.code == "PROCEDURE_INVALID"


def test_a_partner_checks_a_draft(tmp_path: Path) -> None:
    text = files("contracts").joinpath("procedures/residence_notification.toml").read_text(encoding="utf-8")
    good, silent, broken = tmp_path / "good.toml", tmp_path / "silent.toml", tmp_path / "broken.toml"
    good.write_text(text, encoding="utf-8")
    told = 'notify = [{ side = "ORIGIN", office = "COUNTY_PSB_HOUSEHOLD", profile = "NP-RES" }]'
    silent.write_text(text.replace(told, "", 1), encoding="utf-8")
    broken.write_text(text.replace('to = "SENT"', 'to = "LOST"', 1), encoding="utf-8")

    passed = CliRunner().invoke(app, ["procedure", "check", str(good)])
    stuck = CliRunner().invoke(app, ["procedure", "check", str(silent), "--json"])
    refused = CliRunner().invoke(app, ["procedure", "check", str(broken)])

    assert (passed.exit_code, stuck.exit_code, refused.exit_code) == (0, 3, 3)
    (fault, *_) = json.loads(stuck.stdout)["faults"]
    assert fault["property"] == "no-deadlock"
    assert fault["steps"][-1].startswith("DESTINATION makes ResidenceNoticeSent")
    assert "broken.toml: line" in refused.output


def test_a_draft_brings_its_own_events(tmp_path: Path) -> None:
    text = files("contracts").joinpath("procedures/residence_notification.toml").read_text(encoding="utf-8")
    draft = tmp_path / "draft.toml"
    draft.write_text(text.replace("ResidenceNoticeSent", "NoticeSentAnew"), encoding="utf-8")
    schema = {"type": "record", "name": "NoticeSentAnewBody", "namespace": "pprd.v1", "doc": "Sent.", "fields": []}
    (tmp_path / "notice_sent_anew.avsc").write_text(json.dumps(schema), encoding="utf-8")

    unknown = CliRunner().invoke(app, ["procedure", "check", str(draft)])
    known = CliRunner().invoke(app, ["procedure", "check", str(draft), "--schemas", str(tmp_path)])

    assert (unknown.exit_code, known.exit_code) == (3, 0)
