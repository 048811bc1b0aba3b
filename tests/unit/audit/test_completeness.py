"""Events 1 to n, none missing: every way to cheat one recipient is named, and honest words are believed (LEDGER 10)."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import Hash, KeyId, LeafIndex, PointId
from hub.completeness import Complete, Due, Held, IncompleteError, PublishedHead, check_complete
from hub.delivery_receipt import DeliveryReceipt
from ledger.heads import HEAD_ZERO, head_next

POINT = PointId("44-node")


def leaf(number: int) -> Hash:
    return Hash(hashlib.sha256(b"event %d" % number).digest())


def sent(count: int) -> list[Held]:
    """Notifications 1 to count of an honest hub, at every third entry."""
    return [Held(n, LeafIndex(3 * n), leaf(n)) for n in range(1, count + 1)]


def head_of(rows: Sequence[Held]) -> Hash:
    head = HEAD_ZERO
    for n, row in enumerate(rows, 1):
        head = head_next(head, n, row.leaf)
    return head


def published(rows: Sequence[Held], *counters: int) -> list[PublishedHead]:
    return [PublishedHead(n, head_of(rows[:n]), LeafIndex(1000 + n)) for n in counters]


def receipts(rows: Sequence[Held], *counters: int) -> list[DeliveryReceipt]:
    return [DeliveryReceipt(POINT, n, head_of(rows[:n]), n, KeyId(bytes(8)), bytes(64)) for n in counters]


def due(rows: Sequence[Held]) -> list[Due]:
    return [Due(row.n, row.leaf_index, head_of(rows[: row.n])) for row in rows]


def renumbered(rows: Sequence[Held]) -> list[Held]:
    """What a hub that lies sends: counters without a gap, whatever it left out or added."""
    return [row._replace(n=n) for n, row in enumerate(rows, 1)]


def found(rows: Sequence[Held], heads: Sequence[PublishedHead] = (), **more: object) -> IncompleteError:
    with pytest.raises(IncompleteError) as caught:
        check_complete(point=POINT, held=rows, published=heads, **more)  # type: ignore[arg-type]
    return caught.value


@given(st.integers(0, 30), st.data())
def test_who_holds_what_was_sent_is_told_that_nothing_is_missing(count: int, data: st.DataObject) -> None:
    rows = sent(count)
    counters = sorted(data.draw(st.sets(st.integers(1, count)))) if count else []

    complete = check_complete(
        point=POINT,
        held=rows,
        published=published(rows, *counters),
        receipts=receipts(rows, *counters),
        due=due(rows),
    )

    last = max(counters, default=0)
    assert complete == Complete(POINT, count, head_of(rows), last, last, count)
    assert complete.confirmed_n == count


def test_without_the_ledger_the_confirmation_ends_at_the_last_published_head() -> None:
    rows = sent(9)

    complete = check_complete(point=POINT, held=rows, published=published(rows, 2, 7))

    assert (complete.n, complete.confirmed_n, complete.due_n) == (9, 7, None)


LIES: dict[str, tuple[Callable[[list[Held]], list[Held]], str]] = {
    "dropped": (lambda rows: renumbered(rows[:4] + rows[5:]), "HEAD_MISMATCH"),
    "swapped for another": (lambda rows: [*rows[:4], Held(5, LeafIndex(15), leaf(77)), *rows[5:]], "HEAD_MISMATCH"),
    "added": (lambda rows: renumbered([*rows[:4], Held(0, LeafIndex(13), leaf(77)), *rows[4:]]), "HEAD_MISMATCH"),
    "reordered": (lambda rows: renumbered([*rows[:3], rows[4], rows[3], *rows[5:]]), "DELIVERY_REORDERED"),
    "duplicated": (lambda rows: renumbered([*rows[:4], rows[3], *rows[4:]]), "DELIVERY_REPEATED"),
    "recorded twice": (
        lambda rows: renumbered([*rows[:4], rows[3]._replace(leaf_index=LeafIndex(13)), *rows[4:]]),
        "DELIVERY_REPEATED",
    ),
    "not counted": (lambda rows: rows[:4] + rows[5:], "COUNTER_GAP"),
    "cut off": (lambda rows: rows[:6], "DELIVERY_MISSING"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_to_one_recipient_shows_without_the_ledger(lie: str) -> None:
    """The published heads are those of the true run: the inbox of the one who was lied to cannot lead to them."""
    rows = sent(8)
    change, code = LIES[lie]

    error = found(change(rows), published(rows, 3, 7, 8))

    assert (error.code, error.point) == (code, POINT)
    assert 4 <= error.n <= 7


@pytest.mark.parametrize("lie", LIES)
def test_with_the_ledger_the_first_wrong_notification_is_named(lie: str) -> None:
    rows = sent(8)
    change, _ = LIES[lie]

    error = found(change(rows), due=due(rows))

    assert error.n == {"cut off": 7, "reordered": 4}.get(lie, 5)


def test_a_fork_for_one_recipient_shows_when_two_heads_are_published() -> None:
    rows = sent(6)
    forked = [*published(rows, 3, 6), PublishedHead(6, leaf(1), LeafIndex(2000))]

    error = found(rows, forked)

    assert (error.code, error.n, error.agreed_n) == ("HEADS_FORKED", 6, 3)


def test_a_counter_that_goes_back_is_a_fork() -> None:
    rows = sent(6)

    error = found(rows, [*published(rows, 6), PublishedHead(4, head_of(rows[:4]), LeafIndex(2000))])

    assert error.code == "HEADS_FORKED"


def test_the_same_head_said_twice_is_no_fork() -> None:
    rows = sent(4)
    twice = [*published(rows, 4), *[row._replace(leaf_index=LeafIndex(2000)) for row in published(rows, 4)]]

    assert check_complete(point=POINT, held=rows, published=twice).published_n == 4


def test_an_inbox_that_lost_what_its_region_signed_for_is_named() -> None:
    rows = sent(6)

    error = found(rows[:4], receipts=receipts(rows, 2, 6))

    assert (error.code, error.n) == ("DELIVERY_MISSING", 5)


def test_an_inbox_that_was_changed_after_the_receipt_is_named() -> None:
    rows = sent(6)
    changed = [*rows[:2], rows[2]._replace(leaf=leaf(99)), *rows[3:]]

    error = found(changed, receipts=receipts(rows, 6))

    assert error.code == "HEAD_MISMATCH"
    assert "the region signed" in error.message


@given(st.integers(1, 20), st.data())
def test_no_single_change_of_what_is_held_passes_below_a_published_head(count: int, data: st.DataObject) -> None:
    rows = sent(count)
    at = data.draw(st.integers(0, count - 1))
    change = data.draw(st.sampled_from(["drop", "leaf", "repeat", "number"]))
    changed = {
        "drop": renumbered(rows[:at] + rows[at + 1 :]),
        "leaf": [*rows[:at], rows[at]._replace(leaf=leaf(500)), *rows[at + 1 :]],
        "repeat": renumbered([*rows[: at + 1], *rows[at:]]),
        "number": [*rows[:at], rows[at]._replace(n=count + 5), *rows[at + 1 :]],
    }[change]

    assert found(changed, published(rows, count)).code


def test_the_finding_survives_the_way_to_another_process() -> None:
    error = found(sent(2), published(sent(3), 3))

    again = pickle.loads(pickle.dumps(error))

    assert (again.code, again.message, again.n, again.agreed_n) == (error.code, error.message, error.n, error.agreed_n)
