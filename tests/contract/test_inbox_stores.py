"""What an inbox relies on in its store: all or nothing, once, no jump, and the same after a restart."""

from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.region.database import RegionDatabase
from adapters.region.inbox_store import RegionInboxStore
from contracts.errors import FatalError
from contracts.event import Header, decode_event
from contracts.ids import Hash, KeyId, LeafIndex, PointId
from hub.delivery_receipt import DeliveryReceipt
from hub.notification import Received
from tests.support.matters import declaration
from tests.support.world import World

NODE, COUNTY = PointId("44-node"), PointId("44-440106")
Open = Callable[[], RegionInboxStore]


@pytest.fixture
def reopen(tmp_path: Path) -> Open:
    """Opens the same file again, as a new process would."""
    return lambda: RegionInboxStore(RegionDatabase(tmp_path / "region.sqlite"), now_ms=lambda: 77)


@pytest.fixture(scope="module")
def header() -> Header:
    return decode_event(declaration(World(), "44").event)


def row(header: Header, point: PointId, n: int) -> Received:
    return Received(point, n, LeafIndex(100 + n), b"event %d" % n, header, Hash(bytes([n]) * 32))


def test_what_was_stored_is_there_in_order(reopen: Open, header: Header) -> None:
    reopen().store([row(header, NODE, 1), row(header, COUNTY, 1), row(header, NODE, 2)])
    reopen().store([row(header, NODE, 3)])

    store = reopen()

    assert store.standings() == {NODE: (3, Hash(b"\3" * 32)), COUNTY: (1, Hash(b"\1" * 32))}
    assert [(one.point, one.n, one.event) for one in store.received_after(0, 10)] == [
        (NODE, 1, b"event 1"),
        (COUNTY, 1, b"event 1"),
        (NODE, 2, b"event 2"),
        (NODE, 3, b"event 3"),
    ]
    assert {one.received_at for one in store.received_after(0, 10)} == {77}
    assert store.head_at(NODE, 2) == b"\2" * 32
    assert store.head_at(NODE, 4) is None


def test_a_reader_goes_on_where_it_was(reopen: Open, header: Header) -> None:
    store = reopen()
    store.store([row(header, NODE, n) for n in range(1, 6)])
    first = store.received_after(0, 2)

    assert [one.n for one in first] == [1, 2]
    assert [one.n for one in store.received_after(first[-1].row, 10)] == [3, 4, 5]


@pytest.mark.parametrize("wrong", [[1], [2], [4], [3, 3], [3, 5]])
def test_no_counter_twice_and_none_left_out(reopen: Open, header: Header, wrong: list[int]) -> None:
    """Even a caller who errs cannot make a point jump; and nothing of its call stays."""
    store = reopen()
    store.store([row(header, NODE, 1), row(header, NODE, 2)])

    with pytest.raises(FatalError):
        store.store([row(header, COUNTY, 1), *(row(header, NODE, n) for n in wrong)])

    assert reopen().standings() == {NODE: (2, Hash(b"\2" * 32))}
    assert reopen().count() == 2


def test_the_first_receipt_that_was_signed_for_a_counter_stays(reopen: Open) -> None:
    first = DeliveryReceipt(NODE, 3, Hash(b"\3" * 32), 1000, KeyId(b"k" * 8), b"s" * 64)
    reopen().keep_receipts([first, first._replace(n=1)])
    reopen().keep_receipts([first._replace(received_ms=2000), first._replace(point=COUNTY)])

    assert reopen().receipts(NODE) == [first._replace(n=1), first]
    assert reopen().receipts(COUNTY) == [first._replace(point=COUNTY)]
