"""The canary's tenancies, lodgings, household moves, work permits and settlements, with people who carry marks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from contracts.office_type import OfficeType as Kind
from tests.support.canary_marks import BIRTH_DATE, EMPLOYER_CODE, NAME, NEW_NAME, NUMBER, PASSPORT, Mark
from tests.support.canary_play import Matter, Play, Told

POLICE: Final = ("44", Kind.POLICE_STATION)
COUNTY: Final = ("44", Kind.COUNTY_PSB_HOUSEHOLD)
ORIGIN: Final = ("45", Kind.POLICE_STATION)
AUTHORITY: Final = ("44", Kind.WORK_PERMIT_AUTHORITY)
WINDOW: Final = ("44", Kind.SERVICE_WINDOW)
POINTS: Final = ("44", Kind.POINTS_OFFICE)
RESIDENT: Final = {
    "name": NAME,
    "document_type": "CN_RESIDENT_ID",
    "document_number": NUMBER,
    "birth_date": BIRTH_DATE,
}
FOREIGNER: Final = {
    "name": NEW_NAME,
    "document_type": "PASSPORT",
    "document_number": PASSPORT,
    "birth_date": "1988-11-03",
}


async def play_moves(play: Play) -> None:
    """Play everything, one matter after the other."""
    await tenancy(play)
    await lodging(play)
    await household_move(play)
    await withdrawn_move(play)
    await work_permit(play)
    await settlement(play)


def _opened(play: Play) -> dict[str, Any]:
    return {"division": play.world.division("44"), "notice_id": play.fresh()}


async def tenancy(play: Play) -> None:
    """A lease; one more that names an office of another region is refused: nothing of it leaves its own."""
    housing = ("44", Kind.HOUSING_AUTHORITY)
    filed = _opened(play) | {"filed_by": "AGENT", "signed_on": play.day(-3)}
    named = play.draft(Matter("TENANCY_FILING"), *housing, "TenancyFiled", filed, names=ORIGIN)
    await play.refused_there("a lease names another region", "44", named)
    matter = Matter("TENANCY_FILING")
    await play.step(matter, *housing, "TenancyFiled", filed)
    await play.step(matter, *housing, "TenancyChanged", {"change": "RENT", "changed_on": play.day()})
    await play.step(matter, *housing, "TenancyEnded", {"reason": "TERM_ENDED", "ended_on": play.day()})


async def lodging(play: Play) -> None:
    """A foreigner's lodging."""
    matter = Matter("FOREIGN_LODGING")
    await play.step(matter, *POLICE, "LodgingRecorded", _opened(play) | {"declared_by": "LODGING_PROVIDER"})
    await play.step(matter, *POLICE, "LodgingEnded", {"reason": "DEPARTED"})


# -- household moves


async def _admitted(play: Play) -> Matter:
    matter = Matter("HOUSEHOLD_MOVE")
    applied = _opened(play) | {"ground": "FAMILY_JOIN", "members_listed": True}
    await play.step(matter, *POLICE, "HouseholdMoveApplied", applied, names=ORIGIN, told=(COUNTY,))
    official = {"official": play.fresh()}
    told = (ORIGIN, POLICE)
    await play.step(matter, *COUNTY, "AdmissionCertificateIssued", official, payloads=_admission(play), told=told)
    return matter


def _admission(play: Play) -> Mapping[str, tuple[Mapping[str, Any], ...]]:
    content = {
        "members": [{"identity": RESIDENT, "sex": "2"}, {"identity": RESIDENT | {"name": NEW_NAME}, "sex": "9"}],
        "origin_address": play.world.division("45"),
        "household_number": Mark.HOUSEHOLD.value,
        "ground": "FAMILY_JOIN",
        "certificate_number": Mark.ADMISSION.value,
        "certificate_expires_on": play.day(40),
    }
    return {"NP-HM-ADMIT": (content,)}


def _found(matter: Matter, result: str, **more: Any) -> Mapping[str, tuple[Mapping[str, Any], ...]]:
    content = {
        "stream_id": matter.id,
        "result": result,
        "certificate_number": None,
        "certificate_expires_on": None,
        "reason": None,
    }
    return {"NP-HM-ORIGIN": (content | more,)}


async def household_move(play: Play) -> None:
    """A household that moves after an objection, up to the cancellation at the origin."""
    matter = await _admitted(play)
    reason = {"reason": "IDENTITY_MISMATCH"}
    objected = _found(matter, "OBJECTED", **reason)
    await play.step(matter, *ORIGIN, "OriginObjected", reason, payloads=objected, told=(POLICE, COUNTY))
    official = {"official": play.fresh()}
    told: tuple[Told, ...] = (ORIGIN, POLICE)
    await play.step(matter, *COUNTY, "HouseholdMoveAmended", official, payloads=_admission(play), told=told)
    record = {"record_found": True, "other_admission_open": False}
    await play.step(
        matter, *ORIGIN, "OriginRecordVerified", record, payloads=_found(matter, "VERIFIED"), told=(POLICE,)
    )
    issued = _found(
        matter, "MOVE_OUT_ISSUED", certificate_number=Mark.MOVE_OUT.value, certificate_expires_on=play.day(30)
    )
    marked = {"record_marked": True, "record_cancelled": False}
    await play.step(matter, *ORIGIN, "MoveOutCertificateIssued", marked, payloads=issued, told=(POLICE,))
    settled = {"stream_id": matter.id, "date": play.day(), "county": play.world.counties["44"]}
    payloads = {"NP-HM-SETTLED": (settled,)}
    await play.step(matter, *POLICE, "HouseholdSettled", {"only_registration": True}, payloads=payloads, told=(ORIGIN,))
    await play.step(matter, *ORIGIN, "OriginRecordCancelled")


async def withdrawn_move(play: Play) -> None:
    """A household whose applicant withdraws after the admission."""
    matter = await _admitted(play)
    await play.step(matter, *POLICE, "HouseholdMoveWithdrawn", payloads=_admission(play), told=(ORIGIN, COUNTY))


# -- permits


async def work_permit(play: Play) -> None:
    """A foreigner's permit, whose holder then works in another region."""
    matter = Matter("WORK_PERMIT")
    submitted = _opened(play) | {"category": "B", "employer_code_valid": True}
    await play.step(matter, *WINDOW, "WorkPermitSubmitted", submitted, told=(AUTHORITY,))
    await play.step(matter, *AUTHORITY, "WorkPermitPrechecked")
    await play.step(matter, *AUTHORITY, "WorkPermitAccepted", {"stay": "ABOVE_90_DAYS"})
    await play.step(matter, *AUTHORITY, "WorkPermitNoticeIssued", {"applicant_abroad": True})
    entered = {"entered_on": play.day(), "work_visa": True}
    await play.step(matter, *WINDOW, "WorkPermitEntryReported", entered, told=(AUTHORITY,))
    await play.step(matter, *AUTHORITY, "WorkPermitIssued", {"expires_on": play.day(300), "lawfully_here": None})
    content = {
        "identity": FOREIGNER,
        "country": "UTO",
        "permit_number": Mark.WORK_PERMIT.value,
        "permit_expires_on": play.day(300),
        "category": "B",
        "employer_code": EMPLOYER_CODE,
        "start_date": play.day(),
    }
    new: tuple[Told, ...] = (("43", Kind.WORK_PERMIT_AUTHORITY), ("43", Kind.EXIT_ENTRY))
    await play.step(
        matter,
        *AUTHORITY,
        "WorkPermitRegionChanged",
        {"change": "NEW_EMPLOYER"},
        payloads={"NP-WP-REGION": (content,)},
        names=new[0],
        told=new,
    )


async def settlement(play: Play) -> None:
    """An application with one question to another region, up to the start of the move."""
    matter = Matter("POINTS_SETTLEMENT")
    asked = ("45", Kind.POINTS_OFFICE)
    await play.step(matter, *POINTS, "SettlementApplied", _opened(play) | {"permit_active": True})
    fact = "QUALIFICATION_GENUINE"
    question = {"identity": RESIDENT, "question": {"fact": fact, "about": Mark.QUESTION.value}, "answer": None}
    request = {"fact": fact, "consent_on": play.day(), "consent_form": "ONLINE"}
    payloads = {"NP-FACT": (question,)}
    await play.step(matter, *POINTS, "FactCheckRequested", request, payloads=payloads, names=asked, told=(asked,))
    answer = question | {"answer": {"result": "NO_RECORD", "figure": 7}}
    answered = {"fact": fact, "answer": "NO_RECORD"}
    await play.step(matter, *asked, "FactCheckAnswered", answered, payloads={"NP-FACT": (answer,)}, told=(POINTS,))
    outcome = {"outcome": "ELIGIBLE", "reasons": ["CONDITIONS_MET"], "explanation_offered": True}
    await play.step(matter, *POINTS, "SettlementOutcomeRecorded", outcome)
    await play.step(matter, *POINTS, "SettlementMoveStarted")
