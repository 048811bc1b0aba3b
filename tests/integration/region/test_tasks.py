"""Tasks: each notification becomes one for every office that it tells; it stays open until the office handled it."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.region.draft import Draft
from contracts.ids import StreamId
from contracts.office_type import OfficeType
from hub.submission import Outcome
from tests.support.async_tests import runs_in_a_loop
from tests.support.hub_server import HubServer
from tests.support.region import gateway, notice_prepared, notice_sent, receive

pytestmark = pytest.mark.integration

PSB = OfficeType.COUNTY_PSB_HOUSEHOLD


def step(hub: HubServer, region: str, stream_id: StreamId, event_type: str, **body: object) -> Draft:
    return Draft(
        procedure="RESIDENCE_NOTIFICATION",
        event_type=event_type,
        office=hub.world.office(region, PSB).office,
        occurred_at=hub.world.clock.now_ms(),
        stream_id=stream_id,
        body=body,
    )


@runs_in_a_loop
async def test_a_notice_is_a_task_of_the_origin_until_it_is_acknowledged(tmp_path: Path) -> None:
    """Taking it in is not handling it: the duty R-ACK-1 runs on until the office has answered."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = hub.world
        async with (
            gateway(world, "44", hub.client, tmp_path) as destination,
            gateway(world, "45", hub.client, tmp_path) as origin,
        ):
            begun = await destination.submit(notice_prepared(world, "44", "45"))
            notice = await destination.submit(notice_sent(world, "44", begun.stream_id))
            (task,) = await receive(world, "45", origin, hub.client)
            due_before = origin.tasks.due_ms(task)
            await origin.submit(step(hub, "45", begun.stream_id, "ResidenceNoticeDelivered", verified=True))
            due_after = origin.tasks.due_ms(task)
            open_when_delivered = len(origin.tasks.open_tasks())
            await origin.submit(step(hub, "45", begun.stream_id, "ResidenceNoticeAcknowledged"))
            open_when_acknowledged = len(origin.tasks.open_tasks())
            told_back = await receive(world, "44", destination, hub.client)

        assert (task.office, task.event_id, task.profile) == (world.office("45", PSB).office, notice.event_id, "NP-RES")
        assert due_before is None
        assert due_after is not None
        assert due_after > world.clock.now_ms()
        assert (open_when_delivered, open_when_acknowledged) == (1, 0)
        assert [(t.office, t.event_type, t.profile) for t in told_back] == [
            (world.office("44", PSB).office, "ResidenceNoticeAcknowledged", None)
        ]


@runs_in_a_loop
async def test_tasks_are_made_once_also_after_a_restart(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = hub.world
        async with gateway(world, "44", hub.client, tmp_path) as destination:
            begun = await destination.submit(notice_prepared(world, "44", "45"))
            await destination.submit(notice_sent(world, "44", begun.stream_id))
        async with gateway(world, "45", hub.client, tmp_path) as origin:
            first = await receive(world, "45", origin, hub.client)
        async with gateway(world, "45", hub.client, tmp_path) as origin:
            again = await receive(world, "45", origin, hub.client)
            still_open = origin.tasks.open_tasks()

    assert len(first) == 1
    assert again == []
    assert still_open == first


@runs_in_a_loop
async def test_an_office_may_say_that_it_has_handled_what_it_learned(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = hub.world
        async with (
            gateway(world, "44", hub.client, tmp_path) as destination,
            gateway(world, "45", hub.client, tmp_path) as origin,
        ):
            begun = await destination.submit(notice_prepared(world, "44", "45"))
            await destination.submit(notice_sent(world, "44", begun.stream_id))
            (task,) = await receive(world, "45", origin, hub.client)

            assert origin.tasks.done(task.office, task.event_id)
            assert not origin.tasks.done(task.office, task.event_id)
            assert origin.tasks.open_tasks(task.office) == []


@runs_in_a_loop
async def test_what_lies_before_a_notification_is_fetched_and_chained(tmp_path: Path) -> None:
    """The origin is told of the second event only; its copy of the matter is whole."""
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        world = hub.world
        async with (
            gateway(world, "44", hub.client, tmp_path) as destination,
            gateway(world, "45", hub.client, tmp_path) as origin,
        ):
            begun = await destination.submit(notice_prepared(world, "44", "45"))
            sent = await destination.submit(notice_sent(world, "44", begun.stream_id))
            await receive(world, "45", origin, hub.client)
            matter = origin.streams.recorded(begun.stream_id)

        assert sent.outcome is Outcome.ACCEPTED
        assert matter is not None
        assert (matter.state, matter.next_seq) == ("SENT", 2)
