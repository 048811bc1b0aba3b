"""A region's gateway for tests, on a world's keys and a real hub, and drafts of a residence matter. Pure of pytest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapters.compose.region_program import ports_of
from adapters.grpc.client import ExchangeClient
from adapters.nats.intake import Intake
from adapters.region.database import RegionDatabase
from adapters.region.draft import Draft
from adapters.region.exchange import Exchange
from adapters.region.gateway import Identity, RegionGateway
from adapters.region.keyring import Keyring, SigningIdentity
from adapters.region.outbox import OutboxLimits
from adapters.region.quorum import Quorum
from adapters.region.tasks import Task
from contracts.identity import synthetic_resident_id
from contracts.ids import RegionCode, StreamId
from contracts.office_type import OfficeType
from tests.support.world import World

QUICK = OutboxLimits(pause_seconds=(0.01, 0.05), answer_seconds=5.0)
"""Short pauses, so that a test of a broken line does not wait."""


def keyring(world: World, region: str) -> Keyring:
    """All keys of a region of the world."""
    keys = world.gateways[RegionCode(region)].keys
    return Keyring(
        batch=SigningIdentity.of("batch", keys["batch"]),
        opening=SigningIdentity.of("open", keys["open"]),
        receipt=SigningIdentity.of("receipt", keys["receipt"]),
        offices={office.office: office.private for office in world.offices() if office.region == region},
        points={point: private for point, private in world.points.items() if point[:2] == region},
    )


def gateway(
    world: World,
    region: str,
    exchange: Exchange,
    folder: Path,
    *,
    limits: OutboxLimits = QUICK,
    ring: Keyring | None = None,
    quorum: Quorum | None = None,
) -> RegionGateway:
    """A gateway on a file of its own in a folder; the same file when called again. `ring` replaces the world's keys."""
    return RegionGateway(
        identity=Identity(
            region=RegionCode(region),
            producer=world.gateways[RegionCode(region)].producer,
            keyring=ring or keyring(world, region),
            verifier=world.verifier,
        ),
        database=RegionDatabase(folder / f"region-{region}.sqlite"),
        exchange=exchange,
        rules=world.rules,
        clock=world.clock,
        limits=limits,
        quorum=quorum,
    )


def declared(world: World, region: str, *, ref: str | None = None) -> Draft:
    """The start of a residence registration."""
    return Draft(
        procedure="RESIDENCE",
        event_type="RegistrationDeclared",
        office=world.office(region, OfficeType.POLICE_STATION).office,
        occurred_at=world.clock.now_ms(),
        body={"division": world.division(region), "notice_id": world.fresh_id(), "declared_by": "APPLICANT"},
        ref=ref,
    )


def recorded(world: World, region: str, stream_id: StreamId, *, ref: str | None = None) -> Draft:
    """The entry of a declared registration."""
    return Draft(
        procedure="RESIDENCE",
        event_type="RegistrationRecorded",
        office=world.office(region, OfficeType.POLICE_STATION).office,
        occurred_at=world.clock.now_ms(),
        stream_id=stream_id,
        body={"registered_on": "2026-03-02", "identity_form_valid": True},
        ref=ref,
    )


def notice_prepared(world: World, region: str, origin: str) -> Draft:
    """The start of a residence notice."""
    return Draft(
        procedure="RESIDENCE_NOTIFICATION",
        event_type="ResidenceNoticePrepared",
        office=world.office(region, OfficeType.COUNTY_PSB_HOUSEHOLD).office,
        occurred_at=world.clock.now_ms(),
        counterpart_region=RegionCode(origin),
        counterpart_office=world.office(origin, OfficeType.COUNTY_PSB_HOUSEHOLD).office,
        body={"notice_id": world.fresh_id()},
    )


def notice_sent(world: World, region: str, stream_id: StreamId, **identity: Any) -> Draft:
    """The sending of a prepared residence notice, with its sealed content."""
    return Draft(
        procedure="RESIDENCE_NOTIFICATION",
        event_type="ResidenceNoticeSent",
        office=world.office(region, OfficeType.COUNTY_PSB_HOUSEHOLD).office,
        occurred_at=world.clock.now_ms(),
        stream_id=stream_id,
        payloads={
            "NP-RES": (
                {
                    "identity": {
                        "name": "测试甲一",
                        "document_type": "CN_RESIDENT_ID",
                        "document_number": synthetic_resident_id("450103", 1850, 3, 1, 2),
                        "birth_date": "1998-03-01",
                    }
                    | identity,
                    "county": world.counties[region],
                    "date": "2026-03-02",
                    "change": "STARTED",
                },
            )
        },
    )


async def receive(world: World, region: str, here: RegionGateway, client: ExchangeClient) -> list[Task]:
    """Take everything that the ledger sent to a region, checked as a run from the broker is; gives the new tasks."""
    identity = Identity(
        RegionCode(region), world.gateways[RegionCode(region)].producer, keyring(world, region), world.verifier
    )
    intake = Intake(region=RegionCode(region), store=here.inbox_store, ports=ports_of(identity, here, client))
    for point in here.replica.directory.points_of_region(region):
        standing = intake.standings.get(point.point)
        async for run in client.runs(point.point, from_n=1 if standing is None else standing.n + 1):
            await intake.take(point.point, run.data)
    await intake.connect()
    intake.flush()
    made: list[Task] = []
    while fresh := await here.tasks.take():
        made += fresh
    return made
