"""Each overdue duty and each limit to come is told with the event and the rule that make it so (DOMAIN 4.1)."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer import Typer
from typer.testing import CliRunner

from adapters.cli.dues import due_command, explain_command, overdue_command
from adapters.compose.dues import Asked, list_due, list_overdue, list_running
from adapters.store.opening import open_store
from contracts.errors import ExchangeError
from contracts.instant import DAY_MS
from hub.submission import Outcome
from tests.support.batches import Made
from tests.support.hub_server import HubServer
from tests.support.matters import MatterMaker, correction, notification, permit
from tests.support.world import World


class Data:
    """A data folder with a permit, a notice that waits and a transfer that waits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "hub" / "ledger.sqlite"
        self.file.parent.mkdir(parents=True)
        self.world = World()
        self.store = open_store(self.file)
        self.application = self.world.found(self.store)
        self.permit = self.record(permit(self.world))
        self.notice = self.record(notification(self.world)[:3])
        self.transfer = self.record(correction(self.world)[:2])

    def record(self, events: list[Made]) -> list[Made]:
        """Record events one after another."""
        for made in events:
            (answer,) = self.application.submit([self.world.batches[made.region].batch([made])])
            assert [result.outcome for result in answer.results] == [Outcome.ACCEPTED]
        return events

    def after(self, days: int) -> int:
        """An instant so many days after the world began."""
        return self.world.clock.ms + days * DAY_MS


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Data]:
    data = Data(tmp_path / "data")
    yield data
    data.store.close()


def rules(found: list[Any]) -> list[str]:
    return [report.running.rule for report in found]


def test_an_overdue_duty_is_told_with_event_rule_and_calendar(data: Data) -> None:
    found = list_overdue(Asked(data.folder), now_ms=data.after(9))

    notice = next(report for report in found if report.running.rule == "R-ACK-1")
    told = notice.to_json()
    assert rules(found) == ["R-ACK-1", "R-COR-3"]
    assert told["due_at"] == "2026-03-05 00:00+08:00"
    assert told["started_by"]["event"] == "ResidenceNoticeDelivered"
    assert (
        told["started_by"]["index"]
        == data.store.recorded([data.notice[2].header.event_id])[data.notice[2].header.event_id]
    )
    assert (told["counted"]["unit"], told["counted"]["amount"], told["counted"]["mark"]) == ("WORKING_DAY", 2, "P")
    transfer = found[1].to_json()
    assert transfer["counted"]["source"] == "社区矫正法实施办法 30"
    assert transfer["counted"]["moved_from"] == "2026-03-07"
    assert [day["day"] for day in transfer["counted"]["passed_by"]] == ["2026-03-07", "2026-03-08"]
    assert any("passed by: 2026-03-07 Saturday, 2026-03-08 Sunday" in line for line in found[1].lines())


def test_a_recorded_miss_stays_overdue_until_the_duty_is_met(data: Data) -> None:
    data.world.clock.ms = data.after(9)
    assert data.application.run_timers() == 2

    assert len(list_overdue(Asked(data.folder), now_ms=data.world.clock.ms)) == 2
    maker = MatterMaker(data.world, "RESIDENCE_NOTIFICATION")
    last = data.notice[-1]
    maker.stream_id, maker.next_seq = last.header.stream_id, 3
    maker.head = data.application._matters[last.header.stream_id].head
    office = data.world.office("45", "COUNTY_PSB_HOUSEHOLD")
    data.record([maker.event("ResidenceNoticeDisputed", office, {"reason": "NOT_OUR_HOUSEHOLD"})])
    assert rules(list_overdue(Asked(data.folder), now_ms=data.world.clock.ms)) == ["R-COR-3"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"region": "44"}, []),
        ({"region": "45"}, ["R-ACK-1"]),
        ({"rule": "R-COR-3"}, ["R-COR-3"]),
        ({"office": "o00000000"}, []),
    ],
    ids=map(str, range(4)),
)
def test_the_list_is_of_one_region_rule_or_office(data: Data, asked: dict[str, Any], expected: list[str]) -> None:
    assert rules(list_overdue(Asked(data.folder, **asked), now_ms=data.after(9))) == expected


def test_an_office_that_acted_finds_its_own(data: Data) -> None:
    office = data.world.office("45", "COUNTY_PSB_HOUSEHOLD").office

    assert rules(list_overdue(Asked(data.folder, office=office), now_ms=data.after(9))) == ["R-ACK-1"]


def test_the_forecast_names_what_falls_due_and_nothing_that_is_past(data: Data) -> None:
    now = data.world.clock.ms

    assert rules(list_due(Asked(data.folder), 1, now_ms=now)) == []
    assert rules(list_due(Asked(data.folder), 3, now_ms=now)) == ["R-ACK-1"]
    assert rules(list_due(Asked(data.folder), 8, now_ms=now)) == ["R-ACK-1", "R-COR-3"]
    assert rules(list_due(Asked(data.folder), 8, now_ms=data.after(4))) == ["R-COR-3"]


def test_a_person_is_to_be_reminded_thirty_and_seven_days_before_the_full_year(data: Data) -> None:
    """The days are those that the suspension names; nothing is recorded for them."""
    size = data.store.size()
    found = list_due(Asked(data.folder, region="44"), 366, now_ms=data.world.clock.ms)

    reminders = [one.to_json() for one in found if one.remind_at_ms is not None]
    assert [(one["rule"], one["remind_on"]) for one in reminders] == [
        ("R-RES-4", "2027-01-31"),
        ("R-RES-4", "2027-02-23"),
    ]
    assert {one["kind"] for one in reminders} == {"WINDOW"}
    data.world.clock.ms = data.after(366)
    data.application.run_timers()
    assert data.store.size() > size
    assert rules(list_due(Asked(data.folder, region="44"), 366, now_ms=data.world.clock.ms)) == []


def test_a_limit_into_a_year_without_calendar_says_so_everywhere(data: Data) -> None:
    found = list_running(Asked(data.folder, matter=data.permit[0].header.stream_id))

    assert rules(found) == ["R-RES-4", "R-RES-5"]
    assert all(report.to_json()["calendar_assumed"] for report in found)
    assert all("calendar assumed" in report.lines()[0] for report in found)
    assert {report.to_json()["counted"]["working_days_from"] for report in found} == {"ASSUMED"}


def test_a_hub_is_asked_through_an_audit(data: Data) -> None:
    expected = [report.to_json() for report in list_overdue(Asked(data.folder), now_ms=data.after(9))]
    data.store.close()

    async def over_grpc() -> list[Any]:
        async with HubServer(data.file, world=data.world) as hub:
            return await asyncio.to_thread(list_overdue, Asked(hub=hub.address), now_ms=data.after(9))

    assert [report.to_json() for report in asyncio.run(over_grpc())] == expected


def test_the_commands_tell_people_and_machines_the_same(data: Data) -> None:
    app = Typer()
    app.command("overdue")(overdue_command)
    app.command("due")(due_command)
    app.command("explain")(explain_command)
    matter = data.transfer[0].header.stream_id.hex()

    text = CliRunner().invoke(app, ["explain", matter, "--data", str(data.folder)])
    machine = CliRunner().invoke(app, ["explain", matter, "--data", str(data.folder), "--json"])
    unknown = CliRunner().invoke(app, ["explain", "0" * 32, "--data", str(data.folder), "--json"])
    forecast = CliRunner().invoke(app, ["due", "--days", "3660", "--data", str(data.folder), "--region", "44"])
    nowhere = CliRunner().invoke(app, ["overdue", "--json"])

    assert text.exit_code == machine.exit_code == forecast.exit_code == 0
    assert "5 CALENDAR_DAY, 社区矫正法实施办法 30 [C], calendar cn" in text.output
    (row,) = json.loads(machine.output)
    assert (row["rule"], row["edition"], row["office_type"]) == ("R-COR-3", 1, "COUNTY_CORRECTION")
    assert unknown.exit_code != 0
    assert "NOT_FOUND" in unknown.output
    assert "SETTINGS_INVALID" in nowhere.output


def test_an_event_dated_in_the_future_starts_no_limit(data: Data) -> None:
    maker = MatterMaker(data.world, "CORRECTION_TRANSFER")
    office = data.world.office("44", "JUDICIAL_OFFICE")
    early = correction(data.world)[0].header
    body = data.world.rules.registry.decode_body(early.body)[1]
    made = maker.event("TransferRequested", office, body, occurred_at=early.occurred_at + 2 * DAY_MS)

    (answer,) = data.application.submit([data.world.batches["44"].batch([made])])

    assert answer.results[0].refusal is not None
    assert (answer.results[0].refusal.code, answer.results[0].refusal.field) == ("OCCURRED_IN_FUTURE", "occurred_at")
    with pytest.raises(ExchangeError, match="NOT_FOUND"):
        list_running(Asked(data.folder, matter=maker.stream_id))
