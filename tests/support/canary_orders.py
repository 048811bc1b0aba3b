"""The requests and orders of the canary's play: a person who asks, a court that seals, a desk that has erased."""

from __future__ import annotations

from typing import Any, Final

from contracts.errors import RuleError
from contracts.office_type import OfficeType as Kind
from tests.support.canary_play import Matter, Play, Told
from tests.support.hub_server import until

_DESK: Final = ("44", Kind.RIGHTS_DESK)
_OFFICER: Final = ("44", Kind.PI_OFFICER)
_COURT: Final = ("44", Kind.COURT)
_HOLDERS: Final[tuple[Told, ...]] = (("44", Kind.COUNTY_PSB_HOUSEHOLD), ("45", Kind.COUNTY_PSB_HOUSEHOLD))


async def play_orders(play: Play, record: Matter) -> None:
    """Ask, erase and seal, each about one record; sealed, no other order would find it.

    Args:
        play: The play.
        record: A notice that was sent; the two offices of `_HOLDERS` hold it.
    """
    await request(play, record)
    await erasing(play, record)
    await sealing(play, record)


def _order(play: Play, record: Matter, what: str) -> dict[str, tuple[Any, ...]]:
    return {"NP-ORDER": ({"stream_id": record.id, "order": what, "due_date": play.day(3)},)}


def _names(play: Play, record: Matter, *, without: int = 0) -> dict[str, Any]:
    names = [play.office(*holder).office for holder in _HOLDERS]
    return {"target": record.id, "holders": names[without:]}


async def request(play: Play, record: Matter) -> None:
    """A request for a copy, first sent to one holder only; decided by the officer, carried out by both."""
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
    for holder in _HOLDERS:
        await play.step(matter, *holder, "RightsExecuted", {"carried_out": True}, told=(_DESK,))
    await play.step(matter, *_DESK, "RightsRequestClosed", {"person_told": True})


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

    await until(lambda: seen() == len(_HOLDERS), seconds=20.0)
    play.recorded += len(_HOLDERS)
