"""How payloads are opened without an open task: in an emergency, and of sealed records (DOMAIN 7.2, 7.5).

Two other offices approve: first one of the other side's region, then one of the region that asks, for that region alone
is told of each approval. The office that asks has sealed the payload or got it, and its task is over.
"""

from functools import partial
from typing import Any, Final

from adapters.demo.rights_stories import PERMIT, SEAL_ORDERS
from adapters.demo.story import Days, Step, Story, reading, timer

_SOON: Final[Days] = (0.01, 0.02)
_ASKED: Final = "OpeningAsked"
_OFFICIAL: Final = {"official": "@official"}
_POLICE: Final = "COUNTY_PSB_HOUSEHOLD"
_PI: Final = "PI_OFFICER"
_CORRECTION: Final = "COUNTY_CORRECTION"


def _asked(office: str, approvers: tuple[tuple[str, str], ...], **said: str) -> Step:
    body = {
        "opened_event": "@opened",
        "ciphertext_hash": "@opened.hash",
        "approvers": [f"@office.{side}.{kind}" for side, kind in approvers],
        **_OFFICIAL,
        **said,
    }
    return Step(_ASKED, "ASKING", office, _SOON, body)


def _answered(event: str, approver: tuple[str, str]) -> Step:
    return Step(event, *approver, _SOON, _OFFICIAL)


def _officer(event: str, **body: Any) -> Step:
    return Step(event, "ASKING", _PI, _SOON, body | _OFFICIAL)


_HELPERS: Final = (("OTHER", "COUNTY_CIVIL_AFFAIRS"), ("ASKING", "TOWN_OFFICE"))
_EMERGENCY: Final = _asked(_POLICE, _HELPERS, provision="LB_PIPL_13_4", ground="LIFE")
_OPENED: Final = (
    _EMERGENCY,
    _answered("OpeningApproved", _HELPERS[0]),
    _answered("OpeningApproved", _HELPERS[1]),
    reading("ASKING", _POLICE, _SOON),
    _officer("EmergencyNoted"),
    Step("EmergencyEnded", "ASKING", _POLICE, _SOON),
)
_emergency = partial(
    Story,
    procedure="EMERGENCY_OPENING",
    began=(56, 75),
    here="ASKING",
    there="OTHER",
    about=PERMIT,
    reads="NP-RP-HISTORY",
    recent=(0.2, 0.6),
)
EMERGENCY_OPENINGS: Final = (
    _emergency(name="opened, and the person told", weight=3, steps=(*_OPENED, _officer("PersonTold", told_on="@day"))),
    _emergency(
        name="opened, and the person not told",
        weight=1,
        steps=(*_OPENED, _officer("TellingWithheld", reason="DANGER_TO_OTHERS")),
    ),
    _emergency(name="declined", weight=1, steps=(_EMERGENCY, _answered("OpeningDeclined", _HELPERS[0]))),
    _emergency(
        name="approved by one, and expired",
        weight=1,
        steps=(_EMERGENCY, _answered("OpeningApproved", _HELPERS[0]), timer("OpeningExpired")),
        recent=(3, 5),
    ),
)
"""Openings in an emergency."""

_AUTHORITIES: Final = (("OTHER", "COUNTY_PSB"), ("ASKING", "PROCURATORATE"))
_QUERY: Final = _asked(_CORRECTION, _AUTHORITIES, provision="LB_CPL_286", ground="CASE_HANDLING")
_query = partial(
    Story,
    procedure="SEALED_QUERY",
    began=(24, 60),
    here="ASKING",
    there="OTHER",
    about=SEAL_ORDERS[0],
    reads="NP-COR-OPINION",
    recent=(0.2, 0.6),
)
SEALED_QUERIES: Final = (
    _query(
        name="read once",
        weight=3,
        steps=(
            _QUERY,
            _answered("OpeningApproved", _AUTHORITIES[0]),
            _answered("OpeningApproved", _AUTHORITIES[1]),
            reading("ASKING", _CORRECTION, _SOON),
        ),
    ),
    _query(name="declined", weight=1, steps=(_QUERY, _answered("OpeningDeclined", _AUTHORITIES[0]))),
    _query(name="expired", weight=1, steps=(_QUERY, timer("OpeningExpired")), recent=(9, 12)),
)
"""Queries of sealed records."""
