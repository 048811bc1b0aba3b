"""What a region takes in when the outside is late, gives too little or gives something else than was asked for."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from adapters.nats import intake
from adapters.nats.intake import Intake, Ports
from adapters.nats.messages import encode_run
from contracts.errors import EvidenceError, UnavailableError
from contracts.ids import Hash, LeafIndex, PointId, RegionCode
from hub.notification import KeyAt, NotificationRun
from hub.run_builder import RunBuilder
from tests.support.delivering_ledger import DeliveringLedger
from tests.support.delivery import RegionSide

pytestmark = pytest.mark.integration

POINT = PointId("45-node")


@pytest.fixture
def side(ledger: DeliveringLedger, tmp_path: Path) -> Iterator[RegionSide]:
    """Region 45, with three commits of two notices each waiting for it."""
    for _ in range(3):
        ledger.notices(2)
    one = RegionSide(world=ledger.world, region="45", reader=ledger.store, path=tmp_path / "region.sqlite")
    yield one
    one.database.close()


def taking(side: RegionSide, ports: Ports | None = None) -> Intake:
    return Intake(region=RegionCode("45"), store=side.store, ports=ports or side.ports())


def runs(ledger: DeliveringLedger) -> list[NotificationRun]:
    builder = RunBuilder(ledger.store)
    return [builder.build(run) for run in ledger.store.runs(POINT, 1, 10)]


def giving(side: RegionSide, given: list[NotificationRun]) -> Ports:
    """An exchange that answers with these runs, whatever is asked for."""

    async def fetch(point: PointId, from_n: int) -> AsyncIterator[bytes]:
        for run in given:
            yield encode_run(run)

    return side.ports()._replace(fetch_runs=fetch)


def test_missing_runs_are_taken_before_the_one_that_showed_the_gap(ledger: DeliveringLedger, side: RegionSide) -> None:
    taken = taking(side)

    asyncio.run(taken.take(POINT, encode_run(runs(ledger)[2])))
    taken.flush()

    assert [one.n for one in side.store.received_after(0, 10)] == [1, 2, 3, 4, 5, 6]
    assert side.fetched == [(POINT, 1)]


def test_an_exchange_that_gives_too_little_is_asked_again_later(ledger: DeliveringLedger, side: RegionSide) -> None:
    """What came and holds is kept; the run that showed the gap waits."""
    first, _, third = runs(ledger)
    taken = taking(side, giving(side, [first]))

    with pytest.raises(UnavailableError, match="GAP_OPEN"):
        asyncio.run(taken.take(POINT, encode_run(third)))
    taken.flush()

    assert side.store.standings()[POINT][0] == 2


def test_an_exchange_that_gives_another_history_stops_the_line(ledger: DeliveringLedger, side: RegionSide) -> None:
    first, _, third = runs(ledger)
    taken = taking(side, giving(side, [first._replace(head_after=Hash(b"\7" * 32))]))

    with pytest.raises(EvidenceError, match="HEAD_MISMATCH"):
        asyncio.run(taken.take(POINT, encode_run(third)))
    taken.flush()

    assert side.store.count() == 0


def test_an_exchange_that_leaves_a_gap_itself_stops_the_line(ledger: DeliveringLedger, side: RegionSide) -> None:
    _, second, third = runs(ledger)
    taken = taking(side, giving(side, [second]))

    with pytest.raises(EvidenceError, match="RUN_INVALID"):
        asyncio.run(taken.take(POINT, encode_run(third)))


def test_runs_that_do_not_come_in_time_are_asked_for_again(
    ledger: DeliveringLedger, side: RegionSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(point: PointId, from_n: int) -> AsyncIterator[bytes]:
        await asyncio.sleep(3600)
        yield b""

    monkeypatch.setattr(intake, "GAP_SECONDS", 0.05)
    taken = taking(side, side.ports()._replace(fetch_runs=never))

    with pytest.raises(UnavailableError, match="GAP_OPEN"):
        asyncio.run(taken.take(POINT, encode_run(runs(ledger)[2])))


def test_a_directory_that_stays_behind_is_waited_for_and_not_guessed(
    ledger: DeliveringLedger, side: RegionSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(index: LeafIndex) -> KeyAt:
        await asyncio.sleep(3600)
        raise AssertionError("nobody waits so long")

    monkeypatch.setattr(intake, "DIRECTORY_SECONDS", 0.05)
    taken = taking(side, side.ports()._replace(directory_through=never))

    with pytest.raises(UnavailableError, match="DIRECTORY_BEHIND"):
        asyncio.run(taken.take(POINT, encode_run(runs(ledger)[0])))

    assert taken.standings == {}


def test_a_run_that_is_known_in_part_adds_the_rest(ledger: DeliveringLedger, side: RegionSide) -> None:
    """Not what a hub of ours sends; still each notification is stored once."""
    whole = taking(side)
    asyncio.run(whole.take(POINT, encode_run(runs(ledger)[0])))
    (first, _) = whole._fresh
    side.store.store([first])
    taken = taking(side)

    asyncio.run(taken.take(POINT, encode_run(runs(ledger)[0])))
    taken.flush()

    assert [one.n for one in side.store.received_after(0, 10)] == [1, 2]


@pytest.mark.parametrize("point", ["44-node", "45-450103"])
def test_a_run_on_the_subject_of_another_point_stops_the_line(
    ledger: DeliveringLedger, side: RegionSide, point: str
) -> None:
    with pytest.raises(EvidenceError, match="RUN_INVALID"):
        asyncio.run(taking(side).take(PointId(point), encode_run(runs(ledger)[0])))
