"""Signing keys and mandates: valid by index, in force by instant (DOMAIN 5.4, LEDGER 5)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from contracts.errors import ExchangeError
from contracts.event import encode_event
from contracts.ids import HUB_PRODUCER, EventId, KeyId, LeafIndex, StreamId, uuid7
from contracts.schema import load_registry
from contracts.signing import key_id
from hub.directory import RECEIVE, SEND, Directory, SigningKey
from ledger.entry import encode_event_entry

if TYPE_CHECKING:
    from tests.unit.directory.conftest import Builder

DAY_MS = 86_400_000
NEW_YEAR = 1_767_196_800_000
"""2026-01-01 00:00 in Shanghai."""


def id_of(builder: "Builder", purpose: str = "batch") -> KeyId:
    return next(key for key in builder.directory._keys.signing_keys() if key.purpose == purpose).key_id


def test_a_key_is_valid_after_its_registration_and_until_its_revocation(builder: "Builder") -> None:
    registered = builder.key("a", "44-node")
    builder.region("36")
    revoked = builder.revoke("a")
    directory, name = builder.directory, id_of(builder)

    valid = [at for at in range(registered - 1, revoked + 3) if directory.signing_key(name, LeafIndex(at)) is not None]

    assert valid == list(range(registered + 1, revoked + 1))


def test_a_key_is_used_for_its_purpose_only(builder: "Builder") -> None:
    builder.key("a", "44-node", "batch")
    builder.key("b", "44-node", "open")
    builder.key("c", "44-node", "receipt")
    directory, at = builder.directory, LeafIndex(builder.next_index)

    assert directory.batch_key(id_of(builder, "batch"), at).producer == "44-node"
    assert directory.open_key(id_of(builder, "open"), at).region == "44"
    for purpose in ("open", "receipt"):
        with pytest.raises(ExchangeError) as error:
            directory.batch_key(id_of(builder, purpose), at)
        assert error.value.code == "KEY_UNKNOWN"


def test_a_revoked_key_and_one_not_yet_valid_are_told_apart(builder: "Builder") -> None:
    registered = builder.key("a", "44-node")
    revoked = builder.revoke("a")
    codes = []
    for at in (registered, revoked + 1):
        with pytest.raises(ExchangeError) as error:
            builder.directory.batch_key(id_of(builder), LeafIndex(at))
        codes.append(error.value.code)

    assert codes == ["KEY_UNKNOWN", "KEY_REVOKED"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"producer": "44-440103"}, "POINT_UNKNOWN", id="unknown producer"),
        pytest.param({"producer": "43-430102"}, "POINT_UNKNOWN", id="producer of another region"),
        pytest.param({"region": "45"}, "REGION_UNKNOWN", id="region that does not take part"),
        pytest.param({"public_key": bytes(32)}, "KEY_UNSAFE", id="small order"),
        pytest.param({"public_key": bytes([1]) + bytes(31)}, "KEY_UNSAFE", id="the neutral point"),
        pytest.param({"key_id": bytes(8)}, "BODY_FIELD", id="id of another key"),
        pytest.param({"purpose": "receipt"}, "BODY_FIELD", id="id of another purpose"),
    ],
)
def test_a_wrong_key_is_refused_and_leaves_no_trace(builder: "Builder", changes: dict[str, Any], code: str) -> None:
    with pytest.raises(ExchangeError) as error:
        builder.key("a", "44-node", **changes)

    assert error.value.code == code
    builder.key("a", "44-node")


def test_one_key_serves_one_purpose(builder: "Builder") -> None:
    builder.key("a", "44-node", "batch")

    for purpose in ("batch", "receipt"):
        with pytest.raises(ExchangeError) as error:
            builder.key("a", "44-node", purpose)
        assert error.value.code == "DIRECTORY_TAKEN"


def test_a_key_is_revoked_once_and_in_its_own_stream(builder: "Builder") -> None:
    builder.key("a", "44-node")
    codes = []
    for seed, stream in (("b", "b"), ("a", "b")):
        with pytest.raises(ExchangeError) as error:
            builder.revoke(seed, stream=stream)
        codes.append(error.value.code)
    builder.revoke("a")
    with pytest.raises(ExchangeError) as error:
        builder.revoke("a")

    assert [*codes, error.value.code] == ["KEY_UNKNOWN", "DIRECTORY_STREAM", "KEY_REVOKED"]


def test_the_hubs_own_key_is_valid_from_the_first_entry_on() -> None:
    key = SigningKey.of_hub(key_id=key_id("hub-events", bytes(32)), public_key=bytes(32), since=LeafIndex(0))

    assert (key.producer, key.region, key.is_valid_at(LeafIndex(1))) == (HUB_PRODUCER, "00", True)


def test_a_mandate_is_found_for_each_of_its_events_and_for_nothing_else(builder: "Builder") -> None:
    builder.mandate("m", "44", "COUNTY_CORRECTION", "OpinionAsked", "FileSent")
    find = builder.directory.mandate

    for event in ("OpinionAsked", "FileSent"):
        mandate = find("44", "COUNTY_CORRECTION", event, RECEIVE, NEW_YEAR)
        assert mandate is not None
        assert (mandate.procedure, mandate.legal_basis) == ("CORRECTION_TRANSFER", "LB-COR-27")
    assert find("43", "COUNTY_CORRECTION", "FileSent", RECEIVE, NEW_YEAR) is None
    assert find("44", "COURT", "FileSent", RECEIVE, NEW_YEAR) is None
    assert find("44", "COUNTY_CORRECTION", "CaseReceived", RECEIVE, NEW_YEAR) is None
    assert find("44", "COUNTY_CORRECTION", "FileSent", SEND, NEW_YEAR) is None


def test_a_mandate_is_in_force_from_the_first_instant_of_its_first_day_to_the_last_of_its_last(
    builder: "Builder",
) -> None:
    builder.mandate("m", "44", "COURT", "TransferDecided", valid_to="2026-01-31")
    end = NEW_YEAR + 31 * DAY_MS

    found = [
        builder.directory.mandate("44", "COURT", "TransferDecided", RECEIVE, at) is not None
        for at in (NEW_YEAR - 1, NEW_YEAR, end - 1, end)
    ]

    assert found == [False, True, True, False]


def test_of_several_mandates_the_one_that_fits_procedure_purpose_and_basis_is_found(builder: "Builder") -> None:
    for basis in ("LB-COR-27", "LB-CORM-30"):
        builder.mandate(basis, "44", "COURT", "TransferDecided", legal_basis=basis)
    builder.mandate("r", "44", "COURT", "TransferDecided", procedure="RESIDENCE", purpose="RIGHTS")
    place = ("44", "COURT", "TransferDecided", RECEIVE, NEW_YEAR)
    first = builder.directory.mandate(*place)
    second = builder.directory.mandate(*place, legal_basis="LB-CORM-30")
    third = builder.directory.mandate(*place, procedure="RESIDENCE", purpose="RIGHTS")

    assert first is not None
    assert first.legal_basis == "LB-COR-27"
    assert second is not None
    assert second.legal_basis == "LB-CORM-30"
    assert third is not None
    assert third.procedure == "RESIDENCE"
    assert builder.directory.mandate(*place, purpose="RIGHTS", procedure="CORRECTION_TRANSFER") is None


def test_a_revoked_mandate_is_found_no_longer_and_the_others_stay(builder: "Builder") -> None:
    builder.mandate("m", "44", "COURT", "TransferDecided", "FileSent")
    builder.mandate("n", "44", "COURT", "TransferDecided")
    builder.end_mandate("m")

    assert builder.directory.mandate("44", "COURT", "TransferDecided", RECEIVE, NEW_YEAR) is not None
    assert builder.directory.mandate("44", "COURT", "FileSent", RECEIVE, NEW_YEAR) is None


def test_a_mandate_is_granted_once_and_revoked_once_in_its_own_stream(builder: "Builder") -> None:
    builder.mandate("m", "44", "COURT", "TransferDecided")
    codes = []
    attempts: list[Callable[[], LeafIndex]] = [
        lambda: builder.mandate("m", "44", "COURT", "FileSent"),
        lambda: builder.end_mandate("n"),
        lambda: builder.end_mandate("m", stream="n"),
        lambda: builder.end_mandate("m"),
        lambda: builder.end_mandate("m"),
        lambda: builder.mandate("m", "44", "COURT", "FileSent"),
    ]
    for attempt in attempts:
        try:
            attempt()
        except ExchangeError as error:
            codes.append(error.code)
        else:
            codes.append("accepted")

    assert codes == [
        "DIRECTORY_TAKEN",
        "MANDATE_UNKNOWN",
        "DIRECTORY_STREAM",
        "accepted",
        "MANDATE_UNKNOWN",
        "DIRECTORY_TAKEN",
    ]


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        pytest.param({"valid_from": "2026-02-30"}, "BODY_FIELD", "valid_from", id="no date"),
        pytest.param({"valid_to": "2025-12-31"}, "BODY_FIELD", "valid_to", id="ends before it begins"),
        pytest.param({"event_types": []}, "BODY_FIELD", "event_types", id="no event"),
        pytest.param({"event_types": ["FileSent", "FileSent"]}, "BODY_FIELD", "event_types", id="an event twice"),
        pytest.param({"region": "45"}, "REGION_UNKNOWN", "region", id="region that does not take part"),
    ],
)
def test_a_wrong_mandate_is_refused(builder: "Builder", changes: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(ExchangeError) as error:
        builder.mandate("m", "44", "COURT", "FileSent", **changes)

    assert (error.value.code, error.value.field) == (code, field)
    builder.mandate("m", "44", "COURT", "FileSent")


def test_a_stored_entry_is_applied_like_its_event(builder: "Builder") -> None:
    registry = load_registry()
    body = registry.encode_body("pprd.v1.RegionRegisteredBody", {"region": "44"})
    event_id = uuid7(unix_ms=NEW_YEAR, entropy=bytes(10))
    header = builder.header("RegionRegistered", "44")._replace(
        event_id=EventId(event_id), stream_id=StreamId(event_id), body=body, schema_id=body[2:10], occurred_at=NEW_YEAR
    )
    directory = Directory(builder.directory.divisions.base)

    directory.apply_event(LeafIndex(1), encode_event_entry(encode_event(header)), registry)

    assert directory.regions == ("44",)
