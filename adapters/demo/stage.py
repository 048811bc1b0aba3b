"""Sets the stage: keys, a new ledger, and a directory with eleven regions and the offices that the plan needs.

Every county that takes part has its own delivery point: cases go nowhere else, and who handles cases is served by it.
Authorities that a province has few of serve the whole province here, so that the directory stays small. Hong Kong and
Macao keep their node and follow the directory; they hold one office each, to which nothing personal can be sent,
because no cross-boundary basis is registered (DOMAIN 9.6).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from adapters.compose.directory_changes import drafts_of, record_all
from adapters.compose.folder import DataFolder
from adapters.compose.hub_program import create_ledger, opened_hub
from adapters.compose.key_locks import key_lock
from adapters.compose.parts import KEYS
from adapters.compose.registration import RegionPlan, registration_of, write_registration
from adapters.demo.plan import demo_counties
from adapters.keys.folder import RegionKeys, make_region_keys
from adapters.settings import DEPLOY, HubSettings, RegionSettings
from contracts.identity import synthetic_uscc
from contracts.ids import REGIONS, OfficeId, PointId, RegionCode
from contracts.office_type import OfficeType

NODE_OFFICES: Final = (
    OfficeType.COMMUNITY_AGENCY,
    OfficeType.COUNTY_PSB_HOUSEHOLD,
)
"""One in each county, served by the region's node."""
CASE_OFFICES: Final = (
    OfficeType.POLICE_STATION,
    OfficeType.JUDICIAL_OFFICE,
    OfficeType.COUNTY_CORRECTION,
    OfficeType.SUPERIOR_CORRECTION,
    OfficeType.COURT,
    OfficeType.PROCURATORATE,
    OfficeType.COUNTY_PSB,
    OfficeType.COUNTY_RESETTLEMENT,
    OfficeType.TOWN_OFFICE,
    OfficeType.RESCUE_STATION,
    OfficeType.MINOR_PROTECTION,
    OfficeType.COUNTY_CIVIL_AFFAIRS,
)
"""One in each county, served by the county's own point."""
PROVINCE_NODE_OFFICES: Final = (
    OfficeType.EXIT_ENTRY,
    OfficeType.HOUSING_AUTHORITY,
    OfficeType.WORK_PERMIT_AUTHORITY,
    OfficeType.SERVICE_WINDOW,
    OfficeType.POINTS_OFFICE,
    OfficeType.RIGHTS_DESK,
    OfficeType.PI_OFFICER,
)
"""One in each province, served by the region's node."""
PROVINCE_CASE_OFFICES: Final = (
    OfficeType.PRISON,
    OfficeType.JUVENILE_PRISON,
    OfficeType.DETENTION_CENTRE,
)
"""One in each province, served by the point of its first county."""
BOUNDARY_REGIONS: Final = (RegionCode("81"), RegionCode("82"))
"""Hong Kong and Macao."""

_CROCKFORD: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_MANDATES_FROM: Final = "2020-01-01"
_ASSESSED_ON: Final = "2019-12-02"


@dataclass(frozen=True, slots=True)
class StageOffice:
    """An office of the demonstration.

    Attributes:
        office: Its id.
        office_type: What it is.
        area: Where it serves, six digits: a county, or a province.
        point: Its delivery point.
        uscc: A code that no body can hold.
    """

    office: OfficeId
    office_type: OfficeType
    area: str
    point: PointId
    uscc: str


def offices_of(seed: int, region: str) -> tuple[StageOffice, ...]:
    """The offices of a region, the same for the same seed."""
    return tuple(_offices(seed, region))


def _offices(seed: int, region: str) -> Iterator[StageOffice]:
    province = f"{region}0000"
    if region in BOUNDARY_REGIONS:
        places: list[tuple[str, OfficeType, str]] = [(province, OfficeType.COUNTY_PSB_HOUSEHOLD, "node")]
    else:
        counties = demo_counties(seed)[region]
        places = [(county6, kind, "node") for county6 in counties for kind in NODE_OFFICES]
        places += [(county6, kind, county6) for county6 in counties for kind in CASE_OFFICES]
        places += [(province, kind, "node") for kind in PROVINCE_NODE_OFFICES]
        places += [(province, kind, counties[0]) for kind in PROVINCE_CASE_OFFICES]
    for number, (area, kind, point) in enumerate(places):
        digest = hashlib.sha256(f"{seed} office {area} {kind}".encode()).digest()
        yield StageOffice(
            office=OfficeId("o" + "".join(_CROCKFORD[byte & 31] for byte in digest[:8])),
            office_type=kind,
            area=area,
            point=PointId(f"{region}-{point}"),
            uscc=synthetic_uscc(f"11{area}PPRD{number:04}"),
        )


def set_stage(folder: DataFolder, *, seed: int) -> str:
    """Make everything that must stand before a program can start.

    Args:
        folder: Empty.
        seed: Of the plan.

    Returns:
        The verifier key of the new ledger.
    """
    settings = HubSettings.load(DEPLOY / "hub.toml", data_dir=folder.hub)
    verifier = create_ledger(settings)
    folder.write_hub(settings)
    plans = {region: _plan_of(region, offices_of(seed, region)) for region in REGIONS}
    registrations = {region: registration_of(plan, _make_keys(folder, plan)) for region, plan in plans.items()}
    for region, registration in registrations.items():
        write_registration(folder.region(region) / "registration.toml", registration)
    with opened_hub(settings) as application:
        record_all(application, (draft for registration in registrations.values() for draft in drafts_of(registration)))
    return verifier.vkey


def keep_addresses(folder: DataFolder, *, log_vkey: str, hub_address: str, nats_url: str) -> None:
    """Write the settings of every region, once hub and broker have said where they listen."""
    for region in REGIONS:
        folder.write_region(
            RegionSettings.load(
                DEPLOY / "region.toml",
                region=region,
                data_dir=folder.region(region),
                hub_address=hub_address,
                nats_url=nats_url,
                log_vkey=log_vkey,
            )
        )


def _plan_of(region: RegionCode, offices: tuple[StageOffice, ...]) -> RegionPlan:
    rows = [
        {
            "id": office.office,
            "type": office.office_type.value,
            "point": office.point,
            "areas": [office.area + "000000"],
            "uscc": office.uscc,
        }
        for office in offices
    ]
    points = dict.fromkeys((PointId(f"{region}-node"), *(office.point for office in offices)))
    return RegionPlan(region, tuple(points), rows, _MANDATES_FROM, f"PIA-{region}-2019-1", _ASSESSED_ON)


def _make_keys(folder: DataFolder, plan: RegionPlan) -> RegionKeys:
    offices = [OfficeId(row["id"]) for row in plan.offices]
    return make_region_keys(folder.region(plan.region) / KEYS, offices=offices, points=plan.points, lock=key_lock())
