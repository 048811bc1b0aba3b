"""Which ends of retention a gateway's confirmation covers, and which are late (ADR 0065)."""

import json

from contracts.deadline import founding_limits
from contracts.ids import LeafIndex, RegionCode
from contracts.instant import DAY_MS, HOUR_MS
from hub.retention import RetentionBook, Unconfirmed
from tests.support.world import MORNING_MS

HERE, THERE = RegionCode("44"), RegionCode("45")
LIMITS = founding_limits()
DUE_MS = MORNING_MS + 3 * DAY_MS + 14 * HOUR_MS
"""A Monday's end has to be confirmed within three working days."""


def book_of(*ends: tuple[int, int]) -> RetentionBook:
    """A book with ends that concern two regions, each by its index and the hours after the first morning."""
    book = RetentionBook()
    for index, hours in ends:
        book.ended((HERE, THERE), LeafIndex(index), MORNING_MS + hours * HOUR_MS, LIMITS)
    return book


def waiting(book: RetentionBook, now_ms: int = MORNING_MS) -> dict[str, tuple[int, int, int]]:
    """Region to what waits, what is late and where the first stands."""
    return {one.region: (one.ends, one.late, one.first) for one in book.unconfirmed(now_ms)}


def test_a_confirmation_covers_the_ends_of_its_own_region_below_its_size() -> None:
    book = book_of((10, 0), (11, 0), (20, 2))

    book.confirmed(HERE, 12, MORNING_MS + 3 * HOUR_MS)

    assert waiting(book) == {HERE: (1, 0, 20), THERE: (3, 0, 10)}


def test_a_size_from_the_future_covers_nothing_that_came_after_it_was_said() -> None:
    book = book_of((10, 0), (20, 2))

    book.confirmed(HERE, 1 << 40, MORNING_MS + HOUR_MS)

    assert waiting(book)[HERE] == (1, 0, 20)


def test_an_hour_is_confirmed_with_its_last_end_and_not_before() -> None:
    book = book_of((10, 0), (11, 0))
    at_ms = MORNING_MS + HOUR_MS

    book.confirmed(HERE, 11, at_ms)
    half = waiting(book)[HERE]
    book.confirmed(HERE, 12, at_ms)

    assert half == (2, 0, 10)
    assert HERE not in waiting(book)


def test_what_is_not_confirmed_within_its_limit_is_late() -> None:
    book = book_of((10, 0), (20, 24))

    in_time, late = (book.unconfirmed(now_ms)[0] for now_ms in (DUE_MS - 1, DUE_MS))

    assert in_time == Unconfirmed(HERE, 2, 0, LeafIndex(10), DUE_MS)
    assert late == Unconfirmed(HERE, 2, 1, LeafIndex(10), DUE_MS)
    assert late.to_json()["overdue"]
    assert "2 ends of retention not confirmed, 1 overdue, the first at index 10" in late.line()


def test_a_book_goes_on_from_plain_values() -> None:
    book, other = book_of((10, 0), (20, 2)), RetentionBook()

    other.take_up(json.loads(json.dumps(book.state())))
    for one in (book, other):
        one.confirmed(HERE, 12, MORNING_MS + 3 * HOUR_MS)

    assert other.unconfirmed(DUE_MS) == book.unconfirmed(DUE_MS)
