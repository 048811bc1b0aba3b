"""A holder that has to give the person a copy reads what it holds of that record, without a task there (DOMAIN 7.1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contracts.errors import AccessError
from contracts.event import decode_event
from tests.integration.audit.test_disclosure_audit import compared
from tests.integration.grpc.test_grpc_emergency_openings import acknowledged, asker, read, refusal
from tests.integration.grpc.test_grpc_openings import request_for
from tests.support.async_tests import runs_in_a_loop
from tests.support.clearances import ClearanceMaker, sealing
from tests.support.hub_server import HubServer
from tests.support.order_matters import executed, rights_granted

pytestmark = pytest.mark.integration


@runs_in_a_loop
async def test_a_holder_reads_for_a_granted_copy_until_it_has_confirmed(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world, sent = hub.world, await acknowledged(hub)
        office = asker(world)
        rights = ClearanceMaker(world, "RIGHTS_REQUEST", office, sent.header)
        *routed, decided = rights_granted(world, sent.header.stream_id, rights)
        found = [await refusal(hub, request_for(world, sent, office)), await refusal(hub, rights.request())]
        await hub.submit(routed[:-1])
        found.append(await refusal(hub, rights.request()))
        await hub.submit(routed[-1:])
        found.append(await refusal(hub, rights.request()))
        await hub.submit([decided])
        request = rights.request()

        first = await hub.client.open_payload(request)
        second = await hub.client.open_payload(rights.request())

        assert found == ["OPEN_NO_TASK", "CLEARANCE_UNKNOWN", "CLEARANCE_UNKNOWN", "CLEARANCE_NOT_APPROVED"]
        assert read(first, office, sent)["county"] == world.counties["44"]
        recorded = [decode_event(opened.access_event) for opened in (first, second)]
        assert [(one.stream_id, one.stream_seq) for one in recorded] == [(rights.stream_id, 4), (rights.stream_id, 5)]
        assert {(one.purpose, one.legal_basis) for one in recorded} == {("RIGHTS", "LB-PIPL-44")}
        with pytest.raises(AccessError, match="answered before"):
            await hub.client.open_payload(request)
        rights.follow(second.access_event)
        await hub.submit([executed(rights, office)])
        assert await refusal(hub, rights.request()) == "CLEARANCE_UNKNOWN"
        assert hub.audit().cleared == {"RIGHTS_REQUEST": 2}
        report = compared(hub.store, world)
        assert (report.findings, report.cleared) == ([], {"RIGHTS_REQUEST": 2})


@runs_in_a_loop
async def test_a_request_opens_its_own_record_to_its_holders_and_only_for_a_copy(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world, sent, other = hub.world, await acknowledged(hub), await acknowledged(hub)
        office, stranger = asker(world), world.office("43", "COUNTY_PSB_HOUSEHOLD")
        rights = ClearanceMaker(world, "RIGHTS_REQUEST", office, sent.header)
        await hub.submit(rights_granted(world, sent.header.stream_id, rights))
        asked_of_other: dict[str, Any] = {
            "event_id": other.header.event_id,
            "ciphertext_hash": other.header.sealed[0].ciphertext_hash,
        }
        explained = ClearanceMaker(world, "RIGHTS_REQUEST", office, other.header)
        await hub.submit(rights_granted(world, other.header.stream_id, explained, "EXPLAIN"))

        assert await refusal(hub, rights.request(**asked_of_other)) == "CLEARANCE_UNKNOWN"
        assert await refusal(hub, rights.request(event_id=world.fresh_id())) == "OPEN_FORBIDDEN"
        assert await refusal(hub, rights.request(signer="43", office=stranger.office)) == "CLEARANCE_UNKNOWN"
        assert await refusal(hub, rights.request(purpose="RESIDENCE_NOTICE")) == "OPEN_FORBIDDEN"
        assert await refusal(hub, rights.request(role="RECORDS_OFFICER")) == "OPEN_ROLE"
        assert await refusal(hub, explained.request()) == "CLEARANCE_NOT_APPROVED"


@runs_in_a_loop
async def test_a_record_that_was_sealed_meanwhile_answers_as_one_that_does_not_exist(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world, sent = hub.world, await acknowledged(hub)
        rights = ClearanceMaker(world, "RIGHTS_REQUEST", asker(world), sent.header)
        await hub.submit(rights_granted(world, sent.header.stream_id, rights))
        await hub.submit([sealing(world, hub.store, hub.application.directory, sent.header.stream_id)])
        told = []
        for request in (rights.request(), rights.request(event_id=world.fresh_id())):
            with pytest.raises(AccessError, match="no such payload") as refused:
                await hub.client.open_payload(request)
            told.append(str(refused.value))

        assert told[0] == told[1]
