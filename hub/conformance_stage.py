"""Where conformance scenarios play: a made-up directory, and events as a right producer makes them.

`Stage` has one county for each side of a procedure and one elsewhere, with one office of every type in each, and all
packaged mandates. Ids and keys come from hashes of names, so that every run makes the same bytes. Nobody in it is real.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from contracts.division import load_divisions
from contracts.event import Header, SealedRef, encode_event, leaf_hash
from contracts.identity import synthetic_uscc
from contracts.ids import (
    HUB_OFFICE,
    HUB_REGION,
    EventId,
    Hash,
    KeyId,
    LeafIndex,
    OfficeId,
    PointId,
    RegionCode,
    StreamId,
    uuid7,
)
from contracts.instant import rounded
from contracts.mandates import load_mandates
from contracts.office_type import OfficeType
from contracts.procedure import load_procedures
from contracts.procedure_types import Procedure, Transition, body_schema
from contracts.schema import load_registry
from contracts.signing import key_id
from contracts.suite import office_key
from hub.admission import Admitted, Rules, admit
from hub.directory import Directory, Office, SigningKey
from hub.matter import Matter, take_row
from hub.precedent import Precedents
from hub.routing import Recipient, route

COUNTIES: Final = ("440106", "450103", "430102", "360102")
"""Of the first side, the second, the third, and elsewhere."""
ELSEWHERE: Final = "ELSEWHERE"
"""In `Place.at`: a county that has no side in the matter."""
HUB: Final = "HUB"
"""In `Place.at`: the hub itself, for what time does."""
MORNING_MS: Final = 1_772_416_800_000
"""2026-03-02 10:00 in Shanghai, a Monday: the first day of every scenario."""
_ZERO: Final = Hash(bytes(32))
_CROCKFORD: Final = "0123456789abcdefghjkmnpqrstvwxyz"


class Place(NamedTuple):
    """An office of the stage.

    Attributes:
        at: A side of the procedure, `ELSEWHERE` or `HUB`.
        office: Its type.
    """

    at: str
    office: str


class Sealing(NamedTuple):
    """One sealed payload: its profile and whom it is for."""

    profile: str
    to: tuple[Place, ...]


class Act(NamedTuple):
    """One event that somebody wants to record.

    Attributes:
        event: Its type.
        by: Who makes it.
        now_ms: When, hub time.
        body: Its body, as `encode_body` takes it.
        names: The office that its header names as the other side.
        sealed: What it seals.
        purpose: Purpose of its header.
        legal_basis: Legal basis of its header.
        position: `next`; `stale` stands where the last event stands, `fork` follows something that was never recorded.
        lists: Where the offices stand that a field of the body lists, as a file says it; on this stage their ids do.
    """

    event: str
    by: Place
    now_ms: int
    body: Mapping[str, Any]
    names: Place | None
    sealed: tuple[Sealing, ...]
    purpose: str
    legal_basis: str
    position: str = "next"
    lists: Mapping[str, tuple[Place, ...]] = MappingProxyType({})


class Stage:
    """The counties and offices of one procedure's scenarios.

    Args:
        procedure: Whose sides stand in the counties, in their order.
    """

    def __init__(self, procedure: Procedure) -> None:
        self.procedure = procedure
        self.directory = stage_directory()
        self._counties = dict(zip(procedure.all_sides, COUNTIES, strict=False))
        self.rules = Rules(
            procedures={(procedure.id, procedure.edition): procedure},
            registry=load_registry(),
            divisions=load_divisions(),
            editions={procedure.edition: _ZERO},
            is_sandbox=True,
        )

    def county(self, at: str) -> str:
        """The county of a side."""
        return self._counties.get(at, COUNTIES[-1])

    def office(self, place: Place) -> Office:
        """The office at a place."""
        office = self.directory.office(office_id(self.county(place.at), place.office))
        assert office is not None
        return office

    def place(self, office: OfficeId) -> Place:
        """Where an office stands."""
        found = self.directory.office(office)
        assert found is not None
        at = next((side for side, county6 in self._counties.items() if county6 == found.county6), ELSEWHERE)
        return Place(at, found.office_type.value)

    def places(self, names: Sequence[object]) -> tuple[Place, ...]:
        """Where the offices of a list stand; nothing for a list of anything else."""
        return tuple(self.place(name) for name in map(OfficeId, map(str, names)) if self.directory.office(name))

    def header(self, act: Act, matter: Matter | None) -> Header:
        """The header of an act, in a matter as it stands."""
        seq, head = (0, _ZERO) if matter is None else (matter.next_seq, matter.head)
        if act.position == "stale":
            seq = max(seq - 1, 0)
        if act.position == "fork":
            head = Hash(b"\x11" * 32)
        encoded = self.rules.registry.encode_body(body_schema(act.event), act.body)
        is_hub = act.by.at == HUB
        named = None if act.names is None else self.office(act.names)
        return Header(
            event_id=EventId(uuid7(unix_ms=act.now_ms, entropy=_digest(f"{act.event} {seq}")[:10])),
            schema_id=encoded[2:10],
            event_type=act.event,
            event_class=self.procedure.event_class,
            stream_id=StreamId(uuid7(unix_ms=MORNING_MS, entropy=_digest(self.procedure.id)[:10])),
            stream_seq=seq,
            prev_hash=head,
            procedure=self.procedure.id,
            edition=self.procedure.edition,
            producer_region=HUB_REGION if is_hub else self.office(act.by).region,
            producer_office=HUB_OFFICE if is_hub else self.office(act.by).office,
            counterpart_region=None if named is None else named.region,
            counterpart_office=None if named is None else named.office,
            occurred_at=rounded(self.procedure.event_class, act.now_ms),
            purpose=act.purpose,
            legal_basis=act.legal_basis,
            data_class=self.procedure.data_class,
            body=encoded,
            sealed=tuple(self._ref(sealing) for sealing in act.sealed),
            correlation_id=None,
            causation_id=None,
            sandbox=True,
        )

    def admit(self, act: Act, matter: Matter | None, precedents: Precedents | None = None) -> Admitted:
        """What the hub decides about an act.

        Args:
            act: What somebody wants to record.
            matter: As it stands.
            precedents: What it has decided before.

        Raises:
            ExchangeError: It is refused.
        """
        header = self.header(act, matter)
        return admit(
            header=header,
            leaf=leaf_hash(encode_event(header)),
            matter=matter,
            key=_key(header.producer_region),
            payloads=None,
            rules=self.rules,
            directory=self.directory,
            now_ms=act.now_ms,
            precedents=precedents,
        )

    def recipients(self, row: Transition, act: Act, matter: Matter | None) -> tuple[Recipient, ...]:
        """Whom an act would reach, whatever it seals.

        Raises:
            ExchangeError: Its sides cannot be bound, or somebody may not be told.
        """
        header = self.header(act, matter)
        after = take_row(self.procedure, row, matter, header, act.body, self.directory, Hash(bytes(32)))
        return route(row, after, header, act.body, self.directory, earlier=matter)

    def _ref(self, sealing: Sealing) -> SealedRef:
        offices = tuple(sorted(self.office(place).office for place in sealing.to))
        return SealedRef(sealing.profile, _digest(sealing.profile), _digest(sealing.profile), 1, offices)


def office_id(county6: str, office_type: str) -> OfficeId:
    """The id of the office of a type in a county of the stage."""
    return OfficeId("o" + "".join(_CROCKFORD[byte & 31] for byte in _digest(f"{county6} {office_type}")[:8]))


@cache
def stage_directory() -> Directory:
    """The directory of every stage, made once; nobody may change it."""
    directory = Directory(load_divisions())
    changes: list[tuple[str, Mapping[str, Any]]] = []
    for county6 in COUNTIES:
        changes += _county(county6)
    for number, (event_type, body) in enumerate(changes, start=1):
        directory.apply(LeafIndex(number), _directory_header(event_type, number), body)
    return directory


def _county(county6: str) -> list[tuple[str, Mapping[str, Any]]]:
    region, point = county6[:2], PointId(f"{county6[:2]}-{county6}")
    found: list[tuple[str, Mapping[str, Any]]] = [("RegionRegistered", {"region": region})]
    found += [
        ("PointRegistered", {"point": one, "region": region, **_agreement("point", one)})
        for one in (point, PointId(f"{region}-node"))
    ]
    for number, office_type in enumerate(OfficeType):
        name = office_id(county6, office_type.value)
        body = {
            "office": name,
            "region": region,
            "office_type": office_type.value,
            "point": point,
            "areas": [f"{county6}000000"],
            "uscc": synthetic_uscc(f"11{county6}PPRD{number:04}"),
            **office_key(_agreement("office", name)["public_key"]),
        }
        found.append(("OfficeRegistered", body))
    for number, row in enumerate(load_mandates()):
        mandate: dict[str, Any] = {
            "mandate": _digest(f"mandate {region} {number}")[:8],
            "region": region,
            "office_type": row.office_type.value,
            "procedure": row.procedure,
            "event_types": list(row.event_types),
            "direction": row.direction,
            "purpose": row.purpose,
            "legal_basis": row.legal_basis,
            "valid_from": "2020-01-01",
            "valid_to": None,
            "assessment": f"PIA-{region}-2019-1",
            "assessed_on": "2019-12-02",
        }
        found.append(("MandateGranted", mandate))
    return found


def _directory_header(event_type: str, number: int) -> Header:
    procedure = next(p for p in load_procedures().values() if event_type in p.events)
    zero = bytes(32)
    return Header(
        event_id=EventId(bytes(16)),
        schema_id=bytes(8),
        event_type=event_type,
        event_class=procedure.event_class,
        stream_id=StreamId(_digest(f"directory {number}")[:16]),
        stream_seq=0,
        prev_hash=Hash(zero),
        procedure=procedure.id,
        edition=procedure.edition,
        producer_region=HUB_REGION,
        producer_office=HUB_OFFICE,
        counterpart_region=None,
        counterpart_office=None,
        occurred_at=MORNING_MS,
        purpose=procedure.purpose,
        legal_basis=procedure.legal_bases[0],
        data_class=procedure.data_class,
        body=b"",
        sealed=(),
        correlation_id=None,
        causation_id=None,
        sandbox=True,
    )


def _agreement(purpose: str, name: str) -> Mapping[str, bytes]:
    *raw, last = _digest(f"{purpose} {name}")
    public = bytes((*raw, last & 0x7F))
    return {"key_id": key_id(purpose, public), "public_key": public}


def _key(region: RegionCode) -> SigningKey:
    if region == HUB_REGION:
        return SigningKey.of_hub(key_id=KeyId(bytes(8)), public_key=bytes(32), since=LeafIndex(0))
    return SigningKey(KeyId(bytes(8)), "batch", PointId(f"{region}-node"), region, bytes(32), LeafIndex(0), None)


def places_of(stage: Stage, offices: Sequence[OfficeId]) -> tuple[Place, ...]:
    """Where offices stand, in order."""
    return tuple(sorted(stage.place(office) for office in offices))


def _digest(text: str) -> bytes:
    return hashlib.sha256(f"pprd conformance {text}".encode()).digest()
