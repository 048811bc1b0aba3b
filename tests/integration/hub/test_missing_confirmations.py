"""Which holders have not confirmed an erasure is listed, with since when and until when (DOMAIN 7.3)."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.compose.dues import Asked
from adapters.compose.erasures import Missing, list_missing
from contracts.instant import DAY_MS
from tests.support.audit import audit
from tests.support.batches import Made
from tests.support.hub_server import HubServer
from tests.support.matters import MatterMaker, notification
from tests.support.order_matters import (
    about,
    erasure_order,
    notice_holders,
    order,
    retention_confirmation,
    rights_request,
    seal_order,
)
from tests.support.timed_ledger import TimedLedger
from tests.support.world import World

KEPT_DAYS = 90


class Data:
    """A data folder that begins with one story."""

    def __init__(self, folder: Path, story: Callable[[World], list[Made]]) -> None:
        self.folder = folder
        (folder / "hub").mkdir(parents=True)
        self.ledger = TimedLedger(folder / "hub" / "ledger.sqlite")
        self.open = story(self.ledger.world)
        self.ledger.record(*self.open)
        self.now_ms = self.ledger.world.clock.ms

    def missing(self, days: int = 0, **asked: Any) -> list[dict[str, Any]]:
        """What is missing so many days later."""
        found = list_missing(Asked(self.folder, **asked), now_ms=self.now_ms + days * DAY_MS)
        return [one.to_json() for one in found.orders]

    def ended(self, days: int = 0, **asked: Any) -> list[dict[str, Any]]:
        """What is missing of the ends of retention so many days later."""
        found = list_missing(Asked(self.folder, **asked), now_ms=self.now_ms + days * DAY_MS)
        return [one.to_json() for one in found.retention]


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Data]:
    """An order to erase that one holder has confirmed, one that both have, and other matters."""
    waiting: list[Made] = []

    def story(world: World) -> list[Made]:
        *events, last = erasure_order(world)
        waiting.append(last)
        return events

    data = Data(tmp_path / "data", story)
    data.open += waiting
    world = data.ledger.world
    data.ledger.record(*erasure_order(world), *seal_order(world)[:-1], *rights_request(world)[:-2])
    yield data
    data.ledger.finish()


def test_who_has_not_confirmed_is_told_with_his_order_and_his_limit(data: Data) -> None:
    ordered, holder = data.open[-3], notice_holders(data.ledger.world)[1]

    (one,) = data.missing()

    assert one == {
        "office": holder.office,
        "office_type": "COUNTY_PSB_HOUSEHOLD",
        "region": "45",
        "order": ordered.header.stream_id.hex(),
        "procedure": "ERASURE_ORDER",
        "ordered_by": ordered.header.producer_office,
        "ordered_at": "2026-03-02 10:00+08:00",
        "index": data.ledger.store.recorded([ordered.header.event_id])[ordered.header.event_id],
        "rule": "R-ERA-1",
        "due_at": "2026-03-06 00:00+08:00",
        "due_ms": data.now_ms + 3 * DAY_MS + 14 * 3_600_000,
        "overdue": False,
    }
    assert [late["overdue"] for late in data.missing(days=4)] == [True]


def test_the_list_is_of_one_region_or_office_and_empty_once_all_have_confirmed(data: Data) -> None:
    holder = notice_holders(data.ledger.world)[1]

    assert [len(data.missing(region=name)) for name in ("45", "44")] == [1, 0]
    assert [len(data.missing(office=name)) for name in (holder.office, "o00000000")] == [1, 0]
    data.ledger.record(data.open[-1])
    assert data.missing() == []


def test_the_record_is_told_to_nobody_and_a_sealed_one_takes_its_order_along(data: Data) -> None:
    """DOMAIN 7.2: what is sealed stands in no list."""
    world, target = data.ledger.world, data.open[0].header.stream_id
    told = json.dumps(data.missing())
    assert target.hex() not in told
    holders, maker, court = notice_holders(world), MatterMaker(world, "SEAL_ORDER"), world.office("43", "COURT")
    body = about(target, holders) | {"official": world.fresh_id()}

    data.ledger.record(maker.event("SealOrdered", court, body, sealed=order(maker, holders, target, "SEAL")))

    assert data.missing() == []


def test_the_verb_says_how_many_are_missing_and_overdue(data: Data) -> None:
    arguments = ["erasures", "missing", "--data", str(data.folder), "--region", "45"]

    told = CliRunner().invoke(app, arguments)
    machine = CliRunner().invoke(app, [*arguments, "--json"])
    nothing = CliRunner().invoke(app, ["erasures", "missing"])

    # The world's days are past.
    assert "1 confirmations are missing, 1 of them overdue" in told.output
    assert notice_holders(data.ledger.world)[1].office in told.output
    assert [one["overdue"] for one in json.loads(machine.stdout)] == [True]
    assert nothing.exit_code != 0


def test_a_running_hub_is_audited_and_tells_the_same(tmp_path: Path) -> None:
    async def main() -> tuple[list[Made], Missing]:
        async with HubServer(tmp_path / "ledger.sqlite") as hub:
            events = erasure_order(hub.world)
            for made in events[:-1]:
                await hub.client.submit_one(hub.world.batches[made.region].batch([made]))
            return events, await asyncio.to_thread(list_missing, Asked(hub=hub.address))

    events, found = asyncio.run(main())

    assert [one.limit.stream_id for one in found.orders] == [events[-1].header.stream_id]
    assert [one.limit.region for one in found.orders] == ["45"]


@pytest.fixture
def ended(tmp_path: Path) -> Iterator[Data]:
    """A data folder in which the notice that regions 44 and 45 hold has reached the end of its retention."""
    data = Data(tmp_path / "data", notification)
    data.ledger.midnight_after(KEPT_DAYS + 2)
    data.ledger.application.run_timers()
    data.now_ms = data.ledger.world.clock.ms
    yield data
    data.ledger.finish()


def confirm(data: Data, region: str, until: int | None = None) -> None:
    """Let a region's gateway confirm what had ended below a size; None is the ledger's own."""
    size = data.ledger.store.size() if until is None else until
    data.ledger.record(*retention_confirmation(data.ledger.world, region, size))


def test_gateways_that_have_not_confirmed_the_end_of_retention_are_listed(ended: Data) -> None:
    """DOMAIN 7.3, 7.4: by rule on a clock as by order, each holder confirms, and what is missing is listed."""
    both = [(one["region"], one["ends"], one["late"]) for one in ended.ended()]
    late = [one["overdue"] for one in ended.ended(days=10)]
    confirm(ended, "45")
    one_left = [one["region"] for one in ended.ended()]
    confirm(ended, "44", until=ended.ended()[0]["index"])
    too_low = [one["region"] for one in ended.ended()]
    confirm(ended, "44")

    assert both == [("44", 1, 0), ("45", 1, 0)]
    assert late == [True, True]
    assert one_left == too_low == ["44"]
    assert ended.ended() == []


def test_an_audit_finds_the_same_as_the_list(ended: Data) -> None:
    confirm(ended, "45")

    tally = audit(ended.ledger.store, ended.ledger.world)

    assert tally.events["RetentionConfirmed"] == 1
    found = [one.to_json() for one in tally.retention.unconfirmed(ended.now_ms)]
    assert found == ended.ended()
    assert [one["region"] for one in found] == ["44"]


def test_the_verb_tells_regions_and_no_record(ended: Data) -> None:
    arguments = ["erasures", "missing", "--data", str(ended.folder)]

    told = CliRunner().invoke(app, arguments)
    machine = CliRunner().invoke(app, [*arguments, "--region", "45", "--json"])

    assert "region 44  1 ends of retention not confirmed, 1 overdue" in told.output
    assert [one["region"] for one in json.loads(machine.stdout)] == ["45"]
    assert ended.open[0].header.stream_id.hex() not in told.output + machine.stdout
