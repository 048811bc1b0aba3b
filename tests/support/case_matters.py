"""Matters of the three cases that are help: a release, a rehabilitation, the return of a child. Pure of pytest.

Each gives the events of one matter in order, sealed to exactly the offices of DOMAIN 9.3; see `tests.support.matters`.
"""

from __future__ import annotations

from typing import Any

from tests.support.batches import Made
from tests.support.matters import MatterMaker, Sealed, synthetic_person
from tests.support.world import World, WorldOffice


def resettlement(world: World, sending: str = "44", receiving: str = "43") -> list[Made]:
    """A release, from the notice to a plan of assistance. The three home offices get what each of them needs."""
    matter = MatterMaker(world, "RESETTLEMENT_HANDOVER")
    prison, county = world.office(sending, "PRISON"), world.office(receiving, "COUNTY_RESETTLEMENT")
    local, police = world.office(receiving, "JUDICIAL_OFFICE"), world.office(receiving, "POLICE_STATION")
    person = {"identity": synthetic_person(world, receiving), "release_date": matter.day(30)}
    help_ = {"needs": ["HOUSING", "WORK"], "way_of_return": "NOT_AGREED"}
    assessed = {"stream_id": matter.stream_id, "needs": ["WORK"], "recommendations": "样例建议"}
    reader = {"assessment_delivered": True, "delivered_to": ["COUNTY_RESETTLEMENT", "JUDICIAL_OFFICE"]}

    def status(state: str, *to: WorldOffice, way: str = "FAMILY_FETCHES") -> list[Sealed]:
        content = {"stream_id": matter.stream_id, "state": state, "date": matter.day(), "way_of_return": way}
        return [Sealed("NP-RLS-STATUS", to, content)]

    notified = {
        "notice_id": world.fresh_id(),
        "ground": "RELEASE",
        "home_from_record": True,
        "also_told": "NOBODY",
    }
    return [
        matter.event(
            "ReleaseNotified",
            prison,
            notified,
            counterpart=county,
            sealed=[
                Sealed(
                    "NP-RLS-COUNTY",
                    (county,),
                    person | help_ | {"place_of_release": "样例监狱", "family_contact": None},
                ),
                Sealed("NP-RLS-LOCAL", (local,), person | help_),
                Sealed(
                    "NP-RLS-REG",
                    (police,),
                    person | {"certificate_number": "样例-1", "former_address": world.division(receiving)},
                ),
            ],
        ),
        matter.event(
            "HomeConfirmed", county, {"checked_together": True}, sealed=status("CONFIRMED", prison, way="NOT_AGREED")
        ),
        matter.event(
            "AssessmentDelivered",
            prison,
            {"ground": "RELEASE", "shown_to_person": True},
            sealed=[
                Sealed(
                    "NP-RLS-ASSESS", (county,), assessed | {"skills": ["样例技能"], "schooling": "", "health": None}
                ),
                Sealed("NP-RLS-ASSESS-LOCAL", (local,), assessed),
                Sealed(
                    "NP-RLS-ASSESS-REG",
                    (police,),
                    reader | {"stream_id": matter.stream_id, "date": matter.day()},
                ),
            ],
        ),
        matter.event(
            "ReturnAgreed", county, {"sending_agrees": True, "person_agrees": True}, sealed=status("READY", prison)
        ),
        matter.event(
            "Released",
            prison,
            {"ground": "RELEASE", "released_on": matter.day()},
            sealed=status("RELEASED", county, local, police),
        ),
        matter.event("Arrived", county, {"arrived_on": matter.day()}, sealed=status("ARRIVED", prison)),
        matter.event("AssistanceOpened", county, {"person_agrees": True}),
    ]


def rehabilitation(world: World, sending: str = "44", receiving: str = "45") -> list[Made]:
    """A rehabilitation that another town office goes on with."""
    matter = MatterMaker(world, "REHAB_HANDOVER")
    old, new = world.office(sending, "TOWN_OFFICE"), world.office(receiving, "TOWN_OFFICE")
    content = {
        "identity": synthetic_person(world, receiving),
        "start_date": matter.day(-100),
        "end_date": matter.day(900),
        "agreement": "样例协议",
        "services": ["样例服务"],
    }
    changed = {"notice_id": world.fresh_id(), "changed_on": matter.day(), "may_be_handed_over": True}
    materials = {"materials": world.entropy.draw(32)}
    return [
        matter.event("PlaceChanged", old, changed, counterpart=new),
        matter.event("MaterialsSent", old, materials, sealed=[Sealed("NP-DRG", (new,), content)]),
        matter.event("MaterialsAcknowledged", new, materials),
        matter.event("ReportedIn", new, {"identity_checked": True}, sealed=[Sealed("NP-DRG", (old,), content)]),
        matter.event("AgreementSigned", new, {"person_signed": True}),
    ]


def minor_return(world: World, sending: str = "44", home: str = "45") -> list[Made]:
    """A child who is brought home: traced, the home assessed as safe, handed over; the visits come later."""
    matter = MatterMaker(world, "MINOR_RETURN")
    rescue, civil = world.office(sending, "RESCUE_STATION"), world.office(home, "COUNTY_CIVIL_AFFAIRS")
    protection = world.office(home, "MINOR_PROTECTION")
    trace = {"minor": True, "name_as_given": "样例童", "apparent_age": 9, "home_facts": "样例线索"}
    back: dict[str, Any] = {
        "minor": True,
        "identity": synthetic_person(world, home),
        "receiver": synthetic_person(world, home),
        "relation": "51",
        "date": matter.day(),
        "needs": ["SCHOOLING"],
    }
    safe = {"minor": True, "stream_id": matter.stream_id, "result": "SAFE", "conditions": "样例条件"}
    return [
        matter.event(
            "MinorAdmitted",
            rescue,
            {"home_named": True},
            counterpart=civil,
            sealed=[Sealed("NP-MIN-TRACE", (civil,), trace)],
        ),
        matter.event(
            "GuardianFound", rescue, {"told_sparingly": True}, sealed=[Sealed("NP-MIN-TRACE", (civil,), trace)]
        ),
        matter.event(
            "HomeAssessed",
            civil,
            {"result": "SAFE", "visited": True, "child_heard": True, "harm_checked": True},
            sealed=[Sealed("NP-MIN-HOME", (rescue,), safe)],
        ),
        matter.event(
            "ReturnPlanned",
            rescue,
            {"way": "GUARDIAN_FETCHES"},
            sealed=[Sealed("NP-MIN-RETURN", (protection, civil), back)],
        ),
        matter.event(
            "HandedOver",
            rescue,
            {
                "identity_checked": True,
                "relation_checked": True,
                "official": world.fresh_id(),
                "receiving_signature": world.entropy.draw(32),
            },
            sealed=[Sealed("NP-MIN-RETURN", (protection, civil), back)],
        ),
        matter.event("FollowedUp", civil, {"visited_on": matter.day()}),
    ]
