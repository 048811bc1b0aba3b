"""Mandates lapse, keys of offices end, and content crosses to Hong Kong on a signed basis (DOMAIN 9.5, 9.6, 10)."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.compose.key_ends import ending_keys
from contracts.cross_border import basis_id, basis_tbs
from contracts.errors import ExchangeError
from contracts.ids import OfficeId
from contracts.instant import DAY_MS, local_day
from contracts.signing import sign
from contracts.suite import office_key
from hub.grants import Wanted
from tests.support.audit import audit
from tests.support.batches import Made
from tests.support.changing_ledger import ChangingLedger
from tests.support.matters import Sealed, correction, notification, synthetic_person
from tests.support.world import COUNTIES, World


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[ChangingLedger]:
    made = ChangingLedger(tmp_path / "ledger.sqlite", World(counties={**COUNTIES, "81": "810000"}))
    yield made
    audit(made.store, made.world)
    made.store.close()


def terms(world: World, **changes: Any) -> dict[str, Any]:
    """A basis for such questions from Guangdong to Hong Kong, signed by Guangdong."""
    body: dict[str, Any] = {
        "region": "44",
        "to_region": "81",
        "assessment": "SEC-2026-1",
        "assessed_on": "2026-01-15",
        "event_types": ["OpinionAsked"],
        "profiles": ["NP-COR-ASK"],
        "valid_from": "2026-02-01",
        "valid_to": "2026-12-31",
    } | changes
    gateway = world.gateways["44"]
    signature = sign(gateway.keys["batch"], basis_tbs(body))
    return {"basis": basis_id(body)} | body | {"key_id": gateway.key_id("batch"), "signature": signature}


def to_hong_kong(world: World) -> list[Made]:
    """A question about a change of place that an office in region 81 is asked."""
    return correction(world, "44", "81")[:2]


def codes(ledger: ChangingLedger, *events: Any) -> list[str | None]:
    return [None if refusal is None else refusal.code for refusal in ledger.send(*events)]


def test_content_goes_to_hong_kong_on_a_basis_that_region_and_hub_signed_and_on_no_other(
    ledger: ChangingLedger,
) -> None:
    world = ledger.world
    body = terms(world)
    first, second, third = (to_hong_kong(world) for _ in range(3))
    ledger.record(first[0], second[0], third[0])

    before = codes(ledger, first[1])
    ledger.draft("CrossBorderBasisRegistered", **body)
    with_basis = codes(ledger, first[1])
    ledger.draft("CrossBorderBasisRevoked", basis=body["basis"])
    revoked = codes(ledger, second[1])
    ledger.draft("CrossBorderBasisRegistered", **terms(world, event_types=["OpinionGiven"]))
    other_event = codes(ledger, second[1])
    ledger.draft("CrossBorderBasisRegistered", **terms(world, valid_to="2026-03-01"))
    ran_out = codes(ledger, third[1])

    missing = ["CROSS_BOUNDARY_BASIS_MISSING"]
    assert [before, with_basis, revoked, other_event, ran_out] == [missing, [None], missing, missing, missing]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"signature": bytes(64)}, "SIGNATURE_INVALID", id="not signed by the region"),
        pytest.param({"assessment": "SEC-2026-2"}, "BODY_FIELD", id="other terms than the id says"),
        pytest.param({"key_id": bytes(8)}, "KEY_UNKNOWN", id="an unknown key"),
        pytest.param({"profiles": []}, "BODY_FIELD", id="no profile"),
        pytest.param({"assessed_on": "2026-02-02"}, "BODY_FIELD", id="assessed after it began"),
    ],
)
def test_a_basis_that_the_region_did_not_sign_so_is_refused(
    ledger: ChangingLedger, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(ExchangeError) as error:
        ledger.draft("CrossBorderBasisRegistered", **terms(ledger.world) | changes)

    assert error.value.code == code
    assert list(ledger.application.directory.grants.bases()) == []


def test_a_basis_signed_with_the_key_of_another_region_is_refused(ledger: ChangingLedger) -> None:
    body, other = terms(ledger.world), ledger.world.gateways["45"]
    changed = {"key_id": other.key_id("batch"), "signature": sign(other.keys["batch"], basis_tbs(body))}

    with pytest.raises(ExchangeError) as error:
        ledger.draft("CrossBorderBasisRegistered", **body | changed)

    assert error.value.code == "PRODUCER_MISMATCH"


def test_a_mandate_that_lapses_in_the_middle_of_a_matter_refuses_the_next_act_and_says_when(
    ledger: ChangingLedger,
) -> None:
    world = ledger.world
    events = notification(world)
    ledger.record(*events[:3])
    old = next(
        m
        for m in ledger.application.directory.grants.mandates()
        if (m.region, m.direction) == ("45", "SEND") and "ResidenceNoticeAcknowledged" in m.event_types
    )
    ledger.draft("MandateRevoked", mandate=old.mandate)
    revoked = ledger.send(events[3])
    last = local_day(world.clock.now_ms() - DAY_MS)
    ledger.draft(
        "MandateGranted",
        mandate=b"\x01" * 8,
        region="45",
        office_type=old.office_type.value,
        procedure=old.procedure,
        event_types=["ResidenceNoticeAcknowledged"],
        direction="SEND",
        purpose=old.purpose,
        legal_basis=old.legal_basis,
        valid_from="2026-01-01",
        valid_to=last.isoformat(),
        assessment="PIA-45-2025-7",
        assessed_on="2025-12-01",
    )
    ran_out = ledger.send(events[3])

    (first,), (second,) = revoked, ran_out
    assert first is not None
    assert second is not None
    assert (first.code, second.code) == ("MANDATE_LAPSED", "MANDATE_LAPSED")


def test_an_office_whose_key_was_revoked_gets_content_once_it_has_a_new_one(ledger: ChangingLedger) -> None:
    world = ledger.world
    household = world.office("45", "COUNTY_PSB_HOUSEHOLD")
    waiting = notification(world)
    ledger.record(waiting[0])
    ledger.draft("OfficeKeyRevoked", office=household.office, key_id=household.key.key_id, reason="LOST")
    refused = codes(ledger, waiting[1])
    new = ledger.new_key(household, 9)
    key = office_key(new.key.public_raw)
    ledger.draft("OfficeChanged", office=household.office, point=None, areas=None, key=key)
    to_old_key = codes(ledger, waiting[1])

    assert [refused, to_old_key] == [["OFFICE_KEY_ENDED"], ["SEALING_KEY_OLD"]]
    notice = {
        "identity": synthetic_person(world, "45"),
        "county": world.counties["44"],
        "date": "2026-03-02",
        "change": "STARTED",
    }
    sender = world.office("44", "COUNTY_PSB_HOUSEHOLD")
    again = ledger.goes_on(waiting, 1).event("ResidenceNoticeSent", sender, sealed=[Sealed("NP-RES", (new,), notice)])
    assert codes(ledger, again) == [None]


def test_an_office_whose_key_is_older_than_two_years_gets_no_content_but_is_told_states(ledger: ChangingLedger) -> None:
    world = ledger.world
    world.clock.advance(730 * DAY_MS)
    last_day = notification(world)
    ledger.record(*last_day[:2])
    world.clock.advance(2 * DAY_MS)
    late = notification(world)

    assert codes(ledger, late[0], late[1]) == [None, "OFFICE_KEY_ENDED"]
    assert codes(ledger, last_day[2]) == [None]


def test_a_new_key_of_an_office_is_told_to_everybody_who_follows_the_directory(ledger: ChangingLedger) -> None:
    household = ledger.world.office("45", "COUNTY_PSB_HOUSEHOLD")
    new = ledger.new_key(household, 9)
    key = office_key(new.key.public_raw)
    ledger.draft("OfficeChanged", office=household.office, point=None, areas=None, key=key)
    loaded = ledger.world.load(ledger.store)
    found = loaded.directory.office(household.office)

    assert found is not None
    assert found.key.key_id == new.key.key_id


def test_a_key_that_ends_is_told_ninety_days_before_and_no_longer_once_there_is_a_new_one(
    ledger: ChangingLedger,
) -> None:
    directory, household = ledger.application.directory, ledger.world.office("45", "COUNTY_PSB_HOUSEHOLD")
    found = directory.office(household.office)
    assert found is not None
    last = found.key.until
    told = [ending_keys(directory, [household.office], last - timedelta(days=left)) for left in (90, 89, -1)]
    ledger.world.clock.advance(700 * DAY_MS)
    key = office_key(ledger.new_key(household, 9).key.public_raw)
    ledger.draft("OfficeChanged", office=household.office, point=None, areas=None, key=key)

    assert told == [[], [(household.office, 89)], [(household.office, -1)]]
    assert ending_keys(directory, [household.office], last) == []
    assert ending_keys(directory, [OfficeId("o00000000")], last) == []


def test_a_mandate_is_found_from_its_grant_to_its_end_however_often_it_was_asked_for(ledger: ChangingLedger) -> None:
    """Answers are kept between two changes, never over one."""
    grants, now = ledger.application.directory.grants, ledger.world.clock.now_ms()
    old = next(iter(grants.mandates()))
    wanted = Wanted(
        old.region, old.office_type, old.event_types[0], old.direction, old.procedure, old.purpose, old.legal_basis
    )
    before = [grants.find(wanted, now), grants.find(wanted, now)]
    ledger.draft("MandateRevoked", mandate=old.mandate)
    between = [grants.find(wanted, now), grants.find(wanted, now)]
    ledger.draft(
        "MandateGranted",
        mandate=b"\x02" * 8,
        region=old.region,
        office_type=old.office_type.value,
        procedure=old.procedure,
        event_types=list(old.event_types),
        direction=old.direction,
        purpose=old.purpose,
        legal_basis=old.legal_basis,
        valid_from="2026-01-01",
        valid_to=None,
        assessment="PIA-44-2025-8",
        assessed_on="2025-12-01",
    )
    after = grants.find(wanted, now)

    assert before == [old, old]
    assert between == [None, None]
    assert after is not None
    assert after.mandate == b"\x02" * 8
