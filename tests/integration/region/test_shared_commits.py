"""Openings that are answered together are kept in one transaction, and nobody reads before his is on disk."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.region.database import RegionDatabase
from adapters.region.gateway import RegionGateway
from adapters.region.opening import Reading
from adapters.region.shared_commit import SharedCommit
from contracts.errors import FatalError
from tests.integration.region.test_opening_end_to_end import reader, sent_notice, told
from tests.support.async_tests import runs_in_a_loop
from tests.support.hub_server import Gate, HubServer, until
from tests.support.region import gateway

pytestmark = pytest.mark.integration


def inserting(database: RegionDatabase, name: str) -> Callable[[], object]:
    return lambda: database.write("INSERT INTO marks VALUES (?,?)", name, b"")


def kept(path: Path) -> list[str]:
    """The marks that another connection sees."""
    other = RegionDatabase(path)
    try:
        return [name for (name,) in other.all("SELECT name FROM marks ORDER BY name")]
    finally:
        other.close()


@runs_in_a_loop
async def test_what_comes_in_one_turn_shares_a_transaction_and_is_on_disk_when_told(tmp_path: Path) -> None:
    path = tmp_path / "region.sqlite"
    database = RegionDatabase(path)
    shared, begun = SharedCommit(database), 0

    def count(statement: str) -> None:
        nonlocal begun
        begun += statement.startswith("BEGIN")

    database._connection.set_trace_callback(count)
    names = [f"mark {number}" for number in range(5)]

    await asyncio.gather(*(shared.write(inserting(database, name)) for name in names))

    assert begun == 1
    assert kept(path) == names
    await shared.write(inserting(database, "one more"))
    assert begun == 2
    database.close()


@runs_in_a_loop
async def test_a_store_that_refuses_tells_all_that_share_and_keeps_nothing_of_them(tmp_path: Path) -> None:
    path = tmp_path / "region.sqlite"
    database = RegionDatabase(path)
    shared = SharedCommit(database)
    changes = [inserting(database, name) for name in ("one", "two", "one")]

    answers = await asyncio.gather(*map(shared.write, changes), return_exceptions=True)

    assert [type(answer) for answer in answers] == [FatalError] * 3
    assert kept(path) == []
    await shared.write(inserting(database, "later"))
    assert kept(path) == ["later"]
    database.close()


@runs_in_a_loop
async def test_what_was_given_is_kept_although_who_gave_it_has_gone(tmp_path: Path) -> None:
    path = tmp_path / "region.sqlite"
    database = RegionDatabase(path)
    shared = SharedCommit(database)
    gone, stays = (asyncio.ensure_future(shared.write(inserting(database, name))) for name in ("gone", "stays"))
    await asyncio.sleep(0)
    gone.cancel()

    await stays

    assert kept(path) == ["gone", "stays"]
    database.close()


@runs_in_a_loop
async def test_officers_who_open_side_by_side_are_kept_together_and_each_by_himself(tmp_path: Path) -> None:
    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        notice = await sent_notice(hub, tmp_path)
        async with gateway(hub.world, "45", hub.client, tmp_path) as region:
            await told(region, notice)
            begun = 0

            def count(statement: str) -> None:
                nonlocal begun
                begun += statement.startswith("BEGIN")

            region.opener._db._connection.set_trace_callback(count)
            async with Gate(hub) as gate:
                opening = [asyncio.ensure_future(open_once(region, notice.event_id, hub)) for _ in range(8)]
                await until(lambda: hub.sequencer.waiting_events == 9)
                gate.open()
                readings = await asyncio.gather(*opening)
            region.opener._db._connection.set_trace_callback(None)

            rows = region.opener.kept()
        assert begun <= 2
        assert sorted(row.access_index for row in rows) == sorted(one.access_index for (one,) in readings)
        assert len({row.request_id for row in rows}) == 8
        assert hub.audit().openings == {"45": 8}


@runs_in_a_loop
async def test_nobody_reads_what_could_not_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    async with HubServer(tmp_path / "ledger.sqlite") as hub:
        notice = await sent_notice(hub, tmp_path)
        async with gateway(hub.world, "45", hub.client, tmp_path) as region:
            await told(region, notice)
            with monkeypatch.context() as patched:
                patched.setattr(RegionDatabase, "write", full)
                opening = [open_once(region, notice.event_id, hub) for _ in range(3)]
                answers = await asyncio.gather(*opening, return_exceptions=True)

            assert [type(answer) for answer in answers] == [FatalError] * 3
            assert region.opener.count() == 0
            assert len(await open_once(region, notice.event_id, hub)) == 1
        assert hub.audit().openings == {"45": 4}


async def open_once(region: RegionGateway, event_id: bytes, hub: HubServer) -> list[Reading]:
    return await region.opener.open(event_id, "NP-RES", reader(hub.world))
