"""A directory of real size: every county and town of the nine provinces with its offices, the same in every run.

Every office is made up: its id and key follow from a hash, its organisation code is one that nobody can hold (DOMAIN
3.6). Each type of office stands at its own level: police stations, judicial and town offices in every town, agencies
for some committees, most others in every county, superior ones in every prefecture, a node in every region.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from typing import Any, Final

from contracts.community import load_communities_list
from contracts.division import Division, load_divisions
from contracts.identity import synthetic_uscc
from contracts.ids import REGIONS
from contracts.office_type import OfficeType
from contracts.signing import key_id
from contracts.suite import office_key
from hub.own_batch import HubDraft

TOWN_TYPES: Final = (OfficeType.POLICE_STATION, OfficeType.JUDICIAL_OFFICE, OfficeType.TOWN_OFFICE)
"""In every town."""
PREFECTURE_TYPES: Final = (OfficeType.SUPERIOR_CORRECTION, OfficeType.PRISON, OfficeType.JUVENILE_PRISON)
"""In every prefecture."""
COUNTY_TYPES: Final = tuple(
    kind
    for kind in OfficeType
    if kind not in {*TOWN_TYPES, *PREFECTURE_TYPES, OfficeType.REGION_NODE, OfficeType.COMMUNITY_AGENCY}
)
"""In every county."""

_CROCKFORD: Final = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True, slots=True)
class MadeOffice:
    """One made-up office.

    Attributes:
        office: Its id.
        office_type: What it is.
        point: Its delivery point.
        areas: What it serves.
        uscc: A code that no body can hold.
    """

    office: str
    office_type: OfficeType
    point: str
    areas: tuple[str, ...]
    uscc: str


def made_offices(count: int) -> Iterator[MadeOffice]:
    """The first so many offices, of all types."""
    levels = zip_longest(_of_regions(), _of_prefectures(), _of_counties(), _of_towns(), _of_committees())
    places = (place for row in levels for place in row if place is not None)
    for number, (kind, row, areas) in enumerate(islice(places, count)):
        county = row.code[:6] if row.level >= 3 or row.is_without_county else "node"
        yield MadeOffice(
            office="o" + "".join(_CROCKFORD[byte & 31] for byte in _hash(f"office {number}")[:8]),
            office_type=kind,
            point=f"{row.code[:2]}-{county}",
            areas=areas,
            uscc=synthetic_uscc(f"11{row.code[:6]}PPRD{number % 10_000:04}"),
        )


def directory_drafts(count: int) -> Iterator[HubDraft]:
    """What makes the directory: regions, a point for every region and county, so many offices."""
    for region in REGIONS:
        yield _draft("RegionRegistered", {"region": region})
    divisions = load_divisions()
    nodes = [f"{region}-node" for region in REGIONS]
    for point in (*nodes, *(f"{r}-{c.code[:6]}" for r in REGIONS for c in divisions.counties(r))):
        yield _draft("PointRegistered", {"point": point, "region": point[:2]} | _key("point", point))
    for office in made_offices(count):
        body: dict[str, Any] = {
            "office": office.office,
            "region": office.point[:2],
            "office_type": office.office_type.value,
        }
        body |= {"point": office.point, "areas": list(office.areas), "uscc": office.uscc}
        yield _draft("OfficeRegistered", body | office_key(_key("office", office.office)["public_key"]))


_Place = tuple[OfficeType, Division, tuple[str, ...]]


def _rows(*levels: int) -> Iterator[Division]:
    return (
        r for r in load_divisions() if r.level in levels and not r.is_pseudo and not r.is_stat_only and not r.is_sar
    )


def _of_regions() -> Iterator[_Place]:
    return ((OfficeType.REGION_NODE, row, (row.code,)) for row in _rows(1))


def _of_prefectures() -> Iterator[_Place]:
    return ((kind, row, (row.code,)) for row in _rows(2) for kind in PREFECTURE_TYPES)


def _of_counties() -> Iterator[_Place]:
    counties = chain.from_iterable(load_divisions().counties(region) for region in REGIONS)
    return ((kind, row, (row.code,)) for row in counties for kind in COUNTY_TYPES)


def _of_towns() -> Iterator[_Place]:
    return ((kind, row, (row.code,)) for row in _rows(4) for kind in TOWN_TYPES)


def _of_committees() -> Iterator[_Place]:
    communities = load_communities_list()
    for row in _rows(4):
        codes = communities.codes_of_town(row.code)
        if codes:
            yield OfficeType.COMMUNITY_AGENCY, row, tuple(codes[:3])


def _draft(event_type: str, body: dict[str, Any]) -> HubDraft:
    return HubDraft(event_type, "DIRECTORY", body)


def _key(purpose: str, name: str) -> dict[str, bytes]:
    """A public key that nobody has the other half of; a hash with its highest bit cleared is a coordinate."""
    raw = bytearray(_hash(f"{purpose} {name}"))
    raw[31] &= 0x3F
    return {"key_id": key_id(purpose, bytes(raw)), "public_key": bytes(raw)}


def _hash(label: str) -> bytes:
    return hashlib.sha256(label.encode()).digest()
