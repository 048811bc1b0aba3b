"""What the relay relies on in its store: place and streams together, receipts that only grow, restarts unnoticed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.store.relay_store import SqliteRelayStore
from contracts.errors import UnavailableError
from contracts.ids import Hash, KeyId, PointId
from hub.delivery_receipt import DeliveryReceipt

POINT = PointId("44-node")
Open = Callable[[], SqliteRelayStore]


@pytest.fixture
def reopen(tmp_path: Path) -> Open:
    """Opens the same file again, as a new process would."""
    return lambda: SqliteRelayStore(tmp_path / "relay" / "relay.sqlite")


def receipt(n: int, head: bytes = b"\1") -> DeliveryReceipt:
    return DeliveryReceipt(POINT, n, Hash(head * 32), 1000 + n, KeyId(b"k" * 8), b"s" * 64)


def test_a_new_store_stands_at_the_start(reopen: Open) -> None:
    store = reopen()

    assert (store.place(), store.streams(), store.receipted()) == (0, {}, {})


def test_place_and_streams_are_there_after_a_restart(reopen: Open) -> None:
    reopen().save(7, {"NTF-44": ("then", 3), "LOG": ("before", 1)})
    reopen().save(9, {"NTF-44": ("then", 4)})

    assert reopen().place() == 9
    assert reopen().streams() == {"NTF-44": ("then", 4), "LOG": ("before", 1)}


def test_an_older_receipt_changes_nothing(reopen: Open) -> None:
    for n in (2, 5, 3):
        reopen().keep_receipt(receipt(n), b"message")

    assert reopen().receipted() == {POINT: 5}
    assert reopen().receipts() == {POINT: (5, Hash(b"\1" * 32), 1005)}


def test_the_first_receipt_of_each_counter_is_kept_for_good(reopen: Open) -> None:
    """What a region acknowledged by a day is asked years later (DOMAIN 9.5)."""
    for n, message in ((2, b"two"), (5, b"five"), (5, b"five again"), (3, b"three")):
        reopen().keep_receipt(receipt(n), message)

    assert reopen().receipt_log(POINT) == [b"two", b"three", b"five"]
    assert reopen().receipt_log(PointId("45-node")) == []


def test_disagreements_are_kept_once_each(reopen: Open) -> None:
    store = reopen()
    for head in (b"\1", b"\1", b"\2"):
        store.keep_disagreement(receipt(4, head), None, b"message")

    assert reopen().disagreements() == [(POINT, 4), (POINT, 4)]
    assert reopen().receipted() == {}


def test_a_path_that_cannot_be_is_away_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(UnavailableError, match="STORE_MISSING"):
        SqliteRelayStore(tmp_path / "file" / "relay.sqlite")
