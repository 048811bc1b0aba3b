"""The matters of the canary's play: all procedures, with a dispute, officials who say no, openings, repeats."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

from contracts.errors import RuleError
from contracts.office_type import OfficeType as Kind
from tests.support.canary_cases import play_cases
from tests.support.canary_marks import ADDRESS, BIRTH_DATE, NAME, NEW_NAME, NUMBER, Mark
from tests.support.canary_moves import play_moves
from tests.support.canary_orders import play_orders
from tests.support.canary_play import Matter, Play, ask_in_vain, read_with_wrong_key, read_without_store

POLICE: Final = Kind.POLICE_STATION
HOUSEHOLD: Final = Kind.COUNTY_PSB_HOUSEHOLD
CORRECTION: Final = Kind.COUNTY_CORRECTION
IDENTITY: Final = {
    "name": NAME,
    "document_type": "CN_RESIDENT_ID",
    "document_number": NUMBER,
    "birth_date": BIRTH_DATE,
}


async def play_all(play: Play) -> None:
    """Play everything, one matter after the other."""
    await residence(play)
    await death(play)
    await rejected(play)
    sent = await notice(play)
    await permit(play)
    await refused_permit(play)
    await transfer(play)
    await stay(play)
    await play_cases(play)
    await play_moves(play)
    await play_orders(play, sent)


async def _registered(play: Play) -> Matter:
    matter = Matter("RESIDENCE")
    declared = {"division": play.world.division("44"), "notice_id": play.fresh(), "declared_by": "APPLICANT"}
    await play.step(matter, "44", POLICE, "RegistrationDeclared", declared)
    recorded = {"registered_on": play.day(), "identity_form_valid": True}
    await play.step(matter, "44", POLICE, "RegistrationRecorded", recorded)
    return matter


async def residence(play: Play) -> None:
    """A registration with a correction of the name that the origin is told; a repeat; a step that has no time."""
    matter = await _registered(play)
    content = {
        "stream_id": matter.id,
        "correction_code": "22",
        "old_value": NAME,
        "new_value": NEW_NAME,
    }
    sent = await play.step(
        matter,
        "44",
        POLICE,
        "RegistrationCorrected",
        {"correction_code": "22", "evidence_checked": True, "notice_was_sent": True},
        payloads={"NP-CORRECTION": (content,)},
        names=("45", HOUSEHOLD),
        told=(("45", HOUSEHOLD),),
    )
    gateway = play.programs["44"].gateway
    results = await gateway.send_batch_again(sent.event_id)
    assert [result.index for result in results] == [sent.index]
    await play.refused_here("payloads are given away", lambda: gateway.send_again(sent.event_id), RuleError.family)
    body = {"division": play.world.division("44"), "notice_id": play.fresh(), "declared_by": "APPLICANT"}
    await ask_in_vain(play, "44", play.draft(Matter("RESIDENCE"), "44", POLICE, "RegistrationDeclared", body))
    await play.step(matter, "44", POLICE, "RegistrationEnded", {"reason": "DEPARTED"})


async def death(play: Play) -> None:
    """A death at the temporary residence, told to the home register."""
    matter = await _registered(play)
    content = {"identity": IDENTITY, "date": play.day(), "certificate_number": Mark.CERTIFICATE.value}
    await play.step(
        matter,
        "44",
        POLICE,
        "RegistrationEnded",
        {"reason": "DECEASED"},
        payloads={"NP-DEATH": (content,)},
        names=("45", POLICE),
        told=(("45", POLICE),),
    )


async def rejected(play: Play) -> None:
    """A declaration that an official rejects; before, one that the exchange refuses."""
    matter = Matter("RESIDENCE")
    body = {"division": play.world.division("44"), "notice_id": play.fresh(), "declared_by": "APPLICANT"}
    elsewhere = play.draft(matter, "44", POLICE, "RegistrationDeclared", body | {"division": "449999000000"})
    await play.refused_there("a division that is none", "44", elsewhere)
    await play.step(matter, "44", POLICE, "RegistrationDeclared", body)
    missing = {"reason": "PAPERS_MISSING", "missing": ["PROOF_OF_ADDRESS"]}
    await play.step(matter, "44", POLICE, "RegistrationRejected", missing)


async def notice(play: Play) -> Matter:
    """A notice that the origin disputes, sent again, acknowledged; read with wrong keys and on a broken file too."""
    matter = Matter("RESIDENCE_NOTIFICATION")
    origin, content = ("45", HOUSEHOLD), _residence_notice(play)
    prepared = {"notice_id": play.fresh()}
    await play.step(matter, "44", HOUSEHOLD, "ResidenceNoticePrepared", prepared, names=origin)
    sent = await play.step(
        matter, "44", HOUSEHOLD, "ResidenceNoticeSent", payloads={"NP-RES": (content,)}, told=(origin,)
    )
    await read_with_wrong_key(play, *origin, sent.event_id, "NP-RES")
    await read_without_store(play, *origin, sent.event_id, "NP-RES")
    await play.step(matter, "45", HOUSEHOLD, "ResidenceNoticeDelivered", {"verified": True})
    disputed = {"reason": "IDENTITY_MISMATCH"}
    await play.step(matter, "45", HOUSEHOLD, "ResidenceNoticeDisputed", disputed, told=(("44", HOUSEHOLD),))
    await play.step(matter, "44", HOUSEHOLD, "ResidenceNoticeReissued", payloads={"NP-RES": (content,)}, told=(origin,))
    await play.step(matter, "45", HOUSEHOLD, "ResidenceNoticeDelivered", {"verified": True})
    await play.step(matter, "45", HOUSEHOLD, "ResidenceNoticeAcknowledged", told=(("44", HOUSEHOLD),))
    return matter


def _residence_notice(play: Play) -> dict[str, Any]:
    return {"identity": IDENTITY, "county": play.world.counties["44"], "date": play.day(), "change": "STARTED"}


def _application(play: Play) -> dict[str, Any]:
    return {
        "division": play.world.division("44"),
        "notice_id": play.fresh(),
        "applied_by": "APPLICANT",
        "registered_on": play.day(-250),
        "ground": "STABLE_HOME",
    }


async def permit(play: Play) -> None:
    """A permit that the wrong office signs, that two sign at once, and whose history goes to a new city."""
    matter = Matter("RESIDENCE_PERMIT")
    await play.step(matter, "44", POLICE, "ResidencePermitAccepted", _application(play))
    official = {"official": play.fresh()}
    by_wrong = play.draft(matter, "44", Kind.COMMUNITY_AGENCY, "ResidencePermitSigned", official)
    await play.refused_there("signed by the wrong office", "44", by_wrong)
    race = play.draft(matter, "44", HOUSEHOLD, "ResidencePermitSigned", official)
    stale = play.programs["44"].gateway
    answers = [await stale.rehearse(race), await stale.rehearse(race)]
    first, second = [await answer for answer in answers]
    assert second.refusal is not None
    play.recorded += first.index is not None
    play.say("signed twice at once", second.refusal)
    await play.step(matter, "44", POLICE, "ResidencePermitIssued", {"year_from": play.day()})
    content = {
        "identity": IDENTITY,
        "permit_number": Mark.PERMIT.value,
        "issued_on": [play.day()],
        "endorsed_on": [],
        "suspended_on": [],
    }
    await play.step(
        matter,
        "44",
        HOUSEHOLD,
        "ResidencePermitHistoryReleased",
        {"consent_on": play.day(), "consent_form": "IN_WRITING"},
        payloads={"NP-RP-HISTORY": (content,)},
        names=("45", HOUSEHOLD),
        told=(("45", HOUSEHOLD),),
    )


async def refused_permit(play: Play) -> None:
    """A permit that an official refuses."""
    matter = Matter("RESIDENCE_PERMIT")
    await play.step(matter, "44", POLICE, "ResidencePermitAccepted", _application(play))
    body = {"reason": "NO_CONDITION_MET", "official": play.fresh(), "review_told": True}
    await play.step(matter, "44", HOUSEHOLD, "ResidencePermitRefused", body)


# -- the transfer

_OLD: Final = ("44", CORRECTION)
_NEW: Final = ("43", CORRECTION)


async def _disputed_transfer(play: Play) -> Matter:
    """A transfer up to the opinion of the new county, which does not agree."""
    matter = Matter("CORRECTION_TRANSFER")
    requested = {"notice_id": play.fresh(), "ground": "WORK", "papers": ["APPLICATION", "PROOF_OF_GROUND"]}
    await play.step(matter, "44", Kind.JUDICIAL_OFFICE, "TransferRequested", requested, names=_NEW, told=(_OLD,))
    ask = {
        "identity": IDENTITY,
        "proposed_address": ADDRESS,
        "ground": "WORK",
        "household_or_employer": Mark.EMPLOYER.value,
        "measure": "SUSPENDED_SENTENCE",
        "end_date": play.day(400),
        "bans": [Mark.BAN.value],
    }
    await play.step(matter, *_OLD, "OpinionAsked", payloads={"NP-COR-ASK": (ask,)}, told=(_NEW,))
    unreasoned = play.draft(matter, *_NEW, "OpinionGiven", {"opinion": "DISAGREE"})
    gateway = play.programs["43"].gateway
    await play.refused_here("no reasons", lambda: gateway.send(unreasoned), RuleError.family)
    await play.refused_there("no reasons", "43", unreasoned)
    await play.step(
        matter,
        *_NEW,
        "OpinionGiven",
        {"opinion": "DISAGREE"},
        payloads={"NP-COR-OPINION": (_opinion(matter),)},
        told=(_OLD,),
    )
    return matter


def _opinion(matter: Matter) -> dict[str, Any]:
    return {"stream_id": matter.id, "opinion": "DISAGREE", "reasons": f"{Mark.REASONS.value}，见附件"}


def _decided(play: Play, decision: str) -> dict[str, Any]:
    return {
        "decision": decision,
        "deciding_body": "COURT",
        "official": play.fresh(),
        "complaint_way_told": True,
        "told_on": play.day() if decision == "STAY" else None,
    }


async def stay(play: Play) -> None:
    """A transfer that is refused, with reasons to the judicial office."""
    matter = await _disputed_transfer(play)
    judicial = ("44", Kind.JUDICIAL_OFFICE)
    payloads = {"NP-COR-OPINION": (_opinion(matter),)}
    told = (judicial, _NEW)
    await play.step(matter, *_OLD, "TransferDecided", _decided(play, "STAY"), payloads=payloads, told=told)


async def transfer(play: Play) -> None:
    """A transfer that is coordinated and carried through, with the file and every copy."""
    matter = await _disputed_transfer(play)
    superior = ("44", Kind.SUPERIOR_CORRECTION)
    await play.step(
        matter, *_OLD, "CoordinationRequested", payloads={"NP-COR-OPINION": (_opinion(matter),)}, told=(superior,)
    )
    await play.step(matter, *superior, "CoordinationResult", {"opinion": "AGREE"}, told=(_OLD, _NEW))
    content = Mark.CONTENT.value.encode()
    document = {
        "title": Mark.TITLE.value,
        "number": Mark.DOCUMENT.value,
        "issued_on": play.day(-30),
        "content": content,
    }
    copy = {"NP-COR-COPY": ({"identity": IDENTITY, "documents": [document]},)}
    copied = (("44", Kind.COURT), ("44", Kind.PROCURATORATE), ("44", Kind.COUNTY_PSB))
    await play.step(matter, *_OLD, "TransferDecided", _decided(play, "TRANSFER"), payloads=copy, told=(*copied, _NEW))
    served = {"served_on": play.day(), "travel_days": 2, "consequences_told": True}
    await play.step(matter, *_OLD, "DecisionServed", served, told=(_NEW,))
    hashes = [sha256(content).digest()]
    hash_list = sha256(b"".join(hashes)).digest()
    part = {"part": 1, "parts": 2, "hash_list": hashes, "documents": [document]}
    file = {"NP-COR-FILE": (part, part | {"part": 2, "documents": []})}
    sent = {"hash_list": hash_list, "documents_complete": True, "supplement": False}
    await play.step(matter, *_OLD, "FileSent", sent, payloads=file, told=(_NEW,))
    held = {"hash_list": hash_list, "missing": [], "supplement": False}
    told = (_OLD, ("43", Kind.PROCURATORATE), ("43", Kind.COUNTY_PSB))
    await play.step(matter, *_NEW, "FileAcknowledged", held, payloads=copy, told=told)
    reported = {"NP-COR-STATUS": (_status(play, matter, "REPORTED"),)}
    await play.step(matter, *_NEW, "ReportedIn", {"identity_checked": True}, payloads=reported, told=(_OLD,))
    received = {"NP-COR-STATUS": (_status(play, matter, "RECEIVED"),)}
    await play.step(matter, *_NEW, "CaseReceived", payloads=received, told=(_OLD,))
    again = play.draft(matter, *_NEW, "CaseReceived", payloads=received)
    await play.refused_here("received twice", lambda: play.programs["43"].gateway.send(again), RuleError.family)


def _status(play: Play, matter: Matter, state: str) -> dict[str, Any]:
    return {"stream_id": matter.id, "state": state, "date": play.day()}
