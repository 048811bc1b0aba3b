"""Matters of tenancies, lodgings, work permits and settlements for tests. Pure of pytest."""

from __future__ import annotations

from typing import Any

from contracts.identity import synthetic_uscc
from tests.support.batches import Made
from tests.support.matters import MatterMaker, Sealed, synthetic_person
from tests.support.world import World, WorldOffice


def tenancy(world: World, region: str = "44") -> list[Made]:
    """A lease: filed, changed, ended. One region, nobody is told."""
    matter = MatterMaker(world, "TENANCY_FILING")
    housing = world.office(region, "HOUSING_AUTHORITY")
    filed = _opened(world, region) | {"filed_by": "LODGING_PROVIDER", "signed_on": matter.day(-10)}
    return [
        matter.event("TenancyFiled", housing, filed),
        matter.event("TenancyChanged", housing, {"change": "TERM", "changed_on": matter.day()}),
        matter.event("TenancyEnded", housing, {"reason": "ENDED_EARLY", "ended_on": matter.day()}),
    ]


def lodging(world: World, region: str = "44") -> list[Made]:
    """A foreigner's lodging: recorded, ended. One region, nobody is told."""
    matter = MatterMaker(world, "FOREIGN_LODGING")
    police = world.office(region, "POLICE_STATION")
    recorded = _opened(world, region) | {"declared_by": "LODGING_PROVIDER"}
    return [
        matter.event("LodgingRecorded", police, recorded),
        matter.event("LodgingEnded", police, {"reason": "DEPARTED"}),
    ]


def work_permit(world: World, region: str = "44", new_region: str = "43") -> list[Made]:
    """A work permit from abroad, extended once, whose holder then works in another region."""
    matter = MatterMaker(world, "WORK_PERMIT")
    window, authority = world.office(region, "SERVICE_WINDOW"), world.office(region, "WORK_PERMIT_AUTHORITY")
    new = world.office(new_region, "WORK_PERMIT_AUTHORITY")
    told = (new, world.office(new_region, "EXIT_ENTRY"))
    changed = matter.day(700)
    content = {
        "identity": _foreigner(world),
        "country": "UTO",
        "permit_number": "样例-3",
        "permit_expires_on": changed,
        "category": "B",
        "employer_code": synthetic_uscc("91440300PPRD0003"),
        "start_date": matter.day(),
    }
    submitted = _opened(world, region) | {"category": "B", "employer_code_valid": True}
    issued = {"expires_on": matter.day(300), "lawfully_here": None}
    return [
        matter.event("WorkPermitSubmitted", window, submitted),
        matter.event("WorkPermitPrechecked", authority),
        matter.event("WorkPermitAccepted", authority, {"stay": "ABOVE_90_DAYS"}),
        matter.event("WorkPermitNoticeIssued", authority, {"applicant_abroad": True}),
        matter.event("WorkPermitEntryReported", window, {"entered_on": matter.day(), "work_visa": True}),
        matter.event("WorkPermitIssued", authority, issued),
        matter.event("WorkPermitExtensionApplied", window),
        matter.event("WorkPermitExtended", authority, {"expires_on": changed}),
        matter.event(
            "WorkPermitRegionChanged",
            authority,
            {"change": "NEW_EMPLOYER"},
            counterpart=new,
            sealed=[Sealed("NP-WP-REGION", told, content)],
        ),
    ]


def active_work_permit(matter: MatterMaker, region: str, expires_on: str, *, stay: str = "ABOVE_90_DAYS") -> list[Made]:
    """A permit of somebody who is in the country already, up to its issue."""
    world = matter.world
    authority = world.office(region, "WORK_PERMIT_AUTHORITY")
    submitted = _opened(world, region) | {"category": "A", "employer_code_valid": True}
    return [
        matter.event("WorkPermitSubmitted", authority, submitted),
        matter.event("WorkPermitPrechecked", authority),
        matter.event("WorkPermitAccepted", authority, {"stay": stay}),
        matter.event("WorkPermitIssued", authority, {"expires_on": expires_on, "lawfully_here": True}),
    ]


def settlement(world: World, region: str = "44") -> list[Made]:
    """An application for settlement with two checks of facts, in two other regions, up to the start of the move."""
    matter = MatterMaker(world, "POINTS_SETTLEMENT")
    office = world.office(region, "POINTS_OFFICE")
    outcome = {"outcome": "ELIGIBLE", "reasons": ["CONDITIONS_MET"], "explanation_offered": True}
    return [
        matter.event("SettlementApplied", office, _opened(world, region) | {"permit_active": True}),
        *fact_check(matter, region, world.office("45", "COUNTY_PSB_HOUSEHOLD"), "HOUSEHOLD_RECORD", None),
        *fact_check(matter, region, world.office("43", "POINTS_OFFICE"), "SOCIAL_INSURANCE_MONTHS", 61),
        matter.event("SettlementOutcomeRecorded", office, outcome),
        matter.event("SettlementMoveStarted", office),
    ]


def fact_check(matter: MatterMaker, region: str, asked: WorldOffice, fact: str, figure: int | None) -> list[Made]:
    """A question to an authority of another region, and its answer."""
    office = matter.world.office(region, "POINTS_OFFICE")
    question: dict[str, Any] = {
        "identity": synthetic_person(matter.world, asked.region),
        "question": {"fact": fact, "about": "样例期间"},
        "answer": None,
    }
    answer = question | {"answer": {"result": "CONFIRMED", "figure": figure}}
    request = {"fact": fact, "consent_on": matter.day(), "consent_form": "IN_WRITING"}
    return [
        matter.event(
            "FactCheckRequested", office, request, counterpart=asked, sealed=[Sealed("NP-FACT", (asked,), question)]
        ),
        matter.event(
            "FactCheckAnswered",
            asked,
            {"fact": fact, "answer": "CONFIRMED"},
            sealed=[Sealed("NP-FACT", (office,), answer)],
        ),
    ]


def _opened(world: World, region: str) -> dict[str, Any]:
    return {"division": world.division(region), "notice_id": world.fresh_id()}


def _foreigner(world: World) -> dict[str, str]:
    """The identity core of a foreigner who cannot exist."""
    number = int.from_bytes(world.entropy.draw(4), "big") % 100_000_000
    return {
        "name": "样例乙二",
        "document_type": "PASSPORT",
        "document_number": f"UTO-L{number:08}",
        "birth_date": "1990-05-01",
    }
