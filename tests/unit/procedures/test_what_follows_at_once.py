"""A step that follows another one at once is made by the hub, caused by it, and nothing stands between (ADR 0011)."""

from importlib.resources import files

from contracts.deadline import Kind
from contracts.procedure import parse_procedure
from contracts.procedure_check import load_known
from contracts.procedure_types import is_restricted
from hub.duty import due_in
from hub.matter import Matter
from hub.timers import due
from tests.unit.procedures.scene import Scene, noon
from tests.unit.procedures.test_whole_check import NOTIFICATION, planted

PROCEDURES = files("contracts").joinpath("procedures")
STARTS = 'starts = [{ rule = "RETENTION", side = "DESTINATION", office = "COUNTY_PSB_HOUSEHOLD" }]'
CHAINED = NOTIFICATION.replace("RETENTION", "AT_ONCE").replace("AT_ONCE]", "RETENTION]")


def acknowledged() -> tuple[Scene, Matter]:
    """A notice under a procedure that closes it as soon as it is acknowledged."""
    scene = Scene(parse_procedure("x.toml", CHAINED, load_known()))
    scene.happen("ResidenceNoticePrepared", "COUNTY_PSB_HOUSEHOLD")
    scene.happen("ResidenceNoticeSent", "COUNTY_PSB_HOUSEHOLD")
    scene.happen("ResidenceNoticeDelivered", "COUNTY_PSB_HOUSEHOLD@away")
    return scene, scene.happen("ResidenceNoticeAcknowledged", "COUNTY_PSB_HOUSEHOLD@away")


def test_what_follows_at_once_is_due_in_the_instant_of_the_event_before_and_caused_by_it() -> None:
    scene, matter = acknowledged()
    procedures = {(scene.procedure.id, 1): scene.procedure}
    (duty,) = matter.duties

    limit = due_in(scene.procedure, matter, duty)
    (draft,) = due(matter, procedures, limit.due_ms)

    assert (limit.due_ms, limit.kind) == (noon(scene.day), Kind.EFFECT)
    assert (draft.event_type, draft.causation_id) == ("ResidenceNoticeClosed", duty.started_by)
    assert list(due(matter, procedures, limit.due_ms - 1)) == []


def test_a_state_that_time_leaves_at_once_is_entered_only_by_what_starts_that() -> None:
    message = planted(STARTS.replace("RETENTION", "AT_ONCE"), "", CHAINED + "\n" + _elsewhere())

    assert (
        "(ResidenceNoticeAcknowledged): leads to ACKNOWLEDGED, which time leaves at once, and starts nothing" in message
    )


def _elsewhere() -> str:
    """A row that starts the limit somewhere else."""
    row = 'from = ["PREPARED"]\ncommand = "Send"\nevent = "ResidenceNoticeReissued"\nto = "SENT"\n'
    by = 'by = { side = "DESTINATION", office = ["COUNTY_PSB_HOUSEHOLD"] }\n'
    return f"[[transition]]\n{row}{by}{STARTS.replace('RETENTION', 'AT_ONCE')}\n"


def test_a_state_that_time_leaves_at_once_need_not_be_restricted() -> None:
    states = '"SENT", "DELIVERED", "ACKNOWLEDGED", "DISPUTED"]'
    text = CHAINED.replace(states, '"SENT", "DELIVERED", "DISPUTED"]')

    assert parse_procedure("x.toml", text, load_known()).rows.get(("MatterRestricted", "ACKNOWLEDGED")) is None
    assert "state ACKNOWLEDGED: cannot be restricted" in planted(states, '"SENT", "DELIVERED", "DISPUTED"]')


def test_a_restricted_state_is_known_by_its_name() -> None:
    assert [
        name for name in ("RESTRICTED", "RESTRICTED_SETTLED", "RESTRICTEDNESS", "SETTLED") if is_restricted(name)
    ] == [
        "RESTRICTED",
        "RESTRICTED_SETTLED",
    ]
