"""A task is open while an office was told content and has not acted since, or owes a duty (DOMAIN 8.1)."""

from contracts.event import SealedRef
from contracts.ids import OfficeId
from hub.matter import Matter
from hub.sealed_event import SealedEvent
from hub.task import has_open_task
from tests.unit.procedures.scene import Scene

HOUSEHOLD = "COUNTY_PSB_HOUSEHOLD"
LEAF = bytes(range(32))


def is_open(scene: Scene, actor: str) -> bool:
    assert scene.matter is not None
    return has_open_task(scene.procedure, scene.matter, scene.office(actor), scene.directory, scene.matter.opened_at)


def sealed_to(scene: Scene, *actors: str) -> tuple[SealedRef, ...]:
    return (SealedRef("NP-RES", bytes(32), bytes(32), 1, tuple(scene.office(actor) for actor in actors)),)


def sent() -> Scene:
    scene = Scene.of("RESIDENCE_NOTIFICATION")
    scene.happen("ResidenceNoticePrepared", HOUSEHOLD)
    scene.happen("ResidenceNoticeSent", HOUSEHOLD, sealed=sealed_to(scene, f"{HOUSEHOLD}@away"))
    return scene


def test_who_was_told_has_a_task_until_it_acts_and_owes_nothing() -> None:
    scene = sent()
    open_at = [is_open(scene, f"{HOUSEHOLD}@away")]
    for event in ("ResidenceNoticeDelivered", "ResidenceNoticeAcknowledged"):
        scene.happen(event, f"{HOUSEHOLD}@away")
        open_at.append(is_open(scene, f"{HOUSEHOLD}@away"))

    assert open_at == [True, True, False]


def test_who_made_the_content_has_a_task_only_while_it_owes_something() -> None:
    scene = sent()
    scene.happen("ResidenceNoticeDelivered", f"{HOUSEHOLD}@away")
    before = is_open(scene, HOUSEHOLD)
    scene.happen("ResidenceNoticeDisputed", f"{HOUSEHOLD}@away")
    asked = is_open(scene, HOUSEHOLD)
    scene.happen("ResidenceNoticeWithdrawn", HOUSEHOLD)

    assert (before, asked, is_open(scene, HOUSEHOLD)) == (False, True, False)


def test_who_has_no_part_has_no_task() -> None:
    scene = sent()

    assert not is_open(scene, "POLICE_STATION@away")
    assert not is_open(scene, "PI_OFFICER@away")


def test_an_end_that_others_bring_about_ends_no_task_of_who_was_told() -> None:
    """The judicial office is told of a release; the county that confirms the home says that it is not there."""
    scene = Scene.of("RESETTLEMENT_HANDOVER")
    told = sealed_to(scene, "COUNTY_RESETTLEMENT@away", "JUDICIAL_OFFICE@away")
    scene.happen("ReleaseNotified", "PRISON", sealed=told)
    scene.happen("HomeNotKnown", "COUNTY_RESETTLEMENT@away")

    assert scene.procedure.states["UNKNOWN"].is_final
    assert is_open(scene, "JUDICIAL_OFFICE@away")
    assert not is_open(scene, "COUNTY_RESETTLEMENT@away")


def test_a_restricted_matter_has_no_task() -> None:
    scene = sent()
    scene.happen("MatterRestricted", "RIGHTS_DESK")

    assert not is_open(scene, f"{HOUSEHOLD}@away")


def test_what_an_audit_remembers_of_an_event_is_read_back() -> None:
    header = sent().header("ResidenceNoticeReissued", HOUSEHOLD)
    one, two = OfficeId("o00000091"), OfficeId("o00000092")
    refs = (SealedRef("NP-RES", bytes(32), b"\x0a\x20" * 16, 1, (one, two)), SealedRef("NP-A", bytes(32), LEAF, 1, ()))
    event = SealedEvent.of(header._replace(sealed=refs, purpose="RESIDENCE_NOTICE"))

    assert SealedEvent.unpack(event.pack()) == event
    assert event.payload_for(b"\x0a\x20" * 16, two) == 0
    assert event.payload_for(LEAF, two) is None
    assert event.payload_for(LEAF, event.producer) == 1
    assert SealedEvent.unpack(SealedEvent("P", one, ()).pack()) == SealedEvent("P", one, ())


def test_told_offices_are_holders() -> None:
    """The store writes them as places among the holders."""
    matter = sent().matter

    assert isinstance(matter, Matter)
    assert matter.told
    assert set(matter.told) <= set(matter.holders)
