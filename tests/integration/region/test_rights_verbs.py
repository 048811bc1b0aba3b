"""`pprd rights`: what a person is told, in both languages, and who has still to act (DOMAIN 7.1)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner, Result

from adapters.cli.main import app
from adapters.compose.extracts import read_extract
from adapters.store.opening import open_store
from hub.extract_report import ExtractReport
from tests.support.batches import Made
from tests.support.clearances import ClearanceMaker
from tests.support.delivering_ledger import DeliveringLedger
from tests.support.kept_ledger import opening
from tests.support.matters import notification, permit
from tests.support.order_matters import erasure_order, rights_request, seal_order
from tests.support.world import World


class Folder:
    """A data folder with a hub's ledger."""

    def __init__(self, data: Path) -> None:
        (data / "hub").mkdir(parents=True)
        self.data = data
        self.ledger = DeliveringLedger(open_store(data / "hub" / "ledger.sqlite"))

    @property
    def world(self) -> World:
        """Who acts."""
        return self.ledger.world

    def record(self, *made: Made) -> None:
        """Record events one by one."""
        for one in made:
            self.ledger.record([one])

    def rights(self, verb: str, matter: bytes, *options: str, lang: str = "en") -> Result:
        """What a verb prints."""
        words = ["--lang", lang, "rights", verb, str(UUID(bytes=matter)), "--data", str(self.data), *options]
        return CliRunner().invoke(app, words, env={"COLUMNS": "200"})

    def rows(self, verb: str, matter: bytes) -> Any:
        """The same for machines."""
        return json.loads(self.rights(verb, matter, "--json").stdout)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "data")


def test_an_account_names_what_is_held_and_who_got_it(folder: Folder) -> None:
    record = rights_request(folder.world)[:2]
    folder.record(*record)
    matter = record[0].header.stream_id

    found = folder.rows("extract", matter)

    assert [act["event"] for act in found["acts"]] == [made.header.event_type for made in record]
    (content,) = found["contents"]
    assert content["profile"] == "NP-RES"
    assert content["held"] == "HELD"
    assert [office["type"] for office in content["to"]] == ["COUNTY_PSB_HOUSEHOLD"]
    assert content["openings"] == []


def test_an_account_is_told_in_plain_words_of_both_languages(folder: Folder) -> None:
    record = rights_request(folder.world)[:2]
    folder.record(*record)
    matter = record[0].header.stream_id

    english, chinese = (folder.rights("extract", matter, lang=lang).stdout for lang in ("en", "zh"))

    assert "never opened" in english
    assert "residence notice sent" in english
    assert "从未被查阅" in chinese
    assert "居住登记信息" in chinese


def test_an_account_lists_openings_by_office_and_purpose_and_names_no_officer(folder: Folder) -> None:
    record = rights_request(folder.world)[:2]
    folder.record(*record)
    reader = folder.world.office("45", "COUNTY_PSB_HOUSEHOLD")
    request = opening(folder.world, record[1])
    folder.ledger.application.open_payload(request)

    (content,) = folder.rows("extract", record[0].header.stream_id)["contents"]
    (read,) = content["openings"]

    assert read["office"]["office"] == reader.office
    assert (read["purpose"], read["reason"]) == ("RESIDENCE_NOTICE", "TASK")
    printed = folder.rights("extract", record[0].header.stream_id).stdout
    assert request.officer.hex() not in printed.replace("-", "")


@pytest.mark.parametrize(("event", "listed"), [("PersonTold", ["EMERGENCY"]), ("TellingWithheld", [])])
def test_an_emergency_opening_is_listed_once_the_person_was_told_of_it(
    folder: Folder, event: str, listed: list[str]
) -> None:
    """个人信息保护法 18: told when it is over; what an official withholds is not told by an account either."""
    world, record = folder.world, notification(folder.world, "44", "45")
    asker, officer = world.office("45", "COUNTY_PSB_HOUSEHOLD"), world.office("45", "PI_OFFICER")
    clearance = ClearanceMaker(world, "EMERGENCY", asker, record[1].header)
    approvers = world.office("45", "TOWN_OFFICE"), world.office("44", "TOWN_OFFICE")
    folder.record(*record, *clearance.cleared(*approvers))
    clearance.follow(folder.ledger.application.open_payload(clearance.request()).access_event)
    said = {"told_on": clearance.day()} if event == "PersonTold" else {"reason": "DANGER_TO_OTHERS"}

    def reasons() -> list[str]:
        (content,) = folder.rows("extract", record[0].header.stream_id)["contents"]
        return [one["reason"] for one in content["openings"]]

    before = reasons()
    folder.record(clearance.event("EmergencyEnded", asker))
    folder.record(clearance.event(event, officer, said | {"official": world.fresh_id()}))

    assert before == []
    assert reasons() == listed


def test_a_correction_stays_open_until_every_holder_confirmed(folder: Folder) -> None:
    *before, last, closed = rights_request(folder.world)
    folder.record(*before)
    matter = before[0].header.stream_id

    (order,) = folder.rows("follow", matter)
    assert [office["office"] for office in order["missing"]] == [last.header.producer_office]
    assert order["due_at"] is not None
    assert folder.rights("follow", matter).exit_code == 1

    folder.record(last, closed)

    (order,) = folder.rows("follow", matter)
    assert (order["missing"], order["not_asked"]) == ([], [])
    assert folder.rights("follow", matter).exit_code == 0


def test_who_got_content_after_a_request_was_sent_out_is_named(folder: Folder) -> None:
    made = rights_request(folder.world)
    folder.record(*made)
    extract = read_extract(made[0].header.stream_id, data=folder.data, hub=None)
    (order,) = extract.orders
    first, second = order.asked

    late = order._replace(asked=(first,))
    told = {s: list(ExtractReport(extract).order_lines(late._replace(state=s)))[-1] for s in ("ROUTED", "DECIDED")}
    assert extract.not_asked(late) == (second,)
    assert told["ROUTED"].endswith("asked before it is decided")
    assert told["DECIDED"].endswith("not asked")


def test_erased_content_is_told_as_destroyed(folder: Folder) -> None:
    made = erasure_order(folder.world)
    folder.record(*made)

    found = folder.rows("extract", made[0].header.stream_id)

    assert {content["held"] for content in found["contents"]} == {"ERASED"}


@pytest.mark.parametrize("verb", ["extract", "follow", "history"])
def test_a_sealed_record_answers_as_one_that_does_not_exist(folder: Folder, verb: str) -> None:
    made = seal_order(folder.world)
    folder.record(*made)

    sealed = folder.rights(verb, made[0].header.stream_id)
    unknown = folder.rights(verb, folder.world.fresh_id())

    assert sealed.exit_code == unknown.exit_code == 3
    assert sealed.output == unknown.output


def test_the_history_of_a_permit_holds_acts_and_dates(folder: Folder) -> None:
    made = permit(folder.world)
    folder.record(*made)

    found = json.loads(folder.rights("history", made[0].header.stream_id).stdout)

    assert found["format"] == "pprd-history/v1"
    assert [act["event"] for act in found["acts"]] == [one.header.event_type for one in made]
    assert any(act["dates"] for act in found["acts"])


def test_other_records_are_not_carried_elsewhere(folder: Folder) -> None:
    made = rights_request(folder.world)[:1]
    folder.record(*made)

    refused = folder.rights("history", made[0].header.stream_id)

    assert refused.exit_code == 3
    assert "NOT_PORTABLE" in refused.output


@pytest.mark.parametrize(("lang", "word"), [("en", "county psb household"), ("zh", "居住证")])
def test_the_rules_of_a_procedure_are_explained(lang: str, word: str) -> None:
    words = ["--lang", lang, "rights", "explain", "RESIDENCE_PERMIT", "--region", "44"]
    found = CliRunner().invoke(app, words, env={"COLUMNS": "200"})

    assert found.exit_code == 0
    assert "LB-RES-09" in found.stdout
    assert word in found.stdout


def test_a_procedure_that_does_not_exist_is_not_explained() -> None:
    found = CliRunner().invoke(app, ["rights", "explain", "NOTHING", "--region", "44"])

    assert found.exit_code == 3
    assert "NOT_FOUND" in found.output


LISTS = (
    ("stream", "{matter}"),
    ("explain", "{matter}"),
    ("overdue",),
    ("replay", "--at", "2026-12-31", "--stream", "{matter}"),
    ("rights", "extract", "{matter}"),
    ("rights", "follow", "{matter}"),
)


@pytest.mark.parametrize("words", LISTS, ids=lambda words: " ".join(words[:2]))
def test_a_sealed_record_stands_in_no_list_of_a_folder(folder: Folder, words: tuple[str, ...]) -> None:
    """DOMAIN 7.2: it leaves every list, and who asks for it gets what who asks for nothing gets."""
    made = seal_order(folder.world)
    record, order = made[:-3], made[-3:]
    folder.record(*record[:3])
    matter, unknown = made[0].header.stream_id, folder.world.fresh_id()

    def said(about: bytes) -> tuple[int, str]:
        text = str(UUID(bytes=about))
        line = [word.format(matter=text) for word in words]
        found = CliRunner().invoke(app, [*line, "--data", str(folder.data)], env={"COLUMNS": "200"})
        return found.exit_code, found.output.replace(text, "THIS")

    before = said(matter)
    folder.record(*order)

    assert before != said(matter) or words[:2] == ("rights", "follow")
    assert said(matter) == said(unknown)
    assert "THIS" not in said(matter)[1].replace("no matter THIS", "")
