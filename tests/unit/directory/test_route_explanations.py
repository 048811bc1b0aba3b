"""Who is told of an event and who is not is explained by the very function that decides it (DOMAIN 9.3, 9.4)."""

from typing import Any

import pytest

from contracts.event import Header, encode_event, leaf_hash
from contracts.procedure import load_procedures
from contracts.profile import own_fields
from hub.conformance_stage import MORNING_MS, Act, Place, Stage
from hub.directory import Directory
from hub.matter import Matter, advance, match_row
from hub.route_explanation import Explanation, explain_route
from hub.routing import route

TRANSFER = load_procedures()["CORRECTION_TRANSFER", 1]
OLD = Place("SENDING", "COUNTY_CORRECTION")
NEW = Place("RECEIVING", "COUNTY_CORRECTION")
JUDICIAL = Place("SENDING", "JUDICIAL_OFFICE")
ID = bytes(range(1, 17))
REQUEST = {"notice_id": ID, "ground": "FAMILY", "papers": ["APPLICATION"]}
DECISION = {
    "decision": "TRANSFER",
    "deciding_body": "COURT",
    "official": ID,
    "complaint_way_told": True,
    "told_on": None,
}


class Walk:
    """A transfer on its way, with an explanation of every step."""

    def __init__(self) -> None:
        self.stage = Stage(TRANSFER)
        self.matter: Matter | None = None

    def step(
        self, event: str, by: Place, body: dict[str, Any], *, names: Place | None = None, is_routed: bool = True
    ) -> Explanation:
        act = Act(event, by, MORNING_MS, body, names, (), TRANSFER.purpose, TRANSFER.legal_bases[0])
        header = self.stage.header(act, self.matter)
        row = match_row(TRANSFER, self.matter, header, body, self.stage.directory)
        after = self._after(header, body)
        found = explain_route(TRANSFER, row, after, header, body, self.stage.directory, earlier=self.matter)
        if is_routed:
            routed = route(row, after, header, body, self.stage.directory, earlier=self.matter)
            assert [(one.office, one.point, one.profile) for one in found.told] == [one[:3] for one in routed]
        self.matter = after
        return found

    def _after(self, header: Header, body: dict[str, Any]) -> Matter:
        return advance(TRANSFER, self.matter, header, body, self.stage.directory, leaf_hash(encode_event(header)))

    def requested(self) -> Explanation:
        return self.step("TransferRequested", JUDICIAL, REQUEST, names=NEW)

    def decided(self) -> Explanation:
        self.requested()
        self.step("OpinionAsked", OLD, {})
        self.step("OpinionGiven", NEW, {"opinion": "AGREE"})
        return self.step("TransferDecided", OLD, DECISION)


def reasons(found: Explanation) -> dict[str, set[str]]:
    by_why: dict[str, set[str]] = {}
    for one in found.not_told:
        by_why.setdefault(one.why, set()).add(one.who.split(" ")[0] if one.why == "NOT_NAMED" else one.who)
    return by_why


def test_who_is_told_stands_there_with_mandate_profile_and_point() -> None:
    walk = Walk()
    found = walk.decided()

    told = {(one.side, one.office_type): one for one in found.told}
    court = told["SENDING", "COURT"]
    assert told.keys() == {
        ("SENDING", "COURT"),
        ("SENDING", "PROCURATORATE"),
        ("SENDING", "COUNTY_PSB"),
        ("RECEIVING", "COUNTY_CORRECTION"),
    }
    assert (court.profile, court.point, court.replaces) == ("NP-COR-COPY", "44-440106", None)
    assert court.mandate is not None
    assert (court.mandate.direction, court.mandate.procedure) == ("RECEIVE", "CORRECTION_TRANSFER")
    assert told["RECEIVING", "COUNTY_CORRECTION"].profile is None


def test_who_is_not_told_stands_there_with_the_reason() -> None:
    found = Walk().decided()

    why = reasons(found)
    assert why["WHEN_NOT_MET"] == {"SENDING PRISON"}
    assert "NP-COR-FILE" in why["OTHER_EVENT"]
    assert "NP-COR-COPY" not in why["OTHER_EVENT"]
    (prison,) = (one for one in found.not_told if one.why == "WHEN_NOT_MET")
    assert prison.reason == "deciding_body is COURT; NP-COR-COPY goes there only with PRISON"


def test_an_office_of_the_matter_that_no_line_names_is_mentioned() -> None:
    walk = Walk()
    walk.requested()
    found = walk.step("OpinionAsked", OLD, {})

    judicial = walk.stage.office(Place("SENDING", "JUDICIAL_OFFICE")).office
    assert reasons(found)["NOT_NAMED"] == {judicial}


def test_the_producing_office_is_mentioned() -> None:
    walk = Walk()
    walk.requested()
    found = walk.step("TransferWithdrawn", OLD, {})

    assert reasons(found)["PRODUCER"] == {walk.stage.office(OLD).office}
    assert found.told == ()


def test_what_refuses_the_event_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is a county's point any more: a case cannot go there."""
    walk = Walk()
    monkeypatch.setattr(Directory, "point", lambda *_: None)

    found = walk.step("TransferRequested", JUDICIAL, REQUEST, names=NEW, is_routed=False)

    assert found.refusal is not None
    assert found.refusal.code == "POINT_NOT_COUNTY"
    assert found.told == ()


@pytest.mark.parametrize(("profile", "fields"), [("NP-COR-OPINION", ("stream_id", "opinion", "reasons"))])
def test_a_profile_has_its_own_fields(profile: str, fields: tuple[str, ...]) -> None:
    assert own_fields(profile) == fields
