"""Until CaseReceived the sending county is responsible; responsibility is never empty and never double (DOMAIN 6.7)."""

from contracts.procedure import load_procedures
from tests.unit.procedures.scene import Scene
from tests.unit.procedures.test_procedure_tables import CORRECTION, ROWS

TRANSFER = load_procedures()["CORRECTION_TRANSFER", 1]


def test_every_state_names_exactly_one_side() -> None:
    assert {state.responsible for state in TRANSFER.states.values()} == {"SENDING", "RECEIVING"}
    assert all(state.responsible in TRANSFER.sides for state in TRANSFER.states.values())


def test_only_the_receipt_of_the_case_hands_responsibility_over() -> None:
    moved = {
        row.event
        for row in TRANSFER.transitions
        if row.source is not None and TRANSFER.states[row.source].responsible != TRANSFER.states[row.target].responsible
    }

    assert moved == {"CaseReceived"}


def test_a_matter_starts_with_the_sending_side_responsible() -> None:
    starts = [row for row in TRANSFER.transitions if row.source is None]

    assert [TRANSFER.states[row.target].responsible for row in starts] == ["SENDING"]


def test_at_every_step_of_every_walk_one_side_is_responsible() -> None:
    for row in ROWS["CORRECTION_TRANSFER"]:
        scene, received = Scene.of("CORRECTION_TRANSFER"), False
        for step in (*CORRECTION[row.source], row.step):
            matter = scene.step(step)
            received = received or step[0] == "CaseReceived"
            assert TRANSFER.states[matter.state].responsible == ("RECEIVING" if received else "SENDING")


def test_a_case_cannot_be_received_without_report_and_file() -> None:
    """The state REPORTED is reached by ReportedIn only, and the row demands the file."""
    (received,) = (row for row in TRANSFER.transitions if row.event == "CaseReceived")

    assert received.guards == ("file_held",)
    assert received.source == "REPORTED"
    into = {row.event for row in TRANSFER.transitions if row.target == "REPORTED" and row.source != "REPORTED"}
    assert into == {"ReportedIn"}
