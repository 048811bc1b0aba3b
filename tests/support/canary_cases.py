"""The cases of the canary's play that are help: a minor's release, a rehabilitation, a child who is brought home."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

from contracts.errors import RuleError
from contracts.office_type import OfficeType as Kind
from tests.support.canary_marks import ADDRESS, BIRTH_DATE, NAME, NEW_NAME, NUMBER, Mark
from tests.support.canary_play import Matter, Play

IDENTITY: Final = {
    "name": NAME,
    "document_type": "CN_RESIDENT_ID",
    "document_number": NUMBER,
    "birth_date": BIRTH_DATE,
}
_PRISON: Final = ("44", Kind.JUVENILE_PRISON)
_COUNTY: Final = ("43", Kind.COUNTY_RESETTLEMENT)
_LOCAL: Final = ("43", Kind.JUDICIAL_OFFICE)
_POLICE: Final = ("43", Kind.POLICE_STATION)
_HOME_CIVIL: Final = ("45", Kind.COUNTY_CIVIL_AFFAIRS)
_PROTECTION: Final = ("45", Kind.MINOR_PROTECTION)
_RESCUE: Final = ("44", Kind.RESCUE_STATION)
_OLD_TOWN: Final = ("44", Kind.TOWN_OFFICE)
_NEW_TOWN: Final = ("45", Kind.TOWN_OFFICE)
_MINOR: Final = {"minor": True, "seal_state": "SEALED"}


async def play_cases(play: Play) -> None:
    """Play the three cases."""
    await release_of_a_minor(play)
    await end_of_correction(play)
    await rehabilitation(play)
    await child(play)


def _status(play: Play, matter: Matter, state: str, way: str = "FAMILY_FETCHES") -> dict[str, tuple[Any, ...]]:
    content = {"stream_id": matter.id, "state": state, "date": play.day(), "way_of_return": way, **_MINOR}
    return {"NP-RLS-STATUS": (content,)}


async def release_of_a_minor(play: Play) -> None:
    """The release of a minor without guardians: sealed or not at all, never sent home alone, helped on arrival."""
    matter = Matter("RESETTLEMENT_HANDOVER")
    person = {"identity": IDENTITY, "release_date": play.day(30), **_MINOR}
    need = {"needs": ["HOUSING"], "way_of_return": "NOT_AGREED"}
    guardian = {"name": NEW_NAME, "relation": "51", "contact": ADDRESS}
    payloads = {
        "NP-RLS-COUNTY": (person | need | {"place_of_release": ADDRESS, "family_contact": Mark.EMPLOYER.value},),
        "NP-RLS-LOCAL": (person | need,),
        "NP-RLS-REG": (
            person | {"certificate_number": Mark.CERTIFICATE.value, "former_address": play.world.division("43")},
        ),
        "NP-RLS-MINOR": (person | {"guardians": [guardian], "who_fetches": "CIVIL_AFFAIRS"},),
    }
    body = {
        "notice_id": play.fresh(),
        "ground": "RELEASE",
        "home_from_record": True,
        "also_told": "CIVIL_AFFAIRS",
    }
    open_ = {name: (content[0] | {"seal_state": "NONE"},) for name, content in payloads.items()}
    unsealed = play.draft(matter, *_PRISON, "ReleaseNotified", body, payloads=open_, names=_COUNTY)
    gateway = play.programs["44"].gateway
    await play.refused_here("a minor's record that is not sealed", lambda: gateway.send(unsealed), RuleError.family)
    told = (_COUNTY, _LOCAL, _POLICE, ("43", Kind.COUNTY_CIVIL_AFFAIRS))
    await play.step(matter, *_PRISON, "ReleaseNotified", body, payloads=payloads, names=_COUNTY, told=told)
    confirmed = {"checked_together": True}
    status = _status(play, matter, "CONFIRMED", "NOT_AGREED")
    await play.step(matter, *_COUNTY, "HomeConfirmed", confirmed, payloads=status, told=(_PRISON,))
    assessed = {"stream_id": matter.id, "needs": ["WORK"], "recommendations": Mark.REASONS.value, **_MINOR}
    whole = {"skills": [Mark.TITLE.value], "schooling": Mark.DOCUMENT.value, "health": Mark.BAN.value}
    delivered = {"delivered_to": ["COUNTY_RESETTLEMENT", "JUDICIAL_OFFICE"], "date": play.day()}
    await play.step(
        matter,
        *_PRISON,
        "AssessmentDelivered",
        {"ground": "RELEASE", "shown_to_person": True},
        payloads={
            "NP-RLS-ASSESS": (assessed | whole,),
            "NP-RLS-ASSESS-LOCAL": (assessed,),
            "NP-RLS-ASSESS-REG": ({"stream_id": matter.id, "assessment_delivered": True, **delivered, **_MINOR},),
        },
        told=(_COUNTY, _LOCAL, _POLICE),
    )
    agreed = {"sending_agrees": True, "person_agrees": True}
    alone = play.draft(matter, *_COUNTY, "ReturnAgreed", agreed, payloads=_status(play, matter, "READY", "SELF"))
    there = play.programs["43"].gateway
    await play.refused_here("a minor who goes alone", lambda: there.send(alone), RuleError.family)
    await play.step(matter, *_COUNTY, "ReturnAgreed", agreed, payloads=_status(play, matter, "READY"), told=(_PRISON,))
    released = {"ground": "RELEASE", "released_on": play.day()}
    status = _status(play, matter, "RELEASED")
    await play.step(matter, *_PRISON, "Released", released, payloads=status, told=(_COUNTY, _LOCAL, _POLICE))
    arrived = {"arrived_on": play.day()}
    await play.step(matter, *_COUNTY, "Arrived", arrived, payloads=_status(play, matter, "ARRIVED"), told=(_PRISON,))
    await play.step(matter, *_COUNTY, "AssistanceOpened", {"person_agrees": True})


async def end_of_correction(play: Play) -> None:
    """The end of a correction: two home offices are told, and the person lives elsewhere by now."""
    matter = Matter("RESETTLEMENT_HANDOVER")
    sending = ("44", Kind.COUNTY_CORRECTION)
    content = {"identity": IDENTITY, "release_date": play.day(20), "needs": [], "way_of_return": "NOT_AGREED"}
    body = {
        "notice_id": play.fresh(),
        "ground": "END_OF_CORRECTION",
        "home_from_record": True,
        "also_told": "NOBODY",
    }
    payloads = {"NP-RLS-LOCAL": (content,)}
    told = (_COUNTY, _LOCAL)
    await play.step(matter, *sending, "ReleaseNotified", body, payloads=payloads, names=_COUNTY, told=told)
    referred = {"checked_together": True, "division": play.world.division("45")}
    status = {"NP-RLS-STATUS": (_status(play, matter, "REFERRED", "NOT_AGREED")["NP-RLS-STATUS"][0],)}
    await play.step(matter, *_COUNTY, "HomeReferred", referred, payloads=status, told=(sending,))


async def rehabilitation(play: Play) -> None:
    """A rehabilitation that goes on in another town, and no office but the two learns anything."""
    matter = Matter("REHAB_HANDOVER")
    content = {
        "identity": IDENTITY,
        "start_date": play.day(-100),
        "end_date": play.day(900),
        "agreement": Mark.TITLE.value,
        "services": [Mark.BAN.value],
    }
    payloads = {"NP-DRG": (content,)}
    materials = {"materials": sha256(Mark.CONTENT.value.encode()).digest()}
    changed = {"notice_id": play.fresh(), "changed_on": play.day(), "may_be_handed_over": True}
    await play.step(matter, *_OLD_TOWN, "PlaceChanged", changed, names=_NEW_TOWN)
    await play.step(matter, *_OLD_TOWN, "MaterialsSent", materials, payloads=payloads, told=(_NEW_TOWN,))
    await play.step(matter, *_NEW_TOWN, "MaterialsAcknowledged", materials, told=(_OLD_TOWN,))
    checked = {"identity_checked": True}
    await play.step(matter, *_NEW_TOWN, "ReportedIn", checked, payloads=payloads, told=(_OLD_TOWN,))
    await play.step(matter, *_NEW_TOWN, "AgreementSigned", {"person_signed": True}, told=(_OLD_TOWN,))


async def child(play: Play) -> None:
    """A child whose home is not safe, then is: care, a new assessment, the way home."""
    matter = Matter("MINOR_RETURN")
    trace = {"name_as_given": NAME, "apparent_age": 9, "home_facts": ADDRESS, "minor": True}
    admitted = {"home_named": True}
    grown = play.draft(
        matter,
        *_RESCUE,
        "MinorAdmitted",
        admitted,
        payloads={"NP-MIN-TRACE": (trace | {"minor": False},)},
        names=_HOME_CIVIL,
    )
    gateway = play.programs["44"].gateway
    await play.refused_here("a child who is said to be none", lambda: gateway.send(grown), RuleError.family)
    traced = {"NP-MIN-TRACE": (trace,)}
    told = (_HOME_CIVIL,)
    await play.step(matter, *_RESCUE, "MinorAdmitted", admitted, payloads=traced, names=_HOME_CIVIL, told=told)
    await play.step(matter, *_RESCUE, "GuardianFound", {"told_sparingly": True}, payloads=traced, told=told)
    home = {"stream_id": matter.id, "conditions": Mark.REASONS.value, "minor": True}
    visited = {"visited": True, "child_heard": True, "harm_checked": True}
    civil = ("44", Kind.COUNTY_CIVIL_AFFAIRS)
    for result in ("NOT_SAFE", "SAFE"):
        assessed = {"NP-MIN-HOME": (home | {"result": result},)}
        body = {"result": result, **visited}
        await play.step(matter, *_HOME_CIVIL, "HomeAssessed", body, payloads=assessed, told=(_RESCUE, civil))
        if result == "NOT_SAFE":
            planned = play.draft(matter, *_RESCUE, "ReturnPlanned", {"way": "ESCORTED"})
            await play.refused_there("home, though it is not safe", "44", planned)
            await play.step(matter, *civil, "CareArranged", {"official": play.fresh()}, told=(_RESCUE, _HOME_CIVIL))
    receiver = IDENTITY | {"name": NEW_NAME}
    returned = {
        "NP-MIN-RETURN": (
            {
                "identity": IDENTITY,
                "receiver": receiver,
                "relation": "51",
                "date": play.day(),
                "needs": ["SCHOOLING"],
                "minor": True,
            },
        )
    }
    back = (_PROTECTION, _HOME_CIVIL)
    await play.step(matter, *_RESCUE, "ReturnPlanned", {"way": "ESCORTED"}, payloads=returned, told=back)
    handed = {
        "identity_checked": True,
        "relation_checked": True,
        "official": play.fresh(),
        "receiving_signature": sha256(Mark.DOCUMENT.value.encode()).digest(),
    }
    await play.step(matter, *_RESCUE, "HandedOver", handed, payloads=returned, told=back)
    await play.step(matter, *_HOME_CIVIL, "FollowedUp", {"visited_on": play.day()}, told=(_RESCUE,))
