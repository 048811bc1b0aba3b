"""Requests and orders for tests, each after the matter that it is about (`tests.support.matters`). Pure of pytest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tests.support.batches import Made
from tests.support.matters import MatterMaker, Sealed, notification
from tests.support.world import World, WorldOffice

_DUE: Final = 3


def notice_holders(world: World) -> tuple[WorldOffice, WorldOffice]:
    """Who holds something of the notice of `notification`: who sent it and who got it."""
    return world.office("44", "COUNTY_PSB_HOUSEHOLD"), world.office("45", "COUNTY_PSB_HOUSEHOLD")


def order(matter: MatterMaker, holders: Sequence[WorldOffice], target: bytes, what: str) -> list[Sealed]:
    """The order as each holder gets it."""
    content = {"stream_id": target, "order": what, "due_date": matter.day(_DUE)}
    return [Sealed("NP-ORDER", tuple(holders), content)]


def about(target: bytes, holders: Sequence[WorldOffice]) -> dict[str, Any]:
    """The part of a body that names the record and who holds something of it."""
    return {"target": target, "holders": [office.office for office in holders]}


def rights_request(world: World) -> list[Made]:
    """A notice that was sent, then the person's request for a copy, carried out by both who hold it."""
    record, matter = notification(world), MatterMaker(world, "RIGHTS_REQUEST")
    desk = world.office("44", "RIGHTS_DESK")
    return [
        *record,
        *rights_granted(world, record[0].header.stream_id, matter),
        *(executed(matter, holder) for holder in notice_holders(world)),
        matter.event("RightsRequestClosed", desk, {"person_told": True}),
    ]


def rights_granted(world: World, target: bytes, matter: MatterMaker, effect: str = "COPY") -> list[Made]:
    """A request about a notice of `notification`, from its first event to the decision that grants it."""
    holders, desk = notice_holders(world), world.office("44", "RIGHTS_DESK")
    kind = {"COPY": "ACCESS", "EXPLAIN": "EXPLAIN"}[effect]
    decided = {
        "kind": kind,
        "outcome": "GRANTED",
        "effect": effect,
        "reason": None,
        "court_way_told": None,
        "official": world.fresh_id(),
        "not_involved": None,
    }
    identified = {"identity_checked": True, "representation_checked": True, "official": world.fresh_id()}
    return [
        matter.event("RightsRequested", desk, {"notice_id": world.fresh_id(), "kind": kind}),
        matter.event("RequesterIdentified", desk, identified),
        matter.event(
            "RightsRequestRouted", desk, about(target, holders), sealed=order(matter, holders, target, "ANSWER")
        ),
        matter.event(
            "RightsDecided", world.office("44", "PI_OFFICER"), decided, sealed=order(matter, holders, target, effect)
        ),
    ]


def executed(matter: MatterMaker, holder: WorldOffice) -> Made:
    """A holder confirms that it has carried a request out."""
    return matter.event("RightsExecuted", holder, {"carried_out": True}, legal_basis="LB-PIPL-50")


def seal_order(world: World) -> list[Made]:
    """A notice that was sent, and a court's order to seal it, applied by both who hold it."""
    record = notification(world)
    target, holders = record[0].header.stream_id, notice_holders(world)
    matter, court = MatterMaker(world, "SEAL_ORDER"), world.office("43", "COURT")
    ordered = about(target, holders) | {"official": world.fresh_id()}
    return [
        *record,
        matter.event("SealOrdered", court, ordered, sealed=order(matter, holders, target, "SEAL")),
        *(matter.event("SealApplied", holder, {"carried_out": True}) for holder in holders),
    ]


def erasure_order(world: World) -> list[Made]:
    """A notice that was sent, and an order to erase it, confirmed by both who hold it."""
    record = notification(world)
    matter = MatterMaker(world, "ERASURE_ORDER")
    erased = {"keys_destroyed": True, "content_deleted": True}
    return [
        *record,
        erasure_order_of(world, record, matter),
        *(matter.event("PayloadErased", holder, erased) for holder in notice_holders(world)),
    ]


def erasure_order_of(world: World, record: Sequence[Made], matter: MatterMaker | None = None) -> Made:
    """An order of region 44's desk to erase a notice of `notification`."""
    target, holders = record[0].header.stream_id, notice_holders(world)
    matter, desk = matter or MatterMaker(world, "ERASURE_ORDER"), world.office("44", "RIGHTS_DESK")
    ordered = about(target, holders) | {"official": world.fresh_id(), "ground": "PURPOSE_MET"}
    return matter.event("ErasureOrdered", desk, ordered, sealed=order(matter, holders, target, "ERASE"))


def retention_confirmation(world: World, region: str = "44", until: int = 1) -> list[Made]:
    """What a region's gateway says of everything that had ended below a ledger size."""
    said = {"until": until, "keys_destroyed": True, "content_deleted": True}
    gateway = world.office(region, "COUNTY_GATEWAY")
    return [MatterMaker(world, "RETENTION_CONFIRMATION").event("RetentionConfirmed", gateway, said)]
