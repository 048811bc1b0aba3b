"""What shows others that a delivery point does not hold what the ledger says: the evidence files of one comparison.

The three voices of `hub.completeness` are put beside each other once more, and every claim that holds becomes a file:
what the ledger published against itself, against what the point holds, against what its region signed; what the point
holds against the order of the ledger, and against what follows from it. Files hold counters, indexes and hashes, and
those entries that are needed as proof; never a payload.

Source: docs/spec/evidence-file.md; LEDGER 10.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from contracts.errors import ExchangeError
from contracts.ids import KeyId, LeafIndex, PointId
from hub.completeness import Due, Held, PublishedHead
from hub.delivery_receipt import DeliveryReceipt
from ledger.case import BodyReader
from ledger.evidence_file import EvidenceFile, Shown
from ledger.exhibit import Proved, checked, number, of_entries
from ledger.heads import HEAD_ZERO, head_next
from ledger.note import NoteVerifier

Prover = Callable[[LeafIndex], Proved | None]
"""Gives an entry with its proof; None where it cannot be had."""


_Candidate = tuple[str, tuple[LeafIndex, ...], tuple[Shown, ...]]
"""A claim, the entries that it takes, and what it shows."""
_TRIED: Final = 4
"""Candidates of one kind that are tried."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What is known of one delivery point.

    Attributes:
        point: Whose.
        log: The ledger's key.
        held: What the point holds, from 1.
        published: What the ledger published of it.
        receipts: What its region signed; each signature checked.
        due: What follows from the whole ledger; None where that was not derived.
        keys: Where the `KeyRegistered` of each key that signed a receipt stands.
    """

    point: PointId
    log: NoteVerifier
    held: Sequence[Held]
    published: Sequence[PublishedHead]
    receipts: Sequence[DeliveryReceipt]
    due: Sequence[Due] | None
    keys: Mapping[KeyId, LeafIndex]


def delivery_evidence(
    compared: Compared, prover: Callable[[frozenset[LeafIndex]], Prover], read_body: BodyReader
) -> list[EvidenceFile]:
    """Make every file that can be made of a comparison that failed; one a claim, the conclusive one first.

    Args:
        compared: What is known of the point.
        prover: Asked once, with the entries that may be needed.
        read_body: Decodes bodies of events.
    """
    candidates: list[_Candidate] = []
    for claim in _CLAIMS:
        candidates += islice(claim(compared), _TRIED)
    prove = prover(frozenset(index for _, indexes, _ in candidates for index in indexes))
    found: dict[str, EvidenceFile] = {}
    for name, indexes, shown in candidates:
        entries = [prove(index) for index in sorted(set(indexes))]
        if name in found or None in entries:
            continue
        file = of_entries(name, compared.log, [one for one in entries if one is not None], shown)
        try:
            checked(file, log=compared.log, read_body=read_body)
        except ExchangeError:
            # It does not show that: the next one may.
            continue
        found[name] = file
    return list(found.values())


def _counts(compared: Compared) -> Iterator[_Candidate]:
    """What was published of the point contradicts itself."""
    by_n: dict[int, PublishedHead] = {}
    last: PublishedHead | None = None
    for row in sorted(compared.published, key=lambda one: (one.leaf_index, one.n)):
        known = by_n.setdefault(row.n, row)
        if known.head != row.head:
            yield "TWO_COUNTS", (known.leaf_index, row.leaf_index), ()
        elif last is not None and row.n < last.n:
            yield "TWO_COUNTS", (last.leaf_index, row.leaf_index), ()
        last = row


def _missing(compared: Compared) -> Iterator[_Candidate]:
    """More was published than is held."""
    held = len(compared.held)
    for row in compared.published:
        if row.n > held:
            yield "DELIVERY_MISSING", (row.leaf_index,), _shown(compared.point, counter=row.n, held=held)


def _heads(compared: Compared) -> Iterator[_Candidate]:
    """What is held has another running hash than was published."""
    published: dict[int, PublishedHead] = {row.n: row for row in compared.published}
    head = HEAD_ZERO
    for n, held in enumerate(compared.held, 1):
        head = head_next(head, n, held.leaf)
        row = published.get(n)
        if row is not None and row.head != head:
            yield "HEAD_DISAGREES", (row.leaf_index,), (*_shown(compared.point, counter=n), Shown("head", head))


def _signed(compared: Compared) -> Iterator[_Candidate]:
    """The region signed for another head than was published."""
    told = {row.n: row for row in compared.published}
    for receipt in compared.receipts:
        row, key = told.get(receipt.n), compared.keys.get(receipt.key_id)
        if row is not None and key is not None and row.head != receipt.head:
            signed = (
                Shown("head", receipt.head),
                Shown("received", number(receipt.received_ms)),
                Shown("signature", receipt.signature),
            )
            yield "RECEIPT_DISAGREES", (key, row.leaf_index), (*_shown(compared.point, counter=receipt.n), *signed)


def _order(compared: Compared) -> Iterator[_Candidate]:
    """Entries that came twice, or after a later one; compared with their neighbours, and repeats wherever they are."""
    first: dict[int, int] = {}
    last: Held | None = None
    for row in compared.held:
        pair: tuple[int, int] | None = None
        indexes: tuple[LeafIndex, ...] = (row.leaf_index,)
        if row.leaf_index in first:
            pair = first[row.leaf_index], row.n
        elif last is not None and row.leaf_index < last.leaf_index:
            pair, indexes = (row.n, last.n), (row.leaf_index, last.leaf_index)
        if pair is not None:
            counters = Shown("counters", b"".join(map(number, pair)))
            yield "DELIVERY_DISORDERED", indexes, (*_shown(compared.point), counters)
        first.setdefault(row.leaf_index, row.n)
        last = row


def _due(compared: Compared) -> Iterator[_Candidate]:
    """The first notification that is another one than follows from the ledger."""
    if compared.due is None:
        return
    held = {row.n: row.leaf_index for row in compared.held}
    due = {row.n: row.leaf_index for row in compared.due}
    for n in sorted(held.keys() | due.keys()):
        wanted, there = due.get(n), held.get(n)
        if wanted != there:
            indexes = tuple(index for index in (wanted, there) if index is not None)
            parts = [Shown("due", _index(wanted)), Shown("held", _index(there))]
            yield "DELIVERY_WRONG", indexes, (*_shown(compared.point, counter=n), *parts)
            return


_CLAIMS: Final = (_counts, _missing, _heads, _signed, _order, _due)
"""What is looked for, the conclusive claim first."""


def _index(index: LeafIndex | None) -> bytes:
    return b"" if index is None else number(index)


def _shown(point: PointId, **numbers: int) -> tuple[Shown, ...]:
    """The name of a point and some numbers, as files show them."""
    return (Shown("point", point.encode("ascii")), *(Shown(name, number(value)) for name, value in numbers.items()))
