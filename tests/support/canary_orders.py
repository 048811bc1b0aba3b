"""The requests and orders of the canary's play: a person who asks, a court that seals, a desk that has erased."""

from __future__ import annotations

from typing import Any, Final

from contracts.errors import RuleError
from contracts.event import decode_event
from contracts.ids import EventId
from contracts.office_type import OfficeType as Kind
from tests.support.canary_play import Matter, Play, Told
from tests.support.hub_server import until

_DESK: Final = ("44", Kind.RIGHTS_DESK)
_OFFICER: Final = ("44", Kind.PI_OFFICER)
_COURT: Final = ("44", Kind.COURT)
_HOLDERS: Final[tuple[Told, ...]] = (("44", Kind.COUNTY_PSB_HOUSEHOLD), ("45", Kind.COUNTY_PSB_HOUSEHOLD))


async def play_orders(play: Play, record: Matter) -> None:
    """Ask, open in an emergency, erase and seal, each about one record; sealed, no other order would find it.

    Last, what a gateway says of the end of retention.

    Args:
        play: The play.
        record: A notice that was sent; the two offices of `_HOLDERS` hold it.
    """
    await request(play, record)
    await emergency(play, record)
    await query(play, record)
    await erasing(play, record)
    await sealing(play, record)
    said = {"until": 1, "keys_destroyed": True, "content_deleted": True}
    await play.step(Matter("RETENTION_CONFIRMATION"), *_OFFICER, "RetentionConfirmed", said)


def _order(play: Play, record: Matter, what: str) -> dict[str, tuple[Any, ...]]:
    return {"NP-ORDER": ({"stream_id": record.id, "order": what, "due_date": play.day(3)},)}


def _names(play: Play, record: Matter, *, without: int = 0) -> dict[str, Any]:
    names = [play.office(*holder).office for holder in _HOLDERS]
    return {"target": record.id, "holders": names[without:]}


async def request(play: Play, record: Matter) -> None:
    """A request for a copy, first sent to one holder only; decided by the officer, read by one, carried out by both."""
    matter = Matter("RIGHTS_REQUEST")
    await play.step(matter, *_DESK, "RightsRequested", {"notice_id": play.fresh(), "kind": "ACCESS"})
    identified = {"identity_checked": True, "representation_checked": True, "official": play.fresh()}
    await play.step(matter, *_DESK, "RequesterIdentified", identified)
    answer = _order(play, record, "ANSWER")
    names = _names(play, record)
    short = play.draft(matter, *_DESK, "RightsRequestRouted", _names(play, record, without=1), payloads=answer)
    gateway = play.programs["44"].gateway
    await play.refused_here("a holder is left out", lambda: gateway.send(short), RuleError.family)
    await play.step(matter, *_DESK, "RightsRequestRouted", names, payloads=answer, told=_HOLDERS)
    decided = {
        "kind": "ACCESS",
        "outcome": "GRANTED",
        "effect": "COPY",
        "reason": None,
        "court_way_told": None,
        "official": play.fresh(),
        "not_involved": None,
    }
    copy = _order(play, record, "COPY")
    await play.step(matter, *_OFFICER, "RightsDecided", decided, payloads=copy, told=(*_HOLDERS, _DESK))
    await play.read_cleared(_HOLDERS[1], _payload(play, record)[0], "NP-RES", "RIGHTS_REQUEST", matter)
    for holder in _HOLDERS:
        await play.step(matter, *holder, "RightsExecuted", {"carried_out": True}, told=(_DESK,))
    await play.step(matter, *_DESK, "RightsRequestClosed", {"person_told": True})


def _payload(play: Play, record: Matter) -> tuple[EventId, bytes]:
    """The event that carried the record's content last, and which payload it is."""
    events = play.programs["45"].gateway.streams.events(record.id)
    sent = [header for header in map(decode_event, events) if header.sealed][-1]
    return sent.event_id, sent.sealed[0].ciphertext_hash


async def _asked(
    play: Play, procedure: str, asker: Told, approvers: tuple[Told, ...], record: Matter, **said: str
) -> Matter:
    matter, (event_id, ciphertext_hash) = Matter(procedure), _payload(play, record)
    body = {
        "opened_event": event_id,
        "ciphertext_hash": ciphertext_hash,
        "approvers": [play.office(*one).office for one in approvers],
        "official": play.fresh(),
        **said,
    }
    await play.step(matter, *asker, "OpeningAsked", body, told=approvers)
    await play.step(matter, *approvers[0], "OpeningApproved", {"official": play.fresh()}, told=(asker,))
    return matter


async def emergency(play: Play, record: Matter) -> None:
    """Two other offices approve; the content is read without a task, and the person is told."""
    asker, approvers = _HOLDERS[1], (("44", Kind.TOWN_OFFICE), ("45", Kind.COUNTY_CIVIL_AFFAIRS))
    officer, official = ("45", Kind.PI_OFFICER), {"official": play.fresh()}
    law = {"provision": "LB_PIPL_13_4", "ground": "LIFE"}
    matter = await _asked(play, "EMERGENCY_OPENING", asker, approvers, record, **law)
    await play.step(matter, *approvers[1], "OpeningApproved", official, told=(asker,))
    event_id, _ = _payload(play, record)
    await play.read_cleared(asker, event_id, "NP-RES", "EMERGENCY", matter)
    await play.step(matter, *officer, "EmergencyNoted", official)
    await play.step(matter, *asker, "EmergencyEnded", told=(officer,))
    await play.step(matter, *officer, "PersonTold", {"told_on": play.day(), **official}, told=(asker,))


async def query(play: Play, record: Matter) -> None:
    """A query that one of two offices declines: whether there is a sealed record is not told by it."""
    asker, approvers = ("44", Kind.COUNTY_CORRECTION), (_COURT, ("45", Kind.COUNTY_PSB))
    law = {"provision": "LB_JPC_59", "ground": "CASE_HANDLING"}
    matter = await _asked(play, "SEALED_QUERY", asker, approvers, record, **law)
    await play.step(matter, *approvers[1], "OpeningDeclined", {"official": play.fresh()}, told=(asker,))


async def sealing(play: Play, record: Matter) -> None:
    """An order to seal, which the gateways of both carry out and confirm."""
    matter = Matter("SEAL_ORDER")
    body = _names(play, record) | {"official": play.fresh()}
    await play.step(matter, *_COURT, "SealOrdered", body, payloads=_order(play, record, "SEAL"))
    await confirmed(play, matter, _COURT, "SealApplied")


async def erasing(play: Play, record: Matter) -> None:
    """An order to erase; the gateway finds the holders itself, and the gateways of both carry it out and confirm."""
    matter = Matter("ERASURE_ORDER")
    body = {"target": record.id, "official": play.fresh(), "ground": "PURPOSE_MET"}
    erase = _order(play, record, "ERASE")
    await play.step(matter, *_DESK, "ErasureOrdered", body, payloads=erase, told=(_OFFICER,))
    await confirmed(play, matter, _OFFICER, "PayloadErased")


async def confirmed(play: Play, matter: Matter, told: Told, event_type: str) -> None:
    """Wait until an office was told of a confirmation of every holder; nobody has to make one."""
    gateway, office = play.programs[told[0]].gateway, play.office(*told).office

    def seen() -> int:
        tasks = gateway.tasks.of_stream(matter.id)
        return sum(task.office == office and task.event_type == event_type for task in tasks)

    await until(lambda: seen() == len(_HOLDERS), seconds=60.0)
    play.recorded += len(_HOLDERS)
