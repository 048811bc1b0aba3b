"""Who takes part, as the ledger's own `dir` events say: keys, offices, areas (`docs/spec/replay.md`)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from docs.spec.reference.note import expect_safe, verify
from docs.spec.reference.records import key_id
from docs.spec.reference.unproved import UnprovedError, expect


class Key(NamedTuple):
    """A signing key: valid for what is recorded after `since`, and not after `until`."""

    purpose: str
    producer: str
    region: str
    public_key: bytes
    since: int
    until: int | None


class Office(NamedTuple):
    """An office. `county` is where it sits, six digits; None for one of a prefecture or a region."""

    office: str
    region: str
    kind: str
    point: str
    areas: tuple[str, ...]
    county: str | None
    since: int
    is_closed: bool = False
    successor: str | None = None


class Divisions:
    """The divisions that a ledger begins with: which lies in which.

    Args:
        file: `contracts/data/divisions.csv`.
    """

    def __init__(self, file: Path) -> None:
        with file.open(encoding="utf-8", newline="") as rows:
            self._rows = {row["code12"]: row for row in csv.DictReader(rows)}

    def above(self, code: str) -> Iterator[str]:
        """A code and what it lies in, closest first. A committee (level 5) is listed elsewhere; it lies in its town."""
        if code not in self._rows and code[:9] + "000" in self._rows:
            yield code
            code = code[:9] + "000"
        while code in self._rows:
            yield code
            code = self._rows[code]["parent12"]

    def county_of(self, area: str) -> str | None:
        """The county of an area, or the city that stands for its own; six digits."""
        for code in self.above(area):
            row = self._rows.get(code)
            if row is not None and ((row["level"] == "3" and row["flags"] != "stat_only") or row["flags"] in _SEATS):
                return code[:6]
        return None

    def is_below_county(self, code: str) -> bool:
        """Whether a code is that of a town or a committee."""
        row = self._rows.get(code)
        return row is None or int(row["level"]) > 3


HUB_KEY_LABEL = b"pprd-hub-key/v1\n\0"
_HUB_PURPOSE = "hub-events"
_SEATS = ("no_county", "sar")


class Directory:
    """Offices, points and keys as of the last event that was applied.

    Args:
        divisions: What the ledger begins with. A ledger that records changes of divisions is not followed here.
    """

    def __init__(self, divisions: Divisions) -> None:
        self.divisions = divisions
        self.offices: dict[str, Office] = {}
        self.points: dict[str, str] = {}
        self.keys: dict[bytes, Key] = {}
        self.hub_key_id = b""

    def apply(self, index: int, event_type: str, body: dict[str, Any]) -> None:
        """Take one recorded `dir` event."""
        match event_type:
            case "PointRegistered":
                self.points[body["point"]] = body["region"]
            case "KeyRegistered":
                public = body["public_key"]
                expect(body["key_id"] == key_id(body["purpose"], public), "a key has another id")
                expect(all(key.public_key != public for key in self.keys.values()), "a key has a holder already")
                self.keys[body["key_id"]] = Key(
                    body["purpose"], body["producer"], body["region"], public, index, until=None
                )
            case "HubKeyReplaced":
                self._replace_hub_key(index, body)
            case "KeyRevoked":
                self.keys[body["key_id"]] = self.keys[body["key_id"]]._replace(until=index)
            case "OfficeRegistered":
                areas = tuple(body["areas"])
                self.offices[body["office"]] = Office(
                    *(body["office"], body["region"], body["office_type"], body["point"], areas),
                    *(self.divisions.county_of(areas[0]), index),
                )
            case "OfficeChanged":
                office = self.offices[body["office"]]
                areas = office.areas if body["areas"] is None else tuple(body["areas"])
                county = office.county if body["areas"] is None else self.divisions.county_of(areas[0])
                point = body["point"] or office.point
                self.offices[office.office] = office._replace(point=point, areas=areas, county=county)
            case "OfficeClosed":
                office = self.offices[body["office"]]
                self.offices[office.office] = office._replace(is_closed=True, successor=body["successor"])
            case "DivisionChanged":
                raise UnprovedError("divisions change in this ledger, which this reader does not follow")

    def begin(self, hub_key: bytes) -> None:
        """Take the hub's first key, of the genesis entry."""
        self.hub_key_id = key_id(_HUB_PURPOSE, hub_key)
        self.keys[self.hub_key_id] = Key(_HUB_PURPOSE, "00-hub", "00", hub_key, 0, None)

    def _replace_hub_key(self, index: int, body: dict[str, Any]) -> None:
        """The batch of the event is signed by the key in use, its body by the one that follows."""
        public, replaced = body["public_key"], body["replaced"]
        expect(replaced == self.hub_key_id, "it replaces another key than the hub's in use")
        expect(body["key_id"] == key_id(_HUB_PURPOSE, public), "a key has another id")
        expect_safe(public)
        expect(all(key.public_key != public for key in self.keys.values()), "a key has a holder already")
        verify(public, body["signature"], HUB_KEY_LABEL + replaced + public)
        self.keys[replaced] = self.keys[replaced]._replace(until=index)
        self.begin(public)
        self.keys[self.hub_key_id] = self.keys[self.hub_key_id]._replace(since=index)

    def key(self, key: bytes, purpose: str, index: int) -> Key:
        """The key that may sign what is recorded at an index.

        Raises:
            UnprovedError: There is none with this id and purpose, or it is not valid there.
        """
        found = self.keys.get(key)
        if found is None or found.purpose != purpose:
            raise UnprovedError(f"key {key.hex()} is no key for {purpose}")
        expect(found.since < index, f"key {key.hex()} was registered later")
        expect(found.until is None or index <= found.until, f"key {key.hex()} was revoked")
        return found

    def acting(self, name: str) -> Office | None:
        """The open office that acts for an office: itself, or the successor that it named, and so on."""
        office = self.offices.get(name)
        while office is not None and office.is_closed:
            office = None if office.successor is None else self.offices.get(office.successor)
        return office

    def serving(self, kind: str, code: str) -> Office | None:
        """The open office of a kind with the closest area over a place; of several, the one registered first."""
        open_ones = sorted(
            (one for one in self.offices.values() if one.kind == kind and not one.is_closed),
            key=lambda one: (one.since, one.office),
        )
        for step in self.divisions.above(code):
            found = next((one for one in open_ones if step in one.areas), None)
            if found is not None:
                return found
        return next((one for one in open_ones if any(self._is_part(area, code) for area in one.areas)), None)

    def _is_part(self, area: str, code: str) -> bool:
        """Whether an area is a town or a committee of a county."""
        is_county = self.divisions.county_of(code) == code[:6]
        return is_county and self.divisions.is_below_county(area) and code in tuple(self.divisions.above(area))[1:]
