"""Events 1 to n of a delivery point, none missing: what the point holds against what everybody has signed about it.

Three voices are compared: the inbox of the point, the receipts that its region signed, and the heads that the ledger
published. All three fold the same leaf hashes, so whoever dropped, repeated, reordered or exchanged a notification for
this one recipient is named with the first counter that does not agree. With the whole ledger at hand what had to be
sent is derived besides, and the first wrong notification is named exactly; without it the difference lies between two
heads.

Not here: whether a signature is good (who reads the files checks them first), what had to be sent (`hub.replay`).

Source: LEDGER, section 10.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from contracts.errors import EvidenceError
from contracts.ids import Hash, LeafIndex, PointId
from hub.delivery_receipt import DeliveryReceipt
from ledger.heads import HEAD_ZERO, head_next


class Held(NamedTuple):
    """One notification as an inbox keeps it.

    Attributes:
        n: Its counter.
        leaf_index: Ledger index of its event.
        leaf: Leaf hash of the event's bytes.
    """

    n: int
    leaf_index: LeafIndex
    leaf: Hash


class PublishedHead(NamedTuple):
    """What one `HeadsPublished` says of a point.

    Attributes:
        n: Counter.
        head: Running hash after it.
        leaf_index: Ledger index of the `HeadsPublished`.
    """

    n: int
    head: Hash
    leaf_index: LeafIndex


class Due(NamedTuple):
    """A notification that follows from the ledger.

    Attributes:
        n: Counter.
        leaf_index: Ledger index of its event.
        head: Running hash after it.
    """

    n: int
    leaf_index: LeafIndex
    head: Hash


class Complete(NamedTuple):
    """The sentence "events 1 to n, none missing", and how far it is confirmed by others.

    Attributes:
        point: Whose they are.
        n: Notifications held, counted from 1 without a gap.
        head: Running hash after the last one.
        published_n: Highest counter that a published head confirms, 0 if none does.
        receipted_n: Highest counter that the region signed for, 0 if it signed for none.
        due_n: Notifications that follow from the ledger; None where the ledger was not at hand.
    """

    point: PointId
    n: int
    head: Hash
    published_n: int
    receipted_n: int
    due_n: int | None

    @property
    def confirmed_n(self) -> int:
        """Up to where the ledger itself confirms that nothing is missing."""
        return max(self.published_n, self.due_n or 0)


class IncompleteError(EvidenceError):
    """A point does not hold what it was sent, or was not sent what the ledger says.

    Attributes:
        point: Whose.
        n: The first counter that does not agree, as near as it can be told.
        agreed_n: The last counter at which everything agreed.
    """

    def __init__(self, code: str, message: str, *, point: PointId, n: int, agreed_n: int) -> None:
        super().__init__(code, f"{point}: {message}")
        self.point = point
        self.n = n
        self.agreed_n = agreed_n

    def __reduce__(self) -> tuple[object, ...]:
        """Let the error cross a process border whole."""
        message = self.message.removeprefix(f"{self.point}: ")
        return _again, (self.code, message, self.point, self.n, self.agreed_n)


def _again(code: str, message: str, point: PointId, n: int, agreed_n: int) -> IncompleteError:
    return IncompleteError(code, message, point=point, n=n, agreed_n=agreed_n)


def check_complete(
    *,
    point: PointId,
    held: Iterable[Held],
    published: Sequence[PublishedHead],
    receipts: Sequence[DeliveryReceipt] = (),
    due: Iterable[Due] | None = None,
) -> Complete:
    """Compare what a point holds with what was signed about it.

    Args:
        point: Whose notifications they are.
        held: As its inbox keeps them, in the order of their counters.
        published: What the ledger published of it; each proved to be in the ledger.
        receipts: What its region signed; each signature checked.
        due: What follows from the whole ledger, in order; None where that was not derived.

    Raises:
        IncompleteError: COUNTER_GAP, a counter is left out; DELIVERY_REPEATED, one entry came under two counters;
            DELIVERY_REORDERED, an entry came after a later one; DELIVERY_WRONG, another entry came than had to;
            DELIVERY_MISSING, there is more than the point holds; HEADS_FORKED, two heads were signed for one counter;
            HEAD_MISMATCH, the point holds something else than was published or receipted.
    """
    check = _Check(point, _agreed_heads(point, published), {row.n: row.head for row in receipts})
    rows = None if due is None else iter(due)
    for row in held:
        check.take(row, rows)
    rest = None if rows is None else next(rows, None)
    check.finish(rest)
    due_n = None if rows is None else check.n
    published_n = max((row.n for row in published), default=0)
    return Complete(point, check.n, check.head, published_n, max((row.n for row in receipts), default=0), due_n)


def _agreed_heads(point: PointId, published: Iterable[PublishedHead]) -> Mapping[int, Hash]:
    """The published heads by counter; two for one counter, or a counter that goes back, is a fork.

    A later publication of the same pair is none: a hub that starts again may say it again.
    """
    heads: dict[int, Hash] = {}
    last: PublishedHead | None = None
    for row in sorted(published, key=lambda one: (one.leaf_index, one.n)):
        if heads.setdefault(row.n, row.head) != row.head:
            raise IncompleteError(
                "HEADS_FORKED",
                f"two heads are published after notification {row.n}: {heads[row.n].hex()} and {row.head.hex()}",
                point=point,
                n=row.n,
                agreed_n=max((n for n in heads if n < row.n), default=0),
            )
        if last is not None and row.n < last.n:
            raise IncompleteError(
                "HEADS_FORKED",
                f"entry {last.leaf_index} publishes {last.n} notifications and entry {row.leaf_index} only {row.n}",
                point=point,
                n=row.n + 1,
                agreed_n=row.n,
            )
        last = row
    return heads


class _Check:
    """Folds what a point holds and compares at every counter at which somebody signed."""

    def __init__(self, point: PointId, published: Mapping[int, Hash], receipted: Mapping[int, Hash]) -> None:
        self._point = point
        self._voices: Final = (("published", published), ("the region signed", receipted))
        self._published = published
        self._agreed_n = 0
        self._index_of_leaf: dict[Hash, int] = {}
        self._last: Held | None = None
        self.n = 0
        self.head = HEAD_ZERO

    def take(self, row: Held, due: Iterator[Due] | None) -> None:
        """Take the next notification."""
        self.n += 1
        if row.n != self.n:
            raise self._error("COUNTER_GAP", f"notification {self.n} is missing, {row.n} is there")
        self._check_order(row)
        self._index_of_leaf[row.leaf] = row.n
        self._last = row
        self.head = head_next(self.head, row.n, row.leaf)
        if due is not None:
            self._check_due(row, next(due, None))
        for voice, heads in self._voices:
            told = heads.get(row.n, self.head)
            if told != self.head:
                where = f"between {self._agreed_n + 1} and {row.n}" if self._agreed_n + 1 < row.n else f"at {row.n}"
                raise self._error(
                    "HEAD_MISMATCH",
                    f"held up to {row.n} is {self.head.hex()}, {voice} is {told.hex()}; the difference lies {where}",
                    n=self._agreed_n + 1,
                )
        if row.n in self._published:
            self._agreed_n = row.n

    def _check_order(self, row: Held) -> None:
        """Notifications come in the order of the ledger, each event once: an office of a point is told through it."""
        known = self._index_of_leaf.get(row.leaf)
        if known is not None:
            raise self._error(
                "DELIVERY_REPEATED", f"notifications {known} and {row.n} are one event, entry {row.leaf_index}"
            )
        if self._last is not None and row.leaf_index == self._last.leaf_index:
            raise self._error(
                "DELIVERY_REPEATED", f"notifications {row.n - 1} and {row.n} are both entry {row.leaf_index}"
            )
        if self._last is not None and row.leaf_index < self._last.leaf_index:
            raise self._error(
                "DELIVERY_REORDERED",
                f"notification {row.n} is entry {row.leaf_index} and came after entry {self._last.leaf_index}",
            )

    def _check_due(self, row: Held, due: Due | None) -> None:
        if due is None:
            raise self._error(
                "DELIVERY_WRONG", f"notification {row.n} is entry {row.leaf_index}, which follows from nothing"
            )
        told = f"notification {row.n}"
        if due.leaf_index != row.leaf_index:
            message = f"{told} had to be entry {due.leaf_index}; held is entry {row.leaf_index}"
            raise self._error("DELIVERY_WRONG", message)
        if due.head != self.head:
            raise self._error("DELIVERY_WRONG", f"{told} is held with other bytes than entry {row.leaf_index}")

    def finish(self, due: Due | None) -> None:
        """Check that nobody signed for more than is held, and that nothing more had to come."""
        for voice, heads in self._voices:
            beyond = max(heads, default=0)
            if beyond > self.n:
                what = f"{voice}: {beyond} notifications; held are {self.n}"
                raise self._error("DELIVERY_MISSING", what, n=self.n + 1)
        if due is not None:
            raise self._error(
                "DELIVERY_MISSING", f"notification {due.n}, entry {due.leaf_index}, is not held", n=self.n + 1
            )

    def _error(self, code: str, message: str, *, n: int | None = None) -> IncompleteError:
        return IncompleteError(code, message, point=self._point, n=self.n if n is None else n, agreed_n=self._agreed_n)
