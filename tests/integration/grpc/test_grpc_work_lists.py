"""A region reads what waits for its own offices, on a signed request; everybody else is refused alike (DOMAIN 8.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from adapters._generated.pprd.v1 import exchange_pb2 as pb
from adapters.compose.projecting import work_page
from contracts.codes import CODES
from contracts.errors import ExchangeError
from contracts.signing import sign
from hub.projections.work_list_request import WorkListRequest
from tests.support.hub_server import HubServer
from tests.support.matters import notification
from tests.support.projections import follow, open_projections
from tests.support.world import World

pytestmark = pytest.mark.integration


def asked(world: World, office: str, *, region: str = "45", **changes: Any) -> WorkListRequest:
    """A signed request for a work list."""
    gateway = world.gateways[region]
    unsigned = WorkListRequest(
        office=office,
        after=b"",
        limit=0,
        created_ms=world.clock.now_ms(),
        producer=gateway.producer,
        key_id=gateway.key_id("open"),
        signature=bytes(64),
    )
    changed = replace(unsigned, **changes)
    return replace(changed, signature=sign(gateway.keys["open"], changed.tbs()))


def a_hub(folder: Path, scenario: Callable[[HubServer, str], Any], *, matters: int = 5) -> None:
    """Play something against a hub with work lists; gives it the office for which matters wait."""

    async def play() -> None:
        rows = folder / "projections.sqlite"
        async with HubServer(folder / "ledger.sqlite", work_lists=partial(work_page, rows)) as hub:
            for _ in range(matters):
                await hub.submit(notification(hub.world, "44", "45")[:3])
            with open_projections(rows) as store:
                follow(hub.store, store, hub.world.rules)
            await scenario(hub, hub.world.office("45", "COUNTY_PSB_HOUSEHOLD").office)

    asyncio.run(play())


def test_a_region_reads_the_list_of_its_office_page_by_page(tmp_path: Path) -> None:
    async def scenario(hub: HubServer, office: str) -> None:
        whole = await hub.client.work_list(asked(hub.world, office))
        first = await hub.client.work_list(asked(hub.world, office, limit=3))
        second = await hub.client.work_list(asked(hub.world, office, limit=3, after=first.after))

        assert len(whole.rows) == 5
        assert {(row.office, row.rule, row.state) for row in whole.rows} == {(office, "R-ACK-1", "DELIVERED")}
        assert (whole.after, whole.position) == (b"", hub.size)
        assert first.after != b""
        assert second.after == b""
        assert first.rows + second.rows == whole.rows

    a_hub(tmp_path, scenario)


Change = Callable[[World, str], WorkListRequest]
REFUSED: dict[str, tuple[str, Change]] = {
    "another region": ("WORK_LIST_FORBIDDEN", lambda world, office: asked(world, office, region="44")),
    "no such office": ("WORK_LIST_FORBIDDEN", lambda world, office: asked(world, "o00000001")),
    "no office id": ("REQUEST_MALFORMED", lambda world, office: asked(world, "44010618020301002X")),
    "no place": ("REQUEST_MALFORMED", lambda world, office: asked(world, office, after=b"x")),
    "an old request": (
        "CLOCK_SKEW",
        lambda world, office: asked(world, office, created_ms=world.clock.now_ms() - 600_000),
    ),
    "another key": (
        "KEY_UNKNOWN",
        lambda world, office: asked(world, office, key_id=world.gateways["45"].key_id("batch")),
    ),
    "another producer": ("PRODUCER_MISMATCH", lambda world, office: asked(world, office, producer="44-node")),
    "another office than was signed": (
        "SIGNATURE_INVALID",
        lambda world, office: replace(asked(world, "o00000001"), office=office),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_nobody_else_learns_what_waits(tmp_path: Path, name: str) -> None:
    code, change = REFUSED[name]

    async def scenario(hub: HubServer, office: str) -> None:
        with pytest.raises(ExchangeError) as caught:
            await hub.client.work_list(change(hub.world, office))

        assert (caught.value.code, caught.value.family) == (code, CODES[code].family)
        assert "44010618020301002X" not in caught.value.message

    a_hub(tmp_path, scenario, matters=1)


def test_an_office_of_another_region_answers_as_one_that_does_not_exist(tmp_path: Path) -> None:
    async def scenario(hub: HubServer, office: str) -> None:
        texts = []
        for name in (office, "o00000001"):
            with pytest.raises(ExchangeError) as caught:
                await hub.client.work_list(asked(hub.world, name, region="44"))
            texts.append((caught.value.code, caught.value.message.replace(name, "OFFICE"), caught.value.field))

        assert texts[0] == texts[1]

    a_hub(tmp_path, scenario, matters=1)


def test_a_hub_without_projections_says_so(tmp_path: Path) -> None:
    async def play() -> None:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            office = hub.world.office("45", "COUNTY_PSB_HOUSEHOLD").office
            with pytest.raises(ExchangeError) as caught:
                await hub.client.work_list(asked(hub.world, office))

            assert caught.value.code == "PROJECTIONS_MISSING"

    asyncio.run(play())


def test_no_question_takes_anything_but_offices_streams_and_places() -> None:
    """DOMAIN 11: no endpoint takes an identity attribute and gives a stream; a work list has one key, its office."""
    asked_for = [field.name for field in pb.GetWorkListRequest.DESCRIPTOR.fields]
    told = [field.name for field in pb.WorkListRow.DESCRIPTOR.fields]

    assert asked_for == ["office", "after", "limit", "created_ms", "producer", "key_id", "signature"]
    assert told == ["stream_id", "kind", "state", "due_ms", "rule", "calendar_assumed"]
