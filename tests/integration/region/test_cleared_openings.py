"""A gateway asks for an opening without a task, others approve it, and it reads once what its office could not read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.region.draft import Draft
from adapters.region.gateway import RegionGateway
from adapters.region.opening import Reader
from contracts.errors import AccessError, ExchangeError, RuleError
from contracts.ids import StreamId
from tests.support.async_tests import runs_in_a_loop
from tests.support.clearances import sealing
from tests.support.hub_server import HubServer
from tests.support.matters import correction, notification
from tests.support.region import gateway
from tests.support.world import World, WorldOffice

pytestmark = pytest.mark.integration

OFFICER, APPROVER = bytes(range(16)), bytes(range(16, 32))


def draft(world: World, procedure: str, event: str, office: WorldOffice, stream_id: bytes | None, **body: Any) -> Draft:
    return Draft(
        procedure,
        event,
        office.office,
        world.clock.now_ms(),
        None if stream_id is None else StreamId(stream_id),
        {"official": OFFICER, **body},
    )


async def cleared(
    world: World, procedure: str, asking: RegionGateway, approving: RegionGateway, asker: WorldOffice, **said: Any
) -> StreamId:
    """A clearance that one office of the asking region and one of another have approved."""
    here = "COUNTY_CIVIL_AFFAIRS" if procedure == "EMERGENCY_OPENING" else "COURT"
    first, second = world.office(asker.region, here), world.office("44", "COUNTY_PSB")
    approvers = [first.office, second.office]
    asked = await asking.submit(draft(world, procedure, "OpeningAsked", asker, None, approvers=approvers, **said))
    assert asked.refusal is None
    for region, office in ((asking, first), (approving, second)):
        approved = await region.submit(draft(world, procedure, "OpeningApproved", office, asked.stream_id))
        assert approved.refusal is None
    return asked.stream_id


@runs_in_a_loop
async def test_an_office_whose_task_is_over_reads_once_in_an_emergency(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = hub.world
        made, asker = notification(world, "44", "45"), world.office("45", "COUNTY_PSB_HOUSEHOLD")
        await hub.submit(made)
        event_id = made[1].header.event_id
        reader = Reader(asker.office, "救助", officer=OFFICER, role="REGISTRAR")
        async with (
            gateway(world, "45", hub.client, tmp_path) as asking,
            gateway(world, "44", hub.client, tmp_path) as approving,
        ):
            await asking.streams.catch_up(made[0].header.stream_id)
            size = hub.size
            with pytest.raises(AccessError) as no_task:
                await asking.opener.open(event_id, "NP-RES", reader)
            assert (no_task.value.code, hub.size) == ("OPEN_NO_TASK", size)
            ref = asking.opener.payload(event_id, "NP-RES")
            with pytest.raises(RuleError) as other:
                asking.opener.payload(event_id, "NP-RES", 2)
            said = {"opened_event": event_id, "ciphertext_hash": ref.ciphertext_hash}
            law = {"provision": "LB_PIPL_13_4", "ground": "HEALTH"}
            clearance = await cleared(world, "EMERGENCY_OPENING", asking, approving, asker, **said, **law)
            cleared_reader = replace(reader, reason="EMERGENCY", clearance=clearance)

            (reading,) = await asking.opener.open(event_id, "NP-RES", cleared_reader)

            size = hub.size
            with pytest.raises(AccessError) as again:
                await asking.opener.open(event_id, "NP-RES", cleared_reader)
            (kept,) = asking.opener.kept()
        assert reading.content["county"] == world.counties["44"]
        assert (other.value.code, again.value.code, hub.size) == ("NOT_FOUND", "CLEARANCE_OVER", size)
        assert (kept.reason, kept.access_index) == ("EMERGENCY", reading.access_index)
        assert hub.audit().cleared == {"EMERGENCY": 1}


@runs_in_a_loop
async def test_a_sealed_record_is_read_once_with_an_approval_that_was_there_before(tmp_path: Path) -> None:
    """Nothing of a sealed record waits at a gateway, so who has to approve does so before the one reading is used."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = hub.world
        made, asker = correction(world, "44", "43")[:2], world.office("43", "COUNTY_CORRECTION")
        await hub.submit(made)
        event_id, stream_id = made[1].header.event_id, made[0].header.stream_id
        reader = Reader(asker.office, "办案", officer=OFFICER, role="CASE_OFFICER", approver=APPROVER)
        async with (
            gateway(world, "43", hub.client, tmp_path) as asking,
            gateway(world, "44", hub.client, tmp_path) as approving,
        ):
            await asking.streams.catch_up(stream_id)
            ref = asking.opener.payload(event_id, "NP-COR-ASK")
            await hub.submit([sealing(world, hub.store, hub.application.directory, stream_id)])
            with pytest.raises(ExchangeError) as task:
                await asking.opener.open(event_id, "NP-COR-ASK", reader)
            said = {"opened_event": event_id, "ciphertext_hash": ref.ciphertext_hash}
            law = {"provision": "LB_PSA_136", "ground": "STATE_RULE"}
            query = await cleared(world, "SEALED_QUERY", asking, approving, asker, **said, **law)
            cleared_reader = replace(reader, reason="SEALED_QUERY", clearance=query)
            size = hub.size
            with pytest.raises(AccessError) as unapproved:
                await asking.opener.open(event_id, "NP-COR-ASK", replace(cleared_reader, approver=None))
            assert (unapproved.value.code, hub.size) == ("OPEN_APPROVAL_MISSING", size)

            (reading,) = await asking.opener.open(event_id, "NP-COR-ASK", cleared_reader)

        assert task.value.code == "OPEN_FORBIDDEN"
        assert reading.content["ground"] == "WORK"
        assert hub.audit().cleared == {"SEALED_QUERY": 1}
