"""The rows of DOMAIN 7.1 to 7.3: requests of the person concerned, orders to seal and to erase."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.unit.procedures.rows import Paths, Row, row
from tests.unit.procedures.scene import Step

_DESK: Final = "RIGHTS_DESK"
_FIRST: Final = "POLICE_STATION"
_LAST: Final = "COURT@away"
_HOLDERS: Final = "HOLDERS::NP-ORDER"
_DESK_TOLD: Final = "DESK:RIGHTS_DESK:-"
_OFFICER_TOLD: Final = "DESK:PI_OFFICER:-"
_REFUSED: Final[dict[str, Any]] = {
    "outcome": "REFUSED",
    "effect": "NONE",
    "reason": "NOT_ENTITLED",
    "court_way_told": True,
}
_CORRECT: Final = {"effect": "CORRECT"}
_ROUTED: Final[tuple[Step, ...]] = (
    ("RightsRequested", _DESK),
    ("RequesterIdentified", _DESK),
    ("RightsRequestRouted", _DESK),
)
_DECIDED: Final[tuple[Step, ...]] = (*_ROUTED, ("RightsDecided", "PI_OFFICER"))
_SEALED: Final[tuple[Step, ...]] = (("SealOrdered", "COURT"),)
_ERASED: Final[tuple[Step, ...]] = (("ErasureOrdered", _DESK),)

ORDER_PATHS: Final[Mapping[str, Paths]] = {
    "RIGHTS_REQUEST": {
        None: (),
        "SUBMITTED": _ROUTED[:1],
        "IDENTIFIED": _ROUTED[:2],
        "ROUTED": _ROUTED,
        "DECIDED": _DECIDED,
        "decided_but_one": (*_DECIDED, ("RightsExecuted", _FIRST)),
        "decided_to_correct": (*_ROUTED, ("RightsDecided", "PI_OFFICER", _CORRECT)),
        "refused": (*_ROUTED, ("RightsDecided", "PI_OFFICER", _REFUSED)),
        "EXECUTED": (*_DECIDED, ("RightsExecuted", _FIRST), ("RightsExecuted", _LAST)),
    },
    "SEAL_ORDER": {
        None: (),
        "ORDERED": _SEALED,
        "APPLIED": (*_SEALED, ("SealApplied", _FIRST)),
    },
    "ERASURE_ORDER": {
        None: (),
        "ORDERED": _ERASED,
        "APPLIED": (*_ERASED, ("PayloadErased", _FIRST)),
    },
    "RETENTION_CONFIRMATION": {None: ()},
}


def _decided(source: str, body: Mapping[str, Any], running: str, told: str) -> Row:
    return row(source, ("RightsDecided", "PI_OFFICER", body), "DECIDED", running, told)


ORDER_ROWS: Final[Mapping[str, tuple[Row, ...]]] = {
    "RIGHTS_REQUEST": (
        row(None, ("RightsRequested", _DESK), "SUBMITTED", "R-PI-1"),
        row("SUBMITTED", ("RequesterIdentified", _DESK), "IDENTIFIED", "R-PI-1"),
        row("IDENTIFIED", ("RightsRequestRouted", _DESK), "ROUTED", "R-PI-1", _HOLDERS),
        row("ROUTED", ("RightsRequestRouted", _DESK), "ROUTED", "R-PI-1", _HOLDERS),
        _decided("ROUTED", _REFUSED, "", f"HOLDERS::- {_DESK_TOLD}"),
        _decided("SUBMITTED", _REFUSED, "", _DESK_TOLD),
        _decided("IDENTIFIED", _REFUSED, "", _DESK_TOLD),
        _decided("ROUTED", _CORRECT, "R-PI-2", f"{_HOLDERS} {_DESK_TOLD}"),
        _decided("ROUTED", {}, "R-PI-7", f"{_HOLDERS} {_DESK_TOLD}"),
        row("DECIDED", ("RightsExecuted", _FIRST), "DECIDED", "R-PI-7", _DESK_TOLD),
        row("decided_but_one", ("RightsExecuted", _LAST), "EXECUTED", told=_DESK_TOLD),
        row("decided_to_correct", ("RightsExecuted", _LAST), "DECIDED", "R-PI-2", _DESK_TOLD),
        row("DECIDED", ("AccessRecorded", "TIMER"), "DECIDED", "R-PI-7"),
        row("EXECUTED", ("RightsRequestClosed", _DESK), "CLOSED"),
        row("refused", ("RightsRequestClosed", _DESK), "CLOSED"),
        row("SUBMITTED", ("RightsRequestWithdrawn", _DESK), "WITHDRAWN"),
        row("IDENTIFIED", ("RightsRequestWithdrawn", _DESK), "WITHDRAWN"),
        row("ROUTED", ("RightsRequestWithdrawn", _DESK), "WITHDRAWN", told="HOLDERS::-"),
    ),
    "SEAL_ORDER": (
        row(None, ("SealOrdered", "PROCURATORATE"), "ORDERED", "R-SEA-2", _HOLDERS),
        row(None, ("UnsealOrdered", "COUNTY_PSB"), "ORDERED", "R-SEA-2", _HOLDERS),
        row("ORDERED", ("SealApplied", _LAST), "APPLIED", "R-SEA-2", "AUTHORITY:BOUND:-"),
        row("APPLIED", ("SealApplied", _LAST), "COMPLETE", told="AUTHORITY:BOUND:-"),
    ),
    "ERASURE_ORDER": (
        row(None, ("ErasureOrdered", "PI_OFFICER"), "ORDERED", "R-ERA-1", f"{_HOLDERS} {_OFFICER_TOLD}"),
        row("ORDERED", ("PayloadErased", _FIRST), "APPLIED", "R-ERA-1", _OFFICER_TOLD),
        row("APPLIED", ("PayloadErased", _LAST), "COMPLETE", told=_OFFICER_TOLD),
    ),
    "RETENTION_CONFIRMATION": (row(None, ("RetentionConfirmed", "COUNTY_GATEWAY"), "CONFIRMED"),),
}

_Bad = tuple[str, str, tuple[Step, ...], str, str, dict[str, Any], dict[str, Any]]


def _bad(guard: str, procedure: str, state: str | None, event: str, actor: str, **body: Any) -> _Bad:
    return guard, procedure, ORDER_PATHS[procedure][state], event, actor, body, {}


def _request(guard: str, state: str | None, event: str, actor: str = _DESK, **body: Any) -> _Bad:
    return _bad(guard, "RIGHTS_REQUEST", state, event, actor, **body)


_OBJECTED: Final[tuple[Step, ...]] = (("RightsRequested", _DESK, {"kind": "OBJECT"}), *_ROUTED[1:])
_OBJECTION: Final[dict[str, Any]] = {
    "kind": "OBJECT",
    "effect": "STOP",
    "official": bytes(range(2, 18)),
    "not_involved": True,
}

ORDER_BAD: Final[tuple[_Bad, ...]] = (
    _request("representation_checked", "SUBMITTED", "RequesterIdentified", representation_checked=False),
    _request("somebody_holds", "IDENTIFIED", "RightsRequestRouted", holders=[]),
    _request("same_record", "ROUTED", "RightsRequestRouted", target=bytes(range(3, 19))),
    _request("kind_stays", "ROUTED", "RightsDecided", kind="ERASE"),
    _request("request_refused", "ROUTED", "RightsDecided", **_REFUSED | {"outcome": "GRANTED"}),
    _request("request_granted", "ROUTED", "RightsDecided", outcome="REFUSED"),
    _request("nothing_ordered", "SUBMITTED", "RightsDecided", outcome="REFUSED"),
    _request("reason_given", "ROUTED", "RightsDecided", **_REFUSED | {"reason": None}),
    _request("court_way_told", "ROUTED", "RightsDecided", **_REFUSED | {"court_way_told": None}),
    _request("reason_given_if_partly", "ROUTED", "RightsDecided", outcome="PARTLY", court_way_told=True),
    _request("court_way_told_if_partly", "ROUTED", "RightsDecided", outcome="PARTLY", reason="THIRD_PARTY"),
    _request("granted_before", "refused", "RightsExecuted", _FIRST),
    _request("refused_before", "DECIDED", "RightsRequestClosed"),
    _request("carried_out", "DECIDED", "RightsExecuted", _FIRST, carried_out=False),
    _request("person_told", "EXECUTED", "RightsRequestClosed", person_told=False),
    _bad("competent_office", "ERASURE_ORDER", None, "ErasureOrdered", "RIGHTS_DESK@440305"),
    _bad("keys_destroyed", "ERASURE_ORDER", "ORDERED", "PayloadErased", _FIRST, keys_destroyed=False),
    _bad("keys_destroyed", "ERASURE_ORDER", "ORDERED", "PayloadErased", _FIRST, content_deleted=False),
    _bad("keys_destroyed", "RETENTION_CONFIRMATION", None, "RetentionConfirmed", "PI_OFFICER", keys_destroyed=False),
    (
        "another_decides",
        "RIGHTS_REQUEST",
        _OBJECTED,
        "RightsDecided",
        "PI_OFFICER",
        _OBJECTION | {"official": bytes(range(1, 17))},
        {},
    ),
    (
        "not_involved",
        "RIGHTS_REQUEST",
        _OBJECTED,
        "RightsDecided",
        "PI_OFFICER",
        _OBJECTION | {"not_involved": None},
        {},
    ),
)
