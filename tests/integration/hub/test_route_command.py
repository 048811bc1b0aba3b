"""`pprd procedure route` explains recorded events, event files and drafts from a ledger's own data."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters.cli.main import app
from adapters.compose import views
from adapters.compose.folder import DataFolder
from adapters.compose.routes import explain
from adapters.compose.views import LedgerView
from adapters.store.opening import open_store
from hub.submission import Outcome
from tests.support.batches import Made
from tests.support.matters import notification
from tests.support.world import World


class Played:
    """A ledger with one residence notice."""

    def __init__(self, path: Path) -> None:
        self.world = World()
        self.store = open_store(path)
        application = self.world.found(self.store)
        self.events = notification(self.world)
        for made in self.events[:3]:
            (answer,) = application.submit([self.world.batches[made.region].batch([made])])
            assert answer.results[0].outcome is Outcome.ACCEPTED

    @property
    def view(self) -> LedgerView:
        """What the verbs ask."""
        return views._InFolder(self.store)

    def made(self, event_type: str) -> Made:
        """One of the matter's events."""
        return next(made for made in self.events if made.header.event_type == event_type)


@pytest.fixture
def played(tmp_path: Path) -> Played:
    return Played(tmp_path / "ledger.sqlite")


def test_a_recorded_event_is_explained(played: Played) -> None:
    found = explain(played.made("ResidenceNoticeSent").header.event_id.hex(), played.view)

    (told,) = found.told
    assert (found.procedure, found.source, found.target) == ("RESIDENCE_NOTIFICATION", "PREPARED", "SENT")
    assert (told.region, told.office_type, told.profile) == ("45", "COUNTY_PSB_HOUSEHOLD", "NP-RES")
    assert told.mandate is not None


def test_the_bytes_of_an_event_that_is_not_recorded_are_explained(played: Played, tmp_path: Path) -> None:
    path = tmp_path / "event"
    path.write_bytes(played.made("ResidenceNoticeAcknowledged").event)

    found = explain(str(path), played.view)

    assert [(one.side, one.profile) for one in found.told] == [("DESTINATION", None)]


def test_a_draft_is_explained(played: Played, tmp_path: Path) -> None:
    header = played.made("ResidenceNoticeAcknowledged").header
    draft = {
        "matter": str(header.stream_id.hex()),
        "procedure": header.procedure,
        "event": "ResidenceNoticeDisputed",
        "office": header.producer_office,
        "occurred_at": "2026-03-02T10:00:00+08:00",
        "body": {"reason": "DUPLICATE"},
    }
    path = tmp_path / "draft.json"
    path.write_text(json.dumps(draft), encoding="utf-8")

    found = explain(str(path), played.view)

    assert (found.event, found.target) == ("ResidenceNoticeDisputed", "DISPUTED")
    assert [one.side for one in found.told] == ["DESTINATION"]


def test_the_verb_tells_it_to_people_and_machines(
    played: Played, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(DataFolder, "ledger", lambda _: played.store)
    monkeypatch.setattr(type(played.store), "close", lambda _: None)
    event_id = played.made("ResidenceNoticeSent").header.event_id.hex()
    words = ["procedure", "route", event_id, "--data", str(tmp_path)]

    shown = CliRunner().invoke(app, words)
    read = CliRunner().invoke(app, [*words, "--json"])
    nothing = CliRunner().invoke(app, ["procedure", "route", "no-such-file", "--data", str(tmp_path)])

    value = json.loads(read.stdout)
    assert shown.exit_code == 0, shown.output
    assert "NP-RES (identity, county, date, change)" in " ".join(shown.output.split())
    assert value["told"][0]["fields"] == ["identity", "county", "date", "change"]
    assert value["told"][0]["legal_basis"] == "LB-RES-07"
    assert {one["why"] for one in value["not_told"]} <= {"NOT_NAMED", "OTHER_EVENT"}
    assert nothing.exit_code == 3
