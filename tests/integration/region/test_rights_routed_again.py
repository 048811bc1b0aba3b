"""A request goes to whoever holds its record when it is decided; the gateway finds out who that is (DOMAIN 7.1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.region.draft import Draft
from adapters.region.gateway import RegionGateway
from contracts.errors import RuleError
from contracts.ids import StreamId
from contracts.office_type import OfficeType
from hub.submission import Outcome
from tests.integration.region.test_orders_carried_out import missing
from tests.support.async_tests import runs_in_a_loop
from tests.support.hub_server import HubServer
from tests.support.region import gateway, notice_prepared, notice_sent

pytestmark = pytest.mark.integration


@runs_in_a_loop
async def test_who_got_content_meanwhile_is_asked_before_the_decision(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub, gateway(hub.world, "44", hub.client, tmp_path) as here:
        world = hub.world
        record = (await here.submit(notice_prepared(world, "44", "45"))).stream_id
        asked = {"kind": "ACCESS", "notice_id": world.fresh_id()}
        request = await act(hub, here, None, "RightsRequested", asked)
        official = world.fresh_id()
        await act(
            hub,
            here,
            request,
            "RequesterIdentified",
            {"identity_checked": True, "representation_checked": True, "official": official},
        )
        await act(hub, here, request, "RightsRequestRouted", {"target": record}, told=record)
        await here.submit(notice_sent(world, "44", record))
        decision: dict[str, Any] = {
            "kind": "ACCESS",
            "outcome": "GRANTED",
            "effect": "COPY",
            "reason": None,
            "court_way_told": None,
            "official": world.fresh_id(),
            "not_involved": None,
        }

        with pytest.raises(RuleError) as refused:
            await act(hub, here, request, "RightsDecided", decision, told=record)
        await act(hub, here, request, "RightsRequestRouted", {"target": record}, told=record)
        await act(hub, here, request, "RightsDecided", decision, told=record)

        assert (refused.value.code, refused.value.rule) == ("HOLDERS_MISMATCH", "holders_are_asked")
        holders = {world.office(region, OfficeType.COUNTY_PSB_HOUSEHOLD).office for region in ("44", "45")}
        assert set(missing(hub, request)) == holders
        assert hub.audit().events["RightsRequestRouted"] == 2


async def act(
    hub: HubServer,
    here: RegionGateway,
    request: StreamId | None,
    event_type: str,
    body: dict[str, Any],
    told: StreamId | None = None,
) -> StreamId:
    """The desk of region 44 makes an event of a request; gives the request."""
    world = hub.world
    content = {
        "stream_id": told,
        "order": "COPY" if event_type == "RightsDecided" else "ANSWER",
        "due_date": "2026-03-05",
    }
    sent = await here.submit(
        Draft(
            procedure="RIGHTS_REQUEST",
            event_type=event_type,
            office=world.office("44", OfficeType.RIGHTS_DESK).office,
            occurred_at=world.clock.now_ms(),
            stream_id=request,
            body=body,
            payloads={} if told is None else {"NP-ORDER": (content,)},
        )
    )
    assert sent.outcome is Outcome.ACCEPTED, sent.refusal
    return sent.stream_id
