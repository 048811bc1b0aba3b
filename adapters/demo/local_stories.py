"""How filings of leases and lodgings of foreigners go: they stay in their region and nobody is told."""

from functools import partial
from typing import Any, Final

from adapters.demo.story import Days, Step, Story

_tenancy = partial(Story, procedure="TENANCY_FILING")
_lodging = partial(Story, procedure="FOREIGN_LODGING", person="FOREIGNER")


def _housing(event: str, after: Days, **body: Any) -> Step:
    return Step(event, "DESTINATION", "HOUSING_AUTHORITY", after, body)


def _police(event: str, after: Days, **body: Any) -> Step:
    return Step(event, "DESTINATION", "POLICE_STATION", after, body)


_FILED: Final = _housing(
    "TenancyFiled",
    (0, 0.2),
    division="@division",
    notice_id="@id",
    filed_by="LODGING_PROVIDER",
    signed_on="@day-12",
)
_CHANGED: Final = _housing("TenancyChanged", (8, 15), change="TERM", changed_on="@day-1")
_RECORDED: Final = _police(
    "LodgingRecorded", (0, 0.2), division="@division", notice_id="@id", declared_by="LODGING_PROVIDER"
)

TENANCIES: Final = (
    _tenancy(name="filed", weight=6, began=(2, 60), steps=(_FILED,)),
    _tenancy(name="changed", weight=2, began=(20, 60), steps=(_FILED, _CHANGED)),
    _tenancy(
        name="ended early",
        weight=2,
        began=(35, 60),
        steps=(_FILED, _CHANGED, _housing("TenancyEnded", (8, 15), reason="ENDED_EARLY", ended_on="@day-1")),
    ),
)
"""Filings of leases."""
LODGINGS: Final = (
    _lodging(name="recorded", weight=4, began=(1, 30), steps=(_RECORDED,)),
    _lodging(
        name="departed",
        weight=6,
        began=(12, 60),
        steps=(_RECORDED, _police("LodgingEnded", (3, 10), reason="DEPARTED")),
    ),
)
"""Lodgings of foreigners outside hotels."""
