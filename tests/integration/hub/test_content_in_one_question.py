"""What an opening needs is asked of the store for many at once, and answered as for each by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.store.questions import in_parts
from contracts.errors import ExchangeError, UnavailableError
from contracts.ids import LeafIndex, OfficeId
from hub.openings import Opened
from hub.ports import ContentAddress
from tests.integration.grpc.test_grpc_openings import of_recipient, request_for
from tests.support.matters import notification
from tests.support.order_matters import seal_order
from tests.support.timed_ledger import TimedLedger

pytestmark = pytest.mark.integration


@pytest.fixture
def ledger(place: Path) -> Iterator[TimedLedger]:
    opened = TimedLedger(place)
    yield opened
    opened.finish()


def wait() -> None:
    """Nothing is unfinished."""


def test_named_events_are_found_with_their_seal_and_unknown_ones_lead_to_the_first_entry(ledger: TimedLedger) -> None:
    events = [*notification(ledger.world, "44", "45")[:2], *seal_order(ledger.world)]
    ledger.record(*events)
    store, unknown = ledger.store, ledger.world.fresh_id()
    ids = [made.header.event_id for made in events]

    named = store.named([*ids, unknown, ids[0]])

    recorded = store.recorded(ids)
    assert {name: one.at for name, one in named.items()} == {**recorded, unknown: 0}
    for one in named.values():
        assert one.entry == next(store.entries(one.at, LeafIndex(one.at + 1)))
    sealed = {name for name, one in named.items() if one.is_sealed}
    assert sealed == {name for name in ids if store.visible(name) is None} != set()


def test_contents_are_those_that_are_held_for_each_office(ledger: TimedLedger) -> None:
    made = [event for _ in range(3) for event in notification(ledger.world, "44", "45")[:2]]
    ledger.record(*made)
    store = ledger.store
    entries = [store.recorded([one.header.event_id])[one.header.event_id] for one in made[1::2]]
    offices = (*made[1].header.sealed[0].recipients, made[1].header.producer_office, OfficeId("o00000000"))
    asked = [ContentAddress(entry, number, office) for entry in entries for number in (0, 1) for office in offices]

    contents = store.contents(asked)

    assert len(contents) == 3 * 2
    for one, content in contents.items():
        assert content.envelope == store.payload(one.entry, one.number)
        assert (content.key_id, content.enc) == store.wrapped_key(one.entry, one.number, one.office)


def test_any_number_is_asked_in_parts_of_few_lengths() -> None:
    for count in (1, 2, 3, 5, 64, 65, 512, 513, 1100):
        parts = list(in_parts(list(range(count)), [-1]))
        assert [key for part in parts for key in part if key >= 0] == list(range(count))
        assert {len(part).bit_count() for part in parts} == {1}
        assert max(map(len, parts)) <= 512
    assert list(in_parts([], [])) == []


def test_a_store_that_cannot_be_read_now_refuses_those_who_asked_and_the_hub_goes_on(
    ledger: TimedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = notification(ledger.world, "44", "45")[:2]
    ledger.record(*made)
    office = ledger.world.office("43", "COUNTY_PSB_HOUSEHOLD")
    bad = request_for(ledger.world, made[1], office, signer="45")
    good = [of_recipient()(ledger.world, made[1]) for _ in range(3)]

    def busy(*_: object) -> object:
        raise UnavailableError("STORE_BUSY", "the ledger file cannot be read now")

    with monkeypatch.context() as patched:
        patched.setattr(ledger.store, "named", busy)
        codes = [
            one.code
            for one in ledger.application.begin_openings([bad, *good], wait)()
            if isinstance(one, ExchangeError)
        ]

    assert codes == ["OPEN_FORBIDDEN", *["STORE_BUSY"] * 3]
    assert all(isinstance(one, Opened) for one in ledger.application.begin_openings(good, wait)())
