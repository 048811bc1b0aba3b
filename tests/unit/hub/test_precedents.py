"""What is kept of one decision changes no other: with precedents a hub decides as without (`hub.precedent`)."""

from copy import deepcopy
from typing import Any

import pytest

import hub.precedent
from contracts.errors import ExchangeError
from contracts.ids import LeafIndex, StreamId
from contracts.instant import DAY_MS, local_day
from contracts.procedure import load_procedures
from hub.admission import Admitted
from hub.conformance_stage import ELSEWHERE, Act, Place, Stage
from hub.directory import Directory
from hub.matter import Matter, Party
from hub.precedent import Precedents
from tests.support.conformance import Line, files, load

NOTICE = next(one for one in load_procedures().values() if one.id == "RESIDENCE_NOTIFICATION")
SENDING = "ResidenceNoticeSent"


def answer(stage: Stage, act: Act, matter: Matter | None, precedents: Precedents | None) -> Admitted | str:
    try:
        return stage.admit(act, matter, precedents)
    except ExchangeError as error:
        return f"{error.code} {error.field} {error.rule} {error.message}"


@pytest.mark.parametrize("name", files())
def test_every_scenario_has_the_same_answer_after_all_others(name: str) -> None:
    """Offices, rows, states, guards and refusals of a procedure share one set of precedents, and meet it twice."""
    stages: dict[str, Stage] = {}
    shared: dict[str, Precedents] = {}
    differing = []
    for line in [*load(name), *load(name)]:
        stage = stages.setdefault(line.procedure.id, Stage(line.procedure))
        precedents = shared.setdefault(line.procedure.id, Precedents())
        matter: Matter | None = None
        for act in line.before:
            alone = stage.admit(act, matter)
            assert stage.admit(act, matter, precedents) == alone
            matter = alone.matter
        if line.act is not None and answer(stage, line.act, matter, precedents) != answer(
            stage, line.act, matter, None
        ):
            differing.append(line.id)
    assert differing == []


class Play:
    """A notice that is ready to be sent, on a stage whose directory may change, with precedents of its own."""

    def __init__(self) -> None:
        self.line = next(one for one in load("residence_notification_1.jsonl") if sends(one))
        self.stage = Stage(NOTICE)
        self.stage.directory = deepcopy(self.stage.directory)
        self.precedents = Precedents()
        self.matter: Matter | None = None
        for act in self.line.before:
            self.matter = self.stage.admit(act, self.matter, self.precedents).matter
        assert self.line.act is not None
        self.act = self.line.act

    @property
    def directory(self) -> Directory:
        return self.stage.directory

    def send(self, *, days_later: int = 0) -> str:
        """The notice again, or the code of its refusal; nothing is recorded."""
        act = self.act._replace(now_ms=self.act.now_ms + days_later * DAY_MS)
        found = answer(self.stage, act, self.matter, self.precedents)
        assert found == answer(self.stage, act, self.matter, None)
        return "sent" if isinstance(found, Admitted) else found.split(" ", 1)[0]

    def change(self, event_type: str, body: dict[str, Any], stream_id: StreamId | None) -> None:
        assert stream_id is not None
        header = self.stage.header(self.act, self.matter)._replace(event_type=event_type, stream_id=stream_id)
        self.directory.apply(LeafIndex(10_000), header, body)

    def lapse(self, office_type: str, direction: str, region: str) -> None:
        """Let the mandate for the notice end with the day of the act."""
        (mandate,) = (
            one
            for one in self.directory.grants.mandates()
            if (one.region, one.office_type, one.direction) == (region, office_type, direction)
            and SENDING in one.event_types
            and one.revoked_at is None
        )
        self.change("MandateRevoked", {"mandate": mandate.mandate}, mandate.stream_id)
        body = {
            "mandate": bytes(8),
            "region": region,
            "office_type": office_type,
            "procedure": mandate.procedure,
            "event_types": list(mandate.event_types),
            "direction": direction,
            "purpose": mandate.purpose,
            "legal_basis": mandate.legal_basis,
            "valid_from": "2020-01-01",
            "valid_to": local_day(self.act.now_ms).isoformat(),
            "assessment": "PIA-44-2019-1",
            "assessed_on": "2019-12-02",
        }
        self.change("MandateGranted", body, StreamId(bytes(16)))


def sends(line: Line) -> bool:
    return line.act is not None and line.act.event == SENDING and "state" in line.then


def test_an_office_that_closes_sends_no_more() -> None:
    play = Play()
    sender = play.stage.office(play.act.by)

    before = play.send()
    play.change("OfficeClosed", {"office": sender.office, "successor": None}, sender.stream_id)

    assert (before, play.send()) == ("sent", "OFFICE_CLOSED")


def test_a_mandate_to_send_lapses_with_its_last_day() -> None:
    play = Play()
    sender = play.stage.office(play.act.by)
    play.lapse(sender.office_type, "SEND", sender.region)

    assert [play.send(days_later=days) for days in (0, 1, 0)] == ["sent", "MANDATE_LAPSED", "sent"]


def test_a_mandate_to_receive_lapses_with_its_last_day() -> None:
    play = Play()
    (receiver,) = play.act.sealed[0].to
    office = play.stage.office(receiver)
    play.lapse(office.office_type, "RECEIVE", office.region)

    assert [play.send(days_later=days) for days in (0, 1, 0)] == ["sent", "MANDATE_LAPSED", "sent"]


def test_content_for_an_office_whose_key_was_revoked_waits() -> None:
    play = Play()
    (receiver,) = play.act.sealed[0].to
    office = play.stage.office(receiver)

    before = play.send()
    play.change("OfficeKeyRevoked", {"office": office.office, "key_id": office.key.key_id}, office.stream_id)

    assert (before, play.send()) == ("sent", "OFFICE_KEY_ENDED")


def test_what_is_kept_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub.precedent, "KEPT", 8)
    play = Play()

    days = [play.send(days_later=day) for day in range(40)]

    assert days == ["sent"] * 40
    standing = play.precedents.find(play.stage.header(play.act, play.matter), play.stage.rules, play.directory)
    assert standing is None or len(standing.precedents) <= 8


def registration(event: str) -> tuple[Stage, Matter, Act]:
    """A registration, and what a police station may do with it next."""
    wanted = f"accept/REGISTERED/{event}/POLICE_STATION"
    line = next(one for one in load("residence_1.jsonl") if wanted in one.id)
    stage, matter = Stage(line.procedure), None
    for act in line.before:
        matter = stage.admit(act, matter).matter
    assert matter is not None
    assert line.act is not None
    return stage, matter, line.act


def test_whoever_holds_content_is_told_although_nobody_did_in_a_matter_like_it() -> None:
    """Who holds content stands in no key: such a row is decided anew each time."""
    stage, matter, act = registration("RegistrationCorrected")
    holder = stage.office(Place(ELSEWHERE, "COUNTY_PSB_HOUSEHOLD")).office
    precedents = Precedents()

    first = answer(stage, act, matter, precedents)
    second = answer(stage, act, matter._replace(holders=(holder,)), precedents)

    assert isinstance(first, Admitted)
    assert str(second).startswith("RECIPIENTS_MISMATCH")


def test_an_office_acts_in_no_matter_that_is_bound_to_another_one() -> None:
    stage, matter, act = registration("RegistrationEnded")
    other = stage.office(Place(ELSEWHERE, "POLICE_STATION"))
    bound = matter._replace(parties=(Party("DESTINATION", "POLICE_STATION", other.region, other.office),))
    precedents = Precedents()

    first = answer(stage, act, matter, precedents)
    second = answer(stage, act, bound, precedents)

    assert isinstance(first, Admitted)
    assert str(second).startswith("ACTOR_FORBIDDEN")
