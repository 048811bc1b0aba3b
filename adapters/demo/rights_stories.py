"""How requests of the person concerned go, and orders to seal and to erase: each about a matter that was played before.

A request is executed by hand: whoever stands on the other side of that matter confirms first, then the offices of the
region whose desk waits for them; it alone is told of every confirmation. An order is carried out and confirmed by the
gateways of all holders, in whatever order they come to it. The gateway finds out itself who holds something.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from adapters.demo.correction_stories import CORRECTIONS
from adapters.demo.permit_stories import PERMITS
from adapters.demo.story import Days, Step, Story, reading

_DESK: Final = "RIGHTS_DESK"
_PI: Final = "PI_OFFICER"
_ORDER: Final = ("NP-ORDER",)


def _named(stories: Sequence[Story], name: str) -> Story:
    return next(story for story in stories if story.name == name)


PERMIT: Final = _named(PERMITS, "history carried to a new city")
"""The matter that most of these are about."""
_PERMIT_HOLDERS: Final = (
    ("OTHER", "COUNTY_PSB_HOUSEHOLD"),
    ("DESK", "POLICE_STATION"),
    ("DESK", "COUNTY_PSB_HOUSEHOLD"),
)
_STAYED: Final = _named(CORRECTIONS, "stays, with reasons")
_STAYED_HOLDERS: Final = (
    ("OTHER", "COUNTY_CORRECTION"),
    ("AUTHORITY", "JUDICIAL_OFFICE"),
    ("AUTHORITY", "COUNTY_CORRECTION"),
)
_request = partial(Story, procedure="RIGHTS_REQUEST", here="DESK", there="OTHER", about=PERMIT)


def _desk(event: str, after: Days, **body: Any) -> Step:
    return Step(event, "DESK", _DESK, after, body)


def _requested(kind: str) -> Step:
    return _desk("RightsRequested", (0.5, 2), notice_id="@id", kind=kind)


_IDENTIFIED: Final = _desk(
    "RequesterIdentified", (0.5, 2), identity_checked=True, representation_checked=True, official="@official"
)
_ROUTED: Final = Step(
    "RightsRequestRouted",
    "DESK",
    _DESK,
    (0.5, 2),
    {"target": "@about"},
    _ORDER,
    says={"order": "ANSWER"},
)
_CLOSED: Final = _desk("RightsRequestClosed", (1, 2), person_told=True)
_WITHDRAWN: Final = _desk("RightsRequestWithdrawn", (0.5, 2))


def _decided(kind: str, outcome: str, effect: str, reason: str | None = None, *, is_routed: bool = True) -> Step:
    is_granted = outcome == "GRANTED"
    body = {
        "kind": kind,
        "outcome": outcome,
        "effect": effect,
        "reason": reason,
        "court_way_told": None if is_granted else True,
        "official": "@official",
        "not_involved": True if kind == "OBJECT" else None,
    }
    is_ordered = is_routed and effect != "NONE"
    payloads = _ORDER if is_ordered else ()
    return Step("RightsDecided", "DESK", _PI, (2, 8), body, payloads, says={"order": effect} if is_ordered else {})


def _each(event: str, holders: Sequence[tuple[str, str]], **body: Any) -> tuple[Step, ...]:
    return tuple(Step(event, side, office, (0.5, 2), body) for side, office in holders)


def _by_gateways(event: str, holders: Sequence[tuple[str, str]], **body: Any) -> tuple[Step, ...]:
    return tuple(Step(event, side, office, (0.0, 0.1), body, is_automatic=True) for side, office in holders)


_EXECUTED: Final = _each("RightsExecuted", _PERMIT_HOLDERS, carried_out=True)


def _granted(kind: str, effect: str, outcome: str = "GRANTED", reason: str | None = None) -> tuple[Step, ...]:
    decided = _decided(kind, outcome, effect, reason)
    return (_requested(kind), _IDENTIFIED, _ROUTED, decided, *_EXECUTED, _CLOSED)


def _copied() -> tuple[Step, ...]:
    """A copy is granted, and one of the holders opens what it has to give."""
    *before, first, second, last, closed = _granted("ACCESS", "COPY")
    return (*before, first, reading(*_PERMIT_HOLDERS[-1], (0.01, 0.02)), second, last, closed)


RIGHTS_REQUESTS: Final = (
    _request(name="a copy given", weight=5, began=(56, 75), steps=_copied(), reads="NP-RP-HISTORY"),
    _request(name="corrected everywhere", weight=4, began=(56, 75), steps=_granted("CORRECT", "CORRECT")),
    _request(name="erased", weight=2, began=(56, 75), steps=_granted("ERASE", "ERASE")),
    _request(name="restricted", weight=1, began=(56, 75), steps=_granted("RESTRICT", "RESTRICT")),
    _request(name="carried elsewhere", weight=1, began=(56, 75), steps=_granted("PORT", "TRANSFER")),
    _request(
        name="explained in part",
        weight=1,
        began=(56, 75),
        steps=_granted("EXPLAIN", "EXPLAIN", "PARTLY", "THIRD_PARTY"),
    ),
    _request(
        name="objection refused by another official",
        weight=1,
        began=(56, 75),
        steps=(
            _requested("OBJECT"),
            _IDENTIFIED,
            _ROUTED,
            _decided("OBJECT", "REFUSED", "NONE", "LAW_REQUIRES_KEEPING"),
            _CLOSED,
        ),
    ),
    _request(
        name="refused, not identified",
        weight=1,
        began=(56, 75),
        steps=(
            _requested("NEXT_OF_KIN"),
            _decided("NEXT_OF_KIN", "REFUSED", "NONE", "NOT_IDENTIFIED", is_routed=False),
            _CLOSED,
        ),
    ),
    _request(
        name="withdrawn", weight=1, began=(45, 75), steps=(_requested("ACCESS"), _IDENTIFIED, _ROUTED, _WITHDRAWN)
    ),
    _request(name="answer overdue", weight=1, began=(78, 90), steps=(_requested("ACCESS"), _IDENTIFIED, _ROUTED)),
    _request(
        name="a holder silent",
        weight=1,
        began=(84, 90),
        steps=(
            _requested("ERASE"),
            _IDENTIFIED,
            _ROUTED,
            _decided("ERASE", "GRANTED", "ERASE"),
            *_EXECUTED[:-1],
        ),
    ),
)
"""Requests of the person concerned."""


def _by_court(event: str, order: str) -> Step:
    body = {"target": "@about", "official": "@official"}
    return Step(event, "AUTHORITY", "COURT", (1, 2), body, _ORDER, says={"order": order})


SEAL_ORDERS: Final = (
    Story(
        name="sealed by every holder",
        procedure="SEAL_ORDER",
        weight=1,
        began=(24, 60),
        steps=(
            _by_court("SealOrdered", "SEAL"),
            *_by_gateways("SealApplied", _STAYED_HOLDERS, carried_out=True),
        ),
        here="AUTHORITY",
        there="OTHER",
        about=_STAYED,
    ),
)
"""Orders to seal a record everywhere it is held."""
UNSEAL_ORDERS: Final = (
    Story(
        name="unsealed by a new order",
        procedure="SEAL_ORDER",
        weight=1,
        began=(45, 75),
        steps=(
            _by_court("UnsealOrdered", "UNSEAL"),
            *_by_gateways("SealApplied", _STAYED_HOLDERS, carried_out=True),
        ),
        here="AUTHORITY",
        there="OTHER",
        about=SEAL_ORDERS[0],
    ),
)
"""New orders, which alone lift the seal."""
_ERASURE_ORDERED: Final = Step(
    "ErasureOrdered",
    "DESK",
    _DESK,
    (1, 2),
    {"target": "@about", "official": "@official", "ground": "CONSENT_WITHDRAWN"},
    _ORDER,
    says={"order": "ERASE"},
)
_ERASED: Final = _by_gateways("PayloadErased", _PERMIT_HOLDERS, keys_destroyed=True, content_deleted=True)
ERASURE_ORDERS: Final = (
    Story(
        name="erased by every holder",
        procedure="ERASURE_ORDER",
        weight=1,
        began=(45, 60),
        steps=(_ERASURE_ORDERED, *_ERASED),
        here="DESK",
        there="OTHER",
        about=PERMIT,
    ),
)
"""Orders to destroy the keys of a record everywhere they are held."""
RETENTION_CONFIRMATIONS: Final = (
    Story(
        name="nothing held of what has ended",
        procedure="RETENTION_CONFIRMATION",
        weight=1,
        began=(1, 20),
        steps=(
            Step(
                "RetentionConfirmed", "HOLDER", _PI, body={"until": 1, "keys_destroyed": True, "content_deleted": True}
            ),
        ),
        here="HOLDER",
        there="OTHER",
    ),
)
"""What gateways say of the end of retention; here of a ledger in which nothing has ended."""
