"""What the projections remember of one stream: its matter, who waits, what was listed and counted of it.

What was listed and counted is kept with the stream so that it can be taken back exactly: when a list changes, and when
an order hides the stream. `pack_words` and `unpack_words` are the store's own form, as `hub.matter_bytes`.
"""

from __future__ import annotations

from typing import NamedTuple

from contracts.ids import OfficeId
from hub.matter import Matter

Counted = tuple[str, ...]
"""One count: `I name office month` or `S table month row column`."""
Listed = tuple[str, int, str]
"""One row of a work list: office, due date, rule."""


class StreamRecord(NamedTuple):
    """One stream.

    Attributes:
        matter: As it stands; None if an order came before its first event.
        told: Offices that got content and have not acted since.
        listed: Its rows in work lists.
        counted: What it added to indicators and statistics.
        missed: Duties that run and were missed: rule, and the event that started it, in hexadecimal.
        is_hidden: An order hid it and none has lifted that: it is in no list and no count.
    """

    matter: Matter | None
    told: tuple[OfficeId, ...] = ()
    listed: tuple[Listed, ...] = ()
    counted: tuple[Counted, ...] = ()
    missed: tuple[str, ...] = ()
    is_hidden: bool = False


def pack_words(record: StreamRecord) -> str:
    """Write everything but the matter: five lines of words; codes and ids hold no white space."""
    listed = " ".join([f"{office or '-'} {due} {rule or '-'}" for office, due, rule in record.listed])
    counted = ";".join([" ".join(one) for one in record.counted])
    return f"{' '.join(record.told)}\n{listed}\n{counted}\n{' '.join(record.missed)}\n{record.is_hidden:d}"


def unpack_words(matter: Matter | None, text: str) -> StreamRecord:
    """Read what `pack_words` wrote."""
    told, listed, counted, missed, hidden = text.split("\n")
    words = iter(listed.split())
    return StreamRecord(
        matter,
        tuple([OfficeId(office) for office in told.split()]),
        tuple(
            [("" if o == "-" else o, int(due), "" if r == "-" else r) for o, due, r in zip(*[words] * 3, strict=True)]
        ),
        tuple([tuple(one.split(" ")) for one in counted.split(";")]) if counted else (),
        tuple(missed.split()),
        hidden == "1",
    )
