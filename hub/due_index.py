"""When time next does something to a matter: `next_due`, which the store keeps beside each matter (ADR 0014).

A pure function of the matter, the rules of its edition and the ids that are recorded, so that the index can be built
again at any time. It holds the earliest instant at which a miss, a timer's transition or an end of content falls due
that is not recorded; a matter in which nothing will happen by itself has none, and a sealed one has none while it is
sealed. What is due stands in `hub.timers`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from contracts.deadline import Kind
from contracts.ids import Hash
from contracts.procedure_types import Procedure
from hub.content import end_ms
from hub.duty import due_in
from hub.matter import Matter, unpack
from hub.matter_bytes import has_duties, has_ends
from hub.ports import LedgerReader
from hub.timers import Change, changes

Procedures = Mapping[tuple[str, int], Procedure]
_PAGE = 1024


def next_due(procedure: Procedure, matter: Matter) -> int | None:
    """The earliest instant at which time does something to a matter, recorded or not; None if it never will.

    Args:
        procedure: The matter's.
        matter: As recorded.
    """
    earliest: int | None = None
    awaited = procedure.awaited(matter.state)
    for duty in matter.duties:
        end = due_in(procedure, matter, duty)
        if (earliest is None or end.due_ms < earliest) and (end.kind is Kind.DUTY or duty.rule in awaited):
            earliest = end.due_ms
    for content in matter.ends:
        at_ms = end_ms(procedure, matter, content)
        if earliest is None or at_ms < earliest:
            earliest = at_ms
    return earliest


def due_of(
    matters: Mapping[bytes, Matter],
    procedures: Procedures,
    now_ms: int,
    recorded: Callable[[Sequence[bytes]], Collection[bytes]],
) -> dict[bytes, int | None]:
    """The index rows of some matters.

    Args:
        matters: By stream id.
        procedures: By (id, edition).
        now_ms: Hub time: nothing that falls due later can be recorded.
        recorded: Which of some event ids are recorded; asked only about what is past due.

    Returns:
        For each stream id the earliest instant of a change that is not recorded; None if there is none.
    """
    rows: dict[bytes, int | None] = {}
    late: dict[bytes, list[Change]] = {}
    for stream_id, matter in matters.items():
        rows[stream_id] = None
        if matter.duties or matter.ends:
            procedure = procedures[matter.procedure, matter.edition]
            due_ms = rows[stream_id] = next_due(procedure, matter)
            if due_ms is not None and due_ms <= now_ms:
                late[stream_id] = list(changes(procedure, matter))
    if late:
        known = recorded([c.event_id() for found in late.values() for c in found if c.due_ms <= now_ms])
        rows |= {stream_id: _open(found, now_ms, known) for stream_id, found in late.items()}
    return rows


def _open(found: Iterable[Change], now_ms: int, known: Collection[bytes]) -> int | None:
    left = (c.due_ms for c in found if c.due_ms > now_ms or c.event_id() not in known)
    return min(left, default=None)


def derived(
    reader: LedgerReader, procedures: Procedures, now_ms: int, sealed: Collection[bytes] = ()
) -> Iterator[tuple[bytes, int | None]]:
    """The whole index, derived again from what a store holds; only matters in which limits run.

    Args:
        reader: The store.
        procedures: By (id, edition).
        now_ms: Hub time, milliseconds.
        sealed: Streams that are sealed: time does nothing to them.
    """
    running = (
        (stream_id, unpack(packed))
        for stream_id, packed in reader.all_matters()
        if stream_id not in sealed and _counts(packed)
    )
    while page := dict(islice(running, _PAGE)):
        yield from due_of(page, procedures, now_ms, reader.recorded).items()


def _counts(packed: bytes) -> bool:
    return has_duties(packed) or has_ends(packed)


def basis_of(editions: Mapping[int, Hash]) -> bytes:
    """What an index was derived with: another release, or another form of the index, builds it again.

    Args:
        editions: Manifest hash of each edition.
    """
    said = b"".join(number.to_bytes(4, "big") + editions[number] for number in sorted(editions))
    return hashlib.sha256(b"pprd-due/v2\0" + said).digest()
