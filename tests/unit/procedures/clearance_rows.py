"""The rows of DOMAIN 7.2 and 7.5: queries of sealed records, openings in an emergency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.unit.procedures.rows import Paths, Row, row
from tests.unit.procedures.scene import Step

EMERGENCY: Final = "EMERGENCY_OPENING"
QUERY: Final = "SEALED_QUERY"
_FIRST: Final = "COUNTY_PSB@away"
_SECOND: Final = "COUNTY_CORRECTION@away"
_PI: Final = "PI_OFFICER"
_SEALED: Final[dict[str, Any]] = {"provision": "LB_CPL_286", "ground": "CASE_HANDLING"}
_BOTH: Final[tuple[Step, ...]] = (("OpeningApproved", _FIRST), ("OpeningApproved", _SECOND))
_READ: Final[Step] = ("AccessRecorded", "TIMER")
_LATE: Final = "2026-03-12"
_ASKER_TOLD: Final = "ASKING:BOUND:-"
_OFFICER_TOLD: Final = "ASKING:PI_OFFICER:-"
_APPROVERS_TOLD: Final = "HOLDERS::-"


def _asked(procedure: str) -> Step:
    if procedure == EMERGENCY:
        return "OpeningAsked", "TOWN_OFFICE"
    return "OpeningAsked", "COURT", _SEALED


def _paths(procedure: str) -> dict[str | None, tuple[Step, ...]]:
    asked = _asked(procedure)
    return {
        None: (),
        "ASKED": (asked,),
        "APPROVED_BY_ONE": (asked, _BOTH[0]),
        "APPROVED": (asked, *_BOTH),
    }


_OPENED: Final[tuple[Step, ...]] = (_asked(EMERGENCY), *_BOTH, _READ)
_OVER: Final[tuple[Step, ...]] = (*_OPENED, ("EmergencyEnded", "TOWN_OFFICE"))
CLEARANCE_PATHS: Final[Mapping[str, Paths]] = {
    QUERY: _paths(QUERY),
    EMERGENCY: {
        **_paths(EMERGENCY),
        "OPENED": _OPENED,
        "noted": (*_OPENED, ("EmergencyNoted", _PI)),
        "OVER": _OVER,
    },
}


def _until_approved(procedure: str, window: str) -> tuple[Row, ...]:
    expired: Step = ("OpeningExpired", "TIMER", {}, _LATE)
    return (
        row(None, _asked(procedure), "ASKED", window, _APPROVERS_TOLD),
        row("ASKED", ("OpeningApproved", _SECOND), "APPROVED_BY_ONE", window, _ASKER_TOLD),
        row("APPROVED_BY_ONE", ("OpeningApproved", _SECOND), "APPROVED", window, _ASKER_TOLD),
        row("ASKED", ("OpeningDeclined", _SECOND), "DECLINED", told=_ASKER_TOLD),
        row("APPROVED_BY_ONE", ("OpeningDeclined", _SECOND), "DECLINED", told=_ASKER_TOLD),
        *(row(state, expired, "EXPIRED", told=_ASKER_TOLD) for state in ("ASKED", "APPROVED_BY_ONE", "APPROVED")),
    )


CLEARANCE_ROWS: Final[Mapping[str, tuple[Row, ...]]] = {
    QUERY: (
        *_until_approved(QUERY, "R-SEA-3"),
        row("APPROVED", _READ, "READ", told=_APPROVERS_TOLD),
    ),
    EMERGENCY: (
        *_until_approved(EMERGENCY, "R-EMG-1"),
        row("APPROVED", _READ, "OPENED", "R-EMG-2 R-EMG-3", f"{_OFFICER_TOLD} {_APPROVERS_TOLD}"),
        row("OPENED", ("EmergencyNoted", _PI), "OPENED", "R-EMG-3"),
        row("OVER", ("EmergencyNoted", _PI), "OVER", "R-EMG-4"),
        row("OPENED", ("EmergencyEnded", "TOWN_OFFICE"), "OVER", "R-EMG-2 R-EMG-4", _OFFICER_TOLD),
        row("noted", ("EmergencyEnded", "TIMER", {}, _LATE), "OVER", "R-EMG-4", _OFFICER_TOLD),
        row("OVER", ("PersonTold", _PI), "CLOSED", told=_ASKER_TOLD),
        row("OVER", ("TellingWithheld", _PI), "WITHHELD", told=_ASKER_TOLD),
    ),
}

_Bad = tuple[str, str, tuple[Step, ...], str, str, dict[str, Any], dict[str, Any]]


def _bad(guard: str, procedure: str, state: str | None, event: str, actor: str, **body: Any) -> _Bad:
    return guard, procedure, CLEARANCE_PATHS[procedure][state], event, actor, body, {}


CLEARANCE_BAD: Final[tuple[_Bad, ...]] = (
    _bad("emergency_provision", EMERGENCY, None, "OpeningAsked", "TOWN_OFFICE", provision="LB_CPL_286"),
    _bad("life_or_health", EMERGENCY, None, "OpeningAsked", "TOWN_OFFICE", ground="CASE_HANDLING"),
    _bad("sealing_provision", QUERY, None, "OpeningAsked", "COURT", **_SEALED | {"provision": "LB_PIPL_13_4"}),
    _bad("case_or_state_rule", QUERY, None, "OpeningAsked", "COURT", **_SEALED | {"ground": "LIFE"}),
    _bad("two_other_offices", QUERY, None, "OpeningAsked", "COURT", **_SEALED, approvers=[]),
    _bad("two_other_offices", QUERY, None, "OpeningAsked", "COURT", **_SEALED, approvers=["o00000002"]),
    _bad("two_other_offices", EMERGENCY, None, "OpeningAsked", "TOWN_OFFICE", approvers=["o00000002"] * 2),
    # The first office of a scene is the one that asks.
    _bad("two_other_offices", EMERGENCY, None, "OpeningAsked", "TOWN_OFFICE", approvers=["o00000001", "o00000002"]),
    _bad(
        "two_other_offices", QUERY, None, "OpeningAsked", "COURT", **_SEALED, approvers=[f"o0000000{n}" for n in "234"]
    ),
    _bad("not_noted_before", EMERGENCY, "noted", "EmergencyNoted", _PI),
    ("emergency_runs", EMERGENCY, CLEARANCE_PATHS[EMERGENCY]["ASKED"], "OpeningApproved", _FIRST, {}, {"day": _LATE}),
    ("query_runs", QUERY, CLEARANCE_PATHS[QUERY]["APPROVED_BY_ONE"], "OpeningApproved", _SECOND, {}, {"day": _LATE}),
)
